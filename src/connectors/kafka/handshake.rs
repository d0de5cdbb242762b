//! Why a connection fails before it stands: librdkafka says that a certificate isn't accepted, not why, so we look at
//! it ourselves.

use rdkafka::ClientConfig;

/// What is wrong, and what to do about it; an empty hint is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub why: String,
    pub hint: &'static str,
}

/// What to look at where a port breaks off a TLS handshake, and where one breaks off without it.
pub const MAYBE_NO_TLS: &str = "Perhaps the port doesn't speak TLS: check 'properties.security.protocol' and the port in \
                                'properties.bootstrap.servers'.";
pub const MAYBE_TLS: &str = "Perhaps the port speaks TLS: check 'properties.security.protocol' and the port in \
                         'properties.bootstrap.servers'.";

/// What a connection means that ended before the broker said a word. librdkafka words it in several ways, by chance,
/// but always names the state.
pub fn broken_off(reason: &str) -> Option<Fault> {
    let (from, what) = reason.split_once(": ")?;
    let is_tls = from.contains("ssl://");
    let (when, hint) = if what.contains("in state SSL_HANDSHAKE") && what.contains("Disconnected") {
        ("in the TLS handshake", MAYBE_NO_TLS)
    } else if !is_tls
        && what.contains("in state APIVERSION_QUERY")
        // The latter: a TLS alert, taken for the length of an answer.
        && (what.contains("Disconnected") || what.contains("Invalid response size"))
    {
        ("before the broker said its version", MAYBE_TLS)
    } else {
        return None;
    };
    Some(Fault { why: format!("{from}: the connection was closed {when}"), hint })
}

/// What a broker means that ends a connection with an alert: as a rule it wants another certificate of ours.
/// <https://datatracker.ietf.org/doc/html/rfc8446#section-6.2>
pub fn refused(reason: &str, config: &ClientConfig) -> Fault {
    let number = reason.split_once("alert number ").map_or("", |(_, rest)| rest);
    let number: Option<u8> = number.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    match number {
        Some(40 | 70 | 71) => {
            let hint = "TLS 1.2 and 1.3 are spoken here; 'properties.ssl.cipher.suites' narrows the ciphers.";
            return Fault { why: "the broker and we have no version of TLS or no cipher in common".to_string(), hint };
        }
        Some(112) => {
            let hint = "Use a name in 'properties.bootstrap.servers' that the broker goes by.";
            return Fault { why: "the broker doesn't know the name that we call it by".to_string(), hint };
        }
        // 41 to 49 and 116 speak of certificates.
        Some(41..=49 | 116) | None => {}
        Some(other) => {
            return Fault { why: format!("the broker ended the TLS connection (alert {other})"), hint: "" };
        }
    }
    let has_one = ["ssl.certificate.pem", "ssl.certificate.location", "ssl.keystore.location"]
        .iter()
        .any(|key| config.get(key).is_some());
    let alert = reason.split_once("alert ").map_or(reason, |(_, rest)| rest);
    let alert = alert.split(':').next().unwrap_or(alert);
    if !has_one {
        let hint =
            "Name it with 'properties.ssl.keystore.location' (and 'properties.ssl.keystore.type' = 'PEM' or 'PKCS12').";
        return Fault { why: format!("the broker wants a certificate of ours, and none is set ({alert})"), hint };
    }
    let refused = "the broker doesn't accept our certificate";
    let ours = own_certificate(config);
    if let Some(ended) = ours.as_ref().and_then(|ours| ours.ended.as_ref()) {
        let hint = "Renew it, and name the new one with 'properties.ssl.keystore.location'.";
        return Fault { why: format!("{refused}: it has expired ({ended})"), hint };
    }
    let signer =
        ours.and_then(|ours| ours.signer).map_or(String::new(), |name| format!(", which \"{name}\" has signed"));
    let hint = "Give one with 'properties.ssl.keystore.location' that an authority has signed which the broker trusts.";
    Fault { why: format!("{refused}{signer} ({alert})"), hint }
}

