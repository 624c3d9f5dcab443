//! Single records: create, read, update, delete, and upsert by external id.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::dml::{Upserted, external_field, url_id};
use super::failure::Failure;
use super::org::Org;
use super::schema::{Field, Object};
use super::tables::Row;
use super::{rest, search, values};

/// Turns the ids of an ambiguous external id into the URLs the 300 answer lists.
pub fn with_choices(mut failure: Failure, call: &Call) -> Failure {
    let object = call.segments.get(1).cloned().unwrap_or_default();
    for choice in &mut failure.choices {
        *choice = format!("/services/data/{}/sobjects/{object}/{choice}", call.version);
    }
    failure
}

fn location(call: &Call, object: &str, id: &str) -> String {
    format!("/services/data/{}/sobjects/{object}/{id}", call.version)
}

pub fn create(org: &mut Org, call: &Call, object: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let id = org.create(&call.caller(), &object.name, &call.json_object()?)?;
    let body = json!({"id": id, "success": true, "errors": []});
    Ok(Reply::json(201, body).with("location", location(call, &object.name, &id)))
}

pub fn read(org: &Org, call: &Call, object: &str, id: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let id = url_id(&object, id)?;
    show(org, call, &object, &id)
}

pub fn read_by_key(org: &Org, call: &Call, object: &str, field: &str, value: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let id = one_by_key(org, &object, field, value)?;
    show(org, call, &object, &id)
}

fn show(org: &Org, call: &Call, object: &Object, id: &str) -> Result<Reply, Failure> {
    let row = org.row(&object.name, id)?;
    let changed = modified(row);
    if let Some(reply) = rest::unchanged(changed, call) {
        return Ok(reply);
    }
    let fields = chosen_fields(object, call.param("fields").map(|names| names.split(',')))?;
    let body = search::show(object, row, &fields, &call.version);
    Ok(Reply::ok(body).with("last-modified", values::http_date(changed)))
}

/// The named fields, or all of them.
pub fn chosen_fields<'a, 'b>(
    object: &'a Object,
    names: Option<impl Iterator<Item = &'b str>>,
) -> Result<Vec<&'a Field>, Failure> {
    let Some(names) = names else { return Ok(object.fields.iter().collect()) };
    names
        .map(|name| {
            object.field(name.trim()).ok_or_else(|| {
                let message = format!("No such column '{name}' on sobject of type {}", object.name);
                Failure::new(400, "INVALID_FIELD", message)
            })
        })
        .collect()
}

fn modified(row: &Row) -> jiff::Timestamp {
    values::parse_datetime(row.text("LastModifiedDate")).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

pub fn update(org: &mut Org, call: &Call, object: &str, id: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let id = url_id(&object, id)?;
    let input = call.json_object()?;
    if input.keys().any(|name| name.eq_ignore_ascii_case("Id")) {
        let message = "The Id field should not be specified in the sobject data.";
        return Err(Failure::new(400, "INVALID_FIELD", message));
    }
    let changed = modified(org.row(&object.name, &id)?);
    if let Some(since) = call.header("if-unmodified-since").and_then(values::parse_http_date)
        && changed.as_second() > since.as_second()
    {
        let message = "The requested resource has been modified since the given time";
        return Err(Failure::new(412, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", message));
    }
    org.update(&call.caller(), &object.name, &id, &input)?;
    Ok(Reply::empty(204))
}

pub fn delete(org: &mut Org, call: &Call, object: &str, id: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let id = url_id(&object, id)?;
    org.delete(&call.caller(), &object.name, &id)?;
    Ok(Reply::empty(204))
}

pub fn delete_by_key(org: &mut Org, call: &Call, object: &str, field: &str, value: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let id = one_by_key(org, &object, field, value)?;
    org.delete(&call.caller(), &object.name, &id)?;
    Ok(Reply::empty(204))
}

fn one_by_key(org: &Org, object: &Object, field: &str, value: &str) -> Result<String, Failure> {
    let field = external_field(object, field)?;
    let value = values::accept(&field, &values::key(&field, value), org.config.trim_text)?;
    let mut found = org.find_by(object, &field, &value);
    match found.len() {
        0 => Err(Failure::no_resource()),
        1 => Ok(found.remove(0)),
        _ => {
            let message = format!("{}: more than one record found for external id field", field.name);
            Err(Failure { choices: found, ..Failure::new(300, "DUPLICATE_EXTERNAL_ID", message) })
        }
    }
}

pub fn upsert(org: &mut Org, call: &Call, object: &str, field: &str, value: &str) -> Result<Reply, Failure> {
    let object = org.object(object)?;
    let update_only = call.param("updateOnly").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let input = call.json_object()?;
    let Upserted { id, created } = org.upsert(&call.caller(), &object.name, (field, value), &input, update_only)?;
    // Before v46 an upsert that found its record answered without a body.
    if !created && call.version_number() < 46 {
        return Ok(Reply::empty(204));
    }
    let mut body = json!({"id": id, "success": true, "errors": []});
    if call.version_number() >= 46 {
        body["created"] = Value::Bool(created);
    }
    let reply = Reply::json(if created { 201 } else { 200 }, body);
    Ok(if created { reply.with("location", location(call, &object.name, &id)) } else { reply })
}
