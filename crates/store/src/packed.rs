//! How the fields of a record lie in the database.
//!
//! Most values of a record come from few statements. Each of those is written once, and the values
//! point to it: a third of the bytes of the form that people read, and nothing to be guessed when it
//! is read.

use std::{collections::BTreeMap, ops::Deref};

use mittler_core::{
    Element, Field, Fields, Label, SignalId, Slot, Source, SourceKind, Sourced, SubjectId, Time, Value,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

/// Fields, as a column of the database holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packed(pub Fields);

impl Deref for Packed {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

/// Kind and name of the source, when it was observed, signal and subject.
type Origin<S> = (SourceKind, S, i64, Uuid, Uuid);
/// Value, origin, confidence, how.
type One<V, S> = (V, usize, u8, S);
/// Key, label, primary, and the rest as above.
type Many<V, S> = (S, Option<Label>, bool, V, usize, u8, S);

#[derive(Serialize)]
struct Out<'a> {
    origins: Vec<Origin<&'a str>>,
    one: BTreeMap<&'a Field, One<&'a Value, &'a str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    many: BTreeMap<&'a Field, Vec<Many<&'a Value, &'a str>>>,
}

#[derive(Deserialize)]
struct In {
    origins: Vec<Origin<String>>,
    one: BTreeMap<Field, One<Value, String>>,
    #[serde(default)]
    many: BTreeMap<Field, Vec<Many<Value, String>>>,
}

/// Writes fields in that form.
pub(crate) fn serialize<S: Serializer>(fields: &Fields, serializer: S) -> Result<S::Ok, S::Error> {
    let mut origins: Vec<Origin<&str>> = Vec::new();
    let (mut one, mut many) = (BTreeMap::new(), BTreeMap::new());
    for (field, slot) in &fields.0 {
        match slot {
            Slot::One(it) => {
                one.insert(field, (&it.value, place(&mut origins, it), it.confidence, it.how.as_str()));
            }
            Slot::Set(elements) => {
                let elements = elements.iter().map(|element| {
                    let it = &element.sourced;
                    let (key, label, primary) = (element.key.as_str(), element.label, element.primary);
                    (key, label, primary, &it.value, place(&mut origins, it), it.confidence, it.how.as_str())
                });
                many.insert(field, elements.collect());
            }
        }
    }
    Out { origins, one, many }.serialize(serializer)
}

fn place<'a>(origins: &mut Vec<Origin<&'a str>>, sourced: &'a Sourced) -> usize {
    let Source { kind, name } = &sourced.source;
    let origin = (*kind, name.as_str(), sourced.observed_at.0, sourced.signal.0, sourced.subject.0);
    origins.iter().position(|known| *known == origin).unwrap_or_else(|| {
        origins.push(origin);
        origins.len() - 1
    })
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Packed, D::Error> {
        let In { origins, one, many } = In::deserialize(deserializer)?;
        let sourced = |value, origin: usize, confidence, how| {
            let (kind, name, at, signal, subject) =
                origins.get(origin).ok_or_else(|| D::Error::custom("a value points to no origin"))?;
            Ok(Sourced {
                value,
                source: Source { kind: *kind, name: name.clone() },
                observed_at: Time(*at),
                signal: SignalId(*signal),
                subject: SubjectId(*subject),
                confidence,
                how,
            })
        };
        let mut fields = BTreeMap::new();
        for (field, (value, origin, confidence, how)) in one {
            fields.insert(field, Slot::One(sourced(value, origin, confidence, how)?));
        }
        for (field, elements) in many {
            let elements = elements.into_iter().map(|(key, label, primary, value, origin, confidence, how)| {
                Ok(Element { key, label, primary, sourced: sourced(value, origin, confidence, how)? })
            });
            fields.insert(field, Slot::Set(elements.collect::<Result<_, D::Error>>()?));
        }
        Ok(Packed(Fields(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sourced(value: &str, signal: u128, at: i64) -> Sourced {
        Sourced {
            value: Value::text(value).unwrap(),
            source: Source::new(SourceKind::Badge, "badge"),
            observed_at: Time(at),
            signal: SignalId(Uuid::from_u128(signal)),
            subject: SubjectId(Uuid::from_u128(9)),
            confidence: 80,
            how: "lead.cell".into(),
        }
    }

    #[test]
    fn what_is_packed_comes_out_as_it_went_in() {
        let element = |key: &str, label, primary, signal| Element {
            key: key.into(),
            label,
            primary,
            sourced: sourced(key, signal, -5),
        };
        let emails = vec![element("a@b.example", Some(Label::Work), true, 1), element("c@d.example", None, false, 2)];
        let fields = Fields(BTreeMap::from([
            (Field::FIRST_NAME, Slot::One(sourced("Jörg \"J\"", 1, 7))),
            (Field::LAST_NAME, Slot::One(sourced("Öztürk", 1, 7))),
            (Field::CITY, Slot::One(sourced("Ulm", 1, 8))),
            (Field::EMAILS, Slot::Set(emails)),
            (Field::PHONES, Slot::Set(Vec::new())),
        ]));
        let text = serde_json::to_string(&Packed(fields.clone())).unwrap();
        assert_eq!(serde_json::from_str::<Packed>(&text).unwrap().0, fields, "{text}");
        let origins = serde_json::from_str::<serde_json::Value>(&text).unwrap()["origins"].as_array().unwrap().len();
        assert_eq!(origins, 4, "each origin is written once: {text}");
    }

    #[test]
    fn a_value_without_its_origin_is_an_error() {
        let text = r#"{"origins":[],"one":{"city":[{"text":"Ulm"},0,80,"lead.cell"]}}"#;
        assert!(serde_json::from_str::<Packed>(text).unwrap_err().to_string().contains("no origin"));
    }
}
