//! JDBC addresses: `jdbc:postgresql://host:port,host2/database?name=value&...`.
//!
//! <https://jdbc.postgresql.org/documentation/use/#connecting-to-the-database>

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{LoadBalanceHosts, SslMode, TargetSessionAttrs};

use crate::connectors::secrets::redact;
use crate::error::nearest;

const SCHEME: &str = "jdbc:postgresql:";
const DEFAULT_PORT: u16 = 5432;

/// Parameters of the JDBC driver that change nothing here.
const WITHOUT_EFFECT: &[&str] = &[
    "adaptiveFetch",
    "allowEncodingChanges",
    "assumeMinServerVersion",
    "autosave",
    "binaryTransfer",
    "cancelSignalTimeout",
    "cleanupSavepoints",
    "databaseMetadataCacheFields",
    "databaseMetadataCacheFieldsMiB",
    "defaultRowFetchSize",
    "disableColumnSanitiser",
    "escapeSyntaxCallMode",
    "hostRecheckSeconds",
    "logServerErrorDetail",
    "logUnclosedConnections",
    "maxResultBuffer",
    "preferQueryMode",
    "preparedStatementCacheQueries",
    "preparedStatementCacheSizeMiB",
    "prepareThreshold",
    "quoteReturningIdentifiers",
    "reWriteBatchedInserts",
    "readOnly",
    "receiveBufferSize",
    "sendBufferSize",
    "socketTimeout",
    "stringtype",
    "tcpNoDelay",
    "unknownLength",
];

/// Parameters that mean something here; the password is one more.
const WITH_EFFECT: &[&str] = &[
    "ApplicationName",
    "connectTimeout",
    "currentSchema",
    "loadBalanceHosts",
    "loginTimeout",
    "options",
    "ssl",
    "sslmode",
    "targetServerType",
    "tcpKeepAlive",
    "user",
];

/// True for a parameter of an address whose value may be shown: a known one, and not the password.
pub fn shows_parameter(name: &str) -> bool {
    WITH_EFFECT.contains(&name) || WITHOUT_EFFECT.contains(&name)
}

/// The known parameter that was probably meant.
pub fn nearest_parameter(name: &str) -> Option<&'static str> {
    nearest(name, WITH_EFFECT.iter().chain(WITHOUT_EFFECT).copied().chain(["password"]))
}

/// A parsed address.
#[derive(Debug)]
pub struct Url {
    pub config: Config,
    /// The hosts and the database as messages name them: `127.0.0.1:5432/shop`.
    pub shown: String,
    /// Parameters that are no parameters of the JDBC driver.
    pub unknown: Vec<String>,
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
        let mut config = Config::new();
        let mut shown = Vec::new();
        for host in hosts.split(',') {
            let (name, port) = host_and_port(host)?;
            shown.push(format!("{name}:{port}"));
            config.host(name.trim_matches(['[', ']'])).port(port);
        }
        let database = decode(database)?;
        let mut shown = shown.join(",");
        if !database.is_empty() {
            shown = format!("{shown}/{database}");
            config.dbname(&database);
        }
        config.application_name("millstream").connect_timeout(Duration::from_secs(10));
        let mut url = Self { config, shown, unknown: Vec::new() };
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            url.parameter(name, &decode(value)?)?;
        }
        Ok(url)
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<(), String> {
        let config = &mut self.config;
        match name {
            "user" => _ = config.user(value),
            "password" => _ = config.password(value),
            "ApplicationName" => _ = config.application_name(value),
            "connectTimeout" | "loginTimeout" => {
                let seconds: u64 = value.parse().map_err(|_| format!("{name}='{value}' is no number of seconds"))?;
                if seconds > 0 {
                    config.connect_timeout(Duration::from_secs(seconds));
                }
            }
            "tcpKeepAlive" => _ = config.keepalives(value != "false"),
            "currentSchema" => add_option(config, &format!("-c search_path={}", value.replace([' ', '\\'], ""))),
            "options" => add_option(config, value),
            "sslmode" => match value {
                "disable" => _ = config.ssl_mode(SslMode::Disable),
                "allow" | "prefer" => _ = config.ssl_mode(SslMode::Prefer),
                "require" | "verify-ca" | "verify-full" => {
                    return Err(format!("sslmode={value} asks for TLS, which is not supported yet"));
                }
                _ => return Err(format!("sslmode='{value}' is none of disable, allow, prefer, require, verify-full")),
            },
            "ssl" if value != "false" => return Err("ssl asks for TLS, which is not supported yet".into()),
            "ssl" => {}
            "targetServerType" => {
                config.target_session_attrs(match value {
                    "any" | "preferPrimary" | "preferSecondary" | "preferMaster" | "preferSlave" => {
                        TargetSessionAttrs::Any
                    }
                    "primary" | "master" => TargetSessionAttrs::ReadWrite,
                    "secondary" | "slave" => TargetSessionAttrs::ReadOnly,
                    _ => return Err(format!("targetServerType='{value}' is none of any, primary, secondary")),
                });
            }
            "loadBalanceHosts" if value == "true" => _ = config.load_balance_hosts(LoadBalanceHosts::Random),
            "loadBalanceHosts" => {}
            _ if WITHOUT_EFFECT.contains(&name) => {}
            _ => self.unknown.push(name.to_string()),
        }
        Ok(())
    }
}

