use std::pin::pin;
use std::sync::mpsc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::allocations::{Counted, of_thread};
use crate::connectors::kafka::lean::scram::Hash;
use crate::connectors::kafka::lean::spare;
use crate::connectors::kafka::options::KafkaOptions;
use crate::connectors::kafka::properties::{KafkaProperties, Role};
use crate::connectors::kafka::testing::table;

const PATIENCE: Duration = Duration::from_secs(60);

/// A connection, and the broker's end of it, into which all goes at once.
fn connection() -> (Connection, DuplexStream) {
    connection_with(&Spare::default())
}

/// The same with memory that it shares.
fn connection_with(spare: &Spare) -> (Connection, DuplexStream) {
    let options = KafkaOptions::check(&table("a INT", &[])).unwrap().options;
    let settings = Settings::new(&KafkaProperties::build(&options, Role::Consumer, "g").unwrap()).unwrap();
    let (ours, brokers) = duplex(16 << 20);
    (Connection::over(Box::new(ours), &settings, spare), brokers)
}

/// A request as the broker hears it: its number, and what is behind the client's name.
async fn hear(broker: &mut DuplexStream) -> (i32, Vec<u8>) {
    let mut request = vec![0; broker.read_i32().await.unwrap() as usize];
    broker.read_exact(&mut request).await.unwrap();
    let mut fields = Answer::new(Bytes::from(request.clone()));
    let number = fields.i32().and_then(|_| fields.i32()).unwrap();
    let name = fields.text().unwrap().len();
    (number, request.split_off(4 + 4 + 2 + name))
}

async fn say(broker: &mut DuplexStream, number: i32, body: &[u8]) {
    let answer = [&(body.len() as i32 + 4).to_be_bytes()[..], &number.to_be_bytes(), body].concat();
    broker.write_all(&answer).await.unwrap();
}

/// An answer of these bytes, and for how much memory it was asked.
async fn answer(connection: &mut Connection, broker: &mut DuplexStream, body: &[u8]) -> (Bytes, u64) {
    connection.send(versions::request("c")).await.unwrap();
    let (number, _) = hear(broker).await;
    say(broker, number, body).await;
    let before = of_thread();
    let answer = connection.answer(PATIENCE).await.unwrap();
    (answer, of_thread() - before)
}

/// A large answer, of which there are many.
const LARGE: usize = 1 << 20;
/// What there may be beside an answer.
const LITTLE: u64 = 10_000;

#[tokio::test]
async fn the_memory_of_an_answer_is_taken_again_when_nobody_reads_it() {
    let _counted = Counted::begin();
    let (mut connection, mut broker) = connection();
    let (first, memory) = answer(&mut connection, &mut broker, &vec![1; LARGE]).await;
    assert!(memory >= LARGE as u64);
    // Somebody still reads a part of it.
    let part = first.slice(10..20);
    drop(first);
    let (second, memory) = answer(&mut connection, &mut broker, &vec![2; LARGE]).await;
    assert!(memory >= LARGE as u64);
    drop(second);
    let (third, memory) = answer(&mut connection, &mut broker, &vec![3; LARGE - 1]).await;
    assert!(memory < LITTLE, "{memory}");
    assert_eq!((&part[..], &third[..]), (&[1; 10][..], &[3; LARGE - 1][..]));
    drop((part, third));
    // One that doesn't fit into any.
    let (larger, memory) = answer(&mut connection, &mut broker, &vec![4; 2 * LARGE]).await;
    assert!(memory >= 2 * LARGE as u64);
    assert_eq!(larger, vec![4; 2 * LARGE]);
}

#[tokio::test]
async fn the_memory_of_a_few_answers_is_kept_for_all_connections() {
    let _counted = Counted::begin();
    let spare = Spare::default();
    let mut brokers = [connection_with(&spare), connection_with(&spare)];
    let large = vec![5; LARGE];
    let mut memory = Vec::new();
    for _again in 0..2 {
        // All are read at once.
        let mut answers = Vec::new();
        memory.clear();
        for i in 0..spare::COUNT + 2 {
            let (connection, broker) = &mut brokers[i % 2];
            let (one, asked) = answer(connection, broker, &large).await;
            answers.push(one);
            memory.push(asked >= LARGE as u64);
        }
    }
    assert_eq!(memory, [vec![false; spare::COUNT], vec![true; 2]].concat());
}

#[tokio::test]
async fn the_memory_of_small_and_of_giant_answers_is_not_kept() {
    let _counted = Counted::begin();
    for size in [spare::SIZES.start() - 1, spare::SIZES.end() + 1] {
        let (mut connection, mut broker) = connection();
        for _again in 0..2 {
            assert!(answer(&mut connection, &mut broker, &vec![6; size]).await.1 >= size as u64);
        }
    }
}

/// The body of an answer to one step of a login.
fn step(token: &[u8]) -> Vec<u8> {
    [&[0, 0, 0xff, 0xff][..], &(token.len() as i32).to_be_bytes(), token].concat()
}

