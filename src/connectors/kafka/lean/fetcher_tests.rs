use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::fetcher::LeanFetcher;
use super::record_set_tests::{Batch, value};
use super::settings::Settings;
use super::wire::Answer;
use crate::connectors::kafka::cluster::Cluster;
use crate::connectors::kafka::context::KafkaContext;
use crate::connectors::kafka::fetcher::FromFetcher;
use crate::connectors::kafka::options::KafkaOptions;
use crate::connectors::kafka::properties::{KafkaProperties, Role};
use crate::connectors::kafka::split::KafkaSplit;
use crate::connectors::kafka::{records, testing::table};
use crate::connectors::{OpenContext, Reporter};
use crate::error::Result;

/// What the broker says to the next request for records.
#[derive(Debug, Clone)]
enum Say {
    Records(Vec<u8>),
    Error(i16),
    /// Records, of which only half get through.
    Half(Vec<u8>),
    /// No records, and to hear nothing for so long.
    Throttle(i32),
    /// Where the term asked about ends.
    TermEnd(i64),
    /// Why it doesn't say that.
    NoTermEnd(i16),
}

/// A broker that leads partition 0 of topic `t`, and what it was asked.
struct Broker {
    address: String,
    state: Arc<Mutex<State>>,
}

struct State {
    /// The offsets from which records were asked for.
    heard: Vec<(i64, Instant)>,
    /// How often it was asked who leads.
    looks: usize,
    /// The terms that it says it leads in, one look after the other; the last one again and again.
    terms: Vec<i32>,
    /// What it was asked about terms: the one in which it leads, and the one whose end is asked for.
    questions: Vec<(i32, i32)>,
    script: VecDeque<Say>,
}

impl State {
    /// The term that it said last.
    fn term(&self) -> i32 {
        self.terms[self.looks.clamp(1, self.terms.len()) - 1]
    }
}

impl Broker {
    /// Takes requests for records up to this version, and says one thing after the other.
    async fn start(newest: i16, script: Vec<Say>) -> Self {
        Self::start_in(&[3], newest, script).await
    }

