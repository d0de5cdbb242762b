//! One of the two producers of a target: a transactional id, and the transaction of an epoch that is open under it.
//!
//! Epoch N uses slot N mod 2, so that rows of the next epoch find a producer while the last one is being published.

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::changelog::Epoch;
use crate::connectors::kafka::context::is_retriable;
use crate::connectors::kafka::produce::BatchProducer;
use crate::connectors::kafka::progress::{Progress, SILENCE};
use crate::connectors::kafka::transaction::TransactionError;
use crate::error::{Error, Result};

/// How long one call waits before what the client says is heard, and it is asked again.
const SLICE: Duration = Duration::from_millis(500);
/// A request for new offsets is a new one each time: it may take longer.
const LONGEST_SLICE: Duration = Duration::from_secs(8);
/// How long a start waits for a producer in one go: a broker that was just started needs some seconds for the first.
const TAKE_OVER_SLICE: Duration = Duration::from_secs(3);
/// The pause before a call that was answered with "not now".
const PAUSE: Duration = Duration::from_millis(20);
/// How long it may take to take a transaction back that nobody will go on with.
const ABORT_TIME: Duration = Duration::from_secs(5);

/// A producer with transactions.
pub struct Slot {
    producer: BatchProducer,
    /// The transactional id.
    id: String,
    job: Arc<str>,
    /// After so long the broker ends an open transaction.
    timeout: Duration,
    /// For how long an answer is waited for: as long as for that to a record.
    patience: Duration,
    state: Mutex<State>,
    /// The tables before whose end the transaction that is open can't end.
    read_whole: Mutex<Option<String>>,
}

#[derive(Clone, Copy)]
enum State {
    Ready,
    Open {
        epoch: Epoch,
        since: Instant,
    },
    /// It is being published: what becomes of it is the broker's to say.
    Ending {
        epoch: Epoch,
        since: Instant,
    },
}

/// Says to a thread that nobody waits for it any longer.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

/// Stops when it is dropped.
pub struct StopOnDrop(pub Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(Error::internal("nobody waits for the epoch to be published")),
            false => Ok(()),
        }
    }
}

impl Slot {
    pub fn new(producer: BatchProducer, id: String, job: Arc<str>, timeout: Duration, patience: Duration) -> Self {
        Self { producer, id, job, timeout, patience, state: Mutex::new(State::Ready), read_whole: Mutex::default() }
    }

    pub fn producer(&self) -> &BatchProducer {
        &self.producer
    }

    /// Shuts out producers of earlier attempts, and ends what they have begun. Waits for a moment at most: an error that
    /// is retriable says that it isn't done yet. Blocks.
    pub fn take_over(&self) -> Result<()> {
        let outcome = self.producer.init_transactions(TAKE_OVER_SLICE);
        self.producer.serve();
        match outcome {
            Ok(()) => {
                self.producer.context().answered();
                Ok(())
            }
            Err(error) => {
                self.producer.context().settle();
                Err(self.failure("cannot take over the transactions of the job", &error))
            }
        }
    }

    /// Sees to it that the transaction of `epoch` is open: at its first row, for one that is open for long is ended by the
    /// broker. `read_whole`: the tables before whose end it can't be committed.
    pub fn open(&self, epoch: Epoch, read_whole: impl FnOnce() -> Option<String>) -> Result<()> {
        let begun = {
            let mut state = self.state();
            match *state {
                State::Open { epoch: open, .. } if open == epoch => return Ok(()),
                State::Open { epoch: other, .. } | State::Ending { epoch: other, .. } => {
                    let what = format!("epoch {} needs the producer that still has epoch {}", epoch.0, other.0);
                    return Err(Error::internal(what));
                }
                State::Ready => self.producer.begin_transaction().map(|()| {
                    *self.read_whole.lock().unwrap_or_else(PoisonError::into_inner) = read_whole();
                    *state = State::Open { epoch, since: Instant::now() };
                }),
            }
        };
        begun.map_err(|error| self.failure("cannot begin a transaction", &error))
    }

    /// Takes in what the client has to say; what went wrong since the transaction was opened is an error.
    pub fn check(&self) -> Result<()> {
        self.producer.check().map_err(|error| self.judged(error))
    }

