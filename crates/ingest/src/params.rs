//! What a sender says about its leads: where they come from and how to read them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use mittler_core::{SourceKind, Time};
use mittler_enrich::{Context, Fair, RunParams};
use mittler_intake::{LeadField, csv};
use mittler_normalise::country;
use serde::{Deserialize, Serialize};

/// A parameter that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidParam {
    pub name: &'static str,
    pub reason: &'static str,
}

/// The fair at which the leads were met.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FairParams {
    pub name: String,
    #[serde(default)]
    pub organiser: Option<String>,
    #[serde(default)]
    pub place: Option<String>,
    #[serde(default)]
    pub starts: Option<Date>,
    #[serde(default)]
    pub ends: Option<Date>,
}

/// How to read leads that come as JSON, and mails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadParams {
    /// Name of the source: the scope of its external ids, and the name by which its values are
    /// weighed. No person's name.
    pub source: String,
    #[serde(default = "germany")]
    pub default_country: String,
    #[serde(default = "berlin")]
    pub time_zone: String,
    #[serde(default)]
    pub fair: Option<FairParams>,
    /// The values were scanned from badges at a stand; otherwise somebody typed them into a form.
    #[serde(default)]
    pub stand_scan: bool,
    /// For what the people may be told of; connections name the purposes that they serve.
    #[serde(default)]
    pub purpose: Option<String>,
}

/// How to read a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportParams {
    pub source: String,
    /// What people call this import: mostly the file's name.
    #[serde(default)]
    pub label: String,
    #[serde(default = "germany")]
    pub default_country: String,
    #[serde(default = "berlin")]
    pub time_zone: String,
    #[serde(default)]
    pub fair: Option<FairParams>,
    /// The list was scanned at the own stand; otherwise it is the organiser's export.
    #[serde(default)]
    pub stand_scan: bool,
    /// What columns mean, by header, where a person knows better; `null` keeps one as an attribute.
    #[serde(default)]
    pub columns: BTreeMap<String, Option<LeadField>>,
    #[serde(default)]
    pub encoding: Option<String>,
    #[serde(default)]
    pub delimiter: Option<char>,
    /// For what the people may be told of; connections name the purposes that they serve.
    #[serde(default)]
    pub purpose: Option<String>,
}

fn germany() -> String {
    "DE".to_owned()
}

fn berlin() -> String {
    "Europe/Berlin".to_owned()
}

impl Default for LeadParams {
    fn default() -> Self {
        LeadParams::of("api")
    }
}

impl LeadParams {
    /// Leads of a source without a fair.
    pub fn of(source: &str) -> LeadParams {
        LeadParams {
            source: source.to_owned(),
            default_country: germany(),
            time_zone: berlin(),
            fair: None,
            stand_scan: false,
            purpose: None,
        }
    }

    /// The parameters, tidied.
    ///
    /// # Errors
    /// Names the first that cannot be.
    pub fn checked(&self) -> Result<LeadParams, InvalidParam> {
        let country = self.default_country.trim().to_ascii_uppercase();
        let checked = LeadParams {
            source: self.source.trim().to_owned(),
            default_country: country,
            time_zone: self.time_zone.trim().to_owned(),
            fair: self.fair.as_ref().map(FairParams::checked).transpose()?,
            stand_scan: self.stand_scan,
            purpose: self.purpose.as_deref().map(str::trim).filter(|purpose| !purpose.is_empty()).map(str::to_owned),
        };
        let invalid = |name, reason| Err(InvalidParam { name, reason });
        if checked.source.is_empty() || checked.source.chars().count() > 100 {
            return invalid("source", "name the source in 1 to 100 characters");
        }
        if checked.source.chars().any(char::is_control) {
            return invalid("source", "a source's name has no control characters");
        }
        if checked.default_country.len() != 2 || !checked.default_country.bytes().all(|b| b.is_ascii_uppercase()) {
            return invalid("default_country", "a country is two letters by ISO 3166, such as DE");
        }
        if !country::exists(&checked.default_country) {
            return invalid("default_country", "no country has these two letters; by ISO 3166 one is DE");
        }
        if checked.purpose.as_ref().is_some_and(|it| it.chars().count() > 100 || it.chars().any(char::is_control)) {
            return invalid("purpose", "name the purpose in 1 to 100 characters");
        }
        if jiff::tz::TimeZone::get(&checked.time_zone).is_err() {
            return invalid("time_zone", "a time zone is an IANA name, such as Europe/Berlin");
        }
        Ok(checked)
    }

    /// What the worker reads again later, kept with the run.
    pub(super) fn run_params(&self) -> RunParams {
        RunParams {
            source: self.source.clone(),
            source_kind: Some(if self.stand_scan { SourceKind::Badge } else { SourceKind::Form }),
            default_country: self.default_country.clone(),
            time_zone: self.time_zone.clone(),
            fair: self.fair.as_ref().map(FairParams::fair),
            layout: None,
            purpose: self.purpose.clone(),
        }
    }

