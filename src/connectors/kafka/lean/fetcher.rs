//! The task that asks brokers for records and hands them over as blocks.
//!
//! Each broker that leads partitions has one connection with one request under way: the next one is sent before the
//! answer to the last is walked. When nobody takes the blocks, the task waits, answers stay in the sockets, and brokers
//! send no more. The task takes one thing after the other: [`looks`] for leaders, [`requests`] to them and their
//! [`answers`], the [`proof`] that a new leader has what was read, and [`losses`].

mod answers;
mod looks;
mod losses;
mod proof;
mod requests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use self::looks::Looks;
use self::proof::Doubt;
use super::aborted::Aborted;
use super::connection::{Connection, Failure};
use super::leaders::Leaders;
use super::partition::Partition;
use super::record_set::{RecordSet, Rules};
use super::settings::Settings;
use super::spare::Spare;
use crate::connectors::kafka::cluster::Cluster;
use crate::connectors::kafka::consume::BatchConsumer;
use crate::connectors::kafka::context::KafkaContext;
use crate::connectors::kafka::decode::RecordNeeds;
use crate::connectors::kafka::fetcher::{Fetcher, FromFetcher, KnownEnd, Left};
use crate::connectors::kafka::split::KafkaSplit;
use crate::error::Result;

/// The task, which ends when this is dropped.
pub struct Fetching(JoinHandle<()>);

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads some splits until all have ended.
pub struct LeanFetcher {
    settings: Arc<Settings>,
    context: KafkaContext,
    cluster: Cluster,
    rules: Rules,
    partitions: Vec<Partition>,
    brokers: HashMap<i32, Broker>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    looks: Looks,
    /// Memory for answers.
    spare: Spare,
    /// When an answer came last.
    heard: Instant,
    answers: u64,
    /// It was told that partitions can't be read.
    told: Option<String>,
    out: mpsc::Sender<Result<FromFetcher>>,
    found: Option<mpsc::UnboundedReceiver<KafkaSplit>>,
    /// Who reads on where this client is not able to.
    instead: Option<Instead>,
    is_unable: bool,
}

/// Opens the other client.
pub type Instead = Box<dyn FnOnce() -> Result<BatchConsumer> + Send>;

/// One broker, as far as it concerns us.
struct Broker {
    address: String,
    /// The connection, while nothing is under way on it.
    connection: Option<Connection>,
    /// It is being connected to or asked.
    is_busy: bool,
    tries: u32,
    rests_until: Option<Instant>,
    /// When it was asked something last.
    used: Instant,
}

/// What the task waited for.
enum Done {
    Connected(i32, Result<Connection, Failure>),
    Answered {
        broker: i32,
        connection: Connection,
        asked: Vec<Asked>,
        answer: Result<Bytes, Failure>,
    },
    /// What the leader says of the leader epochs of partitions in doubt.
    Proved {
        broker: i32,
        connection: Connection,
        asked: Vec<Doubt>,
        answer: Result<Bytes, Failure>,
    },
    Looked(Result<(Leaders, String, Connection), Failure>),
}

/// A partition of which records were asked for: from where on, and in which leader epoch.
struct Asked {
    split: usize,
    offset: i64,
    leader_epoch: i32,
}

impl LeanFetcher {
    #[allow(clippy::too_many_arguments)] // each is a thing of its own, and there is one caller
    pub fn new(
        settings: Settings,
        context: KafkaContext,
        cluster: Cluster,
        splits: Vec<KafkaSplit>,
        (needs, block_rows): (RecordNeeds, usize),
        found: Option<mpsc::UnboundedReceiver<KafkaSplit>>,
        out: mpsc::Sender<Result<FromFetcher>>,
        instead: Option<Instead>,
    ) -> Self {
        let Settings { check_sums, batch_limit, .. } = settings;
        let committed_only = settings.wanted.committed_only;
        Self {
            settings: Arc::new(settings),
            context,
            cluster,
            rules: Rules { needs, block_rows, check_sums, batch_limit, committed_only },
            partitions: splits.into_iter().map(Partition::new).collect(),
            brokers: HashMap::new(),
            work: FuturesUnordered::new(),
            looks: Looks::new(),
            spare: Spare::default(),
            heard: Instant::now(),
            answers: 0,
            told: None,
            out,
            found,
            instead,
            is_unable: false,
        }
    }

    /// The end of each split's partition, kept up to date while fetching.
    pub fn ends(&self) -> Vec<KnownEnd> {
        self.partitions.iter().map(|partition| partition.known_end.clone()).collect()
    }

