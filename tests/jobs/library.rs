//! The library: tables of batches and channels in, changelogs and jobs out.

use std::sync::Arc;
use std::time::Duration;

use millstream::arrow::array::{AsArray, Float64Array, Int32Array, LargeStringArray, RecordBatch, StringArray};
use millstream::arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Schema};
use millstream::runtime::JobEnd;
use millstream::{Error, ErrorKind, Outcome, Session};

fn loads(rows: &[(&str, f64)]) -> RecordBatch {
    let hosts = StringArray::from_iter_values(rows.iter().map(|(host, _)| host));
    let usage = Float64Array::from_iter_values(rows.iter().map(|(_, usage)| *usage));
    RecordBatch::try_from_iter([("hostname", Arc::new(hosts) as _), ("usage", Arc::new(usage) as _)]).expect("a batch")
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("nothing came in time")
}

async fn hosts(query: &mut millstream::Query) -> Result<Option<Vec<String>>, Error> {
    let batch = in_time(query.next()).await?;
    Ok(batch.map(|batch| batch.rows().column(0).as_string::<i32>().iter().flatten().map(str::to_string).collect()))
}

#[tokio::test]
async fn a_table_of_batches_is_read_by_every_query() {
    let mut session = Session::new();
    session.register_batches("loads", vec![loads(&[("doc", 98.3), ("happy", 12.0)]), loads(&[("doc", 91.0)])]).unwrap();
    for _ in 0..2 {
        let mut query = session.query("SELECT `usage` FROM loads WHERE hostname = 'doc'").await.unwrap();
        let mut usage = Vec::new();
        while let Some(batch) = in_time(query.next()).await.unwrap() {
            usage.extend(batch.rows().column(0).as_primitive::<Float64Type>().values().to_vec());
        }
        assert_eq!(usage, [98.3, 91.0]);
        assert!(in_time(query.next()).await.unwrap().is_none(), "the end stays the end");
        assert_eq!(in_time(query.job.wait()).await.unwrap(), JobEnd::Finished);
    }
}

#[tokio::test]
async fn rows_of_a_channel_come_out_at_once_and_the_query_ends_with_its_senders() {
    let mut session = Session::new();
    let sender = session.register_channel("loads", &loads(&[]).schema(), 4).unwrap();
    let mut query = session.query("SELECT UPPER(hostname) FROM loads WHERE `usage` > 80").await.unwrap();
    for host in ["doc", "happy"] {
        sender.send(loads(&[(host, 98.3), ("sleepy", 1.0)])).await.unwrap();
        assert_eq!(hosts(&mut query).await.unwrap().unwrap(), [host.to_uppercase()]);
    }
    drop(sender);
    assert_eq!(hosts(&mut query).await.unwrap(), None);
}

#[tokio::test]
async fn a_query_that_is_stopped_gives_what_is_on_its_way_and_ends() {
    let mut session = Session::new();
    let sender = session.register_channel("loads", &loads(&[]).schema(), 4).unwrap();
    let mut query = session.query("SELECT hostname FROM loads").await.unwrap();
    sender.send(loads(&[("doc", 1.0)])).await.unwrap();
    assert_eq!(hosts(&mut query).await.unwrap().unwrap(), ["doc"]);
    query.stop();
    assert_eq!(hosts(&mut query).await.unwrap(), None);
    assert_eq!(in_time(query.job.wait()).await.unwrap(), JobEnd::Stopped);
}

#[tokio::test]
async fn a_limit_ends_a_query_over_a_channel_that_stays_open() {
    let mut session = Session::new();
    let sender = session.register_channel("loads", &loads(&[]).schema(), 4).unwrap();
    let mut query = session.query("SELECT hostname FROM loads LIMIT 2").await.unwrap();
    sender.send(loads(&[("doc", 1.0), ("happy", 2.0), ("sleepy", 3.0)])).await.unwrap();
    assert_eq!(hosts(&mut query).await.unwrap().unwrap(), ["doc", "happy"]);
    assert_eq!(hosts(&mut query).await.unwrap(), None);
    assert_eq!(in_time(query.job.wait()).await.unwrap(), JobEnd::Finished);
}

