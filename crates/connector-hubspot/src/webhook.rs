//! Webhooks: who sent them, and which records they tell us to read.
//!
//! Events carry a property's name and value, but come late, twice and out of order: they are taken
//! as hints alone.

use mittler_connector::{HookEvent, NotAuthentic, RawHook, Received};
use mittler_core::Time;
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::{
    Settings, profile,
    signature::{is_v1, is_v3},
    wire::{self, Event},
};

/// How far a signature's time may be from ours, either way.
const SKEW_MILLIS: u64 = 300_000;

pub fn receive(settings: &Settings, hook: &RawHook, now: Time) -> Result<Received, NotAuthentic> {
    authenticate(settings, hook, now)?;
    Ok(Received { events: events(settings, &hook.body), answer: None })
}

fn authenticate(settings: &Settings, hook: &RawHook, now: Time) -> Result<(), NotAuthentic> {
    let refused = NotAuthentic::Signature;
    let secret = settings.client_secret.as_ref().ok_or(refused)?.expose_secret();
    let uri = if settings.hook_uri.is_empty() { &hook.uri } else { &settings.hook_uri };
    let authentic = match hook.header("x-hubspot-signature-v3") {
        Some(signature) => {
            let timestamp = hook.header("x-hubspot-request-timestamp").ok_or(refused)?;
            let millis: i64 = timestamp.parse().map_err(|_| refused)?;
            if now.millis().abs_diff(millis) > SKEW_MILLIS {
                return Err(NotAuthentic::Stale);
            }
            is_v3(secret, &hook.method, uri, &hook.body, timestamp, signature)
        }
        None if settings.allow_v1 => {
            let version = hook.header("x-hubspot-signature-version").unwrap_or("v1");
            let signature = hook.header("x-hubspot-signature").ok_or(refused)?;
            version == "v1" && is_v1(secret, &hook.body, signature)
        }
        None => false,
    };
    authentic.then_some(()).ok_or(refused)
}

fn events(settings: &Settings, body: &[u8]) -> Vec<HookEvent> {
    let Ok(events) = serde_json::from_slice::<Vec<Value>>(body) else {
        tracing::warn!("a HubSpot webhook with a valid signature is not a list of events");
        return Vec::new();
    };
    let (mut found, mut unreadable) = (Vec::new(), 0);
    for event in events {
        match serde_json::from_value::<Event>(event) {
            Ok(event) => found.extend(told(settings, &event)),
            Err(_) => unreadable += 1,
        }
    }
    if unreadable > 0 {
        tracing::warn!(unreadable, "events of a HubSpot webhook are not of the known form");
    }
    found
}

/// The records that an event is about. Types that we do not sync are none.
fn told(settings: &Settings, event: &Event) -> Vec<HookEvent> {
    let (object, what) = event.subscription_type.split_once('.').unwrap_or(("", &event.subscription_type));
    if what == "associationChange" {
        let from = event.from_object_type_id.as_deref().or_else(|| {
            let (from, _) = event.association_type.as_deref()?.split_once("_TO_")?;
            Some(from)
        });
        let (Some(remote_type), Some(id)) = (remote_type(from.unwrap_or(object)), &event.from_object_id) else {
            return Vec::new();
        };
        return vec![hint(settings, event, remote_type, id, false)];
    }
    let named = if object == "object" { event.object_type_id.as_deref().unwrap_or_default() } else { object };
    let Some(remote_type) = remote_type(named) else { return Vec::new() };
    if what == "merge" {
        return merged(settings, event, remote_type);
    }
    let deleted = matches!(what, "deletion" | "privacyDeletion");
    event.object_id.iter().map(|id| hint(settings, event, remote_type, id, deleted)).collect()
}

/// A merge makes a third record and takes the others away.
fn merged(settings: &Settings, event: &Event, remote_type: &str) -> Vec<HookEvent> {
    let survivor = event.new_object_id.as_ref().or(event.primary_object_id.as_ref()).or(event.object_id.as_ref());
    let mut old: Vec<String> = event.merged_object_ids.iter().filter_map(wire::text).collect();
    old.extend(event.primary_object_id.clone());
    old.retain(|id| Some(id) != survivor);
    old.sort();
    old.dedup();
    let gone = old.iter().map(|id| hint(settings, event, remote_type, id, true));
    survivor.into_iter().map(|id| hint(settings, event, remote_type, id, false)).chain(gone).collect()
}

