//! Jobs 1, 3 and 5: all that they write, and nothing else.

use std::time::Instant;

use rdkafka::Offset;

use super::job::pause;
use super::readings::{Reading, readings, threshold};
use super::stage::Stage;
use crate::kafka::{PATIENCE, clients};

const COUNT: i64 = 4000;

/// The values of one host, in their order.
fn of_host<'a>(host: &str, values: &'a [String]) -> Vec<&'a String> {
    values.iter().filter(|value| value.contains(&format!("\"hostname\":\"{host}\""))).collect()
}

fn sorted(mut values: Vec<String>) -> Vec<String> {
    values.sort_unstable();
    values
}

#[tokio::test(flavor = "multi_thread")]
async fn job_1_writes_every_reading_above_80_and_each_host_in_order() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let input = stage.topic("cpu_load_stats_real").create(3).await;
        // One partition, so that the order of what is written can be seen.
        let output = stage.topic("cpu_load_stats_real_filter").create(1).await;
        let readings = readings(COUNT);
        let (early, late) = readings.split_at(readings.len() / 2);
        let expected: Vec<String> = readings.iter().filter_map(Reading::high).collect();
        assert!(expected.len() > 500 && expected.len() < 3500, "{}", expected.len());

        input.send(early.iter().map(Reading::record));
        let mut job = stage.start_file("simple_filter.sql");
        output.holds(1, &mut [&mut job]).await;
        input.send(late.iter().map(Reading::record));
        output.holds(expected.len(), &mut [&mut job]).await;
        let said = job.stop().await;
        assert!(said.stderr.contains("job simple_filter stopped"), "{said:?}");

        let written = output.values();
        for host in ["doc", "grumpy", "sleepy", "bashful", "happy", "sneezy", "dopey", "gandalf"] {
            assert_eq!(of_host(host, &written), of_host(host, &expected), "{host}");
        }
        assert_eq!(sorted(written), sorted(expected));
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn job_3_knows_two_thresholds_of_a_host_and_lets_hosts_without_one_pass() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        stage.db.run("INSERT INTO limits VALUES ('doc', 81), ('nobody', 1), (NULL, 1), ('gandalf', NULL)").await;
        let input = stage.topic("cpu_load_stats_real").create(2).await;
        let output = stage.topic("cpu_load_stats_real_filter_pg").create(1).await;
        let readings = readings(COUNT);
        let alerts = |reading: &Reading| {
            let second = if reading.host == "doc" { reading.above(81) } else { None };
            [threshold(reading.host).and_then(|top| reading.above(top)), second]
        };
        let expected: Vec<String> = readings.iter().flat_map(alerts).flatten().collect();
        assert!(expected.iter().any(|alert| alert.contains("\"threshold\":81")));

        input.send(readings.iter().map(Reading::record));
        let mut job = stage.start_file("simple_filter_pg.sql");
        output.holds(expected.len(), &mut [&mut job]).await;
        job.stop().await;

        let written = output.values();
        for host in ["grumpy", "sleepy", "bashful", "happy", "sneezy", "dopey", "gandalf"] {
            assert_eq!(of_host(host, &written), of_host(host, &expected), "{host}");
        }
        assert_eq!(sorted(written), sorted(expected));
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_jobs_start_in_any_order_before_any_topic_exists() {
    let stage = Stage::new().await;
    let mut replication = stage.start_file("data_filtering_replication.sql");
    stage.topic("cpu_load_stats_real_filter_pg").exists(&mut replication).await;
    let mut thresholds = stage.start_file("simple_filter_pg.sql");
    let mut filter = stage.start_file("simple_filter.sql");
    let input = stage.topic("cpu_load_stats_real");
    input.exists(&mut filter).await;

    let readings = readings(COUNT);
    input.send(readings.iter().map(Reading::record));
    let high: Vec<String> = readings.iter().filter_map(Reading::high).collect();
    let above = |reading: &Reading| threshold(reading.host).and_then(|top| reading.above(top));
    let above: Vec<String> = readings.iter().filter_map(above).collect();
    let document = |reading: &Reading| threshold(reading.host).and_then(|top| reading.document(top));
    let documents: Vec<String> = readings.iter().filter_map(document).map(|d| d.to_string()).collect();
    assert!(!documents.is_empty());

    let (high_topic, above_topic) =
        (stage.topic("cpu_load_stats_real_filter"), stage.topic("cpu_load_stats_real_filter_pg"));
    high_topic.holds(high.len(), &mut [&mut filter]).await;
    above_topic.holds(above.len(), &mut [&mut thresholds]).await;
    let start = Instant::now();
    while stage.index.all().await.len() < documents.len() {
        replication.check();
        assert!(start.elapsed() < PATIENCE, "documents are missing");
        pause().await;
    }
    for job in [filter, thresholds, replication] {
        job.stop().await;
    }

    assert_eq!(sorted(high_topic.values()), sorted(high));
    assert_eq!(sorted(above_topic.values()), sorted(above));
    assert_eq!(sorted(stage.index.all().await.iter().map(|d| d.to_string()).collect()), sorted(documents));
    assert_eq!(stage.index.type_of("time_ltz").await, "date");
    stage.clear().await;
}