#[tokio::test]
async fn one_query_reads_both_branches_of_a_channel() {
    let mut session = Session::new();
    let sender = session.register_channel("loads", &loads(&[]).schema(), 4).unwrap();
    let sql = "SELECT hostname FROM loads WHERE `usage` > 80 UNION ALL SELECT hostname FROM loads WHERE `usage` < 10";
    let mut query = session.query(sql).await.unwrap();
    sender.send(loads(&[("doc", 98.0), ("happy", 50.0), ("sleepy", 1.0)])).await.unwrap();
    drop(sender);
    let mut all = Vec::new();
    while let Some(some) = hosts(&mut query).await.unwrap() {
        all.extend(some);
    }
    all.sort();
    assert_eq!(all, ["doc", "sleepy"]);
}

#[tokio::test]
async fn a_second_query_over_a_channel_is_refused() {
    let mut session = Session::new();
    let _sender = session.register_channel("loads", &loads(&[]).schema(), 4).unwrap();
    let _first = session.query("SELECT hostname FROM loads").await.unwrap();
    tokio::task::yield_now().await;
    let mut second = session.query("SELECT hostname FROM loads").await.unwrap();
    let error = hosts(&mut second).await.unwrap_err();
    assert!(error.message().contains("one query only"), "{error}");
}

#[tokio::test]
async fn a_batch_that_does_not_fit_its_channel_fails_the_query_by_the_columns() {
    let mut session = Session::new();
    let sender = session.register_channel("loads", &loads(&[]).schema(), 4).unwrap();
    let mut query = session.query("SELECT hostname FROM loads").await.unwrap();
    let odd = RecordBatch::try_from_iter([("n", Arc::new(Int32Array::from(vec![1])) as _)]).unwrap();
    sender.send(odd).await.unwrap();
    let error = hosts(&mut query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.message().contains("hostname"), "{error}");
}

#[tokio::test]
async fn arrow_types_that_mean_the_same_are_taken() {
    let schema =
        Schema::new(vec![Field::new("name", DataType::LargeUtf8, true), Field::new("n", DataType::Int32, true)]);
    let names = LargeStringArray::from(vec!["doc"]);
    let batch =
        RecordBatch::try_new(Arc::new(schema.clone()), vec![Arc::new(names), Arc::new(Int32Array::from(vec![7]))]);
    let mut session = Session::new();
    let sender = session.register_channel("t", &schema, 1).unwrap();
    let mut query = session.query("SELECT name || '!', n + 1 FROM t").await.unwrap();
    sender.send(batch.unwrap()).await.unwrap();
    let out = in_time(query.next()).await.unwrap().unwrap();
    assert_eq!(out.rows().column(0).as_string::<i32>().value(0), "doc!");
    assert_eq!(out.rows().column(1).as_primitive::<Int32Type>().value(0), 8);
}

#[tokio::test]
async fn an_error_says_where_in_the_text() {
    let mut session = Session::new();
    session.register_batches("loads", vec![loads(&[("doc", 1.0)])]).unwrap();
    let error = session.query("SELECT hostnam FROM loads").await.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Statement);
    assert!(error.span().is_some() && error.to_string().contains("hostname"), "{error}");
}

#[tokio::test]
async fn a_script_gives_one_outcome_per_statement() {
    let mut session = Session::new();
    session.register_batches("loads", vec![loads(&[("doc", 98.3)])]).unwrap();
    let script = "CREATE TEMPORARY VIEW high AS SELECT * FROM loads WHERE `usage` > 90; SHOW VIEWS; SELECT * FROM high";
    let mut outcomes = session.execute(script).await.unwrap().into_iter();
    assert!(matches!(outcomes.next(), Some(Outcome::Done)));
    assert!(matches!(outcomes.next(), Some(Outcome::Listing(listing)) if listing.rows.len() == 1));
    let Some(Outcome::Query(mut query)) = outcomes.next() else { panic!("a query") };
    assert_eq!(hosts(&mut query).await.unwrap().unwrap(), ["doc"]);
}

