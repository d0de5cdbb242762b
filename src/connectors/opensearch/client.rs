//! The service: its nodes in turn, and what went wrong in words.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opensearch::auth::Credentials;
use opensearch::http::Method;
use opensearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use opensearch::http::request::Body;
use opensearch::http::transport::{Connection, ConnectionPool, Transport, TransportBuilder};
use serde::Deserialize;

use super::options::{ConnectionOptions, Product};
use super::retries::RetryPolicy;
use crate::connectors::OpenContext;
use crate::error::{Error, Result};

/// A client of one cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cluster {
    transport: Transport,
    nodes: usize,
    product: Product,
    addresses: Arc<str>,
    timeout: Duration,
}

/// An answer of whatever status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    /// With its query, percent-encoded.
    pub path: String,
    pub body: Option<Bytes>,
    pub is_ndjson: bool,
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, is_ndjson: false }
    }

    pub fn with_json(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn with_ndjson(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self.is_ndjson = true;
        self
    }
}

/// Nodes in turn: a request that finds one away goes to the next.
#[derive(Debug, Clone)]
struct Nodes {
    all: Arc<[Connection]>,
    next: Arc<AtomicUsize>,
    first: Connection,
}

impl ConnectionPool for Nodes {
    fn next(&self) -> Connection {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.all.get(turn % self.all.len().max(1)).unwrap_or(&self.first).clone()
    }
}

impl Cluster {
    /// A client that has not connected yet.
    pub fn try_new(options: &ConnectionOptions) -> Result<Self> {
        let all: Arc<[Connection]> = options.hosts.iter().cloned().map(Connection::new).collect();
        let first = all.first().cloned().ok_or_else(|| Error::internal("a cluster without hosts"))?;
        let nodes = all.len();
        // Flink's client ignores proxies of the environment, which are rarely meant for a service next door.
        let mut builder = TransportBuilder::new(Nodes { all, next: Arc::default(), first }).disable_proxy();
        if let Some((username, password)) = &options.credentials {
            builder = builder.auth(Credentials::Basic(username.clone(), password.clone()));
        }
        let transport = builder.build().map_err(|e| Error::internal(format!("cannot build an HTTP client: {e}")))?;
        let addresses = options.addresses().into();
        Ok(Self { transport, nodes, product: options.product, addresses, timeout: options.timeout })
    }

    /// `OpenSearch at http://127.0.0.1:9200`
    pub fn name(&self) -> String {
        format!("{} at {}", self.product.name(), self.addresses)
    }

    /// Sends a request once, to the next node that can be connected to.
    ///
    /// # Errors
    /// Retriable: nobody answered (in time). The request may have been carried out all the same, unless
    /// [`Failure::NotSent`].
    pub async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let mut failure = self.send_once(request).await;
        for _ in 1..self.nodes {
            match failure {
                Err(Failure::NotSent(_)) => failure = self.send_once(request).await,
                other => return other,
            }
        }
        failure
    }

    async fn send_once(&self, request: &Request) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        if request.is_ndjson {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        }
        let body = request.body.clone().map(Ready);
        let no_query: Option<&str> = None;
        let sending = self.transport.send(request.method, &request.path, headers, no_query, body, Some(self.timeout));
        let failed = |e: opensearch::Error| {
            let is_connect = is_connect(&e);
            let why = match e.is_timeout() {
                true => format!("no answer within {} s", self.timeout.as_secs_f32()),
                false => root_cause(&e),
            };
            let error = Error::external(format!("cannot reach {}: {why}", self.name())).retriable();
            if is_connect { Failure::NotSent(error) } else { Failure::Unanswered(error) }
        };
        let response = sending.await.map_err(failed)?;
        let status = response.status_code().as_u16();
        let body = response.bytes().await.map_err(failed)?;
        Ok(Answer { status, body })
    }

    /// Asks the service who it is, trying again while it is away: a wrong address or password shows at once.
    pub async fn greet(&self, context: &OpenContext, options: &ConnectionOptions) -> Result<()> {
        let request = Request::new(Method::Get, "/");
        let mut retries = RetryPolicy::ForTime(options.max_retry).start();
        loop {
            let error = match self.send(&request).await {
                // Without the permission to ask, the rest may be allowed all the same.
                Ok(answer) if answer.status < 400 || answer.status == 403 => return Ok(()),
                Ok(answer) => self.refused(&answer),
                Err(failure) => failure.into_error(),
            };
            retries.wait(error, &self.name(), context).await?;
        }
    }

    /// What an answer of status 400 or more says.
    pub fn refused(&self, answer: &Answer) -> Error {
        let status = answer.status;
        let why = match Refusal::of(answer) {
            Some(refusal) => format!("{} ({status} {})", refusal.reason, refusal.kind),
            None => format!("HTTP status {status}"),
        };
        let error = Error::external(format!("{}: {why}", self.name()));
        match status {
            401 => Error::external(format!("{} doesn't accept the credentials ({status})", self.name()))
                .with_hint("Check 'username' and 'password' of the table or its integration."),
            403 => error.with_hint("The user lacks a permission for this."),
            413 => error.with_hint("The request is too large for the server: lower 'sink.bulk-flush.max-size'."),
            429 | 500..=599 => error.retriable(),
            _ => error,
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// Nobody took the request.
    NotSent(Error),
    /// It was sent, and may or may not have been carried out.
    Unanswered(Error),
}

impl Failure {
    pub fn into_error(self) -> Error {
        match self {
            Self::NotSent(error) | Self::Unanswered(error) => error,
        }
    }
}

/// An error as the service words it.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// `index_not_found_exception`
    pub kind: String,
    pub reason: String,
}

