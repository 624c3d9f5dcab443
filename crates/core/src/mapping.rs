//! The only mapping between records and a CRM: one TOML file per connection, read once.
//!
//! `project` turns a record into the fields of a remote type; `lift` turns what a CRM shows into
//! what its subject says. Both are pure. A reference to another record and an owner come out as
//! [`Value::Ref`] and [`Wanted::owner`]; whoever knows the remote ids fills them in.

use std::collections::BTreeMap;

use jiff::{civil::Date, tz::TimeZone};
use serde::Deserialize;

use crate::{
    Field, Fields, Kind, Label, RecordId, RemoteFields, RemoteSchema, Said, Value,
    policy::Policy,
    remote::{RemoteField, RemoteType},
};

/// All that one connection maps.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default, rename = "object")]
    pub objects: Vec<Object>,
}

/// One remote type of one kind of record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    pub kind: Kind,
    pub remote: String,
    /// `field:code`: only records whose field has that choice. Several objects may have one remote
    /// type and different conditions; the first that holds is meant.
    #[serde(default)]
    pub when: Option<String>,
    /// `false`: records that the CRM has are kept up to date, but none are made.
    #[serde(default = "yes")]
    pub create: bool,
    #[serde(default)]
    pub fields: BTreeMap<String, Rule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    Both,
    Push,
    Pull,
    Off,
}

fn yes() -> bool {
    true
}

/// How one remote field is filled, and read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A record's field: `last_name`, `emails`, `phones[work,direct]`.
    pub from: Option<String>,
    /// A fixed text.
    #[serde(rename = "const")]
    pub constant: Option<String>,
    /// A record's Ref field: the remote id of that record.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// With `ref`: only if that record is one of these remote types there.
    #[serde(default)]
    pub to: Vec<String>,
    /// The owner's remote id. With `direction = "pull"` the CRM says who owns the record, and is
    /// never told.
    #[serde(default)]
    pub owner: bool,
    /// With `from`: a second field for records that have no value in the first.
    pub otherwise: Option<String>,
    /// Used when the record has no value.
    pub default: Option<String>,
    #[serde(default)]
    pub transform: Vec<String>,
    #[serde(default)]
    pub direction: Direction,
    pub policy: Option<Policy>,
    #[serde(default)]
    pub create_only: bool,
    /// Choice codes of ours to codes of theirs.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
}

/// What is wrong with a mapping, in words for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct MappingError {
    pub place: String,
    pub problem: String,
}

/// A finding of the check against the CRM's own description.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub remote_type: String,
    pub field: String,
    /// `missing_field`, `wrong_type`, `unknown_choice`, `not_writable`, `required_unmapped`,
    /// `may_be_too_long`.
    pub code: String,
    pub text: String,
    /// Writing would fail, not only be shortened.
    pub fatal: bool,
}

/// What a record should be in a CRM, before references have become remote ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Fields for create and update; references are [`Value::Ref`].
    pub fields: RemoteFields,
    /// Names of the fields that go only with a create.
    pub create_only: Vec<String>,
    /// Which remote types a reference may be: field name to types (empty: any).
    pub reference_to: BTreeMap<String, Vec<String>>,
    /// Names of the fields that take the owner's remote id.
    pub owner: Vec<String>,
    /// Names of the fields whose value stands in for one that the record does not have: a CRM that insists
    /// on a surname is given the address when the record is made there.
    pub stand_ins: Vec<String>,
}

impl Wanted {
    pub fn references(&self) -> impl Iterator<Item = (&str, RecordId)> {
        self.fields.0.iter().filter_map(|(name, value)| match value {
            Some(Value::Ref(record)) => Some((name.as_str(), *record)),
            _ => None,
        })
    }
}

impl Mapping {
    /// Reads and checks a mapping file.
    ///
    /// # Errors
    /// Names the object and field that cannot be.
    pub fn parse(text: &str) -> Result<Mapping, MappingError> {
        let mapping: Mapping = toml::from_str(text)
            .map_err(|error| MappingError { place: "mapping".into(), problem: error.to_string() })?;
        for object in &mapping.objects {
            let place = format!("{} → {}", object.kind, object.remote);
            if let Some(when) = &object.when {
                check_condition(when).map_err(|problem| MappingError { place: place.clone(), problem })?;
            }
            for (name, rule) in &object.fields {
                rule.check().map_err(|problem| MappingError { place: format!("{place}.{name}"), problem })?;
            }
        }
        Ok(mapping)
    }

