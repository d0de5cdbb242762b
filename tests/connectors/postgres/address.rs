//! What stands in the address: several hosts, schemas, settings, limits of time.

use millstream::ErrorKind;
use millstream::types::TypeKind as T;
use tokio::net::TcpListener;

use super::*;

fn any(kind: T) -> TableDescriptor {
    Db::descriptor("q", "q", &[("v", kind)], 0)
}

#[tokio::test]
async fn the_next_host_is_taken_when_one_is_down() {
    let (down, up) = (free_port().await, server().address);
    let hosts = format!("127.0.0.1:{down},{up}");
    for parameters in
        ["", "targetServerType=primary", "targetServerType=preferSecondary", "loadBalanceHosts=true&loginTimeout=20"]
    {
        let (context, told) = context();
        let table = by(any(T::Int), &hosts, parameters);
        let table = with(table, &[("table-name", "(SELECT 1 AS v) AS q")]);
        jdbc().source(&table).unwrap().open(vec![], &context).await.expect(parameters);
        assert!(told.lock().unwrap().is_empty(), "{parameters}: {told:?}");
    }
    let impatient = [("connection.max-retry-timeout", "1 ms"), ("username", "nobody_at_all"), ("password", "x")];
    let none = with(by(any(T::Int), &format!("127.0.0.1:{down},localhost:{down}"), ""), &impatient);
    let error = asked(&none, "SELECT 1 AS v").await.unwrap_err();
    assert!(error.is_retriable(), "{error}");
    for part in [format!("127.0.0.1:{down}: "), format!("localhost:{down}: "), "gave up on PostgreSQL at".into()] {
        assert!(error.message().contains(&part), "{error}");
    }
    // A host that will never let us in is not asked again, whatever the others say.
    let error = asked(&with(by(any(T::Int), &hosts, ""), &impatient), "SELECT 1 AS v").await.unwrap_err();
    assert!(!error.is_retriable() && error.message().contains("password authentication failed"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("'username'")), "{error}");
}

#[tokio::test]
async fn hosts_are_chosen_by_what_they_are() {
    // As a server that is a secondary shows itself: it takes no writes.
    let secondary = "options=-c%20default_transaction_read_only=on";
    let impatient = [("connection.max-retry-timeout", "1 ms")];
    let cases = [
        ("primary", "", Ok(())),
        ("master", "", Ok(())),
        ("preferSecondary", "", Ok(())),
        ("secondary", "", Err("it is a primary, and targetServerType asks for a secondary")),
        ("secondary", secondary, Ok(())),
        ("preferPrimary", secondary, Ok(())),
        (
            "primary",
            secondary,
            Err("it is a secondary, which takes no writes, and targetServerType asks for a primary"),
        ),
    ];
    for (wanted, kind, expected) in cases {
        let table = by(any(T::Int), &server().address, &format!("targetServerType={wanted}&{kind}"));
        let found = asked(&with(table, &impatient), "SELECT 1 AS v").await;
        match expected {
            Ok(()) => assert_eq!(found.expect(wanted), ["1"], "{wanted}"),
            Err(part) => {
                let error = found.expect_err(wanted);
                // A failover may be under way.
                assert!(error.is_retriable() && error.message().contains(part), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn schemas_are_searched_in_the_order_given_whatever_their_names() {
    let db = Db::new().await;
    let odd = format!("{} Odd, \\one", db.schema);
    db.run(&format!("CREATE TABLE t AS SELECT 1 AS v; CREATE SCHEMA \"{odd}\"")).await;
    db.run(&format!("CREATE TABLE \"{odd}\".t AS SELECT 2 AS v; CREATE TABLE \"{odd}\".u AS SELECT 3 AS v")).await;
    let quoted = format!("%22{}%22", odd.replace(' ', "%20").replace('\\', "%5C"));
    let plain = db.schema.clone();
    for (schemas, table, expected) in [
        (plain.clone(), "t", "1"),
        (quoted.clone(), "t", "2"),
        (format!("{plain},{quoted}"), "t", "1"),
        (format!("{quoted},%20{plain}"), "t", "2"),
        (format!("{plain},{quoted}"), "u", "3"),
        // Beside other settings.
        (format!("{quoted}&options=-c%20statement_timeout=60000"), "u", "3"),
    ] {
        let table =
            with(by(any(T::Int), &server().address, &format!("currentSchema={schemas}")), &[("table-name", table)]);
        assert_eq!(read(&*jdbc().source(&table).unwrap()).await.expect(&schemas), [expected], "{schemas}");
    }
    db.run(&format!("DROP SCHEMA \"{odd}\" CASCADE")).await;
    db.drop().await;
}

#[tokio::test]
async fn settings_reach_the_server() {
    let parameters = "ApplicationName=my%20app&readOnly=true&options=-c%20statement_timeout=12345%20-c%20work_mem=5MB";
    let table = by(any(SqlType::string().kind), &server().address, parameters);
    for (setting, expected) in [
        ("application_name", "my app"),
        ("statement_timeout", "12345ms"),
        ("work_mem", "5MB"),
        ("transaction_read_only", "on"),
    ] {
        assert_eq!(asked(&table, &format!("SELECT current_setting('{setting}') AS v")).await.unwrap(), [expected]);
    }
    let plain = by(any(SqlType::string().kind), &server().address, "readOnly=true&readOnlyMode=ignore");
    let shown = asked(
        &plain,
        "SELECT concat_ws(' ', current_setting('application_name'), \
         current_setting('transaction_read_only')) AS v",
    );
    assert_eq!(shown.await.unwrap(), ["millstream off"]);
    let error = jdbc().sink(&with(table, &[("table-name", "t")])).unwrap_err();
    assert!(error.message().contains("can't be written: its address says readOnly"), "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    // It accepts, and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let table = by(any(T::Int), &address, "loginTimeout=0.2");
    let error = asked(&with(table, &[("connection.max-retry-timeout", "1 ms")]), "SELECT 1 AS v").await.unwrap_err();
    assert!(error.message().contains("no answer to the login within 0.2 s"), "{error}");

    let table = by(any(T::Boolean), &server().address, "socketTimeout=0.5");
    let error = asked(&table, "SELECT pg_sleep(60) IS NULL AS v").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::External);
    assert!(error.message().contains("no answer from PostgreSQL at"), "{error}");
    assert!(error.message().contains("within 0.5 s"), "{error}");
}

#[tokio::test]
async fn parameters_without_effect_are_taken_and_unknown_ones_told() {
    let parameters =
        "reWriteBatchedInserts=true&stringtype=unspecified&prepareThreshold=0&tcpKeepAlive=true&colour=red";
    let table = by(any(T::Int), &server().address, parameters);
    assert_eq!(asked(&table, "SELECT 1 AS v").await.unwrap(), ["1"]);
    let notices = jdbc().notices(&table);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].message.contains("the parameter \"colour\" is unknown"), "{notices:?}");
}
