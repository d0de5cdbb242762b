//! JDBC addresses: `jdbc:postgresql://host:port,host2/database?name=value&...`.
//!
//! <https://jdbc.postgresql.org/documentation/use/#connecting-to-the-database>

use std::fmt;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::ChannelBinding;

use super::parameters::{self, Effect};
use super::tls::{TlsOptions, TlsParameters};
use crate::connectors::secrets::redact;

const SCHEME: &str = "jdbc:postgresql:";
const DEFAULT_PORT: u16 = 5432;
/// Silence on an open connection after which the system asks the other side whether it is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TRIES: u32 = 6;

/// A parsed address.
#[derive(Debug)]
pub struct Url {
    /// Who connects to which database with which settings; without the hosts.
    pub config: Config,
    /// At least one.
    pub hosts: Vec<Host>,
    pub target: Target,
    /// Whether hosts are tried in random order.
    pub balanced: bool,
    pub tls: TlsOptions,
    /// How long a connection may take until it is logged in, over all hosts.
    pub login_timeout: Option<Duration>,
    /// How long a request may go without an answer.
    pub answer_timeout: Option<Duration>,
    pub read_only: bool,
    /// The hosts and the database as messages name them: `127.0.0.1:5432/shop`.
    pub shown: String,
    /// Parameters that are no parameters of the JDBC driver.
    pub unknown: Vec<String>,
}

/// One of the hosts: `db.example:5432`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Without the brackets of an IPv6 address.
    pub name: String,
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// Which of the hosts are good enough (`targetServerType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Any,
    Primary,
    Secondary,
    PreferPrimary,
    PreferSecondary,
}

impl Target {
    /// Whether a host is what is wanted.
    pub fn suits(self, primary: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Primary | Self::PreferPrimary => primary,
            Self::Secondary | Self::PreferSecondary => !primary,
        }
    }

    /// Whether a host of the other kind is better than none.
    pub fn is_preference(self) -> bool {
        matches!(self, Self::PreferPrimary | Self::PreferSecondary)
    }

    fn parse(value: &str) -> Option<Self> {
        Some(match value {
            "any" => Self::Any,
            "primary" | "master" => Self::Primary,
            "secondary" | "slave" => Self::Secondary,
            "preferPrimary" | "preferMaster" => Self::PreferPrimary,
            "preferSecondary" | "preferSlave" => Self::PreferSecondary,
            _ => return None,
        })
    }
}

/// True for an address that names neither host nor database, so that an integration may fill it.
pub fn is_blank(url: &str) -> bool {
    let url = url.trim();
    let rest = url.strip_prefix(SCHEME).or_else(|| url.strip_prefix(SCHEME.trim_end_matches(':')));
    url.is_empty() || rest.is_some_and(|rest| rest.chars().all(|c| c == '/'))
}

impl Url {
    /// # Errors
    /// What is wrong with it, without secrets, to be put behind the option's name.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        let Some(rest) = url.strip_prefix(SCHEME) else { return Err(other_database(url)) };
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, database) = match address.strip_prefix("//") {
            Some(address) => address.split_once('/').unwrap_or((address, "")),
            None => ("", address.trim_start_matches('/')),
        };
        let hosts = hosts.split(',').map(host).collect::<Result<Vec<_>, _>>()?;
        let mut config = Config::new();
        let database = decode(database)?;
        let mut shown = hosts.iter().map(Host::to_string).collect::<Vec<_>>().join(",");
        if !database.is_empty() {
            shown = format!("{shown}/{database}");
            config.dbname(&database);
        }
        config.application_name("millstream").connect_timeout(Duration::from_secs(10));
        config
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_TRIES);
        let mut url = Self {
            config,
            hosts,
            target: Target::Any,
            balanced: false,
            tls: TlsOptions::default(),
            login_timeout: None,
            answer_timeout: None,
            read_only: false,
            shown,
            unknown: Vec::new(),
        };
        let (mut tls, mut read_only_ignored) = (TlsParameters::default(), false);
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value)?;
            match name {
                "readOnlyMode" => {
                    read_only_ignored = one_of(name, &value, &["transaction", "always", "ignore"])? == "ignore";
                }
                _ if tls.take(name, &value)? => {}
                _ => url.parameter(name, &value)?,
            }
        }
        url.read_only &= !read_only_ignored;
        url.tls = tls.resolve()?;
        Ok(url)
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<(), String> {
        let config = &mut self.config;
        match name {
            "user" => _ = config.user(value),
            "password" => _ = config.password(value),
            "ApplicationName" => _ = config.application_name(value),
            "connectTimeout" => match seconds(name, value)? {
                Some(limit) => _ = config.connect_timeout(limit),
                None => _ = config.connect_timeout(Duration::from_secs(2_147_484)),
            },
            "loginTimeout" => self.login_timeout = seconds(name, value)?,
            "socketTimeout" => self.answer_timeout = seconds(name, value)?,
            "tcpKeepAlive" => _ = config.keepalives(boolean(name, value)?),
            "currentSchema" => add_option(config, &format!("-c search_path={}", escaped(value))),
            "options" => add_option(config, value),
            "targetServerType" => {
                self.target = Target::parse(value).ok_or_else(|| {
                    let allowed = "any, primary, secondary, preferPrimary, preferSecondary";
                    format!("targetServerType='{value}' is none of {allowed}")
                })?;
            }
            "loadBalanceHosts" => self.balanced = boolean(name, value)?,
            "readOnly" => self.read_only = boolean(name, value)?,
            "channelBinding" => {
                config.channel_binding(match one_of(name, value, &["disable", "prefer", "require"])? {
                    "disable" => ChannelBinding::Disable,
                    "require" => ChannelBinding::Require,
                    _ => ChannelBinding::Prefer,
                });
            }
            "gssEncMode" => {
                if one_of(name, value, &["disable", "allow", "prefer", "require"])? == "require" {
                    return Err(
                        "gssEncMode=require asks for GSS encryption, which is not supported; use sslmode".into()
                    );
                }
            }
            _ => match parameters::find(name) {
                Some(known) if known.effect == Effect::Refused => {
                    return Err(format!("the parameter {name} is not supported: {}", known.about));
                }
                Some(_) => {}
                None => self.unknown.push(name.to_string()),
            },
        }
        Ok(())
    }
}

