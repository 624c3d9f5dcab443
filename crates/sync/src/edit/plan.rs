//! From what somebody wishes a record to say to the statements that make it say so. No I/O.
//!
//! **Invariant:** an edit is a claim like any other: whether it holds is the field's policy's to say. What the
//! policy would not let stand is refused, and not stored as if it stood.

use std::collections::{BTreeMap, BTreeSet};

use mittler_core::{
    Element, Field, Fields, Interval, Kind, Label, Record, Said, SignalId, Source, SourceKind, Statement, SubjectId,
    Time, Value, Version, derive, derive::Overrides, policy::Policy,
};
use mittler_normalise::company;
use mittler_store::derived_id;

use super::{
    EDITED, Fault,
    values::{Listed, Wish},
};

/// A record with all that is said of it, and how its fields are derived.
pub(super) struct Ground<'a> {
    pub record: &'a Record,
    pub said: &'a [Statement],
    pub overrides: &'a Overrides,
}

/// Who edits, when, and the ids that the statements get.
pub(super) struct Edit<'a> {
    pub actor: &'a str,
    pub now: Time,
    pub signals: [SignalId; 2],
}

/// What an edit comes to.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// Statements to be added.
    pub new: Vec<Statement>,
    /// Statements of earlier edits that say less from now on; those that say nothing any more are dropped.
    pub fewer: Vec<Statement>,
    pub dropped: Vec<Statement>,
    /// What the record says then.
    pub after: Fields,
    /// What becomes of each field: `set`, `emptied`, `let_go`.
    pub done: BTreeMap<Field, &'static str>,
}

impl Planned {
    /// Whether everything is as it was wished already.
    pub fn is_nothing(&self) -> bool {
        self.done.is_empty()
    }
}

/// The policy by which a field is derived.
pub(super) fn policy_of(field: &Field, overrides: &Overrides) -> Policy {
    overrides.get(field).copied().unwrap_or(field.spec().policy)
}

/// Whether a statement's claim was made by an edit.
fn is_edit(statement: &Statement, said: &Said) -> bool {
    statement.source.kind == SourceKind::Person && said.how == EDITED
}

/// The fields of which an edit says something, whether it holds or not.
pub(super) fn edited(said: &[Statement]) -> BTreeSet<Field> {
    let claims = said.iter().flat_map(|one| one.said.iter().filter(|said| is_edit(one, said)));
    claims.map(|said| said.field.clone()).collect()
}

/// Fields that follow from another one, and are said and let go with it.
fn parts_of(field: &Field) -> &'static [Field] {
    static NAME: [Field; 2] = [Field::CORE_NAME, Field::LEGAL_FORM];
    static OWNER: [Field; 1] = [Field::OWNER_REASON];
    match field.as_str() {
        "name" => &NAME,
        "owner" => &OWNER,
        _ => &[],
    }
}

/// What of the wishes is not so yet, as statements.
pub(super) fn plan(
    ground: &Ground<'_>,
    wishes: &BTreeMap<Field, Wish>,
    edit: &Edit<'_>,
) -> Result<Planned, (String, Fault)> {
    let open: BTreeMap<&Field, &Wish> = wishes.iter().filter(|(field, wish)| !ground.is_so(field, wish)).collect();
    let mut planned = Planned { after: ground.record.fields.clone(), ..Planned::default() };
    if open.is_empty() {
        return Ok(planned);
    }
    let mut claims = Claims { at: ground.moment(&open, edit.now), held: Vec::new(), said: Vec::new() };
    let mut withdrawn = BTreeSet::new();
    for (field, wish) in &open {
        let done = match wish {
            Wish::One(value) => {
                // Of a field that keeps its first value an earlier edit would stand before this one.
                if policy_of(field, ground.overrides) == Policy::FillEmpty {
                    withdrawn.insert((*field).clone());
                }
                claims.set(ground, field, value);
                "set"
            }
            Wish::Many(list) => {
                claims.list(ground, field, list);
                "set"
            }
            Wish::Empty => {
                claims.empty(ground, field);
                "emptied"
            }
            Wish::LetGo => {
                withdrawn.extend([(*field).clone()].into_iter().chain(parts_of(field).iter().cloned()));
                "let_go"
            }
        };
        planned.done.insert((*field).clone(), done);
    }
    let mut said = planned.withdraw(ground.said, &withdrawn);
    planned.new = claims.statements(ground.record, edit);
    said.extend(planned.new.iter().cloned());
    planned.after = derive(&said, ground.overrides);
    check(ground.record, &planned.after, &open)?;
    Ok(planned)
}

