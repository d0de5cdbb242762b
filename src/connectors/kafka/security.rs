//! TLS and SASL: the Java client's security settings as librdkafka's.
//!
//! Key material is PEM, as text or in files, or a PKCS #12 store; Java's own JKS stores can't be read.

use std::sync::LazyLock;

use super::java::refused;
use super::properties::KafkaProperties;
use super::stores::{Purpose, Store};
use crate::connectors::options::Options;
use crate::error::{Error, Result, did_you_mean};

const PROTOCOLS: &[&str] = &["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/// Adds the security settings of a table to `properties`, and its secrets to the list of what is never shown.
pub fn apply(options: &Options, properties: &mut KafkaProperties) -> Result<()> {
    let settings = Settings(options);
    if let Some(protocol) = settings.get("security.protocol") {
        if !PROTOCOLS.contains(&protocol.to_uppercase().as_str()) {
            let error = settings.invalid("security.protocol", refused("security.protocol", protocol, ""));
            return Err(match did_you_mean(protocol, PROTOCOLS.iter().copied()) {
                Some(hint) => error.with_hint(hint),
                None => error,
            });
        }
        properties.config.set("security.protocol", protocol.to_lowercase());
    }
    if settings.get("security.protocol").is_some_and(|p| p.to_uppercase().starts_with("SASL")) {
        sasl(&settings, properties)?;
    }
    trust(&settings, properties)?;
    keys(&settings, properties)
}

/// The `properties.*` of a table.
pub struct Settings<'a>(&'a Options);

impl<'a> Settings<'a> {
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0.text(&format!("properties.{key}")).map(str::trim).filter(|v| !v.is_empty())
    }

    fn copy(&self, from: &str, to: &str, properties: &mut KafkaProperties) {
        if let Some(value) = self.get(from) {
            properties.config.set(to, value);
        }
    }

    /// How messages name the table.
    pub fn owner(&self) -> String {
        self.0.owner().to_string()
    }

    pub fn invalid(&self, key: &str, why: impl std::fmt::Display) -> Error {
        self.0.invalid(&format!("properties.{key}"), why)
    }
}

fn sasl(settings: &Settings<'_>, properties: &mut KafkaProperties) -> Result<()> {
    let mechanism = settings.get("sasl.mechanism").unwrap_or("GSSAPI").to_uppercase();
    if !["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].contains(&mechanism.as_str()) {
        return Err(settings
            .invalid("sasl.mechanism", format!("the mechanism {mechanism} is not supported"))
            .with_hint("Use 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'."));
    }
    properties.config.set("sasl.mechanism", &mechanism);
    let (user, password) = match settings.get("sasl.jaas.config") {
        Some(jaas) => jaas_fault(jaas, &mechanism).map_or(jaas_login(jaas), |_| None).ok_or_else(|| {
            let why = jaas_fault(jaas, &mechanism).unwrap_or("no username and password found in it");
            settings.invalid("sasl.jaas.config", why).with_hint(
                "Write 'org.apache.kafka.common.security.plain.PlainLoginModule required username=\"...\" \
                 password=\"...\";', or ScramLoginModule in its place.",
            )
        })?,
        None => match (settings.get("sasl.username"), settings.get("sasl.password")) {
            (Some(user), Some(password)) => (user.to_string(), password.to_string()),
            _ => {
                return Err(settings
                    .0
                    .missing("properties.sasl.jaas.config")
                    .with_detail(format!("The SASL mechanism {mechanism} needs a user and a password.")));
            }
        },
    };
    properties.secrets.push(password.clone());
    properties.config.set("sasl.username", user).set("sasl.password", password);
    Ok(())
}

/// What is wrong with a JAAS line beside user and password; Java's client would refuse it, too.
fn jaas_fault(jaas: &str, mechanism: &str) -> Option<&'static str> {
    let mut words = jaas.split_whitespace();
    let module = words.next().unwrap_or_default().rsplit('.').next().unwrap_or_default();
    let wanted = if mechanism == "PLAIN" { "PlainLoginModule" } else { "ScramLoginModule" };
    match module {
        "PlainLoginModule" | "ScramLoginModule" if module != wanted => {
            Some("its login module is not that of 'properties.sasl.mechanism'")
        }
        "PlainLoginModule" | "ScramLoginModule" => match words.next() {
            Some(flag) if flag.eq_ignore_ascii_case("required") || flag.eq_ignore_ascii_case("required;") => {
                (!jaas.trim_end().ends_with(';')).then_some("it must end with ';'")
            }
            _ => Some("'required' must stand behind the login module"),
        },
        _ => Some("it begins with no login module that is known"),
    }
}

