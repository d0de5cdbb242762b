//! Encrypted connections: what is checked, who is let in, and one clear error for each thing that is wrong.

use std::io::{Read, Write};
use std::path::PathBuf;

use arrow::array::{ArrayRef, Int32Array};
use millstream::Error;
use millstream::changelog::ChangelogBatch;
use millstream::connectors::LookupRequest;
use millstream::types::TypeKind as T;
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use openssl::symm::Cipher;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A file of the services' certificates.
fn cert(name: &str) -> String {
    let folder = std::env::var("MILLSTREAM_TEST_CERTS").expect("MILLSTREAM_TEST_CERTS names the test certificates");
    PathBuf::from(folder).join(name).display().to_string()
}

fn port() -> String {
    server().address.rsplit(':').next().unwrap().to_string()
}

fn encrypted() -> TableDescriptor {
    let columns = [("ssl", T::Boolean)];
    Db::descriptor("q", "q", &columns, 0)
}

const SSL: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

async fn refused(table: &TableDescriptor) -> Error {
    let (context, told) = context();
    let error = jdbc().sink(table).unwrap().open(&context).await.map(|_| ()).expect_err("a connection is refused");
    assert!(told.lock().unwrap().is_empty(), "{error} was tried again");
    error
}

/// A role that exists once for all tests.
async fn role(db: &Db, name: &str) {
    db.run(&format!(
        "DO $$ BEGIN CREATE ROLE {name} LOGIN PASSWORD 's3cret'; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    ))
    .await;
}

#[tokio::test]
async fn each_mode_encrypts_as_the_jdbc_driver_does() {
    let (ca, port) = (cert("ca.pem"), port());
    let system = "sslfactory=org.postgresql.ssl.NonValidatingFactory";
    let cases = [
        ("localhost", String::new(), "true"),
        ("localhost", "sslmode=prefer".into(), "true"),
        ("localhost", "sslmode=disable".into(), "false"),
        ("localhost", "sslmode=allow".into(), "false"),
        ("127.0.0.1", "sslmode=require".into(), "true"),
        ("127.0.0.1", format!("ssl=true&{system}"), "true"),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={ca}"), "true"),
        ("localhost", format!("sslmode=verify-full&sslrootcert={ca}"), "true"),
        ("localhost", format!("ssl=true&sslrootcert={ca}"), "true"),
        // A file with the server's own certificate trusts just that one.
        ("localhost", format!("ssl=true&sslrootcert={}", cert("server.pem")), "true"),
        ("localhost", format!("ssl=true&sslrootcert={ca}&channelBinding=require"), "true"),
    ];
    for (host, parameters, expected) in cases {
        let table = by(encrypted(), &format!("{host}:{port}"), &parameters);
        assert_eq!(asked(&table, SSL).await.expect(&parameters), [expected], "{parameters}");
    }
}

#[tokio::test]
async fn sink_scan_and_lookup_work_over_a_verified_connection() {
    let db = Db::new().await;
    db.run("CREATE TABLE t (a int PRIMARY KEY, b int)").await;
    let parameters = format!("sslmode=verify-full&sslrootcert={}", cert("ca.pem"));
    let table = db.table("t", &[("a", T::Int), ("b", T::Int)], 1);
    let table = by(table, &format!("localhost:{}", port()), &parameters);
    let ints = |values: Vec<i32>| -> ArrayRef { Arc::new(Int32Array::from(values)) };
    let rows = RecordBatch::try_new(table.columns.arrow(), vec![ints(vec![1, 2]), ints(vec![10, 20])]).unwrap();
    let context = OpenContext::for_test();
    let mut writer = jdbc().sink(&table).unwrap().open(&context).await.unwrap();
    writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
    writer.flush().await.unwrap();
    let mut read = read(&*jdbc().source(&table).unwrap()).await.unwrap();
    read.sort();
    assert_eq!(read, ["1|10", "2|20"]);
    let request = LookupRequest { key_columns: vec![0], projection: vec![1], filters: vec![] };
    let lookup = jdbc().lookup(&table).unwrap().open(&request, &context).await.unwrap();
    let keys = RecordBatch::try_from_iter([("a", ints(vec![2]))]).unwrap();
    assert_eq!(text(&lookup.lookup(&keys).await.unwrap().rows), ["20"]);
    db.drop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_once_and_clearly() {
    let db = Db::new().await;
    role(&db, "tls_only").await;
    role(&db, "millstream").await;
    let (ca, client) = (cert("ca.pem"), cert("client.pem"));
    let (localhost, number) = (format!("localhost:{}", port()), format!("127.0.0.1:{}", port()));
    let verify = format!("sslmode=verify-full&sslrootcert={ca}");
    const LOGIN: &str = "Check the options 'username' and 'password'. PostgreSQL does not say which of them is wrong.";
    let cases: Vec<(&str, String, &str, &[&str])> = vec![
        ("", verify.clone(), "wrong", &["password authentication failed for user", LOGIN]),
        ("nobody_of_that_name", verify.clone(), "s3cret", &["failed for user \"nobody_of_that_name\"", LOGIN]),
        ("", verify.replace("ca.pem", "stranger-ca.pem"), "", &["its certificate is not trusted: ", "sslrootcert"]),
        ("", verify.replace("ca.pem", "no-ca.pem"), "", &["cannot read sslrootcert=", "no-ca.pem: No such file"]),
        ("", verify.replace("ca.pem", "server.key"), "", &["server.key holds no certificate", "PEM"]),
        ("tls_only", "sslmode=disable".into(), "s3cret", &["pg_hba.conf", "no encryption", "may want TLS"]),
        ("millstream", verify.clone(), "s3cret", &["valid client certificate", "sslcert and sslkey"]),
        ("millstream", format!("{verify}&sslcert={client}"), "", &["sslcert without sslkey"]),
        ("millstream", format!("{verify}&sslkey={client}"), "", &["sslkey without sslcert"]),
        (
            "millstream",
            format!("{verify}&sslcert={client}&sslkey={}", cert("server.key")),
            "",
            &["is not the key of sslcert="],
        ),
        ("millstream", format!("{verify}&sslcert={client}&sslkey={ca}"), "", &["it holds no private key in PEM"]),
        (
            "millstream",
            format!("{verify}&sslcert={client}&sslkey={}", cert("encrypted.key")),
            "",
            &["encrypted.key: it is encrypted", "sslpassword"],
        ),
        (
            "millstream",
            format!("{verify}&sslcert={client}&sslkey={}&sslpassword=s3cret", cert("encrypted.key")),
            "",
            &["encrypted.key: the sslpassword is wrong"],
        ),
        (
            "millstream",
            format!("{verify}&sslkey={}&sslpassword=s3cret", cert("client.p12")),
            "",
            &["client.p12: the sslpassword is wrong"],
        ),
    ];
    for (user, parameters, password, parts) in cases {
        let mut table = by(encrypted(), &localhost, &parameters);
        if !user.is_empty() {
            table = with(table, &[("username", user)]);
        }
        if !password.is_empty() {
            table = with(table, &[("password", password)]);
        }
        let error = refused(&table).await;
        let text = error.to_string();
        assert!(text.contains(&format!("cannot connect to PostgreSQL at {localhost}/")), "{text}");
        for part in parts {
            assert!(text.contains(part), "{parameters}: {text}\nlacks: {part}");
        }
        assert!(!text.contains("s3cret"), "{text}");
        assert!(!error.is_retriable(), "{text}");
    }
    let wrong_name = refused(&by(encrypted(), &number, &verify)).await.to_string();
    assert!(wrong_name.contains("its certificate is for \"localhost\", not for \"127.0.0.1\""), "{wrong_name}");
    assert!(wrong_name.contains("sslmode=verify-ca checks only who signed it"), "{wrong_name}");
    db.drop().await;
}

#[tokio::test]
async fn a_client_certificate_that_the_server_does_not_accept_is_named_with_its_fault() {
    let db = Db::new().await;
    role(&db, "millstream").await;
    for (name, fault) in
        [("stranger-client", "it doesn't trust the authority that has signed it"), ("expired-client", "it has expired")]
    {
        let identity = format!("sslcert={}&sslkey={}", cert(&format!("{name}.pem")), cert(&format!("{name}.key")));
        let parameters = format!("sslmode=verify-full&sslrootcert={}&{identity}", cert("ca.pem"));
        let table = by(encrypted(), &format!("localhost:{}", port()), &parameters);
        // The server hangs up behind its word: who is still sending then may miss it, and try again.
        let error = asked(&with(table, &[("username", "millstream")]), SSL).await.unwrap_err();
        let expected = format!("the server doesn't accept the client's certificate: {fault}");
        assert!(error.message().ends_with(&expected), "{error}");
        assert!(error.hint().unwrap().contains("sslcert and sslkey"), "{error}");
        assert!(!error.is_retriable(), "{error}");
    }
    db.drop().await;
}

#[tokio::test]
async fn a_client_certificate_is_read_in_every_form() {
    let db = Db::new().await;
    role(&db, "millstream").await;
    db.run("GRANT CONNECT ON DATABASE defaultdb TO millstream").await;
    let folder = tempfile::tempdir().unwrap();
    let key = PKey::private_key_from_pem(&std::fs::read(cert("client.key")).unwrap()).unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let plain = file("plain.pk8", key.private_key_to_pkcs8().unwrap());
    let locked = key.private_key_to_pkcs8_passphrase(Cipher::aes_256_cbc(), b"changeit").unwrap();
    let locked = file("locked.pk8", locked);
    let certificate = format!("sslcert={}", cert("client.pem"));
    let cases = [
        format!("{certificate}&sslkey={}", cert("client.key")),
        format!("{certificate}&sslkey={}&sslpassword=changeit", cert("encrypted.key")),
        format!("{certificate}&sslkey={plain}"),
        format!("{certificate}&sslkey={locked}&sslpassword=changeit"),
        format!("sslkey={}&sslpassword=changeit", cert("client.p12")),
    ];
    for identity in cases {
        let parameters = format!("sslmode=verify-full&sslrootcert={}&{identity}", cert("ca.pem"));
        let table = by(encrypted(), &format!("localhost:{}", port()), &parameters);
        let table = with(table, &[("username", "millstream"), ("password", "")]);
        assert_eq!(asked(&table, SSL).await.expect(&identity), ["true"], "{identity}");
    }
    db.drop().await;
}

#[tokio::test]
async fn a_user_who_must_use_tls_is_let_in_where_the_mode_allows_it() {
    let db = Db::new().await;
    role(&db, "tls_only").await;
    for mode in ["allow", "prefer", "require"] {
        let table = by(encrypted(), &server().address, &format!("sslmode={mode}"));
        let table = with(table, &[("username", "tls_only"), ("password", "s3cret")]);
        assert_eq!(asked(&table, SSL).await.expect(mode), ["true"], "{mode}");
    }
    db.drop().await;
}

/// A server that says it has no TLS; otherwise the real one.
async fn without_tls() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut inner, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut first = [0; 8];
                inner.read_exact(&mut first).await.unwrap();
                let mut outer = TcpStream::connect(server().address).await.unwrap();
                // The code that asks for TLS.
                if first[4..] == 80_877_103_u32.to_be_bytes() {
                    inner.write_all(b"N").await.unwrap();
                } else {
                    outer.write_all(&first).await.unwrap();
                }
                let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn a_server_without_tls_is_good_enough_unless_tls_is_required() {
    let address = without_tls().await;
    for mode in ["prefer", "allow", "disable"] {
        let table = by(encrypted(), &address, &format!("sslmode={mode}"));
        assert_eq!(asked(&table, SSL).await.expect(mode), ["false"], "{mode}");
    }
    for mode in ["require".to_string(), format!("verify-full&sslrootcert={}", cert("ca.pem"))] {
        let error = refused(&by(encrypted(), &address, &format!("sslmode={mode}"))).await.to_string();
        assert!(error.contains(&format!("cannot connect to PostgreSQL at {address}")), "{error}");
        assert!(error.contains("the server has no TLS") && error.contains("sslmode=prefer"), "{error}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_with_its_date() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate_chain_file(cert("expired.pem")).unwrap();
    acceptor.set_private_key_file(cert("expired.key"), SslFiletype::PEM).unwrap();
    let acceptor = acceptor.build();
    let serving = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.read_exact(&mut [0; 8]).unwrap();
        stream.write_all(b"S").unwrap();
        assert!(acceptor.accept(stream).is_err(), "an expired certificate was accepted");
    });
    let parameters = format!("sslmode=verify-full&sslrootcert={}", cert("ca.pem"));
    let error = refused(&by(encrypted(), &format!("localhost:{port}"), &parameters)).await.to_string();
    assert!(error.contains("its certificate has expired: it ended "), "{error}");
    assert!(error.contains("must renew it"), "{error}");
    serving.join().unwrap();
}
