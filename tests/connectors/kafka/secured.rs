//! TLS and SASL on a real broker: what lets a client in, and the one error that each thing says that doesn't.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `make test`"))
}

/// A file among the test certificates.
fn certificate(name: &str) -> String {
    Path::new(&variable("MILLSTREAM_TEST_CERTS")).join(name).display().to_string()
}

pub fn jaas(module: &str, user: &str, password: &str) -> String {
    format!("org.apache.kafka.common.security.{module} required username=\"{user}\" password=\"{password}\";")
}

pub const SCRAM: &str = "scram.ScramLoginModule";

pub type Options = Vec<(&'static str, String)>;

pub fn with(mut options: Options, more: &[(&'static str, &str)]) -> Options {
    for (key, value) in more {
        options.retain(|(known, _)| known != key);
        options.push((key, value.to_string()));
    }
    options
}

fn trusting(protocol: &str, server: &str) -> Options {
    vec![
        ("properties.bootstrap.servers", variable(server)),
        ("properties.security.protocol", protocol.to_string()),
        ("properties.ssl.truststore.type", "PEM".into()),
        ("properties.ssl.truststore.location", certificate("ca.pem")),
    ]
}

/// As alice, over SASL_SSL.
pub fn alice(mechanism: &str, module: &str) -> Options {
    let mut options = trusting("SASL_SSL", "MILLSTREAM_TEST_KAFKA_SASL");
    options.push(("properties.sasl.mechanism", mechanism.into()));
    options.push(("properties.sasl.jaas.config", jaas(module, "alice", "alice-secret")));
    options
}

/// With the client's certificate.
fn mutual(more: &[(&'static str, &str)]) -> Options {
    with(trusting("SSL", "MILLSTREAM_TEST_KAFKA_MUTUAL"), more)
}

/// A key store of one PEM file: key and certificate of this name.
fn identity(name: &str) -> tempfile::NamedTempFile {
    let store = tempfile::NamedTempFile::new().unwrap();
    let text = |kind: &str| fs::read_to_string(certificate(&format!("{name}.{kind}"))).unwrap();
    fs::write(store.path(), text("key") + &text("pem")).unwrap();
    store
}

/// With the certificate in this store.
fn presenting(identity: &tempfile::NamedTempFile) -> Options {
    let path = identity.path().display().to_string();
    mutual(&[("properties.ssl.keystore.type", "PEM"), ("properties.ssl.keystore.location", &path)])
}

fn secured(topic: &str, options: &Options) -> TableDescriptor {
    let options: Vec<_> = options.iter().map(|(key, value)| (*key, value.as_str())).collect();
    strings(topic, &options)
}

/// Writes two rows and reads them back.
async fn goes_both_ways(topic: &str, options: &Options) {
    let table = secured(topic, options);
    let before = read(&table).await.unwrap_or_else(|error| panic!("{options:?}: {error}")).len();
    write(&table, vec![batch(&table, vec![string_column(&["one", "two"])])]).await.unwrap();
    let rows = read(&table).await.unwrap();
    assert_eq!(rows[before..], ["one", "two"], "{options:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_a_password_reads_and_writes_over_tls() {
    let topic = topic("sasl", 1).await;
    goes_both_ways(&topic, &alice("SCRAM-SHA-256", SCRAM)).await;
    goes_both_ways(&topic, &alice("SCRAM-SHA-512", SCRAM)).await;
    goes_both_ways(&topic, &alice("PLAIN", "plain.PlainLoginModule")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_certificate_reads_and_writes() {
    let topic = topic("mutual", 1).await;
    let text = |name: &str| fs::read_to_string(certificate(name)).unwrap();
    let client = identity("client");
    goes_both_ways(&topic, &presenting(&client)).await;

    let p12 = certificate("client.p12");
    // Java's "JKS" opens PKCS #12, too, and is the default.
    for kind in ["PKCS12", "JKS"] {
        let store = [
            ("properties.ssl.keystore.type", kind),
            ("properties.ssl.keystore.location", p12.as_str()),
            ("properties.ssl.keystore.password", "changeit"),
            // It holds the authority beside the key, so it serves as a trust store, too.
            ("properties.ssl.truststore.type", kind),
            ("properties.ssl.truststore.location", p12.as_str()),
            ("properties.ssl.truststore.password", "changeit"),
        ];
        goes_both_ways(&topic, &mutual(&store)).await;
    }

    let inline = [
        ("properties.ssl.keystore.type", "PEM".to_string()),
        ("properties.ssl.keystore.certificate.chain", text("client.pem")),
        ("properties.ssl.keystore.key", text("encrypted.key")),
        ("properties.ssl.key.password", "changeit".to_string()),
        ("properties.ssl.truststore.certificates", text("ca.pem")),
    ];
    let mut options: Options = trusting("SSL", "MILLSTREAM_TEST_KAFKA_MUTUAL");
    options.retain(|(key, _)| !key.ends_with("truststore.location"));
    options.extend(inline);
    goes_both_ways(&topic, &options).await;
}

/// The error of reading and of writing, which must be the same but for what was tried, without secrets.
async fn refused(topic: &str, options: &Options) -> String {
    let table = secured(topic, &with(options.clone(), &[("connection.max-retry-timeout", "20 s")]));
    let error = read(&table).await.unwrap_err();
    let writing = write(&table, vec![batch(&table, vec![string_column(&["x"])])]).await.unwrap_err();
    let whole = format!("{error}");
    for secret in ["alice-secret", "wrong-secret", "changeit"] {
        assert!(!whole.contains(secret), "{whole}");
    }
    let why = |error: &millstream::Error| {
        let message = error.message().to_string();
        message.split_once(": ").map_or(message.clone(), |(_, why)| why.to_string())
    };
    assert_eq!(why(&error), why(&writing));
    format!("{}\n{}", why(&error), error.hint().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_keeps_a_client_out_is_one_clear_error() {
    let topic = topic("refused", 1).await;
    let scram = || alice("SCRAM-SHA-256", SCRAM);
    let (wrong, nobody) = (jaas(SCRAM, "alice", "wrong-secret"), jaas(SCRAM, "nobody", "alice-secret"));
    let stranger = certificate("stranger-ca.pem");
    let address = variable("MILLSTREAM_TEST_KAFKA_SASL").replace("localhost", "127.0.0.1");
    let expired = variable("MILLSTREAM_TEST_KAFKA_EXPIRED");
    let (strangers, ended) = (identity("stranger-client"), identity("expired-client"));
    let cases: [(&str, Options, &[&str]); 8] = [
        (
            "a wrong password",
            with(scram(), &[("properties.sasl.jaas.config", &wrong)]),
            &["invalid credentials", "Check 'properties.sasl.jaas.config'"],
        ),
        (
            "an unknown user",
            with(scram(), &[("properties.sasl.jaas.config", &nobody)]),
            &["invalid credentials", "Check 'properties.sasl.jaas.config'"],
        ),
        (
            "an authority that is not trusted",
            with(scram(), &[("properties.ssl.truststore.location", &stranger)]),
            &["the certificate of localhost is not trusted: ", "'properties.ssl.truststore.location'"],
        ),
        (
            "another host name",
            with(scram(), &[("properties.bootstrap.servers", &address)]),
            &["the certificate is for localhost, not for 127.0.0.1", "'properties.bootstrap.servers'"],
        ),
        (
            "a certificate that has ended",
            with(trusting("SSL", "MILLSTREAM_TEST_KAFKA_EXPIRED"), &[("properties.bootstrap.servers", &expired)]),
            &["the certificate of localhost has expired (", "Give the broker a certificate that is valid"],
        ),
        (
            "no certificate of the client",
            mutual(&[]),
            &["the broker wants a certificate of ours, and none is set", "'properties.ssl.keystore.location'"],
        ),
        (
            "a certificate of the client that a stranger has signed",
            presenting(&strangers),
            &[
                "the broker doesn't accept our certificate, which \"A stranger\" has signed (",
                "Give one with 'properties.ssl.keystore.location' that an authority has signed which the broker trusts.",
            ],
        ),
        (
            "a certificate of the client that has ended",
            presenting(&ended),
            &["the broker doesn't accept our certificate: it has expired (", "'properties.ssl.keystore.location'"],
        ),
    ];
    for (what, options, expected) in cases {
        let error = refused(&topic, &options).await;
        for part in expected {
            assert!(error.contains(part), "{what}: {error}");
        }
    }
    // The name in a certificate need not be right where the check is switched off, as in Java.
    let unchecked =
        [("properties.bootstrap.servers", address.as_str()), ("properties.ssl.endpoint.identification.algorithm", "")];
    goes_both_ways(&topic, &with(scram(), &unchecked)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_read_names_the_option_and_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let jks = folder.path().join("trust.jks").display().to_string();
    fs::write(&jks, [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]).unwrap();
    let (p12, ca) = (certificate("client.p12"), certificate("ca.pem"));
    let cases: [(&[(&str, &str)], &str, &str); 5] = [
        (
            &[("properties.ssl.truststore.type", "JKS"), ("properties.ssl.truststore.location", &jks)],
            "is a JKS store, which only Java can read",
            "keytool -importkeystore -srckeystore",
        ),
        (
            &[("properties.ssl.truststore.type", "PKCS12"), ("properties.ssl.truststore.location", &ca)],
            "ca.pem is a PEM file",
            "Set 'properties.ssl.truststore.type' = 'PEM'.",
        ),
        (
            &[("properties.ssl.truststore.type", "PEM"), ("properties.ssl.truststore.location", &p12)],
            "client.p12 is no PEM file",
            "Set 'properties.ssl.truststore.type' = 'PKCS12'",
        ),
        (
            &[
                ("properties.ssl.keystore.type", "PKCS12"),
                ("properties.ssl.keystore.location", &p12),
                ("properties.ssl.keystore.password", "wrong-secret"),
            ],
            "the password is wrong",
            "Check 'properties.ssl.keystore.password'.",
        ),
        (
            &[("properties.ssl.truststore.type", "PEM"), ("properties.ssl.truststore.location", "/no/ca.pem")],
            "cannot read /no/ca.pem: No such file or directory",
            "",
        ),
    ];
    for (options, message, hint) in cases {
        let table = secured("t", &mutual(options));
        let error = match find("kafka", None).unwrap().source(&table) {
            Ok(source) => source.splits(&context()).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.message().starts_with("option 'properties.ssl."), "{error}");
        assert!(error.message().contains(message), "{error}");
        assert!(error.hint().unwrap_or_default().contains(hint), "{error}");
        assert!(!error.to_string().contains("wrong-secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_protocol_on_a_port_is_waited_for_and_then_named() {
    let patience = [("connection.max-retry-timeout", "1 s")];
    let plain_client =
        with(vec![("properties.bootstrap.servers", variable("MILLSTREAM_TEST_KAFKA_MUTUAL"))], &patience);
    let error = read(&secured("t", &plain_client)).await.unwrap_err();
    assert!(error.message().contains("gave up on Kafka at localhost:"), "{error}");
    assert!(error.message().contains("the connection was closed before the broker said its version"), "{error}");
    assert!(error.hint().unwrap().starts_with("Perhaps the port speaks TLS: check 'properties.security."), "{error}");

    let tls_client = with(trusting("SSL", "MILLSTREAM_TEST_KAFKA"), &patience);
    let error = read(&secured("t", &tls_client)).await.unwrap_err();
    assert!(error.message().contains("the connection was closed in the TLS handshake"), "{error}");
    assert!(error.hint().unwrap().starts_with("Perhaps the port doesn't speak TLS: check 'properties."), "{error}");
}

/// In a process of its own, since the environment belongs to all threads.
#[tokio::test(flavor = "multi_thread")]
async fn who_names_no_trust_store_trusts_whom_the_environment_names() {
    let topic = topic("environment", 1).await;
    send(&topic, &["hello"]);
    let folder = tempfile::tempdir().unwrap();
    let ca = certificate("ca.pem");
    let hash = Command::new("openssl").args(["x509", "-noout", "-hash", "-in", &ca]).output().unwrap();
    fs::copy(&ca, folder.path().join(format!("{}.0", String::from_utf8(hash.stdout).unwrap().trim()))).unwrap();
    let (by_hash, stranger) = (folder.path().display().to_string(), certificate("stranger-ca.pem"));
    for client in clients() {
        let mut options = alice("SCRAM-SHA-256", SCRAM);
        options.retain(|(key, _)| !key.contains("truststore"));
        let more = [("scan.client", &*client), ("connection.max-retry-timeout", "20 s")];
        let declared: Vec<_> = with(options, &more).iter().map(|(key, value)| format!("'{key}' = '{value}'")).collect();
        let sql = format!(
            "CREATE TABLE t (v STRING) WITH ('connector' = 'kafka', 'topic' = '{topic}', 'format' = 'raw', \
             'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', {}); SELECT * FROM t",
            declared.join(", ")
        );
        let said = |file: &str, folders: &str| {
            let mut run = Command::new(env!("CARGO_BIN_EXE_millstream"));
            run.args(["run", "-e", &sql]).env("NO_COLOR", "1").current_dir(folder.path());
            let output = run.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", folders).output().unwrap();
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
        };
        for (file, folders) in [(&*ca, ""), ("", &*by_hash), (&*stranger, &*by_hash)] {
            let said = said(file, folders);
            assert!(said.contains("hello"), "{client}, {file}, {folders}: {said}");
        }
        let refused = said(&stranger, "");
        assert!(refused.contains("the certificate of localhost is not trusted: "), "{client}: {refused}");
        // A folder is named by an option, too.
        let sql = sql.replace("'scan.client'", &format!("'properties.ssl.ca.location' = '{by_hash}', 'scan.client'"));
        let mut run = Command::new(env!("CARGO_BIN_EXE_millstream"));
        run.args(["run", "-e", &sql]).env("NO_COLOR", "1").env("SSL_CERT_FILE", &stranger);
        let output = run.current_dir(folder.path()).output().unwrap();
        let named = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(named.contains("hello"), "{client}: {named}");
    }
}