/// A reading is sent only when the alert of the one before has come: an alert that waited for company would never come. One
/// that waited until a broker has nothing to send, or until it is time for a watermark, would come too late: both are
/// further off than any test lasts. (That nothing lingers at the producer is tested beside its writer.)
#[tokio::test(flavor = "multi_thread")]
async fn one_reading_becomes_one_alert_at_once_and_without_company() {
    let begin = "'scan.startup.mode' = 'earliest-offset',";
    let longest = "'properties.fetch.max.wait.ms' = '240000', 'properties.request.timeout.ms' = '300000',";
    for client in clients() {
        let stage = Stage::with_client(client).await;
        // One partition: librdkafka may begin with one of several, and ask for the others when it has its answer.
        let input = stage.topic("cpu_load_stats_real").create(1).await;
        for (file, output) in [
            ("simple_filter.sql", "cpu_load_stats_real_filter"),
            ("simple_filter_pg.sql", "cpu_load_stats_real_filter_pg"),
        ] {
            let output = stage.topic(output).create(1).await;
            let text = stage.job_text(file).replacen(begin, &format!("{begin} {longest}"), 1);
            assert!(text.contains(longest));
            let mut job =
                stage.start(&[&stage.write(file, &format!("SET 'pipeline.auto-watermark-interval' = '1 h';\n{text}"))]);
            let mut alerts = output.reader(Offset::Beginning);
            for usage in 90..100 {
                job.check();
                input.send([Reading::new("doc", usage).record()]);
                assert!(alerts.next().contains(&format!("\"usage\":{usage}.0")));
            }
            job.stop().await;
        }
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_stopped_in_the_middle_has_written_all_that_it_has_read() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let input = stage.topic("cpu_load_stats_real").create(1).await;
        let output = stage.topic("cpu_load_stats_real_filter").create(1).await;
        let readings = readings(50_000);
        input.send(readings.iter().map(Reading::record));
        let expected: Vec<String> = readings.iter().filter_map(Reading::high).collect();
        let mut job = stage.start_file("simple_filter.sql");
        output.holds(1, &mut [&mut job]).await;
        let said = job.stop().await.stderr;

        let written = output.values();
        assert_eq!(written, expected[..written.len()]);
        // `job simple_filter stopped: 12,345 rows in, 1,234 rows out`
        let told = said.split("simple_filter stopped: ").nth(1).and_then(|end| end.lines().next()).unwrap();
        let numbers: Vec<usize> = told.split(' ').filter_map(|word| word.replace(',', "").parse().ok()).collect();
        let read = readings.iter().take(numbers[0]).filter_map(Reading::high).count();
        assert_eq!((read, numbers[1]), (written.len(), written.len()), "{told}");
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_table_is_a_sink_and_a_source_in_one_session() {
    let stage = Stage::new().await;
    let input = stage.topic("cpu_load_stats_real").create(1).await;
    let second = stage.job_text("data_filtering_replication.sql");
    // Job 5 without the table that job 3 has made.
    let (start, end) = (second.find("CREATE TABLE CPU_OUT_FILTER_PG").unwrap(), second.find("CREATE TABLE CPU_OUT_OS"));
    let second = format!("{}{}", &second[..start], &second[end.unwrap()..]);
    let second = stage.write("replication.sql", &second);
    let first = stage.write("filter.sql", &stage.job_text("simple_filter_pg.sql"));
    let mut job = stage.start(&[&first, &second]);
    input.send([Reading::new("happy", 99), Reading::new("doc", 99)].iter().map(Reading::record));
    let start = Instant::now();
    while stage.index.all().await.is_empty() {
        job.check();
        assert!(start.elapsed() < PATIENCE, "{}", job.said());
        pause().await;
    }
    let said = job.stop().await.stderr;
    for name in ["simple_filter_pg", "data_filtering_replication"] {
        assert!(said.contains(&format!("job {name} stopped")), "{said}");
    }
    let told = said.lines().find(|line| line.contains("data_filtering_replication stopped")).unwrap_or_default();
    assert!(told.contains(" 1 rows out"), "{told}");
    assert_eq!(stage.index.all().await, Vec::from_iter(Reading::new("happy", 99).document(70)));
    stage.clear().await;
}
