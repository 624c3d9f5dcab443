//! `mittler edit`.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::{Result, anyhow, bail};
use mittler_core::{Field, Label, Record};
use mittler_sync::edit::{Change, Editor, Written};
use serde_json::json;

use crate::{
    cli::EditArgs,
    commands::{
        forget::find,
        print_json,
        questions::{changes_and_writes, lines, questions},
    },
    service::CliContext,
};

pub async fn run(cli: &CliContext, args: &EditArgs, json: bool) -> Result<ExitCode> {
    let id = find(cli, &args.record).await?;
    let editor = Editor::of(&questions(cli).await?);
    let record = cli.store.record(id).await?.ok_or_else(|| anyhow!("there is no such record"))?;
    let changes = changes(&record, args)?;
    let preview = editor.preview(id, &changes).await?.map_err(|not| anyhow!("{not}"))?;
    let edited = editor.edit(id, record.version, &changes, "cli").await?.map_err(|not| anyhow!("{not}"))?;
    let restricted = cli.store.restricted_since(id).await?.is_some();
    if json {
        let [changes, writes] = changes_and_writes(&preview);
        return print_json(&json!({ "record": id, "version": edited.record.version, "changed": edited.changed,
            "restricted": restricted, "changes": changes, "writes": writes }));
    }
    if !edited.changed {
        println!("all of it is so already");
        return Ok(ExitCode::SUCCESS);
    }
    for line in lines(&preview) {
        println!("{line}");
    }
    for name in changes.iter().filter(|(_, change)| **change != Change::LetGo).map(|(name, _)| name) {
        if !editor.holds(&Field::named(name.clone())) {
            println!("{name}: whoever says something newer of it changes it again: a CRM, a mail, a list");
        }
    }
    println!(
        "{}",
        match (restricted, preview.writes.is_empty()) {
            (true, _) => "nobody is told while the processing of this person is restricted",
            (false, true) => "no CRM has to be told",
            (false, false) => "a running service tells the CRMs",
        }
    );
    Ok(ExitCode::SUCCESS)
}

/// What the arguments ask for, each field once.
fn changes(record: &Record, args: &EditArgs) -> Result<BTreeMap<String, Change>> {
    let mut changes = BTreeMap::new();
    let mut lists: BTreeMap<String, Vec<Written>> = BTreeMap::new();
    for set in &args.set {
        let Some((name, text)) = set.split_once('=') else {
            bail!("{set:?} is no FIELD=VALUE, such as position=Prokuristin");
        };
        let (field, sign) = match name.strip_suffix(['+', '-']) {
            Some(bare) => (bare.to_owned(), &name[bare.len()..]),
            None => (name.to_owned(), ""),
        };
        if !Field::named(field.clone()).is_set() {
            if !sign.is_empty() {
                bail!("{field} has one value: write {field}=VALUE");
            }
            once(&mut changes, field, Change::to(text))?;
            continue;
        }
        let list = lists.entry(field.clone()).or_insert_with(|| match sign {
            "" => Vec::new(),
            _ => present(record, &field),
        });
        let written = text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(element);
        if sign == "-" {
            for gone in written {
                let before = list.len();
                list.retain(|known| !same(&known.text, &gone.text));
                if list.len() == before {
                    bail!("{field}: the record does not have {}", gone.text);
                }
            }
        } else {
            list.extend(written);
        }
    }
    for (field, list) in lists {
        once(&mut changes, field, Change::Set(list))?;
    }
    for (names, change) in [(&args.clear, Change::Empty), (&args.let_go, Change::LetGo)] {
        for name in names {
            once(&mut changes, name.clone(), change.clone())?;
        }
    }
    Ok(changes)
}

fn once(changes: &mut BTreeMap<String, Change>, field: String, change: Change) -> Result<()> {
    if changes.contains_key(&field) {
        bail!("{field} is given twice");
    }
    changes.insert(field, change);
    Ok(())
}

fn present(record: &Record, field: &str) -> Vec<Written> {
    let elements = record.fields.elements(&Field::named(field.to_owned())).iter();
    elements.map(|element| Written { text: element.sourced.value.display(), label: element.label }).collect()
}

/// `mobile:+49 171 5550900`, or without its label.
fn element(text: &str) -> Written {
    let label = |name: &str| serde_json::from_value::<Label>(name.trim().to_lowercase().into()).ok();
    match text.split_once(':').and_then(|(name, rest)| Some((label(name)?, rest))) {
        Some((label, rest)) => Written { text: rest.trim().to_owned(), label: Some(label) },
        None => Written { text: text.to_owned(), label: None },
    }
}

/// Whether two ways to write an address or a number are the same, as far as that shows.
fn same(known: &str, written: &str) -> bool {
    let plain = |text: &str| -> String {
        text.to_lowercase().chars().filter(|c| !matches!(c, ' ' | '-' | '/' | '(' | ')')).collect()
    };
    plain(known) == plain(written)
}

#[cfg(test)]
mod tests {
    use mittler_core::{Fields, Kind, RecordId};

    use super::*;

    fn args(set: &[&str], clear: &[&str]) -> EditArgs {
        let all = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        EditArgs { record: "rec_1".into(), set: all(set), clear: all(clear), let_go: Vec::new() }
    }

    fn nobody() -> Record {
        let id = RecordId(uuid::Uuid::from_u128(1));
        Record { id, kind: Kind::Person, version: 1, fields: Fields::default() }
    }

    #[test]
    fn a_list_is_written_at_once_or_element_by_element_each_with_its_label() {
        let read = changes(&nobody(), &args(&["phones=0711 123, mobile:0171 123", "city=Ulm, Donau"], &[])).unwrap();
        let written = |text: &str, label| Written { text: text.into(), label };
        let phones = vec![written("0711 123", None), written("0171 123", Some(Label::Mobile))];
        assert_eq!(read["phones"], Change::Set(phones));
        assert_eq!(read["city"], Change::to("Ulm, Donau"), "a single value keeps its comma");
        let added = changes(&nobody(), &args(&["emails+=a@b.example", "emails+=c@d.example"], &[])).unwrap();
        let Change::Set(list) = &added["emails"] else { panic!() };
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn what_says_two_things_of_one_field_is_refused() {
        for (set, clear) in [(&["city=Ulm", "city=Aalen"][..], &[][..]), (&["city=Ulm"], &["city"]), (&["city"], &[])] {
            assert!(changes(&nobody(), &args(set, clear)).is_err(), "{set:?} {clear:?}");
        }
        assert!(changes(&nobody(), &args(&["city+=Ulm"], &[])).is_err());
        assert!(changes(&nobody(), &args(&["emails-=a@b.example"], &[])).is_err(), "it is not there");
    }
}
