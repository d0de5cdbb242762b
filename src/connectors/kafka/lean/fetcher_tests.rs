use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::fetcher::{Fetching, Instead, LeanFetcher};
use super::record_set_tests::{Batch, value};
use super::scripted::{Broker, Say, State};
use super::settings::Settings;
use crate::connectors::kafka::cluster::Cluster;
use crate::connectors::kafka::consume::BatchConsumer;
use crate::connectors::kafka::context::KafkaContext;
use crate::connectors::kafka::fetcher::FromFetcher;
use crate::connectors::kafka::options::KafkaOptions;
use crate::connectors::kafka::properties::{KafkaProperties, Role};
use crate::connectors::kafka::split::KafkaSplit;
use crate::connectors::kafka::{records, testing::table};
use crate::connectors::{OpenContext, Reporter};
use crate::error::Result;

fn properties(servers: &str) -> KafkaProperties {
    properties_with(servers, &[])
}

fn properties_with(servers: &str, more: &[(&str, &str)]) -> KafkaProperties {
    let options = [&[("properties.bootstrap.servers", servers)], more].concat();
    let options = KafkaOptions::check(&table("a INT", &options)).unwrap().options;
    KafkaProperties::build(&options, Role::Consumer, "g").unwrap()
}

/// Offsets 0 to `end` of a partition.
fn split(partition: i32, end: i64) -> KafkaSplit {
    KafkaSplit { topic: "t".into(), partition, position: 0, leader_epoch: None, end: Some(end), bound: None }
}

/// A fetcher at work, and what it is told to tell.
struct Reading {
    blocks: mpsc::Receiver<Result<FromFetcher>>,
    told: Arc<Mutex<Vec<String>>>,
    _fetching: Fetching,
}

impl Reading {
    fn start(
        broker: &Broker,
        splits: Vec<KafkaSplit>,
        found: Option<mpsc::UnboundedReceiver<KafkaSplit>>,
        instead: Option<Instead>,
        silence: Duration,
    ) -> Self {
        Self::begin(&properties(&broker.address), splits, found, instead, silence)
    }

    /// One partition, by a table with these options.
    fn start_with(broker: &Broker, split: KafkaSplit, options: &[(&str, &str)]) -> Self {
        Self::begin(&properties_with(&broker.address, options), vec![split], None, None, LONG)
    }

    fn begin(
        properties: &KafkaProperties,
        splits: Vec<KafkaSplit>,
        found: Option<mpsc::UnboundedReceiver<KafkaSplit>>,
        instead: Option<Instead>,
        silence: Duration,
    ) -> Self {
        let (fetcher, blocks, told) = made(properties, splits, found, instead, silence);
        Self { blocks, told, _fetching: fetcher.start() }
    }

    /// What comes next: offsets of a split by its number, or an error; none behind the last.
    async fn next(&mut self) -> Option<Result<(usize, Vec<i64>)>> {
        let heard = timeout(Duration::from_secs(60), self.blocks.recv()).await;
        Some(match heard.unwrap_or_else(|_| panic!("nothing in time; told: {:?}", self.told()))? {
            Ok(FromFetcher::Block(block)) => {
                Ok((block.split, block.records.iter().map(|record| record.offset).collect()))
            }
            Ok(FromFetcher::NewSplit(..)) => Ok((usize::MAX, Vec::new())),
            Err(error) => Err(error),
        })
    }

    /// The offsets of each split, up to the end of all.
    async fn rest(&mut self, splits: usize) -> Result<Vec<Vec<i64>>> {
        let mut offsets = vec![Vec::new(); splits];
        while let Some(next) = self.next().await {
            let (split, more) = next?;
            if let Some(offsets) = offsets.get_mut(split) {
                offsets.extend(more);
            }
        }
        Ok(offsets)
    }

