//! A broker for tests that says what a script says, and keeps what it was asked.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::wire::Answer;

/// What the broker says to the next request for records, which it says of partition 0.
#[derive(Debug, Clone)]
pub enum Say {
    Records(Vec<u8>),
    /// Records of which transactions are aborted: each a producer and its first offset.
    Aborted(Vec<(i64, i64)>, Vec<u8>),
    Error(i16),
    /// Records, of which only half get through.
    Half(Vec<u8>),
    /// The size of an answer, and nothing behind it.
    Size(i32),
    /// No records, and to hear nothing for so long.
    Throttle(i32),
    /// Where the leader epoch asked about ends.
    LeaderEpochEnd(i64),
    /// Why it doesn't say that.
    NoLeaderEpochEnd(i16),
    /// This, when it is let go.
    Late(Box<Say>),
}

/// A broker that leads the partitions of topic `t`, and what it was asked.
pub struct Broker {
    pub address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub struct State {
    /// The partitions of which records were asked for in one request, and the offset of each.
    pub heard: Vec<Vec<(i32, i64)>>,
    /// Its number among the brokers.
    pub number: i32,
    /// How often it was connected to, and asked who leads.
    pub connections: usize,
    pub looks: usize,
    /// Connections that stand.
    pub open: usize,
    /// Who leads all of it instead of this broker, by number and port.
    pub led_by: Option<(i32, i32)>,
    /// The leader epochs that it says it leads in, one look after the other; the last one again and again.
    leader_epochs: Vec<i32>,
    /// What it was asked about leader epochs: the one in which it leads, and the one whose end is asked for.
    pub questions: Vec<(i32, i32)>,
    pub script: VecDeque<Say>,
    pub lets_go: bool,
    /// Batches of each partition, with their first offsets: what it says behind its script.
    pub logs: Vec<Vec<(i64, Vec<u8>)>>,
    /// Partitions that it doesn't lead, nor does anybody else.
    pub leaderless: BTreeSet<i32>,
}

impl State {
    /// The leader epoch that it said last.
    fn leader_epoch(&self) -> i32 {
        self.leader_epochs[self.looks.clamp(1, self.leader_epochs.len()) - 1]
    }

    fn is_connected_to(&mut self) {
        self.connections += 1;
        self.open += 1;
    }

    /// The first batch of a partition that isn't before this offset.
    fn logged(&self, partition: i32, offset: i64) -> Option<Vec<u8>> {
        let log = self.logs.get(partition as usize)?;
        log.iter().find(|(base, _)| *base >= offset).map(|(_, batch)| batch.clone())
    }
}

impl Broker {
    /// Takes requests for records up to this version, and says one thing after the other.
    pub async fn start(newest: i16, script: Vec<Say>) -> Self {
        Self::start_in(&[3], newest, script).await
    }

    /// The same, in these leader epochs.
    pub async fn start_in(leader_epochs: &[i32], newest: i16, script: Vec<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            heard: Vec::new(),
            number: 5,
            connections: 0,
            looks: 0,
            open: 0,
            led_by: None,
            leader_epochs: leader_epochs.to_vec(),
            questions: Vec::new(),
            script: script.into(),
            lets_go: false,
            logs: vec![Vec::new()],
            leaderless: BTreeSet::new(),
        }));
        let served = state.clone();
        #[allow(clippy::disallowed_methods)] // ends with the test's runtime
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = served.clone();
                state.lock().unwrap().is_connected_to();
                #[allow(clippy::disallowed_methods)]
                tokio::spawn(async move {
                    serve(stream, i32::from(port), newest, state.clone()).await;
                    state.lock().unwrap().open -= 1;
                });
            }
        });
        Self { address: format!("127.0.0.1:{port}"), state }
    }

    /// The offsets that partition 0 was asked for; the last one again and again.
    pub fn offsets(&self) -> Vec<i64> {
        let state = self.state();
        let asked = state.heard.iter().flatten();
        let mut offsets: Vec<_> = asked.filter(|(partition, _)| *partition == 0).map(|(_, offset)| *offset).collect();
        offsets.dedup();
        offsets
    }

    pub fn port(&self) -> i32 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
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
        let (mut half, mut size) = (false, None);
        match api {
            18 => {
                answer.extend([0, 0, 0, 0, 0, 3, 0, 1, 0, 4, 0, newest as u8, 0, 3, 0, 0, 0, 7, 0, 23, 0, 2, 0, 4]);
            }
            3 => tell_leaders(&mut state.lock().unwrap(), port, &mut answer),
            23 => tell_leader_epoch_end(&mut state.lock().unwrap(), &mut request, &mut answer),
            _ => {
                let asked = asked(&mut request, state.lock().unwrap().leader_epoch());
                let said = {
                    let mut state = state.lock().unwrap();
                    state.heard.push(asked.clone());
                    let is_first = asked.iter().any(|(partition, _)| *partition == 0);
                    if is_first { state.script.pop_front() } else { None }
                };
                match &said {
                    Some(Say::Half(_)) => half = true,
                    Some(Say::Size(bytes)) => size = Some(*bytes),
                    _ => {}
                }
                let records = records(&state, said, &asked).await;
                answer.extend(records);
            }
        }
        let mut framed = size.unwrap_or(answer.len() as i32).to_be_bytes().to_vec();
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

