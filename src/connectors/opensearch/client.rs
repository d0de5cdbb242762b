//! The service: its nodes in turn, and what went wrong in words.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opensearch::http::Method;

use super::node::Node;
use super::options::ConnectionOptions;
use super::request::{Answer, Failure, Refusal, Request};
use crate::connectors::{OpenContext, Reporter, RetryPolicy};
use crate::error::{Error, Result};

/// A client of one cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cluster {
    nodes: Arc<[Node]>,
    turn: Arc<AtomicUsize>,
    name: Arc<str>,
    has_credentials: bool,
    /// After so long without an answer people are told what is waited for.
    silence: Duration,
    context: OpenContext,
}

impl Cluster {
    /// A client that has not connected yet; it has read the file of certificates.
    pub async fn try_new(options: &ConnectionOptions, context: &OpenContext) -> Result<Self> {
        #[cfg(feature = "tls")]
        let authorities = super::tls::read_authorities(&options.tls).await?;
        #[cfg(not(feature = "tls"))]
        let authorities = Vec::new();
        let nodes = options.hosts.iter().map(|url| Node::try_new(url, options, &authorities));
        Ok(Self {
            nodes: nodes.collect::<Result<Vec<_>>>()?.into(),
            turn: Arc::default(),
            name: format!("{} at {}", options.product.name(), options.addresses()).into(),
            has_credentials: options.credentials.is_some(),
            silence: options.answer_timeout / 6,
            context: context.clone(),
        })
    }

    /// `OpenSearch at http://127.0.0.1:9200`
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn context(&self) -> &OpenContext {
        &self.context
    }

    /// Tells people what is waited for.
    pub fn reporter(&self) -> &Reporter {
        &self.context.reporter
    }

    /// Sends a request once, to the next node that takes it; those that failed lately come last.
    ///
    /// # Errors
    /// Retriable: nobody answered (in time). The request may have been carried out all the same, unless
    /// [`Failure::NotSent`].
    pub async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let sending = self.send_to_one(request);
        tokio::pin!(sending);
        match tokio::time::timeout(self.silence, &mut sending).await {
            Ok(done) => done,
            Err(_) => {
                let why = format!("no answer for {} s", (self.silence.as_secs_f64() * 100.0).round() / 100.0);
                self.context.reporter.waits_because(&format!("waiting for {}", self.name), &why);
                let done = sending.await;
                if done.is_ok() {
                    self.context.reporter.goes_on();
                }
                done
            }
        }
    }

    async fn send_to_one(&self, request: &Request) -> Result<Answer, Failure> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut nodes: Vec<_> =
            self.nodes.iter().cycle().skip(turn % self.nodes.len().max(1)).take(self.nodes.len()).collect();
        nodes.sort_by_key(|node| node.is_down());
        let mut kept: Option<Error> = None;
        for node in nodes {
            match node.send(request).await {
                // What stays wrong says more than what may go away.
                Err(Failure::NotSent(error)) => match &kept {
                    Some(first) if !first.is_retriable() => {}
                    _ => kept = Some(error),
                },
                other => return other,
            }
        }
        Err(Failure::NotSent(kept.unwrap_or_else(|| Error::internal("a cluster without hosts"))))
    }

    /// Sends a request again and again for as long as `patience` while nobody answers or the service is too busy: only
    /// for what may be carried out twice.
    pub async fn ask(&self, request: &Request, patience: Duration) -> Result<Answer> {
        let mut retries = RetryPolicy::ForTime(patience).start();
        loop {
            let error = match self.send(request).await {
                Ok(answer) if answer.is_busy() => self.refused(&answer),
                Ok(answer) => {
                    retries.done(&self.context);
                    return Ok(answer);
                }
                Err(failure) => failure.into_error(),
            };
            retries.wait(error, &self.name, &self.context).await?;
        }
    }

    /// Asks the service who it is, trying again while it is away: a wrong address or password shows at once.
    pub async fn greet(&self, options: &ConnectionOptions) -> Result<()> {
        match self.ask(&Request::new(Method::Get, "/"), options.max_retry).await? {
            // Without the permission to ask, the rest may be allowed all the same.
            answer if answer.status < 400 || answer.status == 403 => Ok(()),
            answer => Err(self.failed(&answer)),
        }
    }

    /// The same as [`Self::refused`] where no other try is made: it is counted.
    pub fn failed(&self, answer: &Answer) -> Error {
        self.context.metrics.errors.fetch_add(1, Ordering::Relaxed);
        self.refused(answer)
    }

    /// What an answer of status 400 or more says.
    pub fn refused(&self, answer: &Answer) -> Error {
        let status = answer.status;
        let why = match Refusal::of(answer) {
            Some(refusal) => format!("{} ({status} {})", refusal.reason, refusal.kind),
            None => format!("HTTP status {status}"),
        };
        let error = Error::external(format!("{}: {why}", self.name));
        match status {
            401 if self.has_credentials => {
                Error::external(format!("{} doesn't accept the credentials ({status})", self.name))
                    .with_hint("Check 'username' and 'password' of the table or its integration.")
            }
            401 => Error::external(format!("{} wants credentials ({status})", self.name))
                .with_hint("Set 'username' and 'password' in the table or its integration."),
            403 => error.with_hint("The user lacks a permission for this."),
            413 => error.with_hint("The request is too large for the server: lower 'sink.bulk-flush.max-size'."),
            _ if answer.is_busy() => error.retriable(),
            _ => error,
        }
    }
}
