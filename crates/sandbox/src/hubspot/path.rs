//! Paths: the date-versioned and the classic forms of one call become the same [`Path`].

use axum::http::Method;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Area {
    Objects,
    Associations,
    Properties,
    Owners,
    Lists,
    Schemas,
    Marketing,
    OAuth,
    Account,
    Installs,
    Webhooks,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub area: Area,
    /// `2026-09`, `v3`, …
    pub version: String,
    /// The decoded segments after area and version.
    pub rest: Vec<String>,
}

const DATED: [&str; 2] = ["2026-03", "2026-09"];

impl Path {
    pub fn parse(path: &str) -> Option<Path> {
        let segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (area, version, rest) = match parts.as_slice() {
            ["crm", version @ ("v3" | "v4"), area, rest @ ..] => (crm_area(area)?, *version, rest),
            ["crm", area, version, rest @ ..] if is_dated(version) || *version == "v4" => {
                (crm_area(area)?, *version, rest)
            }
            ["crm-object-schemas", version, "schemas", rest @ ..] => (Area::Schemas, *version, rest),
            ["marketing", "marketing-events", version, rest @ ..]
            | ["marketing", version @ "v3", "marketing-events", rest @ ..] => (Area::Marketing, *version, rest),
            ["oauth", rest @ ("authorize" | "authorize/")] => return Some(Path::page(rest)),
            ["oauth", _, "authorize"] => return Some(Path::page("authorize")),
            ["oauth", version, rest @ ..] => (Area::OAuth, *version, rest),
            ["account-info", version, rest @ ..] => (Area::Account, *version, rest),
            ["appinstalls", version, rest @ ..] => (Area::Installs, *version, rest),
            ["webhooks" | "app-webhooks", version, rest @ ..] => (Area::Webhooks, *version, rest),
            _ => return None,
        };
        let rest = rest.iter().map(|&segment| segment.to_owned()).collect();
        Some(Path { area, version: version.to_owned(), rest }).filter(Path::exists)
    }

    /// What the dated versions have in one place, the classic ones share out: associations are v4's, and everything
    /// else is not. The associations of v3 had a shape of their own and are not here.
    fn exists(&self) -> bool {
        match (self.area, self.version.as_str()) {
            (_, version) if is_dated(version) => true,
            (Area::OAuth, version) => matches!(version, "v1" | "v3"),
            (_, "v3") => !self.about_associations(),
            (_, "v4") => self.about_associations(),
            _ => false,
        }
    }

    fn page(name: &str) -> Path {
        Path { area: Area::OAuth, version: "page".to_owned(), rest: vec![name.to_owned()] }
    }

    /// The path of a call about records, in the form its version has.
    pub fn shown(&self) -> String {
        let rest = self.rest.join("/");
        if self.dated() {
            format!("/crm/objects/{}/{rest}", self.version)
        } else {
            format!("/crm/{}/objects/{rest}", self.version)
        }
    }

    pub fn dated(&self) -> bool {
        is_dated(&self.version)
    }

    pub fn parts(&self) -> Vec<&str> {
        self.rest.iter().map(String::as_str).collect()
    }

    /// Calls about associations live under two areas but share limits and handlers.
    pub fn about_associations(&self) -> bool {
        self.area == Area::Associations
            || (self.area == Area::Objects && self.rest.get(2).is_some_and(|part| part == "associations"))
    }

    /// The type of records that a call is about; for associations the pair of types.
    pub fn remote_type(&self) -> Option<String> {
        match (self.area, self.parts().as_slice()) {
            (Area::Objects, [from, _, "associations", "default", to, ..] | [from, _, "associations", to, ..])
            | (Area::Associations, [from, to, ..]) => Some(format!("{from}/{to}")),
            (Area::Objects | Area::Properties, [name, ..]) => Some((*name).to_owned()),
            (Area::Marketing, _) => Some("marketing_events".to_owned()),
            _ => None,
        }
    }

