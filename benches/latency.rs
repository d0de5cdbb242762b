//! How long does a row take from Kafka to Kafka through another program, at a rate that does not wait for it?
//!
//! ```text
//!   latency --broker HOST:PORT --rate 50000 --seconds 20 -- COMMAND ARG…      one line: p50 p99 p99.9 max, in microseconds
//!   latency --broker HOST:PORT --rate 50000 --seconds 20                      the same through a bare echo client
//!   latency --broker HOST:PORT --cold -- COMMAND ARG…                         from its start to its first row, in microseconds
//!   latency --broker HOST:PORT --end TOPIC                                    how many offsets it has had, in all partitions
//!   latency --broker HOST:PORT --delete TOPIC                                 deletes topics, those that are there
//! ```
//!
//! Rows are due at a fixed rate whatever becomes of them, and a row's time runs from when it was due, not from when it could
//! be sent: whoever stalls the sender is charged with it (no coordinated omission). The command copies the topic IN to
//! the topic OUT, whose names are in its environment and, instead of `{in}` and `{out}`, in the file that `--job` makes; it is
//! waited for until a first row has come through it, and ended with SIGTERM. A cold start finds its row in the topic.
//! `benches/kafka.sh` calls it; by `cargo bench` alone it does nothing.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use self::topics::{Admin, Failure};

mod topics;

#[derive(Parser)]
struct Options {
    #[arg(long)]
    broker: Option<String>,
    /// Rows a second.
    #[arg(long, default_value_t = 50_000)]
    rate: u64,
    /// How long rows are measured.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How long they come before that.
    #[arg(long, default_value_t = 5)]
    warm_up: u64,
    #[arg(long, default_value_t = 2)]
    partitions: i32,
    /// Only rows of transactions that are complete count.
    #[arg(long)]
    committed: bool,
    /// Measures how long the command takes from its start to its first row.
    #[arg(long)]
    cold: bool,
    /// A job with `{in}` and `{out}`, and the file that it becomes with the topics' names.
    #[arg(long, num_args = 2, value_names = ["TEMPLATE", "FILE"])]
    job: Option<Vec<PathBuf>>,
    /// Is an echo client between two topics itself.
    #[arg(long, num_args = 2, value_names = ["IN", "OUT"])]
    echo: Option<Vec<String>>,
    /// Says how many offsets a topic has had: those of rows, and of the marks of transactions.
    #[arg(long, value_name = "TOPIC")]
    end: Option<String>,
    /// Deletes a topic; may be given several times.
    #[arg(long, value_name = "TOPIC")]
    delete: Vec<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(last = true)]
    command: Vec<String>,
}

/// No row comes for so long: something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let options = Options::parse();
    let Some(broker) = options.broker.clone() else {
        println!("latency: needs a broker; `make bench-kafka` has one");
        return ExitCode::SUCCESS;
    };
    let done = match (options.echo.as_deref(), &options.end) {
        (Some([from, to]), _) => echo(&broker, from, to),
        (_, Some(topic)) => end_of_all(&broker, topic),
        _ if !options.delete.is_empty() => delete(&broker, &options.delete),
        _ if options.cold => start_cold(&options, &broker),
        _ => measure(&options, &broker),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latency: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A producer that sends as many rows together as are there while one request is under way: a request for each row would
/// measure how many of those a broker bears.
fn producer(broker: &str) -> Result<BaseProducer, Failure> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("linger.ms", "0").set("acks", "all");
    config.set("max.in.flight.requests.per.connection", "1");
    Ok(config.set("queue.buffering.max.messages", "2000000").create()?)
}

