//! TLS to the service: whom to trust, and what is wrong where that fails.

use std::path::PathBuf;

use opensearch::http::Url;

use crate::error::{Error, Result};

/// The option that names the file of authorities.
pub const AUTHORITIES: &str = "ssl.certificate-authorities";

/// Whom a table trusts.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// A file of PEM certificates, trusted beside those of the system.
    pub authorities: Option<PathBuf>,
    /// Any certificate will do.
    pub allow_insecure: bool,
    /// How messages name the table.
    pub owner: String,
}

#[cfg(feature = "tls")]
mod validation {
    use opensearch::cert::{Certificate, CertificateValidation};

    use super::{AUTHORITIES, TlsOptions};
    use crate::error::{Error, Result};

    /// The text of the file of authorities, read once for all nodes; empty without one.
    pub async fn read_authorities(tls: &TlsOptions) -> Result<Vec<u8>> {
        let Some(path) = &tls.authorities else { return Ok(Vec::new()) };
        tokio::fs::read(path).await.map_err(|e| {
            let file = path.display();
            Error::external(format!("cannot read the file '{file}' of '{AUTHORITIES}' in {}: {e}", tls.owner))
                .with_hint("It must be a file of PEM certificates on the machine that runs the job.")
        })
    }

    /// What a node's certificate must be like.
    pub fn validation(tls: &TlsOptions, authorities: &[u8]) -> Result<CertificateValidation> {
        let Some(path) = &tls.authorities else {
            return Ok(match tls.allow_insecure {
                true => CertificateValidation::None,
                false => CertificateValidation::Default,
            });
        };
        let certificate = Certificate::from_pem(authorities).map_err(|_| {
            let file = path.display();
            Error::external(format!("the file '{file}' of '{AUTHORITIES}' in {} holds no PEM certificate", tls.owner))
                .with_hint(
                    "One of a Java keystore is written as PEM by: keytool -exportcert -rfc -keystore STORE -alias \
                     ALIAS -file ca.pem",
                )
        })?;
        Ok(CertificateValidation::Full(certificate))
    }
}

#[cfg(feature = "tls")]
pub use validation::{read_authorities, validation};

/// That a binary built without TLS has none.
pub fn check_scheme(url: &Url, owner: &str) -> Result<()> {
    if url.scheme() == "https" && !cfg!(feature = "tls") {
        let error =
            Error::statement(format!("{owner} has an 'https://' host, and this millstream is built without TLS"));
        return Err(error.with_hint("Build it with the feature 'tls', which is on by default."));
    }
    Ok(())
}

/// What is wrong between us and a node that trying again doesn't mend, by the words of OpenSSL.
pub fn fault(words: &str, service: &str, url: &Url, tls: &TlsOptions) -> Option<Error> {
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let host = url.host_str().unwrap_or_default();
    let (why, hint) = if says(&["certificate has expired"]) {
        (
            "its certificate has expired".to_string(),
            "It needs a new one, unless the clock of this machine is wrong.".into(),
        )
    } else if says(&["certificate is not yet valid"]) {
        ("its certificate is not valid yet".to_string(), "Compare its dates with the clock of this machine.".into())
    } else if says(&["hostname mismatch", "IP address mismatch"]) {
        (
            format!("its certificate is not for \"{host}\""),
            "Write the host in 'hosts' as its certificate names it.".into(),
        )
    } else if says(&["self-signed certificate", "self signed certificate", "issuer certificate", "first certificate"]) {
        let hint = match &tls.authorities {
            Some(path) => format!("None of the certificates in '{}' ('{AUTHORITIES}') has signed it.", path.display()),
            None => format!("Name the PEM file with the certificate of its authority in '{AUTHORITIES}'."),
        };
        ("its certificate is not trusted".to_string(), hint)
    } else if says(&["certificate verify failed"]) {
        let reason = words.rsplit_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(reason, _)| reason);
        (format!("its certificate is refused: {reason}"), format!("'{AUTHORITIES}' names whom to trust."))
    } else if says(&["wrong version number", "http request", "packet length too long"]) {
        ("the port doesn't speak TLS".to_string(), format!("Write the host as '{}'.", with_scheme(url, "http")))
    } else if says(&["certificate required", "alert bad certificate"]) {
        let hint = "A user and a password are what can be shown here, by 'username' and 'password'.";
        ("it wants a certificate of ours".to_string(), hint.into())
    } else if says(&["unsupported protocol", "alert protocol version", "handshake failure"]) {
        let hint = "TLS 1.2 and 1.3 are spoken here.";
        ("it speaks no version of TLS, or no cipher, that is known here".to_string(), hint.into())
    } else {
        return None;
    };
    Some(Error::external(format!("cannot reach {service}: {why}")).with_hint(hint))
}

/// What the system says, where OpenSSL wraps its number: `error:80000068:system library:...`.
pub fn system_words(reason: String) -> String {
    let number = reason.strip_prefix("error:8").and_then(|rest| rest.split_once(':')).map(|(number, _)| number);
    match number.and_then(|number| i32::from_str_radix(number, 16).ok()) {
        Some(number) => std::io::Error::from_raw_os_error(number).to_string(),
        None => reason,
    }
}

/// That a node answers in TLS to a request without.
pub fn wants_tls(service: &str, url: &Url) -> Error {
    Error::external(format!("cannot reach {service}: the port speaks TLS"))
        .with_hint(format!("Write the host as '{}'.", with_scheme(url, "https")))
}

/// `https://host:9200`
fn with_scheme(url: &Url, scheme: &str) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{scheme}://{}:{port}", url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(words: &str, authorities: Option<&str>) -> Option<String> {
        let tls = TlsOptions { authorities: authorities.map(PathBuf::from), ..TlsOptions::default() };
        let url = Url::parse("https://h:9200/x").unwrap();
        let error = fault(words, "OpenSearch at https://h:9200", &url, &tls)?;
        assert!(!error.is_retriable() && error.message().starts_with("cannot reach OpenSearch at https://h:9200: "));
        error.hint().map(str::to_string)
    }

    #[test]
    fn what_stays_wrong_is_told_from_what_goes_away() {
        assert_eq!(hint("Connection refused (os error 111)", None), None);
        assert_eq!(hint("unexpected EOF during handshake", None), None);
        let untrusted = "certificate verify failed (unable to get local issuer certificate)";
        assert!(hint(untrusted, None).unwrap().ends_with("in 'ssl.certificate-authorities'."));
        assert!(hint(untrusted, Some("/ca.pem")).unwrap().starts_with("None of the certificates in '/ca.pem'"));
        assert_eq!(
            hint("error:0A00010B:SSL routines::wrong version number", None).unwrap(),
            "Write the host as 'http://h:9200'."
        );
    }
    #[test]
    fn an_error_of_the_system_is_told_in_its_words() {
        let wrapped =
            "error:80000068:system library:tls_retry_write_records:reason(2):ssl/record/methods/tls_common.c:1958:";
        assert_eq!(system_words(wrapped.into()), std::io::Error::from_raw_os_error(0x68).to_string());
        for other in ["error:0A00010B:SSL routines::wrong version number", "Connection refused (os error 111)"] {
            assert_eq!(system_words(other.into()), other);
        }
    }
}