fn add_option(config: &mut Config, option: &str) {
    let options = match config.get_options() {
        Some(before) => format!("{before} {option}"),
        None => option.to_string(),
    };
    config.options(options);
}

fn other_database(url: &str) -> String {
    let supported = "only PostgreSQL is supported: 'jdbc:postgresql://host:port/database'";
    match url.strip_prefix("jdbc:").and_then(|rest| rest.split_once(':')) {
        Some((database, _)) => format!("'jdbc:{database}:' is another database; {supported}"),
        None => format!("'{}' is no JDBC address; {supported}", redact("url", url)),
    }
}

fn host_and_port(host: &str) -> Result<(String, u16), String> {
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
        port => port.parse().map_err(|_| format!("'{port}' is no port"))?,
    };
    Ok((if name.is_empty() { "localhost".into() } else { decode(name)? }, port))
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
    String::from_utf8(bytes).map_err(|_| "the address is not UTF-8 once its '%' escapes are resolved".into())
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    fn hosts(url: &Url) -> Vec<String> {
        let names = url.config.get_hosts().iter().map(|h| match h {
            Host::Tcp(name) => name.clone(),
            other => format!("{other:?}"),
        });
        names.zip(url.config.get_ports()).map(|(name, port)| format!("{name} {port}")).collect()
    }

    #[test]
    fn every_form_of_address_is_read() {
        let cases: [(&str, &[&str], Option<&str>); 8] = [
            ("jdbc:postgresql://db.example:6432/shop", &["db.example 6432"], Some("shop")),
            ("jdbc:postgresql://db.example/shop", &["db.example 5432"], Some("shop")),
            ("jdbc:postgresql://db.example", &["db.example 5432"], None),
            ("jdbc:postgresql://db.example/", &["db.example 5432"], None),
            ("jdbc:postgresql:shop", &["localhost 5432"], Some("shop")),
            ("jdbc:postgresql://a:1,b,c:3/shop?user=x", &["a 1", "b 5432", "c 3"], Some("shop")),
            ("jdbc:postgresql://[::1]:7000/my%20shop", &["::1 7000"], Some("my shop")),
            ("  jdbc:postgresql:///shop ", &["localhost 5432"], Some("shop")),
        ];
        for (text, expected, database) in cases {
            let url = Url::parse(text).expect(text);
            assert_eq!(hosts(&url), expected, "{text}");
            assert_eq!(url.config.get_dbname(), database, "{text}");
        }
    }

    #[test]
    fn parameters_are_taken_ignored_or_named() {
        let url = Url::parse(
            "jdbc:postgresql://h/d?user=me&password=a%26b&currentSchema=one,two&ApplicationName=app&connectTimeout=3\
             &sslmode=disable&options=-c%20statement_timeout=5&prepareThreshold=0&colour=red",
        )
        .unwrap();
        assert_eq!(url.config.get_user(), Some("me"));
        assert_eq!(url.config.get_password(), Some(&b"a&b"[..]));
        assert_eq!(url.config.get_options(), Some("-c search_path=one,two -c statement_timeout=5"));
        assert_eq!(url.config.get_application_name(), Some("app"));
        assert_eq!(url.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(url.unknown, ["colour"]);
        assert_eq!(url.shown, "h:5432/d");
    }

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        let cases = [
            ("jdbc:mysql://h/d?password=pw", "'jdbc:mysql:' is another database; only PostgreSQL is supported"),
            ("postgresql://me:pw@h/d", "'postgresql://******@h/d' is no JDBC address; only PostgreSQL"),
            ("jdbc:postgresql://me:pw@h/d", "use the options 'username' and 'password'"),
            ("jdbc:postgresql://h:54x/d", "'54x' is no port"),
            ("jdbc:postgresql://h/d?sslmode=require", "sslmode=require asks for TLS, which is not supported yet"),
            ("jdbc:postgresql://h/d?ssl=true", "ssl asks for TLS, which is not supported yet"),
            ("jdbc:postgresql://h/d?sslmode=on", "sslmode='on' is none of disable"),
            ("jdbc:postgresql://h/d?user=%4", "not followed by two hexadecimal digits"),
            ("jdbc:postgresql://h/d?connectTimeout=soon", "connectTimeout='soon' is no number of seconds"),
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