    /// What makes the same bytes another input.
    pub(super) fn scope(&self) -> Vec<u8> {
        self.run_params().to_json().to_string().into_bytes()
    }
}

impl ImportParams {
    /// A list of a source without a fair.
    pub fn of(source: &str) -> ImportParams {
        ImportParams {
            source: source.to_owned(),
            label: String::new(),
            default_country: germany(),
            time_zone: berlin(),
            fair: None,
            stand_scan: false,
            columns: BTreeMap::new(),
            encoding: None,
            delimiter: None,
            purpose: None,
        }
    }

    /// The parameters, tidied.
    ///
    /// # Errors
    /// Names the first that cannot be.
    pub fn checked(&self) -> Result<ImportParams, InvalidParam> {
        let lead = self.as_lead().checked()?;
        let label: String = self.label.chars().filter(|c| !c.is_control()).take(200).collect();
        let label = if label.trim().is_empty() { lead.source.clone() } else { label.trim().to_owned() };
        Ok(ImportParams {
            source: lead.source,
            label,
            default_country: lead.default_country,
            time_zone: lead.time_zone,
            fair: lead.fair,
            purpose: lead.purpose,
            ..self.clone()
        })
    }

    fn as_lead(&self) -> LeadParams {
        LeadParams {
            source: self.source.clone(),
            default_country: self.default_country.clone(),
            time_zone: self.time_zone.clone(),
            fair: self.fair.clone(),
            stand_scan: self.stand_scan,
            purpose: self.purpose.clone(),
        }
    }

    pub(super) fn options(&self) -> csv::Options {
        csv::Options { delimiter: self.delimiter, encoding: self.encoding.clone(), columns: self.columns.clone() }
    }

    /// What the worker reads again later, kept with the run.
    pub(super) fn run_params(&self, layout: &csv::Layout) -> RunParams {
        RunParams {
            source_kind: Some(if self.stand_scan { SourceKind::Badge } else { SourceKind::Organiser }),
            layout: Some(layout.clone()),
            ..self.as_lead().run_params()
        }
    }

    pub(super) fn context(&self, received_at: Time) -> Context {
        Context {
            source: self.source.clone(),
            default_country: self.default_country.clone(),
            time_zone: self.time_zone.clone(),
            fair: self.fair.as_ref().map(|fair| fair.fair().scope()),
            received_at,
        }
    }
}

impl FairParams {
    fn fair(&self) -> Fair {
        let FairParams { name, organiser, place, starts, ends } = self.clone();
        Fair { name, organiser, place, starts, ends }
    }

    fn checked(&self) -> Result<FairParams, InvalidParam> {
        let tidy =
            |text: &Option<String>| text.as_deref().map(mittler_core::value::clean).filter(|text| !text.is_empty());
        let fair = FairParams {
            name: mittler_core::value::clean(&self.name),
            organiser: tidy(&self.organiser),
            place: tidy(&self.place),
            starts: self.starts,
            ends: self.ends,
        };
        if fair.name.is_empty() || fair.name.chars().count() > 200 {
            return Err(InvalidParam { name: "fair.name", reason: "name the fair in 1 to 200 characters" });
        }
        if fair.starts.zip(fair.ends).is_some_and(|(starts, ends)| ends < starts) {
            return Err(InvalidParam { name: "fair.ends", reason: "the fair ends before it starts" });
        }
        Ok(fair)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Inputs of before are recognised by exactly these bytes: another text, and each list comes a second time.
    #[test]
    fn what_a_run_says_is_written_as_it_always_was() {
        let fair =
            FairParams { name: "BEWEGA 2026".into(), starts: "2026-04-14".parse().ok(), ..FairParams::default() };
        let lead = LeadParams { fair: Some(fair.clone()), stand_scan: true, ..LeadParams::of("scan") };
        let mut said = json!({
            "source": "scan", "source_kind": "badge", "default_country": "DE", "time_zone": "Europe/Berlin",
            "fair": { "name": "BEWEGA 2026", "organiser": null, "place": null, "starts": "2026-04-14", "ends": null },
            "layout": null,
        });
        assert_eq!(String::from_utf8(lead.scope()).unwrap(), said.to_string());
        said["purpose"] = json!("events");
        let for_events = LeadParams { purpose: Some("events".into()), ..lead };
        assert_eq!(String::from_utf8(for_events.scope()).unwrap(), said.to_string());
        let form = json!({ "source": "api", "source_kind": "form", "default_country": "DE", "time_zone": "Europe/Berlin",
                           "fair": null, "layout": null });
        assert_eq!(LeadParams::default().run_params().to_json(), form);
        let layout = csv::Layout { encoding: "utf-8".into(), delimiter: ';', quote: '"', columns: Vec::new() };
        let list = ImportParams::of("list").run_params(&layout).to_json();
        assert_eq!((&list["source_kind"], &list["layout"]), (&json!("organiser"), &json!(layout)));
        assert_eq!(RunParams::of_json(&list).unwrap().layout, Some(layout));
    }
}
