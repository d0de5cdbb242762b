//! `millstream.toml`: what lives beside the SQL, so that job files carry no addresses and no secrets.
//!
//! ```toml
//! [integrations.demo-postgresql]
//! connector = "jdbc"
//! url = "jdbc:postgresql://127.0.0.1:5432/defaultdb"
//! password = "${PG_PASSWORD}"
//! ```
//! Values are kept as written; `${...}` is looked up when a table takes the value, never before. No value is ever
//! shown: messages quote the file with everything behind a key's `=` blotted out.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::integrations::{Integration, Integrations, Setting};
use super::substitution::Substitution;
use crate::error::{Error, Result, did_you_mean};
use crate::span::{Location, SourceText, Span};

/// The file's name where no other is given.
pub const FILE_NAME: &str = "millstream.toml";

/// What a `millstream.toml` says.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub integrations: Integrations,
}

impl Config {
    /// The configuration for a run: `explicit` (`--config`), else the file beside the first job file, else the one in
    /// the working directory, else nothing.
    pub fn discover(explicit: Option<&Path>, first_job: Option<&Path>, working_directory: &Path) -> Result<Self> {
        if let Some(path) = explicit {
            return Self::load(path);
        }
        let beside = first_job.map(|job| job.parent().unwrap_or(Path::new("")).join(FILE_NAME));
        let candidates = beside.into_iter().chain([working_directory.join(FILE_NAME)]);
        match candidates.into_iter().find(|path| path.is_file()) {
            Some(path) => Self::load(&path),
            None => Ok(Self::default()),
        }
    }

    /// Reads a file. `${file:path}` in it is relative to its folder.
    pub fn load(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::statement(format!("cannot read the configuration file \"{name}\": {e}")))?;
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        Self::parse(&name, &text, Substitution::from_environment(folder))
    }

    /// Parses a text that messages call `name`.
    pub fn parse(name: &str, text: &str, substitution: Substitution) -> Result<Self> {
        let file = File { text, shown: SourceText::new(name, masked(text)) };
        file.parse(Arc::new(substitution))
    }
}

/// A text being read, with the form of it that messages may quote.
struct File<'t> {
    text: &'t str,
    shown: SourceText,
}

type Entry<'d, 't> = (&'d Spanned<std::borrow::Cow<'t, str>>, &'d Spanned<DeValue<'t>>);

impl<'t> File<'t> {
    fn parse(&self, substitution: Arc<Substitution>) -> Result<Config> {
        let document = DeTable::parse(self.text).map_err(|e| {
            let error = Error::statement(format!("the configuration file is not valid TOML: {}", e.message()));
            match e.span() {
                Some(range) => self.at(error, range),
                None => error.in_text(&self.shown),
            }
        })?;
        let mut integrations = Vec::new();
        for (key, value) in in_file_order(document.get_ref()) {
            if key.get_ref() != "integrations" {
                let error = Error::statement(format!("unknown section or key \"{}\"", key.get_ref()));
                let hint = did_you_mean(key.get_ref(), ["integrations"])
                    .unwrap_or_else(|| "The file holds sections [integrations.NAME].".to_string());
                return Err(self.at(error.with_hint(hint), key.span()));
            }
            let sections = self.table(value, "\"integrations\"", "It holds sections: [integrations.NAME].")?;
            for (name, section) in in_file_order(sections) {
                integrations.push(self.integration(name, section)?);
            }
        }
        Ok(Config { integrations: Integrations::new(integrations, self.shown.clone(), substitution) })
    }

    fn integration(
        &self,
        name: &Spanned<std::borrow::Cow<'t, str>>,
        section: &Spanned<DeValue<'t>>,
    ) -> Result<Integration> {
        let owner = format!("integration \"{}\"", name.get_ref());
        let table = self.table(section, &owner, "It is a section: [integrations.NAME].")?;
        let mut connector = None;
        let mut tables = None;
        let mut settings = Vec::new();
        for (key, value) in in_file_order(table) {
            match key.get_ref().as_ref() {
                "connector" => connector = Some(self.text_value(value, &format!("\"connector\" of {owner}"))?),
                "tables" => tables = Some(self.names(value, &format!("\"tables\" of {owner}"))?),
                _ => self.settings(key.get_ref().to_string(), (key, value), &owner, &mut settings)?,
            }
        }
        let span = self.span(name.span());
        let connector = connector.ok_or_else(|| {
            Error::statement(format!("{owner} doesn't say which connector it is for"))
                .with_hint("Add a line such as: connector = \"kafka\"")
                .at(span)
                .in_text(&self.shown)
        })?;
        Ok(Integration { name: name.get_ref().to_string(), connector, tables, settings, span })
    }

