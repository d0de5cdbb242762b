//! The authorities that TLS trusts: those whose certificates are named and no others, or the system's.

use std::path::PathBuf;

use openssl::error::ErrorStack;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use crate::error::{Error, Result};

/// Where systems keep the authorities they trust.
const SYSTEM_FILES: [&str; 10] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/etc/certs/ca-certificates.crt",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/opt/homebrew/etc/openssl@3/cert.pem",
    "/usr/local/etc/openssl@3/cert.pem",
];

/// The file of the authorities that the system trusts, or that `SSL_CERT_FILE` names in their place.
///
/// # Errors
/// There is none.
pub fn system_file() -> Result<PathBuf> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let found = named.or_else(|| SYSTEM_FILES.iter().map(PathBuf::from).find(|path| path.exists()));
    found.ok_or_else(|| {
        Error::external("the system's trusted authorities are not found")
            .with_hint("Install the package ca-certificates, or set SSL_CERT_FILE to their file.")
    })
}

/// The certificates in a PEM text, or the one in DER; none where there is none.
pub fn certificates(bytes: &[u8]) -> Option<Vec<X509>> {
    let found = match bytes.windows(10).any(|w| w == b"-----BEGIN") {
        true => X509::stack_from_pem(bytes),
        false => X509::from_der(bytes).map(|one| vec![one]),
    };
    found.ok().filter(|found| !found.is_empty())
}

/// A store of these alone: one that a builder of OpenSSL's brings holds what the environment names, too.
///
/// # Errors
/// OpenSSL doesn't take one of them.
pub fn store(certificates: Vec<X509>) -> Result<X509StoreBuilder, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    certificates.into_iter().try_for_each(|certificate| store.add_cert(certificate))?;
    Ok(store)
}
