//! What an epoch is in the database, and what stays of one that is published again or late.

use millstream::changelog::RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};

use super::*;

#[tokio::test]
async fn an_epoch_of_several_tables_and_writers_is_one_transaction_however_often_it_is_published() {
    let db = Db::new().await;
    db.run(
        "CREATE TABLE keyed (id int PRIMARY KEY, name text, xid bigint DEFAULT txid_current());
         CREATE TABLE appended (id int, name text, xid bigint DEFAULT txid_current())",
    )
    .await;
    let tables = [id_name(&db, "keyed", 1), id_name(&db, "appended", 0)];
    let first = Start::new(&tables, 1).await;
    assert_eq!(first.marker, None);
    let parts = [
        first.staged(0, &inserts(&[(1, "a"), (2, "b")])).await,
        StagedPart { subtask: 1, ..first.staged(0, &inserts(&[(3, "c")])).await },
        first.staged(1, &inserts(&[(1, "a"), (1, "a")])).await,
        StagedPart { subtask: 1, ..first.staged(1, &[]).await },
    ];
    assert_eq!(parts.iter().map(|part| part.staged.rows).collect::<Vec<_>>(), [2, 1, 2, 0]);
    let all = "SELECT 'k', id, name FROM keyed UNION ALL SELECT 'a', id, name FROM appended ORDER BY 1, 2";
    assert!(db.rows(all).await.is_empty(), "nothing is seen before it is published");
    first.publish(1, &parts).await.unwrap();
    let rows = ["a|1|a", "a|1|a", "k|1|a", "k|2|b", "k|3|c"];
    assert_eq!(db.rows(all).await, rows);
    let transactions = "SELECT count(DISTINCT xid) FROM (SELECT xid FROM keyed UNION ALL SELECT xid FROM appended) x";
    assert_eq!(db.rows(transactions).await, ["1"]);
    assert_eq!(marker(&db).await, ["the job|a|1|a|1|1"]);
    // Again by the same start, and by a later one that didn't hear of it.
    first.publish(1, &parts).await.unwrap();
    assert_eq!(db.rows(all).await, rows);
    drop(first);
    let second = Start::new(&tables, 2).await;
    assert_eq!(second.marker, Some(Marker { lineage: "a".into(), attempt: 1, epoch: Epoch(1) }));
    second.publish(1, &parts).await.unwrap();
    assert_eq!(db.rows(all).await, rows);
    second.publish(2, &[]).await.unwrap();
    assert_eq!(marker(&db).await, ["the job|a|2|a|2|2"]);
    let error = second.publish(1, &parts).await.unwrap_err();
    assert!(error.message().contains("epoch 1 can't be published behind epoch 2"), "{error}");
    assert!(error.hint().unwrap().contains("Only one process may run a job of this name"), "{error}");
    db.drop().await;
}

#[tokio::test]
async fn an_epoch_that_somebody_else_has_marked_is_not_taken_for_published() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text)").await;
    let tables = [id_name(&db, "t", 0)];
    // The same start twice, as nothing that locks its folder would have it.
    let (start, double) = (Start::new(&tables, 1).await, Start::new(&tables, 1).await);
    start.publish(1, &[start.staged(0, &inserts(&[(1, "a")])).await]).await.unwrap();
    let error = double.publish(1, &[double.staged(0, &inserts(&[(2, "b")])).await]).await.unwrap_err();
    assert!(error.message().contains("epoch 1 is marked as published, and not by this start of the job"), "{error}");
    assert!(error.hint().unwrap().contains("--from"), "{error}");
    assert_eq!(db.rows("SELECT * FROM t").await, ["1|a"]);
    start.publish(2, &[start.staged(0, &inserts(&[(3, "c")])).await]).await.unwrap();
    assert_eq!(db.rows("SELECT * FROM t").await, ["1|a", "3|c"]);
    db.drop().await;
}

