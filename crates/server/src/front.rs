//! The address of the process. It is bound before anything else: whoever calls while the database
//! is still away is told to come again instead of finding nobody.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use mittler_api::Problem;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long requests in hand may go on after a stop.
const GRACE: Duration = Duration::from_secs(20);

/// Where others call. Until it is opened it says that it is alive and not yet ready.
pub struct Front {
    pub addr: SocketAddr,
    router: Arc<OnceLock<Router>>,
    waits_for: Arc<Mutex<Option<String>>>,
    serving: JoinHandle<Result<()>>,
}

impl Front {
    /// Listens until `stop`.
    pub async fn start(listen: SocketAddr, stop: &CancellationToken) -> Result<Front> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let addr = listener.local_addr()?;
        let router = Arc::new(OnceLock::<Router>::new());
        let opened = Arc::clone(&router);
        let waits_for = Arc::new(Mutex::new(None));
        let told = Arc::clone(&waits_for);
        let early = Router::new().fallback(move |request: Request| {
            let router = opened.get().cloned();
            let waits_for = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            async move {
                match router {
                    Some(router) => router.oneshot(request).await.into_response(),
                    None => starting(request.uri().path(), waits_for),
                }
            }
        });
        let halt = stop.clone();
        let serving = tokio::spawn(async move {
            let serve = axum::serve(listener, early).with_graceful_shutdown(halt.clone().cancelled_owned());
            let late = async {
                halt.cancelled().await;
                tokio::time::sleep(GRACE).await;
            };
            tokio::select! {
                ended = std::future::IntoFuture::into_future(serve) => ended.context("the API ended"),
                () = late => Ok(()),
            }
        });
        Ok(Front { addr, router, waits_for, serving })
    }

    /// Tells callers why it is not ready yet.
    pub fn waits_for(&self, what: &str) {
        *self.waits_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(what.to_owned());
    }

    /// Answers with this from now on.
    pub fn open(&self, router: Router) {
        _ = self.router.set(router);
    }

    /// Waits for the end.
    pub async fn finish(self) -> Result<()> {
        self.serving.await.context("the API broke")?
    }
}

fn starting(path: &str, waits_for: Option<String>) -> Response {
    if path == "/health/live" {
        return Json(json!({"status": "live"})).into_response();
    }
    let why = waits_for.map(|what| format!("; it waits for the database: {what}")).unwrap_or_default();
    Problem::new("unavailable").detailed(format!("the service is starting{why}")).into_response()
}
