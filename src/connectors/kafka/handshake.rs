//! Why a broker's certificate is not accepted: librdkafka says only that it isn't, so we look at it ourselves.

use rdkafka::ClientConfig;

/// What is wrong with a certificate, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub why: String,
    pub hint: &'static str,
}

/// The `host:port` in what librdkafka says: `ssl://broker:9093/bootstrap: SSL handshake failed: ...`.
pub fn address(reason: &str) -> Option<&str> {
    let rest = reason.split_once("://")?.1;
    rest.split(['/', ' ']).next().filter(|address| address.contains(':'))
}

/// Shakes hands with the broker at `address` as a client of these settings would; blocks for some seconds at most.
/// None where there is nothing to find fault with, or nobody answers.
#[cfg(feature = "tls")]
pub fn fault(address: &str, config: &ClientConfig) -> Option<Fault> {
    use std::net::{TcpStream, ToSocketAddrs};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
    use openssl::x509::{X509, X509VerifyResult};

    const PATIENCE: Duration = Duration::from_secs(5);

    let host = address.rsplit_once(':')?.0.trim_matches(['[', ']']);
    let mut builder = SslConnector::builder(SslMethod::tls_client()).ok()?;
    if let Some(pem) = config.get("ssl.ca.pem") {
        for certificate in X509::stack_from_pem(pem.as_bytes()).ok()? {
            builder.cert_store_mut().add_cert(certificate).ok()?;
        }
    }
    if let Some(path) = config.get("ssl.ca.location") {
        builder.set_ca_file(path).ok()?;
    }
    let fault: Arc<Mutex<Option<Fault>>> = Arc::default();
    let (found, asked) = (fault.clone(), host.to_string());
    builder.set_verify_callback(SslVerifyMode::PEER, move |accepted, chain| {
        if !accepted {
            let shown = chain.current_cert().map(|cert| (names(cert), cert.not_after().to_string()));
            let (names, ended) = shown.unwrap_or_default();
            let error = chain.error();
            let words = match error {
                X509VerifyResult::OK => return true,
                error => error.error_string().to_lowercase(),
            };
            let fault = if words.contains("expired") {
                let hint = "Give the broker a certificate that is valid, or set the clock of this machine right.";
                Fault { why: format!("the certificate of {asked} has expired ({ended})"), hint }
            } else if words.contains("hostname") || words.contains("ip address") {
                let hint = "Use the name in the certificate in 'properties.bootstrap.servers' (and as the broker's \
                            advertised listener), or switch the check off with \
                            'properties.ssl.endpoint.identification.algorithm' = ''.";
                Fault { why: format!("the certificate is for {names}, not for {asked}"), hint }
            } else {
                let hint = "Name the authority that signed it with 'properties.ssl.truststore.location' (and \
                            'properties.ssl.truststore.type' = 'PEM' or 'PKCS12').";
                Fault { why: format!("the certificate of {asked} is not trusted: {words}"), hint }
            };
            found.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        }
        accepted
    });
    let mut connect = builder.build().configure().ok()?;
    connect.set_verify_hostname(config.get("ssl.endpoint.identification.algorithm") != Some("none"));
    let stream =
        address.to_socket_addrs().ok()?.find_map(|address| TcpStream::connect_timeout(&address, PATIENCE).ok())?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    // The callback keeps what it has seen; the handshake's own error says less.
    let _ = connect.connect(host, stream);
    let mut seen = fault.lock().unwrap_or_else(PoisonError::into_inner);
    seen.take()
}

/// Without TLS there are no certificates.
#[cfg(not(feature = "tls"))]
pub fn fault(_address: &str, _config: &ClientConfig) -> Option<Fault> {
    None
}

/// The hosts that a certificate is for.
#[cfg(feature = "tls")]
fn names(certificate: &openssl::x509::X509Ref) -> String {
    let names = certificate.subject_alt_names();
    let names = names.iter().flatten().filter_map(|name| name.dnsname().map(str::to_string));
    let names: Vec<_> = names.collect();
    if names.is_empty() { "another host".to_string() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_out_of_a_message() {
        assert_eq!(address("ssl://b.example:9093/bootstrap: SSL handshake failed"), Some("b.example:9093"));
        assert_eq!(address("sasl_ssl://[::1]:9093/3: SSL handshake failed"), Some("[::1]:9093"));
        assert_eq!(address("nothing of that kind"), None);
    }
}
