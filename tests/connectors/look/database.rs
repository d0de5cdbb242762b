//! SHOW TABLES FROM, DESCRIBE TABLE, PSQL, and tables suggested for those of a database.

use super::{assert_printed, printed, session};
use crate::postgres::{Db, server};

/// An integration for the test's server, as lines of millstream.toml.
pub fn integration(name: &str) -> String {
    let server = server();
    let password = server.password.map_or(String::new(), |password| format!("password = \"{password}\"\n"));
    format!(
        "[integrations.{name}]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://{}/{}\"\nusername = \"{}\"\n{password}",
        server.address, server.database, server.user
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_listed_and_described() {
    let db = Db::new().await;
    db.run(
        "CREATE TABLE limits (host text PRIMARY KEY, \"Top\" double precision NOT NULL DEFAULT 80.5, cents numeric(10, 2),
           total numeric, code char(3), name varchar(20), seen timestamptz(3), day date, m uuid, tags int[]);
         CREATE UNIQUE INDEX by_code ON limits (code); CREATE VIEW high AS SELECT host FROM limits WHERE \"Top\" > 90;
         INSERT INTO limits (host) SELECT 'h' || i FROM generate_series(1, 7) i; ANALYZE limits",
    )
    .await;
    let mut session = session(&integration("pg"));
    let listed = printed(&mut session, "SHOW TABLES FROM pg").await;
    let mine: String = listed.lines().filter(|l| l.contains(&db.schema)).map(|l| format!("{l}\n")).collect();
    let mine = mine.replace(&db.schema, "SCHEMA").split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(mine, "| SCHEMA | high | view | | | SCHEMA | limits | table | 7 |");
    let described = printed(&mut session, &format!("DESCRIBE TABLE {}.limits", db.schema)).await;
    assert_printed(
        &described.replace(&db.schema, "SCHEMA"),
        r#"
        Table "SCHEMA.limits"
        +--------+-----------------------------+-------+---------+------------------+
        | column |                        type |  null | default |        Flink SQL |
        +--------+-----------------------------+-------+---------+------------------+
        |   host |                        text | FALSE |         |           STRING |
        |    Top |            double precision | FALSE |    80.5 |           DOUBLE |
        |  cents |               numeric(10,2) |  TRUE |         |   DECIMAL(10, 2) |
        |  total |                     numeric |  TRUE |         |  DECIMAL(38, 18) |
        |   code |                character(3) |  TRUE |         |          CHAR(3) |
        |   name |       character varying(20) |  TRUE |         |      VARCHAR(20) |
        |   seen | timestamp(3) with time zone |  TRUE |         | TIMESTAMP_LTZ(3) |
        |    day |                        date |  TRUE |         |             DATE |
        |      m |                        uuid |  TRUE |         |           STRING |
        |   tags |                   integer[] |  TRUE |         |       ARRAY<INT> |
        +--------+-----------------------------+-------+---------+------------------+
        10 rows in set
        Indexes:
            "limits_pkey" PRIMARY KEY, btree (host)
            "by_code" UNIQUE, btree (code)"#,
    );
    let suggested = printed(&mut session, &format!("SUGGEST TABLE L FOR TABLE {}.limits FROM pg", db.schema)).await;
    let server = server();
    let place = format!("{}/{}", server.address, server.database);
    assert_printed(
        &suggested.replace(&db.schema, "SCHEMA").replace(&place, "PLACE"),
        "
        -- From the definition of table \"SCHEMA.limits\" in PostgreSQL at PLACE.
        CREATE TABLE L (
          host STRING NOT NULL,
          Top DOUBLE NOT NULL,
          cents DECIMAL(10, 2),
          total DECIMAL(38, 18), -- numeric
          code CHAR(3),
          name VARCHAR(20),
          seen TIMESTAMP_LTZ(3),
          `day` DATE,
          m STRING, -- uuid
          tags ARRAY<INT>,
          PRIMARY KEY (host) NOT ENFORCED
        ) WITH (
          'connector' = 'jdbc',
          'integration' = 'pg',
          'table-name' = 'SCHEMA.limits'
        );",
    );
    assert_eq!(printed(&mut session, &suggested).await, "");
    let mut query = session.query("SELECT COUNT(*), MIN(Top) FROM L").await.unwrap();
    let mut last = None;
    while let Some(batch) = query.next().await.unwrap() {
        last = Some(batch.rows().clone());
    }
    let last = arrow::util::pretty::pretty_format_batches(&[last.unwrap()]).unwrap().to_string();
    assert!(last.contains(" 7 ") && last.contains(" 80.5 "), "{last}");
    let error = printed(&mut session, &format!("DESCRIBE TABLE {}.limts", db.schema)).await;
    assert!(error.contains(&format!("hint: Did you mean '{}.limits'", db.schema)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_is_sent_as_it_is() {
    let db = Db::new().await;
    let mut session = session(&integration("pg"));
    let sql = format!(
        "PSQL $$
         CREATE TABLE {0}.t (host text PRIMARY KEY, top int);
         INSERT INTO {0}.t VALUES ('a', 80), ('b;', NULL), ('it''s', 7) RETURNING host;
         SELECT host, top AS \"allowed top\", '{{\"x\": 1}}'::jsonb FROM {0}.t ORDER BY 1; -- a comment;
         UPDATE {0}.t SET top = 1 WHERE top IS NULL
         $$",
        db.schema
    );
    assert_printed(
        &printed(&mut session, &sql).await,
        "
        CREATE TABLE
        +------+
        | host |
        +------+
        |    a |
        |   b; |
        | it's |
        +------+
        3 rows in set
        INSERT 0 3
        +------+-------------+----------+
        | host | allowed top |    jsonb |
        +------+-------------+----------+
        |    a |          80 | {\"x\": 1} |
        |   b; |      <NULL> | {\"x\": 1} |
        | it's |           7 | {\"x\": 1} |
        +------+-------------+----------+
        3 rows in set
        UPDATE 1",
    );
    let error = printed(&mut session, "PSQL pg $$\nSELECT 1;\nSELECT hots FROM (SELECT 1 AS host) q $$").await;
    assert_printed(
        &error,
        "
        error: PostgreSQL refuses: column \"hots\" does not exist (42703)
         --> sql:3:8
          |
        3 | SELECT hots FROM (SELECT 1 AS host) q $$
          |        ^^^^
          hint: Perhaps you meant to reference the column \"q.host\".",
    );
    let error = printed(&mut session, "PSQL 'SELECT ''ä'', ''b'', nothing'").await;
    assert!(error.contains(" --> sql:1:28\n") && error.contains(&format!("|{}^^^^^^^\n", " ".repeat(28))), "{error}");
    let error = printed(&mut session, &format!("PSQL $$ INSERT INTO {}.t VALUES ('a', 1) $$", db.schema)).await;
    assert!(error.contains("detail: Key (host)=(a) already exists."), "{error}");
    assert_eq!(printed(&mut session, "PSQL $$ SELECT 1 WHERE false $$").await, "Empty set\n");
    let many = printed(&mut session, "PSQL $$ SELECT i FROM generate_series(1, 12345) i $$").await;
    assert!(many.ends_with("\n10000 rows in set\n"), "{}", &many[many.len() - 100..]);
    assert_eq!(said(&mut session), ["warning: only the first 10000 of 12345 rows are shown"]);
}

/// What was said beside results since the last call.
fn said(session: &mut millstream::Session) -> Vec<String> {
    session.take_notices().iter().map(|notice| format!("{}: {}", notice.kind.label(), notice.message)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_the_database_are_shown_in_every_mode() {
    let mut session = session(&integration("pg"));
    let sql =
        "PSQL $$ SELECT 9007199254740993 AS n, 1.50 AS cents, true AS ok, 'a,b' AS words, NULL AS none, '' AS blank $$";
    for (mode, expected) in [
        ("csv", "n,cents,ok,words,none,blank\n9007199254740993,1.50,t,\"a,b\",,\"\"\n"),
        (
            "json",
            "{\"n\":9007199254740993,\"cents\":1.50,\"ok\":true,\"words\":\"a,b\",\"none\":null,\"blank\":\"\"}\n",
        ),
        (
            "vertical",
            "-[ RECORD 1 ]-----------\nn     | 9007199254740993\ncents | 1.50\nok    | t\nwords | a,b\nnone  | <NULL>\nblank | \n",
        ),
    ] {
        session.set("sql-client.execution.result-mode", mode).unwrap();
        assert_eq!(printed(&mut session, sql).await, expected, "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_a_session_until_it_breaks() {
    let db = Db::new().await;
    let mut session = session(&integration("pg"));
    let sql = format!(
        "PSQL $$ SET application_name = '{0}'; CREATE TEMP TABLE mine (a int) $$; PSQL $$ BEGIN $$;
         PSQL $$ CREATE TABLE {0}.undone (a int) $$; PSQL $$ ROLLBACK $$; PSQL $$ INSERT INTO mine VALUES (1) $$;
         PSQL $$ SHOW application_name $$",
        db.schema
    );
    let shown = printed(&mut session, &sql).await;
    let tags: Vec<&str> = shown.lines().take(6).collect();
    assert_eq!(tags, ["SET", "CREATE TABLE", "BEGIN", "CREATE TABLE", "ROLLBACK", "INSERT 0 1"]);
    assert!(shown.contains(&format!("| {} |", db.schema)), "{shown}");
    assert!(printed(&mut session, &format!("PSQL $$ TABLE {}.undone $$", db.schema)).await.contains("(42P01)"));
    // A statement that nobody waits for any more is given up, and the connection goes on.
    let sleep =
        tokio::time::timeout(std::time::Duration::from_millis(300), session.execute("PSQL $$ SELECT pg_sleep(600) $$"));
    assert!(sleep.await.is_err());
    assert!(printed(&mut session, "PSQL $$ TABLE mine $$").await.contains("1 row in set"));
    assert!(said(&mut session).is_empty());
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'", db.schema);
    assert_eq!(db.rows(&end).await.len(), 1);
    // Whether it is seen before or while the next statement is sent, the one behind that has another connection.
    let first = printed(&mut session, "PSQL $$ TABLE mine $$").await;
    assert!(first.contains("lost the connection") || first.contains("57P01") || first.contains("(42P01)"), "{first}");
    assert!(printed(&mut session, "PSQL $$ TABLE mine $$").await.contains("(42P01)"));
    let said = said(&mut session);
    assert!(said.len() == 1 && said[0].starts_with("warning: the connection to PostgreSQL at "), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_says_beside_its_answers_is_told() {
    let mut session = session(&integration("pg"));
    let sql = "PSQL $$ DO 'BEGIN RAISE NOTICE ''half way''; END'; DROP TABLE IF EXISTS no_such_table; COMMIT $$";
    assert_printed(&printed(&mut session, sql).await, "DO\nDROP TABLE\nCOMMIT");
    let expected = [
        "notice: half way (00000)",
        "notice: table \"no_such_table\" does not exist, skipping (00000)",
        "warning: there is no transaction in progress (25P01)",
    ];
    assert_eq!(said(&mut session), expected);
    // Also where the statement fails in the end.
    let sql = "PSQL $$ DO 'BEGIN RAISE NOTICE ''before''; RAISE EXCEPTION ''no''; END' $$";
    assert!(printed(&mut session, sql).await.contains("PostgreSQL refuses: no (P0001)"));
    assert_eq!(said(&mut session), ["notice: before (00000)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_statement_is_cancelled_at_the_server() {
    let db = Db::new().await;
    let mut session = session(&integration("pg"));
    let sql = format!("PSQL $$ SELECT pg_sleep(600) AS {} $$", db.schema);
    let running = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600) AS {}%' \
         AND pid <> pg_backend_pid()",
        db.schema
    );
    let count = async |wanted: &str| while db.rows(&running).await != [wanted] {};
    tokio::select! {
        printed = printed(&mut session, &sql) => panic!("{printed}"),
        () = count("1") => {}
    }
    count("0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_or_refuses_is_named() {
    let away = "[integrations.away]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://127.0.0.1:1/d\"\nusername = \"u\"\n\
                password = \"geheim\"\n\"connection.max-retry-timeout\" = \"1 s\"\n";
    let mut session = session(away);
    for sql in
        ["SHOW TABLES FROM away", "DESCRIBE TABLE t", "PSQL $$ SELECT 1 $$", "SUGGEST TABLE FOR TABLE t FROM away"]
    {
        let error = printed(&mut session, sql).await;
        assert!(error.starts_with("error: gave up on PostgreSQL at 127.0.0.1:1/d after "), "{error}");
        assert!(!error.contains("geheim"));
    }
    let error = printed(&mut session, "SHOW TABLES FROM kafka").await;
    assert!(error.contains("the integration 'kafka' is for the connector 'kafka', and this asks a 'jdbc'"), "{error}");
    let error = printed(&mut session, "SHOW TABLES FROM awya").await;
    assert!(error.contains(" --> sql:1:18\n") && error.contains("hint: Did you mean \"away\"?"), "{error}");
    assert_eq!(printed(&mut session, "SHOW TABLES FROM default_database").await, "Empty set\n");
}