#[tokio::test]
async fn a_row_meets_the_thresholds_as_they_are_when_it_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("thresholds.csv");
    std::fs::write(&file, "doc,20\ndoc,30\nhappy,70\n").expect("a file");
    let mut session = Session::new();
    let sender = session.register_channel("loads", &loads(&[]).schema(), 4).unwrap();
    let declare = format!(
        "CREATE TABLE thresholds (host STRING, top INT) WITH ('connector' = 'filesystem', 'path' = '{}', \
         'format' = 'csv'); CREATE TEMPORARY VIEW cpu_in AS SELECT *, PROCTIME() AS proctime FROM loads",
        file.display()
    );
    session.execute(&declare).await.unwrap();
    let sql = "SELECT hostname || ' > ' || CAST(top AS STRING) FROM cpu_in JOIN thresholds \
               FOR SYSTEM_TIME AS OF proctime AS t ON hostname = host WHERE `usage` > top";
    let mut query = session.query(sql).await.unwrap();
    sender.send(loads(&[("doc", 98.0), ("happy", 60.0), ("sleepy", 99.0), ("doc", 25.0)])).await.unwrap();
    assert_eq!(hosts(&mut query).await.unwrap().unwrap(), ["doc > 20", "doc > 30", "doc > 20"]);
    sender.send(loads(&[("happy", 71.0)])).await.unwrap();
    assert_eq!(hosts(&mut query).await.unwrap().unwrap(), ["happy > 70"]);
    drop(sender);
    assert_eq!(hosts(&mut query).await.unwrap(), None);
}

#[tokio::test]
async fn a_statement_set_reads_a_channel_once_and_is_one_job() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut session = Session::new();
    let sender = session.register_channel("loads", &loads(&[]).schema(), 4).unwrap();
    let table = |name: &str| {
        let path = folder.path().join(name);
        format!(
            "CREATE TABLE {name} (host STRING) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');",
            path.display()
        )
    };
    session.execute(&(table("high") + &table("low"))).await.unwrap();
    let set = "EXECUTE STATEMENT SET BEGIN INSERT INTO high SELECT hostname FROM loads WHERE `usage` > 80; \
               INSERT INTO low SELECT hostname FROM loads WHERE `usage` < 90; END";
    let mut outcomes = session.execute(set).await.unwrap();
    let Some(Outcome::Job(mut job)) = outcomes.pop() else { panic!("a job") };
    sender.send(loads(&[("doc", 98.0), ("happy", 85.0), ("sleepy", 1.0)])).await.unwrap();
    drop(sender);
    assert_eq!(in_time(job.wait()).await.unwrap(), JobEnd::Finished);
    for (table, expected) in [("high", vec!["doc", "happy"]), ("low", vec!["happy", "sleepy"])] {
        let mut query = session.query(&format!("SELECT host FROM {table}")).await.unwrap();
        assert_eq!(hosts(&mut query).await.unwrap().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_row_of_many_windows_is_told_in_each_of_them() {
    let mut session = Session::new();
    let table =
        "CREATE TABLE t (n INT, ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen',
        'number-of-rows' = '1', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '1')";
    session.execute(table).await.unwrap();
    for function in ["CUMULATE", "HOP"] {
        let windows = format!("{function}(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '6' HOUR)");
        let sql = format!("SELECT COUNT(*) FROM {windows} GROUP BY window_start, window_end");
        let (mut query, mut told) = (session.query(&sql).await.unwrap(), 0);
        while let Some(batch) = query.next().await.unwrap() {
            told += batch.num_rows();
        }
        assert_eq!(told, 21_600, "{function}");
    }
}