    /// Waits until the broker has come to this.
    async fn until(&self, broker: &Broker, is_so: impl Fn(&State) -> bool) {
        let waits = async {
            while !is_so(&broker.state()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = timeout(Duration::from_secs(60), waits).await;
        waited.unwrap_or_else(|_| panic!("told: {:?}; the broker: {:?}", self.told(), *broker.state()));
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

/// A fetcher, what it will hand over, and what it will tell.
fn made(
    properties: &KafkaProperties,
    splits: Vec<KafkaSplit>,
    found: Option<mpsc::UnboundedReceiver<KafkaSplit>>,
    instead: Option<Instead>,
    silence: Duration,
) -> (LeanFetcher, mpsc::Receiver<Result<FromFetcher>>, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tells = told.clone();
    let reporter = Reporter::new(move |line| tells.lock().unwrap().push(line.to_string()));
    let context = KafkaContext::new(properties, reporter, Arc::default());
    // librdkafka would take the broker's word for more than it can.
    let nobody = self::properties("127.0.0.1:1");
    let cluster = Cluster::connect(&nobody, Duration::from_secs(1), &OpenContext::for_test()).unwrap();
    let (out, blocks) = mpsc::channel(2);
    let settings = Settings { silence, ..Settings::new(properties).unwrap() };
    let needs = (records::ALL, 100);
    (LeanFetcher::new(settings, context, cluster, splits, needs, found, out, instead), blocks, told)
}

/// A fetcher of one partition that is not at work.
pub fn one_partition() -> LeanFetcher {
    made(&properties("127.0.0.1:1"), vec![split(0, 4)], None, None, LONG).0
}

const LONG: Duration = Duration::from_secs(6);

/// Reads offsets 0 to 4 from the broker: what comes, and what is told meanwhile.
async fn read(broker: &Broker) -> (Result<Vec<i64>>, Vec<String>) {
    read_from(broker, 0, None).await
}

/// The same from an offset on, before which the record was written in this leader epoch.
async fn read_from(broker: &Broker, position: i64, leader_epoch: Option<i32>) -> (Result<Vec<i64>>, Vec<String>) {
    let split = KafkaSplit { position, leader_epoch, ..split(0, 4) };
    let mut reading = Reading::start(broker, vec![split], None, None, LONG);
    let result = reading.rest(1).await.map(|mut offsets| offsets.remove(0));
    (result, reading.told())
}

fn pair(base: i64) -> Vec<u8> {
    Batch::at(base).write(&[value(0, "a"), value(1, "b")])
}

/// Whatever the old leader says late, of records that the new one has sent already.
#[tokio::test]
async fn a_leader_that_changes_amid_a_request_gives_each_record_once() {
    for late in [Say::Records(pair(2)), Say::Records([pair(2), pair(4), pair(6)].concat()), Say::Error(6)] {
        let new = Broker::start(11, Vec::new()).await;
        new.state().number = 6;
        new.state().logs = vec![vec![(2, pair(2)), (4, pair(4))]];
        let old = Broker::start(11, vec![Say::Records(pair(0)), Say::Late(Box::new(late))]).await;
        let age = [("properties.metadata.max.age.ms", "20")];
        let mut reading = Reading::start_with(&old, split(0, 8), &age);
        assert_eq!(reading.next().await.unwrap().unwrap(), (0, vec![0, 1]));
        reading.until(&old, |state| state.script.is_empty()).await;
        old.state().led_by = Some((6, new.port()));
        for offsets in [[2, 3], [4, 5]] {
            assert_eq!(reading.next().await.unwrap().unwrap(), (0, offsets.to_vec()));
        }
        old.state().lets_go = true;
        // Many looks later its answer has been taken, too.
        let looks = new.state().looks;
        reading.until(&new, |state| state.looks > looks + 5).await;
        new.state().logs[0].push((6, pair(6)));
        assert_eq!(reading.rest(1).await.unwrap(), [[6, 7]]);
        assert_eq!(reading.told(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn records_come_in_their_order_and_each_once() {
    let broker = Broker::start(11, vec![Say::Records(pair(0)), Say::Records(pair(2))]).await;
    let (offsets, told) = read(&broker).await;
    assert_eq!((offsets.unwrap(), told), (vec![0, 1, 2, 3], Vec::<String>::new()));
    assert_eq!(broker.offsets(), [0, 2]);
    assert_eq!(broker.state().looks, 1);
}

#[tokio::test]
async fn after_an_error_that_passes_the_leader_is_looked_up_again() {
    for error in [6, 74, 75, 3, 9] {
        let script = vec![Say::Records(pair(0)), Say::Error(error), Say::Error(error), Say::Records(pair(2))];
        let broker = Broker::start(11, script).await;
        assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3], "{error}");
        assert_eq!(broker.offsets(), [0, 2]);
        assert_eq!(broker.state().looks, 3);
    }
}

#[tokio::test]
async fn a_leader_of_a_new_epoch_is_asked_whether_it_has_what_was_read() {
    for error in [6, 74, 75] {
        let mut script = vec![Say::Records(pair(0)), Say::Error(error), Say::LeaderEpochEnd(2), Say::Records(pair(2))];
        let broker = Broker::start_in(&[5, 6], 11, script.clone()).await;
        assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3], "{error}");
        assert_eq!((broker.offsets(), broker.state().questions.clone()), (vec![0, 2], vec![(6, 5)]));
        // It may not lead any more by then.
        script.insert(2, Say::NoLeaderEpochEnd(error));
        let broker = Broker::start_in(&[5, 6, 7], 11, script).await;
        assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3], "{error}");
        assert_eq!((broker.offsets(), broker.state().questions.clone()), (vec![0, 2], vec![(6, 5), (7, 5)]));
    }
}

#[tokio::test]
async fn a_log_that_has_lost_what_was_read_is_not_read_on() {
    let lost = async |leader_epochs: &[i32], script, from: (i64, Option<i32>)| {
        let broker = Broker::start_in(leader_epochs, 11, script).await;
        let error = read_from(&broker, from.0, from.1).await.0.unwrap_err();
        assert_eq!(error.message(), "topic \"t\", partition 0 has lost records before offset 2 that were read already");
        assert_eq!(error.kind(), crate::error::ErrorKind::State);
        (error.detail().unwrap().to_string(), error.hint().unwrap().to_string())
    };
    let others = "Offsets 1 to 2 are gone, or hold other records now: their leader was elected without them.";
    let script = vec![Say::Records(pair(0)), Say::Error(74), Say::LeaderEpochEnd(1)];
    let (detail, hint) = lost(&[5, 6], script, (0, None)).await;
    assert_eq!(detail, others);
    assert!(hint.ends_with("with 'scan.startup.mode' = 'specific-offsets' from offset 1, or from 'earliest-offset'."));
    // So it is found when reading goes on from a checkpoint.
    assert_eq!(lost(&[6], vec![Say::LeaderEpochEnd(1)], (2, Some(5))).await.0, others);
    let none =
        "Its leader has none of the records that were read last; the topic may have been deleted and made again.";
    assert_eq!(lost(&[6], vec![Say::LeaderEpochEnd(-1)], (2, Some(5))).await.0, none);
}

#[tokio::test]
async fn a_checkpoint_of_the_same_leader_epoch_needs_no_question() {
    let broker = Broker::start_in(&[5], 11, vec![Say::Records(pair(2))]).await;
    assert_eq!(read_from(&broker, 2, Some(5)).await.0.unwrap(), [2, 3]);
    assert_eq!(broker.state().questions, []);
}

#[tokio::test]
async fn a_leader_of_an_older_epoch_is_not_followed() {
    let script = vec![Say::Records(pair(0)), Say::Error(6), Say::Records(pair(2))];
    // The older one is told of once: whether it was for long is no matter of this test.
    let broker = Broker::start_in(&[5, 4, 5], 11, script).await;
    assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3]);
    assert_eq!((broker.offsets(), broker.state().looks), (vec![0, 2], 3));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let script = vec![Say::Half(pair(0)), Say::Records(pair(0)), Say::Half(pair(2)), Say::Records(pair(2))];
    let broker = Broker::start(11, script).await;
    let (offsets, told) = read(&broker).await;
    assert_eq!((offsets.unwrap(), told), (vec![0, 1, 2, 3], Vec::<String>::new()));
    assert_eq!(broker.offsets(), [0, 2]);
}