/// Whether a set has the elements of a list, each with its label, and those before all others that the list has so.
/// The order of the rest is the policy's.
fn is_list(field: &Field, elements: &[Element], list: &[Listed]) -> bool {
    let has: Vec<Entry<'_>> = elements.iter().map(|element| (element.key.as_str(), element.label)).collect();
    let wants: Vec<Entry<'_>> = list.iter().map(|listed| (listed.key.as_str(), listed.label)).collect();
    let (all, wanted): (BTreeSet<_>, BTreeSet<_>) = (has.iter().collect(), wants.iter().collect());
    all == wanted && mains(field, &has) == mains(field, &wants)
}

/// An element by its key, and what it is for.
type Entry<'a> = (&'a str, Option<Label>);

/// The first address; of numbers the first of each label, since a CRM has a field for each.
fn mains<'a>(field: &Field, entries: &[Entry<'a>]) -> BTreeSet<Entry<'a>> {
    let by_label = *field == Field::PHONES;
    let is_main =
        |place: usize| place == 0 || by_label && !entries[..place].iter().any(|(_, label)| *label == entries[place].1);
    (0..entries.len()).filter(|place| is_main(*place)).map(|place| entries[place]).collect()
}

/// Refuses what would not stand, and an edit after which nothing names the record.
fn check(record: &Record, after: &Fields, wishes: &BTreeMap<&Field, &Wish>) -> Result<(), (String, Fault)> {
    for (field, wish) in wishes {
        let stands = match wish {
            Wish::One(value) => after.value(field) == Some(value),
            Wish::Many(list) => is_list(field, after.elements(field), list),
            Wish::Empty => after.value(field).is_none(),
            Wish::LetGo => true,
        };
        if !stands {
            return Err((field.to_string(), Fault::Kept));
        }
    }
    let naming: &[Field] = match record.kind {
        Kind::Organisation => &[Field::NAME],
        _ => &[Field::LAST_NAME, Field::FIRST_NAME, Field::EMAILS],
    };
    let named = |fields: &Fields| naming.iter().any(|field| fields.value(field).is_some());
    let emptied = naming.iter().find(|field| wishes.get(field) == Some(&&Wish::Empty));
    match emptied {
        Some(field) if named(&record.fields) && !named(after) => Err((field.to_string(), Fault::NamesNobody)),
        _ => Ok(()),
    }
}

impl Ground<'_> {
    /// Whether a person has said just this, and it holds.
    fn is_so(&self, field: &Field, wish: &Wish) -> bool {
        let fields = &self.record.fields;
        match wish {
            Wish::One(value) => fields
                .sourced(field)
                .is_some_and(|sourced| sourced.value == *value && sourced.source.kind == SourceKind::Person),
            Wish::Many(list) => {
                let elements = fields.elements(field);
                let by_person = |element: &Element| element.sourced.source.kind == SourceKind::Person;
                is_list(field, elements, list) && elements.iter().all(by_person)
            }
            Wish::Empty => fields.value(field).is_none(),
            Wish::LetGo => !edited(self.said).contains(field),
        }
    }

    /// When the edit is said: whoever writes has what stands before them, so that it is after all of that, also
    /// where the clock of a stand or of a CRM runs ahead.
    fn moment(&self, wishes: &BTreeMap<&Field, &Wish>, now: Time) -> Time {
        let elements = wishes.values().map(|wish| if let Wish::Many(list) = wish { list.len() } else { 1 });
        let room = i64::try_from(elements.max().unwrap_or(1)).unwrap_or(1) + 2;
        let subject = subject(self.record);
        let claims = self.said.iter().flat_map(Statement::claims);
        let before = claims.filter_map(|claim| {
            let own = claim.statement.subject == subject;
            let told = own || wishes.contains_key(&claim.said.field);
            told.then(|| claim.set().until.max(if own { claim.statement.version.0 } else { Time(0) }))
        });
        before.max().map_or(now, |latest| now.max(Time(latest.0 + room)))
    }
}

/// The person in Mittler as a source of a record: whoever it was that wrote.
fn subject(record: &Record) -> SubjectId {
    SubjectId(derived_id(&[b"person", record.id.0.as_bytes()]))
}