    /// The first object of a remote type; see [`Mapping::object_for`] for that of a record.
    pub fn object(&self, remote: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.remote == remote)
    }

    /// Of the objects of a remote type the first whose condition the record fulfils. A link stays
    /// what it is: without such an object it is the first of its type.
    pub fn object_for(&self, remote: &str, fields: &Fields) -> Option<&Object> {
        let mut of_type = self.objects.iter().filter(|object| object.remote == remote);
        of_type.clone().find(|object| object.admits(fields)).or_else(|| of_type.next())
    }

    /// The remote fields that a read of a type has to ask for, whatever object a record is.
    pub fn field_names(&self, remote: &str) -> Vec<String> {
        let of_type = self.objects.iter().filter(|object| object.remote == remote);
        let mut names: Vec<String> = of_type.flat_map(Object::field_names).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Whether records of a kind name the record of another kind that a field refers to, and the CRM has that one made:
    /// then that one goes first.
    pub fn refers(&self, kind: Kind, field: &Field, to: Kind) -> bool {
        let names = |object: &Object| {
            let mut told = object.fields.iter().filter(|(name, _)| object.pushes(name));
            told.any(|(_, rule)| rule.reference.as_deref() == Some(field.as_str()))
        };
        self.of_kind(kind).any(names) && self.of_kind(to).any(|object| object.create)
    }

    /// The objects of a kind, in the order of the file.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(move |object| object.kind == kind)
    }

    /// The first object of the kind whose condition on the record's own fields holds.
    pub fn choose(&self, kind: Kind, fields: &Fields) -> Option<&Object> {
        self.of_kind(kind).find(|object| object.admits(fields))
    }

    /// Policies that the file sets.
    pub fn overrides(&self) -> crate::derive::Overrides {
        let rules = self.objects.iter().flat_map(|object| object.fields.values());
        rules.filter_map(|rule| Some((path(rule.from.as_deref()?).0, rule.policy?))).collect()
    }
}

impl Object {
    /// Whether the condition on the record's own fields holds.
    pub fn admits(&self, fields: &Fields) -> bool {
        let condition = self.when.as_deref().and_then(|when| when.split_once(':'));
        condition.is_none_or(|(field, code)| fields.text(&Field::named(field)) == Some(code))
    }

    /// What the record should be in this remote type. Fields that the record has no value for are
    /// left out: clearing is the plan's business, for what was sent before.
    pub fn project(&self, fields: &Fields) -> Wanted {
        let mut wanted = Wanted::default();
        for (name, rule) in &self.fields {
            if matches!(rule.direction, Direction::Pull | Direction::Off) {
                continue;
            }
            if rule.create_only {
                wanted.create_only.push(name.clone());
            }
            if rule.owner {
                wanted.owner.push(name.clone());
                continue;
            }
            if let Some((value, stands_in)) = rule.value(fields) {
                if stands_in {
                    wanted.stand_ins.push(name.clone());
                }
                if matches!(value, Value::Ref(_)) {
                    wanted.reference_to.insert(name.clone(), rule.to.clone());
                }
                wanted.fields.set(name.clone(), value);
            }
        }
        wanted
    }

    /// What the CRM's subject says by showing these values of a record. Fields that the file does
    /// not map, or only pushes, say nothing. An emptied field of a set says nothing either: which
    /// element it was, only who knows what the field showed before can tell.
    pub fn lift(&self, shown: &RemoteFields, record: &Fields) -> Vec<Said> {
        let mut said = Vec::new();
        for (name, value) in &shown.0 {
            let Some(rule) = self.fields.get(name) else { continue };
            if matches!(rule.direction, Direction::Push | Direction::Off) {
                continue;
            }
            let Some(from) = rule.from.as_deref() else { continue };
            said.extend(rule.lift(from, value.as_ref(), record));
        }
        said
    }

    /// How a value of the record would be written to a remote field: with its map and transforms.
    pub fn shape(&self, name: &str, value: Value, record: &Fields) -> Option<Value> {
        self.fields.get(name).map(|rule| rule.shape(value, record))
    }

    /// The field of ours that a remote field shows, with the labels of the elements it may show of a set.
    pub fn shows(&self, name: &str) -> Option<(Field, Vec<Label>)> {
        self.fields.get(name)?.from.as_deref().map(path)
    }

    /// Whether the CRM is told a field of ours, in whatever of its own.
    pub fn tells(&self, field: &Field) -> bool {
        let own = |rule: &Rule| rule.from.as_deref().is_some_and(|from| path(from).0 == *field);
        self.fields.iter().any(|(name, rule)| own(rule) && self.pushes(name))
    }

