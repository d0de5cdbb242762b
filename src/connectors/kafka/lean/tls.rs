//! TLS around a connection, by OpenSSL, with the settings that librdkafka would get.

use std::path::Path;

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod};
use openssl::x509::X509;
use openssl::x509::store::X509Store;
use rdkafka::ClientConfig;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::connection::Failure;
use crate::connectors::authorities;
use crate::connectors::kafka::address;
use crate::error::{Error, Result};

/// Whom to trust, and who we are.
#[derive(Clone)]
pub struct Tls {
    connector: SslConnector,
    checks_host: bool,
}

impl Tls {
    /// # Errors
    /// A certificate or a key that can't be used.
    pub fn new(config: &ClientConfig) -> Result<Self> {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(wrong)?;
        builder.set_cert_store(trusted(config)?);
        for (key, what) in [("ssl.certificate.location", "certificate"), ("ssl.key.location", "key")] {
            if let Some(path) = config.get(key) {
                std::fs::metadata(path)
                    .map_err(|error| Error::statement(format!("cannot read the {what} {path}: {error}")))?;
            }
        }
        show(config, &mut builder).map_err(wrong)?;
        let checks_host = config.get("ssl.endpoint.identification.algorithm") != Some("none");
        Ok(Self { connector: builder.build(), checks_host })
    }

    /// Shakes hands with the broker of that name.
    pub async fn wrap(&self, address: &str, stream: TcpStream) -> Result<SslStream<TcpStream>, Failure> {
        let host = address::host_and_port(address).map_or(address, |(host, _)| host);
        let failed = |why: String| Failure::Tls(format!("ssl://{address}/native: SSL handshake failed: {why}"));
        let broken = |error: ErrorStack| failed(error.to_string());
        let mut configuration = self.connector.configure().map_err(broken)?;
        configuration.set_verify_hostname(self.checks_host);
        let ssl = configuration.into_ssl(host).map_err(broken)?;
        let mut stream = SslStream::new(ssl, stream).map_err(broken)?;
        match std::pin::Pin::new(&mut stream).connect().await {
            Ok(()) => Ok(stream),
            Err(error) if error.ssl_error().is_some() => Err(failed(error.to_string())),
            Err(_) => Err(Failure::BrokenOff { in_tls: true }),
        }
    }
}

/// Whom these (loaded) settings trust, and nobody else.
///
/// # Errors
/// A file that can't be read, or holds no certificate.
pub fn trusted(config: &ClientConfig) -> Result<X509Store> {
    let mut trusted = Vec::new();
    let mut add = |what: &str, bytes: &[u8]| match authorities::certificates(bytes) {
        Some(found) => {
            trusted.extend(found);
            Ok(())
        }
        None => Err(Error::statement(format!("there is no certificate in {what}"))),
    };
    if let Some(pem) = config.get("ssl.ca.pem") {
        add("the trust store for Kafka", pem.as_bytes())?;
    }
    if let Some(path) = config.get("ssl.ca.location") {
        let unread = |error| Error::statement(format!("cannot read the trusted certificates in {path}: {error}"));
        if Path::new(path).is_dir() {
            trusted.extend(authorities::in_folder(Path::new(path)).map_err(unread)?);
        } else {
            add(path, &std::fs::read(path).map_err(unread)?)?;
        }
    }
    Ok(authorities::store(trusted).map_err(wrong)?.build())
}

fn wrong(error: ErrorStack) -> Error {
    Error::statement(format!("the certificates for Kafka can't be used: {error}"))
}