fn hint(settings: &Settings, event: &Event, remote_type: &str, id: &str, deleted: bool) -> HookEvent {
    // Event ids are not unique, and the attempt's number is another in every repetition.
    let key = [
        &*event.portal_id,
        &event.subscription_type,
        remote_type,
        id,
        event.to_object_id.as_deref().unwrap_or_default(),
        event.property_name.as_deref().unwrap_or_default(),
        event.number.as_deref().unwrap_or_default(),
        &event.occurred_at.to_string(),
    ]
    .join(":");
    HookEvent {
        account: event.portal_id.clone(),
        key,
        remote_type: remote_type.to_owned(),
        id: id.to_owned(),
        at: Time::from_millis(event.occurred_at),
        deleted,
        erased: event.subscription_type.ends_with(".privacyDeletion"),
        own_echo: is_ours(settings, event),
    }
}

/// The source of a change made through the API is the app that made it.
fn is_ours(settings: &Settings, event: &Event) -> bool {
    let app = settings.app_id.as_ref().or(event.app_id.as_ref());
    event.change_source.as_deref() == Some("INTEGRATION") && app.is_some() && event.source_id.as_ref() == app
}

fn remote_type(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "contact" | "0-1" => profile::CONTACTS,
        "company" | "0-2" => profile::COMPANIES,
        "task" | "0-27" => profile::TASKS,
        "note" | "0-46" => profile::NOTES,
        "email" | "0-49" => profile::EMAILS,
        "marketing_event" | "0-54" => profile::EVENTS,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hmac::{Hmac, KeyInit, Mac};
    use serde_json::json;
    use sha2::{Digest, Sha256};

    use super::*;

    const URI: &str = "https://crm.example.com/hooks/hubspot";
    const NOW: i64 = 1_790_000_004_000;

    fn settings() -> Settings {
        Settings {
            client_secret: Some("secret".into()),
            hook_uri: URI.into(),
            app_id: Some("8800202".into()),
            ..Settings::default()
        }
    }

    fn signed(body: &Value, millis: i64) -> RawHook {
        let body = body.to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(format!("POST{URI}{body}{millis}").as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        hook(&body, &[("x-hubspot-signature-v3", &signature), ("x-hubspot-request-timestamp", &millis.to_string())])
    }

    fn signed_v1(body: &str) -> RawHook {
        let signature = hex::encode(Sha256::digest(format!("secret{body}")));
        hook(body, &[("x-hubspot-signature", &signature), ("x-hubspot-signature-version", "v1")])
    }

    fn hook(body: &str, headers: &[(&str, &str)]) -> RawHook {
        RawHook {
            method: "POST".into(),
            uri: "http://127.0.0.1/hooks/hubspot".into(),
            path_secret: String::new(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.to_owned().into(),
        }
    }

    fn received(body: &Value) -> Vec<HookEvent> {
        receive(&settings(), &signed(body, NOW), Time::from_millis(NOW)).unwrap().events
    }

    fn brief(events: &[HookEvent]) -> Vec<(&str, &str, bool)> {
        events.iter().map(|event| (&*event.remote_type, &*event.id, event.deleted)).collect()
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_either_way() {
        let at = |millis| receive(&settings(), &signed(&json!([]), NOW), Time::from_millis(millis)).is_ok();
        assert!(at(NOW) && at(NOW - 300_000) && at(NOW + 300_000));
        assert!(!at(NOW - 300_001) && !at(NOW + 300_001));
    }

    #[test]
    fn without_a_secret_nothing_is_authentic() {
        let settings = Settings { client_secret: None, ..settings() };
        assert!(receive(&settings, &signed(&json!([]), NOW), Time::from_millis(NOW)).is_err());
    }

    #[test]
    fn the_first_signature_is_accepted_only_if_allowed_and_never_in_place_of_a_wrong_third() {
        let now = Time::from_millis(NOW);
        let lenient = Settings { allow_v1: true, ..settings() };
        assert!(receive(&settings(), &signed_v1("[]"), now).is_err());
        assert!(receive(&lenient, &signed_v1("[]"), now).is_ok());
        let mut both = signed_v1("[]");
        both.headers.push(("x-hubspot-signature-v3".into(), "AAAA".into()));
        both.headers.push(("x-hubspot-request-timestamp".into(), NOW.to_string()));
        assert!(receive(&lenient, &both, now).is_err());
        let mut second = signed_v1("[]");
        second.headers[1].1 = "v2".into();
        assert!(receive(&lenient, &second, now).is_err());
    }

    #[test]
    fn the_events_of_live_deliveries_are_read() {
        let events = received(&json!([
            {"eventId":1_765_889_350,"subscriptionId":7_662_269,"portalId":62515,"appId":8_800_202,
             "occurredAt":1_788_597_072_520_i64,"subscriptionType":"object.propertyChange","attemptNumber":0,
             "objectId":3_344_100_001_u64,"objectTypeId":"0-1","propertyName":"email","propertyValue":"x@example.com",
             "changeSource":"CRM_UI","sourceId":"userId:7700101","isSensitive":false},
            {"eventId":3_944_863_254_u64,"portalId":8_800_201,"appId":8_800_202,"occurredAt":1_742_175_136_625_i64,
             "subscriptionType":"company.creation","attemptNumber":7,"objectId":"3344100002","changeFlag":"CREATED",
             "changeSource":"INTEGRATION","sourceId":"8800202"},
            {"eventId":3,"portalId":62516,"appId":990_302,"occurredAt":1,"subscriptionType":"object.deletion",
             "objectId":3,"objectTypeId":"2-9000001","changeFlag":"DELETED"},
            {"eventId":4,"portalId":62516,"occurredAt":1,"subscriptionType":"contact.privacyDeletion","objectId":9},
        ]));
        assert_eq!(
            brief(&events),
            [("contacts", "3344100001", false), ("companies", "3344100002", false), ("contacts", "9", true)]
        );
        assert_eq!(events[0].account, "62515");
        assert_eq!(events[0].at, Time::from_millis(1_788_597_072_520));
        assert_eq!(events.iter().map(|event| event.own_echo).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn a_repeated_delivery_has_the_same_key_and_another_event_another() {
        let event = |attempt: u32, property: &str| {
            json!([{"eventId":1,"portalId":1,"subscriptionId":2,"occurredAt":5,"subscriptionType":"contact.propertyChange",
                    "attemptNumber":attempt,"objectId":7,"propertyName":property}])
        };
        let key = |body: &Value| received(body)[0].key.clone();
        assert_eq!(key(&event(0, "email")), key(&event(3, "email")));
        assert_ne!(key(&event(0, "email")), key(&event(0, "phone")));
    }

    #[test]
    fn a_merge_tells_of_the_new_record_and_takes_the_old_ones_away() {
        let events = received(&json!([{"eventId":1,"portalId":1,"occurredAt":5,"subscriptionType":"contact.merge",
            "objectId":1,"primaryObjectId":1,"mergedObjectIds":[2, "3"],"newObjectId":4}]));
        let expected =
            [("contacts", "4", false), ("contacts", "1", true), ("contacts", "2", true), ("contacts", "3", true)];
        assert_eq!(brief(&events), expected);
    }

    #[test]
    fn a_changed_association_tells_of_the_record_it_starts_from() {
        let events = received(&json!([
            {"eventId":1,"portalId":1,"occurredAt":5,"subscriptionType":"contact.associationChange",
             "associationType":"CONTACT_TO_COMPANY","fromObjectId":7,"toObjectId":8,"associationRemoved":false},
            {"eventId":1,"portalId":1,"occurredAt":5,"subscriptionType":"object.associationChange",
             "fromObjectId":8,"toObjectId":7,"fromObjectTypeId":"0-2","toObjectTypeId":"0-1"},
        ]));
        assert_eq!(brief(&events), [("contacts", "7", false), ("companies", "8", false)]);
    }

    #[test]
    fn an_event_of_an_unknown_form_does_not_spoil_the_others() {
        let events = received(&json!([{"hello": 1},
            {"portalId":1,"occurredAt":5,"subscriptionType":"contact.restore","objectId":7}]));
        assert_eq!(brief(&events), [("contacts", "7", false)]);
        assert!(received(&json!({"not": "a list"})).is_empty());
    }
}
