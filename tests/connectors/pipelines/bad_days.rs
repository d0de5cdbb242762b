//! What goes wrong on real services: each is told with its place and its fix, none loses a row, and no password shows.

use opensearch::http::Method;

use super::job::Ended;
use super::readings::Reading;
use super::stage::Stage;
use crate::kafka::{broker, clients};
use crate::postgres::server;

/// The integrations with one of the services away, all of them with passwords.
fn away(stage: &Stage, service: &str) -> String {
    let server = server();
    let nobody = |name: &str, address: String| if name == service { "127.0.0.1:1".to_string() } else { address };
    let kafka = nobody("kafka", broker());
    let postgres = nobody("postgresql", server.address);
    let opensearch = nobody("opensearch", stage.index.host.trim_start_matches("http://").to_string());
    let real = server.password.filter(|_| service != "postgresql");
    let (user, password) = (server.user, real.unwrap_or("geheim".into()));
    let patience = "\"connection.max-retry-timeout\" = \"1 s\"";
    let text = format!(
        "[integrations.k]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"{kafka}\"\n\
         \"properties.sasl.jaas.config\" = 'PlainLoginModule required username=\"u\" password=\"geheim\";'\n{patience}\n\
         [integrations.p]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://{postgres}/{}\"\n\
         username = \"{user}\"\npassword = \"{password}\"\n{patience}\n\
         [integrations.o]\nconnector = \"opensearch\"\nhosts = \"http://{opensearch}\"\n\
         username = \"u\"\npassword = \"geheim\"\n{patience}\n",
        server.database,
    );
    stage.write(&format!("{service}-away.toml"), &text)
}

fn assert_failed(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let text = format!("{}{}", ended.stdout, ended.stderr);
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
    assert!(!text.contains("geheim"), "{text}");
    if let Some(password) = server().password {
        assert!(!text.contains(&password), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_is_waited_for_aloud_and_then_fails_the_job() {
    let stage = Stage::new().await;
    stage.topic("cpu_load_stats_real").create(1).await.send([Reading::new("doc", 99).record()]);
    let alert = Reading::new("happy", 99).above(70).unwrap();
    stage.topic("cpu_load_stats_real_filter_pg").create(1).await.send([("happy", alert)]);
    for (service, name, file) in [
        ("kafka", "Kafka", "simple_filter.sql"),
        ("postgresql", "PostgreSQL", "simple_filter_pg.sql"),
        ("opensearch", "OpenSearch", "data_filtering_replication.sql"),
    ] {
        let path = stage.write(file, &stage.job_text(file));
        let ended = stage.start_with(&away(&stage, service), &[&path]).end().await;
        let (waiting, gave_up) = (format!("waiting for {name}"), format!("gave up on {name}"));
        assert_failed(&ended, &[&waiting, &gave_up, "127.0.0.1:1", "trying again"]);
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_or_column_that_postgresql_does_not_have_is_named() {
    let stage = Stage::new().await;
    stage.topic("cpu_load_stats_real").create(1).await.send([Reading::new("doc", 99).record()]);
    for (sql, part) in [
        ("ALTER TABLE limits RENAME COLUMN allowed_top TO top", "\"allowed_top\""),
        ("DROP TABLE limits", ".\"limits\""),
    ] {
        stage.db.run(sql).await;
        let ended = stage.start_file("simple_filter_pg.sql").end().await;
        assert_failed(&ended, &["job \"simple_filter_pg\" failed", part, "does not exist"]);
    }
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_for_a_column_that_is_not_null_is_refused_by_name() {
    let stage = Stage::new().await;
    stage.db.run("ALTER TABLE limits ALTER allowed_top SET NOT NULL").await;
    let sql = stage.rename(
        "CREATE TABLE t (hostname STRING, allowed_top INT) WITH ('connector' = 'jdbc', 'table-name' = 'public.cpu_thresholds');
         INSERT INTO t VALUES ('gandalf', CAST(NULL AS INT));",
    );
    assert_failed(&stage.query(&sql).await, &["\"allowed_top\"", "not-null constraint"]);
    assert_eq!(stage.db.rows("SELECT count(*) FROM limits").await, ["7"]);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_the_index_rejects_fails_the_job_with_its_reason() {
    let stage = Stage::new().await;
    let mapping = r#"{"mappings": {"properties": {"time_ltz": {"type": "integer"}}}}"#;
    stage.index.call(Method::Put, "/INDEX", Some(mapping)).await;
    let alert = Reading::new("happy", 99).above(70).unwrap();
    stage.topic("cpu_load_stats_real_filter_pg").create(1).await.send([("happy", alert)]);
    let ended = stage.start_file("data_filtering_replication.sql").end().await;
    let index = stage.index.name.clone();
    assert_failed(&ended, &["job \"data_filtering_replication\" failed", &index, "time_ltz", "integer"]);
    assert!(stage.index.all().await.is_empty());
    stage.clear().await;
}

/// What is no reading: each with what the message about it must say.
const UNREADABLE: [(&str, &str); 6] = [
    (r#"{"hostname": "doc", "usage": 99"#, ""),
    ("not json", ""),
    (r#"{"hostname": "doc", "usage": "high"}"#, "usage"),
    (r#"{"hostname": "doc", "usage": {"a": 1}}"#, "usage"),
    (r#"{"hostname": "doc", "usage": 99, "occurred_at": 99999999999999999999}"#, "occurred_at"),
    (r#"[{"hostname": "doc"}"#, ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_reading_fails_the_job_with_topic_partition_and_offset() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let input = stage.topic("cpu_load_stats_real").create(1).await;
        let output = stage.topic("cpu_load_stats_real_filter").create(1).await;
        let good = Reading::new("doc", 99);
        input.send([good.record()]);
        for (offset, (message, part)) in UNREADABLE.iter().enumerate() {
            input.send([("doc", message)]);
            // Each is met by a job that begins right at it.
            let from = format!(
                "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:{}'",
                offset + 1
            );
            let text = stage.job_text("simple_filter.sql").replace("'scan.startup.mode' = 'earliest-offset'", &from);
            let ended = stage.start(&[&stage.write("bad.sql", &text)]).end().await;
            let place = format!("topic \"{}\", partition 0, offset {}", input.name, offset + 1);
            assert_failed(&ended, &["job \"simple_filter\" failed", &place, part]);
        }
        assert!(output.values().is_empty());
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_no_readings_are_left_out_where_the_table_says_so() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let input = stage.topic("cpu_load_stats_real").create(1).await;
        let output = stage.topic("cpu_load_stats_real_filter").create(1).await;
        let good = Reading::new("doc", 99);
        let ignore = "'value.format' = 'json', 'value.json.ignore-parse-errors' = 'true'";
        let text = stage.job_text("simple_filter.sql").replacen("'value.format' = 'json'", ignore, 1);
        let mut job = stage.start(&[&stage.write("ignore.sql", &text)]);
        for (message, _) in UNREADABLE {
            input.send([("doc", message.to_string()), good.record()]);
        }
        // Flink keeps what it can read of a message: one of them lacks only its time, and a row without a time passes.
        output.holds(UNREADABLE.len() + 1, &mut [&mut job]).await;
        job.stop().await;
        let (with_time, without): (Vec<_>, Vec<_>) =
            output.values().into_iter().partition(|value| *value == good.high().unwrap());
        assert_eq!(with_time.len(), UNREADABLE.len());
        assert_eq!(without, [r#"{"time_ltz":null,"hostname":"doc","cpu":null,"usage":99.0}"#]);
        stage.clear().await;
    }
}
