//! What `benches/growth.sh` needs beside the engine: topics with so many partitions, and what a read of memory takes.
//!
//! ```text
//!   growth --memory 64000000                              nanoseconds of a read that nothing foresees, spread over so many bytes
//!   growth --broker HOST:PORT --create NAME --partitions 64
//!   growth --broker HOST:PORT --delete NAME
//! ```
//!
//! By `cargo bench` alone it does nothing.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use self::topics::{Admin, Failure};

mod topics;

#[derive(Parser)]
struct Options {
    #[arg(long, value_name = "BYTES")]
    memory: Option<usize>,
    #[arg(long)]
    broker: Option<String>,
    #[arg(long, value_name = "TOPIC")]
    create: Option<String>,
    #[arg(long, default_value_t = 1)]
    partitions: i32,
    #[arg(long, value_name = "TOPIC")]
    delete: Option<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is fetched from memory at once, in numbers of eight bytes.
const LINE: usize = 8;
const READS: u32 = 5_000_000;
/// How long a topic may take until it is there.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("growth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    if let Some(bytes) = options.memory {
        println!("{:.1}", read_ns(bytes));
        return Ok(());
    }
    let Some(broker) = &options.broker else {
        println!("growth: needs a broker; `make bench-growth` has one");
        return Ok(());
    };
    let admin = Admin::connect(broker)?;
    if let Some(name) = &options.create {
        admin.create(&[name], options.partitions)?;
        return wait_for(broker, name, options.partitions);
    }
    match &options.delete {
        Some(name) => admin.delete(&[name]),
        None => Ok(()),
    }
}

/// Waits until all partitions have a leader.
fn wait_for(broker: &str, topic: &str, partitions: i32) -> Result<(), Failure> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", broker).create()?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
        let found = metadata.topics().first().map_or(&[][..], |topic| topic.partitions());
        if found.len() == partitions as usize && found.iter().all(|partition| partition.leader() >= 0) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("topic {topic} has no leaders after {PATIENCE:?}").into())
}

/// Goes from line to line of memory in one circle without order, each saying where the next one is.
fn read_ns(bytes: usize) -> f64 {
    let lines = (bytes / (8 * LINE)).max(2);
    let mut order: Vec<u32> = (0..lines as u32).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    // A shuffle that leaves one circle (Sattolo's).
    for i in (1..lines).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        order.swap(i, (random % i as u64) as usize);
    }
    let mut memory = vec![0u64; lines * LINE];
    for (line, next) in order.iter().enumerate() {
        memory[line * LINE] = u64::from(*next) * LINE as u64;
    }
    let mut at = 0;
    let mut walk = |steps: u32| {
        for _ in 0..steps {
            at = memory[at as usize];
        }
        black_box(at);
    };
    walk(READS / 10);
    let begun = Instant::now();
    walk(READS);
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(READS)
}
