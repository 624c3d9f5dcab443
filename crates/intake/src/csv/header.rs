//! Which record is the header, and what its columns mean.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Column, MAX_COLUMNS, Options, encoding::clean};
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
        .take(MAX_COLUMNS)
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
    // A line above the list may hold a name or two as well ("Firma;Drehmark GmbH"): the header has
    // the most.
    let names = |cells: &Vec<Cow<'_, str>>| {
        let told = cells.iter().take(MAX_COLUMNS).filter(|cell| options.columns.contains_key(&clean(cell))).count();
        known(cells).max(told)
    };
    let looked_at = &records[..records.len().min(LOOKED_AT)];
    let candidates = looked_at.iter().enumerate().filter(|(_, cells)| enough(cells));
    // Of equals the first, and `max_by_key` gives the last.
    if let Some((place, _)) = candidates.rev().max_by_key(|(_, cells)| names(cells)) {
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
                    None => (None, Claim::Read(Match::Misspelt)),
                },
            };
            (Column { header: name, meaning }, claim)
        })
        .collect();
    by_context(&mut columns, samples);
    one_column_each(&mut columns, filled);
    columns.into_iter().map(|(column, _)| column).collect()
}

/// A header that a person told the meaning of and that the list does not have.
pub(super) fn without_column<'a>(options: &'a Options, columns: &[Column]) -> Option<&'a str> {
    let there = |header: &str| {
        columns.iter().any(|column| column.header == header || names::fold(&column.header) == names::fold(header))
    };
    options.columns.keys().map(String::as_str).find(|header| !there(header))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    Told,
    Read(Match),
}

fn rank(claim: Claim) -> u8 {
    match claim {
        Claim::Told => 0,
        Claim::Read(Match::Exact) => 1,
        Claim::Read(Match::Words) => 2,
        Claim::Read(Match::Misspelt) => 3,
    }
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
            "name" | "nom" | "naam" if has(columns, LeadField::FirstName) && !has(columns, LeadField::LastName) => {
                Some(LeadField::LastName)
            }
            // Italian and Spanish call the first name so, where the surname stands beside it.
            "nome" | "nombre" if has(columns, LeadField::LastName) && !has(columns, LeadField::FirstName) => {
                Some(LeadField::FirstName)
            }
            // The list of a firm's customers: the name is the customer's, somebody else is asked for.
            "name" if !has(columns, LeadField::Company) && asks_for_somebody(columns, place) => {
                Some(LeadField::Company)
            }
            // The time in a column beside the date.
            "uhrzeit" | "zeit" | "time" | "scanuhrzeit" | "erfassungsuhrzeit" if has(columns, LeadField::ScannedAt) => {
                Some(LeadField::ScannedTime)
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
            // 1 and 2 are ISO 5218; 0 and 1 are not, and mean the opposite.
            _ if columns[place].0.meaning == Some(LeadField::Salutation) && counts_genders(samples, place) => {
                Some(LeadField::GenderCode)
            }
            // "Ticket" may say VIP in every row: no number of a badge.
            _ if matches!(columns[place].0.meaning, Some(LeadField::Badge | LeadField::ExternalId))
                && repeats(samples, place) =>
            {
                None
            }
            // Participants of a report are numbered 1, 2, 3 in every report: no badge.
            "teilnehmerid" if numbered_within_report => None,
            _ => continue,
        };
        columns[place].0.meaning = meaning;
    }
}

/// Whether a column beside names the person at the customer.
fn asks_for_somebody(columns: &[(Column, Claim)], name: usize) -> bool {
    columns.iter().enumerate().any(|(place, (column, _))| {
        let folded = names::fold(&column.header);
        place != name
            && matches!(column.meaning, Some(LeadField::FullName | LeadField::LastName))
            && (folded.starts_with("ansprech") || folded.starts_with("kontakt") || folded.starts_with("contact"))
    })
}

fn counts_genders(samples: &[Vec<String>], place: usize) -> bool {
    let mut values = samples.iter().filter_map(|row| row.get(place)).filter(|cell| !cell.is_empty());
    let codes = values.clone().all(|cell| matches!(cell.trim_end_matches(".0"), "0" | "1" | "2" | "9"));
    codes && values.any(|cell| cell.starts_with('2'))
}

/// Whether most values of a column stand in several rows.
fn repeats(samples: &[Vec<String>], place: usize) -> bool {
    let values: Vec<&String> =
        samples.iter().filter_map(|row| row.get(place)).filter(|cell| !cell.is_empty()).collect();
    let distinct = values.iter().collect::<std::collections::BTreeSet<_>>().len();
    values.len() >= 4 && distinct * 2 <= values.len()
}

/// Of several columns with one meaning the best keeps it, and those as good for the rows where it
/// is empty; a person's word and an exact header come before a guess. An id is one column's.
fn one_column_each(columns: &mut [(Column, Claim)], filled: &[bool]) {
    let mut best = BTreeMap::<LeadField, (usize, (bool, u8))>::new();
    for (place, (column, claim)) in columns.iter().enumerate() {
        let Some(field) = column.meaning else {
            continue;
        };
        let rank = rank(*claim);
        let empty = rank > 0 && !filled.get(place).copied().unwrap_or(false);
        let better = best.get(&field).is_none_or(|(_, other)| (empty, rank) < *other);
        if better {
            best.insert(field, (place, (empty, rank)));
        }
    }
    for (place, (column, claim)) in columns.iter_mut().enumerate() {
        let rank = rank(*claim);
        let keeps = column.meaning.is_some_and(|field| {
            let only = matches!(field, LeadField::Badge | LeadField::ExternalId);
            best.get(&field).is_some_and(|(at, (_, of_best))| *at == place || (!only && rank <= *of_best))
        });
        if !keeps && *claim != Claim::Told {
            column.meaning = None;
        }
    }
}