    /// Starts the task.
    pub fn start(mut self) -> Fetching {
        #[allow(clippy::disallowed_methods)] // dies with the reader: `Drop` above
        let task = tokio::spawn(async move {
            let Err(mut error) = self.fetch().await else { return };
            let out = self.out.clone();
            if let Some(open) = self.instead.take_if(|_| self.is_unable) {
                tracing::info!("librdkafka reads instead: {error}");
                match self.give_way(open) {
                    Ok(()) => return,
                    Err(other) => error = other,
                }
            }
            // The reader may be gone by now: then nobody wants to know.
            let _ = out.send(Err(error)).await;
        });
        Fetching(task)
    }

    /// Lets the other client read on.
    fn give_way(self, open: Instead) -> Result<()> {
        let left = |partition: Partition| {
            let Partition { split, known_end, ended, .. } = partition;
            Left { split, known_end, ended }
        };
        let left = self.partitions.into_iter().map(left).collect();
        Fetcher::go_on(open()?, left, (self.rules.needs, self.rules.block_rows), self.found, self.out).start()
    }

    async fn fetch(&mut self) -> Result<()> {
        for i in 0..self.partitions.len() {
            let partition = &self.partitions[i];
            if partition.split.is_done() {
                let (position, end) = (partition.position, partition.split.end);
                let nothing = RecordSet::new(self.rules, i, (position, end), Bytes::new(), Aborted::default());
                self.hand_over(i, nothing).await?;
            }
        }
        while !self.out.is_closed() && !self.partitions.iter().all(|partition| partition.ended) {
            self.set_to_work().await?;
            let wake = self.next_wake();
            let found = async {
                match &mut self.found {
                    Some(found) => found.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(done) = self.work.next() => self.take(done).await?,
                found = found => self.read_too(found).await,
                () = sleep_until(wake) => self.listen(),
            }
            self.context.check()?;
            self.tell_of_trouble();
        }
        Ok(())
    }

    /// Reads a partition that was found meanwhile.
    async fn read_too(&mut self, found: Option<KafkaSplit>) {
        let Some(split) = found else {
            self.found = None;
            return;
        };
        if self.partitions.iter().any(|known| known.split.id() == split.id()) {
            return;
        }
        let partition = Partition::new(split.clone());
        let known_end = partition.known_end.clone();
        self.partitions.push(partition);
        // Where the reader is gone, the loop sees it.
        let _ = self.out.send(Ok(FromFetcher::NewSplit(split, known_end))).await;
    }

    /// When something is to be done without an answer.
    fn next_wake(&self) -> Instant {
        let now = Instant::now();
        let brokers = self.brokers.values().filter_map(|broker| broker.rests_until.filter(|until| *until > now));
        let partitions = self.partitions.iter().flat_map(|partition| partition.wakes_at(now));
        brokers.chain(partitions).chain(self.looks.rest_until(now)).fold(now + Duration::from_secs(1), Instant::min)
    }

    async fn take(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Connected(id, connected) => {
                let Some(broker) = self.brokers.get_mut(&id) else { return Ok(()) };
                broker.is_busy = false;
                match connected {
                    Ok(connection) => {
                        broker.keep(connection);
                        self.hear();
                        Ok(())
                    }
                    Err(failure) => self.lose(id, failure),
                }
            }
            Done::Looked(looked) => {
                self.looks.has_ended(looked.is_ok(), self.settings.retry);
                match looked {
                    Ok((leaders, address, connection)) => {
                        self.hear();
                        self.follow(leaders, &address, connection)
                    }
                    Err(failure) => self.is_away(failure),
                }
            }
            Done::Proved { broker: id, connection, asked, answer } => {
                if let Some(broker) = self.brokers.get_mut(&id) {
                    broker.is_busy = false;
                }
                match answer {
                    Ok(answer) => self.prove(id, connection, &asked, answer),
                    Err(failure) => self.lose(id, failure),
                }
            }
            Done::Answered { broker: id, connection, asked, answer } => {
                if let Some(broker) = self.brokers.get_mut(&id) {
                    broker.is_busy = false;
                }
                match answer {
                    Ok(answer) => self.receive(id, connection, &asked, answer).await,
                    Err(failure) => self.lose(id, failure),
                }
            }
        }
    }

    /// A broker has answered.
    fn hear(&mut self) {
        self.heard = Instant::now();
        if self.context.is_lost() {
            self.context.answered();
            self.partitions.iter_mut().for_each(Partition::hopes_again);
        }
    }
}

impl Broker {
    fn new(address: &str) -> Self {
        Self {
            address: address.into(),
            connection: None,
            is_busy: false,
            tries: 0,
            rests_until: None,
            used: Instant::now(),
        }
    }

    /// Keeps a connection on which nothing is under way.
    fn keep(&mut self, connection: Connection) {
        (self.connection, self.used) = (Some(connection), Instant::now());
    }

    /// Closes a connection that nobody has used for so long.
    fn rest(&mut self, idle: Option<Duration>) {
        if idle.is_some_and(|idle| self.used.elapsed() >= idle) {
            self.connection = None;
        }
    }
}
