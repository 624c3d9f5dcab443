//! What a script does that nobody would call a middleware: one call after the other to HubSpot, nothing looked up,
//! nothing kept. For scale only.

use anyhow::Context;
use mittler_sandbox::Access;
use serde_json::json;
use tokio::time::Instant;

use crate::{house, people::Population};

const SINGLE: usize = 20;
const BATCHES: usize = 10;
const BATCH: usize = 100;

/// Leads per second.
pub struct Script {
    /// One create for each lead.
    pub one_by_one: f64,
    /// Contacts alone, 100 a call.
    pub by_100: f64,
}

pub async fn run(access: &Access) -> anyhow::Result<Script> {
    let http = house::client()?;
    // A seed that nobody else has: these people are new to the CRM.
    let all = Population::new(0x5e71, SINGLE + BATCHES * BATCH, 0.0);
    let mut inputs = all.people.iter().map(|person| json!({"properties": {"email": person.email}}));
    let url = format!("{}/crm/v3/objects/contacts", access.hubspot.base_url);
    let post = async |url: &str, body: &serde_json::Value| {
        let answer = http.post(url).bearer_auth(&access.hubspot.access_token).json(body).send().await?;
        anyhow::Ok(answer.error_for_status()?.bytes().await?)
    };
    let begun = Instant::now();
    for _ in 0..SINGLE {
        let input = inputs.next().context("too few people")?;
        post(&url, &input).await?;
    }
    let one_by_one = rate(SINGLE, begun);
    let begun = Instant::now();
    for _ in 0..BATCHES {
        let batch: Vec<_> = inputs.by_ref().take(BATCH).collect();
        post(&format!("{url}/batch/create"), &json!({"inputs": batch})).await?;
    }
    Ok(Script { one_by_one, by_100: rate(BATCHES * BATCH, begun) })
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn rate(count: usize, begun: Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}