/// A consumer of all partitions of a topic from where it ends now.
fn consumer(broker: &str, topic: &str, committed: bool) -> Result<BaseConsumer, Failure> {
    let isolation = if committed { "read_committed" } else { "read_uncommitted" };
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("group.id", "latency").set("enable.auto.commit", "false");
    // As the engine has it: by itself librdkafka fetches nothing for a second after its queue was full, and a reader that is
    // faster than that starves. An echo that waits would be taken off the engine's times.
    config.set("fetch.queue.backoff.ms", "5");
    let consumer: BaseConsumer = config.set("isolation.level", isolation).create()?;
    let mut assigned = TopicPartitionList::new();
    for partition in 0..partitions(&consumer, topic)? {
        assigned.add_partition_offset(topic, partition, Offset::Offset(end(&consumer, topic, partition)?))?;
    }
    consumer.assign(&assigned)?;
    Ok(consumer)
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Result<i32, Failure> {
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    Ok(metadata.topics().first().map_or(0, |topic| topic.partitions().len() as i32))
}

/// Where a partition ends; one that was only just made has its leader soon.
fn end(consumer: &BaseConsumer, topic: &str, partition: i32) -> Result<i64, Failure> {
    let since = Instant::now();
    loop {
        match consumer.fetch_watermarks(topic, partition, PATIENCE) {
            Ok((_, end)) => return Ok(end),
            Err(error) if since.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Prints the sum of where the partitions of a topic end.
fn end_of_all(broker: &str, topic: &str) -> Result<(), Failure> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", broker).create()?;
    let mut all = 0;
    for partition in 0..partitions(&consumer, topic)? {
        all += end(&consumer, topic, partition)?;
    }
    println!("{all}");
    Ok(())
}

fn delete(broker: &str, names: &[String]) -> Result<(), Failure> {
    Admin::connect(broker)?.delete(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Copies values from the topic's beginning as they come, until it is ended.
fn echo(broker: &str, from: &str, to: &str) -> Result<(), Failure> {
    let (consumer, producer) = (consumer(broker, from, false)?, producer(broker)?);
    let mut all = consumer.assignment()?;
    all.set_all_offsets(Offset::Beginning)?;
    consumer.assign(&all)?;
    loop {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        let mut record = BaseRecord::<(), [u8]>::to(to).payload(message.payload().unwrap_or_default());
        while let Err((_, again)) = producer.send(record) {
            producer.poll(Duration::from_millis(1));
            record = again;
        }
        producer.poll(Duration::ZERO);
    }
}

/// Topics of one measurement.
struct Topics {
    admin: Admin,
    names: [String; 2],
}

impl Topics {
    fn create(broker: &str, partitions: i32) -> Result<Self, Failure> {
        let id = format!("latency_{}", std::process::id());
        let topics = Self { admin: Admin::connect(broker)?, names: [format!("{id}_in"), format!("{id}_out")] };
        topics.admin.create(&topics.names(), partitions)?;
        Ok(topics)
    }

    fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        // They stay where the broker is gone.
        let _deleted = self.admin.delete(&self.names());
    }
}

/// The program between the topics; ended when it is dropped.
struct Between(Child);

impl Between {
    fn start(options: &Options, broker: &str, [from, to]: &[String; 2]) -> Result<Self, Failure> {
        if let Some([template, file]) = options.job.as_deref() {
            fs::write(file, fs::read_to_string(template)?.replace("{in}", from).replace("{out}", to))?;
        }
        let mut command = match options.command.split_first() {
            None => {
                let mut echo = Command::new(std::env::current_exe()?);
                echo.args(["--broker", broker, "--echo", from, to]);
                echo
            }
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
        };
        Ok(Self(command.env("IN", from).env("OUT", to).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?))
    }

    fn check(&mut self) -> Result<(), Failure> {
        match self.0.try_wait()? {
            Some(status) => Err(format!("the command ended by itself: {status}").into()),
            None => Ok(()),
        }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let began = Instant::now();
        while asked.as_ref().is_ok_and(|status| status.success()) && began.elapsed() < Duration::from_secs(10) {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // It doesn't want to, or is gone.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

fn row(due_us: i64) -> String {
    format!("{{\"due\":{due_us},\"hostname\":\"doc\",\"cpu\":\"cpu4\",\"usage\":98.3}}")
}

/// When the row was due.
fn due(payload: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(payload).ok()?;
    let rest = text[text.find("\"due\":")? + 6..].trim_start();
    let end = rest.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn measure(options: &Options, broker: &str) -> Result<(), Failure> {
    let topics = Topics::create(broker, options.partitions)?;
    let producer = producer(broker)?;
    let consumer = consumer(broker, &topics.names[1], options.committed)?;
    let mut between = Between::start(options, broker, &topics.names)?;
    // Rows that count for nothing, until one has come through.
    let began = Instant::now();
    loop {
        producer
            .send(BaseRecord::<(), str>::to(&topics.names[0]).payload(row(-1).as_str()))
            .map_err(|(error, _)| error)?;
        producer.poll(Duration::ZERO);
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            message?;
            break;
        }
        between.check()?;
        if began.elapsed() > PATIENCE {
            return Err("no row came through the command".into());
        }
    }
    let all = options.rate * (options.warm_up + options.seconds);
    let warm = options.rate * options.warm_up;
    let failed = AtomicBool::new(false);
    let start = Instant::now();
    let mut took = std::thread::scope(|threads| -> Result<Vec<u32>, Failure> {
        let sender = threads.spawn(|| send(&producer, &topics.names[0], options.rate, all, start, &failed));
        let took = receive(&consumer, start, all, (warm * 1_000_000 / options.rate) as i64);
        failed.store(took.is_err(), Ordering::Relaxed);
        sender.join().map_err(|_| "the sender panicked")??;
        took
    })?;
    between.check()?;
    took.sort_unstable();
    let at = |share: f64| took[((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1))];
    if took.is_empty() {
        return Err("no row was measured".into());
    }
    println!("{} {} {} {}", at(0.5), at(0.99), at(0.999), took[took.len() - 1]);
    Ok(())
}

/// Starts the command on a topic with one reading of the tutorial's and waits for what it makes of it.
fn start_cold(options: &Options, broker: &str) -> Result<(), Failure> {
    let topics = Topics::create(broker, options.partitions)?;
    let producer = producer(broker)?;
    let reading = r#"{"hostname":"doc","cpu":"cpu4","usage":98.3,"occurred_at":1700000000000}"#;
    producer.send(BaseRecord::<(), str>::to(&topics.names[0]).payload(reading)).map_err(|(error, _)| error)?;
    producer.flush(PATIENCE)?;
    let consumer = consumer(broker, &topics.names[1], options.committed)?;
    // It is connected and asks for rows when the command starts.
    if consumer.poll(Duration::from_secs(1)).is_some() {
        return Err("a row was there before the command".into());
    }
    let start = Instant::now();
    let mut between = Between::start(options, broker, &topics.names)?;
    let first = loop {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            message?;
            break start.elapsed();
        }
        between.check()?;
        if start.elapsed() > PATIENCE {
            return Err("no row came through the command".into());
        }
    };
    println!("{}", first.as_micros());
    Ok(())
}

/// Sends each row when it is due, or as soon afterwards as there is room.
fn send(
    producer: &BaseProducer,
    to: &str,
    rate: u64,
    all: u64,
    start: Instant,
    failed: &AtomicBool,
) -> Result<(), String> {
    let mut sent = 0;
    while sent < all && !failed.load(Ordering::Relaxed) {
        let due = ((start.elapsed().as_micros() as u64) * rate / 1_000_000).min(all);
        while sent < due {
            let text = row((sent * 1_000_000 / rate) as i64);
            match producer.send(BaseRecord::<(), str>::to(to).payload(text.as_str())) {
                Ok(()) => sent += 1,
                Err((
                    rdkafka::error::KafkaError::MessageProduction(rdkafka::types::RDKafkaErrorCode::QueueFull),
                    _,
                )) => {
                    producer.poll(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error.to_string()),
            }
        }
        producer.poll(Duration::ZERO);
        std::thread::sleep(Duration::from_micros(200));
    }
    producer.flush(PATIENCE).map_err(|error| error.to_string())
}

/// How long each row took that was due behind the warm-up, in microseconds.
fn receive(consumer: &BaseConsumer, start: Instant, all: u64, from_us: i64) -> Result<Vec<u32>, Failure> {
    let (mut took, mut received, mut last) = (Vec::new(), 0, Instant::now());
    while received < all {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            if last.elapsed() > PATIENCE {
                return Err(format!("only {received} of {all} rows came back").into());
            }
            continue;
        };
        let message = message?;
        last = Instant::now();
        let now_us = (last - start).as_micros() as i64;
        let due_us = message.payload().and_then(due).ok_or("a row without \"due\" came back")?;
        if due_us < 0 {
            continue;
        }
        received += 1;
        if due_us >= from_us {
            took.push(u32::try_from((now_us - due_us).max(0)).unwrap_or(u32::MAX));
        }
    }
    Ok(took)
}
