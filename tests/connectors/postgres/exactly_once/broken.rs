//! Connections that break around COMMIT, transactions that hang, a server that goes away.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::outages::own::{Own, Service};

/// What becomes of the first COMMIT that comes by.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// It doesn't reach the server.
    Request,
    /// The server carries it out, and nobody hears of it.
    Answer,
    /// It reaches the server, and the connection is closed without waiting.
    Both,
}

/// Leads to the server; says how many COMMITs were cut.
async fn way(cut: Cut) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let cuts = Arc::<AtomicUsize>::default();
    let counted = cuts.clone();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(pass(client, cut, counted.clone()));
        }
    });
    (address, cuts)
}

async fn pass(mut client: TcpStream, cut: Cut, cuts: Arc<AtomicUsize>) {
    let mut server = TcpStream::connect(server().address).await.unwrap();
    let (mut from_client, mut from_server) = ([0; 16384], [0; 16384]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let sent = &from_client[..read.unwrap_or(0)];
                let commits = sent.windows(7).any(|seen| seen == b"COMMIT\0");
                if sent.is_empty() {
                    return;
                }
                if commits && cuts.fetch_add(1, Ordering::SeqCst) == 1 {
                    // The first is that of the fence.
                    match cut {
                        Cut::Request => {}
                        Cut::Answer => {
                            server.write_all(sent).await.unwrap();
                            assert_ne!(server.read(&mut from_server).await.unwrap(), 0);
                        }
                        Cut::Both => server.write_all(sent).await.unwrap(),
                    }
                    return;
                }
                if server.write_all(sent).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut from_server) => {
                let said = &from_server[..read.unwrap_or(0)];
                if said.is_empty() || client.write_all(said).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_neither_repeated_nor_forgotten() {
    for cut in [Cut::Request, Cut::Answer, Cut::Both] {
        let db = Db::new().await;
        db.run("CREATE TABLE t (id int, name text)").await;
        let (address, cuts) = way(cut).await;
        // Only what is sent in plain can be understood on the way.
        let parameters = format!("currentSchema={}&sslmode=disable", db.schema);
        let tables = [by(id_name(&db, "t", 0), &address, &parameters)];
        let start = Start::new(&tables, 1).await;
        assert_eq!(cuts.load(Ordering::SeqCst), 1);
        start.publish(1, &[start.staged(0, &inserts(&[(1, "a"), (2, "b")])).await]).await.unwrap();
        assert!(cuts.load(Ordering::SeqCst) >= 2, "{cut:?}: a COMMIT was cut");
        assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, ["1|a", "2|b"], "{cut:?}");
        assert_eq!(marker(&db).await, ["the job|a|1|a|1|1"]);
        start.publish(2, &[start.staged(0, &inserts(&[(3, "c")])).await]).await.unwrap();
        assert_eq!(db.rows("SELECT count(*) FROM t").await, ["3"], "{cut:?}");
        db.drop().await;
    }
}

/// The process of the server that waits for a lock for this test's sessions.
async fn waiting(db: &Db) -> String {
    let asked = format!(
        "SELECT pid FROM pg_stat_activity WHERE application_name = '{}' AND wait_event_type = 'Lock'",
        db.schema
    );
    for _ in 0..3000 {
        // The caller's transaction would see what there was at first.
        db.run("SELECT pg_stat_clear_snapshot()").await;
        if let [pid] = db.rows(&asked).await.as_slice() {
            return pid.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nobody waits: {:?}", db.rows("SELECT pid, state, query FROM pg_stat_activity").await);
}

#[tokio::test]
async fn a_backend_that_is_killed_in_the_transaction_leaves_the_epoch_to_another() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int PRIMARY KEY, name text)").await;
    let start = Start::new(&[id_name(&db, "t", 1)], 1).await;
    let parts = [start.staged(0, &inserts(&[(1, "a"), (2, "b")])).await];
    db.run("BEGIN; LOCK TABLE t IN EXCLUSIVE MODE").await;
    let trouble = async {
        let pid = waiting(&db).await;
        db.rows(&format!("SELECT pg_terminate_backend({pid}, 5000)")).await;
        db.run("COMMIT").await;
    };
    let (published, ()) = tokio::join!(start.publish(1, &parts), trouble);
    published.unwrap();
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, ["1|a", "2|b"]);
    db.drop().await;
}