/// The claims of an edit.
struct Claims {
    at: Time,
    /// What was there before: only who held a value can take it back.
    held: Vec<Said>,
    said: Vec<Said>,
}

impl Claims {
    fn set(&mut self, ground: &Ground<'_>, field: &Field, value: &Value) {
        self.said.push(Said::new(field.clone(), value.clone(), EDITED));
        let text = value.display();
        if *field == Field::OWNER {
            self.said.push(Said::new(Field::OWNER_REASON, Value::Text("named by a person".into()), EDITED));
        }
        if *field != Field::NAME {
            return;
        }
        let Some(company) = company::read(&text, ground.record.fields.text(&Field::CITY).unwrap_or("")) else { return };
        self.said.push(Said::new(Field::CORE_NAME, Value::Text(company.core), EDITED).by_rule());
        match company.legal_form {
            Some(form) => self.said.push(Said::new(Field::LEGAL_FORM, Value::Text(form.to_owned()), EDITED)),
            None => self.clear(ground, &Field::LEGAL_FORM),
        }
    }

    /// The list as a whole is what the person says: each element in its place, and what is not in it is no more.
    fn list(&mut self, ground: &Ground<'_>, field: &Field, list: &[Listed]) {
        let entries: Vec<Entry<'_>> = list.iter().map(|listed| (listed.key.as_str(), listed.label)).collect();
        let mains = mains(field, &entries);
        for (place, listed) in (0_i64..).zip(list) {
            let said = Said::element(field.clone(), listed.key.clone(), listed.value.clone(), EDITED);
            // Which of two comes first is which was said last.
            let set = Some(Interval::at(Time(self.at.0 - place)));
            self.said.push(Said {
                label: listed.label,
                primary: mains.contains(&(listed.key.as_str(), listed.label)),
                set,
                ..said
            });
        }
        for element in ground.record.fields.elements(field) {
            if !list.iter().any(|listed| listed.key == element.key) {
                self.remove(field, element);
            }
        }
    }

    fn remove(&mut self, field: &Field, element: &Element) {
        let said = Said::element(field.clone(), element.key.clone(), element.sourced.value.clone(), EDITED);
        self.held.push(Said { label: element.label, ..said });
        // A list that still has it does not bring it back.
        self.said
            .push(Said { replaced: true, ..Said::cleared(field.clone(), Some(element.key.clone()), None, EDITED) });
    }

    fn empty(&mut self, ground: &Ground<'_>, field: &Field) {
        for element in ground.record.fields.elements(field) {
            self.remove(field, element);
        }
        if !field.is_set() {
            self.clear(ground, field);
            for part in parts_of(field) {
                self.clear(ground, part);
            }
        }
    }

    fn clear(&mut self, ground: &Ground<'_>, field: &Field) {
        if let Some(value) = ground.record.fields.value(field) {
            self.held.push(Said::new(field.clone(), value.clone(), EDITED));
            self.said.push(Said::cleared(field.clone(), None, None, EDITED));
        }
    }

    fn statements(self, record: &Record, edit: &Edit<'_>) -> Vec<Statement> {
        let [before, signal] = edit.signals;
        let statement = |signal: SignalId, at: Time, said: Vec<Said>| Statement {
            subject: subject(record),
            signal,
            source: Source::new(SourceKind::Person, edit.actor),
            observed_at: at,
            version: Version(at, at),
            said,
        };
        let both = [statement(before, Time(self.at.0 - 1), self.held), statement(signal, self.at, self.said)];
        both.into_iter().filter(|statement| !statement.said.is_empty()).collect()
    }
}

