//! Who the client says it is: its certificate, those between it and its authority, and its key.

use std::path::Path;

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::TlsOptions;
use super::files::{certificates, default_file, read};
use crate::error::{Error, Result};

pub struct Identity {
    pub certificate: X509,
    pub chain: Vec<X509>,
    pub key: PKey<Private>,
}

impl Identity {
    /// What the address names, or lies where the driver looks by default; `None` without either.
    ///
    /// # Errors
    /// A file that can't be read or is no key or certificate, a wrong password, one without the other.
    pub fn of(options: &TlsOptions) -> Result<Option<Self>> {
        let exists = |name| default_file(name).filter(|path| path.exists());
        let password = options.password.as_deref();
        let key = options.key.clone().or_else(|| exists("postgresql.pk8"));
        if let Some(store) = key.as_deref().filter(|path| is_pkcs12(path)) {
            return Self::of_store(store, password).map(Some);
        }
        let certificate = options.cert.clone().or_else(|| exists("postgresql.crt"));
        let (certificate, key) = match (certificate, key) {
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(_), None) if options.cert.is_some() => {
                return Err(Error::external("the address gives sslcert without sslkey")
                    .with_hint("Give the certificate's key with the parameter sslkey=/path/to/client.key."));
            }
            (None, Some(_)) if options.key.is_some() => {
                return Err(Error::external("the address gives sslkey without sslcert")
                    .with_hint("Give the key's certificate with the parameter sslcert=/path/to/client.pem."));
            }
            _ => return Ok(None),
        };
        let mut chain = certificates("sslcert", &certificate)?;
        let private = private_key(&key, password)?;
        let own = chain.remove(0);
        if !own.public_key().is_ok_and(|public| public.public_eq(&private)) {
            let (key, certificate) = (key.display(), certificate.display());
            return Err(Error::external(format!("sslkey={key} is not the key of sslcert={certificate}")));
        }
        Ok(Some(Self { certificate: own, chain, key: private }))
    }

    fn of_store(path: &Path, password: Option<&str>) -> Result<Self> {
        let bytes = read("sslkey", path)?;
        let store = Pkcs12::from_der(&bytes).map_err(|_| not_a_key(path, "it is no PKCS #12 file"))?;
        let parsed = store.parse2(password.unwrap_or("")).map_err(|e| locked(path, password, &e))?;
        match (parsed.cert, parsed.pkey) {
            (Some(certificate), Some(key)) => {
                let chain = parsed.ca.into_iter().flatten().collect();
                Ok(Self { certificate, chain, key })
            }
            _ => Err(not_a_key(path, "it holds no certificate with its key")),
        }
    }
}

fn is_pkcs12(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
    matches!(extension.as_deref(), Some("p12" | "pfx"))
}

/// PEM, or PKCS #8 in DER; under a password or not. OpenSSL never asks the terminal for one.
fn private_key(path: &Path, password: Option<&str>) -> Result<PKey<Private>> {
    let bytes = read("sslkey", path)?;
    let mut asked = false;
    let mut answer = |buffer: &mut [u8]| {
        asked = true;
        let password = password.unwrap_or("").as_bytes();
        let length = password.len().min(buffer.len());
        buffer[..length].copy_from_slice(&password[..length]);
        Ok(length)
    };
    let pem = bytes.windows(10).any(|w| w == b"-----BEGIN");
    let key = match pem {
        true => PKey::private_key_from_pem_callback(&bytes, &mut answer),
        false => {
            PKey::private_key_from_der(&bytes).or_else(|_| PKey::private_key_from_pkcs8_callback(&bytes, &mut answer))
        }
    };
    key.map_err(|error| match asked {
        true => locked(path, password, &error),
        false => not_a_key(path, "it holds no private key in PEM or in PKCS #8 DER"),
    })
}

fn not_a_key(path: &Path, why: &str) -> Error {
    Error::external(format!("cannot use sslkey={}: {why}", path.display()))
        .with_hint("PEM, PKCS #8 in DER, and PKCS #12 in a file named .p12 or .pfx are read.")
}

fn locked(path: &Path, password: Option<&str>, error: &ErrorStack) -> Error {
    let path = path.display();
    if error.errors().iter().any(|e| e.reason() == Some("unsupported")) {
        return Error::external(format!("cannot use sslkey={path}: it is encrypted by an algorithm that is too old"))
            .with_hint("Encrypt it anew, for example by:  openssl pkcs8 -topk8 -v2 aes-256-cbc");
    }
    match password {
        Some(_) => Error::external(format!("cannot open sslkey={path}: the sslpassword is wrong")),
        None => Error::external(format!("cannot open sslkey={path}: it is encrypted"))
            .with_hint("Give its password with the parameter sslpassword of the option 'url'."),
    }
}
