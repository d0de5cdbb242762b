//! Thresholds that change while job 3 runs.

use std::time::{Duration, Instant};

use rdkafka::Offset;

use super::readings::Reading;
use super::stage::Stage;
use crate::kafka::PATIENCE;

/// Job 3 with these options added to its lookup table.
fn with_cache(stage: &Stage, options: &str) -> String {
    let table = format!("'table-name' = '{}.limits'", stage.db.schema);
    let text = stage.job_text("simple_filter_pg.sql");
    assert!(text.contains(&table));
    stage.write("cached.sql", &text.replace(&table, &format!("{table},\n  {options}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_decides_the_next_reading() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    let output = stage.topic("cpu_load_stats_real_filter_pg").create(1).await;
    let mut job = stage.start_file("simple_filter_pg.sql");
    let mut alerts = output.reader(Offset::Beginning);
    // dopey is allowed 90. doc's reading behind it shows that dopey's is decided.
    input.send([Reading::new("dopey", 88), Reading::new("doc", 50)].iter().map(Reading::record));
    let mut expected = vec![Reading::new("doc", 50).above(20).unwrap()];
    assert_eq!(alerts.next(), expected[0]);
    for (threshold, alert) in [(85, true), (88, false), (20, true), (99, false)] {
        stage.db.run(&format!("UPDATE limits SET allowed_top = {threshold} WHERE hostname = 'dopey'")).await;
        input.send([Reading::new("dopey", 88), Reading::new("doc", 51)].iter().map(Reading::record));
        let dopey = Reading::new("dopey", 88).above(threshold);
        assert_eq!(dopey.is_some(), alert);
        for value in dopey.into_iter().chain(Reading::new("doc", 51).above(20)) {
            job.check();
            assert_eq!(alerts.next(), value);
            expected.push(value);
        }
    }
    // What was written stays: nothing is taken back.
    job.stop().await;
    assert_eq!(output.values(), expected);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_threshold_is_kept_for_its_time() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    let output = stage.topic("cpu_load_stats_real_filter_pg").create(1).await;
    let options = "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '100', \
                   'lookup.partial-cache.expire-after-write' = '1 h'";
    let mut job = stage.start(&[&with_cache(&stage, options)]);
    let mut alerts = output.reader(Offset::Beginning);
    let reading = Reading::new("doc", 50);
    input.send([reading.record()]);
    assert_eq!(alerts.next(), reading.above(20).unwrap());
    stage.db.run("UPDATE limits SET allowed_top = 60").await;
    // grumpy was never asked for: the database is asked, and has changed. doc is answered from the cache.
    input.send([Reading::new("grumpy", 50), Reading::new("doc", 50)].iter().map(Reading::record));
    job.check();
    assert_eq!(alerts.next(), reading.above(20).unwrap());
    job.stop().await;
    assert_eq!(output.values().len(), 2);
    stage.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_threshold_is_read_anew_after_its_time() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    let output = stage.topic("cpu_load_stats_real_filter_pg").create(1).await;
    let time = Duration::from_secs(1);
    let options = "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '100', \
                   'lookup.partial-cache.expire-after-write' = '1 s'";
    let mut job = stage.start(&[&with_cache(&stage, options)]);
    let mut alerts = output.reader(Offset::Beginning);
    let reading = Reading::new("doc", 50);
    let start = Instant::now();
    input.send([reading.record()]);
    assert_eq!(alerts.next(), reading.above(20).unwrap());
    stage.db.run("UPDATE limits SET allowed_top = 21").await;
    loop {
        job.check();
        input.send([reading.record()]);
        let alert = alerts.next();
        if alert == reading.above(21).unwrap() {
            break;
        }
        assert_eq!(alert, reading.above(20).unwrap());
        assert!(start.elapsed() < PATIENCE, "the cache never forgets");
    }
    assert!(start.elapsed() >= time, "the new threshold came after {:?}", start.elapsed());
    job.stop().await;
    stage.clear().await;
}
