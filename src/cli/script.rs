//! The script of a command: its files, its `-e` texts, its configuration.

use std::path::Path;

use super::ScriptArgs;
use crate::catalog::{Config, Integrations};
use crate::connectors;
use crate::error::{Error, Result};
use crate::session::Session;
use crate::shell::script_file::read_script;
use crate::span::SourceText;
use crate::sql::{Statement, parse_declarations};

/// Everything that a command reads before it does anything.
pub struct Script {
    pub texts: Vec<SourceText>,
    setup: Setup,
}

/// What a session begins with.
pub struct Setup {
    integrations: Integrations,
    set: Vec<(String, String)>,
}

impl Setup {
    /// Reads `--set KEY=VALUE` and `--config`, or the configuration that is found beside the first file or here.
    pub fn read(set: &[String], config: Option<&Path>, first: Option<&Path>) -> Result<Self> {
        let set = set.iter().map(|pair| match pair.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_string(), value.trim().to_string())),
            None => Err(Error::statement(format!("--set {pair}: KEY=VALUE is expected"))),
        });
        let here = std::env::current_dir().map_err(|e| Error::external(format!("no working directory: {e}")))?;
        let config = Config::discover(config, first, &here)?;
        config.integrations.check(|connector| connectors::find(connector, None))?;
        Ok(Self { integrations: config.integrations, set: set.collect::<Result<_>>()? })
    }

    /// A session with these integrations and options.
    pub fn session(&self) -> Result<Session> {
        let mut session = Session::new().with_integrations(self.integrations.clone());
        for (key, value) in &self.set {
            session.set(key, value).map_err(|e| e.context("--set"))?;
        }
        Ok(session)
    }
}

impl Script {
    pub fn read(args: &ScriptArgs) -> Result<Self> {
        let mut texts = Vec::new();
        for path in &args.files {
            texts.push(read_script(path)?);
        }
        for sql in &args.execute {
            texts.push(SourceText::new("-e", sql.as_str()));
        }
        if texts.is_empty() {
            return Err(Error::statement("nothing to run").with_hint("Name a job file, or give SQL with -e."));
        }
        let first = args.files.first().map(|path| path.as_path());
        Ok(Self { texts, setup: Setup::read(&args.set, args.config.as_deref(), first)? })
    }

    /// A session with this script's integrations and `--set` options.
    pub fn session(&self) -> Result<Session> {
        self.setup.session()
    }

    /// All statements in order, each with its text; or an error in its place.
    pub fn statements(&self) -> impl Iterator<Item = (ScriptStatement, &SourceText)> {
        self.texts.iter().flat_map(|text| statements_of(text).into_iter().map(move |statement| (statement, text)))
    }
}

/// The statements of one text, in order.
pub fn statements_of(text: &SourceText) -> Vec<ScriptStatement> {
    let statements = parse_declarations(text).into_iter();
    statements.map(|(declares, parsed)| ScriptStatement { declares, parsed }).collect()
}

/// A statement of a script, or why it is none.
pub struct ScriptStatement {
    /// The table or view that it declares, as far as its first words tell.
    pub declares: Option<String>,
    pub parsed: Result<Statement>,
}
