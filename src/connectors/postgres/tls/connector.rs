//! TLS by OpenSSL: what is trusted, who we are, and what was found wrong with the server.

use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};

use openssl::error::ErrorStack;
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use openssl::x509::verify::X509VerifyFlags;
use postgres_openssl::{MakeTlsConnector, set_postgresql_alpn};
use tokio_postgres::Config;
use tokio_postgres::config::SslNegotiation;

use super::files::{certificates, default_file};
use super::identity::Identity;
use super::verdict::Verdict;
use super::{Mode, TlsOptions, Trust};
use crate::connectors::authorities::{self, Systems};
use crate::error::{Error, Result};

/// TLS for one try of one host.
pub struct Tls {
    connector: MakeTlsConnector,
    verdict: Arc<Mutex<Option<Verdict>>>,
    trusted: String,
    direct: bool,
}

impl Tls {
    /// Reads the files that the address names: they may have been renewed.
    pub fn new(options: &TlsOptions) -> Result<Self> {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(|e| broken(&e))?;
        let mut trusted = String::new();
        let verdict: Arc<Mutex<Option<Verdict>>> = Arc::default();
        match authorities_of(options)? {
            None => builder.set_verify(SslVerifyMode::NONE),
            Some((certificates, from)) => {
                trust(&mut builder, certificates).map_err(|e| broken(&e))?;
                trusted = from;
                let keep = verdict.clone();
                builder.set_verify_callback(SslVerifyMode::PEER, move |fine, store| {
                    if !fine {
                        let found = || Verdict::of(store);
                        keep.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(found);
                    }
                    fine
                });
            }
        }
        if let Some(identity) = Identity::of(options)? {
            present(&mut builder, identity).map_err(|e| broken(&e))?;
        }
        if options.direct {
            set_postgresql_alpn(&mut builder).map_err(|e| broken(&e))?;
        }
        let mut connector = MakeTlsConnector::new(builder.build());
        let checks_name = options.mode == Mode::VerifyFull;
        connector.set_callback(move |connection, _| {
            connection.set_verify_hostname(checks_name);
            Ok(())
        });
        Ok(Self { connector, verdict, trusted, direct: options.direct })
    }

    pub fn connector(&self) -> MakeTlsConnector {
        self.connector.clone()
    }

    pub fn prepare(&self, config: &mut Config) {
        if self.direct {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
    }

    /// What went wrong, where it concerns TLS.
    pub fn failure(&self, error: &tokio_postgres::Error, host: &str) -> Option<Error> {
        if let Some(verdict) = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return Some(verdict.error(host, &self.trusted));
        }
        let mut cause = error.source()?;
        loop {
            if let Some(ssl) = cause.downcast_ref::<openssl::ssl::Error>() {
                return Some(handshake(ssl));
            }
            // TLS 1.3: what the server thinks of our certificate comes with its first answer.
            if let Some(io) = cause.downcast_ref::<std::io::Error>()
                && let Some(ssl) = io.get_ref().and_then(|e| e.downcast_ref::<openssl::ssl::Error>())
            {
                return Some(handshake(ssl));
            }
            if cause.source().is_none() && cause.to_string() == "server does not support TLS" {
                return Some(Error::external("the server has no TLS").with_hint(
                    "Turn it on there, or ask for less with the parameter sslmode=prefer of the option 'url'.",
                ));
            }
            cause = cause.source()?;
        }
    }
}

/// A handshake that ended; alerts are the server's word about us.
fn handshake(error: &openssl::ssl::Error) -> Error {
    let reasons: Vec<_> =
        error.ssl_error().into_iter().flat_map(|stack| stack.errors()).filter_map(|e| e.reason()).collect();
    if error.io_error().is_some() || reasons.is_empty() || reasons.iter().any(|r| r.contains("unexpected eof")) {
        let why = error.io_error().map_or_else(|| "the connection ended".to_string(), ToString::to_string);
        return Error::external(format!("the TLS handshake broke off: {why}")).retriable();
    }
    let reasons = reasons.join("; ");
    if !reasons.contains("alert") || !(reasons.contains("certificate") || reasons.contains("unknown ca")) {
        return Error::external(format!("the TLS handshake failed: {reasons}"));
    }
    let why = if reasons.contains("unknown ca") {
        "it doesn't trust the authority that has signed it"
    } else if reasons.contains("expired") {
        "it has expired"
    } else {
        &reasons
    };
    Error::external(format!("the server doesn't accept the client's certificate: {why}"))
        .with_hint("Give another one with the parameters sslcert and sslkey of the option 'url'.")
}

/// The authorities to trust, and where they are from; `None` where nothing is checked.
fn authorities_of(options: &TlsOptions) -> Result<Option<(Vec<X509>, String)>> {
    let path = match options.trust {
        Trust::Anybody => return Ok(None),
        Trust::System => {
            let systems = Systems::find()?;
            return Ok(Some((systems.certificates()?, systems.to_string())));
        }
        Trust::File => options.root.clone().or_else(|| default_file("root.crt").filter(|path| path.exists())),
    };
    let path = path.ok_or_else(|| {
        let mode = options.mode.name();
        Error::external(format!("sslmode={mode} checks the server's certificate, but no authority is named")).with_hint(
            "Name the file of the authority's certificate with the parameter sslrootcert of the option 'url'.",
        )
    })?;
    Ok(Some((certificates("sslrootcert", &path)?, path.display().to_string())))
}

/// Trusts these certificates and no others; each of them, also one that another has signed.
fn trust(builder: &mut SslConnectorBuilder, certificates: Vec<X509>) -> Result<(), ErrorStack> {
    let mut store = authorities::store(certificates)?;
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    builder.set_cert_store(store.build());
    Ok(())
}

fn present(builder: &mut SslConnectorBuilder, identity: Identity) -> Result<(), ErrorStack> {
    builder.set_certificate(&identity.certificate)?;
    builder.set_private_key(&identity.key)?;
    for certificate in identity.chain {
        builder.add_extra_chain_cert(certificate)?;
    }
    Ok(())
}

fn broken(error: &ErrorStack) -> Error {
    Error::external(format!("TLS cannot be set up: {error}"))
}
