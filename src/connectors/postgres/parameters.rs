//! The parameters of the JDBC driver: which are taken, which mean nothing here, which are refused.
//!
//! <https://jdbc.postgresql.org/documentation/use/#connection-parameters>

use crate::error::nearest;

/// What becomes of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It does what it does in the driver.
    Taken,
    /// It is accepted and changes nothing, for the reason given.
    Nothing,
    /// It is an error, for the reason given: without it something else would happen than was asked for.
    Refused,
}

/// One parameter behind the `?` of an address.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub effect: Effect,
    /// What it does, or why nothing, or why not.
    pub about: &'static str,
}

const fn taken(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, effect: Effect::Taken, about }
}

const fn nothing(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, effect: Effect::Nothing, about }
}

const fn refused(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, effect: Effect::Refused, about }
}

const STREAMED: &str = "rows are streamed, whatever their number";
const BINARY: &str = "values always travel in binary";
const PREPARED: &str = "each statement is prepared once per connection";
const NO_SAVEPOINTS: &str = "a flush is one transaction, and no savepoint is needed";
const NO_KERBEROS: &str = "there is no Kerberos, GSSAPI or SSPI login; a server that wants one is refused";
const NO_CLASSES: &str = "Java classes can't be loaded";
const NO_METADATA: &str = "it concerns parts of JDBC that the connector does not use";

/// All of them, in alphabetical order.
pub const PARAMETERS: &[Parameter] = &[
    nothing("adaptiveFetch", STREAMED),
    nothing("adaptiveFetchMaximum", STREAMED),
    nothing("adaptiveFetchMinimum", STREAMED),
    nothing("allowEncodingChanges", "the encoding is always UTF-8"),
    taken("ApplicationName", "the name in `pg_stat_activity`; `millstream` where it is not given"),
    nothing("assumeMinServerVersion", NO_METADATA),
    refused("authenticationPluginClassName", NO_CLASSES),
    nothing("autosave", NO_SAVEPOINTS),
    nothing("binaryTransfer", BINARY),
    nothing("binaryTransferDisable", BINARY),
    nothing("binaryTransferEnable", BINARY),
    nothing("cancelSignalTimeout", "a request to cancel waits 5 s at most"),
    taken(
        "channelBinding",
        "`disable`, `prefer` (the default) or `require`: whether the password's proof is bound to the TLS connection",
    ),
    nothing("cleanupSavepoints", NO_SAVEPOINTS),
    taken("connectTimeout", "seconds that opening a socket to a host may take (10); 0 for no limit"),
    taken("currentSchema", "the search path: names separated by commas, in double quotes where they need them"),
    nothing("databaseMetadataCacheFields", NO_METADATA),
    nothing("databaseMetadataCacheFieldsMiB", NO_METADATA),
    nothing("defaultRowFetchSize", STREAMED),
    nothing("disableColumnSanitiser", NO_METADATA),
    nothing("escapeSyntaxCallMode", NO_METADATA),
    taken(
        "gssEncMode",
        "`disable`, `allow` and `prefer` mean no GSS encryption, as with a server that has none; `require` is refused",
    ),
    nothing("gsslib", NO_KERBEROS),
    nothing("gssResponseTimeout", NO_KERBEROS),
    nothing("hostRecheckSeconds", "every connection looks at the hosts anew"),
    nothing("jaasApplicationName", NO_KERBEROS),
    nothing("jaasLogin", NO_KERBEROS),
    nothing("kerberosServerName", NO_KERBEROS),
    taken("loadBalanceHosts", "`true` tries the hosts in random order"),
    nothing("loggerFile", "the driver ignores it, too"),
    nothing("loggerLevel", "the driver ignores it, too"),
    taken(
        "loginTimeout",
        "seconds that a connection may take until it is logged in, over all hosts; where it is not given, 30 per host",
    ),
    nothing("logServerErrorDetail", "errors show the server's detail; logs show no values"),
    nothing("logUnclosedConnections", NO_METADATA),
    nothing("maxResultBuffer", STREAMED),
    nothing("maxSendBufferSize", NO_METADATA),
    taken("options", "settings for the server: `-c%20statement_timeout=90000`"),
    taken("password", "the user's password; the option `password` wins"),
    nothing("preferQueryMode", PREPARED),
    nothing("preparedStatementCacheQueries", PREPARED),
    nothing("preparedStatementCacheSizeMiB", PREPARED),
    nothing("prepareThreshold", PREPARED),
    nothing("protocolVersion", "it is always version 3"),
    nothing("quoteReturningIdentifiers", NO_METADATA),
    taken("readOnly", "`true` makes every transaction read-only; a table that is written is refused"),
    taken("readOnlyMode", "`ignore` makes `readOnly` mean nothing; `transaction` and `always` are the same here"),
    nothing("receiveBufferSize", "the system sizes it"),
    refused("replication", "the connector sends queries, no replication commands"),
    nothing("reWriteBatchedInserts", "a flush is one COPY or INSERT of arrays anyway, which is faster"),
    nothing("sendBufferSize", "the system sizes it"),
    refused("service", "service files are not read; write the host, the port and the database"),
    refused("socketFactory", NO_CLASSES),
    nothing("socketFactoryArg", "it belongs to `socketFactory`"),
    taken(
        "socketTimeout",
        "seconds that a request may go without an answer (0: no limit): then its connection is closed, and a lookup or flush is tried again",
    ),
    taken("ssl", "`true`, or without a value, is `sslmode=verify-full`; `sslmode` wins"),
    taken(
        "sslcert",
        "a PEM file with the client's certificate and those between it and its authority (`~/.postgresql/postgresql.crt`)",
    ),
    taken(
        "sslfactory",
        "`org.postgresql.ssl.LibPQFactory` (the default), `…DefaultJavaSSLFactory` to trust the system's authorities (or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name), `…NonValidatingFactory` to check nothing; others are refused",
    ),
    refused("sslfactoryarg", "it belongs to classes that can't be loaded; name the certificates with `sslrootcert`"),
    refused("sslhostnameverifier", NO_CLASSES),
    taken(
        "sslkey",
        "the client's key: PEM, PKCS #8 in DER, or PKCS #12 with certificate in a file named `.p12` or `.pfx` (`~/.postgresql/postgresql.pk8`)",
    ),
    taken("sslmode", "`disable`, `allow`, `prefer` (the default), `require`, `verify-ca`, `verify-full`: see above"),
    taken("sslNegotiation", "`postgres` (the default) asks whether the server has TLS, `direct` begins with it"),
    taken("sslpassword", "the password of `sslkey`"),
    refused("sslpasswordcallback", NO_CLASSES),
    nothing("sslResponseTimeout", "`loginTimeout` covers it"),
    taken(
        "sslrootcert",
        "a PEM file with the authorities that may have signed the server's certificate (`~/.postgresql/root.crt`)",
    ),
    nothing("sspiServiceClass", NO_KERBEROS),
    nothing("stringtype", "a STRING is always sent as the column's own type"),
    taken(
        "targetServerType",
        "`any` (the default), `primary`, `secondary`, `preferPrimary`, `preferSecondary`: which of several hosts",
    ),
    taken(
        "tcpKeepAlive",
        "`false` turns off the probes that find a dead connection after two minutes; they are on by default, unlike in the driver",
    ),
    nothing("tcpNoDelay", "it is always on"),
    nothing("unknownLength", NO_METADATA),
    taken("user", "who connects; the option `username` wins"),
    nothing("useSpnego", NO_KERBEROS),
    nothing("xmlFactoryFactory", "XML is text"),
];

