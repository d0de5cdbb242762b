//! What reading costs with each client, for whoever wants to know: nothing is compared with a figure.
//!
//! `scripts/services/ctl with cargo test --release --test connectors cpu_per_record -- --ignored --nocapture`

use super::*;

/// Rows that are read, in two partitions; `MILLSTREAM_MEASURE_ROWS` says otherwise.
const ROWS: usize = 3_000_000;
const RECORD: &str = r#"{"hostname":"doc","cpu":"cpu4","usage":98.3799999999999,"occurred_at":1637775280000}"#;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
async fn cpu_per_record_of_both_clients() {
    let rows = std::env::var("MILLSTREAM_MEASURE_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    for codec in ["none", "lz4", "zstd", "snappy", "gzip"] {
        let topic = topic("measure", 2).await;
        fill(&topic, rows, codec);
        for round in 1..=3 {
            for client in ["librdkafka", "native"] {
                let table = strings(&topic, &[("scan.client", client)]);
                let narrow = ScanRequest { projection: Vec::new(), ..ScanRequest::default() };
                let source = source(&table).narrow(narrow).unwrap();
                let (cpu, clock) = (cpu_seconds(), std::time::Instant::now());
                let mut reader = open(&source, &context()).await.unwrap();
                let mut count = 0;
                loop {
                    match next(&mut reader).await.unwrap() {
                        SourceEvent::Rows { rows, .. } => count += rows.num_rows(),
                        SourceEvent::End => break,
                        _ => {}
                    }
                }
                let (cpu, clock) = (cpu_seconds() - cpu, clock.elapsed().as_secs_f64());
                assert_eq!(count, rows);
                let of = |seconds: f64| seconds * 1e6 / rows as f64;
                println!(
                    "{codec:6} {round} {client:10} {:.3} µs CPU, {:.3} µs by the clock per record",
                    of(cpu),
                    of(clock)
                );
            }
        }
    }
}

fn fill(topic: &str, rows: usize, codec: &str) {
    let mut config = config();
    config.set("compression.type", codec).set("linger.ms", "20").set("queue.buffering.max.messages", "200000");
    let producer: BaseProducer = config.create().unwrap();
    for i in 0..rows {
        let mut record = BaseRecord::<str, str>::to(topic).payload(RECORD).partition((i % 2) as i32);
        while let Err((_, back)) = producer.send(record) {
            record = back;
            producer.poll(Duration::from_millis(10));
        }
        if i % 10_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(PATIENCE).unwrap();
}

/// CPU time of this process so far, all threads, in user and kernel.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind_name = stat.rsplit_once(") ").unwrap().1;
    let ticks: Vec<f64> = behind_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse().unwrap()).collect();
    ticks.iter().sum::<f64>() / 100.0
}
