//! The only mapping between records and a CRM: one TOML file per connection, read once.
//!
//! `project` turns a record into the fields of a remote type; `lift` turns what a CRM shows into
//! what its subject says. Both are pure. A reference to another record and an owner come out as
//! [`Value::Ref`] and [`Wanted::owner`]; whoever knows the remote ids fills them in.

use std::collections::BTreeMap;

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
    /// `field:code`: only records whose field has that choice. `person:Lead`: only records whose
    /// reference has a link of that remote type.
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
    /// The owner's remote id.
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
            for (name, rule) in &object.fields {
                rule.check().map_err(|problem| MappingError {
                    place: format!("{} → {}.{name}", object.kind, object.remote),
                    problem,
                })?;
            }
        }
        Ok(mapping)
    }

    pub fn object(&self, remote: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.remote == remote)
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
    /// Whether the condition on the record's own fields holds; conditions on links are not asked
    /// here.
    pub fn admits(&self, fields: &Fields) -> bool {
        match self.when.as_deref().and_then(|when| when.split_once(':')) {
            Some((field, code)) if Kind::parse(field).is_none() => fields.text(&Field::named(field)) == Some(code),
            _ => true,
        }
    }

    /// The condition on a reference's remote type: the Ref field and the type.
    pub fn needs_remote(&self) -> Option<(Field, &str)> {
        let (field, remote) = self.when.as_deref()?.split_once(':')?;
        Kind::parse(field)?;
        Some((Field::named(field), remote))
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
            if let Some(value) = rule.value(fields) {
                if matches!(value, Value::Ref(_)) {
                    wanted.reference_to.insert(name.clone(), rule.to.clone());
                }
                wanted.fields.set(name.clone(), value);
            }
        }
        wanted
    }

    /// What the CRM's subject says by showing these values. Fields that the file does not map, or
    /// only pushes, say nothing.
    pub fn lift(&self, shown: &RemoteFields, country: Option<&str>) -> Vec<Said> {
        _ = country;
        let mut said = Vec::new();
        for (name, value) in &shown.0 {
            let Some(rule) = self.fields.get(name) else { continue };
            if matches!(rule.direction, Direction::Push | Direction::Off) || rule.constant.is_some() {
                continue;
            }
            let Some(from) = rule.from.as_deref() else { continue };
            said.extend(rule.lift(from, value.as_ref()));
        }
        said
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
            if !self.fields.contains_key(&field.name) && own_key != Some(field.name.as_str()) {
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
        if let Some(from) = &self.from {
            parse_labels(from)?;
        }
        self.transform.iter().try_for_each(|name| Transform::parse(name).map(|_| ()))
    }

    fn value(&self, fields: &Fields) -> Option<Value> {
        if let Some(constant) = &self.constant {
            return Some(match constant.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                text => Value::Text(text.into()),
            });
        }
        if let Some(reference) = &self.reference {
            return fields.reference(&Field::named(reference.clone())).map(Value::Ref);
        }
        let find = |from: &str| {
            let (field, labels) = path(from);
            if labels.is_empty() {
                fields.value(&field)
            } else {
                fields.labelled(&field, &labels).map(|element| &element.sourced.value)
            }
        };
        let found = find(self.from.as_deref()?).or_else(|| find(self.otherwise.as_deref()?));
        let value = match found {
            Some(Value::Choice(code)) => Some(match self.map.get(code) {
                Some(theirs) => Value::Choice(theirs.clone()),
                None => Value::Choice(code.clone()),
            }),
            Some(value) => Some(value.clone()),
            None => None,
        };
        let value = value.or_else(|| self.default.clone().map(Value::Text))?;
        Some(
            self.transform
                .iter()
                .filter_map(|name| Transform::parse(name).ok())
                .fold(value, |value, transform| transform.apply(value)),
        )
    }

    fn lift(&self, from: &str, value: Option<&Value>) -> Vec<Said> {
        let (field, labels) = path(from);
        let value = value.filter(|value| value.as_text() != self.default.as_deref() || self.default.is_none());
        let value = match value {
            Some(Value::Text(code) | Value::Choice(code)) if !self.map.is_empty() => {
                let ours = self.map.iter().find(|(_, theirs)| *theirs == code);
                Some(Value::Choice(ours.map_or_else(|| code.clone(), |(ours, _)| ours.clone())))
            }
            other => other.cloned(),
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

    fn check_against(&self, name: &str, field: &RemoteField, found: &mut impl FnMut(&str, &str, bool, String)) {
        if field.restricted && !field.choices.is_empty() {
            let codes = self.constant.iter().chain(self.map.values());
            for code in codes.filter(|code| !field.choices.contains(code)) {
                found(
                    name,
                    "unknown_choice",
                    true,
                    format!("{name} does not offer {code:?}; it offers {}", field.choices.join(", ")),
                );
            }
        }
        let Some(from) = self.from.as_deref() else { return };
        let (ours, _) = path(from);
        let takes_text = matches!(
            field.data_type,
            RemoteType::Text
                | RemoteType::Email
                | RemoteType::Phone
                | RemoteType::Url
                | RemoteType::Choice
                | RemoteType::Choices
        );
        let needs = if ours == Field::STARTS || ours == Field::ENDS || ours == Field::DUE {
            matches!(field.data_type, RemoteType::Date | RemoteType::Instant) || takes_text
        } else if ours == Field::AT {
            field.data_type == RemoteType::Instant || takes_text
        } else if ours == Field::OPT_OUT {
            field.data_type == RemoteType::Bool || takes_text
        } else {
            takes_text
        };
        if !needs {
            found(name, "wrong_type", true, format!("{name} is {:?}, which {ours} does not fit", field.data_type));
        }
        let cut = self
            .transform
            .iter()
            .filter_map(|name| Transform::parse(name).ok())
            .any(|transform| matches!(transform, Transform::Truncate(_)));
        if let Some(max) = field.max_length.filter(|max| *max < 255 && takes_text && !cut)
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
}

enum Transform {
    Truncate(usize),
    Upper,
    Lower,
    FirstLine,
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
            _ => Err(format!("unknown transform {name:?}; there are truncate:N, upper, lower, first_line")),
        }
    }

    fn apply(&self, value: Value) -> Value {
        let Value::Text(text) = value else { return value };
        Value::Text(match self {
            Transform::Truncate(count) => text.chars().take(*count).collect::<String>().trim_end().to_owned(),
            Transform::Upper => text.to_uppercase(),
            Transform::Lower => text.to_lowercase(),
            Transform::FirstLine => text.lines().next().unwrap_or("").to_owned(),
        })
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
        let said = mapping.object("Lead").unwrap().lift(&shown, None);
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
    }
}