    /// Whether the CRM is told this field.
    pub fn pushes(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|rule| !matches!(rule.direction, Direction::Pull | Direction::Off))
    }

    /// Whether what the CRM shows in this field says something.
    pub fn takes(&self, name: &str) -> bool {
        let taken = |rule: &Rule| rule.from.is_some() && !matches!(rule.direction, Direction::Push | Direction::Off);
        self.fields.get(name).is_some_and(taken)
    }

    /// Fields of ours in whose place the CRM is told another while they are empty: which, and in whose.
    pub fn stand_ins(&self) -> impl Iterator<Item = (Field, Field)> {
        self.fields
            .values()
            .filter_map(|rule| Some((path(rule.from.as_deref()?).0, path(rule.otherwise.as_deref()?).0)))
    }

    /// The fields by which the CRM says who owns the record.
    pub fn told_owners(&self) -> impl Iterator<Item = &str> {
        let told = self.fields.iter().filter(|(_, rule)| rule.owner && rule.direction == Direction::Pull);
        told.map(|(name, _)| name.as_str())
    }

    /// The remote fields that a read has to ask for.
    pub fn field_names(&self) -> Vec<String> {
        self.fields.keys().filter(|name| !name.starts_with('_')).cloned().collect()
    }

    /// Holds the mapping against what the CRM says of itself.
    pub fn check(&self, schema: &RemoteSchema, own_key: Option<&str>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut found = |field: &str, code: &str, fatal: bool, text: String| {
            findings.push(Finding {
                remote_type: self.remote.clone(),
                field: field.into(),
                code: code.into(),
                text,
                fatal,
            });
        };
        for (name, rule) in &self.fields {
            if name.starts_with('_') || rule.direction == Direction::Off {
                continue;
            }
            let Some(field) = schema.field(name) else {
                found(
                    name,
                    "missing_field",
                    true,
                    format!("{} has no field {name}, or the user may not see it", self.remote),
                );
                continue;
            };
            let pushes = rule.direction != Direction::Pull;
            if pushes && !(field.createable || field.updateable) {
                found(name, "not_writable", true, format!("{name} cannot be written"));
            }
            rule.check_against(name, field, &mut found);
        }
        for field in schema.fields.iter().filter(|field| field.required && field.createable) {
            if !self.pushes(&field.name) && own_key != Some(field.name.as_str()) {
                found(
                    &field.name,
                    "required_unmapped",
                    true,
                    format!("{} is required by the CRM and not mapped", field.name),
                );
            }
        }
        findings
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        let sources = [self.from.is_some(), self.constant.is_some(), self.reference.is_some(), self.owner];
        if sources.iter().filter(|is| **is).count() != 1 {
            return Err("needs exactly one of from, const, ref, owner".into());
        }
        for from in self.from.iter().chain(&self.otherwise) {
            let (field, labels) = parse_labels(from)?;
            if !field.is_known() {
                return Err(unknown_field(&field));
            }
            if !labels.is_empty() && !field.is_set() {
                return Err(format!("{field} has one value and no labels"));
            }
        }
        if let Some(reference) = &self.reference
            && ![Field::PERSON, Field::FAIR, Field::ORGANISATION, Field::FROM, Field::TO]
                .iter()
                .any(|field| field.as_str() == reference)
        {
            return Err(format!("ref names person, fair, organisation, from or to, not {reference:?}"));
        }
        self.transform.iter().try_for_each(|name| Transform::parse(name).map(|_| ()))
    }

    /// The value that the remote field should have, and whether it stands in for one that nobody knows.
    fn value(&self, fields: &Fields) -> Option<(Value, bool)> {
        if let Some(constant) = &self.constant {
            let value = match constant.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                text => Value::Text(text.into()),
            };
            return Some((value, false));
        }
        if let Some(reference) = &self.reference {
            return fields.reference(&Field::named(reference.clone())).map(|record| (Value::Ref(record), false));
        }
        let find = |from: &str| {
            let (field, labels) = path(from);
            if labels.is_empty() {
                fields.value(&field)
            } else {
                fields.labelled(&field, &labels).map(|element| &element.sourced.value)
            }
        };
        let own = find(self.from.as_deref()?);
        let other =
            || self.otherwise.as_deref().and_then(find).cloned().or_else(|| self.default.clone().map(Value::Text));
        let value = own.cloned().or_else(other)?;
        Some((self.shape(value, fields), own.is_none()))
    }

    /// A value with the map and the transforms of the field.
    fn shape(&self, value: Value, fields: &Fields) -> Value {
        let value = match value {
            Value::Choice(code) => Value::Choice(self.map.get(&code).cloned().unwrap_or(code)),
            value => value,
        };
        self.transforms().fold(value, |value, transform| transform.apply(value, fields))
    }

    fn transforms(&self) -> impl Iterator<Item = Transform> {
        self.transform.iter().filter_map(|name| Transform::parse(name).ok())
    }

    fn lift(&self, from: &str, value: Option<&Value>, record: &Fields) -> Vec<Said> {
        let (field, labels) = path(from);
        let value = value.filter(|value| value.as_text() != self.default.as_deref() || self.default.is_none());
        let value = match value {
            Some(Value::Text(code) | Value::Choice(code)) if !self.map.is_empty() => {
                let ours = self.map.iter().find(|(_, theirs)| *theirs == code);
                Some(Value::Choice(ours.map_or_else(|| code.clone(), |(ours, _)| ours.clone())))
            }
            other => other.map(|value| self.typed(&field, value, record)),
        };
        if !field.is_set() {
            return vec![Said { value, ..Said::new(field, Value::Bool(true), "crm.field") }];
        }
        // A cleared element cannot be named without its key; what it was is known to the caller.
        let Some(value) = value else { return Vec::new() };
        let key = value.display().to_lowercase();
        let mut said = Said::element(field, key, value, "crm.field");
        said.label = labels.first().copied();
        vec![said]
    }

    /// What the CRM keeps in another type than the vocabulary's.
    fn typed(&self, field: &Field, value: &Value, record: &Fields) -> Value {
        match value {
            Value::Instant { at, .. } if is_day(field) => {
                let by_zone = self.transforms().any(|it| matches!(it, Transform::DayStart | Transform::DayEnd));
                let zone = if by_zone { zone_of(record) } else { TimeZone::UTC };
                Value::Date(at.timestamp().to_zoned(zone).date())
            }
            Value::Text(text) | Value::Choice(text) if is_day(field) => {
                text.parse::<Date>().map_or_else(|_| value.clone(), Value::Date)
            }
            Value::Text(text) | Value::Choice(text) if *field == Field::OPT_OUT => {
                text.to_ascii_lowercase().parse().map_or_else(|_| value.clone(), Value::Bool)
            }
            value => value.clone(),
        }
    }

    fn check_against(&self, name: &str, field: &RemoteField, found: &mut impl FnMut(&str, &str, bool, String)) {
        // Words of the file itself; values of records are not known here.
        let words = || self.constant.iter().chain(&self.default);
        if field.restricted && !field.choices.is_empty() {
            for code in words().chain(self.map.values()).filter(|code| !field.choices.contains(code)) {
                found(
                    name,
                    "unknown_choice",
                    true,
                    format!("{name} does not offer {code:?}; it offers {}", field.choices.join(", ")),
                );
            }
        }
        let mut wrong = |what: &str| {
            found(name, "wrong_type", true, format!("{name} is {:?}, which {what} does not fit", field.data_type));
        };
        if let Some(word) = words().find(|word| !takes_word(field.data_type, word)) {
            wrong(&format!("{word:?}"));
        }
        if self.reference.is_some() && !takes_id(field.data_type) {
            wrong("the id of another record");
        }
        if self.owner && !takes_id(field.data_type) {
            wrong("the id of an owner");
        }
        let mut cut = self.transforms().any(|transform| matches!(transform, Transform::Truncate(_)));
        for from in self.from.iter().chain(&self.otherwise) {
            let (ours, _) = path(from);
            if !self.fits(&ours, field.data_type) {
                wrong(ours.as_str());
            }
            // Codes and dates are short.
            cut |= is_day(&ours) || ours == Field::AT || ours == Field::COUNTRY || ours == Field::LANGUAGE;
        }
        if let Some(max) = field.max_length.filter(|_| matches!(field.data_type, RemoteType::Text))
            && let Some(word) = words().find(|word| word.chars().count() > max)
        {
            found(name, "may_be_too_long", false, format!("{name} takes {max} characters; {word:?} is cut"));
        } else if self.from.is_some()
            && let Some(max) = field.max_length.filter(|max| *max < 255 && !cut)
            && matches!(field.data_type, RemoteType::Text)
        {
            found(
                name,
                "may_be_too_long",
                false,
                format!("{name} takes {max} characters; longer values are cut, add truncate:{max} to say so"),
            );
        }
    }

    /// Whether values of a field of ours can be written to a remote field of this type.
    fn fits(&self, ours: &Field, theirs: RemoteType) -> bool {
        let by_zone = self.transforms().any(|it| matches!(it, Transform::DayStart | Transform::DayEnd));
        takes_text(theirs)
            || match theirs {
                RemoteType::Date => is_day(ours) && !by_zone,
                RemoteType::Instant => is_day(ours) || *ours == Field::AT,
                RemoteType::Bool => *ours == Field::OPT_OUT,
                _ => false,
            }
            // What a custom field holds, its source decides.
            || ours.is_custom()
    }
}

