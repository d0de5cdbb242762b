//! `--metrics ADDR`: the counters of all jobs over HTTP, for Prometheus.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::error::{Error, Result};
use crate::runtime::{JobMetrics, exposition, spawn};

/// The jobs whose counters are served; ended ones stay, so that their last counts can still be read.
#[derive(Clone, Default)]
pub struct MetricsRegistry(Arc<Mutex<Vec<(Arc<str>, Arc<JobMetrics>)>>>);

impl MetricsRegistry {
    pub fn add(&self, job: Arc<str>, metrics: Arc<JobMetrics>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((job, metrics));
    }

    fn text(&self) -> String {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        exposition(jobs.iter().map(|(job, metrics)| (&**job, &**metrics)))
    }
}

/// Serves `/metrics` until the process ends; gives the address that it listens at.
///
/// # Errors
/// An address that can't be listened at.
pub async fn serve(address: &str, registry: MetricsRegistry) -> Result<SocketAddr> {
    // `:9090` is every interface, as in Prometheus' own flags.
    let bound = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.to_string() };
    let refused = |error: std::io::Error| {
        Error::external(format!("cannot serve metrics at '{address}': {error}"))
            .with_hint("--metrics takes HOST:PORT, such as 127.0.0.1:9090; port 0 picks a free one.")
    };
    let listener = TcpListener::bind(&bound).await.map_err(refused)?;
    let local = listener.local_addr().map_err(refused)?;
    drop(spawn(accept(listener, registry)));
    Ok(local)
}

async fn accept(listener: TcpListener, registry: MetricsRegistry) {
    loop {
        // A connection that was broken off before it was accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let registry = registry.clone();
        drop(spawn(async move {
            let service = service_fn(move |request| {
                let registry = registry.clone();
                async move { Ok::<_, Infallible>(answer(&request, &registry)) }
            });
            // The timer lets hyper drop a client that sends its head too slowly.
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new());
            if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!("a reader of metrics went away: {error}");
            }
        }));
    }
}

fn answer(request: &Request<Incoming>, registry: &MetricsRegistry) -> Response<Full<Bytes>> {
    let (status, kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", registry.text())
        }
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_string()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "the metrics are at /metrics\n".to_string()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
