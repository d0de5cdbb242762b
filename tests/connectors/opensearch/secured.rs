//! TLS and passwords on a real OpenSearch with its security plugin: what works, and one clear error for each thing that
//! doesn't, which nobody waits for.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use arrow::array::RecordBatch;
use millstream::changelog::RowKind::Insert;
use millstream::connectors::{OpenContext, TableDescriptor};
use millstream::{Error, Result};
use opensearch::auth::Credentials;
use opensearch::cert::{Certificate, CertificateValidation};
use opensearch::http::Method;
use opensearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};

use super::exactly_once::Job;
use super::{Index, connector, error_of, key_and_number, read_with, rows, write_with};

/// A file of the test services' certificates.
fn certificate(name: &str) -> PathBuf {
    let folder = std::env::var("MILLSTREAM_TEST_CERTS").expect("MILLSTREAM_TEST_CERTS is a folder: `ctl with` sets it");
    PathBuf::from(folder).join(name)
}

pub fn authority(name: &str) -> String {
    certificate(name).display().to_string()
}

/// `https://localhost:port` of the node that all tests here share.
pub fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| super::own_node("secured", "opensearch-secured", ""))
}

/// A way to that node for a user who may do all.
pub fn transport(host: &str) -> Transport {
    let authority = std::fs::read(certificate("ca.pem")).unwrap();
    let validation = CertificateValidation::Full(Certificate::from_pem(&authority).unwrap());
    TransportBuilder::new(SingleNodeConnectionPool::new(host.parse().unwrap()))
        .auth(Credentials::Basic("millstream".into(), "millstream-secret".into()))
        .cert_validation(validation)
        .build()
        .unwrap()
}

fn secured(test: &str) -> Index {
    let name = format!("{test}-{}", uuid::Uuid::new_v4().simple());
    Index { host: host().to_string(), name, transport: transport(host()) }
}

/// What lets in.
fn entry(authority: &str) -> Vec<(&str, &str)> {
    vec![
        ("ssl.certificate-authorities", authority),
        ("username", "millstream"),
        ("password", "millstream-secret"),
        // So long that no test could wait for it.
        ("connection.max-retry-timeout", "1 h"),
    ]
}