fn takes_text(theirs: RemoteType) -> bool {
    matches!(
        theirs,
        RemoteType::Text
            | RemoteType::Email
            | RemoteType::Phone
            | RemoteType::Url
            | RemoteType::Choice
            | RemoteType::Choices
    )
}

/// Whether a fixed text can be written to a field of this type.
fn takes_word(theirs: RemoteType, word: &str) -> bool {
    match theirs {
        RemoteType::Bool => matches!(word, "true" | "false"),
        RemoteType::Int => word.parse::<i64>().is_ok(),
        RemoteType::Decimal => word.parse::<rust_decimal::Decimal>().is_ok(),
        RemoteType::Date => word.parse::<Date>().is_ok(),
        RemoteType::Instant => word.parse::<jiff::Timestamp>().is_ok(),
        _ => true,
    }
}

/// HubSpot keeps ids of owners and ends of pairs as choices, numbers or texts.
fn takes_id(theirs: RemoteType) -> bool {
    matches!(
        theirs,
        RemoteType::Reference | RemoteType::Text | RemoteType::Choice | RemoteType::Int | RemoteType::Decimal
    )
}

/// Fields that hold days.
fn is_day(field: &Field) -> bool {
    [Field::STARTS, Field::ENDS, Field::DUE].contains(field)
}

