//! The task that asks brokers for records and hands them over as blocks.
//!
//! Each broker that leads partitions has one connection with one request under way: the next one is sent before the
//! answer to the last is walked. When nobody takes the blocks, the task waits, answers stay in the sockets, and brokers
//! send no more.

mod proof;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use self::proof::Doubt;
use super::aborted::Aborted;
use super::batch::{self, Damage};
use super::codes::{self, words};
use super::connection::{Connection, Failure};
use super::fetch::{self, FetchedPartition};
use super::leaders::Leaders;
use super::partition::Partition;
use super::record_set::{RecordSet, Rules};
use super::search::find_leaders;
use super::settings::Settings;
use super::unreadable::{OTHER_CLIENT, damaged, out_of_range};
use crate::connectors::kafka::cluster::Cluster;
use crate::connectors::kafka::consume::BatchConsumer;
use crate::connectors::kafka::context::KafkaContext;
use crate::connectors::kafka::decode::RecordNeeds;
use crate::connectors::kafka::faults;
use crate::connectors::kafka::fetcher::{Fetcher, FromFetcher, KnownEnd, Left};
use crate::connectors::kafka::handshake::{Fault, MAYBE_NO_TLS, MAYBE_TLS};
use crate::connectors::kafka::split::KafkaSplit;
use crate::error::{Error, Result};

/// After so long without any answer it is said that nobody answers.
const SILENCE: Duration = Duration::from_secs(6);

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
    /// Whether it is being asked who leads what; and when it may be asked again, after how many tries in a row.
    is_looking: bool,
    look_at: Instant,
    looks: u32,
    /// When an answer came last.
    heard: Instant,
    answers: u64,
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
    /// What the leader says of the terms of partitions in doubt.
    Proved {
        broker: i32,
        connection: Connection,
        asked: Vec<Doubt>,
        answer: Result<Bytes, Failure>,
    },
    Looked(Result<(Leaders, String, Connection), Failure>),
}

