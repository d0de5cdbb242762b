//! A job that runs, and another of its name that keeps its checkpoints elsewhere: that is refused before it disturbs it.

use std::time::Instant;

use super::committed;
use super::world::lines;
use crate::kafka::{PATIENCE, Turns, broker};
use crate::pipelines::job::{Ended, Job, pause};
use crate::pipelines::stage::Stage;

const TABLES: &str = "
SET 'execution.checkpointing.interval' = '100 ms';
SET 'pipeline.name' = '{id}';
CREATE TABLE input (v STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '', 'topic' = '{input}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'raw');
CREATE TABLE kafka (v STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '', 'topic' = '{id}',
  'format' = 'raw', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{id}',
  'properties.transaction.timeout.ms' = '60000');
CREATE TABLE elsewhere WITH ('topic' = '{other}', 'properties.bootstrap.servers' = '{spelled}') LIKE kafka;
CREATE TABLE postgres (v STRING) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://', 'table-name' = '{schema}.copied');
CREATE TABLE opensearch (v STRING) WITH ('connector' = 'opensearch', 'hosts' = '', 'index' = '{index}');
CREATE TABLE files (v STRING) WITH ('connector' = 'filesystem', 'path' = '{files}', 'format' = 'raw');
CREATE TABLE linked WITH ('path' = '{link}') LIKE files;
";

/// The broker's address in other words.
fn spelled_otherwise() -> String {
    let broker = broker();
    match broker.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => format!("localhost:{}", broker.rsplit(':').next().unwrap()),
    }
}

pub struct Scene {
    pub stage: Stage,
    /// Who reads, from start to start.
    clients: Turns,
}

impl Scene {
    pub async fn new() -> Self {
        let stage = Stage::new().await;
        stage.topic("input").create(1).await;
        stage.topic("output").create(1).await;
        stage.topic("other").create(1).await;
        stage.db.run("CREATE TABLE copied (v varchar)").await;
        std::fs::create_dir(stage.path("files")).unwrap();
        std::os::unix::fs::symlink(stage.path("files"), stage.path("link")).unwrap();
        Self { stage, clients: Turns::default() }
    }

    /// Starts the job that writes into these tables; it keeps its checkpoints in a folder of this name.
    pub fn start(&self, tables: &[&str], state: &str) -> Job {
        let inserts: Vec<String> =
            tables.iter().map(|table| format!("INSERT INTO {table} SELECT v FROM input;")).collect();
        let sql = format!("{TABLES} EXECUTE STATEMENT SET BEGIN {} END;", inserts.concat());
        let sql = sql
            .replace("{id}", &self.stage.topic("output").name)
            .replace("{input}", &self.stage.topic("input").name)
            .replace("{other}", &self.stage.topic("other").name)
            .replace("{spelled}", &spelled_otherwise())
            .replace("{schema}", &self.stage.db.schema)
            .replace("{index}", &self.stage.index.name)
            .replace("{files}", &self.stage.path("files").display().to_string())
            .replace("{link}", &self.stage.path("link").display().to_string());
        let (file, state) = (self.stage.write("job.sql", &sql), self.stage.path(state).display().to_string());
        self.stage.start_with(&self.stage.config(&self.clients.next()), &[&file, "--state", &state])
    }

    async fn rows(&self, table: &str) -> Vec<String> {
        let mut rows = match table {
            "kafka" | "elsewhere" => {
                let topic = self.stage.topic(if table == "kafka" { "output" } else { "other" }).name;
                tokio::task::spawn_blocking(move || committed::values(&broker(), &topic)).await.unwrap()
            }
            "postgres" => self.stage.db.rows("SELECT v FROM copied").await,
            "opensearch" => {
                let documents = self.stage.index.all().await;
                documents.iter().map(|document| document["v"].as_str().unwrap().to_string()).collect()
            }
            _ => lines(&self.stage.path("files")),
        };
        rows.sort_unstable();
        rows
    }

    /// Waits until all tables hold these rows.
    pub async fn come(&self, tables: &[&str], expected: &[&str], running: &mut Job) {
        let start = Instant::now();
        for table in tables {
            while self.rows(table).await != expected {
                running.check();
                assert!(start.elapsed() < PATIENCE, "{table}: {:?}\n{}", self.rows(table).await, running.said());
                pause().await;
            }
        }
    }
}

pub fn assert_refused(ended: &Ended, why: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(why), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_the_same_name_from_another_folder_is_refused_and_the_one_that_runs_is_not_disturbed() {
    let all: [&[&str]; 5] =
        [&["kafka"], &["postgres"], &["opensearch"], &["files"], &["kafka", "postgres", "opensearch", "files"]];
    for tables in all {
        let scene = Scene::new().await;
        let input = scene.stage.topic("input");
        input.send_to(0, ["a"]);
        let mut running = scene.start(tables, "state");
        scene.come(tables, &["a"], &mut running).await;
        let mut others: Vec<&[&str]> = vec![tables];
        if tables[0] == "kafka" {
            // What is shared is the prefix, whatever the topic and the address are.
            others.push(&["elsewhere"]);
        }
        for other in others {
            let ended = scene.start(other, "another").end().await;
            assert_refused(&ended, "has rows of this job up to epoch");
        }
        input.send_to(0, ["b"]);
        scene.come(tables, &["a", "b"], &mut running).await;
        let said = running.said();
        assert!(!said.contains("starting it anew") && !said.contains("another process"), "{tables:?}: {said}");
        running.stop().await;
        scene.stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_place_by_two_names_in_one_job_is_refused() {
    for tables in [["kafka", "elsewhere"], ["files", "linked"]] {
        let scene = Scene::new().await;
        let ended = scene.start(&tables, "state").end().await;
        assert_refused(&ended, "lead to the same place by different names: ");
        for table in tables {
            assert!(ended.stderr.contains(&format!("\"{table}\"")), "{ended:?}");
        }
        scene.stage.clear().await;
    }
}
