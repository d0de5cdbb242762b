//! One node of the service: its HTTP client, and whether it was there lately.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use opensearch::auth::Credentials;
use opensearch::http::Url;
use opensearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use opensearch::http::request::Body;
use opensearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::options::ConnectionOptions;
use super::request::{Answer, Failure, Request};
use super::tls::{self, TlsOptions};
use crate::error::{Error, Result};

/// How long the others go first after a failure, as with Flink's client.
const DOWN: Duration = Duration::from_secs(60);

/// One address.
#[derive(Debug)]
pub struct Node {
    transport: Transport,
    url: Url,
    /// `OpenSearch at https://localhost:9200`
    name: String,
    connect_timeout: Duration,
    answer_timeout: Duration,
    tls: TlsOptions,
    /// It has answered, and not failed since.
    is_proven: AtomicBool,
    down_until: Mutex<Option<Instant>>,
}

impl Node {
    /// A client that has not connected yet. `authorities` is the text of the file that the options name.
    pub fn try_new(url: &Url, options: &ConnectionOptions, authorities: &[u8]) -> Result<Self> {
        tls::check_scheme(url, &options.tls.owner)?;
        // Flink's client ignores proxies of the environment, which are rarely meant for a service next door.
        let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url.clone())).disable_proxy();
        if let Some((username, password)) = &options.credentials {
            builder = builder.auth(Credentials::Basic(username.clone(), password.clone()));
        }
        #[cfg(feature = "tls")]
        if url.scheme() == "https" {
            builder = builder.cert_validation(tls::validation(&options.tls, authorities)?);
        }
        #[cfg(not(feature = "tls"))]
        let _ = authorities;
        let transport = builder.build().map_err(|e| Error::internal(format!("cannot build an HTTP client: {e}")))?;
        Ok(Self {
            transport,
            name: format!("{} at {}", options.product.name(), url.as_str().trim_end_matches('/')),
            url: url.clone(),
            connect_timeout: options.connect_timeout,
            answer_timeout: options.answer_timeout,
            tls: options.tls.clone(),
            is_proven: AtomicBool::new(false),
            down_until: Mutex::default(),
        })
    }

    /// True for a while after a failure.
    pub fn is_down(&self) -> bool {
        let until = *self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn set_down(&self, is_down: bool) {
        self.is_proven.store(!is_down, Ordering::Relaxed);
        let mut until = self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = is_down.then(|| Instant::now() + DOWN);
    }

    /// Sends a request once.
    pub async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let was_proven = self.is_proven.load(Ordering::Relaxed);
        if !was_proven && let Err(why) = self.connect().await {
            self.set_down(true);
            return Err(Failure::NotSent(self.away(why)));
        }
        let answer = self.exchange(request).await;
        self.set_down(answer.is_err());
        match answer {
            Err(Failure::Unanswered(_)) if !was_proven && self.speaks_tls().await => {
                Err(Failure::NotSent(tls::wants_tls(&self.name, &self.url)))
            }
            answer => answer,
        }
    }

    /// Makes a connection and closes it, for the HTTP client has one limit for connecting and answering together.
    async fn connect(&self) -> Result<(), String> {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.url.port_or_known_default().unwrap_or_default();
        match timeout(self.connect_timeout, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err(format!("no connection within {} s", self.connect_timeout.as_secs_f32())),
        }
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        if request.is_ndjson {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        }
        if let Some(id) = &request.opaque_id {
            headers.insert("x-opaque-id", id.clone());
        }
        let (no_query, body): (Option<&str>, _) = (None, request.body.clone().map(Ready));
        let limit = Some(self.answer_timeout);
        let sending = self.transport.send(request.method, &request.path, headers, no_query, body, limit);
        let response = sending.await.map_err(|e| self.failure(&e))?;
        let status = response.status_code().as_u16();
        let body = response.bytes().await.map_err(|e| self.failure(&e))?;
        Ok(Answer { status, body })
    }

    fn failure(&self, error: &opensearch::Error) -> Failure {
        let words = causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
        if let Some(fault) = tls::fault(&words, &self.name, &self.url, &self.tls) {
            return Failure::NotSent(fault);
        }
        if error.is_timeout() {
            return Failure::Silent(self.away(format!("no answer within {} s", self.answer_timeout.as_secs_f32())));
        }
        let last = causes(error).last().map_or_else(|| error.to_string(), |cause| cause.to_string());
        let why = self.away(tls::system_words(last));
        if is_connect(error) { Failure::NotSent(why) } else { Failure::Unanswered(why) }
    }

    fn away(&self, why: String) -> Error {
        Error::external(format!("cannot reach {}: {why}", self.name)).retriable()
    }

    /// True where a port that was spoken to without TLS answers in TLS. No password is sent.
    #[cfg(feature = "tls")]
    async fn speaks_tls(&self) -> bool {
        let mut url = self.url.clone();
        if url.scheme() != "http" || url.set_scheme("https").is_err() {
            return false;
        }
        let builder = TransportBuilder::new(SingleNodeConnectionPool::new(url)).disable_proxy();
        let Ok(transport) = builder.cert_validation(opensearch::cert::CertificateValidation::None).build() else {
            return false;
        };
        let (no_query, no_body): (Option<&str>, Option<Ready>) = (None, None);
        let get = opensearch::http::Method::Get;
        transport.send(get, "/", HeaderMap::new(), no_query, no_body, Some(self.connect_timeout)).await.is_ok()
    }

    #[cfg(not(feature = "tls"))]
    async fn speaks_tls(&self) -> bool {
        false
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