impl Planned {
    /// Takes what earlier edits said of some fields out of the statements, notes what changes in them, and gives
    /// what is left.
    fn withdraw(&mut self, said: &[Statement], fields: &BTreeSet<Field>) -> Vec<Statement> {
        let mut left = Vec::with_capacity(said.len());
        for statement in said {
            let mut fewer = statement.clone();
            fewer.said.retain(|said| !(fields.contains(&said.field) && is_edit(statement, said)));
            if fewer.said.is_empty() && !statement.said.is_empty() {
                self.dropped.push(fewer);
                continue;
            }
            if fewer.said.len() < statement.said.len() {
                self.fewer.push(fewer.clone());
            }
            left.push(fewer);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use mittler_core::RecordId;
    use uuid::Uuid;

    use super::*;

    const NOW: Time = Time(1_000_000);

    fn other(kind: SourceKind, at: i64, said: Vec<Said>) -> Statement {
        Statement {
            subject: SubjectId(Uuid::from_u128(u128::from(at.unsigned_abs()))),
            signal: SignalId(Uuid::from_u128(u128::from(at.unsigned_abs()))),
            source: Source::new(kind, "test"),
            observed_at: Time(at),
            version: Version(Time(at), Time(at)),
            said,
        }
    }

    fn text(field: Field, value: &str) -> Said {
        Said::new(field, Value::Text(value.into()), "test")
    }

    fn address(value: &str) -> Said {
        Said::element(Field::EMAILS, value, Value::Text(value.into()), "test").labelled(Label::Work).primary()
    }

    fn listed(value: &str) -> Listed {
        Listed { key: value.into(), value: Value::Text(value.into()), label: Some(Label::Work) }
    }

    /// A record of what is said, edited one wish after the other; gives what is said then.
    fn edited_by(kind: Kind, mut said: Vec<Statement>, wishes: &[(Field, Wish)]) -> (Vec<Statement>, Fields) {
        let overrides = Overrides::new();
        for (number, (field, wish)) in (1_u128..).zip(wishes) {
            let id = RecordId(Uuid::from_u128(7));
            let record = Record { id, kind, version: 1, fields: derive(&said, &overrides) };
            let ground = Ground { record: &record, said: &said, overrides: &overrides };
            let signals = [0, 1].map(|part| SignalId(Uuid::from_u128(1_000 * number + part)));
            let edit = Edit { actor: "somebody", now: NOW, signals };
            let wishes = BTreeMap::from([(field.clone(), wish.clone())]);
            let planned = plan(&ground, &wishes, &edit).unwrap();
            let gone = |one: &Statement| {
                let same = |other: &Statement| (other.subject, other.signal) == (one.subject, one.signal);
                planned.dropped.iter().chain(&planned.fewer).any(same)
            };
            said.retain(|one| !gone(one));
            said.extend(planned.fewer.iter().cloned());
            said.extend(planned.new.iter().cloned());
            assert_eq!(derive(&said, &overrides), planned.after, "what is stored says what was planned");
        }
        let fields = derive(&said, &overrides);
        (said, fields)
    }

    fn one(value: &str) -> Wish {
        Wish::One(Value::Text(value.into()))
    }

    #[test]
    fn who_lets_go_gets_back_exactly_what_others_say() {
        let said = vec![
            other(SourceKind::Badge, 10, vec![text(Field::POSITION, "Einkäufer"), address("a@b.example")]),
            other(SourceKind::Crm, 20, vec![text(Field::POSITION, "Leiter"), text(Field::TITLE, "Dr.")]),
            other(SourceKind::Badge, 11, vec![text(Field::LAST_NAME, "Kranich")]),
        ];
        let before = derive(&said, &Overrides::new());
        let wishes = [
            (Field::POSITION, one("Chef")),
            (Field::POSITION, Wish::Empty),
            (Field::TITLE, Wish::Empty),
            (Field::EMAILS, Wish::Many(vec![listed("c@d.example")])),
            (Field::EMAILS, Wish::Empty),
        ];
        let (edited, fields) = edited_by(Kind::Person, said.clone(), &wishes);
        assert_eq!(fields.0.keys().collect::<Vec<_>>(), [&Field::LAST_NAME]);
        let back = [Field::POSITION, Field::TITLE, Field::EMAILS].map(|field| (field, Wish::LetGo));
        let (left, fields) = edited_by(Kind::Person, edited, &back);
        assert_eq!((left, fields), (said, before), "no trace of it is left");
    }

    #[test]
    fn the_second_edit_at_the_same_moment_holds_and_also_after_a_clock_that_ran_ahead() {
        let ahead = other(SourceKind::Form, NOW.0 + 60_000_000, vec![text(Field::POSITION, "Einkäufer")]);
        let (_, fields) =
            edited_by(Kind::Person, vec![ahead], &[(Field::POSITION, one("Leiter")), (Field::POSITION, one("Chef"))]);
        assert_eq!(fields.text(&Field::POSITION), Some("Chef"));
    }

    #[test]
    fn the_first_address_of_a_list_is_the_main_one_and_what_is_not_in_it_is_no_more() {
        let said = vec![
            other(SourceKind::Crm, 20, vec![address("crm@b.example")]),
            other(SourceKind::Badge, 10, vec![address("a@b.example")]),
        ];
        let wanted = ["new@b.example", "a@b.example", "crm@b.example", "z@b.example"];
        let list = Wish::Many(wanted.map(listed).to_vec());
        let (said, fields) = edited_by(Kind::Person, said, &[(Field::EMAILS, list)]);
        let keys = |fields: &Fields| -> Vec<String> {
            fields.elements(&Field::EMAILS).iter().map(|element| element.key.clone()).collect()
        };
        assert_eq!((keys(&fields).len(), keys(&fields)[0].as_str()), (4, "new@b.example"));
        // What was taken out is not brought back by a list that has it still.
        let (mut said, fields) =
            edited_by(Kind::Person, said, &[(Field::EMAILS, Wish::Many(vec![listed("new@b.example")]))]);
        assert_eq!(keys(&fields), ["new@b.example"]);
        said.push(other(SourceKind::Badge, NOW.0 + 90_000_000, vec![address("a@b.example")]));
        assert_eq!(keys(&derive(&said, &Overrides::new())), ["new@b.example"]);
    }

    #[test]
    fn of_numbers_the_first_of_each_label_is_the_main_one() {
        let number = |number: &str, label: Label| {
            Said::element(Field::PHONES, number, Value::Text(number.into()), "test").labelled(label).primary()
        };
        let said = vec![other(
            SourceKind::Badge,
            10,
            vec![number("+491712", Label::Mobile), text(Field::LAST_NAME, "Kranich"), number("+497111", Label::Work)],
        )];
        let listed = |number: &str, label: Label| Listed {
            key: number.into(),
            value: Value::Text(number.into()),
            label: Some(label),
        };
        let list =
            vec![listed("+497111", Label::Work), listed("+491713", Label::Mobile), listed("+491712", Label::Mobile)];
        let (_, fields) = edited_by(Kind::Person, said, &[(Field::PHONES, Wish::Many(list))]);
        let first = |label: Label| fields.labelled(&Field::PHONES, &[label]).map(|element| element.key.as_str());
        assert_eq!((first(Label::Mobile), first(Label::Work)), (Some("+491713"), Some("+497111")));
    }

    #[test]
    fn a_field_that_keeps_its_first_value_takes_each_edit_and_is_not_emptied() {
        let said = vec![other(SourceKind::Crm, 20, vec![text(Field::DOMAIN, "alt.example")])];
        let wishes = [(Field::DOMAIN, one("neu.example")), (Field::DOMAIN, one("neuer.example"))];
        let (said, fields) = edited_by(Kind::Organisation, said, &wishes);
        assert_eq!(fields.text(&Field::DOMAIN), Some("neuer.example"));
        let (overrides, wishes) = (Overrides::new(), BTreeMap::from([(Field::DOMAIN, Wish::Empty)]));
        let record = Record { id: RecordId(Uuid::from_u128(7)), kind: Kind::Organisation, version: 1, fields };
        let ground = Ground { record: &record, said: &said, overrides: &overrides };
        let edit = Edit { actor: "somebody", now: NOW, signals: [1, 2].map(|id| SignalId(Uuid::from_u128(id))) };
        assert_eq!(plan(&ground, &wishes, &edit).unwrap_err(), ("domain".to_owned(), Fault::Kept));
    }

    #[test]
    fn the_parts_of_a_company_name_come_and_go_with_it() {
        let said = vec![other(
            SourceKind::Badge,
            10,
            vec![
                text(Field::NAME, "Kranich GmbH"),
                text(Field::CORE_NAME, "kranich").by_rule(),
                text(Field::LEGAL_FORM, "GmbH"),
            ],
        )];
        let before = derive(&said, &Overrides::new());
        let (said, fields) = edited_by(Kind::Organisation, said, &[(Field::NAME, one("Storch"))]);
        assert_eq!((fields.text(&Field::CORE_NAME), fields.text(&Field::LEGAL_FORM)), (Some("storch"), None));
        let (_, fields) = edited_by(Kind::Organisation, said, &[(Field::NAME, Wish::LetGo)]);
        assert_eq!(fields, before);
    }
}