/// The runtime has one thread for what would hold others up, and it is taken: meanwhile a login that needs it goes no
/// further, and holds nobody up.
#[test]
fn the_hashes_of_a_login_are_made_on_no_thread_that_drives_others() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let (free, taken) = mpsc::channel::<()>();
        let taken = spawn_blocking(move || taken.recv());
        let (mut connection, mut broker) = connection();
        let mechanism = Mechanism::Scram(Hash::Sha256);
        let login = Login { mechanism, user: "u".into(), password: "p".into() };
        let mut logs_in = pin!(connection.log_in(&login));
        assert!(poll!(&mut logs_in).is_pending());
        let (number, _) = hear(&mut broker).await;
        say(&mut broker, number, &[0; 6]).await;
        assert!(poll!(&mut logs_in).is_pending());
        let (number, first) = hear(&mut broker).await;
        let first = String::from_utf8(first[4..].to_vec()).unwrap();
        let nonce = first.strip_prefix("n,,n=u,r=").unwrap();
        say(&mut broker, number, &step(format!("r={nonce}more,s={},i=4096", BASE64.encode("salt")).as_bytes())).await;
        assert!(poll!(&mut logs_in).is_pending());
        assert!(poll!(pin!(broker.read_u8())).is_pending(), "it has gone on without the thread");
        drop(free);
        let refuses = async {
            let (number, second) = hear(&mut broker).await;
            assert!(second[4..].starts_with(format!("c=biws,r={nonce}more,p=").as_bytes()));
            say(&mut broker, number, &step(b"e=other-error")).await;
        };
        let (logged_in, ()) = tokio::join!(logs_in, refuses);
        assert_eq!(logged_in, Err(Failure::Login("other-error".into())));
        taken.await.unwrap().unwrap_err();
    });
}

/// What is begun with a broker that takes these versions: the versions of requests for records, for leaders, and for the
/// ends of leader epochs.
async fn begun(versions: &[(Api, i16, i16)], login: Option<&Login>) -> Result<(i16, i16, Option<i16>), Failure> {
    let (mut connection, mut broker) = connection();
    let mut told = vec![0; 2];
    told.extend((versions.len() as i32).to_be_bytes());
    for (api, oldest, newest) in versions {
        told.extend([*api as i16, *oldest, *newest].iter().flat_map(|number| number.to_be_bytes()));
    }
    let answers = async {
        let (number, _) = hear(&mut broker).await;
        say(&mut broker, number, &told).await;
        if login.is_some() {
            // One step is all that it takes.
            let (number, _) = hear(&mut broker).await;
            say(&mut broker, number, &[0; 6]).await;
            let (number, _) = hear(&mut broker).await;
            say(&mut broker, number, &step(b"")).await;
        }
        std::future::pending().await
    };
    tokio::select! {
        shaken = connection.shake_hands(login) => shaken?,
        () = answers => {}
    }
    Ok((connection.fetch_version, connection.metadata_version, connection.leader_epochs_version))
}

#[tokio::test]
async fn the_newest_requests_are_spoken_that_a_broker_takes_and_those_it_lacks_are_not() {
    use Api::{Fetch, Metadata, OffsetForLeaderEpoch, SaslAuthenticate, SaslHandshake};
    let login = Login { mechanism: Mechanism::Plain, user: "u".into(), password: "p".into() };
    let too_old = Err(Failure::Unable("the broker is too old or too new for the native client".into()));
    // As Kafka 0.10.2, 0.11, 1.0, 2.1 and 4.1 announce them.
    let v0_10 = [(Fetch, 0, 3), (Metadata, 0, 2), (SaslHandshake, 0, 0)];
    let v0_11 = [(Fetch, 0, 5), (Metadata, 0, 4), (SaslHandshake, 0, 0), (OffsetForLeaderEpoch, 0, 0)];
    let v1_0 = [(Fetch, 0, 6), (Metadata, 0, 5), (SaslHandshake, 0, 1), (SaslAuthenticate, 0, 0)];
    let v2_1 = [(Fetch, 0, 10), (Metadata, 0, 7), (OffsetForLeaderEpoch, 0, 2)];
    let v4_1 = [
        (Fetch, 4, 18),
        (Metadata, 0, 13),
        (OffsetForLeaderEpoch, 2, 4),
        (SaslHandshake, 0, 1),
        (SaslAuthenticate, 0, 2),
    ];
    assert_eq!(begun(&v0_10, None).await, too_old);
    assert_eq!(begun(&v0_11, None).await, Ok((5, 4, None)));
    assert_eq!(begun(&v0_11, Some(&login)).await, too_old);
    assert_eq!(begun(&v1_0, Some(&login)).await, Ok((6, 5, None)));
    assert_eq!(begun(&v2_1, None).await, Ok((10, 7, Some(2))));
    assert_eq!(begun(&v4_1, Some(&login)).await, Ok((10, 7, Some(3))));
    // One that has forgotten what we speak.
    assert_eq!(begun(&[(Fetch, 11, 20), (Metadata, 8, 14)], None).await, too_old);
}
