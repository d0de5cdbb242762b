//! One job that reads a topic under load, looks rows up in PostgreSQL and writes to all three services.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

use super::delivered::{self, Delivered};
use super::load::{Load, add_partitions, create_topic, delete_topic, fill};
use super::own::{Own, Service};
use super::script::Ways;
use crate::kafka::{broker, client, unique};
use crate::pipelines::job::{Ended, Job, pause};

/// Longer than any outage of these tests and what follows from it on a slow machine.
const PATIENCE: Duration = Duration::from_secs(240);

pub struct Scene {
    folder: tempfile::TempDir,
    pub own: Own,
    pub kafka: String,
    pub postgres: String,
    pub opensearch: String,
    pub ways: Ways,
    /// The client that reads Kafka.
    pub client: String,
    pub id: String,
}

/// The rows in each sink.
pub struct Sinks {
    pub topic: Delivered,
    pub upserted: Delivered,
    pub appended: Delivered,
    pub index: Delivered,
    /// That of the job beside it, where there is one.
    pub copied: Option<Delivered>,
}

impl Scene {
    /// The services of the whole test run, but for those that this test has for itself.
    pub async fn new(own_services: &[Service]) -> Self {
        Self::of(Own::new(), own_services).await
    }

    /// The same, where the test's own services are these.
    pub async fn of(own: Own, own_services: &[Service]) -> Self {
        let variable = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: use `make test`"));
        let mut scene = Self {
            folder: tempfile::tempdir().unwrap(),
            kafka: broker(),
            postgres: variable("MILLSTREAM_TEST_POSTGRES"),
            opensearch: variable("MILLSTREAM_TEST_OPENSEARCH"),
            ways: Ways::default(),
            client: client(),
            id: unique("outage").replace('-', "_"),
            own,
        };
        for service in own_services {
            let address = scene.own.up(*service).await;
            match service {
                Service::Kafka | Service::KafkaSecured => scene.kafka = address,
                Service::Kafka2 => scene.kafka = format!("{},{address}", scene.kafka),
                Service::PostgreSql => scene.postgres = address,
                Service::OpenSearch => scene.opensearch = address,
            }
        }
        let (client, connection) = tokio_postgres::connect(&scene.postgres, NoTls).await.unwrap();
        tokio::spawn(connection);
        let id = &scene.id;
        let tables = format!(
            "CREATE TABLE {id}_upserted (seq bigint PRIMARY KEY, payload text);
             CREATE TABLE {id}_appended (seq bigint, payload text);
             CREATE TABLE {id}_hosts (host int PRIMARY KEY, name text);
             INSERT INTO {id}_hosts SELECT i, 'host ' || i FROM generate_series(0, 9) AS i;"
        );
        client.batch_execute(&tables).await.unwrap();
        let replicas = if own_services.contains(&Service::Kafka2) { 2 } else { 1 };
        create_topic(&scene.kafka, &format!("{id}_in"), 2, replicas).await;
        create_topic(&scene.kafka, &format!("{id}_out"), 2, replicas).await;
        scene
    }

    /// With a job that is exactly once and one beside it; all services are the test's own.
    pub async fn exactly_once() -> Self {
        let mut scene = Self::new(&[Service::Kafka, Service::PostgreSql, Service::OpenSearch]).await;
        scene.ways.exactly_once = true;
        create_topic(&scene.kafka, &scene.copied(), 2, 1).await;
        scene
    }

