//! The options of a search index table, checked.

use std::time::Duration;

use opensearch::http::Url;

use super::tls::{AUTHORITIES, TlsOptions};
use crate::connectors::options::{OptionSpec, OptionType, Options};
use crate::connectors::{RetryPolicy, TableDescriptor};
use crate::error::Result;
use crate::formats::{FormatRole, TableFormat, option_specs};

/// What all names of the connector take together; not every name takes all of them.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("hosts", OptionType::List, "The nodes, as 'http://host:port;...'. Requests go to them in turn.")
        .required(),
    OptionSpec::new(
        "index",
        OptionType::Text,
        "The index. '{column}', '{column|pattern}' and '{now()|pattern}' (Java date patterns) choose it row by row.",
    )
    .required(),
    OptionSpec::new("username", OptionType::Text, "The user for basic authentication; needs 'password'."),
    OptionSpec::new("password", OptionType::Text, "The password for basic authentication.").secret(),
    OptionSpec::new(
        "allow-insecure",
        OptionType::Bool,
        "Accept any certificate of an https host, for whatever host name (OpenSearch only).",
    ),
    OptionSpec::new(
        AUTHORITIES,
        OptionType::Text,
        "A file of PEM certificates whose signatures an https host may show, beside those that the system trusts.",
    )
    .ours(),
    OptionSpec::new(
        "document-id.key-delimiter",
        OptionType::Text,
        "What stands between the columns of the PRIMARY KEY in a document's id.",
    )
    .default("_"),
    OptionSpec::new("format", OptionType::Enum(&["json"]), "The format of documents.").default("json"),
    OptionSpec::new(
        "sink.bulk-flush.max-actions",
        OptionType::Int,
        "Send when this many rows wait; 0 or -1: no limit. More rows cost memory and save requests.",
    )
    .default("1000"),
    OptionSpec::new(
        "sink.bulk-flush.max-size",
        OptionType::MemorySize,
        "Send when this much waits; 0: no limit below the 90 MB that servers take.",
    )
    .default("2mb"),
    OptionSpec::new(
        "sink.bulk-flush.interval",
        OptionType::Duration,
        "Send when a row has waited this long; 0: only when full, at a checkpoint and at the end.",
    )
    .default("1s")
    .unless("sink.delivery-guarantee", &["exactly-once"]),
    OptionSpec::new(
        "sink.bulk-flush.backoff.strategy",
        OptionType::Enum(&["DISABLED", "CONSTANT", "EXPONENTIAL"]),
        "How to wait before what a busy service has refused is sent again. DISABLED: as 'connection.max-retry-timeout' says.",
    )
    .default("DISABLED"),
    OptionSpec::new(
        "sink.bulk-flush.backoff.max-retries",
        OptionType::Int,
        "How often that is sent again, at least once; without this option 8 times.",
    )
    .only_with("sink.bulk-flush.backoff.strategy", &["CONSTANT", "EXPONENTIAL"]),
    OptionSpec::new(
        "sink.bulk-flush.backoff.delay",
        OptionType::Duration,
        "The wait before the first retry; without this option 50 ms.",
    )
    .only_with("sink.bulk-flush.backoff.strategy", &["CONSTANT", "EXPONENTIAL"]),
    OptionSpec::new(
        "sink.delivery-guarantee",
        OptionType::Enum(&["at-least-once", "none", "exactly-once"]),
        "exactly-once: rows are published when the checkpoint is complete that they belong to (ours: Flink refuses it); \
         at-least-once: a checkpoint waits until everything before it is acknowledged; none: it doesn't wait. Without \
         this option: exactly-once in a job that keeps checkpoints in a folder, else at-least-once.",
    )
    .with_values_of_ours(&["exactly-once"]),
    OptionSpec::new("sink.parallelism", OptionType::Int, "How many writers there are."),
    OptionSpec::new(
        "failure-handler",
        OptionType::Enum(&["fail", "ignore", "retry-rejected"]),
        "What to do about a rejected document (Elasticsearch only): fail, drop it and go on, or send it again where \
         the server was only busy (which we always do).",
    )
    .default("fail"),
    OptionSpec::new("connection.path-prefix", OptionType::Text, "What stands before every path: '/search'."),
    OptionSpec::new(
        "connection.request-timeout",
        OptionType::Duration,
        "How long a request may wait for a connection of the pool. See 'connection.timeout' and 'socket.timeout'.",
    )
    .without_effect("a request never waits for a connection"),
    OptionSpec::new(
        "connection.timeout",
        OptionType::Duration,
        "How long connecting to a node may take, before the next one is tried; without this option 1 s.",
    ),
    OptionSpec::new(
        "socket.timeout",
        OptionType::Duration,
        "How long an answer may take, before the request is sent again; without this option 30 s.",
    ),
    OptionSpec::new(
        "connection.max-retry-timeout",
        OptionType::Duration,
        "How long to go on trying while the service is away or busy, before the job fails.",
    )
    .default("60 s")
    .ours(),
    OptionSpec::new("scan.fetch-size", OptionType::Int, "Documents per request when the index is read.")
        .default("1000")
        .ours(),
];