#[tokio::test]
async fn a_broker_that_wants_to_hear_nothing_is_left_alone() {
    let script = |ms| vec![Say::Records(pair(0)), Say::Throttle(ms), Say::Records(pair(2))];
    let broker = Broker::start(11, script(3_600_000)).await;
    let reading = Reading::start_with(&broker, split(0, 4), &[("properties.metadata.max.age.ms", "20")]);
    reading.until(&broker, |state| state.script.len() == 1).await;
    // Looks go on, again and again; records are not asked for.
    let looks = broker.state().looks;
    reading.until(&broker, |state| state.looks > looks + 5).await;
    assert_eq!(broker.state().heard.len(), 2);
    // For as long as it wants.
    let broker = Broker::start(11, script(100)).await;
    assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3]);
    // Though nobody used it, the connection stood.
    assert_eq!(broker.state().connections, 1);
}

#[tokio::test]
async fn a_connection_that_is_not_used_is_closed_and_another_opened_when_one_is_needed() {
    let idle = [("properties.connections.max.idle.ms", "50")];
    let script = |ms| vec![Say::Records(pair(0)), Say::Throttle(ms), Say::Records(pair(2))];
    // A broker that wants to hear nothing for an hour.
    let broker = Broker::start(11, script(3_600_000)).await;
    let mut reading = Reading::start_with(&broker, split(0, 4), &idle);
    assert_eq!(reading.next().await.unwrap().unwrap(), (0, vec![0, 1]));
    reading.until(&broker, |state| state.script.len() == 1 && state.open == 0).await;
    let broker = Broker::start(11, script(500)).await;
    let mut reading = Reading::start_with(&broker, split(0, 4), &idle);
    assert_eq!(reading.rest(1).await.unwrap(), [[0, 1, 2, 3]]);
    assert!(broker.state().connections >= 2);
}