/// `entry` with other values; an empty one removes the option.
fn table(index: &Index, key: Vec<usize>, changes: &[(&str, &str)]) -> TableDescriptor {
    let authority = authority("ca.pem");
    let kept = entry(&authority).into_iter().filter(|(key, _)| changes.iter().all(|(changed, _)| changed != key));
    let options: Vec<_> = kept.chain(changes.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
    index.table(key_and_number(), key, &options)
}

async fn write(table: &TableDescriptor) -> Result<()> {
    write_with(table, vec![rows(&[(Insert, "a", Some(1)), (Insert, "b", Some(2))])], &OpenContext::for_test()).await
}

async fn read(table: &TableDescriptor) -> Result<Vec<RecordBatch>> {
    read_with(table, super::scan(vec![0, 1]), &OpenContext::for_test()).await
}

/// The error of opening the table's sink, which nobody has waited for and which shows no password.
async fn refusal(table: &TableDescriptor) -> Error {
    let context = OpenContext::for_test();
    let error = error_of(connector().sink(table).unwrap().open(&context).await.map(|_| ()));
    assert_eq!(context.metrics.retries.load(std::sync::atomic::Ordering::Relaxed), 0, "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    error
}

#[tokio::test]
async fn rows_are_written_and_read_over_tls_with_a_password() {
    let index = secured("tls");
    let table = table(&index, vec![0], &[]);
    write(&table).await.unwrap();
    let expected = serde_json::json!([["a", {"k": "a", "n": 1}], ["b", {"k": "b", "n": 2}]]);
    assert_eq!(index.documents().await, expected);
    assert_eq!(read(&table).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
}

#[tokio::test]
async fn rejected_documents_become_dead_letters_over_tls_by_an_integration() {
    let index = secured("tls-dead");
    index.call(Method::Put, "/INDEX", Some(r#"{"mappings":{"properties":{"n":{"type":"byte"}}}}"#)).await;
    let integration = format!(
        "[integrations.search]\nconnector = \"opensearch\"\nhosts = \"{}\"\n\"ssl.certificate-authorities\" = \"{}\"\n\
         username = \"millstream\"\npassword = \"millstream-secret\"\n",
        index.host,
        authority("ca.pem")
    );
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("millstream.toml");
    std::fs::write(&config, integration).unwrap();
    let sql = format!(
        "CREATE TABLE letters (`table` STRING, stage STRING, error STRING) WITH ('connector' = 'opensearch', 'index' = '{0}-letters');
         CREATE TABLE t (k STRING, n INT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'opensearch', 'index' = '{0}',
           'error-handling.mode' = 'dead-letter', 'error-handling.table' = 'letters');
         INSERT INTO t VALUES ('a', 1), ('b', 1000), ('c', 3);",
        index.name
    );
    let config = config.to_str().unwrap();
    let ended =
        Command::new(env!("CARGO_BIN_EXE_millstream")).args(["run", "--config", config, "-e", &sql]).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains("1 rejected (1 write)"), "{said}");
    let mut keys: Vec<_> = index.all().await.iter().map(|d| d["k"].clone()).filter(|k| !k.is_null()).collect();
    keys.sort_by_key(ToString::to_string);
    assert_eq!(keys, ["a", "c"]);
    let letters = index.call(Method::Get, "/INDEX-letters/_search", None).await;
    let letter = &letters["hits"]["hits"][0]["_source"];
    assert_eq!((&letter["table"], &letter["stage"]), (&"t".into(), &"write".into()), "{letters}");
}

#[tokio::test]
async fn a_wrong_password_and_none_are_told_apart() {
    let index = secured("tls-password");
    let error = refusal(&table(&index, vec![], &[("password", "a-wrong-secret")])).await;
    assert_eq!(error.message(), format!("OpenSearch at {} doesn't accept the credentials (401)", host()));
    assert_eq!(error.hint(), Some("Check 'username' and 'password' of the table or its integration."));
    let error = refusal(&table(&index, vec![], &[("username", ""), ("password", "")])).await;
    assert_eq!(error.message(), format!("OpenSearch at {} wants credentials (401)", host()));
}

#[tokio::test]
async fn a_user_without_permission_is_told_what_is_missing() {
    let index = secured("tls-permission");
    let reader = [("username", "reader"), ("password", "reader-secret")];
    // The same for a table whose rejected rows are dropped: not the rows are wrong.
    for mode in ["fail", "skip"] {
        let table = table(&index, vec![], &[&reader[..], &[("error-handling.mode", mode)]].concat());
        let error = error_of(write(&table).await);
        let start = format!("OpenSearch at {} doesn't let index \"{}\" of table \"CPU_OUT_OS\"", host(), index.name);
        assert!(error.message().starts_with(&start), "{error}");
        assert!(error.message().contains("no permissions for [indices:admin/create]"), "{error}");
        assert!(error.hint().unwrap().starts_with("The user lacks a permission"), "{error}");
    }
    write(&table(&index, vec![], &[])).await.unwrap();
    let error = error_of(read(&table(&index, vec![], &reader)).await);
    assert!(error.message().contains("no permissions for [indices:data/read/search]"), "{error}");
    assert_eq!(error.hint(), Some("The user lacks a permission for this."));
}

#[tokio::test]
async fn exactly_once_needs_the_permission_to_keep_a_marker() {
    let index = secured("readable-once");
    let table = table(&index, vec![0], &[("username", "reader"), ("password", "reader-secret")]);
    let job = Job::new(&index, vec![&table]);
    let error = error_of(job.start(1).await.fence().await);
    let start = format!("cannot keep the marker of job \"job of {}\": OpenSearch at {}: ", index.name, host());
    assert!(error.message().starts_with(&start), "{error}");
    assert!(error.message().contains("no permissions for [indices:data/read/get]"), "{error}");
    assert!(
        error.hint().unwrap().ends_with("to read and write documents in the index \"millstream-epochs\"."),
        "{error}"
    );
}

#[tokio::test]
async fn a_user_who_may_only_read_reads() {
    let index = secured("readable");
    write(&table(&index, vec![0], &[])).await.unwrap();
    let readable = table(&index, vec![0], &[("username", "reader"), ("password", "reader-secret")]);
    index.documents().await;
    assert_eq!(read(&readable).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_names_the_option() {
    let index = secured("tls-trust");
    let message = format!("cannot reach OpenSearch at {}: its certificate is not trusted", host());
    let error = refusal(&table(&index, vec![], &[("ssl.certificate-authorities", "")])).await;
    assert_eq!(error.message(), message);
    let hint = "Name the PEM file with the certificate of its authority in 'ssl.certificate-authorities'.";
    assert_eq!(error.hint(), Some(hint));
    let stranger = authority("stranger-ca.pem");
    let error = refusal(&table(&index, vec![], &[("ssl.certificate-authorities", &stranger)])).await;
    assert_eq!(error.message(), message);
    let hint = format!("None of the certificates in '{stranger}' ('ssl.certificate-authorities') has signed it.");
    assert_eq!(error.hint(), Some(hint.as_str()));
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let index = secured("tls-host");
    let elsewhere = host().replace("localhost", "127.0.0.1");
    let error = refusal(&table(&index, vec![], &[("hosts", &elsewhere)])).await;
    let message = format!("cannot reach OpenSearch at {elsewhere}: its certificate is not for \"127.0.0.1\"");
    assert_eq!(error.message(), message);
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_refused() {
    let index = secured("tls-expired");
    let expired = expired_host();
    let error = refusal(&table(&index, vec![], &[("hosts", &expired)])).await;
    assert_eq!(error.message(), format!("cannot reach OpenSearch at {expired}: its certificate has expired"));
}

#[tokio::test]
async fn any_certificate_will_do_where_the_table_says_so() {
    let index = secured("tls-insecure");
    let elsewhere = host().replace("localhost", "127.0.0.1");
    let insecure = [("hosts", elsewhere.as_str()), ("ssl.certificate-authorities", ""), ("allow-insecure", "true")];
    write(&table(&index, vec![0], &insecure)).await.unwrap();
    assert_eq!(index.documents().await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn tls_and_none_are_told_apart() {
    let index = secured("tls-scheme");
    let plain = host().replace("https", "http");
    let error = refusal(&table(&index, vec![], &[("hosts", &plain), ("ssl.certificate-authorities", "")])).await;
    assert_eq!(error.message(), format!("cannot reach OpenSearch at {plain}: the port speaks TLS"));
    assert_eq!(error.hint(), Some(format!("Write the host as '{}'.", host()).as_str()));
    let open = Index::new("unused").host;
    let secure = open.replace("http", "https");
    let error = refusal(&table(&index, vec![], &[("hosts", &secure)])).await;
    assert_eq!(error.message(), format!("cannot reach OpenSearch at {secure}: the port doesn't speak TLS"));
    assert_eq!(error.hint(), Some(format!("Write the host as '{open}'.").as_str()));
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_is_named() {
    let index = secured("tls-file");
    let error = refusal(&table(&index, vec![], &[("ssl.certificate-authorities", "/no/ca.pem")])).await;
    let place = "of 'ssl.certificate-authorities' in table \"CPU_OUT_OS\" (connector \"opensearch-2\")";
    let expected = format!("cannot read the file '/no/ca.pem' {place}: No such file or directory (os error 2)");
    assert_eq!(error.message(), expected);
    let key = authority("server.key");
    let error = refusal(&table(&index, vec![], &[("ssl.certificate-authorities", &key)])).await;
    assert_eq!(error.message(), format!("the file '{key}' {place} holds no PEM certificate"));
}

/// A port of localhost whose certificate has ended, and which says nothing more.
#[allow(clippy::disallowed_methods)] // a thread of the test's, not of a job
fn expired_host() -> String {
    use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
    let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
    acceptor.set_private_key_file(certificate("expired.key"), SslFiletype::PEM).unwrap();
    acceptor.set_certificate_chain_file(certificate("expired.pem")).unwrap();
    let acceptor = acceptor.build();
    let listener = std::net::TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            _ = acceptor.accept(stream);
        }
    });
    format!("https://localhost:{port}")
}