fn tell_leaders(state: &mut State, port: i32, answer: &mut Vec<u8>) {
    state.looks += 1;
    let brokers: Vec<_> = [(state.number, port)].into_iter().chain(state.led_by).collect();
    answer.extend([0; 4]);
    answer.extend((brokers.len() as i32).to_be_bytes());
    for (number, port) in brokers {
        answer.extend(number.to_be_bytes());
        answer.extend([0, 9]);
        answer.extend(b"127.0.0.1");
        answer.extend(port.to_be_bytes());
        answer.extend([0xff, 0xff]);
    }
    answer.extend([0xff, 0xff, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1, b't', 0]);
    answer.extend((state.logs.len() as i32).to_be_bytes());
    for partition in 0..state.logs.len() as i32 {
        let led_by = state.led_by.map_or(state.number, |(number, _)| number);
        let (error, leader) = if state.leaderless.contains(&partition) { (5i16, -1i32) } else { (0, led_by) };
        answer.extend(error.to_be_bytes());
        answer.extend(partition.to_be_bytes());
        answer.extend(leader.to_be_bytes());
        answer.extend(state.leader_epoch().to_be_bytes());
        answer.extend([0; 12]);
    }
}

fn tell_leader_epoch_end(state: &mut State, request: &mut Answer, answer: &mut Vec<u8>) {
    assert_eq!((request.i32().unwrap(), request.i32().unwrap()), (-1, 1));
    assert_eq!((request.text().unwrap().as_str(), request.i32().unwrap()), ("t", 1));
    assert_eq!(request.i32().unwrap(), 0);
    let (now, read) = (request.i32().unwrap(), request.i32().unwrap());
    assert_eq!(now, state.leader_epoch());
    state.questions.push((now, read));
    let (error, end) = match state.script.pop_front() {
        Some(Say::LeaderEpochEnd(end)) => (0, end),
        Some(Say::NoLeaderEpochEnd(error)) => (error, -1),
        other => panic!("asked about leader epochs: {other:?}"),
    };
    answer.extend([0, 0, 0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1]);
    answer.extend(error.to_be_bytes());
    answer.extend([0; 4]);
    answer.extend(read.to_be_bytes());
    answer.extend(end.to_be_bytes());
}

/// The partitions and offsets that a request for records names, in version 9 or 10.
fn asked(request: &mut Answer, leader_epoch: i32) -> Vec<(i32, i64)> {
    for _ in 0..4 {
        request.i32().unwrap();
    }
    request.bool().unwrap();
    request.i64().unwrap();
    assert_eq!((request.i32().unwrap(), request.text().unwrap().as_str()), (1, "t"));
    let each = request.array(|request| {
        let (partition, now, offset) = (request.i32()?, request.i32()?, request.i64()?);
        assert_eq!(now, leader_epoch);
        request.i64()?;
        request.i32()?;
        Ok((partition, offset))
    });
    each.unwrap()
}

/// What is said of the partitions that were asked for: by the script, else from their logs.
async fn records(state: &Mutex<State>, mut said: Option<Say>, asked: &[(i32, i64)]) -> Vec<u8> {
    if let Some(Say::Late(late)) = said {
        while !state.lock().unwrap().lets_go {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        said = Some(*late);
    }
    let mut told = Vec::new();
    for &(partition, offset) in asked {
        let logged = match &said {
            None => state.lock().unwrap().logged(partition, offset).unwrap_or_default(),
            Some(_) => Vec::new(),
        };
        told.push((partition, 0i16, Vec::new(), logged));
    }
    let mut throttle = 0;
    if let Some(said) = said {
        let Some(first) = told.iter_mut().find(|told| told.0 == 0) else { panic!("{said:?} of no partition") };
        match said {
            Say::Records(records) | Say::Half(records) => first.3 = records,
            Say::Aborted(aborted, records) => (first.2, first.3) = (aborted, records),
            Say::Error(error) => first.1 = error,
            Say::Throttle(ms) => throttle = ms,
            Say::Size(_) => {}
            Say::LeaderEpochEnd(_) | Say::NoLeaderEpochEnd(_) | Say::Late(_) => panic!("asked for records: {said:?}"),
        }
    } else if told.iter().all(|told| told.3.is_empty()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut answer = Vec::new();
    answer.extend(i32::to_be_bytes(throttle));
    answer.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, b't']);
    answer.extend((told.len() as i32).to_be_bytes());
    for (partition, error, aborted, records) in told {
        answer.extend(partition.to_be_bytes());
        answer.extend(error.to_be_bytes());
        answer.extend(100i64.to_be_bytes());
        answer.extend([0; 16]);
        answer.extend((aborted.len() as i32).to_be_bytes());
        for (producer, first_offset) in aborted {
            answer.extend(i64::to_be_bytes(producer));
            answer.extend(i64::to_be_bytes(first_offset));
        }
        answer.extend((records.len() as i32).to_be_bytes());
        answer.extend(records);
    }
    answer
}