pub fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|p| p.name == name)
}

/// True for a parameter of an address whose value may be shown: a known one, and no secret.
pub fn shows_parameter(name: &str) -> bool {
    !matches!(name, "password" | "sslpassword" | "sslfactoryarg" | "socketFactoryArg") && find(name).is_some()
}

/// The known parameter that was probably meant.
pub fn nearest_parameter(name: &str) -> Option<&'static str> {
    nearest(name, PARAMETERS.iter().map(|p| p.name))
}

/// The table of the documentation.
pub fn documentation() -> String {
    let mut text = String::from("| Parameter | Here | Meaning |\n| --- | --- | --- |\n");
    for Parameter { name, effect, about } in PARAMETERS {
        let effect = match effect {
            Effect::Taken => "taken",
            Effect::Nothing => "no effect",
            Effect::Refused => "refused",
        };
        text += &format!("| `{name}` | {effect} | {about} |\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_in_order_and_secrets_are_not_shown() {
        assert!(PARAMETERS.is_sorted_by_key(|p| p.name.to_lowercase()));
        assert!(shows_parameter("sslrootcert") && shows_parameter("socketTimeout"));
        for hidden in ["password", "sslpassword", "sslpasword"] {
            assert!(!shows_parameter(hidden), "{hidden}");
        }
        assert_eq!(nearest_parameter("sslrootcerts"), Some("sslrootcert"));
    }
}