    /// The same, in these terms.
    async fn start_in(terms: &[i32], newest: i16, script: Vec<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (terms, script) = (terms.to_vec(), script.into());
        let state = State { heard: Vec::new(), looks: 0, terms, questions: Vec::new(), script };
        let state = Arc::new(Mutex::new(state));
        let served = state.clone();
        #[allow(clippy::disallowed_methods)] // ends with the test's runtime
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                #[allow(clippy::disallowed_methods)]
                tokio::spawn(serve(stream, i32::from(port), newest, served.clone()));
            }
        });
        Self { address: format!("127.0.0.1:{port}"), state }
    }

    /// The offsets that it was asked for; the last one again and again.
    fn offsets(&self) -> Vec<i64> {
        let mut offsets: Vec<_> = self.state().heard.iter().map(|(offset, _)| *offset).collect();
        offsets.dedup();
        offsets
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// Answers one connection until it ends.
async fn serve(mut stream: TcpStream, port: i32, newest: i16, state: Arc<Mutex<State>>) {
    while let Ok(size) = stream.read_i32().await {
        let mut request = vec![0; size as usize];
        stream.read_exact(&mut request).await.unwrap();
        let mut request = Answer::new(Bytes::from(request));
        let (api, _, number) = (request.i16().unwrap(), request.i16().unwrap(), request.i32().unwrap());
        request.text().unwrap();
        let mut answer = number.to_be_bytes().to_vec();
        let mut half = false;
        match api {
            18 => {
                answer.extend([0, 0, 0, 0, 0, 3, 0, 1, 0, 4, 0, newest as u8, 0, 3, 0, 0, 0, 7, 0, 23, 0, 2, 0, 4]);
            }
            3 => {
                let term = {
                    let mut state = state.lock().unwrap();
                    state.looks += 1;
                    state.term()
                };
                answer.extend([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 9]);
                answer.extend(b"127.0.0.1");
                answer.extend(port.to_be_bytes());
                answer.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1, b't', 0, 0, 0, 0, 1]);
                answer.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
                answer.extend(term.to_be_bytes());
                answer.extend([0; 12]);
            }
            23 => {
                assert_eq!((request.i32().unwrap(), request.i32().unwrap()), (-1, 1));
                assert_eq!((request.text().unwrap().as_str(), request.i32().unwrap()), ("t", 1));
                assert_eq!(request.i32().unwrap(), 0);
                let (now, read) = (request.i32().unwrap(), request.i32().unwrap());
                let mut state = state.lock().unwrap();
                assert_eq!(now, state.term());
                state.questions.push((now, read));
                let (error, end) = match state.script.pop_front() {
                    Some(Say::TermEnd(end)) => (0, end),
                    Some(Say::NoTermEnd(error)) => (error, -1),
                    other => panic!("asked about terms: {other:?}"),
                };
                answer.extend([0, 0, 0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1]);
                answer.extend(error.to_be_bytes());
                answer.extend([0; 4]);
                answer.extend(read.to_be_bytes());
                answer.extend(end.to_be_bytes());
            }
            _ => {
                for _ in 0..4 {
                    request.i32().unwrap();
                }
                request.bool().unwrap();
                for _ in 0..3 {
                    request.i32().unwrap();
                }
                assert_eq!((request.text().unwrap().as_str(), request.i32().unwrap()), ("t", 1));
                let say = {
                    let mut state = state.lock().unwrap();
                    assert_eq!((request.i32().unwrap(), request.i32().unwrap()), (0, state.term()));
                    state.heard.push((request.i64().unwrap(), Instant::now()));
                    state.script.pop_front()
                };
                if say.is_none() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let (throttle, error, records) = match say {
                    Some(Say::Records(records)) => (0, 0, records),
                    Some(Say::Half(records)) => {
                        half = true;
                        (0, 0, records)
                    }
                    Some(Say::Error(error)) => (0, error, Vec::new()),
                    Some(Say::Throttle(ms)) => (ms, 0, Vec::new()),
                    Some(say @ (Say::TermEnd(_) | Say::NoTermEnd(_))) => panic!("asked for records: {say:?}"),
                    None => (0, 0, Vec::new()),
                };
                answer.extend(throttle.to_be_bytes());
                answer.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0]);
                answer.extend(error.to_be_bytes());
                answer.extend(100i64.to_be_bytes());
                answer.extend([0; 16]);
                answer.extend([0xff; 8]); // no aborted transactions, no replica
                answer.extend((records.len() as i32).to_be_bytes());
                answer.extend(records);
            }
        }
        let mut framed = (answer.len() as i32).to_be_bytes().to_vec();
        framed.extend(answer);
        if half {
            framed.truncate(framed.len() / 2);
            stream.write_all(&framed).await.unwrap();
            return;
        }
        if stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}

fn properties(servers: &str) -> KafkaProperties {
    let options = KafkaOptions::check(&table("a INT", &[("properties.bootstrap.servers", servers)])).unwrap().options;
    KafkaProperties::build(&options, Role::Consumer, "g").unwrap()
}

/// Reads offsets 0 to 4 from the broker: what comes, and what is told meanwhile.
async fn read(broker: &Broker) -> (Result<Vec<i64>>, Vec<String>) {
    read_from(broker, 0, None).await
}

/// The same from an offset on, before which the record was written in this term.
async fn read_from(broker: &Broker, position: i64, term: Option<i32>) -> (Result<Vec<i64>>, Vec<String>) {
    let properties = properties(&broker.address);
    let told = Arc::new(Mutex::new(Vec::new()));
    let tells = told.clone();
    let reporter = Reporter::new(move |line| tells.lock().unwrap().push(line.to_string()));
    let context = KafkaContext::new(&properties, reporter, Arc::default());
    // librdkafka would take the broker's word for more than it can.
    let cluster =
        Cluster::connect(&self::properties("127.0.0.1:1"), Duration::from_secs(1), &OpenContext::for_test()).unwrap();
    let split = KafkaSplit { topic: "t".into(), partition: 0, position, term, end: Some(4), bound: None };
    let (out, mut blocks) = mpsc::channel(2);
    let settings = Settings::new(&properties).unwrap();
    let needs = (records::ALL, 100);
    let fetcher = LeanFetcher::new(settings, context, cluster, vec![split], needs, None, out, None);
    let _fetching = fetcher.start();
    let mut offsets = Vec::new();
    let result = loop {
        match timeout(Duration::from_secs(60), blocks.recv()).await.expect("something in time") {
            Some(Ok(FromFetcher::Block(block))) => offsets.extend(block.records.iter().map(|record| record.offset)),
            Some(Ok(FromFetcher::NewSplit(..))) => {}
            Some(Err(error)) => break Err(error),
            None => break Ok(offsets),
        }
    };
    let told = told.lock().unwrap().clone();
    (result, told)
}