    /// Adds a key's value; `a.b = 1` and `"a.b" = 1` mean the same.
    fn settings(
        &self,
        key: String,
        (name, value): Entry<'_, 't>,
        owner: &str,
        settings: &mut Vec<Setting>,
    ) -> Result<()> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_string(),
            DeValue::Float(number) => number.as_str().to_string(),
            DeValue::Boolean(truth) => truth.to_string(),
            DeValue::Table(inner) => {
                for (inner_name, inner_value) in in_file_order(inner) {
                    let key = format!("{key}.{}", inner_name.get_ref());
                    self.settings(key, (inner_name, inner_value), owner, settings)?;
                }
                return Ok(());
            }
            _ => {
                return Err(self.wrong_type(
                    value,
                    &format!("\"{key}\" of {owner}"),
                    "a string, a number or a boolean",
                ));
            }
        };
        settings.push(Setting { key, value: text, span: self.span(name.span()) });
        Ok(())
    }

    fn table<'d>(&self, value: &'d Spanned<DeValue<'t>>, what: &str, hint: &str) -> Result<&'d DeTable<'t>> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.wrong_type(value, what, "a section").with_hint(hint))
    }

    fn text_value(&self, value: &Spanned<DeValue<'t>>, what: &str) -> Result<(String, Span)> {
        match value.get_ref().as_str() {
            Some(text) => Ok((text.to_string(), self.span(value.span()))),
            None => Err(self.wrong_type(value, what, "a string")),
        }
    }

    fn names(&self, value: &Spanned<DeValue<'t>>, what: &str) -> Result<Vec<String>> {
        let wrong = |value| self.wrong_type(value, what, "a list of table names, such as [\"CPU_OUT_OS\"]");
        let list = value.get_ref().as_array().ok_or_else(|| wrong(value))?;
        list.iter().map(|item| item.get_ref().as_str().map(str::to_string).ok_or_else(|| wrong(item))).collect()
    }

    fn wrong_type(&self, value: &Spanned<DeValue<'t>>, what: &str, expected: &str) -> Error {
        let found = value.get_ref().type_str();
        let article = if found.starts_with(['a', 'i']) { "an" } else { "a" };
        self.at(Error::statement(format!("{what} is {article} {found}, expected {expected}")), value.span())
    }

    fn at(&self, error: Error, range: Range<usize>) -> Error {
        error.at(self.span(range)).in_text(&self.shown)
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.location(range.start), self.location(range.end))
    }

    fn location(&self, offset: usize) -> Location {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        Location::new(before.matches('\n').count() as u32 + 1, column as u32)
    }
}

fn in_file_order<'d, 't>(table: &'d DeTable<'t>) -> Vec<Entry<'d, 't>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The text as messages may quote it: headers, keys, and the values of `connector` and `tables`.
fn masked(text: &str) -> String {
    let mut in_block = false;
    let lines = text.lines().map(|line| {
        let starts_in_block = in_block;
        let fences = line.matches("\"\"\"").count() + line.matches("'''").count();
        in_block ^= fences % 2 == 1;
        if starts_in_block {
            return "…".to_string();
        }
        let Some((key, value)) = line.split_once('=') else {
            let is_header = line.trim_start().starts_with('[') || line.trim().is_empty();
            return if is_header { line.to_string() } else { "…".to_string() };
        };
        let is_open = matches!(key.trim(), "connector" | "tables") && !value.contains('=');
        let quotes = key.matches(['"', '\'']).count();
        if is_open && fences == 0 {
            line.to_string()
        } else if quotes % 2 == 0 && !key.contains('#') {
            format!("{key}= …")
        } else {
            "…".to_string()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse("millstream.toml", text, Substitution::without_variables())
    }

    #[test]
    fn errors_have_file_line_and_column_and_show_no_values() {
        for (text, expected) in [
            (
                "[integrations.pg]\nconnector = \"jdbc\"\npassword = \"hunter2\nurl = \"x\"\n",
                "not valid TOML: invalid basic string, expected `\"`\n --> millstream.toml:3:20\n",
            ),
            ("[integration.pg]\n", "unknown section or key \"integration\"\n --> millstream.toml:1:2\n"),
            (
                "[integrations.pg]\nurl = \"x\"\n",
                "integration \"pg\" doesn't say which connector it is for\n --> millstream.toml:1:15\n",
            ),
            (
                "[integrations.pg]\nconnector = \"jdbc\"\npassword = [\"hunter2\"]\n",
                "\"password\" of integration \"pg\" is an array, expected a string, a number or a boolean\n --> millstream.toml:3:12\n",
            ),
            (
                "[integrations.os]\nconnector = \"opensearch\"\ntables = \"A\"\n",
                "\"tables\" of integration \"os\" is a string, expected a list of table names, such as [\"CPU_OUT_OS\"]\n --> millstream.toml:3:10\n",
            ),
            ("[integrations]\npg = \"hunter2\"\n", "integration \"pg\" is a string, expected a section\n"),
            (
                "[integrations.pg]\nconnector = 1\n",
                "\"connector\" of integration \"pg\" is an integer, expected a string",
            ),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_quoted_line_shows_its_key_only() {
        let text =
            "[integrations.pg]\nconnector = \"jdbc\"\npassword = \"hunter2\"\nkey = \"\"\"\nhunter=2\n\"\"\"\n# a = b";
        let expected = "[integrations.pg]\nconnector = \"jdbc\"\npassword = …\nkey = …\n…\n…\n…";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn the_file_beside_the_first_job_comes_before_the_working_directory() {
        let root = tempfile::tempdir().unwrap();
        let jobs = root.path().join("jobs");
        std::fs::create_dir(&jobs).unwrap();
        let names = |config: &Config| config.integrations.names().map(str::to_string).collect::<Vec<_>>();
        let discover = |explicit: Option<&Path>| Config::discover(explicit, Some(&jobs.join("a.sql")), root.path());

        assert!(names(&discover(None).unwrap()).is_empty());
        std::fs::write(root.path().join(FILE_NAME), "[integrations.here]\nconnector = \"kafka\"\n").unwrap();
        assert_eq!(names(&discover(None).unwrap()), ["here"]);
        std::fs::write(jobs.join(FILE_NAME), "[integrations.beside]\nconnector = \"kafka\"\n").unwrap();
        assert_eq!(names(&discover(None).unwrap()), ["beside"]);
        let other = root.path().join("other.toml");
        let error = discover(Some(&other)).unwrap_err();
        assert!(error.message().starts_with("cannot read the configuration file"), "{error}");
        std::fs::write(&other, "[integrations.other]\nconnector = \"kafka\"\n").unwrap();
        assert_eq!(names(&discover(Some(&other)).unwrap()), ["other"]);
    }
}