#[tokio::test]
async fn publishing_that_is_given_up_leaves_nothing_behind() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int PRIMARY KEY, name text)").await;
    let tables = [id_name(&db, "t", 1)];
    let start = Start::new(&tables, 1).await;
    let parts = [start.staged(0, &inserts(&[(1, "a")])).await];
    db.run("BEGIN; LOCK TABLE t IN EXCLUSIVE MODE").await;
    tokio::select! {
        done = start.publish(1, &parts) => panic!("the table is locked: {done:?}"),
        _ = waiting(&db) => {}
    }
    drop(start);
    db.run("COMMIT").await;
    let later = Start::new(&tables, 2).await;
    assert_eq!(later.marker, None);
    later.publish(1, &parts).await.unwrap();
    assert_eq!(db.rows("SELECT * FROM t").await, ["1|a"]);
    db.drop().await;
}

#[tokio::test]
async fn a_start_waits_for_the_end_of_a_transaction_of_an_earlier_one() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text)").await;
    let tables = [id_name(&db, "t", 0)];
    drop(Start::new(&tables, 1).await);
    // As the earlier start would leave it between its rows and the end of its COMMIT.
    db.run(
        "BEGIN; UPDATE millstream_epochs SET published_lineage = 'a', published_attempt = 1, epoch = 5;
         INSERT INTO t VALUES (1, 'dying')",
    )
    .await;
    let ends = async {
        waiting(&db).await;
        db.run("COMMIT").await;
    };
    let (start, ()) = tokio::join!(Start::new(&tables, 2), ends);
    assert_eq!(start.marker, Some(Marker { lineage: "a".into(), attempt: 1, epoch: Epoch(5) }));
    assert_eq!(marker(&db).await, ["the job|a|2|a|1|5"]);
    db.drop().await;
}

#[tokio::test]
async fn transactions_that_collide_are_tried_again() {
    let db = Db::new().await;
    db.run(
        "CREATE TABLE t (id int PRIMARY KEY, name text); CREATE SEQUENCE tries;
         CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('tries') < 3 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
             RETURN NEW; END $$;
         CREATE TRIGGER collide BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION collide()",
    )
    .await;
    let table = id_name(&db, "t", 1);
    let start = Start::new(&[with(table.clone(), &[("sink.max-retries", "1")])], 1).await;
    let parts = [start.staged(0, &inserts(&[(1, "a")])).await];
    let error = start.publish(1, &parts).await.unwrap_err();
    assert!(error.message().contains("deadlock detected"), "{error}");
    db.run("ALTER SEQUENCE tries RESTART").await;
    let start = Start::new(&[table], 2).await;
    start.publish(1, &parts).await.unwrap();
    assert_eq!(db.rows("SELECT * FROM t").await, ["1|a"]);
    assert_eq!(start.context.metrics.retries.load(Ordering::Relaxed), 2);
    db.drop().await;
}

/// A server that is away while an epoch is published: killed, or stopped with everything that it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_and_comes_back_gets_every_epoch_once() {
    let own = Own::new();
    let url = own.up(Service::PostgreSql).await;
    let Server { address, user, password, database } = Server::of(&url);
    let table = Db::descriptor("t", "public.exactly_once", &[("id", T::Int), ("name", string())], 0);
    let address = format!("jdbc:postgresql://{address}/{database}");
    let table = with(table, &[("url", &address), ("username", &user), ("connection.max-retry-timeout", "120 s")]);
    let table = with(table, &[("password", password.as_deref().unwrap_or_default())]);
    let connect = || async {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    connect().await.batch_execute("CREATE TABLE exactly_once (id int, name text)").await.unwrap();
    let start = Start::new(&[table], 1).await;
    for (epoch, kills) in [(1, true), (2, false), (3, true)] {
        let rows: Vec<_> = (0..1000).map(|i| (RowKind::Insert, epoch * 1000 + i, "x")).collect();
        let parts = [start.staged(0, &rows).await];
        let away = async {
            match kills {
                true => own.kill(Service::PostgreSql).await,
                false => own.stop(Service::PostgreSql).await,
            }
            own.up(Service::PostgreSql).await;
        };
        let publish = async {
            // Epochs as fast as they come, while the server goes away under them.
            start.publish(2 * epoch as u64, &parts).await.unwrap();
            start.publish(2 * epoch as u64 + 1, &parts).await.unwrap();
        };
        tokio::join!(away, publish);
    }
    let rows = connect().await.query_one("SELECT count(*), count(DISTINCT id) FROM exactly_once", &[]).await.unwrap();
    assert_eq!((rows.get::<_, i64>(0), rows.get::<_, i64>(1)), (6000, 3000));
}