#[tokio::test]
async fn of_each_key_the_last_change_of_an_epoch_is_staged() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int PRIMARY KEY, name text)").await;
    db.run("INSERT INTO t VALUES (1, 'old'), (2, 'gone'), (9, 'kept')").await;
    let start = Start::new(&[id_name(&db, "t", 1)], 1).await;
    let mut writer = start.writer(0).await;
    let mut parts = Vec::new();
    for (epoch, rows) in [
        (
            1,
            vec![
                (UpdateBefore, 1, "old"),
                (UpdateAfter, 1, "new"),
                (Delete, 2, "gone"),
                (Insert, 3, "a"),
                (UpdateAfter, 3, "b"),
                (Insert, 4, "x"),
                (Delete, 4, "x"),
            ],
        ),
        (2, vec![(Delete, 3, "b"), (Insert, 4, "y")]),
    ] {
        for row in rows {
            writer.write(changes(&[row])).await.unwrap();
        }
        parts.push(StagedPart { sink: 0, subtask: 0, staged: writer.stage(Epoch(epoch)).await.unwrap() });
    }
    writer.close().await.unwrap();
    assert_eq!(parts.iter().map(|part| part.staged.rows).collect::<Vec<_>>(), [4, 2]);
    start.publish(1, &parts[..1]).await.unwrap();
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, ["1|new", "3|b", "9|kept"]);
    start.publish(2, &parts[1..]).await.unwrap();
    assert_eq!(db.rows("SELECT * FROM t ORDER BY id").await, ["1|new", "4|y", "9|kept"]);
    db.drop().await;
}

#[tokio::test]
async fn an_earlier_start_that_publishes_late_leaves_nothing() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text)").await;
    let tables = [id_name(&db, "t", 0)];
    let earlier = Start::new(&tables, 1).await;
    let late = [earlier.staged(0, &inserts(&[(1, "late")])).await];
    let later = Start::new(&tables, 2).await;
    let error = earlier.publish(1, &late).await.unwrap_err();
    assert!(error.message().contains("another process runs the job \"the job\""), "{error}");
    assert!(error.detail().unwrap().contains("names start 2 of the job"), "{error}");
    let error = earlier.committer.fence().await.unwrap_err();
    assert!(error.message().contains("another process runs the job"), "{error}");
    assert!(db.rows("SELECT * FROM t").await.is_empty());
    later.publish(1, &[later.staged(0, &inserts(&[(2, "in time")])).await]).await.unwrap();
    assert_eq!(db.rows("SELECT * FROM t").await, ["2|in time"]);
    // Another job in the same database is another row.
    let other = Start::try_new(&tables, TargetContext { job: "other".into(), ..number("b", 1) }).await.unwrap();
    assert_eq!(other.marker, None);
    other.publish(1, &[]).await.unwrap();
    later.publish(2, &[]).await.unwrap();
    assert_eq!(marker(&db).await.len(), 2);
    db.drop().await;
}

#[tokio::test]
async fn a_new_lineage_sees_what_was_published_before_and_counts_by_itself() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text)").await;
    let tables = [id_name(&db, "t", 0)];
    let old = Start::new(&tables, 7).await;
    old.publish(40, &[]).await.unwrap();
    let fresh = Start::try_new(&tables, number("b", 1)).await.unwrap();
    let published = Some(Marker { lineage: "a".into(), attempt: 7, epoch: Epoch(40) });
    assert_eq!(fresh.marker, published);
    assert_eq!(fresh.committer.fence().await.unwrap(), published, "a fence publishes nothing");
    assert!(old.publish(41, &[]).await.is_err());
    fresh.publish(1, &[fresh.staged(0, &inserts(&[(1, "a")])).await]).await.unwrap();
    assert_eq!(marker(&db).await, ["the job|b|1|b|1|1"]);
    db.drop().await;
}

#[tokio::test]
async fn what_is_held_asks_for_the_end_of_its_epoch_once_when_it_is_large() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (id int, name text)").await;
    let start = Start::new(&[id_name(&db, "t", 0)], 1).await;
    let room = Arc::<millstream::connectors::EpochRoom>::default();
    let epochs = WriterEpochs {
        mode: EpochMode::Held,
        sink: 0,
        committer: start.committer.clone(),
        first: Epoch(1),
        room: room.clone(),
    };
    let context = OpenContext { epochs: Some(epochs), ..start.context.clone() };
    let mut writer = jdbc().sink(&id_name(&db, "t", 0)).unwrap().open(&context).await.unwrap();
    let long = "x".repeat(1 << 20);
    let asked = || futures::FutureExt::now_or_never(room.asked()).is_some();
    for i in 0..150 {
        writer.write(changes(&[(Insert, i, long.as_str())])).await.unwrap();
        assert_eq!(asked(), i == 63, "after {i}");
    }
    let staged = writer.stage(Epoch(1)).await.unwrap();
    assert_eq!(staged.rows, 150);
    start.publish(1, &[StagedPart { sink: 0, subtask: 0, staged }]).await.unwrap();
    assert_eq!(db.rows("SELECT count(*), sum(length(name)) FROM t").await, [format!("150|{}", 150 << 20)]);
    db.drop().await;
}
