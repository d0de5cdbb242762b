//! Integrations: named sets of table options, so that tables may leave their connection blank.
//!
//! Who takes what:
//! - A table that names an integration (`'integration' = 'x'`, or by standing in its `tables`) takes from that one.
//! - A table that names none takes options only where its address is absent or blank, from the only one that fits.
//! - A table that states its own address takes nothing from an integration it doesn't name: credentials never travel
//!   to an address they weren't written for.
//!
//! What a table says itself wins, unless it is blank.

use std::fmt;
use std::sync::Arc;

use super::substitution::Substitution;
use crate::connectors::Connector;
use crate::connectors::options::{COMMON_OPTIONS, OptionSpec, Options, RawOptions};
use crate::error::{Error, Result, did_you_mean};
use crate::formats;
use crate::span::{SourceText, Span};

/// One section `[integrations.NAME]`.
#[derive(Debug, Clone)]
pub struct Integration {
    pub name: String,
    /// The connector whose tables it is for, as written, and where.
    pub connector: (String, Span),
    /// Only for these tables; absent: for every table of its connector.
    pub tables: Option<Vec<String>>,
    pub settings: Vec<Setting>,
    pub span: Span,
}

/// One option of an integration. Its value may be a secret and is never shown.
#[derive(Clone)]
pub struct Setting {
    pub key: String,
    /// As written, with `${...}` in it.
    pub value: String,
    /// Where the key stands in the file.
    pub span: Span,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = ...", self.key)
    }
}

/// The integrations of a configuration file.
#[derive(Debug, Clone)]
pub struct Integrations {
    all: Vec<Integration>,
    /// The file as messages may quote it.
    text: SourceText,
    substitution: Arc<Substitution>,
}

impl Default for Integrations {
    fn default() -> Self {
        Self::new(Vec::new(), SourceText::new("", ""), Arc::new(Substitution::without_variables()))
    }
}

impl Integrations {
    /// `text` is the file as messages may quote it; spans point into it.
    pub fn new(all: Vec<Integration>, text: SourceText, substitution: Arc<Substitution>) -> Self {
        Self { all, text, substitution }
    }

