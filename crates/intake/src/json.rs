//! Leads as JSON objects.

use serde_json::Value;

use crate::{Problem, RawLead};

/// One object, an array of objects, or `{"leads": […]}`; at most 1,000 leads.
pub fn open(_bytes: &[u8]) -> Result<Vec<Value>, Problem> {
    Err(Problem::new("not_json", "this is no JSON"))
}

pub fn read(_lead: &Value) -> Result<RawLead, Problem> {
    Err(Problem::new("not_an_object", "a lead is a JSON object"))
}
