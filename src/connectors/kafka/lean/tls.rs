//! TLS around a connection, by OpenSSL, with the settings that librdkafka would get.

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod};
use openssl::x509::X509;
use rdkafka::ClientConfig;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::connection::Failure;
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
        let wrong = |error: ErrorStack| Error::statement(format!("the certificates for Kafka can't be used: {error}"));
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(wrong)?;
        trust(config, &mut builder).map_err(wrong)?;
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
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
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

fn trust(config: &ClientConfig, builder: &mut SslConnectorBuilder) -> Result<(), ErrorStack> {
    if let Some(pem) = config.get("ssl.ca.pem") {
        for certificate in X509::stack_from_pem(pem.as_bytes())? {
            builder.cert_store_mut().add_cert(certificate)?;
        }
    }
    config.get("ssl.ca.location").map_or(Ok(()), |path| builder.set_ca_file(path))
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