/// Which product a table is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    OpenSearch,
    Elasticsearch,
}

impl Product {
    /// By the connector's name.
    pub fn of(connector: &str) -> Self {
        if connector.starts_with("elasticsearch") { Self::Elasticsearch } else { Self::OpenSearch }
    }

    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenSearch => "OpenSearch",
            Self::Elasticsearch => "Elasticsearch",
        }
    }

    /// The options that only the other product has.
    fn lacks(self) -> &'static str {
        match self {
            Self::OpenSearch => "failure-handler",
            Self::Elasticsearch => "allow-insecure",
        }
    }
}

/// The checked options of one table, and its format.
#[derive(Debug, Clone)]
pub struct TableOptions {
    pub options: Options,
    pub connection: ConnectionOptions,
    pub format: TableFormat,
    pub index: String,
}

/// How the service is reached.
#[derive(Clone)]
pub struct ConnectionOptions {
    pub product: Product,
    /// With the path prefix.
    pub hosts: Vec<Url>,
    pub credentials: Option<(String, String)>,
    pub tls: TlsOptions,
    /// How long connecting to one node may take.
    pub connect_timeout: Duration,
    /// How long a request may take once it is sent.
    pub answer_timeout: Duration,
    /// How long to go on trying.
    pub max_retry: Duration,
}

impl std::fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.product.name(), self.addresses())
    }
}

impl ConnectionOptions {
    /// `http://a:9200, http://b:9200`
    pub fn addresses(&self) -> String {
        let hosts: Vec<_> = self.hosts.iter().map(|url| url.as_str().trim_end_matches('/')).collect();
        hosts.join(", ")
    }
}

impl TableOptions {
    pub fn check(table: &TableDescriptor) -> Result<Self> {
        let raw = &table.options;
        let product = Product::of(raw.get("connector").unwrap_or_default());
        let mut specs: Vec<_> = OPTIONS.iter().filter(|spec| spec.key != product.lacks()).copied().collect();
        specs.extend(option_specs(raw, Some("json"))?);
        let options = Options::check(table.owner(), raw, &specs)?;
        let format = TableFormat::find(raw, FormatRole::Value, Some("json"), options.owner(), table.zone, false)?;
        let format = format.ok_or_else(|| options.missing("format"))?;
        format.require_inserts(&format!("documents of {}", options.owner()), raw.span("format"))?;
        let connection = connection(product, &options)?;
        let index = options.require("index")?.to_string();
        if options.text("failure-handler") == Some("ignore")
            && options.text("error-handling.mode").is_some_and(|mode| mode != "fail")
        {
            return Err(options.invalid("failure-handler", "it can't be combined with 'error-handling.mode'"));
        }
        Ok(Self { options, connection, format, index })
    }

    /// How to go on after a refusal of a busy service.
    pub fn backoff(&self) -> Result<RetryPolicy> {
        let strategy = self.options.text("sink.bulk-flush.backoff.strategy").unwrap_or("DISABLED");
        let retries = self.options.at_least("sink.bulk-flush.backoff.max-retries", 1)?.unwrap_or(8);
        if strategy == "DISABLED" {
            return Ok(RetryPolicy::ForTime(self.connection.max_retry));
        }
        let delay = self.options.duration("sink.bulk-flush.backoff.delay").unwrap_or(Duration::from_millis(50));
        let retries = u32::try_from(retries).unwrap_or(u32::MAX);
        Ok(RetryPolicy::Times { retries, delay, doubling: strategy == "EXPONENTIAL" })
    }
}

