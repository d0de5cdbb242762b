//! Whether and how a connection is encrypted, as the JDBC driver's parameters say.
//!
//! <https://jdbc.postgresql.org/documentation/ssl/>

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod connector;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "tls")]
mod identity;
#[cfg(feature = "tls")]
mod verdict;

use std::fmt;
use std::path::PathBuf;

#[cfg(not(feature = "tls"))]
pub use absent::Tls;
#[cfg(feature = "tls")]
pub use connector::Tls;

use super::url::{boolean, one_of};

const FACTORY: &str = "org.postgresql.ssl.";

/// How much is asked of a connection (`sslmode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// One way to try a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    None,
    /// With TLS if the server has it.
    IfOffered,
    Required,
}

impl Mode {
    /// What is tried, one after the other where the server refuses who comes that way.
    pub fn attempts(self) -> &'static [Encryption] {
        match self {
            Self::Disable => &[Encryption::None],
            Self::Allow if cfg!(feature = "tls") => &[Encryption::None, Encryption::Required],
            Self::Prefer if cfg!(feature = "tls") => &[Encryption::IfOffered, Encryption::None],
            Self::Allow | Self::Prefer => &[Encryption::None],
            _ => &[Encryption::Required],
        }
    }

    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    fn name(self) -> &'static str {
        MODES[self as usize]
    }
}

/// The words, in the order of [`Mode`].
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Who may have signed the server's certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Nothing is checked.
    Anybody,
    /// The authorities in this file, or in `~/.postgresql/root.crt`.
    #[default]
    File,
    /// The authorities that the system trusts.
    System,
}

/// What the address says about TLS.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "tls"), allow(dead_code))]
pub struct TlsOptions {
    pub mode: Mode,
    pub trust: Trust,
    /// Begin with TLS, without asking whether the server has it.
    pub direct: bool,
    root: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    password: Option<String>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        let trust = Trust::Anybody;
        Self { mode: Mode::Prefer, trust, direct: false, root: None, cert: None, key: None, password: None }
    }
}

/// Without the key's password.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsOptions({:?}, {:?})", self.mode, self.trust)
    }
}

/// The parameters as they come, in any order.
#[derive(Default)]
pub struct TlsParameters {
    ssl: Option<bool>,
    mode: Option<Mode>,
    factory: Option<Trust>,
    options: TlsOptions,
}

impl TlsParameters {
    /// True for a parameter of TLS.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let path = || Some(PathBuf::from(value)).filter(|_| !value.is_empty());
        match name {
            "ssl" => self.ssl = Some(boolean(name, value)?),
            "sslmode" => {
                let word = one_of(name, value, &MODES)?;
                let all = [Mode::Disable, Mode::Allow, Mode::Prefer, Mode::Require, Mode::VerifyCa, Mode::VerifyFull];
                self.mode = MODES.iter().position(|m| *m == word).map(|i| all[i]);
            }
            "sslNegotiation" => self.options.direct = one_of(name, value, &["postgres", "direct"])? == "direct",
            "sslrootcert" => self.options.root = path(),
            "sslcert" => self.options.cert = path(),
            "sslkey" => self.options.key = path(),
            "sslpassword" => self.options.password = Some(value.to_string()),
            "sslfactory" => {
                let factory = match value.strip_prefix(FACTORY) {
                    _ if value.is_empty() => Trust::File,
                    Some("LibPQFactory" | "jdbc4.LibPQFactory") => Trust::File,
                    Some("DefaultJavaSSLFactory") => Trust::System,
                    Some("NonValidatingFactory") => Trust::Anybody,
                    _ => {
                        return Err(format!(
                            "sslfactory='{value}' is a Java class, and classes can't be loaded; leave it out, or use \
                             {FACTORY}DefaultJavaSSLFactory to trust the system's authorities"
                        ));
                    }
                };
                self.factory = Some(factory);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub fn resolve(self) -> Result<TlsOptions, String> {
        let Self { ssl, mode, factory, mut options } = self;
        options.mode = match (mode, ssl) {
            (Some(mode), _) => mode,
            (None, Some(true)) => Mode::VerifyFull,
            _ => Mode::Prefer,
        };
        options.trust = match factory {
            Some(Trust::Anybody) if mode >= Some(Mode::VerifyCa) => {
                return Err(format!(
                    "sslmode={} asks for a check of the server's certificate, sslfactory for none; leave out one of them",
                    options.mode.name()
                ));
            }
            Some(Trust::Anybody) => {
                options.mode = options.mode.min(Mode::Require);
                Trust::Anybody
            }
            Some(Trust::System) => Trust::System,
            _ if options.mode >= Mode::VerifyCa => Trust::File,
            _ => Trust::Anybody,
        };
        if options.mode >= Mode::Require && !cfg!(feature = "tls") {
            let mode = options.mode.name();
            return Err(format!(
                "sslmode={mode} asks for TLS, and this build has none: build with the feature \"tls\""
            ));
        }
        if options.direct && options.mode < Mode::Require {
            return Err("sslNegotiation=direct needs sslmode=require, verify-ca or verify-full".into());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(query: &str) -> Result<TlsOptions, String> {
        let mut parameters = TlsParameters::default();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            assert!(parameters.take(name, value)?, "{name}");
        }
        parameters.resolve()
    }

    #[test]
    #[cfg(feature = "tls")]
    fn modes_are_those_of_the_jdbc_driver() {
        let system = "org.postgresql.ssl.DefaultJavaSSLFactory";
        let nobody = "org.postgresql.ssl.NonValidatingFactory";
        let cases: [(String, Mode, Trust); 11] = [
            ("".into(), Mode::Prefer, Trust::Anybody),
            ("ssl=false".into(), Mode::Prefer, Trust::Anybody),
            ("ssl".into(), Mode::VerifyFull, Trust::File),
            ("ssl=true".into(), Mode::VerifyFull, Trust::File),
            ("ssl=true&sslmode=require".into(), Mode::Require, Trust::Anybody),
            ("sslmode=require&sslrootcert=/ca.pem".into(), Mode::Require, Trust::Anybody),
            ("sslmode=VERIFY-CA".into(), Mode::VerifyCa, Trust::File),
            ("sslmode=disable".into(), Mode::Disable, Trust::Anybody),
            (format!("sslmode=require&sslfactory={system}"), Mode::Require, Trust::System),
            (format!("ssl=true&sslfactory={system}"), Mode::VerifyFull, Trust::System),
            (format!("ssl=true&sslfactory={nobody}"), Mode::Require, Trust::Anybody),
        ];
        for (query, mode, trust) in cases {
            let options = resolve(&query).expect(&query);
            assert_eq!((options.mode, options.trust), (mode, trust), "{query}");
        }
        let error = resolve(&format!("sslmode=verify-full&sslfactory={nobody}")).unwrap_err();
        assert!(error.contains("sslmode=verify-full asks for a check"), "{error}");
        let error = resolve("sslNegotiation=direct").unwrap_err();
        assert!(error.contains("sslNegotiation=direct needs sslmode=require"), "{error}");
    }

    #[test]
    #[cfg(not(feature = "tls"))]
    fn a_build_without_tls_says_so() {
        assert!(resolve("ssl=true").unwrap_err().contains("this build has none"));
        assert_eq!(resolve("sslmode=allow").map(|o| o.mode.attempts()), Ok(&[Encryption::None][..]));
    }

    #[test]
    fn the_password_of_a_key_is_not_shown() {
        let options = resolve("sslpassword=pw-1&sslkey=/k.pem").unwrap();
        assert!(!format!("{options:?}").contains("pw-1"));
    }
}
