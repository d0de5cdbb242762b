//! Looks at services that want a password: with it they see, without it one error says so, and shows no secret.

use opensearch::http::Method;

use super::{printed, session};
use crate::kafka::secured::{SCRAM, alice, jaas, with};
use crate::opensearch::secured::{authority, host, secured};
use crate::{kafka, postgres};

/// An integration, as lines of millstream.toml.
fn integration(name: &str, options: &[(&str, String)]) -> String {
    let line = |(key, value): &(&str, String)| format!("\"{key}\" = '{value}'\n");
    format!("[integrations.{name}]\n{}", options.iter().map(line).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_over_sasl_and_tls() {
    let name = kafka::topic("look-sasl", 1).await;
    let connector = [("connector", "kafka")];
    let right = with(alice("SCRAM-SHA-256", SCRAM), &connector);
    let guess = jaas(SCRAM, "alice", "wrong-secret");
    let wrong =
        with(right.clone(), &[("properties.sasl.jaas.config", &guess), ("connection.max-retry-timeout", "20 s")]);
    let mut session = session(&(integration("right", &right) + &integration("wrong", &wrong)));
    let seen = printed(&mut session, &format!("SHOW TOPICS FROM right LIKE '{name}'; PEEK {name} FROM right")).await;
    assert!(seen.contains("1 row in set\nEmpty set"), "{seen}");
    for sql in ["SHOW TOPICS FROM wrong", "PEEK t FROM wrong", "SUGGEST TABLE FOR TOPIC t FROM wrong"] {
        let error = printed(&mut session, sql).await;
        assert!(error.contains("invalid credentials"), "{error}");
        assert!(error.contains("hint: Check 'properties.sasl.jaas.config'"), "{error}");
        assert!(!error.contains("wrong-secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_refuses_a_wrong_password() {
    let server = postgres::server();
    let options = [
        ("connector", "jdbc".to_string()),
        ("url", format!("jdbc:postgresql://{}/{}", server.address, server.database)),
        ("username", server.user),
        ("password", "wrong-secret".to_string()),
    ];
    let mut session = session(&integration("wrong", &options));
    for sql in ["SHOW TABLES FROM wrong", "PSQL wrong $$ SELECT 1 $$", "DESCRIBE TABLE t FROM wrong"] {
        let error = printed(&mut session, sql).await;
        assert!(error.contains("password authentication failed"), "{error}");
        assert!(error.contains("hint: Check the options 'username' and 'password'."), "{error}");
        assert!(!error.contains("wrong-secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_over_https() {
    let index = secured("look-tls");
    index.call(Method::Put, "/INDEX/_doc/a", Some(r#"{"n": 1}"#)).await;
    let options = |password: &str| {
        vec![
            ("connector", "opensearch".to_string()),
            ("hosts", host().to_string()),
            ("ssl.certificate-authorities", authority("ca.pem")),
            ("username", "millstream".to_string()),
            ("password", password.to_string()),
        ]
    };
    let right = integration("right", &options("millstream-secret"));
    let mut session = session(&(right + &integration("wrong", &options("wrong-secret"))));
    let seen = printed(&mut session, &format!("PEEK INDEX {} FROM right", index.name)).await;
    assert!(seen.contains(r#"{"n": 1}"#) && seen.contains("1 row in set"), "{seen}");
    let described = printed(&mut session, &format!("DESCRIBE INDEX {} FROM right", index.name)).await;
    assert!(described.contains("long") && described.contains("BIGINT"), "{described}");
    for sql in ["SHOW INDEXES FROM wrong", "PEEK INDEX i FROM wrong", "SUGGEST TABLE FOR INDEX i FROM wrong"] {
        let error = printed(&mut session, sql).await;
        assert!(error.contains("doesn't accept the credentials (401)"), "{error}");
        assert!(error.contains("hint: Check 'username' and 'password'"), "{error}");
        assert!(!error.contains("wrong-secret"), "{error}");
    }
}
