//! What hangs on people: fairs, participations, tasks, mails and associations.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use mittler_core::{Field, Kind, Record, RecordId, Said, Source, SourceKind, Value};
use mittler_enrich::{Fair, Way};
use mittler_store::{Result, Tx};

use super::{Env, Work, add};
use crate::{
    about::{association_id, fair_id, mail_id, participation_id, reference, task_id},
    follow,
    input::{Input, Reply},
    notes,
};

/// Fair, participation, task, mail and association of each input, by ids that depend on what they
/// connect.
pub(super) async fn graph(tx: &mut Tx, env: &Env, inputs: &[&Input], work: &mut Work) -> Result<()> {
    let mut ids: BTreeSet<RecordId> = BTreeSet::new();
    let persons = std::mem::take(&mut work.persons);
    for (at, person, organisation) in &persons {
        let input = inputs[*at];
        if let Some(fair) = input.fair.as_ref().filter(|_| input.participation.is_some()) {
            let fair = fair_id(fair);
            let visit = participation_id(*person, fair);
            ids.extend([fair, visit, task_id(visit)]);
            ids.extend(notes::of(input.participation.as_deref()).map(|note| notes::id(visit, &note)));
        }
        ids.extend(without_a_fair(input).map(|body| notes::id(*person, &body)));
        ids.extend(organisation.map(|organisation| association_id(*person, organisation)));
        ids.extend(input.reply.as_ref().map(|_| mail_id(*person, input)));
    }
    let mut told = notes::Told::default();
    let existing: HashMap<RecordId, String> = if ids.is_empty() {
        HashMap::new()
    } else {
        let known = tx.read_records(&ids.into_iter().collect::<Vec<_>>()).await?;
        told = notes::Told::of(&known);
        let subject = |record: &Record| record.fields.text(&Field::SUBJECT).unwrap_or_default().to_owned();
        known.iter().map(|record| (record.id, subject(record))).collect()
    };
    for (at, person, organisation) in persons {
        let input = inputs[at];
        if let Some(organisation) = organisation {
            name_company(work, person, input, organisation);
            let said = vec![Said::new(Field::ORGANISATION, Value::Ref(organisation), "company.recognised")];
            add(work, person, input, "organisation_of", said, input.source.clone());
            let id = association_id(person, organisation);
            if !existing.contains_key(&id) && !work.fresh.contains_key(&id) {
                work.fresh.insert(id, (Kind::Association, Some(person)));
                let said = vec![reference(Field::FROM, person), reference(Field::TO, organisation)];
                add(work, id, input, "association", said, input.source.clone());
            }
        }
        if let (Some(fair), Some(said)) = (&input.fair, &input.participation) {
            participate(env, work, (at, input), person, fair, said, &existing);
            let further = told.further(input, (person, fair_id(fair)), fair, said);
            if let Some((id, said)) = further.filter(|(id, _)| env.follow_up.enabled && !existing.contains_key(id)) {
                work.fresh.insert(id, (Kind::Activity, Some(person)));
                add(work, id, input, "note", said, input.source.clone());
            }
        }
        if let Some(body) = without_a_fair(input).filter(|_| env.follow_up.enabled) {
            let id = notes::id(person, &body);
            if !existing.contains_key(&id) && !work.fresh.contains_key(&id) {
                work.fresh.insert(id, (Kind::Activity, Some(person)));
                let said = notes::stated(input, (person, None), &input.source.name, &input.person.said, &body);
                add(work, id, input, "note", said, input.source.clone());
            }
        }
        if let Some(reply) = &input.reply {
            add_mail(work, person, input, reply, &existing);
        }
    }
    Ok(())
}

/// What a lead without a fair says that has no place but a note of the person.
fn without_a_fair(input: &Input) -> Option<String> {
    if input.participation.is_some() || input.reply.is_some() {
        return None;
    }
    let value = |field: Field| input.person.said.iter().find(|said| said.field == field)?.value.clone();
    let told = [value(Field::INTEREST), value(Field::PRIORITY), value(Field::NOTE)];
    told.iter().any(Option::is_some).then(|| body(input, &told))
}

/// A row whose company was only guessed from a domain gets the name that somebody wrote of it.
fn name_company(work: &mut Work, person: RecordId, input: &Input, organisation: RecordId) {
    let Some(name) = work.names.get(&organisation).cloned() else { return };
    let statements = work.said.get_mut(&person).into_iter().flatten();
    let mine = statements.filter(|statement| statement.signal.0 == input.signal);
    for said in mine
        .flat_map(|statement| &mut statement.said)
        .filter(|said| said.field == Field::COMPANY && said.how == "company.domain")
    {
        said.value = Some(Value::Text(name.clone()));
        said.how = "company.recognised".into();
    }
}

