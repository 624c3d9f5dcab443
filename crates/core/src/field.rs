//! The kinds of record and the fields they have.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::policy::Policy;

/// What a record is. The order is the order in which a CRM must learn of them (design: stages).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Organisation,
    Fair,
    Person,
    Participation,
    Activity,
    Association,
}

impl Kind {
    pub const ALL: [Kind; 6] =
        [Kind::Organisation, Kind::Fair, Kind::Person, Kind::Participation, Kind::Activity, Kind::Association];

    /// The stage in which links of this kind are pushed; a lower one goes first.
    pub fn stage(self) -> i16 {
        match self {
            Kind::Organisation => 0,
            Kind::Fair => 1,
            Kind::Person => 2,
            Kind::Participation => 3,
            Kind::Activity => 4,
            Kind::Association => 5,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Organisation => "organisation",
            Kind::Fair => "fair",
            Kind::Person => "person",
            Kind::Participation => "participation",
            Kind::Activity => "activity",
            Kind::Association => "association",
        }
    }

    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a field: one of the vocabulary below, or a custom one, `x.<namespace>.<name>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field(Cow<'static, str>);

impl Field {
    pub const fn known(name: &'static str) -> Field {
        Field(Cow::Borrowed(name))
    }

    /// A custom field. The name is lower-cased and everything but letters and digits becomes `_`.
    pub fn custom(namespace: &str, name: &str) -> Field {
        Field(Cow::Owned(format!("x.{}.{}", slug(namespace), slug(name))))
    }

    pub fn named(name: impl Into<String>) -> Field {
        Field(Cow::Owned(name.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_custom(&self) -> bool {
        self.0.starts_with("x.")
    }

    /// Whether the vocabulary has the field, or it is a custom one.
    pub fn is_known(&self) -> bool {
        self.is_custom() || SPECS.iter().any(|spec| spec.field.0 == self.0)
    }

    pub fn spec(&self) -> Spec {
        SPECS.iter().find(|spec| spec.field.0 == self.0).cloned().unwrap_or(Spec {
            field: Field::known("x"),
            many: false,
            policy: Policy::Newest,
        })
    }

    /// Whether the field holds a set of elements.
    pub fn is_set(&self) -> bool {
        self.spec().many
    }
}

fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => slug.push_str("ae"),
            'ö' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if slug.ends_with('_') => {}
            _ => slug.push('_'),
        }
    }
    slug.trim_matches('_').to_owned()
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is fixed about a field: whether it is a set, and its default policy.
#[derive(Debug, Clone)]
pub struct Spec {
    pub field: Field,
    pub many: bool,
    pub policy: Policy,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $text:literal $many:literal $policy:ident;)*) => {
        impl Field {
            $($(#[$doc])* pub const $name: Field = Field::known($text);)*
        }
        static SPECS: &[Spec] = &[$(Spec { field: Field::$name, many: $many, policy: Policy::$policy },)*];
    };
}

fields! {
    // Person
    /// Choice: `mr`, `ms`, `divers`.
    SALUTATION = "salutation" false Ranked;
    /// Academic title as written: "Prof. Dr.-Ing."
    TITLE = "title" false Ranked;
    FIRST_NAME = "first_name" false Newest;
    /// Surname with its particles: "von der Heide".
    LAST_NAME = "last_name" false Newest;
    /// Set; key: the address lower-cased.
    EMAILS = "emails" true Newest;
    /// Set; key: E.164; label: work, mobile, fax, direct.
    PHONES = "phones" true Newest;
    /// Job title: "Leiter Einkauf".
    POSITION = "position" false Newest;
    DEPARTMENT = "department" false Newest;
    /// The company as the person's source wrote it, with legal form.
    COMPANY = "company" false Newest;
    /// Ref to the organisation record.
    ORGANISATION = "organisation" false Newest;
    STREET = "street" false Newest;
    POSTAL_CODE = "postal_code" false Newest;
    CITY = "city" false Newest;
    STATE = "state" false Newest;
    /// Choice: ISO 3166 alpha-2.
    COUNTRY = "country" false Newest;
    WEBSITE = "website" false Newest;
    /// Choice: ISO 639-1.
    LANGUAGE = "language" false Ranked;
    /// Owner in the CRMs, by e-mail address of a sales person or the name of a queue.
    OWNER = "owner" false Ranked;
    /// Why that owner: the rule that chose.
    OWNER_REASON = "owner_reason" false Ranked;
    /// Bool: objects to advertising.
    OPT_OUT = "opt_out" false Newest;
    // Organisation
    /// Name as written, with legal form.
    NAME = "name" false Ranked;
    /// Name without its legal form, folded for comparison.
    CORE_NAME = "core_name" false Ranked;
    LEGAL_FORM = "legal_form" false Ranked;
    /// Registrable domain of the company's mail and web addresses.
    DOMAIN = "domain" false FillEmpty;
    VAT_ID = "vat_id" false Ranked;
    /// Register court and number: "Stuttgart HRB 12345".
    REGISTER = "register" false Ranked;
    // Fair
    ORGANISER = "organiser" false Ranked;
    /// Date.
    STARTS = "starts" false Ranked;
    /// Date.
    ENDS = "ends" false Ranked;
    /// IANA name: "Europe/Berlin".
    TIME_ZONE = "time_zone" false Ranked;
    PLACE = "place" false Ranked;
    // Participation, activity, association
    PERSON = "person" false FillEmpty;
    FAIR = "fair" false FillEmpty;
    /// Instant: when the badge was scanned, the mail was sent. Fixed once.
    AT = "at" false FillEmpty;
    /// Choice: `registered`, `attended`, `cancelled`; for tasks `open`, `completed`.
    STATUS = "status" false Newest;
    BADGE = "badge" false FillEmpty;
    /// Text; several are joined with "; ".
    INTEREST = "interest" false Newest;
    PRIORITY = "priority" false Newest;
    NOTE = "note" false Newest;
    /// Choice: `task`, `email`, `note`.
    ACTIVITY_TYPE = "activity_type" false FillEmpty;
    SUBJECT = "subject" false FillEmpty;
    BODY = "body" false FillEmpty;
    /// Date: when a task is due.
    DUE = "due" false FillEmpty;
    /// Choice: `incoming`, `outgoing`.
    DIRECTION = "direction" false FillEmpty;
    MESSAGE_ID = "message_id" false FillEmpty;
    /// Ref: the record that an association starts from.
    FROM = "from" false FillEmpty;
    /// Ref: the record that an association leads to.
    TO = "to" false FillEmpty;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_field_has_a_plain_name() {
        assert_eq!(Field::custom("messe", "Größe des Betriebs (MA)").as_str(), "x.messe.groesse_des_betriebs_ma");
        assert!(Field::custom("messe", "a").is_custom());
        assert!(Field::EMAILS.is_set() && !Field::COMPANY.is_set());
    }

    #[test]
    fn stages_follow_the_order_of_the_kinds() {
        assert!(Kind::ALL.is_sorted_by_key(|kind| kind.stage()));
        assert!(Kind::ALL.iter().all(|kind| Kind::parse(kind.name()) == Some(*kind)));
    }
}