fn pair(base: i64) -> Vec<u8> {
    Batch::at(base).write(&[value(0, "a"), value(1, "b")])
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
async fn a_leader_of_a_new_term_is_asked_whether_it_has_what_was_read() {
    for error in [6, 74, 75] {
        let mut script = vec![Say::Records(pair(0)), Say::Error(error), Say::TermEnd(2), Say::Records(pair(2))];
        let broker = Broker::start_in(&[5, 6], 11, script.clone()).await;
        assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3], "{error}");
        assert_eq!((broker.offsets(), broker.state().questions.clone()), (vec![0, 2], vec![(6, 5)]));
        // It may not lead any more by then.
        script.insert(2, Say::NoTermEnd(error));
        let broker = Broker::start_in(&[5, 6, 7], 11, script).await;
        assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3], "{error}");
        assert_eq!((broker.offsets(), broker.state().questions.clone()), (vec![0, 2], vec![(6, 5), (7, 5)]));
    }
}

#[tokio::test]
async fn a_log_that_has_lost_what_was_read_is_not_read_on() {
    let lost = async |terms: &[i32], script, from: (i64, Option<i32>)| {
        let broker = Broker::start_in(terms, 11, script).await;
        let error = read_from(&broker, from.0, from.1).await.0.unwrap_err();
        assert_eq!(error.message(), "topic \"t\", partition 0 has lost records before offset 2 that were read already");
        assert_eq!(error.kind(), crate::error::ErrorKind::State);
        (error.detail().unwrap().to_string(), error.hint().unwrap().to_string())
    };
    let others = "Offsets 1 to 2 are gone, or hold other records now: their leader was elected without them.";
    let script = vec![Say::Records(pair(0)), Say::Error(74), Say::TermEnd(1)];
    let (detail, hint) = lost(&[5, 6], script, (0, None)).await;
    assert_eq!(detail, others);
    assert!(hint.ends_with("with 'scan.startup.mode' = 'specific-offsets' from offset 1, or from 'earliest-offset'."));
    // So it is found when reading goes on from a checkpoint.
    assert_eq!(lost(&[6], vec![Say::TermEnd(1)], (2, Some(5))).await.0, others);
    let none =
        "Its leader has none of the records that were read last; the topic may have been deleted and made again.";
    assert_eq!(lost(&[6], vec![Say::TermEnd(-1)], (2, Some(5))).await.0, none);
}

#[tokio::test]
async fn a_checkpoint_of_the_leaders_term_needs_no_question() {
    let broker = Broker::start_in(&[5], 11, vec![Say::Records(pair(2))]).await;
    assert_eq!(read_from(&broker, 2, Some(5)).await.0.unwrap(), [2, 3]);
    assert_eq!(broker.state().questions, []);
}

#[tokio::test]
async fn a_leader_of_an_older_term_is_not_followed() {
    let script = vec![Say::Records(pair(0)), Say::Error(6), Say::Records(pair(2))];
    let broker = Broker::start_in(&[5, 4, 4, 5], 11, script).await;
    assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3]);
    assert_eq!((broker.offsets(), broker.state().looks), (vec![0, 2], 4));
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
    let script = vec![Say::Throttle(300), Say::Records(pair(0)), Say::Records(pair(2))];
    let broker = Broker::start(11, script).await;
    assert_eq!(read(&broker).await.0.unwrap(), [0, 1, 2, 3]);
    let heard = &broker.state().heard;
    assert!(heard[1].1 - heard[0].1 >= Duration::from_millis(300));
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