    /// Waits until every record of the transaction is acknowledged. Blocks.
    pub fn flush(&self, stop: &Stop) -> Result<()> {
        let mut progress = Progress::default();
        while !self.producer.flush_for_a_moment().map_err(|error| self.judged(error))? {
            progress.watch(&self.producer);
            stop.check()?;
        }
        Ok(())
    }

    /// Gives a full producer time. Blocks.
    pub fn wait_while_full(&self, progress: &mut Progress, stop: &Stop) -> Result<()> {
        self.check()?;
        progress.watch(&self.producer);
        stop.check()?;
        std::thread::sleep(PAUSE);
        Ok(())
    }

    /// Notes offsets in the transaction. Blocks.
    pub fn note(&self, group: &CStr, offsets: &TopicPartitionList, stop: &Stop) -> Result<()> {
        let mut slice = SLICE;
        self.ask("cannot note the epoch in its transaction", stop, || {
            slice = (slice * 2).min(LONGEST_SLICE);
            self.producer.note_offsets(group, offsets, slice)
        })
    }

    /// Commits the transaction. Blocks.
    ///
    /// # Errors
    /// What became of the transaction is not known then: a marker says it, behind a fence.
    pub fn commit(&self, stop: &Stop) -> Result<()> {
        {
            let mut state = self.state();
            if let State::Open { epoch, since } = *state {
                *state = State::Ending { epoch, since };
            }
        }
        self.ask("cannot commit a transaction", stop, || self.producer.commit_transaction(SLICE))?;
        *self.state() = State::Ready;
        Ok(())
    }