/// The options that say how the service is reached.
pub fn connection(product: Product, options: &Options) -> Result<ConnectionOptions> {
    let prefix = options.text("connection.path-prefix").unwrap_or_default().trim().trim_matches('/');
    let mut hosts = Vec::new();
    for host in options.list("hosts") {
        let mut url = parse_host(&host, options)?;
        url.set_path(&format!("/{prefix}"));
        hosts.push(url);
    }
    if hosts.is_empty() {
        return Err(options.missing("hosts"));
    }
    let text = |key| options.text(key).filter(|value| !value.is_empty()).map(str::to_string);
    let credentials = match (text("username"), text("password")) {
        (Some(username), Some(password)) => Some((username, password)),
        (None, None) => None,
        (Some(_), None) => return Err(options.invalid("username", "'password' must be set at the same time")),
        (None, Some(_)) => return Err(options.invalid("password", "'username' must be set at the same time")),
    };
    let time = |key, default| options.duration(key).unwrap_or(Duration::from_secs(default));
    Ok(ConnectionOptions {
        product,
        tls: tls(&hosts, options)?,
        hosts,
        credentials,
        connect_timeout: time("connection.timeout", 1),
        answer_timeout: time("socket.timeout", 30),
        max_retry: time("connection.max-retry-timeout", 60),
    })
}

fn tls(hosts: &[Url], options: &Options) -> Result<TlsOptions> {
    let authorities = options.text(AUTHORITIES).map(str::trim).filter(|path| !path.is_empty()).map(Into::into);
    let tls =
        TlsOptions { authorities, allow_insecure: options.bool("allow-insecure"), owner: options.owner().to_string() };
    if tls.authorities.is_some() && tls.allow_insecure {
        let why = format!("any certificate is accepted, so '{AUTHORITIES}' can't be set at the same time");
        return Err(options.invalid("allow-insecure", why));
    }
    if tls.authorities.is_some() && hosts.iter().all(|url| url.scheme() == "http") {
        return Err(options.invalid(AUTHORITIES, "no host in 'hosts' begins with 'https://'"));
    }
    Ok(tls)
}