#[tokio::test]
async fn a_leader_that_is_found_because_the_answer_was_old_is_read_from() {
    let new = Broker::start(11, Vec::new()).await;
    new.state().number = 6;
    new.state().logs = vec![vec![(0, pair(0)), (2, pair(2))]];
    let old = Broker::start(11, Vec::new()).await;
    old.state().logs = vec![vec![(0, pair(0))]];
    let mut reading = Reading::start_with(&old, split(0, 4), &[("properties.metadata.max.age.ms", "20")]);
    assert_eq!(reading.next().await.unwrap().unwrap(), (0, vec![0, 1]));
    // It answers on and says of no error: only who asks it knows that it leads no more.
    reading.until(&old, |state| state.looks >= 3).await;
    old.state().led_by = Some((6, new.port()));
    assert_eq!(reading.rest(1).await.unwrap(), [[2, 3]]);
    assert_eq!((new.offsets(), reading.told()), (vec![2], Vec::new()));
}

#[tokio::test]
async fn what_does_not_pass_is_an_error_with_its_place() {
    let message = async |newest, script| {
        let broker = Broker::start(newest, script).await;
        let error = read(&broker).await.0.unwrap_err();
        (error.message().replace(&broker.address, "ADDRESS"), error.hint().map(str::to_string))
    };
    let place = "cannot read topic \"t\", partition 0";
    let denied = message(11, vec![Say::Error(29)]).await;
    assert_eq!(denied, (format!("{place}: topic authorization failed"), None));
    let mut wrong = pair(0);
    *wrong.last_mut().unwrap() ^= 1;
    let damaged = message(11, vec![Say::Records(wrong)]).await;
    let why = "the records are damaged: their checksum is wrong (CRC-32C)";
    assert_eq!(damaged, (format!("{place} from offset 0 on: {why}"), None));
    let mut old = pair(2);
    old[16] = 0;
    let old = message(11, vec![Say::Records(pair(0)), Say::Records(old)]).await;
    let why = "its records are in a format of Kafka before 0.11 (0)";
    assert_eq!(old, (format!("{place} from offset 2 on: {why}"), Some("Set 'scan.client' = 'librdkafka'.".into())));
    let unable = message(3, Vec::new()).await;
    let why = "the broker is too old or too new for the native client";
    assert_eq!(unable.0, format!("Kafka at ADDRESS: {why}"));
}

