//! A job that dies with an epoch held, and is started again without the sink that had none of its rows: then it has one
//! target, to whose transactions it leaves the rest.

use super::committed;
use crate::kafka::{Turns, broker};
use crate::pipelines::job::Ended;
use crate::pipelines::stage::Stage;

const TABLES: &str = "
SET 'execution.checkpointing.interval' = '1 h';
SET 'pipeline.name' = '{id}';
CREATE TABLE input (v STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '', 'topic' = '{input}',
  'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'format' = 'raw');
CREATE TABLE kafka (v STRING) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '', 'topic' = '{id}',
  'format' = 'raw', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{id}',
  'properties.transaction.timeout.ms' = '60000');
CREATE TABLE postgres (v STRING) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://', 'table-name' = '{schema}.copied');
";

/// Runs the job that writes into these tables, of which the second gets no row.
async fn run(stage: &Stage, client: &str, tables: &[&str], failpoint: Option<&str>) -> Ended {
    let tables = tables.iter().zip(["", "WHERE v = 'never'"]);
    let inserts: Vec<String> =
        tables.map(|(table, filter)| format!("INSERT INTO {table} SELECT v FROM input {filter};")).collect();
    let sql = format!("{TABLES} EXECUTE STATEMENT SET BEGIN {} END;", inserts.concat());
    let sql = sql
        .replace("{id}", &stage.topic("output").name)
        .replace("{input}", &stage.topic("input").name)
        .replace("{schema}", &stage.db.schema);
    let (file, state) = (stage.write("job.sql", &sql), stage.path("state").display().to_string());
    stage.start_until(client, &[&file, "--state", &state], failpoint).end().await
}

async fn rows(stage: &Stage, table: &str) -> Vec<String> {
    match table {
        "kafka" => {
            let topic = stage.topic("output").name;
            tokio::task::spawn_blocking(move || committed::values(&broker(), &topic)).await.unwrap()
        }
        _ => stage.db.rows("SELECT v FROM copied ORDER BY v").await,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
async fn what_is_held_for_the_target_that_stays_is_published_once() {
    let clients = Turns::default();
    for tables in [["kafka", "postgres"], ["postgres", "kafka"]] {
        let stage = Stage::new().await;
        let input = stage.topic("input").create(1).await;
        stage.topic("output").create(1).await;
        stage.db.run("CREATE TABLE copied (v varchar)").await;
        input.send_to(0, ["a", "b"]);
        let died = run(&stage, &clients.next(), &tables, Some("publish.before")).await;
        assert_eq!(died.code, None, "{died:?}");
        assert_eq!(rows(&stage, tables[0]).await, [""; 0], "nothing was published: {died:?}");
        // The second start finds nothing to do.
        for _ in 0..2 {
            let ended = run(&stage, &clients.next(), &tables[..1], None).await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert_eq!(rows(&stage, tables[0]).await, ["a", "b"], "{ended:?}");
        }
        stage.clear().await;
    }
}