/// The record's own time zone; without one its days are those of UTC.
fn zone_of(fields: &Fields) -> TimeZone {
    fields.text(&Field::TIME_ZONE).and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
}

fn unknown_field(field: &Field) -> String {
    format!("there is no field {field:?}; custom ones are named x.<namespace>.<name>", field = field.as_str())
}

fn check_condition(when: &str) -> Result<(), String> {
    let Some((field, _)) = when.split_once(':').filter(|(_, code)| !code.is_empty()) else {
        return Err(format!("when = {when:?} is not of the form field:code"));
    };
    if Kind::parse(field).is_some() {
        return Err(format!(
            "when = {when:?}: what another record is in the CRM is no condition; use `to` at the field that refers to it"
        ));
    }
    let field = Field::named(field);
    if !field.is_known() {
        return Err(unknown_field(&field));
    }
    if field.is_set() { Err(format!("when cannot ask for {field}, which has several values")) } else { Ok(()) }
}

enum Transform {
    Truncate(usize),
    Upper,
    Lower,
    FirstLine,
    /// A day becomes its first moment in the record's time zone.
    DayStart,
    /// A day becomes its last second in the record's time zone.
    DayEnd,
}

impl Transform {
    fn parse(name: &str) -> Result<Transform, String> {
        match name.split_once(':') {
            Some(("truncate", count)) => {
                count.parse().map(Transform::Truncate).map_err(|_| format!("truncate needs a number, not {count:?}"))
            }
            None if name == "upper" => Ok(Transform::Upper),
            None if name == "lower" => Ok(Transform::Lower),
            None if name == "first_line" => Ok(Transform::FirstLine),
            None if name == "day_start" => Ok(Transform::DayStart),
            None if name == "day_end" => Ok(Transform::DayEnd),
            _ => Err(format!(
                "unknown transform {name:?}; there are truncate:N, upper, lower, first_line, day_start, day_end"
            )),
        }
    }

    fn apply(&self, value: Value, fields: &Fields) -> Value {
        let text = match value {
            Value::Text(text) => text,
            Value::Date(day) => return self.of_day(day, &zone_of(fields)),
            value => return value,
        };
        Value::Text(match self {
            Transform::Truncate(count) => text.chars().take(*count).collect::<String>().trim_end().to_owned(),
            Transform::Upper => text.to_uppercase(),
            Transform::Lower => text.to_lowercase(),
            Transform::FirstLine => text.lines().next().unwrap_or("").to_owned(),
            Transform::DayStart | Transform::DayEnd => text,
        })
    }

    fn of_day(&self, day: Date, zone: &TimeZone) -> Value {
        let moment = match self {
            Transform::DayStart => day.to_zoned(zone.clone()),
            Transform::DayEnd => day.at(23, 59, 59, 0).to_zoned(zone.clone()),
            _ => return Value::Date(day),
        };
        moment.map_or(Value::Date(day), |moment| Value::instant(moment.timestamp().into()))
    }
}

