//! A sender that keeps its promises: what is not accepted is sent again, byte for byte.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
    multipart::{Form, Part},
};
use serde_json::Value;
use tokio::time::Instant;

use crate::people;

/// The longest that a refusal is waited out; the server may ask for more than a test has.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

pub struct Sender {
    http: reqwest::Client,
    leads_url: String,
    imports_url: String,
    key: String,
    ends: Instant,
    pub retries: AtomicU64,
    /// How often each status came; 0 stands for no answer at all.
    statuses: Mutex<BTreeMap<u16, u64>>,
}

impl Sender {
    /// Gives up at `ends`.
    pub fn new(base_url: &str, key: &str, ends: Instant) -> anyhow::Result<Sender> {
        let query = people::query().map(|(name, value)| format!("{name}={}", value.replace(' ', "%20"))).join("&");
        Ok(Sender {
            http: crate::house::client()?,
            leads_url: format!("{base_url}/api/v1/leads?{query}"),
            imports_url: format!("{base_url}/api/v1/imports"),
            key: key.to_owned(),
            ends,
            retries: AtomicU64::new(0),
            statuses: Mutex::default(),
        })
    }

    /// Path and query of a single lead, for clients of another make.
    pub fn path(&self) -> String {
        let path = self.leads_url.splitn(4, '/').nth(3).unwrap_or_default();
        format!("/{path}")
    }

    pub fn statuses(&self) -> BTreeMap<u16, u64> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends until it is accepted; gives the id of the input.
    pub async fn lead(&self, body: &str) -> anyhow::Result<String> {
        let answer = self
            .until_accepted(|| {
                let request = self.http.post(&self.leads_url).header(CONTENT_TYPE, "application/json");
                Ok(request.body(body.to_owned()))
            })
            .await?;
        let id = answer["leads"][0]["id"].as_str().context("an accepted lead without an id")?;
        Ok(id.to_owned())
    }

    /// Sends a list until it is accepted; gives the id of the import.
    pub async fn list(&self, csv: &str, params: &Value) -> anyhow::Result<String> {
        let answer = self
            .until_accepted(|| {
                let file = Part::text(csv.to_owned()).file_name("export.csv").mime_str("text/csv")?;
                let form = Form::new().text("params", params.to_string()).part("file", file);
                Ok(self.http.post(&self.imports_url).multipart(form))
            })
            .await?;
        Ok(answer["run"].as_str().context("an accepted list without a run")?.to_owned())
    }

    async fn until_accepted(
        &self,
        request: impl Fn() -> anyhow::Result<reqwest::RequestBuilder>,
    ) -> anyhow::Result<Value> {
        loop {
            let answer = async { request()?.bearer_auth(&self.key).send().await.map_err(anyhow::Error::from) }.await;
            let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
            *self.statuses.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
            let wait = match answer {
                Ok(answer) if answer.status() == StatusCode::ACCEPTED => {
                    // The answer's body may be cut off; only with it do we know that we were answered.
                    match answer.json().await {
                        Ok(body) => return Ok(body),
                        Err(_) => Duration::from_millis(100),
                    }
                }
                Ok(answer) if answer.status().is_server_error() || answer.status() == StatusCode::TOO_MANY_REQUESTS => {
                    asked_wait(&answer)
                }
                Ok(answer) => bail!("refused with {}: {}", answer.status(), answer.text().await.unwrap_or_default()),
                Err(_) => Duration::from_millis(100),
            };
            if Instant::now() > self.ends {
                bail!("not accepted in time");
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait + Duration::from_millis(fastrand::u64(0..100))).await;
        }
    }
}

fn asked_wait(answer: &Response) -> Duration {
    let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    asked.map_or(Duration::from_millis(200), Duration::from_secs).min(LONGEST_WAIT)
}