impl Refusal {
    /// The error in an answer's body, if it is one.
    pub fn of(answer: &Answer) -> Option<Self> {
        #[derive(Deserialize)]
        struct Whole {
            error: serde_json::Value,
        }
        let whole: Whole = serde_json::from_slice(&answer.body).ok()?;
        Some(Self::from_value(&whole.error))
    }

    /// The innermost cause says most: `failed to parse field [t] of type [date]: ...`.
    pub fn from_value(error: &serde_json::Value) -> Self {
        let text = |key: &str| error.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_string();
        let mut reason = match error.as_str() {
            Some(plain) => plain.to_string(),
            None => text("reason"),
        };
        let mut cause = error.get("caused_by");
        while let Some(inner) = cause {
            if let Some(why) = inner.get("reason").and_then(|v| v.as_str())
                && !reason.contains(why)
            {
                reason = format!("{reason}: {why}");
            }
            cause = inner.get("caused_by");
        }
        Self { kind: text("type"), reason }
    }
}

/// A body that is there already.
struct Ready(Bytes);

impl Body for Ready {
    fn bytes(&self) -> Option<Bytes> {
        Some(self.0.clone())
    }

    fn write(&self, bytes: &mut bytes::BytesMut) -> Result<(), opensearch::Error> {
        bytes.extend_from_slice(&self.0);
        Ok(())
    }
}

/// A name as a segment of a path; `,` and `*` keep their meaning.
pub fn path_segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' | b'*' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn causes(error: &opensearch::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn StdError + 'static)| (*cause).source())
}

/// True where no connection was made, by the words of the HTTP client, which doesn't give its error type away here.
fn is_connect(error: &opensearch::Error) -> bool {
    causes(error).any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused)
            || cause.to_string().contains("(Connect)")
            || cause.to_string().starts_with("dns error")
    })
}

fn root_cause(error: &opensearch::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), |cause| cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_gives_its_innermost_cause() {
        let body = r#"{"error":{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"x","reason":"bad date"}},"status":400}"#;
        let refusal = Refusal::of(&Answer { status: 400, body: body.into() }).unwrap();
        assert_eq!(
            (refusal.kind.as_str(), refusal.reason.as_str()),
            ("mapper_parsing_exception", "failed to parse: bad date")
        );
        assert!(Refusal::of(&Answer { status: 502, body: "<html>".into() }).is_none());
    }

    #[test]
    fn names_are_encoded_for_paths() {
        assert_eq!(path_segment("a-b_*,ü/?"), "a-b_*,%C3%BC%2F%3F");
    }
}
