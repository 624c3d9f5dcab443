//! Spans to a collector, by OTLP. Without one configured nothing of it runs.
//!
//! **Invariant:** work never waits for the collector: what does not fit into the queue is dropped.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use mittler_core::Time;
use mittler_store::{Clock, trace};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor},
};
use tokio::runtime::Handle;
use tracing::{
    Id, Subscriber,
    field::{Field, Visit},
    info,
    span::{Attributes, Record},
    warn,
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// Spans that wait for the collector; those of a list of 10,000 rows that comes at once.
const WAITING: usize = 65_536;
/// Spans in one request.
const TOGETHER: usize = 512;
const DELAY: Duration = Duration::from_secs(1);
/// How long one request, and the last ones at the end of the process, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What sends spans. Clones share it.
#[derive(Clone)]
pub struct Spans {
    processor: Arc<BatchSpanProcessor>,
    clock: Clock,
    scope: InstrumentationScope,
}

impl Spans {
    /// `collector`: its address, as `http://localhost:4318`. Called within the runtime that sends.
    ///
    /// # Errors
    /// If that is no address.
    pub fn to(collector: &str) -> Result<Spans> {
        let endpoint = endpoint(collector);
        let client = Posting {
            client: mittler_connector::http::client(PATIENCE).context("the HTTP client cannot be made")?,
            runtime: Handle::current(),
            collector: collector.to_owned(),
            away: AtomicBool::new(false),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(PATIENCE)
            .build()
            .with_context(|| format!("telemetry.otlp = {collector:?} is no address of a collector"))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(TOGETHER)
            .with_scheduled_delay(DELAY)
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        processor.set_resource(&Resource::builder_empty().with_service_name("mittler").with_attribute(version).build());
        let scope = InstrumentationScope::builder("mittler").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Spans { processor: Arc::new(processor), clock: Clock::default(), scope })
    }

    /// Sends what waits, and ends.
    pub async fn finish(self) {
        let ended = tokio::task::spawn_blocking(move || self.processor.shutdown_with_timeout(PATIENCE)).await;
        if !matches!(ended, Ok(Ok(()))) {
            warn!("the last spans did not reach the collector");
        }
    }
}

/// Where a collector takes spans.
fn endpoint(collector: &str) -> String {
    format!("{}/v1/traces", collector.trim_end_matches('/'))
}

/// Whether a collector takes spans: asked with a request that holds none.
///
/// # Errors
/// Why it does not, with what to do about it.
pub async fn check(collector: &str) -> Result<String, String> {
    let address = endpoint(collector);
    let client = mittler_connector::http::client(PATIENCE).map_err(|error| error.to_string())?;
    // A message of protocol buffers without fields has no bytes.
    let asked = client.post(&address).header("content-type", "application/x-protobuf").body(Vec::new()).send().await;
    let answer = asked.map_err(|error| {
        let cause = error.without_url();
        format!(
            "no collector answers at {address} ({cause}): start it, or put telemetry.otlp right. Meanwhile spans are \
             dropped, and everything else works"
        )
    })?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!(
            "{address} answers {status}, which no OTLP collector does: put telemetry.otlp right. Meanwhile spans are \
             dropped, and everything else works"
        ));
    }
    Ok(format!("the collector at {address} takes spans"))
}

/// One span that is open.
struct Open {
    begun: SystemTime,
    fields: Fields,
}

/// What is written to a span: whose it is, and the ids and codes that it carries.
#[derive(Default)]
struct Fields {
    trace: u128,
    span: u64,
    under: u64,
    others: Vec<KeyValue>,
}

impl Fields {
    fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.others.push(KeyValue::new(name, value));
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            trace::SPAN => self.span = value,
            trace::UNDER => self.under = value,
            name => self.set(name, i64::try_from(value).unwrap_or(i64::MAX)),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        if field.name() == trace::TRACE {
            self.trace = value;
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Open { begun: system_time(self.clock.now()), fields });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            values.record(&mut open.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(Open { begun, fields }) = span.extensions_mut().remove::<Open>() else { return };
        // Whose it is was never told: nothing came of it.
        if fields.trace == 0 {
            return;
        }
        let own = if fields.span == 0 { fastrand::u64(1..) } else { fields.span };
        let context = SpanContext::new(
            TraceId::from_bytes(fields.trace.to_be_bytes()),
            SpanId::from_bytes(own.to_be_bytes()),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        self.processor.on_end(SpanData {
            span_context: context,
            parent_span_id: SpanId::from_bytes(fields.under.to_be_bytes()),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: span.name().into(),
            start_time: begun,
            end_time: system_time(self.clock.now()).max(begun),
            attributes: fields.others,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        });
    }
}

fn system_time(at: Time) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at.0).unwrap_or_default())
}

/// Posts to the collector from the runtime of the process: the sender's own thread has none.
struct Posting {
    client: reqwest::Client,
    runtime: Handle,
    collector: String,
    /// Whether it was said that the collector is away.
    away: AtomicBool,
}

impl fmt::Debug for Posting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Posting").field("collector", &self.collector).finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Posting {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let posted = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?.error_for_status()?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut response = Response::new(answer.bytes().await?);
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok::<_, reqwest::Error>(response)
        });
        let answer = posted.await?.map_err(reqwest::Error::without_url);
        match &answer {
            Ok(_) if self.away.swap(false, Ordering::Relaxed) => {
                info!(collector = self.collector, "spans reach the collector again");
            }
            Err(error) if !self.away.swap(true, Ordering::Relaxed) => {
                warn!(
                    collector = self.collector,
                    %error,
                    "spans do not reach the collector and are dropped; the work goes on. Start it, or put telemetry.otlp right"
                );
            }
            _ => {}
        }
        Ok(answer?)
    }
}