    /// The topic of the job beside it.
    pub fn copied(&self) -> String {
        format!("{}_copied", self.id)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn load(&self, rows_per_second: u64) -> Load {
        Load::start(&self.kafka, &format!("{}_in", self.id), rows_per_second)
    }

    /// Starts the job.
    pub fn job(&self) -> Job {
        self.start(&self.sql(), None)
    }

    /// Starts the job, which stands still at a fail point.
    pub fn job_until(&self, failpoint: &str) -> Job {
        self.start(&self.sql(), Some(failpoint))
    }

    /// Waits until rows of the job beside it are in a transaction.
    pub async fn in_transaction(&self, job: &mut Job) {
        let start = Instant::now();
        loop {
            let (kafka, topic) = (self.kafka.clone(), self.copied());
            if tokio::task::spawn_blocking(move || delivered::is_in_transaction(&kafka, &topic)).await.unwrap() {
                return;
            }
            job.check();
            assert!(start.elapsed() < PATIENCE, "no row is in a transaction:\n{}", job.said());
        }
    }

    /// Deletes the topic that the job reads; gives its name.
    pub async fn delete_source(&self) -> String {
        let topic = format!("{}_in", self.id);
        delete_topic(&self.kafka, &topic).await;
        topic
    }

    /// Gives the topic that the job reads so many partitions, and waits until rows have come to each of them.
    pub async fn grow_source(&self, partitions: usize, job: &mut Job) -> String {
        let topic = format!("{}_in", self.id);
        add_partitions(&self.kafka, &topic, partitions).await;
        let start = Instant::now();
        loop {
            let (kafka, name) = (self.kafka.clone(), topic.clone());
            let ends = tokio::task::spawn_blocking(move || delivered::ends_of_topic(&kafka, &name)).await.unwrap();
            if ends.len() == partitions && ends.values().all(|end| *end > 0) {
                return topic;
            }
            job.check();
            assert!(start.elapsed() < PATIENCE, "{topic} ends at {ends:?}");
            pause().await;
        }
    }

    /// Fills the topic with rows whose text is this long.
    pub async fn fill(&self, rows: u64, bytes: usize) {
        let (kafka, topic) = (self.kafka.clone(), format!("{}_in", self.id));
        tokio::task::spawn_blocking(move || fill(&kafka, &topic, rows, bytes)).await.unwrap();
    }

    /// A job that only copies into the table with a key; with `settings`.
    pub fn slow_job(&self, settings: &str) -> Job {
        let sql = self.sql();
        let (tables, _) = sql.split_once("EXECUTE STATEMENT SET").unwrap();
        self.start(&format!("{settings} {tables} INSERT INTO upserted SELECT seq, payload FROM numbers;"), None)
    }

    async fn upserted(&self) -> u64 {
        delivered::count_in_table(&self.postgres, &format!("{}_upserted", self.id)).await
    }

    /// Waits until rows arrive in the table with a key.
    pub async fn holds_some(&self, job: &mut Job) {
        while self.upserted().await == 0 {
            job.check();
            pause().await;
        }
    }

    /// Waits until all rows of [`Scene::fill`] are in the table with a key, and compares them.
    pub async fn holds_all(&self, rows: u64, bytes: usize, job: &mut Job) {
        let start = Instant::now();
        loop {
            let count = self.upserted().await;
            if count == rows {
                break;
            }
            job.check();
            assert!(start.elapsed() < PATIENCE, "{count} of {rows} rows came:\n{}", job.said());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let wrong = format!("{}_upserted WHERE payload <> repeat('x', {bytes})", self.id);
        assert_eq!(delivered::count_in_table(&self.postgres, &wrong).await, 0);
    }

    fn start(&self, sql: &str, failpoint: Option<&str>) -> Job {
        let path = self.path("job.sql");
        std::fs::write(&path, sql).unwrap();
        Job::start_until(self.folder.path(), &[path.to_str().unwrap()], failpoint)
    }

    async fn in_topic(&self, topic: String) -> Delivered {
        let kafka = self.kafka.clone();
        tokio::task::spawn_blocking(move || delivered::in_topic(&kafka, &topic)).await.unwrap()
    }

    /// What every sink holds now.
    pub async fn sinks(&self) -> Sinks {
        let id = &self.id;
        Sinks {
            topic: self.in_topic(format!("{id}_out")).await,
            upserted: delivered::in_table(&self.postgres, &format!("{id}_upserted")).await,
            appended: delivered::in_table(&self.postgres, &format!("{id}_appended")).await,
            index: delivered::in_index(&self.opensearch, id).await,
            copied: match self.ways.exactly_once {
                true => Some(self.in_topic(self.copied()).await),
                false => None,
            },
        }
    }

    /// How many rows each sink holds, repeated ones among them.
    async fn counts(&self) -> [u64; 5] {
        let id = &self.id;
        let (kafka, topic) = (self.kafka.clone(), format!("{id}_out"));
        let topics = match self.ways.exactly_once {
            // Offsets count the ends of transactions, too.
            true => [self.in_topic(topic).await.len(), self.in_topic(self.copied()).await.len()],
            false => {
                let count = move || delivered::count_in_topic(&kafka, &topic);
                [tokio::task::spawn_blocking(count).await.unwrap(); 2]
            }
        };
        [
            topics[0],
            delivered::count_in_table(&self.postgres, &format!("{id}_upserted")).await,
            delivered::count_in_table(&self.postgres, &format!("{id}_appended")).await,
            delivered::count_in_index(&self.opensearch, id).await,
            topics[1],
        ]
    }

    /// Waits until every sink holds at least this many rows.
    pub async fn reach(&self, rows: u64, job: &mut Job) {
        let start = Instant::now();
        loop {
            let counts = self.counts().await;
            if counts.iter().all(|count| *count >= rows) {
                return;
            }
            job.check();
            assert!(start.elapsed() < PATIENCE, "{rows} rows expected, {counts:?} came:\n{}", job.said());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until every sink holds at least this many different rows.
    async fn reach_all(&self, rows: u64, job: &mut Job) {
        let start = Instant::now();
        loop {
            self.reach(rows, job).await;
            let sinks = self.sinks().await;
            if sinks.fewest() >= rows || start.elapsed() > PATIENCE {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Ends load and job, and compares all that is in every sink with what was sent. Gives what the job has said.
    pub async fn finish(&self, load: Load, mut job: Job) -> Ended {
        let sent = load.stop().await;
        self.reach_all(sent, &mut job).await;
        let ended = job.stop().await;
        let sinks = self.sinks().await;
        sinks.check(sent);
        println!(
            "{sent} rows; came again: {} in the topic, {} in the table without a key",
            sinks.topic.repeated(),
            sinks.appended.repeated()
        );
        ended
    }

    /// The job goes on: rows that are sent from now on arrive everywhere.
    pub async fn goes_on(&self, load: &Load, job: &mut Job) {
        self.reach(load.sent() + 1, job).await;
    }
}

impl Sinks {
    /// Every row that was sent is in every sink, and again only where there is no key and no checkpoint.
    pub fn check(&self, sent: u64) {
        let may_repeat = self.copied.is_none();
        self.topic.check("the topic", sent, may_repeat);
        self.upserted.check("the table with a key", sent, false);
        self.appended.check("the table without a key", sent, may_repeat);
        self.index.check("the index", sent, false);
        if let Some(copied) = &self.copied {
            copied.check("the topic of the job beside it", sent, false);
        }
    }

    fn fewest(&self) -> u64 {
        let sinks = [&self.topic, &self.upserted, &self.appended, &self.index];
        sinks.into_iter().chain(&self.copied).map(Delivered::len).min().unwrap_or(0)
    }
}
