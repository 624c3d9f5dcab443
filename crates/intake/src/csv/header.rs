//! Which record is the header, and what its columns mean.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Column, Options, encoding::clean};
use crate::{
    LeadField,
    names::{self, Match},
};

/// Titles above a header take a few lines, not more.
pub(super) const LOOKED_AT: usize = 40;

/// How many cells are names of columns that we know.
pub(super) fn known(cells: &[Cow<'_, str>]) -> usize {
    let mut fields: Vec<LeadField> = cells
        .iter()
        .filter_map(|cell| names::meaning(&clean(cell)))
        .filter(|(_, how)| *how != Match::Misspelt)
        .map(|(field, _)| field)
        .collect();
    fields.sort_unstable();
    fields.dedup();
    fields.len()
}

/// The place of the header among the first records.
pub(super) fn find(records: &[Vec<Cow<'_, str>>], options: &Options) -> Option<usize> {
    let enough = |cells: &Vec<Cow<'_, str>>| {
        let filled = cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        let told = cells.iter().filter(|cell| options.columns.contains_key(&clean(cell))).count();
        let known = known(cells).max(told);
        (known >= 2 && known * 4 >= filled) || (known == 1 && filled <= 2 && filled == cells.len())
    };
    if let Some(place) = records.iter().take(LOOKED_AT).position(enough) {
        return Some(place);
    }
    let mut counts = BTreeMap::<usize, usize>::new();
    for cells in records {
        *counts.entry(cells.len()).or_default() += 1;
    }
    let (modal, _) = counts.into_iter().filter(|(cells, _)| *cells > 1).max_by_key(|(_, records)| *records)?;
    records.iter().take(LOOKED_AT).position(|cells| cells.len() == modal && looks_like_header(cells))
}

/// Short, distinct, and nothing that only data has.
fn looks_like_header(cells: &[Cow<'_, str>]) -> bool {
    let filled: Vec<&str> = cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    let distinct = filled.iter().collect::<std::collections::BTreeSet<_>>().len();
    filled.len() * 4 >= cells.len() * 3
        && distinct == filled.len()
        && filled.iter().all(|cell| {
            let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
            let digits = cell.chars().filter(char::is_ascii_digit).count();
            cell.chars().count() <= 60 && letters > digits && !cell.contains('@') && !cell.contains("://")
        })
}

/// Names and meanings of the columns. `samples` are the cells of the first rows, `filled` says
/// which columns have a value in any row.
pub(super) fn columns(
    header: &[Cow<'_, str>],
    options: &Options,
    samples: &[Vec<String>],
    filled: &[bool],
) -> Vec<Column> {
    let mut columns: Vec<(Column, Claim)> = distinct_names(header)
        .into_iter()
        .map(|(name, own)| {
            let (meaning, claim) = match told(options, &name) {
                Some(meaning) => (*meaning, Claim::Told),
                None => match names::meaning(&own) {
                    Some((field, how)) => (Some(field), Claim::Read(how)),
                    None => (None, Claim::Told),
                },
            };
            (Column { header: name, meaning }, claim)
        })
        .collect();
    by_context(&mut columns, samples);
    one_column_each(&mut columns, filled);
    columns.into_iter().map(|(column, _)| column).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    Told,
    Read(Match),
}

fn told<'a>(options: &'a Options, name: &str) -> Option<&'a Option<LeadField>> {
    let folded = || {
        let wanted = names::fold(name);
        options.columns.iter().find(|(header, _)| names::fold(header) == wanted).map(|(_, field)| field)
    };
    options.columns.get(name).or_else(folded)
}

/// "Notiz", "Notiz 2", "Column 7": a key per column, with the header as it was written.
fn distinct_names(header: &[Cow<'_, str>]) -> Vec<(String, String)> {
    let mut taken = std::collections::BTreeSet::new();
    let mut names = Vec::with_capacity(header.len());
    for (place, cell) in header.iter().enumerate() {
        let own = clean(cell).split_whitespace().collect::<Vec<_>>().join(" ");
        let base = if own.is_empty() { format!("Column {}", place + 1) } else { own.clone() };
        let mut name = base.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base} {number}");
            number += 1;
        }
        names.push((name, own));
    }
    names
}

/// Headers that mean different things in different lists.
fn by_context(columns: &mut [(Column, Claim)], samples: &[Vec<String>]) {
    let has = |columns: &[(Column, Claim)], field| columns.iter().any(|(column, _)| column.meaning == Some(field));
    let numbered_within_report = columns.iter().any(|(column, _)| names::fold(&column.header) == "reportid");
    for place in 0..columns.len() {
        if columns[place].1 == Claim::Told {
            continue;
        }
        let folded = names::fold(&columns[place].0.header);
        let meaning = match folded.as_str() {
            "name" if has(columns, LeadField::FirstName) && !has(columns, LeadField::LastName) => {
                Some(LeadField::LastName)
            }
            // "Title" is a degree to one vendor and a position to the next: the values tell.
            "title" | "contacttitle" | "leadtitle" if !has(columns, LeadField::Position) => {
                let mut values = samples.iter().filter_map(|row| row.get(place)).filter(|cell| !cell.is_empty());
                let degree = values.clone().filter(|cell| names::is_degree(cell)).count() * 2;
                Some(if degree > 0 && degree >= values.by_ref().count() {
                    LeadField::Title
                } else {
                    LeadField::Position
                })
            }
            // Participants of a report are numbered 1, 2, 3 in every report: no badge.
            "teilnehmerid" if numbered_within_report => None,
            _ => continue,
        };
        columns[place].0.meaning = meaning;
    }
}

/// Of several columns with one meaning the first keeps it, unless it is empty in all rows; a
/// person's word and an exact header come before a guess.
fn one_column_each(columns: &mut [(Column, Claim)], filled: &[bool]) {
    let mut best = BTreeMap::<LeadField, (usize, (bool, u8))>::new();
    for (place, (column, claim)) in columns.iter().enumerate() {
        let Some(field) = column.meaning else {
            continue;
        };
        let rank = match claim {
            Claim::Told => 0,
            Claim::Read(Match::Exact) => 1,
            Claim::Read(Match::Words) => 2,
            Claim::Read(Match::Misspelt) => 3,
        };
        let empty = rank > 0 && !filled.get(place).copied().unwrap_or(false);
        let better = best.get(&field).is_none_or(|(_, other)| (empty, rank) < *other);
        if better {
            best.insert(field, (place, (empty, rank)));
        }
    }
    for (place, (column, claim)) in columns.iter_mut().enumerate() {
        let keeps = column.meaning.is_some_and(|field| best.get(&field).is_some_and(|(at, _)| *at == place));
        if !keeps && *claim != Claim::Told {
            column.meaning = None;
        }
    }
}