#[tokio::test]
async fn partitions_of_a_broker_are_asked_for_together_also_one_that_was_found_later() {
    let broker = Broker::start(11, Vec::new()).await;
    broker.state().logs = vec![vec![(0, pair(0))], vec![(0, pair(0)), (2, pair(2))]];
    let (find, found) = mpsc::unbounded_channel();
    let mut reading = Reading::start(&broker, vec![split(0, 4)], Some(found), None, LONG);
    assert_eq!(reading.next().await.unwrap().unwrap(), (0, vec![0, 1]));
    find.send(split(1, 4)).unwrap();
    // One that is read already is no news.
    find.send(split(1, 4)).unwrap();
    drop(find);
    assert_eq!(reading.next().await.unwrap().unwrap(), (usize::MAX, Vec::new()));
    assert_eq!(reading.next().await.unwrap().unwrap(), (1, vec![0, 1]));
    broker.state().logs[0].push((2, pair(2)));
    assert_eq!(reading.rest(2).await.unwrap(), [[2, 3], [2, 3]]);
    let state = broker.state();
    assert!(state.heard.iter().any(|asked| asked.len() == 2), "{:?}", state.heard);
    assert_eq!((state.connections, reading.told()), (2, Vec::new()));
}

#[tokio::test]
async fn a_partition_without_a_leader_is_told_and_holds_up_no_other() {
    let broker = Broker::start(11, Vec::new()).await;
    broker.state().logs = vec![vec![(0, pair(0))], vec![(0, pair(0))]];
    broker.state().leaderless = [1].into();
    let mut reading = Reading::start(&broker, vec![split(0, 4), split(1, 2)], None, None, Duration::ZERO);
    assert_eq!(reading.next().await.unwrap().unwrap(), (0, vec![0, 1]));
    // Partition 0 is asked for on and on; meanwhile it is asked again and again who leads the other.
    reading.until(&broker, |state| state.looks >= 4).await;
    broker.state().logs[0].push((2, pair(2)));
    assert_eq!(reading.next().await.unwrap().unwrap(), (0, vec![2, 3]));
    broker.state().leaderless.clear();
    assert_eq!(reading.rest(2).await.unwrap(), [vec![], vec![0, 1]]);
    let (what, at) = ("topic \"t\", partition 1", &broker.address);
    let told = [
        format!("waiting for {what} of Kafka at {at}: leader not available"),
        format!("Kafka at {at} gives {what} again"),
    ];
    assert_eq!(reading.told(), told);
    // One for records, and one that is kept for the question who leads.
    assert_eq!(broker.state().connections, 2);
}

#[tokio::test]
async fn an_error_that_passes_is_told_while_it_lasts() {
    for (error, words) in [(-1, "unknown broker error"), (56, "disk error when trying to access log file on disk")] {
        let script = vec![Say::Records(pair(0)), Say::Error(error), Say::Error(error), Say::Records(pair(2))];
        let broker = Broker::start(11, script).await;
        let mut reading = Reading::start(&broker, vec![split(0, 4)], None, None, Duration::ZERO);
        assert_eq!(reading.rest(1).await.unwrap(), [[0, 1, 2, 3]]);
        let at = &broker.address;
        let waits = format!("waiting for topic \"t\", partition 0 of Kafka at {at}: {words}");
        assert_eq!(reading.told().first(), Some(&waits));
    }
}

#[tokio::test]
async fn an_answer_that_brings_no_further_is_told_and_asked_for_again_after_a_pause() {
    // Less than a batch, and only what was read before.
    for (useless, begins) in [(pair(2)[..20].to_vec(), 0), (pair(2)[..70].to_vec(), 0), (pair(0), 2)] {
        let mut script = vec![Say::Records(useless.clone()), Say::Records(useless), Say::Records(pair(2))];
        if begins == 0 {
            script.insert(0, Say::Records(pair(0)));
        }
        let broker = Broker::start(11, script).await;
        let split = KafkaSplit { position: begins, ..split(0, 4) };
        let mut reading = Reading::start(&broker, vec![split], None, None, Duration::ZERO);
        assert_eq!(reading.rest(1).await.unwrap(), [(begins..4).collect::<Vec<_>>()]);
        // The first look is that of the beginning.
        assert_eq!(broker.state().looks, 3);
        let at = &broker.address;
        let why = "the broker sends no whole batch of records";
        let waits = format!("waiting for topic \"t\", partition 0 of Kafka at {at}: {why}");
        assert_eq!(reading.told().first(), Some(&waits));
    }
}