    /// With an address that leads nowhere for each of the connectors that no integration would give one: for plans whose
    /// doors are never opened.
    pub fn with_stand_ins(mut self, connectors: &[&'static dyn Connector]) -> Self {
        for connector in connectors {
            let Some(address) = connector.address_option() else { continue };
            if self.all.iter().any(|i| i.tables.is_none() && i.is_for(*connector)) {
                continue;
            }
            let (name, span) = (connector.names().first().copied().unwrap_or_default(), Span::on_line(1, 1, 1));
            let nowhere = match address {
                "url" => "jdbc:postgresql://nowhere/nowhere",
                "hosts" => "http://nowhere:9200",
                _ => "nowhere:9092",
            };
            let setting = Setting { key: address.to_string(), value: nowhere.to_string(), span };
            let (connector, settings) = ((name.to_string(), span), vec![setting]);
            self.all.push(Integration { name: format!("no-{name}"), connector, tables: None, settings, span });
        }
        self
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|i| i.name.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Integration> {
        self.all.iter()
    }

    /// Checks every integration's connector and keys, whether a table takes from it or not.
    pub fn check(&self, find: impl Fn(&str) -> Result<&'static dyn Connector>) -> Result<()> {
        for integration in &self.all {
            let (name, span) = &integration.connector;
            let connector = find(name).map_err(|e| e.at(*span).in_text(&self.text))?;
            self.check_keys(integration, connector)?;
        }
        Ok(())
    }

    /// The options of a table with what an integration fills in.
    ///
    /// # Errors
    /// A blank or absent address that no integration or more than one could fill, a name that isn't there or is for
    /// other tables, an unknown key, and `${...}` that can't be looked up.
    pub fn resolve(&self, table_name: &str, options: &RawOptions, connector: &dyn Connector) -> Result<RawOptions> {
        let table = Asking { name: table_name, options, connector };
        match self.chosen(&table)? {
            None => Ok(options.clone()),
            Some(integration) => {
                self.check_keys(integration, connector)?;
                self.merged(&table, integration)
            }
        }
    }

    /// The options for questions to the service of `connector` that are about no table: those of the integration
    /// named, or of the only one for it.
    ///
    /// # Errors
    /// None or several where none is named, a name that isn't there or is for another connector, and `${...}` that
    /// can't be looked up.
    pub fn of_service(&self, connector: &dyn Connector, named: Option<(&str, Span)>) -> Result<(&str, RawOptions)> {
        let fitting: Vec<_> = self.all.iter().filter(|i| i.is_for(connector)).collect();
        let list = || fitting.iter().map(|i| quoted(i)).collect::<Vec<_>>().join(", ");
        let called = connector.names().first().copied().unwrap_or_default();
        let integration = match (named, &fitting[..]) {
            (Some((name, span)), _) => match self.all.iter().find(|i| i.name == name) {
                Some(found) if found.is_for(connector) => found,
                Some(found) => {
                    let message = format!(
                        "the integration '{name}' is for the connector '{}', and this asks a '{called}'",
                        found.connector.0
                    );
                    let error = Error::statement(message).at(span);
                    return Err(match fitting.is_empty() {
                        true => error,
                        false => error.with_hint(format!("Integrations for '{called}': {}.", list())),
                    });
                }
                None => {
                    let hint = self.unknown_hint(name);
                    return Err(Error::statement(format!("unknown integration '{name}'")).with_hint(hint).at(span));
                }
            },
            (None, [one]) => one,
            (None, []) => {
                let address = connector.address_option().unwrap_or("address");
                return Err(Error::statement(format!("there is no integration for the connector '{called}' to ask"))
                    .with_hint(format!("Put one into {}", example(called, address))));
            }
            (None, _) => {
                return Err(Error::statement(format!(
                    "several integrations are for the connector '{called}': {}",
                    list()
                ))
                .with_hint(format!("Name one of them with FROM {}.", fitting.first().map_or("", |i| &i.name))));
            }
        };
        self.check_keys(integration, connector)?;
        let mut options = RawOptions::new();
        options.set("connector", &integration.connector.0, None);
        for setting in &integration.settings {
            options.set(&setting.key, self.value(integration, setting)?, None);
        }
        Ok((&integration.name, options))
    }

    /// True where an integration has this name.
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The tables that an integration is only for, where it says any.
    pub fn only_for(&self, name: &str) -> Option<&[String]> {
        self.all.iter().find(|i| i.name == name)?.tables.as_deref()
    }

    fn chosen(&self, table: &Asking<'_>) -> Result<Option<&Integration>> {
        if let Some(name) = table.options.get("integration") {
            return self.by_name(name, table).map(Some);
        }
        let listing: Vec<_> = self.all.iter().filter(|i| i.lists(table.name)).collect();
        if let Some(first) = listing.first() {
            let fitting: Vec<_> = listing.iter().filter(|i| i.is_for(table.connector)).copied().collect();
            return match fitting[..] {
                [one] => Ok(Some(one)),
                [] => Err(self.other_kind(first, table)),
                _ => Err(self.ambiguous(&fitting, table)),
            };
        }
        let Some(address) = table.connector.address_option() else {
            return Ok(None);
        };
        if table.options.get(address).is_some_and(|value| !table.connector.is_blank_address(value)) {
            return Ok(None);
        }
        // Another address, misspelled, is no blank: its table must not read or write somewhere else in silence.
        let is_near = |key: &&str| *key != address && strsim::damerau_levenshtein(key, address) <= 2;
        if let Some(key) = table.options.keys().find(is_near) {
            return Err(Error::statement(format!("unknown option '{key}' in {}", table.owner()))
                .with_hint(format!("Did you mean '{address}'?"))
                .at(table.options.key_span(key)));
        }
        let fitting: Vec<_> = self.all.iter().filter(|i| i.tables.is_none() && i.is_for(table.connector)).collect();
        match fitting[..] {
            [one] => Ok(Some(one)),
            [] => Err(self.none_fits(address, table)),
            _ => Err(self.ambiguous(&fitting, table)),
        }
    }

    fn by_name(&self, name: &str, table: &Asking<'_>) -> Result<&Integration> {
        let span = table.options.span("integration");
        let Some(integration) = self.all.iter().find(|i| i.name == name) else {
            let hint = self.unknown_hint(name);
            return Err(Error::statement(format!("unknown integration '{name}' in {}", table.owner()))
                .with_hint(hint)
                .at(span));
        };
        if !integration.is_for(table.connector) {
            return Err(self.other_kind(integration, table));
        }
        if let Some(tables) = &integration.tables
            && !integration.lists(table.name)
        {
            return Err(Error::statement(format!(
                "{} names the integration '{name}', which is only for other tables: {}",
                table.owner(),
                tables.join(", ")
            ))
            .with_hint(format!("Add \"{}\" to its \"tables\" in {}.", table.name, self.text.name))
            .at(span));
        }
        Ok(integration)
    }

    fn unknown_hint(&self, name: &str) -> String {
        did_you_mean(name, self.names()).unwrap_or_else(|| match self.all.is_empty() {
            true => "There are no integrations: no millstream.toml was found, or it has none. \
                     It is looked up beside the first job file, then in the working directory, or named by --config."
                .to_string(),
            false => format!("Integrations in {}: {}.", self.text.name, self.names().collect::<Vec<_>>().join(", ")),
        })
    }

    /// What a setting says, looked up where it has `${...}`.
    fn value(&self, integration: &Integration, setting: &Setting) -> Result<String> {
        self.substitution.expand(&setting.value).map_err(|e| {
            let place = format!("\"{}\" of integration \"{}\"", setting.key, integration.name);
            e.context(place).at(setting.span).in_text(&self.text)
        })
    }

    fn merged(&self, table: &Asking<'_>, integration: &Integration) -> Result<RawOptions> {
        let mut merged = table.options.clone();
        for setting in &integration.settings {
            let is_blank = |value: &str| match table.connector.address_option() {
                Some(address) if address == setting.key => table.connector.is_blank_address(value),
                _ => value.trim().is_empty(),
            };
            if table.options.get(&setting.key).is_some_and(|own| !is_blank(own)) {
                continue;
            }
            merged.set(&setting.key, self.value(integration, setting)?, None);
        }
        if let Some(address) = table.connector.address_option()
            && merged.get(address).is_none_or(|value| table.connector.is_blank_address(value))
        {
            let message = format!("neither {} nor integration \"{}\" has '{address}'", table.owner(), integration.name);
            return Err(Error::statement(message).at(table.address_span(address)));
        }
        Ok(merged)
    }

    /// Checks keys, and the values that are known without looking anything up.
    fn check_keys(&self, integration: &Integration, connector: &dyn Connector) -> Result<()> {
        let (name, (connector_name, _)) = (&integration.name, &integration.connector);
        let owner = format!("integration \"{name}\" (connector \"{connector_name}\")");
        let common = COMMON_OPTIONS.iter().filter(|spec| !matches!(spec.key, "connector" | "integration"));
        let specs = connector.options().iter().chain(common);
        let specs: Vec<_> = specs.map(|spec| OptionSpec { required: false, ..*spec }).collect();
        for setting in &integration.settings {
            if is_format_option(&setting.key) {
                continue;
            }
            let mut raw = RawOptions::new();
            let is_known = specs.iter().any(|spec| spec.matches(&setting.key));
            if is_known && setting.value.contains("${") {
                continue;
            }
            raw.set(&setting.key, &setting.value, Some(setting.span));
            Options::check_only(&owner, &raw, specs.clone()).map_err(|e| e.in_text(&self.text))?;
        }
        Ok(())
    }

    fn other_kind(&self, integration: &Integration, table: &Asking<'_>) -> Error {
        let Integration { name, connector: (connector, _), .. } = integration;
        let message = format!("the integration '{name}' is for the connector '{connector}', not for {}", table.owner());
        let fitting: Vec<_> = self.all.iter().filter(|i| i.is_for(table.connector)).map(quoted).collect();
        let error = Error::statement(message).at(table.options.span("integration"));
        match fitting.is_empty() {
            true => error,
            false => error.with_hint(format!("Integrations for this connector: {}.", fitting.join(", "))),
        }
    }

    fn ambiguous(&self, fitting: &[&Integration], table: &Asking<'_>) -> Error {
        let names: Vec<_> = fitting.iter().map(|i| quoted(i)).collect();
        let first = fitting.first().map_or("", |i| i.name.as_str());
        let address = table.connector.address_option().unwrap_or("connector");
        Error::statement(format!(
            "{} could take its address from several integrations: {}",
            table.owner(),
            names.join(", ")
        ))
        .with_hint(format!("Choose one with 'integration' = '{first}' in the table's options."))
        .at(table.address_span(address))
    }

    fn none_fits(&self, address: &str, table: &Asking<'_>) -> Error {
        let state = if table.options.get(address).is_some() { "blank" } else { "missing" };
        let message = format!("option '{address}' is {state} in {} and no integration fits", table.owner());
        let connector = table.connector.names().first().copied().unwrap_or_default();
        let elsewhere: Vec<_> = self.all.iter().filter(|i| i.is_for(table.connector)).map(quoted).collect();
        let hint = match elsewhere.is_empty() {
            true => format!("Write the address, or put it into {}", example(connector, address)),
            false => format!(
                "Write the address, or add \"{}\" to the \"tables\" of an integration that is only for others: {}.",
                table.name,
                elsewhere.join(", ")
            ),
        };
        Error::statement(message).with_hint(hint).at(table.address_span(address))
    }
}

impl Integration {
    fn lists(&self, table: &str) -> bool {
        self.tables.as_ref().is_some_and(|tables| tables.iter().any(|t| t == table))
    }

    /// True where a connector answers to its name; `kafka` serves `upsert-kafka` too.
    fn is_for(&self, connector: &dyn Connector) -> bool {
        let names = connector.names();
        let family = |name: &str| if name == "upsert-kafka" { "kafka".to_string() } else { name.to_string() };
        names.iter().any(|name| family(name) == family(&self.connector.0))
    }
}

/// A table that asks for options.
struct Asking<'a> {
    name: &'a str,
    options: &'a RawOptions,
    connector: &'a dyn Connector,
}

impl Asking<'_> {
    fn owner(&self) -> String {
        let connector = self.options.get("connector").or(self.connector.names().first().copied()).unwrap_or("");
        format!("table \"{}\" (connector \"{connector}\")", self.name)
    }

    fn address_span(&self, address: &str) -> Option<Span> {
        self.options.span(address).or_else(|| self.options.span("connector"))
    }
}

/// `json.timestamp-format.standard`, also behind `key.` or `value.`.
fn is_format_option(key: &str) -> bool {
    let key = key.strip_prefix("key.").or(key.strip_prefix("value.")).unwrap_or(key);
    let Some((name, option)) = key.split_once('.') else { return false };
    let format = formats::all().iter().find(|format| format.name() == name);
    format.is_some_and(|format| format.options().iter().any(|spec| spec.matches(option)))
}

/// The configuration file, where it is looked for, and the lines to write into it.
fn example(connector: &str, address: &str) -> String {
    format!(
        "{} (beside the job file, in the working directory, or named by --config):\n[integrations.my-{connector}]\nconnector = \"{connector}\"\n{} = \"...\"",
        super::config::FILE_NAME,
        toml_key(address),
    )
}

fn quoted(integration: &Integration) -> String {
    format!("'{}'", integration.name)
}

fn toml_key(key: &str) -> String {
    if key.contains('.') { format!("\"{key}\"") } else { key.to_string() }
}

#[cfg(test)]
#[path = "integrations_tests.rs"]
mod tests;
