//! The five alerting jobs and a statement set over all sinks, each in a process of its own, under load.

use std::path::PathBuf;
use std::time::Instant;

use rdkafka::producer::{BaseProducer, Producer};
use serde_json::Value;

use super::committed;
use super::expected::{self, Rows};
use super::load::Load;
use super::worker::{Asking, Worker};
use crate::kafka::{PATIENCE, Turns, broker, config};
use crate::opensearch::Index;
use crate::pipelines::job::pause;
use crate::pipelines::readings::Reading;
use crate::pipelines::stage::Stage;

/// The partitions of the topic that is read.
const PARTITIONS: i32 = 2;

/// Longer than what all jobs need to catch up on a slow machine.
const CATCH_UP: u32 = 6;

/// All that was sent.
pub struct Sent {
    all: Vec<Reading>,
    /// So many of it are in windows that are over.
    windowed: usize,
}

pub struct World {
    pub stage: Stage,
    pub workers: Vec<Worker>,
    load: Load,
    documents: Index,
    latest: Index,
}

/// The statement set: rows into all three services and a folder, and counts that are updated.
const MIXED: &str = "
SET 'pipeline.name' = 'mixed';
CREATE TABLE readings (hostname STRING, cpu STRING, usage DOUBLE, occurred_at BIGINT) WITH (
  'connector' = 'kafka', 'properties.bootstrap.servers' = '', 'topic' = 'cpu_load_stats_real',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json');
CREATE TABLE to_topic (hostname STRING, cpu STRING, occurred_at BIGINT) WITH (
  'connector' = 'kafka', 'properties.bootstrap.servers' = '', 'topic' = '{topic}', 'format' = 'json',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{topic}', 'properties.transaction.timeout.ms' = '900000');
CREATE TABLE to_table (hostname STRING, cpu STRING, occurred_at BIGINT) WITH (
  'connector' = 'jdbc', 'url' = 'jdbc:postgresql://', 'table-name' = '{schema}.appended');
CREATE TABLE hosts (hostname STRING, readings BIGINT, latest BIGINT, PRIMARY KEY (hostname) NOT ENFORCED) WITH (
  'connector' = 'jdbc', 'url' = 'jdbc:postgresql://', 'table-name' = '{schema}.hosts');
CREATE TABLE to_index (hostname STRING, cpu STRING, occurred_at BIGINT) WITH (
  'connector' = 'opensearch', 'hosts' = '', 'index' = '{documents}', 'sink.bulk-flush.max-actions' = '9');
CREATE TABLE to_documents (hostname STRING, readings BIGINT, latest BIGINT, PRIMARY KEY (hostname) NOT ENFORCED) WITH (
  'connector' = 'opensearch', 'hosts' = '', 'index' = '{latest}');
CREATE TABLE to_files (hostname STRING, cpu STRING, occurred_at BIGINT) WITH (
  'connector' = 'filesystem', 'path' = '{files}', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
  INSERT INTO to_topic SELECT hostname, cpu, occurred_at FROM readings;
  INSERT INTO to_table SELECT hostname, cpu, occurred_at FROM readings;
  INSERT INTO hosts SELECT hostname, COUNT(*), MAX(occurred_at) FROM readings GROUP BY hostname;
  INSERT INTO to_index SELECT hostname, cpu, occurred_at FROM readings;
  INSERT INTO to_documents SELECT hostname, COUNT(*), MAX(occurred_at) FROM readings GROUP BY hostname;
  INSERT INTO to_files SELECT hostname, cpu, occurred_at FROM readings;
END;
";

/// The job files with the table that each writes.
const FILES: [(&str, &str); 5] = [
    ("simple_filter.sql", "CPU_OUT_FILTER"),
    ("simple_agg.sql", "CPU_OUT_AGG"),
    ("simple_filter_pg.sql", "CPU_OUT_FILTER_PG"),
    ("simple_filter_pg_agg.sql", "CPU_OUT_AGG_PG"),
    ("data_filtering_replication.sql", "CPU_OUT_OS"),
];

impl World {
    /// All services, all jobs written down, and a load of so many rows a second.
    pub async fn new(rows_per_second: i64) -> Self {
        let stage = Stage::new().await;
        let input = stage.topic("cpu_load_stats_real").create(PARTITIONS).await;
        for name in ["cpu_load_stats_real_filter", "cpu_load_stats_real_filter_pg", "cpu_load_stats_agg", "mixed"] {
            stage.topic(name).create(PARTITIONS).await;
        }
        stage.db.run("CREATE TABLE counts (time_ltz timestamp(3) PRIMARY KEY, nr_cpus_over_threshold bigint)").await;
        stage.db.run("CREATE TABLE appended (hostname varchar, cpu varchar, occurred_at bigint)").await;
        stage.db.run("CREATE TABLE hosts (hostname varchar PRIMARY KEY, readings bigint, latest bigint)").await;
        let load = Load::start(&input.name, rows_per_second);
        let (documents, latest) = (Index::new("mixed_documents"), Index::new("mixed_latest"));
        let mut world = Self { stage, workers: Vec::new(), load, documents, latest };
        for (file, table) in FILES {
            let text = world.exactly_once(&world.stage.job_text(file), table);
            world.add(file, &text);
        }
        let mixed = world.mixed();
        world.add("mixed.sql", &mixed);
        world
    }

    /// A job file whose Kafka table asks for it; the others are so by themselves. Requests to OpenSearch are small, so that
    /// an epoch needs several.
    fn exactly_once(&self, text: &str, table: &str) -> String {
        let prefix = self.stage.topic(table).name;
        let alter = format!(
            "ALTER TABLE {table} SET ('sink.delivery-guarantee' = 'exactly-once', \
             'sink.transactional-id-prefix' = '{prefix}', 'properties.transaction.timeout.ms' = '900000');\n\nINSERT INTO {table}"
        );
        let alter = match table {
            "CPU_OUT_AGG_PG" => return text.to_string(),
            "CPU_OUT_OS" => {
                "ALTER TABLE CPU_OUT_OS SET ('sink.bulk-flush.max-actions' = '1');\n\nINSERT INTO CPU_OUT_OS"
            }
            _ => &alter,
        };
        text.replace(&format!("INSERT INTO {table}"), alter)
    }

    fn mixed(&self) -> String {
        let text = self.stage.rename(MIXED);
        text.replace("{topic}", &self.stage.topic("mixed").name)
            .replace("{schema}", &self.stage.db.schema)
            .replace("{documents}", &self.documents.name)
            .replace("{latest}", &self.latest.name)
            .replace("{files}", &self.files().display().to_string())
    }

    fn files(&self) -> PathBuf {
        self.stage.path("files")
    }

    fn add(&mut self, file: &str, text: &str) {
        // By its name a job is known at its targets: each world has its own.
        let name = file.trim_end_matches(".sql");
        let set = format!("SET 'pipeline.name' = '{name}'");
        assert!(text.contains(&set), "{file} names its job");
        let text = text.replace(&set, &format!("SET 'pipeline.name' = '{}'", self.job(file)));
        let path = self.stage.write(file, &text);
        self.workers.push(Worker::new(file, &self.stage, &path, Turns::from(self.workers.len())));
    }

    /// The name of the job of a file.
    fn job(&self, file: &str) -> String {
        format!("{}_{}", file.trim_end_matches(".sql"), self.stage.db.schema)
    }

    pub fn start_all(&mut self) {
        self.workers.iter_mut().for_each(|worker| worker.start(None));
    }

    /// Waits until a worker has died at its fail point.
    pub async fn dies(&mut self, worker: usize, at: &str) {
        let (start, worker) = (Instant::now(), &mut self.workers[worker]);
        while !worker.has_ended() {
            assert!(start.elapsed() < PATIENCE, "{} doesn't come by {at}:\n{}", worker.name, worker.said());
            pause().await;
        }
        let ended = worker.end().await;
        assert_eq!(ended.code, None, "{} ends by a signal at {at}: {ended:?}", worker.name);
    }

    pub fn sent(&self) -> u64 {
        self.load.sent()
    }

    /// Waits until a worker has gone on from where it was, and has completed a checkpoint since.
    pub async fn goes_on(&mut self, worker: usize) {
        let before = self.newest(worker);
        let start = Instant::now();
        while self.newest(worker) <= before {
            self.workers[worker].check();
            assert!(start.elapsed() < PATIENCE, "no checkpoint comes:\n{}", self.workers[worker].said());
            pause().await;
        }
    }

    /// The newest checkpoint of a worker's job.
    fn newest(&self, worker: usize) -> u64 {
        let folder = self.stage.path("state").join(self.job(&self.workers[worker].name));
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let epoch = |name: String| name.strip_prefix("chk-")?.parse().ok();
        entries.filter_map(|entry| epoch(entry.file_name().into_string().ok()?)).max().unwrap_or(0)
    }

    /// Ends the load, waits until every sink holds what it must, stops the jobs and compares everything once more.
    pub async fn finish(mut self) -> usize {
        let sent = self.settle().await;
        self.end(sent).await
    }

    /// Ends the load and waits until every sink holds what it must.
    pub async fn settle(&mut self) -> Sent {
        let readings = self.load.stop().await;
        // Behind these every half minute of the readings is over; they write nothing themselves.
        let last = readings.iter().map(|reading| reading.at).max().unwrap_or_default() + 60_000;
        let closing = Reading { host: "nobody", cpu: "cpu0".to_string(), usage: Some(5), at: last };
        let mut all = readings;
        for partition in 0..PARTITIONS {
            self.stage.topic("cpu_load_stats_real").send_to(partition, [closing.record().1]);
        }
        let windowed = all.len();
        all.extend((0..PARTITIONS).map(|_| Reading {
            host: "nobody",
            cpu: "cpu0".to_string(),
            ..closing_of(&closing)
        }));
        let sent = Sent { all, windowed };
        self.arrives(&sent).await;
        sent
    }

    /// Waits until every sink holds what it must.
    async fn arrives(&mut self, sent: &Sent) {
        let start = Instant::now();
        loop {
            let differences = self.differences(sent).await;
            if differences.is_empty() {
                break;
            }
            self.workers.iter_mut().for_each(|worker| worker.check());
            let said: Vec<String> = self.workers.iter().map(Worker::said).collect();
            assert!(start.elapsed() < PATIENCE * CATCH_UP, "{}\n{}", differences.join("\n"), said.join("\n"));
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }

    /// The same of jobs that were started again since, which are stopped then.
    pub async fn end(mut self, sent: Sent) -> usize {
        self.arrives(&sent).await;
        for worker in &mut self.workers {
            worker.stop().await;
        }
        let differences = self.differences(&sent).await;
        assert!(differences.is_empty(), "after the stop: {}", differences.join("\n"));
        self.stage.clear().await;
        sent.all.len()
    }

    /// Takes over the transactions of a worker's job, as another process would that runs it: the job fails.
    pub async fn take_over(&self, worker: usize) {
        let file = &self.workers[worker].name;
        let table = FILES.iter().find(|(of, _)| of == file).map_or("mixed", |(_, table)| table);
        let group = format!("{}-{}", self.stage.topic(table).name, self.job(file));
        let take_over = move || {
            for slot in 0..2 {
                let mut config = config();
                let producer: BaseProducer =
                    config.set("transactional.id", format!("{group}-{slot}")).create().unwrap();
                producer.init_transactions(PATIENCE).unwrap();
            }
        };
        tokio::task::spawn_blocking(take_over).await.unwrap();
    }

    /// Asks the process that runs a worker's job for a savepoint.
    pub fn ask_for_savepoint(&self, worker: usize) -> Asking {
        let state = self.stage.path("state").display().to_string();
        Asking::new(&self.job(&self.workers[worker].name), &state, &self.stage.path("savepoints"))
    }

    /// Which sinks don't hold what they must.
    async fn differences(&self, Sent { all, windowed }: &Sent) -> Vec<String> {
        let (all, windowed) = (all.as_slice(), *windowed);
        let stage = &self.stage;
        let topic = |name: &str| {
            let name = stage.topic(name).name;
            async move { tokio::task::spawn_blocking(move || committed::values(&broker(), &name)).await.unwrap() }
        };
        let json = |values: Vec<String>| values.into_iter().map(|v| serde_json::from_str::<Value>(&v).unwrap());
        let mut differences = Vec::new();
        let mut compare = |what: &str, found: Rows, expected: Rows| {
            differences.extend(difference(what, &found, &expected));
        };
        compare("job 1", topic("cpu_load_stats_real_filter").await, expected::filtered(all));
        let averages = expected::as_averages(topic("cpu_load_stats_agg").await);
        compare("job 2", averages, expected::averages(&all[..windowed]));
        compare("job 3", topic("cpu_load_stats_real_filter_pg").await, expected::above(all));
        compare("job 4", sorted(stage.db.rows("SELECT * FROM counts").await), expected::counts(&all[..windowed]));
        let documents = stage.index.all().await.iter().map(Value::to_string).collect();
        compare("job 5", sorted(documents), expected::documents(all));
        compare("mixed: topic", expected::as_every(json(topic("mixed").await)), expected::every(all));
        compare("mixed: table", sorted(stage.db.rows("SELECT * FROM appended").await), expected::every(all));
        compare("mixed: hosts", sorted(stage.db.rows("SELECT * FROM hosts").await), expected::hosts(all));
        compare("mixed: index", expected::as_every(self.documents.all().await), expected::every(all));
        let latest = self
            .latest
            .all()
            .await
            .into_iter()
            .map(|v| format!("{}|{}|{}", v["hostname"].as_str().unwrap_or_default(), v["readings"], v["latest"]));
        compare("mixed: documents", sorted(latest.collect()), expected::hosts(all));
        compare("mixed: files", expected::as_every(json(lines(&self.files()))), expected::every(all));
        differences
    }
}

/// A reading as another.
fn closing_of(closing: &Reading) -> Reading {
    Reading { host: closing.host, cpu: closing.cpu.clone(), usage: closing.usage, at: closing.at }
}

fn sorted(mut rows: Rows) -> Rows {
    rows.sort_unstable();
    rows
}

/// What of two sorted lists is missing, and what is too much.
fn difference(what: &str, found: &[String], expected: &[String]) -> Option<String> {
    if found == expected {
        return None;
    }
    let (mut missing, mut surplus, mut f, mut e) = (Vec::new(), Vec::new(), 0, 0);
    while f < found.len() || e < expected.len() {
        match (found.get(f), expected.get(e)) {
            (Some(one), Some(other)) if one == other => (f, e) = (f + 1, e + 1),
            (Some(one), other) if other.is_none_or(|other| one < other) => {
                surplus.push(one);
                f += 1;
            }
            (_, Some(other)) => {
                missing.push(other);
                e += 1;
            }
            _ => unreachable!("one of them has more"),
        }
    }
    let first = |rows: &[&String]| rows.iter().take(3).map(|row| row.to_string()).collect::<Vec<_>>();
    Some(format!(
        "{what}: {} rows, {} missing {:?}, {} too much {:?}",
        found.len(),
        missing.len(),
        first(&missing),
        surplus.len(),
        first(&surplus)
    ))
}

/// The lines of all files that are there to be seen.
pub fn lines(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let seen = entries.filter(|entry| entry.path().is_file() && !entry.file_name().to_string_lossy().starts_with('.'));
    seen.flat_map(|entry| {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        text.lines().map(str::to_string).collect::<Vec<_>>()
    })
    .collect()
}