#[tokio::test]
async fn a_transaction_that_is_aborted_across_answers_is_left_out() {
    let of = |base| Batch::in_transaction(base, 7).write(&[value(0, "a")]);
    let marker = |base, commits| Batch::marker(base, 7, commits);
    let script = vec![
        Say::Aborted(vec![(7, 0)], [of(0), of(1)].concat()),
        Say::Aborted(vec![(7, 0), (7, 4)], [of(2), marker(3, false), of(4)].concat()),
        Say::Aborted(vec![(7, 4)], [marker(5, false), of(6)].concat()),
        Say::Aborted(Vec::new(), [marker(7, true), Batch::at(8).write(&[value(0, "b")])].concat()),
    ];
    let broker = Broker::start(11, script).await;
    let mut reading = Reading::start(&broker, vec![split(0, 9)], None, None, LONG);
    assert_eq!(reading.rest(1).await.unwrap(), [[6, 8]]);
    assert_eq!(broker.offsets(), [0, 2, 5, 7]);
}

#[tokio::test]
async fn a_batch_larger_than_what_is_asked_for_is_read_and_one_beyond_all_limits_is_an_error() {
    let large = "x".repeat(9 << 20);
    let script = vec![
        Say::Records(Batch::at(0).write(&[value(0, &large), value(1, "b")])),
        Say::Records(Batch::at(2).write(&[value(0, "c")])),
        Say::Size(200_000_000),
    ];
    let broker = Broker::start(11, script).await;
    let mut reading = Reading::start(&broker, vec![split(0, 4)], None, None, LONG);
    let mut offsets = Vec::new();
    let error = loop {
        match reading.next().await.unwrap() {
            Ok((_, more)) => offsets.extend(more),
            Err(error) => break error,
        }
    };
    assert_eq!(offsets, [0, 1, 2]);
    let why = "an answer has 199999996 bytes, and no more than 105906176 are taken";
    assert_eq!(error.message(), format!("Kafka at {}: {why}", broker.address));
    assert_eq!(error.hint(), Some("Raise 'properties.fetch.max.bytes' above that."));
}

#[tokio::test]
async fn where_it_is_not_able_to_librdkafka_reads_on_from_exactly_there() {
    // What librdkafka reads: another cluster, with the same topic. Its values say so.
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 2, 1).unwrap();
    let servers = cluster.bootstrap_servers();
    let producer: BaseProducer = rdkafka::ClientConfig::new().set("bootstrap.servers", &servers).create().unwrap();
    let produce = |partition, count| {
        for _ in 0..count {
            producer.send(BaseRecord::<str, str>::to("t").payload("mock").partition(partition)).ok().unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    };
    produce(0, 4);
    produce(1, 4);

    // Without a leader epoch: those of two clusters have nothing to do with each other.
    let no_leader_epoch = |mut batch: Vec<u8>| {
        batch[12..16].fill(0xff);
        batch
    };
    let mut old = pair(2);
    old[16] = 1;
    let broker = Broker::start(11, vec![Say::Records([no_leader_epoch(pair(0)), old].concat())]).await;
    let (find, found) = mpsc::unbounded_channel();
    let opened = properties(&servers);
    let instead = move || {
        let context = KafkaContext::new(&opened, Reporter::silent(), Arc::default());
        Ok(BatchConsumer::open(&opened, context).unwrap())
    };
    let mut reading = Reading::start(&broker, vec![split(0, 5)], Some(found), Some(Box::new(instead)), LONG);
    assert_eq!(reading.next().await.unwrap().unwrap(), (0, vec![0, 1]));
    // Partitions that are found later come to the other client.
    find.send(KafkaSplit { position: 1, ..split(1, 3) }).unwrap();
    let mut offsets = [Vec::new(), Vec::new()];
    while offsets[1].len() < 2 {
        let (split, more) = reading.next().await.unwrap().unwrap();
        if let Some(offsets) = offsets.get_mut(split) {
            offsets.extend(more);
        }
    }
    produce(0, 1);
    let rest = reading.rest(2).await.unwrap();
    offsets[0].extend(&rest[0]);
    assert_eq!(offsets, [vec![2, 3, 4], vec![1, 2]]);
    assert!(rest[1].is_empty());
}
