//! Why a server's certificate was refused.

use openssl::nid::Nid;
use openssl::x509::{X509Ref, X509StoreContextRef};

use crate::error::Error;

// <https://docs.openssl.org/3.6/man3/X509_STORE_CTX_get_error/>
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
/// No issuer at hand, signed by itself, a chain that leads nowhere.
const UNTRUSTED: [i32; 5] = [2, 18, 19, 20, 21];
const WRONG_NAME: [i32; 2] = [62, 64];

/// What OpenSSL found, and the certificate it found it about.
#[derive(Debug)]
pub struct Verdict {
    code: i32,
    reason: &'static str,
    /// The hosts that the certificate is for.
    names: Vec<String>,
    /// When it begins and ends to be valid.
    valid: Option<(String, String)>,
}

impl Verdict {
    pub fn of(store: &X509StoreContextRef) -> Self {
        let certificate = store.current_cert();
        Self {
            code: store.error().as_raw(),
            reason: store.error().error_string(),
            names: certificate.map(names).unwrap_or_default(),
            valid: certificate.map(|c| (c.not_before().to_string(), c.not_after().to_string())),
        }
    }

    /// `trusted` names where the trusted authorities come from.
    pub fn error(&self, host: &str, trusted: &str) -> Error {
        let valid = self.valid.as_ref().map(|(begin, end)| (begin.as_str(), end.as_str()));
        let (why, hint) = match (self.code, valid) {
            (code, _) if WRONG_NAME.contains(&code) => (
                format!("its certificate is for {}, not for \"{host}\"", list(&self.names)),
                "Write a name that the certificate has in the option 'url'; sslmode=verify-ca checks only who signed it.",
            ),
            (EXPIRED, Some((_, end))) => {
                (format!("its certificate has expired: it ended {end}"), "Whoever runs the server must renew it.")
            }
            (NOT_YET_VALID, Some((begin, _))) => {
                (format!("its certificate is not valid yet: it begins {begin}"), "Compare the clocks of both machines.")
            }
            (code, _) if UNTRUSTED.contains(&code) => (
                format!("its certificate is not trusted: {trusted} has not signed it ({})", self.reason),
                "Name the file of the authority that has signed it with the parameter sslrootcert of the option 'url'.",
            ),
            _ => (format!("its certificate is refused: {}", self.reason), "Whoever runs the server must renew it."),
        };
        Error::external(why).with_hint(hint)
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "no host".to_string(),
        names => names.iter().map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", "),
    }
}

/// The alternative names; the common name where there are none.
fn names(certificate: &X509Ref) -> Vec<String> {
    let alternative = certificate.subject_alt_names().into_iter().flatten().filter_map(|name| {
        let address = |bytes: &[u8]| match bytes.len() {
            4 => Some(std::net::Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string()),
            _ => Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string()),
        };
        name.dnsname().map(str::to_string).or_else(|| name.ipaddress().and_then(address))
    });
    let alternative: Vec<String> = alternative.collect();
    if !alternative.is_empty() {
        return alternative;
    }
    let common = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    common.filter_map(|entry| entry.data().to_string().ok()).collect()
}
