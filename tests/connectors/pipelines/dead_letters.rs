//! Rows that can't be processed, on real services: they become dead letters, byte for byte, and are replayed.

use opensearch::http::Method;

use super::readings::Reading;
use super::stage::Stage;
use crate::kafka::clients;

/// The text of `sql/replay.sql` with this test's topics.
fn replay(stage: &Stage) -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/replay.sql");
    let text = stage.rename(&std::fs::read_to_string(file).unwrap());
    text.replace("'dead_letters'", &format!("'{}'", stage.topic("dead_letters").name))
}

/// The table of dead letters that the replay job reads, as its file declares it.
fn letters(stage: &Stage) -> String {
    let text = replay(stage);
    let start = text.find("CREATE TABLE DEAD_LETTERS").unwrap();
    text[start..].split_inclusive(");\n").next().unwrap().to_string()
}

/// A job file in which the first kafka table sends its dead letters away.
fn with_letters(stage: &Stage, file: &str) -> String {
    let options =
        "'value.format' = 'json', 'error-handling.mode' = 'dead-letter', 'error-handling.table' = 'DEAD_LETTERS'";
    let text = stage.job_text(file).replacen("'value.format' = 'json'", options, 1);
    format!("{}{text}", letters(stage))
}

#[tokio::test(flavor = "multi_thread")]
async fn undecodable_messages_are_kept_byte_for_byte_and_replayed() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let input = stage.topic("cpu_load_stats_real").create(1).await;
        let dead = stage.topic("dead_letters").create(1).await;
        let output = stage.topic("cpu_load_stats_real_filter").create(1).await;
        let good = Reading::new("doc", 99);
        let broken = ["{\"hostname\": \"doc\", \"usage\"", "not json", "{\"usage\": \"ü\"}"];
        input.send([good.record()]);
        input.send(broken.iter().map(|message| ("doc", *message)));
        input.send([good.record()]);
        let mut job = stage.start(&[&stage.write("dead.sql", &with_letters(&stage, "simple_filter.sql"))]);
        output.holds(2, &mut [&mut job]).await;
        dead.holds(broken.len(), &mut [&mut job]).await;
        let said = job.stop().await.stderr;
        assert!(said.contains("3 rejected (3 decode)"), "{said}");
        assert_eq!(output.values(), [good.high().unwrap(), good.high().unwrap()]);
        for (i, (letter, message)) in dead.values().iter().zip(broken).enumerate() {
            let letter: serde_json::Value = serde_json::from_str(letter).unwrap();
            assert_eq!(letter["offset"], i as i64 + 1);
            assert_eq!((letter["stage"].as_str(), letter["job"].as_str()), (Some("decode"), Some("simple_filter")));
            assert_eq!((letter["table"].as_str(), letter["partition"].as_i64()), (Some("CPU_IN"), Some(0)));
            assert_eq!(letter["topic"].as_str(), Some(input.name.as_str()));
            assert!(
                letter["timestamp"].is_string() && letter["error"].as_str().unwrap().contains("cannot decode record")
            );
            assert!(letter["payload"].is_string(), "{message}: {letter}");
        }
        // What comes back is what there was.
        let ended = stage.start(&[&stage.write("replay.sql", &replay(&stage))]).end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(input.values()[5..], broken);
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_postgresql_refuses_become_dead_letters_and_the_others_are_written() {
    let stage = Stage::new().await;
    stage.db.run("ALTER TABLE limits ADD CHECK (allowed_top < 1000)").await;
    let dead = stage.topic("dead_letters").create(1).await;
    let sql = stage.rename(&format!(
        "{}CREATE TABLE t (hostname STRING, allowed_top INT) WITH ('connector' = 'jdbc', 'table-name' = 'public.cpu_thresholds',
           'error-handling.mode' = 'dead-letter', 'error-handling.table' = 'DEAD_LETTERS');
         INSERT INTO t VALUES ('gandalf', 1), ('frodo', 1000), ('sam', 2), ('pippin', 2000), ('merry', 3);",
        letters(&stage)
    ));
    let ended = stage.start(&[&stage.write("dead.sql", &sql)]).end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("2 rejected (2 write)"), "{ended:?}");
    let written = "SELECT hostname FROM limits WHERE allowed_top < 10 ORDER BY allowed_top";
    assert_eq!(stage.db.rows(written).await, ["gandalf", "sam", "merry"]);
    let errors = dead.values();
    assert_eq!(errors.len(), 2);
    assert!(errors.iter().all(|letter| letter.contains("violates check constraint")), "{errors:?}");
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_the_index_rejects_become_dead_letters_with_the_message_they_came_from() {
    let stage = Stage::new().await;
    let mapping = r#"{"mappings": {"properties": {"usage": {"type": "byte"}}}}"#;
    stage.index.call(Method::Put, "/INDEX", Some(mapping)).await;
    let input = stage.topic("cpu_load_stats_real_filter_pg").create(1).await;
    let dead = stage.topic("dead_letters").create(1).await;
    let alert = |usage: i64| Reading::new("happy", usage).above(70).unwrap();
    input.send([("happy", alert(99)), ("happy", alert(500)), ("happy", alert(80))]);
    // The source says it for all stages.
    let mut job = stage.start(&[&stage.write("dead.sql", &with_letters(&stage, "data_filtering_replication.sql"))]);
    dead.holds(1, &mut [&mut job]).await;
    let said = job.stop().await.stderr;
    assert!(said.contains("1 rejected (1 write)"), "{said}");
    let letter: serde_json::Value = serde_json::from_str(&dead.values()[0]).unwrap();
    assert_eq!((letter["offset"].as_i64(), letter["table"].as_str()), (Some(1), Some("CPU_OUT_FILTER_PG")));
    assert!(letter["error"].as_str().unwrap().contains("usage"), "{letter}");
    assert_eq!(stage.index.all().await.len(), 2);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_lookup_fails_are_rejected_once_its_retries_are_spent() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    let output = stage.topic("cpu_load_stats_real_filter_pg").create(1).await;
    // The view fails for one host, as a database does that was changed under a job.
    stage.db.run("ALTER TABLE limits RENAME TO all_limits").await;
    stage
        .db
        .run(
            "CREATE VIEW limits AS SELECT hostname, CASE WHEN hostname = 'doc' THEN 1 / (allowed_top - 20) \
             ELSE allowed_top END AS allowed_top FROM all_limits",
        )
        .await;
    input.send([
        Reading::new("happy", 99).record(),
        Reading::new("doc", 99).record(),
        Reading::new("dopey", 99).record(),
    ]);
    let skip = "'table-name' = 'public.cpu_thresholds', 'error-handling.mode' = 'skip'";
    let text = stage.rename(
        &std::fs::read_to_string(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/alerting/simple_filter_pg.sql"),
        )
        .unwrap()
        .replace("'table-name' = 'public.cpu_thresholds'", skip),
    );
    let mut job = stage.start(&[&stage.write("skip.sql", &text)]);
    output.holds(2, &mut [&mut job]).await;
    let said = job.stop().await.stderr;
    assert!(said.contains("1 rejected (1 lookup)"), "{said}");
    let hosts =
        ["happy", "dopey"].map(|host| Reading::new(host, 99).above(if host == "happy" { 70 } else { 90 }).unwrap());
    assert_eq!(output.values(), hosts);
    stage.clear().await;
}