    /// Calls until it is done, the answer is final, or it has taken as long as a record may.
    fn ask(&self, doing: &str, stop: &Stop, mut call: impl FnMut() -> Result<(), TransactionError>) -> Result<()> {
        let start = Instant::now();
        loop {
            let outcome = call();
            self.producer.serve();
            match outcome {
                Ok(()) => {
                    self.producer.context().answered();
                    return Ok(());
                }
                Err(error) if error.is_retriable && start.elapsed() < self.patience => {
                    if start.elapsed() >= SILENCE {
                        self.producer.context().unanswered(start.elapsed());
                    }
                    stop.check()?;
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(self.failure(doing, &error)),
            }
        }
    }

    /// An error of a record, or what it comes from: the end of the transaction.
    pub fn judged(&self, error: Error) -> Error {
        let code = self.producer.fatal_error().map(|fatal| fatal.code).or(self.producer.first_failure());
        if let Some(explained) = code.and_then(|code| self.explained(code)) {
            return explained;
        }
        // A transaction that has failed only says so when it is asked for something that it can't do in any case.
        if code.is_none() && matches!(*self.state(), State::Open { .. }) {
            let failed = |why: &TransactionError| !why.is_retriable && why.code != RDKafkaErrorCode::State;
            if let Some(why) = self.producer.begin_transaction().err().filter(failed) {
                return self.failure("the transaction has failed", &why);
            }
        }
        error
    }

    fn failure(&self, doing: &str, error: &TransactionError) -> Error {
        if let Some(explained) = self.explained(error.code) {
            return explained;
        }
        let context = self.producer.context();
        if is_retriable(error.code) {
            return context.failure(doing, &KafkaError::Global(error.code));
        }
        // A failed delivery is what ended the transaction, and says why.
        match self.producer.check() {
            Err(why) => why,
            Ok(()) => {
                let failure = Error::external(format!("{doing}: {}", context.redact(&error.text)));
                if error.is_retriable { failure.retriable() } else { failure }
            }
        }
    }

    /// What an answer means that is about transactions.
    fn explained(&self, code: RDKafkaErrorCode) -> Option<Error> {
        use RDKafkaErrorCode as Code;
        let (id, cluster) = (&self.id, self.producer.context().cluster());
        let lacks = |what: String, hint: &str| Some(Error::external(what).with_hint(hint.to_string()));
        match code {
            Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch | Code::InvalidTransactionalState => {
                // Brokers say the first two to whom they have ended a transaction for its time, too.
                Some(self.overtaken(matches!(code, Code::Fenced | Code::ProducerFenced)))
            }
            Code::InvalidTransactionTimeout => {
                let millis = self.timeout.as_millis();
                let error = Error::statement(format!(
                    "'properties.transaction.timeout.ms' is {millis}, and {cluster} lets no transaction be open for so \
                     long: that is more than its transaction.max.timeout.ms, 900000 where it was not set"
                ));
                Some(error.with_hint(
                    "Leave 'properties.transaction.timeout.ms' out of the table (then it is 900000), or raise \
                     transaction.max.timeout.ms of the brokers.",
                ))
            }
            Code::TransactionalIdAuthorizationFailed => lacks(
                format!("{cluster} does not let the user of the table write under the transactional id \"{id}\""),
                "The user needs the rights WRITE and DESCRIBE on transactional ids that begin with the table's \
                 'sink.transactional-id-prefix'.",
            ),
            Code::GroupAuthorizationFailed => lacks(
                format!("{cluster} does not let the user of the table note an epoch in the consumer group of the job"),
                "The user needs the right READ on groups that begin with the table's 'sink.transactional-id-prefix'.",
            ),
            Code::TopicAuthorizationFailed => lacks(
                format!("{cluster} does not let the user of the table write to a topic and note an epoch beside it"),
                "With exactly-once the user needs the right READ on the topics of its tables beside WRITE: the epoch is \
                 noted as an offset of theirs.",
            ),
            _ => None,
        }
    }

    /// The broker takes nothing more of this transaction: it took too long, or somebody else has the transactional id.
    /// `fenced`: it has a newer producer now.
    fn overtaken(&self, fenced: bool) -> Error {
        let (State::Open { epoch, since } | State::Ending { epoch, since }) = *self.state() else {
            return self.fenced();
        };
        if since.elapsed() < self.timeout {
            return self.fenced();
        }
        let (millis, cluster) = (self.timeout.as_millis(), self.producer.context().cluster());
        Error::external(format!(
            "the transaction of epoch {} was open for longer than 'properties.transaction.timeout.ms' ({millis}): {cluster} \
             has ended it",
            epoch.0
        ))
        .with_detail(match fenced {
            true => format!(
                "None of its rows can be seen; the job can go on from its last checkpoint. Where another process runs the \
                 job \"{}\" by now, that one has taken over: let it go on.",
                self.job
            ),
            false => "None of its rows can be seen; the job can go on from its last checkpoint.".to_string(),
        })
        .with_hint(self.hint_of_time(fenced))
    }

    /// What lets a transaction end in time.
    fn hint_of_time(&self, fenced: bool) -> String {
        let raise = "raise 'properties.transaction.timeout.ms', and transaction.max.timeout.ms of the brokers where that is \
                     less";
        let read_whole = self.read_whole.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*read_whole, fenced) {
            (Some(tables), _) => format!(
                "There is no checkpoint before {tables} has been read to its end: reading it can't be gone on with from a \
                 position. 'sink.delivery-guarantee' = 'at-least-once' at the tables that are written does without; or \
                 {raise}."
            ),
            (None, false) => format!("Take checkpoints more often, or {raise}."),
            (None, true) => {
                format!("Where no other process does, let the interval of checkpoints be shorter, or {raise}.")
            }
        }
    }

    fn fenced(&self) -> Error {
        let error = format!(
            "another process runs the job \"{}\": it has taken over the transactions of \"{}\"",
            self.job, self.id
        );
        Error::external(error).with_hint(
            "Stop one of the two. Different jobs need different names ('pipeline.name') or a different \
             'sink.transactional-id-prefix'.",
        )
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    /// An open transaction that nobody goes on with holds up all who read only what is committed: takes it back, without
    /// making anybody wait. Where that fails, the next attempt does it, or the broker in time.
    fn drop(&mut self) {
        if let State::Open { .. } = *self.state() {
            let producer = self.producer.clone();
            let abort = move || {
                producer.purge();
                _ = producer.abort_transaction(ABORT_TIME);
            };
            _ = std::thread::Builder::new().name("kafka-abort".into()).spawn(abort);
        }
    }
}