/// The word among those that are allowed.
pub fn one_of(name: &str, value: &str, allowed: &[&'static str]) -> Result<&'static str, String> {
    let found = allowed.iter().find(|word| word.eq_ignore_ascii_case(value));
    found.copied().ok_or_else(|| format!("{name}='{value}' is none of {}", allowed.join(", ")))
}

/// `true` or `false`; a parameter without a value is set.
pub fn boolean(name: &str, value: &str) -> Result<bool, String> {
    Ok(value.is_empty() || one_of(name, value, &["true", "false"])? == "true")
}

/// A time in seconds; `None` for 0, which is no limit.
fn seconds(name: &str, value: &str) -> Result<Option<Duration>, String> {
    let seconds: Option<f64> = value.trim().parse().ok().filter(|s| (0.0..=2_147_484.0).contains(s));
    let seconds = seconds.ok_or_else(|| format!("{name}='{value}' is no number of seconds"))?;
    Ok(Some(Duration::from_secs_f64(seconds)).filter(|limit| !limit.is_zero()))
}

fn add_option(config: &mut Config, option: &str) {
    let options = match config.get_options() {
        Some(before) => format!("{before} {option}"),
        None => option.to_string(),
    };
    config.options(options);
}

/// A value among the server's options: a backslash keeps a blank from ending it.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        if c == '\\' || c.is_ascii_whitespace() || c == '\x0b' {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn other_database(url: &str) -> String {
    let supported = "only PostgreSQL is supported: 'jdbc:postgresql://host:port/database'";
    match url.strip_prefix("jdbc:").and_then(|rest| rest.split_once(':')) {
        Some((database, _)) => format!("'jdbc:{database}:' is another database; {supported}"),
        None => format!("'{}' is no JDBC address; {supported}", redact("url", url)),
    }
}

fn host(host: &str) -> Result<Host, String> {
    if host.contains('@') {
        return Err("a JDBC address has no user in front of the host; use the options 'username' and 'password'".into());
    }
    let bracket = host.rfind(']').map_or(0, |i| i + 1);
    let (name, port) = match host[bracket..].split_once(':') {
        Some((rest, port)) => (&host[..bracket + rest.len()], port),
        None => (host, ""),
    };
    let port = match port {
        "" => DEFAULT_PORT,
        // Not quoted: in an address with a login it is a part of the password.
        port => port.parse().map_err(|_| "the port behind a host is no number from 0 to 65535".to_string())?,
    };
    let name = if name.is_empty() { "localhost".into() } else { decode(name)? };
    Ok(Host { name: name.trim_matches(['[', ']']).to_string(), port })
}

/// Resolves `%41` and, as the JDBC driver does, `+`.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => return Err("a '%' in the address is not followed by two hexadecimal digits".into()),
                }
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| "the address is not UTF-8 once its '%' escapes are resolved".to_string())?;
    match text.contains('\0') {
        true => Err("the address has a NUL character".into()),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_address_is_read() {
        let cases: [(&str, &[&str], Option<&str>); 8] = [
            ("jdbc:postgresql://db.example:6432/shop", &["db.example:6432"], Some("shop")),
            ("jdbc:postgresql://db.example/shop", &["db.example:5432"], Some("shop")),
            ("jdbc:postgresql://db.example", &["db.example:5432"], None),
            ("jdbc:postgresql://db.example/", &["db.example:5432"], None),
            ("jdbc:postgresql:shop", &["localhost:5432"], Some("shop")),
            ("jdbc:postgresql://a:1,b,c:3/shop?user=x", &["a:1", "b:5432", "c:3"], Some("shop")),
            ("jdbc:postgresql://[::1]:7000/my%20shop", &["[::1]:7000"], Some("my shop")),
            ("  jdbc:postgresql:///shop ", &["localhost:5432"], Some("shop")),
        ];
        for (text, expected, database) in cases {
            let url = Url::parse(text).expect(text);
            assert_eq!(url.hosts.iter().map(Host::to_string).collect::<Vec<_>>(), expected, "{text}");
            assert_eq!(url.config.get_dbname(), database, "{text}");
        }
    }

    #[test]
    fn parameters_are_taken_ignored_or_named() {
        let url = Url::parse(
            "jdbc:postgresql://h/d?user=me&password=a%26b&currentSchema=one,%22two+three%22&ApplicationName=app\
             &connectTimeout=3&sslmode=disable&options=-c%20statement_timeout=5&prepareThreshold=0&colour=red\
             &socketTimeout=7&loginTimeout=1.5&readOnly=true&loadBalanceHosts=true&targetServerType=preferSecondary\
             &stringtype=unspecified&reWriteBatchedInserts=true&tcpKeepAlive=false",
        )
        .unwrap();
        assert_eq!(url.config.get_user(), Some("me"));
        assert_eq!(url.config.get_password(), Some(&b"a&b"[..]));
        let options = "-c search_path=one,\"two\\ three\" -c statement_timeout=5";
        assert_eq!(url.config.get_options(), Some(options));
        assert_eq!(url.config.get_application_name(), Some("app"));
        assert_eq!(url.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert!(!url.config.get_keepalives());
        assert_eq!(url.answer_timeout, Some(Duration::from_secs(7)));
        assert_eq!(url.login_timeout, Some(Duration::from_millis(1500)));
        assert_eq!((url.target, url.balanced, url.read_only), (Target::PreferSecondary, true, true));
        assert_eq!(url.unknown, ["colour"]);
        assert_eq!(url.shown, "h:5432/d");
        let ignored = Url::parse("jdbc:postgresql://h/d?readOnly=true&readOnlyMode=ignore&socketTimeout=0").unwrap();
        assert_eq!((ignored.read_only, ignored.answer_timeout), (false, None));
    }

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        let cases = [
            ("jdbc:mysql://h/d?password=pw", "'jdbc:mysql:' is another database; only PostgreSQL is supported"),
            ("postgresql://me:pw@h/d", "'postgresql://******@h/d' is no JDBC address; only PostgreSQL"),
            ("jdbc:postgresql://me:pw@h/d", "use the options 'username' and 'password'"),
            ("jdbc:postgresql://h:54x/d", "the port behind a host is no number"),
            ("jdbc:postgresql://me:pw/pw@h/d", "the port behind a host is no number"),
            ("postgresql://me:pw/pw@h/d", "'postgresql://******@h/d' is no JDBC address"),
            ("jdbc:postgresql://h/d?sslmode=on", "sslmode='on' is none of disable, allow, prefer, require, verify-ca"),
            ("jdbc:postgresql://h/d?ssl=perhaps", "ssl='perhaps' is none of true, false"),
            ("jdbc:postgresql://h/d?user=%4", "not followed by two hexadecimal digits"),
            ("jdbc:postgresql://h/d?user=a%00", "a NUL character"),
            ("jdbc:postgresql://h/d?connectTimeout=soon", "connectTimeout='soon' is no number of seconds"),
            ("jdbc:postgresql://h/d?socketTimeout=-1", "socketTimeout='-1' is no number of seconds"),
            ("jdbc:postgresql://h/d?targetServerType=best", "'best' is none of any, primary, secondary, preferPrimary"),
            ("jdbc:postgresql://h/d?loadBalanceHosts=yes", "loadBalanceHosts='yes' is none of true, false"),
            ("jdbc:postgresql://h/d?gssEncMode=require", "GSS encryption, which is not supported"),
            ("jdbc:postgresql://h/d?service=shop", "the parameter service is not supported: service files"),
            ("jdbc:postgresql://h/d?replication=database", "the parameter replication is not supported"),
            ("jdbc:postgresql://h/d?sslfactory=com.acme.F", "sslfactory='com.acme.F' is a Java class"),
        ];
        for (text, expected) in cases {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn an_address_without_host_and_database_is_blank() {
        for blank in ["", "  ", "jdbc:postgresql:", "jdbc:postgresql://", "jdbc:postgresql:///", " jdbc:postgresql:// "]
        {
            assert!(is_blank(blank), "{blank:?}");
        }
        for url in ["jdbc:postgresql:shop", "jdbc:postgresql://h", "jdbc:postgresql:///shop", "jdbc:mysql://"] {
            assert!(!is_blank(url), "{url:?}");
        }
    }
}