/// A visit of a fair: the fair, that somebody took part, and what is to be done about it.
fn participate(
    env: &Env,
    work: &mut Work,
    (at, input): (usize, &Input),
    person: RecordId,
    fair: &Fair,
    said: &[Said],
    existing: &HashMap<RecordId, String>,
) {
    let fair_record = add_fair(work, input, fair, existing);
    let participation = participation_id(person, fair_record);
    let known = existing.contains_key(&participation) || work.fresh.contains_key(&participation);
    let mut stated = said.to_vec();
    stated.extend([reference(Field::PERSON, person), reference(Field::FAIR, fair_record)]);
    // When a later part of the lead came is no time of the visit.
    if !known && !stated.iter().any(|said| said.field == Field::AT) {
        stated.push(Said::new(Field::AT, Value::instant(input.observed_at), "import.received").by_rule());
    }
    if !stated.iter().any(|said| said.field == Field::STATUS) {
        stated.push(Said::new(Field::STATUS, Value::choice("attended"), "import").by_rule());
    }
    let value = |field: &Field| stated.iter().find(|said| said.field == *field).and_then(|said| said.value.clone());
    let visit = Visit {
        person,
        fair_record,
        fair: &fair.name,
        participation,
        known,
        told: [value(&Field::INTEREST), value(&Field::PRIORITY), value(&Field::NOTE)],
    };
    add(work, participation, input, "participation", stated, input.source.clone());
    if !known {
        work.fresh.insert(participation, (Kind::Participation, Some(person)));
    }
    if env.follow_up.enabled {
        if input.refused.contains(&Way::Any) {
            note_only(work, input, &visit, fair, said);
        } else {
            follow_up(env, work, (at, input), &visit, existing);
        }
    }
}

/// Who wants to be reached by no way at all is followed up by nobody: what was said at the stand becomes a
/// note instead of a task.
fn note_only(work: &mut Work, input: &Input, visit: &Visit<'_>, fair: &Fair, said: &[Said]) {
    let note = notes::of(Some(said)).unwrap_or_default();
    let id = notes::id(visit.participation, &note);
    if visit.known || work.fresh.contains_key(&id) {
        return;
    }
    work.fresh.insert(id, (Kind::Activity, Some(visit.person)));
    let stated =
        notes::stated(input, (visit.person, Some(visit.fair_record)), &fair.name, said, &body(input, &visit.told));
    add(work, id, input, "note", stated, input.source.clone());
}

/// A visit, and what its task says of it.
struct Visit<'f> {
    person: RecordId,
    fair_record: RecordId,
    fair: &'f str,
    participation: RecordId,
    /// It was told of before this input.
    known: bool,
    /// Interest, priority and note.
    told: [Option<Value>; 3],
}

/// The first input of a fair makes it.
fn add_fair(work: &mut Work, input: &Input, fair: &Fair, existing: &HashMap<RecordId, String>) -> RecordId {
    let fair_record = fair_id(fair);
    if !existing.contains_key(&fair_record) && !work.fresh.contains_key(&fair_record) {
        work.fresh.insert(fair_record, (Kind::Fair, None));
        let text =
            |field, text: Option<&str>| text.and_then(Value::text).map(|value| Said::new(field, value, "import"));
        let date =
            |field, date: Option<jiff::civil::Date>| date.map(|date| Said::new(field, Value::Date(date), "import"));
        let said = [
            text(Field::NAME, Some(&fair.name)),
            text(Field::ORGANISER, fair.organiser.as_deref()),
            text(Field::PLACE, fair.place.as_deref()),
            text(Field::TIME_ZONE, Some(&input.time_zone)),
            date(Field::STARTS, fair.starts),
            date(Field::ENDS, fair.ends),
        ];
        add(work, fair_record, input, "fair", said.into_iter().flatten().collect(), input.source.clone());
    }
    fair_record
}

