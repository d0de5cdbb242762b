//! Sends actions to the service until each is done, or rejected for good.

use std::sync::atomic::Ordering;
use std::time::Duration;

use opensearch::http::Method;

use super::bulk::{Actions, Limits};
use super::client::Cluster;
use super::options::Product;
use super::outcome::{Outcome, Rejection};
use super::request::{Failure, Request};
use super::tasks::{RequestNames, wait_until_over};
use crate::connectors::RetryPolicy;
use crate::error::{Error, Result};

/// How the documents of one table are sent.
#[derive(Debug, Clone)]
pub struct Sending {
    pub owner: String,
    pub product: Product,
    pub limits: Limits,
    /// While the service is away.
    pub away: RetryPolicy,
    /// While it is there and too busy.
    pub busy: RetryPolicy,
    /// How long to ask on, and how long an answer may take.
    pub patience: (Duration, Duration),
    /// `'failure-handler' = 'ignore'`
    pub drops_rejected: bool,
}

/// One request at a time.
#[derive(Debug)]
pub struct Sender {
    pub sending: Sending,
    pub cluster: Cluster,
    /// Where writes that come late would do harm: a request whose answer is lost is over before the next is sent.
    pub names: Option<RequestNames>,
}

impl Sender {
    /// Sends actions until every one is done. `reject` is told the position of each that the service will never take, and
    /// why; it says false where that fails the job.
    pub async fn send(
        &self,
        actions: Actions,
        mut reject: impl FnMut(usize, Error) -> Result<bool> + Send,
    ) -> Result<()> {
        let (mut actions, mut positions) = (actions, None::<Vec<usize>>);
        let context = self.cluster.context();
        let bytes = actions.body().len() as u64;
        let (mut away, mut busy) = (self.sending.away.start(), self.sending.busy.start());
        loop {
            let name = self.names.as_ref().map(RequestNames::name).transpose()?;
            let request = Request::new(Method::Post, format!("/_bulk?{}", Outcome::QUERY))
                .with_ndjson(actions.body().clone())
                .with_opaque_id(name.clone());
            context.metrics.requests.fetch_add(1, Ordering::Relaxed);
            // Whether it may be carried out though there is no answer of it.
            let mut is_lost = false;
            let (error, retries) = match self.cluster.send(&request).await {
                Ok(answer) if answer.status < 400 => {
                    let outcome = Outcome::parse(&answer.body, actions.len(), self.cluster.name())?;
                    if let Some(stream) = &outcome.data_stream {
                        return Err(super::plain_index::became_a_data_stream(stream, &self.sending.owner));
                    }
                    let position = |i: usize| positions.as_ref().map_or(Some(i), |all| all.get(i).copied());
                    self.judge(&outcome.rejected, position, &mut reject)?;
                    let Some(rejection) = outcome.busy else { break };
                    if outcome.again.len() < actions.len() {
                        busy.got_on();
                    }
                    away.got_on();
                    actions = actions.only(&outcome.again);
                    positions = Some(outcome.again.iter().filter_map(|i| position(*i)).collect());
                    (self.too_busy(&rejection, actions.len()), &mut busy)
                }
                Ok(answer) => {
                    is_lost = answer.status >= 500;
                    let retries = if matches!(answer.status, 429 | 503) { &mut busy } else { &mut away };
                    (self.cluster.refused(&answer), retries)
                }
                Err(failure) => {
                    is_lost = !matches!(failure, Failure::NotSent(_));
                    (failure.into_error(), &mut away)
                }
            };
            retries.wait(error, self.cluster.name(), context).await?;
            if is_lost && let Some(name) = name.as_ref().and_then(|name| name.to_str().ok()) {
                let whose = "requests whose answers were lost";
                wait_until_over(&self.cluster, self.sending.patience, whose, |other| other == name).await?;
            }
        }
        // Said once, whatever was waited for.
        if away.waited() { &away } else { &busy }.done(context);
        context.metrics.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn too_busy(&self, first: &Rejection, count: usize) -> Error {
        let others = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        let message = format!("{} is too busy for {}{others}: {}", self.cluster.name(), first.document(), first.why());
        Error::external(message).retriable()
    }

    /// Fails on rejected documents, or does with them what the options say. `position` is that of an action in all that
    /// was to be sent.
    fn judge(
        &self,
        rejected: &[Rejection],
        position: impl Fn(usize) -> Option<usize>,
        reject: &mut impl FnMut(usize, Error) -> Result<bool>,
    ) -> Result<()> {
        let Some(first) = rejected.first() else { return Ok(()) };
        let (count, owner, service) = (rejected.len(), &self.sending.owner, self.sending.product.name());
        if self.sending.drops_rejected {
            let (document, why) = (first.document(), first.why());
            let line = format!("dropped {count} rejected documents of {owner}, first {document}: {why}");
            self.cluster.reporter().news(&line);
            return Ok(());
        }
        if let Some(denied) = rejected.iter().find(|rejection| rejection.is_denied()) {
            return Err(denied.clone().into_denied(owner, self.cluster.name()));
        }
        for rejection in rejected {
            let error = rejection.clone().into_error(1, owner, service);
            let is_handled = match position(rejection.position) {
                Some(position) => reject(position, error)?,
                None => false,
            };
            if !is_handled {
                return Err(first.clone().into_error(count, owner, service));
            }
        }
        Ok(())
    }
}