/// User and password of a JAAS line, quoted or not; `\"` stands for a quote.
fn jaas_login(jaas: &str) -> Option<(String, String)> {
    static OPTION: LazyLock<regex::Regex> = LazyLock::new(|| {
        regex::Regex::new(r#"\b(username|password)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))"#)
            .expect("a valid pattern")
    });
    let (mut user, mut password) = (None, None);
    for found in OPTION.captures_iter(jaas) {
        let value =
            found.get(2).or(found.get(3)).or(found.get(4))?.as_str().replace("\\\"", "\"").replace("\\\\", "\\");
        match &found[1] {
            "username" => user = Some(value),
            _ => password = Some(value),
        }
    }
    Some((user?, password?))
}

/// Whom to trust: `ssl.ca.*` and host names.
fn trust(settings: &Settings<'_>, properties: &mut KafkaProperties) -> Result<()> {
    // A blank value is the Java client's way to switch the check of host names off.
    let key = "properties.ssl.endpoint.identification.algorithm";
    if let Some(algorithm) = settings.0.text(key) {
        let algorithm = if algorithm.trim().is_empty() { "none".into() } else { algorithm.trim().to_lowercase() };
        properties.config.set("ssl.endpoint.identification.algorithm", algorithm);
    }
    settings.copy("ssl.ca.location", "ssl.ca.location", properties);
    settings.copy("ssl.truststore.certificates", "ssl.ca.pem", properties);
    properties.stores.extend(Store::from_settings(Purpose::Trust, settings)?);
    Ok(())
}

/// Who we are: the client's certificate and key.
fn keys(settings: &Settings<'_>, properties: &mut KafkaProperties) -> Result<()> {
    settings.copy("ssl.keystore.certificate.chain", "ssl.certificate.pem", properties);
    settings.copy("ssl.keystore.key", "ssl.key.pem", properties);
    settings.copy("ssl.key.password", "ssl.key.password", properties);
    settings.copy("ssl.certificate.location", "ssl.certificate.location", properties);
    settings.copy("ssl.key.location", "ssl.key.location", properties);
    properties.stores.extend(Store::from_settings(Purpose::Key, settings)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::options::KafkaOptions;
    use crate::connectors::kafka::properties::Role;
    use crate::connectors::kafka::testing::table;

    fn build(pairs: &[(&str, &str)]) -> Result<KafkaProperties> {
        let options = KafkaOptions::check(&table("a INT", pairs))?.options;
        KafkaProperties::build(&options, Role::Consumer, "g")
    }

    #[test]
    fn a_jaas_line_gives_user_and_password() {
        for (jaas, user, password) in [
            (r#"a.PlainLoginModule required username="alice" password="s\"3;cret";"#, "alice", "s\"3;cret"),
            ("a.ScramLoginModule required username='bob' password='x y';", "bob", "x y"),
            ("a.ScramLoginModule required password=p username=u;", "u", "p"),
        ] {
            assert_eq!(jaas_login(jaas), Some((user.to_string(), password.to_string())), "{jaas}");
        }
        assert_eq!(jaas_login("a.PlainLoginModule required;"), None);
    }

    #[test]
    fn a_jaas_line_is_checked_as_java_checks_it() {
        let line = "a.b.PlainLoginModule required username=\"u\" password=\"p\";";
        assert_eq!(jaas_fault(line, "PLAIN"), None);
        assert!(jaas_fault(line, "SCRAM-SHA-256").is_some());
        assert_eq!(jaas_fault(line.trim_end_matches(';'), "PLAIN"), Some("it must end with ';'"));
        assert!(jaas_fault(&line.replace("Module", "Modul"), "PLAIN").is_some());
        assert!(jaas_fault(&line.replace("required ", ""), "PLAIN").is_some());
    }

    #[test]
    fn a_misspelt_protocol_is_named() {
        let error = build(&[("properties.security.protocol", "SASL_SLL")]).unwrap_err();
        assert!(error.message().contains("'SASL_SLL' is not one of 'PLAINTEXT', 'SSL'"), "{error}");
        assert_eq!(error.hint(), Some("Did you mean \"SASL_SSL\"?"));
    }

    #[test]
    fn sasl_settings_are_translated_and_the_password_is_a_secret() {
        let properties = build(&[
            ("properties.security.protocol", "SASL_SSL"),
            ("properties.sasl.mechanism", "SCRAM-SHA-256"),
            ("properties.sasl.jaas.config", "x.ScramLoginModule required username=\"u\" password=\"geheim\";"),
            ("properties.ssl.endpoint.identification.algorithm", ""),
        ])
        .unwrap();
        for (key, value) in [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-256"),
            ("sasl.username", "u"),
            ("sasl.password", "geheim"),
            ("ssl.endpoint.identification.algorithm", "none"),
        ] {
            assert_eq!(properties.config.get(key), Some(value), "{key}");
        }
        assert!(properties.secrets.contains(&"geheim".to_string()));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let jks = folder.path().join("trust.jks").display().to_string();
        // Planning needs no file.
        assert!(build(&[("properties.ssl.truststore.location", &jks)]).is_ok());
        std::fs::write(&jks, [0xfe, 0xed, 0xfe, 0xed]).unwrap();
        let error = build(&[("properties.ssl.truststore.location", &jks)]).unwrap_err();
        assert!(error.message().contains("is a JKS store, which only Java can read"), "{error}");
        assert!(error.hint().unwrap().contains("keytool -importkeystore -srckeystore"), "{error}");
        let error = build(&[("properties.ssl.keystore.location", "k"), ("properties.ssl.keystore.type", "BKS")]);
        assert!(error.unwrap_err().to_string().contains("there is no store of type 'BKS'"));
        let pairs = [("properties.security.protocol", "SASL_SSL"), ("properties.sasl.mechanism", "OAUTHBEARER")];
        let error = build(&pairs).unwrap_err();
        assert!(error.message().contains("OAUTHBEARER is not supported"), "{error}");
    }

    #[test]
    fn an_error_about_a_login_does_not_show_it() {
        let pairs = [
            ("properties.security.protocol", "SASL_PLAINTEXT"),
            ("properties.sasl.mechanism", "PLAIN"),
            ("properties.sasl.jaas.config", "PlainLoginModule required user=\"u\" pass=\"geheim\";"),
        ];
        assert!(!build(&pairs).unwrap_err().to_string().contains("geheim"));
    }
}
