//! What is published is still there after a crash of the server.

use super::*;

#[tokio::test]
async fn a_table_that_a_crash_empties_is_refused() {
    let db = Db::new().await;
    db.run(
        "CREATE UNLOGGED TABLE t (id int, name text);
         CREATE TABLE parted (id int, name text) PARTITION BY RANGE (id);
         CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
         CREATE UNLOGGED TABLE parted_1_1 PARTITION OF parted_1 FOR VALUES FROM (0) TO (5)",
    )
    .await;
    for (name, unlogged) in [("t", "t"), ("parted", "parted_1_1")] {
        let tables = [id_name(&db, name, 0)];
        let sink = jdbc().sink(&tables[0]).unwrap();
        let asked = async |exactly_once| sink.check(exactly_once, &OpenContext::for_test()).await;
        asked(false).await.unwrap();
        let told = asked(true).await.unwrap_err();
        let error = Start::try_new(&tables, number("a", 1)).await.err().expect("it would be emptied");
        assert_eq!(told.to_string(), error.to_string(), "it is known before anything is opened");
        let expected = format!(
            "table \"{name}\" (connector \"jdbc\") can't be written exactly once: PostgreSQL's {unlogged} is UNLOGGED"
        );
        assert_eq!(error.message(), expected);
        // What it says works.
        let hint = error.hint().unwrap();
        assert!(hint.contains("'sink.delivery-guarantee' = 'at-least-once'"), "{hint}");
        let (fix, _) = hint.strip_prefix("Run this in the database: ").unwrap().split_once(';').unwrap();
        db.run(fix).await;
        asked(true).await.unwrap();
        let start = Start::new(&tables, 1).await;
        start.publish(1, &[start.staged(0, &inserts(&[(1, "a")])).await]).await.unwrap();
        assert_eq!(db.rows(&format!("SELECT * FROM {name}")).await, ["1|a"]);
        db.run("DELETE FROM millstream_epochs").await;
    }
    db.drop().await;
}

#[tokio::test]
async fn a_commit_waits_for_the_disk_whatever_the_session_says() {
    let db = Db::new().await;
    // The table shows how it was written.
    db.run(
        "CREATE TABLE t (id int, name text);
         CREATE FUNCTION shown() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN NEW.name := pg_catalog.current_setting('synchronous_commit'); RETURN NEW; END $$;
         CREATE TRIGGER shown BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION shown()",
    )
    .await;
    for (epoch, said, is) in [(1, "off", "on"), (2, "local", "local"), (3, "remote_write", "remote_write")] {
        let parameters =
            format!("currentSchema={0}&ApplicationName={0}&options=-c%20synchronous_commit={said}", db.schema);
        let table = by(db.table("t", &[("id", T::Int), ("name", string())], 0), &server().address, &parameters);
        let start = Start::new(&[table], epoch).await;
        start.publish(epoch, &[start.staged(0, &inserts(&[(1, "")])).await]).await.unwrap();
        assert_eq!(db.rows("SELECT name FROM t").await, [is], "{said}");
        db.run("DELETE FROM t").await;
    }
    db.drop().await;
}