/// `phones[work,direct]` → the field and its labels.
fn path(from: &str) -> (Field, Vec<Label>) {
    parse_labels(from).unwrap_or_else(|_| (Field::named(from), Vec::new()))
}

fn parse_labels(from: &str) -> Result<(Field, Vec<Label>), String> {
    let Some((field, labels)) = from.split_once('[') else {
        return Ok((Field::named(from), Vec::new()));
    };
    let labels = labels.strip_suffix(']').ok_or_else(|| format!("{from:?} lacks its closing bracket"))?;
    let labels = labels.split(',').map(|label| match label.trim() {
        "work" => Ok(Label::Work),
        "direct" => Ok(Label::Direct),
        "mobile" => Ok(Label::Mobile),
        "fax" => Ok(Label::Fax),
        "private" => Ok(Label::Private),
        "other" => Ok(Label::Other),
        other => Err(format!("unknown label {other:?}")),
    });
    Ok((Field::named(field), labels.collect::<Result<_, _>>()?))
}

/// Cuts texts to what the CRM takes; a cut is better than a refused row, and the full value stays
/// in the record.
pub fn fit(fields: &mut RemoteFields, schema: &RemoteSchema) {
    for (name, value) in &mut fields.0 {
        let max = schema.field(name).and_then(|field| field.max_length);
        if let (Some(Value::Text(text)), Some(max)) = (value, max)
            && text.chars().count() > max
        {
            let cut: String = text.chars().take(max).collect();
            cut.trim_end().clone_into(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Element, SignalId, Slot, Source, SourceKind, Sourced, SubjectId, Time};

    fn sourced(value: Value) -> Sourced {
        Sourced {
            value,
            source: Source::new(SourceKind::Badge, "test"),
            observed_at: Time(0),
            signal: SignalId(uuid::Uuid::nil()),
            subject: SubjectId(uuid::Uuid::nil()),
            confidence: 100,
            how: "test".into(),
        }
    }

    fn person() -> Fields {
        let mut fields = Fields::default();
        fields.0.insert(Field::LAST_NAME, Slot::One(sourced(Value::Text("Müller".into()))));
        fields.0.insert(Field::SALUTATION, Slot::One(sourced(Value::choice("ms"))));
        let phone = |key: &str, label| Element {
            key: key.into(),
            label: Some(label),
            primary: false,
            sourced: sourced(Value::Text(key.into())),
        };
        fields.0.insert(
            Field::PHONES,
            Slot::Set(vec![phone("+4915112345678", Label::Mobile), phone("+4971112345", Label::Work)]),
        );
        fields
    }

    const FILE: &str = r#"
        [[object]]
        kind = "person"
        remote = "Lead"
        [object.fields.LastName]
        from = "last_name"
        transform = ["truncate:3"]
        [object.fields.Company]
        from = "company"
        default = "-"
        [object.fields.Salutation]
        from = "salutation"
        map = { mr = "Herr", ms = "Frau" }
        [object.fields.Phone]
        from = "phones[work,direct]"
        [object.fields.MobilePhone]
        from = "phones[mobile]"
        [object.fields.OwnerId]
        owner = true
        create_only = true
    "#;

    #[test]
    fn a_record_is_projected_by_label_map_default_and_transform() {
        let mapping = Mapping::parse(FILE).unwrap();
        let wanted = mapping.object("Lead").unwrap().project(&person());
        assert_eq!(wanted.fields.text("LastName"), Some("Mül"));
        assert_eq!(wanted.fields.text("Company"), Some("-"));
        assert_eq!(wanted.fields.text("Salutation"), Some("Frau"));
        assert_eq!(wanted.fields.text("Phone"), Some("+4971112345"));
        assert_eq!(wanted.fields.text("MobilePhone"), Some("+4915112345678"));
        assert_eq!((wanted.owner, wanted.create_only), (vec!["OwnerId".to_owned()], vec!["OwnerId".to_owned()]));
    }

    #[test]
    fn what_a_crm_shows_is_lifted_in_our_words() {
        let mapping = Mapping::parse(FILE).unwrap();
        let mut shown = RemoteFields::default();
        shown.set("Salutation", Value::Text("Herr".into()));
        shown.set("Company", Value::Text("-".into()));
        shown.set("Phone", Value::Text("+49711".into()));
        let said = mapping.object("Lead").unwrap().lift(&shown, &Fields::default());
        assert!(said.contains(&Said::new(Field::SALUTATION, Value::choice("mr"), "crm.field")));
        let company = said.iter().find(|said| said.field == Field::COMPANY).unwrap();
        assert_eq!(company.value, None, "our own stand-in is no value of theirs");
        assert!(said.iter().any(|said| said.field == Field::PHONES && said.label == Some(Label::Work)));
    }

    #[test]
    fn a_mapping_that_cannot_be_names_its_place() {
        let error =
            Mapping::parse("[[object]]\nkind=\"person\"\nremote=\"Lead\"\n[object.fields.X]\nfrom=\"a\"\nconst=\"b\"")
                .unwrap_err();
        assert_eq!(error.place, "person → Lead.X");
        assert!(
            Mapping::parse(
                "[[object]]\nkind=\"person\"\nremote=\"L\"\n[object.fields.X]\nfrom=\"a\"\ntransform=[\"shout\"]"
            )
            .is_err()
        );
    }

    fn parsed(rest: &str) -> Result<Mapping, MappingError> {
        Mapping::parse(&format!("[[object]]\nkind=\"person\"\nremote=\"Lead\"\n{rest}"))
    }

    #[test]
    fn what_the_vocabulary_does_not_have_is_refused_with_its_place() {
        for (wrong, says) in [
            ("[object.fields.A]\nfrom=\"lastname\"", "there is no field \"lastname\""),
            ("[object.fields.A]\nfrom=\"last_name\"\notherwise=\"emial\"", "there is no field \"emial\""),
            ("[object.fields.A]\nfrom=\"city[work]\"", "no labels"),
            ("[object.fields.A]\nref=\"company\"", "ref names person"),
            ("when=\"person:Lead\"", "no condition"),
            ("when=\"statis:open\"", "there is no field \"statis\""),
            ("when=\"status\"", "field:code"),
            ("when=\"emails:x\"", "several values"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.problem.contains(says) && error.place.starts_with("person → Lead"), "{wrong}: {error}");
        }
        assert!(parsed("when=\"status:open\"\n[object.fields.A]\nfrom=\"x.messe.groesse\"").is_ok());
    }

    #[test]
    fn of_two_objects_of_one_type_the_one_whose_condition_holds_is_meant() {
        let mapping = Mapping::parse(
            "[[object]]\nkind=\"activity\"\nremote=\"Task\"\nwhen=\"activity_type:email\"\n[object.fields.A]\nfrom=\"subject\"\n\
             [[object]]\nkind=\"activity\"\nremote=\"Task\"\n[object.fields.B]\nfrom=\"subject\"",
        )
        .unwrap();
        let of = |code: &str| {
            let fields = Fields([(Field::ACTIVITY_TYPE, Slot::One(sourced(Value::choice(code))))].into());
            mapping.object_for("Task", &fields).unwrap().fields.keys().next().cloned().unwrap()
        };
        assert_eq!((of("email"), of("task")), ("A".into(), "B".into()));
        assert_eq!(mapping.field_names("Task"), ["A", "B"]);
        assert!(mapping.object_for("Event", &Fields::default()).is_none());
    }

    #[test]
    fn days_are_told_as_moments_of_the_fairs_time_zone_and_read_back() {
        let mapping = Mapping::parse(
            "[[object]]\nkind=\"fair\"\nremote=\"events\"\n[object.fields.from]\nfrom=\"starts\"\ntransform=[\"day_start\"]\n\
             [object.fields.until]\nfrom=\"ends\"\ntransform=[\"day_end\"]\n[object.fields.plain]\nfrom=\"ends\"",
        )
        .unwrap();
        let day = |text: &str| Slot::One(sourced(Value::Date(text.parse().unwrap())));
        let zone = Slot::One(sourced(Value::Text("Europe/Berlin".into())));
        let fair = Fields(
            [(Field::STARTS, day("2026-04-14")), (Field::ENDS, day("2026-04-17")), (Field::TIME_ZONE, zone)].into(),
        );
        let object = mapping.object("events").unwrap();
        let wanted = object.project(&fair).fields;
        let at = |text: &str| Value::instant(text.parse().unwrap());
        assert_eq!(wanted.get("from"), Some(&at("2026-04-13T22:00:00Z")));
        assert_eq!(wanted.get("until"), Some(&at("2026-04-17T21:59:59Z")));
        assert_eq!(wanted.get("plain"), Some(&Value::Date("2026-04-17".parse().unwrap())));
        let days: Vec<Option<Value>> = object.lift(&wanted, &fair).into_iter().map(|said| said.value).collect();
        let day = |text: &str| Some(Value::Date(text.parse().unwrap()));
        assert_eq!(days, [day("2026-04-14"), day("2026-04-17"), day("2026-04-17")]);
    }

    #[test]
    fn an_owner_that_is_only_read_is_never_written() {
        let mapping = parsed("[object.fields.OwnerId]\nowner=true\ndirection=\"pull\"").unwrap();
        let object = mapping.object("Lead").unwrap();
        assert_eq!(object.told_owners().collect::<Vec<_>>(), ["OwnerId"]);
        assert!(object.project(&person()).owner.is_empty() && !object.pushes("OwnerId"));
        assert_eq!(object.field_names(), ["OwnerId"]);
    }

    #[test]
    fn the_check_names_missing_unwritable_and_unmapped_required_fields() {
        let field = |name: &str, required| RemoteField {
            name: name.into(),
            label: name.into(),
            data_type: RemoteType::Text,
            max_length: Some(80),
            required,
            createable: name != "Salutation",
            updateable: name != "Salutation",
            unique: false,
            choices: Vec::new(),
            restricted: false,
        };
        let schema = RemoteSchema {
            remote_type: "Lead".into(),
            fields: vec![
                field("LastName", true),
                field("Company", true),
                field("Salutation", false),
                field("Status", true),
                field("OwnerId", false),
            ],
        };
        let mapping = Mapping::parse(FILE).unwrap();
        let codes: Vec<(String, String)> = mapping
            .object("Lead")
            .unwrap()
            .check(&schema, None)
            .into_iter()
            .map(|finding| (finding.field, finding.code))
            .collect();
        assert!(codes.contains(&("Phone".into(), "missing_field".into())));
        assert!(codes.contains(&("Salutation".into(), "not_writable".into())));
        assert!(codes.contains(&("Status".into(), "required_unmapped".into())));
        assert!(!codes.contains(&("OwnerId".into(), "wrong_type".into())), "ids may be texts");
    }

    #[test]
    fn each_kind_of_finding_is_found() {
        let field = |name: &str, data_type| RemoteField {
            name: name.into(),
            label: name.into(),
            data_type,
            max_length: None,
            required: false,
            createable: true,
            updateable: true,
            unique: false,
            choices: Vec::new(),
            restricted: false,
        };
        let restricted = |name: &str| RemoteField {
            choices: vec!["Herr".into(), "Frau".into()],
            restricted: true,
            ..field(name, RemoteType::Choice)
        };
        let schema = RemoteSchema {
            remote_type: "Lead".into(),
            fields: vec![
                field("Number", RemoteType::Int),
                field("Link", RemoteType::Bool),
                field("Owner", RemoteType::Date),
                restricted("Salutation"),
                restricted("Greeting"),
                RemoteField { max_length: Some(40), ..field("City", RemoteType::Text) },
                RemoteField { max_length: Some(3), ..field("Source", RemoteType::Text) },
                RemoteField { required: true, ..field("Read", RemoteType::Text) },
                RemoteField { required: true, ..field("Off", RemoteType::Text) },
                field("Day", RemoteType::Date),
            ],
        };
        let mapping = parsed(
            r#"
            [object.fields.Missing]
            from = "city"
            [object.fields.Number]
            const = "viele"
            [object.fields.Link]
            ref = "organisation"
            [object.fields.Owner]
            owner = true
            [object.fields.Salutation]
            from = "salutation"
            map = { divers = "Divers" }
            [object.fields.Greeting]
            from = "salutation"
            default = "Hallo"
            [object.fields.City]
            from = "city"
            [object.fields.Source]
            const = "Messe"
            [object.fields.Read]
            from = "last_name"
            direction = "pull"
            [object.fields.Off]
            from = "first_name"
            direction = "off"
            [object.fields.Day]
            from = "due"
        "#,
        )
        .unwrap();
        let found = mapping.object("Lead").unwrap().check(&schema, None);
        let found: Vec<(&str, &str)> = found.iter().map(|it| (it.field.as_str(), it.code.as_str())).collect();
        let expected = [
            ("City", "may_be_too_long"),
            ("Greeting", "unknown_choice"),
            ("Link", "wrong_type"),
            ("Missing", "missing_field"),
            ("Number", "wrong_type"),
            ("Owner", "wrong_type"),
            ("Salutation", "unknown_choice"),
            ("Source", "may_be_too_long"),
            ("Read", "required_unmapped"),
            ("Off", "required_unmapped"),
        ];
        assert_eq!(found, expected);
    }
}
