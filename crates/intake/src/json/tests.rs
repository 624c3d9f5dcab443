//! JSON leads as apps and CRMs send them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn field(lead: &Value, field: LeadField) -> String {
    read(lead).expect("a lead").fields.get(&field).cloned().unwrap_or_default()
}

#[test]
fn one_lead_a_list_and_an_envelope_are_accepted() {
    assert_eq!(open(br#"{"email":"a@b.example"}"#).expect("one").len(), 1);
    assert_eq!(open(br#"[{"email":"a@b.example"},{"email":"c@d.example"}]"#).expect("two").len(), 2);
    assert_eq!(open(b"\xEF\xBB\xBF{\"leads\":[{},{},{}]}").expect("three").len(), 3);
}

#[test]
fn what_is_no_list_of_leads_is_refused_with_a_reason() {
    let code = |bytes: &[u8]| open(bytes).expect_err("refused").code;
    assert_eq!(code(b""), "empty");
    assert_eq!(code(b"[]"), "empty");
    assert_eq!(code(b"{\"email\":"), "not_json");
    assert_eq!(code(b"\"text\""), "not_an_object");
    let many = serde_json::to_vec(&vec![json!({}); 1_001]).expect("JSON");
    assert_eq!(code(&many), "too_many");
    assert_eq!(read(&json!([1])).expect_err("refused").code, "not_an_object");
    assert_eq!(read(&json!({"email": null, "x": ""})).expect_err("refused").code, "empty");
}

#[test]
fn our_own_names_are_read() {
    let every = json!({
        "external_id": "1", "badge": "2", "scanned_at": "3", "salutation": "4", "title": "Dr.", "first_name": "6", "last_name": "7",
        "full_name": "8", "company": "9", "position": "10", "department": "11", "street": "12", "house_number": "13",
        "address_extra": "14", "postal_code": "15", "city": "16", "state": "17", "country": "18", "phone": "19", "mobile": "20",
        "fax": "21", "email": "22", "website": "23", "vat_id": "24", "language": "25", "interest": "26", "priority": "27",
        "note": "28", "scanned_by": "29", "newsletter": "30", "owner": "31",
        "area_code": "32", "extension": "33", "gender_code": "34", "scanned_time": "35"
    });
    let lead = read(&every).expect("a lead");
    assert_eq!((lead.fields.len(), lead.attributes.len()), (35, 0), "{lead:?}");
    assert_eq!(lead.fields[&LeadField::Owner], "31");
}

#[test]
fn camel_case_and_other_systems_names_are_read() {
    let lead = json!({"firstName": "Eva", "lastName": "Krüger", "organization": "Ähre AG", "zip": 89073, "MobilePhone": "0171", "Title": "Einkauf", "Vorname 2": "x"});
    assert_eq!(field(&lead, LeadField::FirstName), "Eva");
    assert_eq!(field(&lead, LeadField::Company), "Ähre AG");
    assert_eq!(field(&lead, LeadField::PostalCode), "89073");
    assert_eq!(field(&lead, LeadField::Mobile), "0171");
    assert_eq!(field(&lead, LeadField::Position), "Einkauf");
}

#[test]
fn nested_personal_data_is_read_and_consents_stay_attributes() {
    let lead = json!({
        "email": "e@a.example",
        "personal_data": {"salutation": "Herr", "title": "Dr.", "first_name": "Uwe", "address_line_1": "Weg 1", "country": "deutschland", "birthdate": "1970-01-01"},
        "consents": [{"type": "checkbox", "name": "Newsletter", "status": "active"}],
        "lists": ["a", "b"],
        "meta": {"campaign_id": 7},
        "company": {"name": "Ähre AG", "phone": "0711 1"}
    });
    let read = read(&lead).expect("a lead");
    assert_eq!(read.fields[&LeadField::Title], "Dr.");
    assert_eq!(read.fields[&LeadField::Street], "Weg 1");
    assert_eq!(read.fields[&LeadField::Company], "Ähre AG");
    assert!(!read.fields.contains_key(&LeadField::Phone), "a company's phone is not a person's");
    assert!(!read.fields.contains_key(&LeadField::Newsletter) && !read.fields.contains_key(&LeadField::FullName));
    for (name, value) in [
        ("consents.0.name", "Newsletter"),
        ("consents.0.status", "active"),
        ("lists", "a|b"),
        ("meta.campaign_id", "7"),
        ("company.phone", "0711 1"),
        ("personal_data.birthdate", "1970-01-01"),
    ] {
        assert_eq!(read.attributes.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn interests_as_a_list_are_one_value() {
    assert_eq!(field(&json!({"interests": ["Pumpen", "Getriebe"]}), LeadField::Interest), "Pumpen|Getriebe");
}

#[test]
fn lists_and_objects_of_addresses_and_numbers_are_read() {
    use LeadField as F;
    for (lead, wanted, value) in [
        (json!({"emails": ["a@b.example", "c@b.example"]}), F::Email, "a@b.example|c@b.example"),
        (json!({"email": {"value": "a@b.example"}}), F::Email, "a@b.example"),
        (json!({"emails": [{"type": "work", "value": "a@b.example"}]}), F::Email, "a@b.example"),
        (json!({"name": {"first": "Eva", "last": "Krüger"}}), F::LastName, "Krüger"),
        (json!({"name": {"first": "Eva", "last": "Krüger"}}), F::FirstName, "Eva"),
        (json!({"firma": {"name": "Ähre AG"}}), F::Company, "Ähre AG"),
        (json!({"phone": {"work": "0711 1"}}), F::Phone, "0711 1"),
        (json!({"phone": {"mobile": "0171 1"}}), F::Mobile, "0171 1"),
        (
            json!({"phones": [{"type": "work", "value": "0711 1"}, {"type": "mobile", "value": "0171 1"}]}),
            F::Mobile,
            "0171 1",
        ),
        (
            json!({"phone": [{"type": "mobile", "value": "0171 1"}, {"type": "home", "value": "0711 2"}]}),
            F::Mobile,
            "0171 1",
        ),
        (json!({"title": "Head of Sales"}), F::Position, "Head of Sales"),
        (json!({"title": "Dr."}), F::Title, "Dr."),
    ] {
        assert_eq!(field(&lead, wanted), value, "{lead}");
    }
}

#[test]
fn an_object_that_only_holds_the_leads_is_an_envelope() {
    assert_eq!(
        open(br#"{"data":[{"email":"a@b.example"},{"email":"c@b.example"}],"total":2,"id":"evt_1"}"#)
            .expect("two")
            .len(),
        2
    );
    let one = open(br#"{"email":"a@b.example","items":[{"name":"Pumpe"}]}"#).expect("one");
    assert_eq!(one.len(), 1, "a lead with a list of its own");
}

#[test]
fn a_lead_of_too_many_members_is_refused() {
    let members: Map<String, Value> = (0..2_001).map(|n| (format!("m{n}"), json!("x"))).collect();
    assert_eq!(read(&Value::Object(members)).expect_err("refused").code, "too_many_members");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(text in "[\\[\\]{}\",:a-z0-9.ä\\\\]{0,120}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        for bytes in [text.as_bytes(), &bytes] {
            for lead in open(bytes).unwrap_or_default() {
                let _ = read(&lead);
            }
        }
    }
}

#[test]
fn json_that_is_too_deep_is_not_called_broken() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    assert_eq!(open(deep.as_bytes()).unwrap_err().code, "json_too_deep");
    let broken = format!("{{\"a\": \"{}\", }}", "[".repeat(200));
    assert_eq!(open(broken.as_bytes()).unwrap_err().code, "not_json", "brackets within a text are text");
}

#[test]
fn a_second_number_is_a_second_number() {
    let lead =
        read(&serde_json::json!({"phone": "0711 1", "phone2": "0711 2", "nome": "Mario", "cognome": "Rossi"})).unwrap();
    assert_eq!(lead.fields[&LeadField::Phone], "0711 1\n0711 2");
    assert_eq!((&*lead.fields[&LeadField::FirstName], &*lead.fields[&LeadField::LastName]), ("Mario", "Rossi"));
}

#[test]
fn a_member_that_is_too_much_is_named_and_nothing_behind_it_is_looked_at() {
    let problem = |lead: Value| {
        let problem = read(&lead).expect_err("refused");
        (problem.code, problem.field)
    };
    let long = "x".repeat(MAX_VALUE + 1);
    assert_eq!(problem(json!({"email": "a@a.example", "note": long})), ("value_too_long".into(), Some("note".into())));
    let half = "1".repeat(MAX_VALUE / 2 + 1);
    let tags = json!({"company": {"tags": [half, half]}});
    assert_eq!(problem(tags), ("value_too_long".into(), Some("company.tags".into())));
    let phones = json!({"phones": [{"type": "work", "value": half}, {"type": "work", "value": half}]});
    assert_eq!(problem(phones).0, "value_too_long");
    assert!(read(&json!({"email": "a@a.example", "note": "x".repeat(MAX_VALUE)})).is_ok());
    let name = "n".repeat(MAX_NAME / 2);
    assert_eq!(problem(json!({&name: {&name: {"n": "1"}}})).0, "name_too_long");
    let many: Vec<Value> = (0..3_000).map(|n| json!({"a": n, "b": [n]})).collect();
    assert_eq!(problem(json!({"rows": many, "zz": long})).0, "too_many_members");
}
