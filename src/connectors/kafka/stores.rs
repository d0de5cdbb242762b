//! Key and trust stores: files of the Java client's kinds as what librdkafka takes.
//!
//! The kind is what the file is, not what the options call it, where Java reads both: its "JKS" opens PKCS #12, too.

use std::fs;

use rdkafka::ClientConfig;

use super::security::Settings;
use crate::error::{Error, Result};

/// A file to be read when a client is made: planning a job needs none of them.
#[derive(Clone)]
pub struct Store {
    purpose: Purpose,
    /// `properties.ssl.truststore.location`
    option: String,
    /// How messages name the table.
    owner: String,
    path: String,
    is_pem: bool,
    password: Option<String>,
}

/// What a store is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Certificates of those whom we trust.
    Trust,
    /// Our own key and certificate.
    Key,
}

impl Purpose {
    /// The word in the names of the Java client's settings.
    fn word(self) -> &'static str {
        match self {
            Self::Trust => "truststore",
            Self::Key => "keystore",
        }
    }
}

/// Without the password.
impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?}, {})", self.purpose, self.path)
    }
}

impl Store {
    /// The store that the settings name, if they name one.
    ///
    /// # Errors
    /// A type that Java doesn't have, or a file that is known to be JKS already.
    pub fn from_settings(purpose: Purpose, settings: &Settings<'_>) -> Result<Option<Self>> {
        let key = |rest: &str| format!("ssl.{}.{rest}", purpose.word());
        let Some(path) = settings.get(&key("location")) else { return Ok(None) };
        let kind = settings.get(&key("type")).unwrap_or("JKS");
        if !["JKS", "PKCS12", "PEM"].iter().any(|known| known.eq_ignore_ascii_case(kind)) {
            return Err(settings
                .invalid(&key("type"), format!("there is no store of type '{kind}'"))
                .with_hint("Allowed: JKS, PKCS12, PEM."));
        }
        let store = Self {
            purpose,
            option: format!("properties.{}", key("location")),
            owner: settings.owner(),
            path: path.to_string(),
            is_pem: kind.eq_ignore_ascii_case("PEM"),
            password: settings.get(&key("password")).map(str::to_string),
        };
        // A file that is there can be looked at already; one that isn't is missed when the job starts.
        let is_jks = fs::read(&store.path).is_ok_and(|bytes| is_jks(&bytes));
        if is_jks { Err(store.jks()) } else { Ok(Some(store)) }
    }

    /// Reads the file and sets what librdkafka needs.
    pub fn load(&self, config: &mut ClientConfig) -> Result<()> {
        let bytes = fs::read(&self.path).map_err(|error| self.wrong(format!("cannot read {}: {error}", self.path)))?;
        if is_jks(&bytes) {
            return Err(self.jks());
        }
        let has_pem = bytes.windows(11).any(|w| w == b"-----BEGIN ");
        if has_pem && !self.is_pem {
            let hint = format!("Set 'properties.ssl.{}.type' = 'PEM'.", self.purpose.word());
            return Err(self.wrong(format!("{} is a PEM file", self.path)).with_hint(hint));
        }
        if !has_pem && self.is_pem {
            let hint = format!("Set 'properties.ssl.{}.type' = 'PKCS12' if it is such a store.", self.purpose.word());
            return Err(self.wrong(format!("{} is no PEM file", self.path)).with_hint(hint));
        }
        match (self.purpose, self.is_pem) {
            (Purpose::Trust, true) => _ = config.set("ssl.ca.pem", String::from_utf8_lossy(&bytes)),
            (Purpose::Trust, false) => _ = config.set("ssl.ca.pem", self.certificates(&bytes)?),
            // One file with the key and the chain.
            (Purpose::Key, true) => {
                config.set("ssl.certificate.location", &self.path).set("ssl.key.location", &self.path);
            }
            (Purpose::Key, false) => {
                self.certificates(&bytes)?;
                config.set("ssl.keystore.location", &self.path);
                config.set("ssl.keystore.password", self.password.as_deref().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// All certificates of a PKCS #12 store, as PEM.
    #[cfg(feature = "tls")]
    fn certificates(&self, bytes: &[u8]) -> Result<String> {
        use openssl::pkcs12::Pkcs12;
        let foreign = |_| self.wrong(format!("{} is neither a PKCS #12 store nor a PEM file", self.path));
        let store = Pkcs12::from_der(bytes).map_err(foreign)?;
        let parsed = store.parse2(self.password.as_deref().unwrap_or_default()).map_err(|errors| {
            let hint = format!("Check 'properties.ssl.{}.password'.", self.purpose.word());
            let what = match errors.errors().iter().any(|e| e.reason().is_some_and(|r| r.contains("mac verify"))) {
                true => format!("cannot open {}: the password is wrong", self.path),
                false => format!("cannot open {}: {errors}", self.path),
            };
            self.wrong(what).with_hint(hint)
        })?;
        let mut pem = String::new();
        for certificate in parsed.cert.iter().map(|c| &**c).chain(parsed.ca.iter().flatten()) {
            let text = certificate.to_pem().map_err(|e| self.wrong(format!("a certificate can't be written: {e}")))?;
            pem.push_str(&String::from_utf8_lossy(&text));
        }
        if pem.is_empty() {
            return Err(self.wrong(format!("{} holds no certificate", self.path)));
        }
        Ok(pem)
    }

    #[cfg(not(feature = "tls"))]
    fn certificates(&self, _bytes: &[u8]) -> Result<String> {
        Err(self.wrong("this build of Millstream has no TLS (cargo feature `tls`)".to_string()))
    }

    fn wrong(&self, why: String) -> Error {
        Error::statement(format!("option '{}' of {}: {why}", self.option, self.owner))
    }

    /// Java's own format, which only Java reads.
    fn jks(&self) -> Error {
        let (path, word) = (&self.path, self.purpose.word());
        let target = match path.strip_suffix(".jks") {
            Some(stem) => format!("{stem}.p12"),
            None => format!("{path}.p12"),
        };
        self.wrong(format!("{path} is a JKS store, which only Java can read")).with_hint(format!(
            "Convert it with `keytool -importkeystore -srckeystore {path} -destkeystore {target} -deststoretype PKCS12` \
             and set 'properties.ssl.{word}.type' = 'PKCS12' and 'properties.ssl.{word}.location' = '{target}'."
        ))
    }
}

/// The magic numbers of JKS and of its sister JCEKS.
fn is_jks(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) || bytes.starts_with(&[0xce, 0xce, 0xce, 0xce])
}