/// What there is to say of our own certificate.
struct OwnCertificate {
    /// When it ended, if it has.
    ended: Option<String>,
    /// The common name of the authority that has signed it.
    signer: Option<String>,
}

/// The certificate that librdkafka shows for these settings.
#[cfg(feature = "tls")]
fn own_certificate(config: &ClientConfig) -> Option<OwnCertificate> {
    use std::fs;

    use openssl::asn1::Asn1Time;
    use openssl::nid::Nid;
    use openssl::pkcs12::Pkcs12;
    use openssl::x509::X509;

    let certificate = if let Some(pem) = config.get("ssl.certificate.pem") {
        X509::from_pem(pem.as_bytes()).ok()?
    } else if let Some(path) = config.get("ssl.certificate.location") {
        X509::from_pem(&fs::read(path).ok()?).ok()?
    } else {
        let store = Pkcs12::from_der(&fs::read(config.get("ssl.keystore.location")?).ok()?).ok()?;
        store.parse2(config.get("ssl.keystore.password").unwrap_or_default()).ok()?.cert?
    };
    let end = certificate.not_after();
    let ended = end.compare(&*Asn1Time::days_from_now(0).ok()?).ok()?.is_lt();
    let signer = certificate.issuer_name().entries_by_nid(Nid::COMMONNAME).next();
    let signer = signer.and_then(|name| name.data().to_string().ok());
    Some(OwnCertificate { ended: ended.then(|| end.to_string()), signer })
}

/// Without TLS there are no certificates.
#[cfg(not(feature = "tls"))]
fn own_certificate(_config: &ClientConfig) -> Option<OwnCertificate> {
    None
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
    use openssl::x509::X509VerifyResult;

    const PATIENCE: Duration = Duration::from_secs(5);

    let (host, port) = super::address::host_and_port(address)?;
    let mut builder = SslConnector::builder(SslMethod::tls_client()).ok()?;
    builder.set_cert_store(super::lean::trusted(config).ok()?);
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
        (host, port).to_socket_addrs().ok()?.find_map(|address| TcpStream::connect_timeout(&address, PATIENCE).ok())?;
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
    fn what_breaks_off_before_a_word_is_told_from_what_breaks_off_later() {
        let why = |reason: &str| broken_off(reason).map(|fault| fault.why);
        let before = Some("h:1/bootstrap: the connection was closed before the broker said its version".to_string());
        let closed = "Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol";
        assert_eq!(why(&format!("h:1/bootstrap: {closed} (after 1ms in state APIVERSION_QUERY)")), before);
        let alert = "Receive failed: Invalid response size 352518912 (0..1000)";
        assert_eq!(why(&format!("h:1/bootstrap: {alert} (after 1ms in state APIVERSION_QUERY)")), before);
        assert_eq!(why("h:1/1: Disconnected (after 20ms in state UP)"), None);
        assert_eq!(why("ssl://h:1/1: Receive failed: SSL connection closed by peer (after 20ms in state UP)"), None);
        assert_eq!(why("ssl://h:1/1: Connection setup timed out in state SSL_HANDSHAKE"), None);
    }

    #[test]
    fn an_alert_is_told_by_its_number() {
        let told = |number: u8| {
            let reason = format!("SSL handshake failed: error:0A: SSL routines::alert: SSL alert number {number}");
            refused(&reason, &ClientConfig::new()).why
        };
        for number in [42, 45, 46, 48, 116] {
            assert!(told(number).starts_with("the broker wants a certificate of ours"), "{number}");
        }
        for number in [40, 70] {
            assert_eq!(told(number), "the broker and we have no version of TLS or no cipher in common");
        }
        assert_eq!(told(112), "the broker doesn't know the name that we call it by");
        assert_eq!(told(80), "the broker ended the TLS connection (alert 80)");
    }

    #[test]
    fn the_address_is_read_out_of_a_message() {
        assert_eq!(address("ssl://b.example:9093/bootstrap: SSL handshake failed"), Some("b.example:9093"));
        assert_eq!(address("sasl_ssl://[::1]:9093/3: SSL handshake failed"), Some("[::1]:9093"));
        assert_eq!(address("nothing of that kind"), None);
    }
}