/// A partition of which records were asked for: from where on, and in which term of the leader.
struct Asked {
    split: usize,
    offset: i64,
    term: i32,
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
        let (check_sums, committed_only) = (settings.check_sums, settings.wanted.committed_only);
        Self {
            settings: Arc::new(settings),
            context,
            cluster,
            rules: Rules { needs, block_rows, check_sums, committed_only },
            partitions: splits.into_iter().map(Partition::new).collect(),
            brokers: HashMap::new(),
            work: FuturesUnordered::new(),
            is_looking: false,
            look_at: Instant::now(),
            looks: 0,
            heard: Instant::now(),
            answers: 0,
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

    /// Says so where nobody has answered for long.
    fn listen(&self) {
        let patience = SILENCE.max(self.settings.max_wait() + Duration::from_secs(2));
        if self.heard.elapsed() >= patience && (self.is_looking || self.brokers.values().any(|b| b.is_busy)) {
            self.context.unanswered(self.heard.elapsed());
        }
    }

    /// When something is to be done without an answer.
    fn next_wake(&self) -> Instant {
        let now = Instant::now();
        let brokers = self.brokers.values().filter_map(|broker| broker.rests_until.filter(|until| *until > now));
        let partitions = self.partitions.iter().filter_map(|partition| partition.rests_until(now));
        let look = Some(self.look_at).filter(|at| *at > now && !self.is_looking);
        brokers.chain(partitions).chain(look).fold(now + Duration::from_secs(1), Instant::min)
    }

    /// Asks who leads partitions where it isn't known, connects to leaders, and asks them for records.
    async fn set_to_work(&mut self) -> Result<()> {
        let now = Instant::now();
        let mut leaders: Vec<i32> = Vec::new();
        let mut is_lost = false;
        for partition in self.partitions.iter().filter(|partition| partition.is_open()) {
            match partition.leader {
                Some(leader) if !leaders.contains(&leader.broker) => leaders.push(leader.broker),
                Some(_) => {}
                None => is_lost = true,
            }
        }
        if is_lost && !self.is_looking && self.look_at <= now {
            self.look();
        }
        for id in leaders {
            let Some(broker) = self.brokers.get_mut(&id) else { continue };
            if broker.is_busy || broker.rests_until.is_some_and(|until| until > now) {
                continue;
            }
            if broker.connection.is_some() {
                self.ask(id).await?;
            } else {
                broker.is_busy = true;
                let (address, settings) = (broker.address.clone(), self.settings.clone());
                let connect = async move { Done::Connected(id, Connection::open(&address, &settings).await) };
                self.work.push(Box::pin(connect));
            }
        }
        Ok(())
    }

    /// Asks a broker for the records of its partitions, unless they rest.
    async fn ask(&mut self, id: i32) -> Result<()> {
        let now = Instant::now();
        let Some(broker) = self.brokers.get_mut(&id).filter(|b| !b.is_busy && b.rests_until.is_none_or(|t| t <= now))
        else {
            return Ok(());
        };
        let waits = |p: &(usize, &Partition)| p.1.waits_for(id, now);
        let mut partitions: Vec<_> = self.partitions.iter().enumerate().filter(waits).collect();
        if partitions.is_empty() {
            return Ok(());
        }
        if let Some(question) = proof::question(id, broker, &partitions, &self.settings) {
            self.work.push(question);
            return Ok(());
        }
        let Some(mut connection) = broker.connection.take() else { return Ok(()) };
        partitions.sort_by_key(|(_, partition)| partition.served);
        let from = partitions.iter().map(|(_, partition)| fetch::From {
            topic: &partition.split.topic,
            partition: partition.split.partition,
            offset: partition.position,
            leader_epoch: partition.term(),
        });
        let from: Vec<_> = from.collect();
        let asked = |(split, partition): &(usize, &Partition)| Asked {
            split: *split,
            offset: partition.position,
            term: partition.term(),
        };
        let asked = partitions.iter().map(asked).collect();
        let wanted = &self.settings.wanted;
        let request = fetch::request(connection.fetch_version, connection.client_id(), wanted, &from);
        broker.is_busy = true;
        match timeout(self.settings.request_timeout, connection.send(request)).await {
            Ok(Ok(())) => {
                let patience = self.settings.fetch_timeout();
                self.work.push(Box::pin(async move {
                    let answer = connection.answer(patience).await;
                    Done::Answered { broker: id, connection, asked, answer }
                }));
                Ok(())
            }
            Ok(Err(failure)) => self.lose(id, failure),
            Err(_) => self.lose(id, Failure::Away("the broker takes no requests".into())),
        }
    }

    /// Asks brokers, one after the other, who leads what.
    fn look(&mut self) {
        self.is_looking = true;
        let mut addresses: Vec<String> = self.brokers.values().map(|broker| broker.address.clone()).collect();
        addresses.extend(
            self.settings.servers.iter().filter(|server| !addresses.contains(server)).cloned().collect::<Vec<_>>(),
        );
        let mut topics: Vec<Arc<str>> = self.partitions.iter().map(|p| p.split.topic.clone()).collect();
        topics.sort_unstable();
        topics.dedup();
        let settings = self.settings.clone();
        self.work.push(Box::pin(async move { Done::Looked(find_leaders(addresses, topics, settings).await) }));
    }

    async fn take(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Connected(id, connected) => {
                let Some(broker) = self.brokers.get_mut(&id) else { return Ok(()) };
                broker.is_busy = false;
                match connected {
                    Ok(connection) => {
                        broker.connection = Some(connection);
                        self.hear();
                        Ok(())
                    }
                    Err(failure) => self.lose(id, failure),
                }
            }
            Done::Looked(looked) => {
                self.is_looking = false;
                self.looks += 1;
                self.look_at = Instant::now() + self.settings.retry.after(self.looks);
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
        }
    }

    /// Takes partitions to their leaders.
    fn follow(&mut self, leaders: Leaders, address: &str, connection: Connection) -> Result<()> {
        self.brokers.retain(|id, broker| broker.is_busy || leaders.brokers.contains_key(id));
        for (id, address) in &leaders.brokers {
            let broker = self.brokers.entry(*id).or_insert_with(|| Broker::new(address));
            if broker.address != *address {
                broker.address.clone_from(address);
                broker.connection = None;
            }
        }
        for partition in self.partitions.iter_mut().filter(|partition| partition.is_open()) {
            let (topic, number) = (&*partition.split.topic, partition.split.partition);
            if let Some(leader) = leaders.leader(topic, number) {
                partition.follow(leader);
                continue;
            }
            partition.leader = None;
            let fault = leaders.faults.get(topic).copied().unwrap_or(codes::NONE);
            let is_known = leaders.leaders.get(topic).is_some_and(|partitions| partitions.contains_key(&number));
            if fault == codes::UNKNOWN_TOPIC || (fault == codes::NONE && !is_known) {
                if partition.is_unknown() {
                    return Err(faults::gone(&partition.split, self.context.servers()));
                }
            } else if fault != codes::NONE && !codes::passes(fault) {
                return Err(faults::unreadable(&partition.split, &words(fault)));
            }
        }
        // The connection that was used is as good as one of its own.
        let broker = self.brokers.values_mut().find(|broker| broker.address == address);
        if let Some(broker) = broker.filter(|broker| !broker.is_busy && broker.connection.is_none()) {
            broker.connection = Some(connection);
        }
        Ok(())
    }

    /// A broker's connection is gone, or there was none to be had: who leads its partitions now?
    fn lose(&mut self, id: i32, failure: Failure) -> Result<()> {
        let mut what = failure;
        let mut was_standing = false;
        if let Some(broker) = self.brokers.get_mut(&id) {
            was_standing = broker.tries == 0;
            broker.is_busy = false;
            broker.connection = None;
            broker.tries += 1;
            broker.rests_until = Some(Instant::now() + self.settings.reconnect.after(broker.tries));
            if let Failure::Away(why) = what {
                what = Failure::Away(format!("{}: {why}", broker.address));
            }
        }
        for partition in &mut self.partitions {
            if partition.leader.is_some_and(|leader| leader.broker == id) {
                partition.leader = None;
            }
        }
        // Connections end, for one when a broker is stopped in good order: what counts is whether there is another.
        if was_standing && matches!(what, Failure::Away(_)) {
            tracing::debug!("a connection to Kafka has ended: {what:?}");
            return Ok(());
        }
        self.is_away(what)
    }

    /// A try to reach a broker has failed.
    fn is_away(&mut self, failure: Failure) -> Result<()> {
        let stands =
            self.brokers.values().any(|broker| broker.tries == 0 && (broker.is_busy || broker.connection.is_some()));
        match failure {
            Failure::Away(why) => self.context.on_error(Some(RDKafkaErrorCode::BrokerTransportFailure), &why),
            Failure::BrokenOff { in_tls } => {
                let (when, hint) = match in_tls {
                    true => ("in the TLS handshake", MAYBE_NO_TLS),
                    false => ("before the broker said its version", MAYBE_TLS),
                };
                self.context.broke(Fault { why: format!("the connection was closed {when}"), hint });
            }
            // As librdkafka says it: the context looks what is wrong with the certificate.
            Failure::Tls(why) => self.context.on_error(Some(RDKafkaErrorCode::SSL), &why),
            Failure::Login(why) => {
                self.context.on_error(Some(RDKafkaErrorCode::Authentication), &format!("the login failed: {why}"));
                return Ok(());
            }
            Failure::Unable(why) => {
                self.is_unable = true;
                let what = format!("{}: {why}", self.context.cluster());
                return Err(Error::external(what).with_hint(OTHER_CLIENT));
            }
        }
        if !stands {
            self.context.lost_all();
        }
        Ok(())
    }

    /// Takes what a broker has sent, asks for what comes behind it, and hands it over.
    async fn receive(&mut self, id: i32, connection: Connection, asked: &[Asked], answer: Bytes) -> Result<()> {
        self.hear();
        self.answers += 1;
        let Ok((fetched, topics)) = fetch::answer(connection.fetch_version, answer) else {
            return self.lose(id, Failure::Away("the broker's answer can't be read (Fetch)".into()));
        };
        if fetched.error != codes::NONE {
            return self.lose(id, Failure::Away(words(fetched.error)));
        }
        let mut sets = Vec::new();
        for (i, partition) in fetched.partitions.into_iter().enumerate() {
            let is_it = |asked: &&Asked| {
                let split = &self.partitions[asked.split].split;
                split.partition == partition.partition
                    && Some(&*split.topic) == topics.get(partition.topic).map(|t| &**t)
            };
            // As a rule in the order in which they were asked for.
            let Some(asked) = asked.get(i).filter(is_it).or_else(|| asked.iter().find(is_it)) else { continue };
            // Another broker may have been asked meanwhile, and have answered first.
            if self.partitions[asked.split].position == asked.offset && self.partitions[asked.split].is_open() {
                sets.extend(self.receive_partition(asked, partition).await?.map(|set| (asked.split, set)));
            }
        }
        if let Some(broker) = self.brokers.get_mut(&id) {
            (broker.tries, broker.rests_until, broker.connection) = (0, None, Some(connection));
            if fetched.throttle_ms > 0 {
                broker.rests_until = Some(Instant::now() + Duration::from_millis(fetched.throttle_ms as u64));
            }
        }
        self.ask(id).await?;
        for (split, set) in sets {
            self.hand_over(split, set).await?;
        }
        // Time that went by in waiting for the reader is no silence of the brokers.
        self.heard = Instant::now();
        Ok(())
    }

    async fn receive_partition(&mut self, asked: &Asked, fetched: FetchedPartition) -> Result<Option<RecordSet>> {
        let partition = &mut self.partitions[asked.split];
        match fetched.error {
            codes::NONE => {}
            codes::OUT_OF_RANGE => {
                let (cluster, split) = (self.cluster.clone(), partition.split.clone());
                return Err(out_of_range(cluster, split, partition.position).await);
            }
            error if codes::passes(error) => {
                partition.look_again(self.settings.retry);
                return Ok(None);
            }
            error => return Err(faults::unreadable(&partition.split, &words(error))),
        }
        // Who was in doubt was asked before.
        partition.proven_term = asked.term;
        partition.is_well();
        self.looks = 0;
        partition.known_end.store(fetched.end, Ordering::Relaxed);
        if fetched.records.is_empty() {
            return Ok(None);
        }
        partition.served = self.answers;
        let from = (partition.position, partition.split.end);
        if let Some((next, term)) = batch::end_of(&fetched.records) {
            partition.position = partition.position.max(next);
            partition.read_term = term.or(partition.read_term);
        }
        let aborted = Aborted::new(fetched.aborted);
        Ok(Some(RecordSet::new(self.rules, asked.split, from, fetched.records, aborted)))
    }

    /// Sends the blocks of a run of records.
    async fn hand_over(&mut self, split: usize, mut set: RecordSet) -> Result<()> {
        loop {
            match set.next_block() {
                Ok(Some(block)) => {
                    let partition = &mut self.partitions[split];
                    (partition.ended, partition.split.position) = (block.ended, block.next_position);
                    partition.split.term = block.term.or(partition.split.term);
                    if self.out.send(Ok(FromFetcher::Block(block))).await.is_err() {
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(damage) => {
                    self.is_unable = matches!(damage, Damage::OldFormat(_));
                    return Err(damaged(&self.partitions[split].split, set.position(), damage));
                }
            }
        }
    }
}

impl Broker {
    fn new(address: &str) -> Self {
        Self { address: address.into(), connection: None, is_busy: false, tries: 0, rests_until: None }
    }
}