/// `http://host:port` and nothing else, as in Flink.
fn parse_host(host: &str, options: &Options) -> Result<Url> {
    let wrong = |why: &str| {
        let error = options.invalid("hosts", format!("a host {why}"));
        error.with_hint("It should follow the format 'http://host_name:port'.")
    };
    let Some((scheme, rest)) = host.split_once("://") else {
        return Err(wrong("has no scheme"));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {}
        _ => return Err(wrong("has an unknown scheme")),
    }
    if rest.contains('@') {
        return Err(options
            .invalid("hosts", "a host holds credentials")
            .with_hint("Write them as 'username' and 'password', where they are never shown."));
    }
    let authority = rest.trim_end_matches('/');
    if authority.contains('/') {
        return Err(wrong("has a path").with_hint("A path before the API's own is 'connection.path-prefix'."));
    }
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    if !port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())) {
        return Err(wrong("has no port"));
    }
    Url::parse(host).map_err(|e| wrong(&format!("can't be read ({e})")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Field, Schema};

    pub(crate) fn table(pairs: &[(&str, &str)]) -> TableDescriptor {
        TableDescriptor {
            name: "T".into(),
            columns: Schema::new(vec![Field::new("a", crate::types::SqlType::string())]),
            metadata: Vec::new(),
            primary_key: Vec::new(),
            partition_keys: Vec::new(),
            options: pairs.iter().copied().collect(),
            zone: chrono_tz::Tz::UTC,
        }
    }

    fn check(connector: &str, pairs: &[(&str, &str)]) -> Result<TableOptions> {
        let base = [("connector", connector), ("hosts", "http://a:1;http://b:2/"), ("index", "i")];
        TableOptions::check(&table(&[&base[..], pairs].concat()))
    }

    #[test]
    fn hosts_prefix_and_credentials_are_read() {
        let options =
            check("opensearch", &[("connection.path-prefix", "/x/"), ("username", "u"), ("password", "hunter2")]);
        let connection = options.unwrap().connection;
        assert_eq!(connection.addresses(), "http://a:1/x, http://b:2/x");
        assert_eq!(connection.credentials, Some(("u".into(), "hunter2".into())));
        let seconds = |time: Duration| time.as_secs();
        let times = [connection.connect_timeout, connection.answer_timeout, connection.max_retry].map(seconds);
        assert_eq!(times, [1, 30, 60]);
        assert_eq!(format!("{connection:?}"), "OpenSearch at http://a:1/x, http://b:2/x");
    }

    #[test]
    fn wrong_values_are_refused_without_showing_secrets() {
        for (pairs, message) in [
            (
                vec![("hosts", "h:9200")],
                "option 'hosts' of table \"T\" (connector \"opensearch\"): a host has no scheme",
            ),
            (vec![("hosts", "http://h")], "a host has no port"),
            (vec![("hosts", "http://h:9200/x")], "a host has a path"),
            (vec![("hosts", "http://u:hunter2@h:9200")], "a host holds credentials"),
            (vec![("ssl.certificate-authorities", "/ca.pem")], "no host in 'hosts' begins with 'https://'"),
            (
                vec![("hosts", "https://h:1"), ("ssl.certificate-authorities", "/ca.pem"), ("allow-insecure", "true")],
                "'ssl.certificate-authorities' can't be set at the same time",
            ),
            (vec![("hosts", " ; ")], "required option 'hosts' is missing"),
            (
                vec![("password", "hunter2")],
                "option 'password' of table \"T\" (connector \"opensearch\"): 'username' must be set at the same time",
            ),
            (vec![("format", "raw")], "'raw' is not one of 'json'"),
            (vec![("failure-handler", "ignore")], "unknown option 'failure-handler'"),
        ] {
            let error = check("opensearch", &pairs).unwrap_err();
            assert!(error.message().contains(message), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn each_name_takes_its_own_options() {
        for name in ["opensearch", "opensearch-2", "opensearch-3", "elasticsearch-7"] {
            let is_elastic = name == "elasticsearch-7";
            for (key, value, takes) in [
                ("allow-insecure", "true", !is_elastic),
                ("failure-handler", "retry-rejected", is_elastic),
                ("connection.path-prefix", "/x", true),
                ("connection.request-timeout", "1 s", true),
                ("document-type", "_doc", false),
                ("sink.flush-on-checkpoint", "true", false),
            ] {
                let error = check(name, &[(key, value)]).err().map(|error| error.message().to_string());
                let expected = format!("unknown option '{key}' in table \"T\" (connector \"{name}\")");
                assert_eq!(error, (!takes).then_some(expected));
            }
        }
    }

    #[test]
    fn a_strategy_has_its_own_number_of_tries() {
        let strategy = |pairs: &[(&str, &str)]| check("opensearch", pairs).unwrap().backoff();
        let constant = ("sink.bulk-flush.backoff.strategy", "CONSTANT");
        let (retries, delay) = ("sink.bulk-flush.backoff.max-retries", "sink.bulk-flush.backoff.delay");
        assert_eq!(strategy(&[]).unwrap(), RetryPolicy::ForTime(Duration::from_secs(60)));
        let expected = RetryPolicy::Times { retries: 8, delay: Duration::from_millis(50), doubling: false };
        assert_eq!(strategy(&[constant]).unwrap(), expected);
        let exponential = ("sink.bulk-flush.backoff.strategy", "EXPONENTIAL");
        let expected = RetryPolicy::Times { retries: 2, delay: Duration::from_secs(1), doubling: true };
        assert_eq!(strategy(&[exponential, (retries, "2"), (delay, "1 s")]).unwrap(), expected);
        let error = strategy(&[constant, (retries, "0")]).unwrap_err();
        assert!(error.message().ends_with("it must be at least 1"), "{error}");
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        let ignore = [("failure-handler", "ignore"), ("error-handling.mode", "skip")];
        let error = check("elasticsearch-7", &ignore).unwrap_err();
        assert!(error.message().ends_with("it can't be combined with 'error-handling.mode'"), "{error}");
        assert!(check("elasticsearch-7", &[("failure-handler", "ignore"), ("error-handling.mode", "fail")]).is_ok());
    }
}
