//! Further notes of one visit. The first one stands in the follow-up task; from then on the task is
//! whoever's who works on it, so that what a second scan says becomes a note of its own beside it.

use std::collections::HashMap;

use mittler_core::{Field, Kind, Record, RecordId, Said, Value, value::clean};
use mittler_enrich::Fair;

use crate::{
    about::{about_person, participation_id, reference, task_id},
    follow,
    input::Input,
};

/// The note of a visit; saying the same again is the same note.
pub fn id(participation: RecordId, note: &str) -> RecordId {
    about_person(participation, Kind::Activity, &[b"note", participation.0.as_bytes(), clean(note).as_bytes()])
}

/// What somebody noted at a visit.
pub fn of(said: Option<&[Said]>) -> Option<String> {
    let note = said?.iter().find(|said| said.field == Field::NOTE)?.value.as_ref()?;
    Some(clean(&note.display())).filter(|note| !note.is_empty())
}

/// What is shown of visits already, by participation.
#[derive(Debug, Default)]
pub struct Told(HashMap<RecordId, Vec<String>>);

impl Told {
    /// `known`: participations with their tasks, as they are.
    pub fn of(known: &[Record]) -> Told {
        let mut told = Told::default();
        for record in known {
            let (Some(person), Some(fair)) =
                (record.fields.reference(&Field::PERSON), record.fields.reference(&Field::FAIR))
            else {
                continue;
            };
            let participation = participation_id(person, fair);
            if record.id == participation {
                told.0.entry(participation).or_default().extend(record.fields.text(&Field::NOTE).map(clean));
            } else if record.id == task_id(participation) {
                told.0.entry(participation).or_default().extend(record.fields.text(&Field::BODY).map(clean));
            }
        }
        told
    }

    /// The note that an input adds to a visit that was known before it.
    pub fn further(
        &mut self,
        input: &Input,
        (person, fair_record): (RecordId, RecordId),
        fair: &Fair,
        said: &[Said],
    ) -> Option<(RecordId, Vec<Said>)> {
        let participation = participation_id(person, fair_record);
        let note = of(Some(said));
        let Some(told) = self.0.get_mut(&participation) else {
            self.0.insert(participation, note.into_iter().collect());
            return None;
        };
        let note = note.filter(|note| !told.iter().any(|known| known.contains(note.as_str())))?;
        told.push(note.clone());
        let said = stated(input, (person, Some(fair_record)), &fair.name, said, &note);
        Some((id(participation, &note), said))
    }
}

/// What a note says: of a visit, or of somebody who was not met at a fair.
pub fn stated(
    input: &Input,
    (person, fair_record): (RecordId, Option<RecordId>),
    about: &str,
    told: &[Said],
    body: &str,
) -> Vec<Said> {
    let at = told.iter().find(|said| said.field == Field::AT).and_then(|said| said.value.clone());
    let day = follow::day(input.observed_at, &input.time_zone);
    let mut said = vec![
        reference(Field::PERSON, person),
        Said::new(Field::ACTIVITY_TYPE, Value::choice("note"), "note"),
        Said::new(Field::STATUS, Value::choice("completed"), "note"),
        Said::new(Field::SUBJECT, Value::Text(format!("Notiz: {about}")), "note"),
        Said::new(Field::AT, at.unwrap_or_else(|| Value::instant(input.observed_at)), "note"),
        Said::new(Field::DUE, Value::Date(day), "note"),
        Said::new(Field::BODY, Value::Text(body.to_owned()), "note"),
    ];
    said.extend(fair_record.map(|fair| reference(Field::FAIR, fair)));
    said
}