    /// The name under which faults and counters know a call.
    pub fn call_kind(&self, method: &Method) -> &'static str {
        let (parts, method) = (self.parts(), method.as_str());
        match self.area {
            Area::Objects => object_kind(method, &parts),
            Area::Associations => association_kind(method, &parts),
            Area::Properties => property_kind(method, &parts),
            Area::Owners => "owners",
            Area::Lists => "lists",
            Area::Schemas => "schemas",
            Area::Marketing => marketing_kind(method, &parts),
            Area::OAuth => match parts.as_slice() {
                ["authorize"] => "authorize",
                ["token"] => "token",
                [_, "introspect"] | ["access-tokens", _] => "introspect",
                ["refresh-tokens", _] if method == "GET" => "introspect",
                _ => "revoke",
            },
            Area::Account => "account_info",
            Area::Installs => "uninstall",
            Area::Webhooks => "webhook_settings",
        }
    }
}

fn object_kind(method: &str, parts: &[&str]) -> &'static str {
    match (method, parts) {
        ("GET", [_]) => "list",
        ("POST", [_]) => "create",
        ("POST", [_, "batch", "read"]) => "batch_read",
        ("POST", [_, "batch", "create"]) => "batch_create",
        ("POST", [_, "batch", "update"]) => "batch_update",
        ("POST", [_, "batch", "upsert"]) => "batch_upsert",
        ("POST", [_, "batch", "archive"]) => "batch_archive",
        ("POST", [_, "search"]) => "search",
        ("POST", [_, "merge"]) => "merge",
        ("POST", [_, "gdpr-delete"]) => "gdpr_delete",
        ("GET", [_, _]) => "read",
        ("PATCH", [_, _]) => "update",
        ("DELETE", [_, _]) => "delete",
        ("GET", [_, _, "associations", ..]) => "associations_read",
        ("PUT", [_, _, "associations", ..]) => "associations_create",
        ("DELETE", [_, _, "associations", ..]) => "associations_delete",
        _ => "other",
    }
}

fn association_kind(method: &str, parts: &[&str]) -> &'static str {
    match (method, parts) {
        (_, [_, _, "batch", "associate", "default"]) => "associations_batch_default",
        (_, [_, _, "batch", "create"]) => "associations_batch_create",
        (_, [_, _, "batch", "read"]) => "associations_batch_read",
        (_, [_, _, "batch", "archive"]) => "associations_batch_archive",
        (_, [_, _, "batch", "labels", "archive"]) => "associations_batch_labels_archive",
        (_, [_, _, "labels", ..]) => "association_labels",
        _ => "other",
    }
}

fn property_kind(method: &str, parts: &[&str]) -> &'static str {
    match (method, parts) {
        (_, [_, "groups", ..]) => "property_groups",
        ("GET", [_]) => "describe",
        ("POST", [_]) => "property_create",
        _ => "properties",
    }
}

fn marketing_kind(method: &str, parts: &[&str]) -> &'static str {
    match (method, parts) {
        ("POST", ["events", "upsert"]) | ("PUT", ["events", _]) => "marketing_event_upsert",
        ("POST", ["events"]) => "marketing_event_create",
        ("POST", [_, "attendance", ..] | ["attendance", ..] | ["events", _, _, "upsert" | "email-upsert"]) => {
            "attendance"
        }
        (_, ["participations", ..]) => "participations",
        ("POST", ["events", _, "complete"]) => "marketing_event_complete",
        ("POST", ["events", _, "cancel"]) => "marketing_event_cancel",
        ("GET", _) => "marketing_event_read",
        ("PATCH", _) | ("POST", ["batch", "update"]) => "marketing_event_update",
        ("DELETE", _) | (_, ["events", "delete"]) => "marketing_event_delete",
        _ => "other",
    }
}

fn crm_area(name: &str) -> Option<Area> {
    Some(match name {
        "objects" => Area::Objects,
        "associations" => Area::Associations,
        "properties" => Area::Properties,
        "owners" => Area::Owners,
        "lists" => Area::Lists,
        "schemas" => Area::Schemas,
        _ => return None,
    })
}

fn is_dated(version: &str) -> bool {
    DATED.contains(&version)
}

/// `%40` and friends; a segment that is no valid escape stays as it came.
fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2).and_then(|pair| hex::decode(pair).ok())).flatten();
        if let Some(byte) = escaped {
            bytes.extend(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| segment.to_owned())
}