/// The task of a visit: made with it, and named once the name is known.
fn follow_up(
    env: &Env,
    work: &mut Work,
    (at, input): (usize, &Input),
    visit: &Visit<'_>,
    existing: &HashMap<RecordId, String>,
) {
    let task = task_id(visit.participation);
    let draft_text = |field: &Field| {
        let said = input.person.said.iter().find(|said| said.field == *field && said.value.is_some());
        said.and_then(|said| said.value.as_ref()).map(Value::display).unwrap_or_default()
    };
    let name = [Field::FIRST_NAME, Field::LAST_NAME]
        .iter()
        .map(&draft_text)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let name = if name.is_empty() { draft_text(&Field::EMAILS) } else { name };
    let company = draft_text(&Field::COMPANY);
    let subject = |name: &str, company: &str| {
        let parts = [("name", name.to_owned()), ("company", company.to_owned()), ("fair", visit.fair.to_owned())];
        follow::subject(&env.follow_up.subject, &BTreeMap::from(parts))
    };
    let mut named = Said::new(Field::SUBJECT, Value::Text(subject(&name, &company)), "follow_up");
    if visit.known || existing.contains_key(&task) {
        // Who was a badge alone when the task was made has a name now.
        if !name.is_empty() && existing.get(&task).is_some_and(|told| *told == subject("", "")) {
            add(work, task, input, "task", vec![named], Source::new(SourceKind::Rule, "follow_up"));
        }
        return;
    }
    if name.is_empty() {
        // Until somebody says whose badge it is.
        named.made_by = Some(SourceKind::Generated);
    }
    work.fresh.insert(task, (Kind::Activity, Some(visit.person)));
    work.tasks.push((task, visit.person, at));
    let said = to_do(env, input, visit, named);
    add(work, task, input, "task", said, Source::new(SourceKind::Rule, "follow_up"));
}

/// What the task of a visit says, with this subject.
fn to_do(env: &Env, input: &Input, visit: &Visit<'_>, subject: Said) -> Vec<Said> {
    let [_, priority, _] = &visit.told;
    let urgent = priority.as_ref().is_some_and(|value| value.display().trim_start().starts_with(['A', 'a', '1']));
    let days = if urgent { env.follow_up.due_days_urgent } else { env.follow_up.due_days };
    let due = follow::working_days_after(follow::day(input.follow_from, &input.time_zone), days);
    let mut said = vec![
        reference(Field::PERSON, visit.person),
        reference(Field::FAIR, visit.fair_record),
        Said::new(Field::ACTIVITY_TYPE, Value::choice("task"), "follow_up"),
        Said::new(Field::STATUS, Value::choice("open"), "follow_up"),
        subject,
        Said::new(Field::DUE, Value::Date(due), "follow_up"),
    ];
    said.extend(Value::text(&body(input, &visit.told)).map(|value| Said::new(Field::BODY, value, "follow_up")));
    said
}

/// What was said, for whoever follows it up: first what is not wanted, then interest, priority and note.
fn body(input: &Input, [interest, priority, note]: &[Option<Value>; 3]) -> String {
    let unwanted: Vec<&str> = input.refused.iter().map(|way| unwanted(*way)).collect();
    let unwanted = (!unwanted.is_empty()).then(|| format!("Nicht erwünscht: {}", unwanted.join(", ")));
    let title = input.person.said.iter().find(|said| said.field == Field::TITLE).and_then(|said| said.value.clone());
    let lines = [("Titel", &title), ("Interesse", interest), ("Priorität", priority), ("Notiz", note)];
    let lines =
        lines.iter().filter_map(|(label, value)| value.as_ref().map(|value| format!("{label}: {}", value.display())));
    unwanted.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

fn unwanted(way: Way) -> &'static str {
    match way {
        Way::Email => "E-Mails",
        Way::Phone => "Anrufe",
        Way::Post => "Post",
        Way::Advertising => "Werbung",
        Way::Any => "jeder Kontakt",
    }
}

/// A mail is an activity of its sender.
fn add_mail(work: &mut Work, person: RecordId, input: &Input, reply: &Reply, existing: &HashMap<RecordId, String>) {
    let id = mail_id(person, input);
    if existing.contains_key(&id) || work.fresh.contains_key(&id) {
        return;
    }
    work.fresh.insert(id, (Kind::Activity, Some(person)));
    let text = |field, text: &str| Value::text(text).map(|value| Said::new(field, value, "mail"));
    let said = [
        Some(reference(Field::PERSON, person)),
        Some(Said::new(Field::ACTIVITY_TYPE, Value::choice("email"), "mail")),
        Some(Said::new(Field::STATUS, Value::choice("completed"), "mail")),
        Some(Said::new(Field::DIRECTION, Value::choice("incoming"), "mail")),
        Some(Said::new(Field::AT, Value::instant(reply.at), "mail")),
        Some(Said::new(Field::DUE, Value::Date(follow::day(reply.at, &input.time_zone)), "mail")),
        text(Field::SUBJECT, &reply.subject).or_else(|| text(Field::SUBJECT, "E-Mail")),
        text(Field::BODY, &reply.body),
        reply.message_id.as_deref().and_then(|id| text(Field::MESSAGE_ID, id)),
    ];
    add(work, id, input, "mail", said.into_iter().flatten().collect(), input.source.clone());
}