fn show(config: &ClientConfig, builder: &mut SslConnectorBuilder) -> Result<(), ErrorStack> {
    let text = |pem: &str, location: &str| {
        let file = || config.get(location).and_then(|path| std::fs::read(path).ok());
        config.get(pem).map(|pem| pem.as_bytes().to_vec()).or_else(file)
    };
    if let Some(chain) = text("ssl.certificate.pem", "ssl.certificate.location") {
        show_chain(X509::stack_from_pem(&chain)?, builder)?;
    }
    if let Some(pem) = text("ssl.key.pem", "ssl.key.location") {
        let password = config.get("ssl.key.password").unwrap_or_default();
        let key: PKey<Private> = PKey::private_key_from_pem_passphrase(&pem, password.as_bytes())?;
        builder.set_private_key(&key)?;
    }
    if let Some(store) = config.get("ssl.keystore.location").and_then(|path| std::fs::read(path).ok()) {
        let password = config.get("ssl.keystore.password").unwrap_or_default();
        let store = Pkcs12::from_der(&store)?.parse2(password)?;
        let authorities = store.ca.into_iter().flatten();
        show_chain(store.cert.into_iter().chain(authorities).collect(), builder)?;
        if let Some(key) = store.pkey {
            builder.set_private_key(&key)?;
        }
    }
    Ok(())
}

/// Our own certificate comes first.
fn show_chain(chain: Vec<X509>, builder: &mut SslConnectorBuilder) -> Result<(), ErrorStack> {
    let mut chain = chain.into_iter();
    if let Some(ours) = chain.next() {
        builder.set_certificate(&ours)?;
    }
    chain.try_for_each(|authority| builder.add_extra_chain_cert(authority))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use openssl::stack::Stack;
    use openssl::x509::X509StoreContext;
    use openssl::x509::store::X509StoreRef;

    use super::*;
    use crate::connectors::authorities::testing as authority;
    use crate::connectors::kafka::options::KafkaOptions;
    use crate::connectors::kafka::properties::{KafkaProperties, Role};
    use crate::connectors::kafka::testing::table;

    fn accepts(store: &X509StoreRef, certificate: &X509) -> bool {
        let none = Stack::new().unwrap();
        X509StoreContext::new().unwrap().init(store, certificate, &none, |context| context.verify_cert()).unwrap()
    }

    fn tls(more: &[(&str, &str)]) -> Tls {
        let options = [&[("properties.security.protocol", "SSL")], more].concat();
        let options = KafkaOptions::check(&table("a INT", &options)).unwrap().options;
        let properties = KafkaProperties::build(&options, Role::Consumer, "g").unwrap();
        Tls::new(&properties.loaded().unwrap().config).unwrap()
    }

    /// In a process of its own, since the environment belongs to all threads.
    #[test]
    fn who_names_authorities_trusts_no_others_and_who_names_none_trusts_the_systems() {
        const CHILD: &str = "MILLSTREAM_TEST_IN_CHILD";
        let Some(file) = std::env::var_os(CHILD) else {
            let folder = tempfile::tempdir().unwrap();
            let systems = authority("the system's");
            let file = folder.path().join(format!("{:08x}.0", systems.subject_name_hash()));
            std::fs::write(&file, systems.to_pem().unwrap()).unwrap();
            let module = module_path!().split_once("::").unwrap().1;
            let name =
                format!("{module}::who_names_authorities_trusts_no_others_and_who_names_none_trusts_the_systems");
            for (variable, path) in [("SSL_CERT_FILE", &*file), ("SSL_CERT_DIR", folder.path())] {
                let mut child = Command::new(std::env::current_exe().unwrap());
                child.args([name.as_str(), "--exact"]).env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
                let output = child.env(variable, path).env(CHILD, &file).output().unwrap();
                let said = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success() && said.contains("1 passed"), "{variable}: {said}");
            }
            return;
        };
        let systems = X509::from_pem(&std::fs::read(file).unwrap()).unwrap();
        let named = authority("named");
        // OpenSSL itself looks there, and so it is meant.
        let left_alone = SslConnector::builder(SslMethod::tls_client()).unwrap().build();
        assert!(accepts(left_alone.context().cert_store(), &systems), "the environment counts");

        let pem = String::from_utf8(named.to_pem().unwrap()).unwrap();
        let pins = tls(&[("properties.ssl.truststore.type", "PEM"), ("properties.ssl.truststore.certificates", &pem)]);
        let store = pins.connector.context().cert_store();
        assert!(accepts(store, &named) && !accepts(store, &systems));

        let names_none = tls(&[]);
        let store = names_none.connector.context().cert_store();
        assert!(accepts(store, &systems) && !accepts(store, &named));
    }
}
