//! A command of the client: `help`, `quit`, `clear`, and psql's lines that begin with a backslash.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result, did_you_mean};
use crate::shell::described::Described;
use crate::span::{Location, Span};

/// What a command does.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `help [topic]`, `\?`, `\h topic`
    Help(Option<String>),
    /// `quit`, `exit`, `\q`
    Quit,
    /// `clear`
    Clear,
    /// `\d [name] [FROM integration]`
    Describe(Described),
    /// `\dt [pattern]`
    Tables(Option<String>),
    /// `\dv [pattern]`
    Views(Option<String>),
    /// `\df [pattern]`
    Functions(Option<String>),
    /// `\di`
    Integrations,
    /// `\j`
    Jobs,
    /// `\x [on | off]`
    Expanded(Option<bool>),
    /// `\timing [on | off]`
    Timing(Option<bool>),
    /// `\e [file]`
    Edit(Option<PathBuf>),
    /// `\i file`
    Include(PathBuf),
    /// `\o [file]`
    Output(Option<PathBuf>),
    /// `\watch [seconds]`
    Watch(Duration),
}

/// A backslash command as help and completion show it: how it is written, and what it does.
pub const BACKSLASH: &[(&str, &str)] = &[
    ("\\?", "this overview"),
    ("\\h [topic]", "help on a statement, connector, format, function or option"),
    (
        "\\d [table]",
        "tables and views, also by pattern; one table's columns, keys and options; with FROM those of an integration",
    ),
    ("\\dt [pattern]", "tables; * stands for any text"),
    ("\\dv [pattern]", "views"),
    ("\\df [pattern]", "functions and what they take"),
    ("\\di", "the integrations of millstream.toml"),
    ("\\j", "the jobs of this session"),
    ("\\x [on|off]", "a row below the other instead of tables"),
    ("\\timing [on|off]", "how long each statement took"),
    ("\\e [file]", "the last statement, or a file, in $VISUAL or $EDITOR"),
    ("\\i file", "runs the statements of a file"),
    ("\\o [file]", "results into a file; back to the terminal without one"),
    ("\\watch [seconds]", "runs the query again and again, every 2 seconds unless told otherwise"),
    ("\\q", "leaves"),
];

/// Words that are a command of the client when a statement begins with them.
pub const WORDS: &[(&str, &str)] = &[
    ("help", "the overview; `help topic` for one page"),
    ("clear", "clears the screen"),
    ("quit", "leaves"),
    ("exit", "leaves"),
];

impl Command {
    /// The command that these words are, without a `;`; None where they are none.
    pub fn of_words(words: &str) -> Option<Self> {
        let words = words.trim();
        let (first, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let rest = rest.trim().trim_matches(['\'', '`']).to_string();
        match first.to_ascii_lowercase().as_str() {
            "help" => Some(Self::Help(Some(rest).filter(|topic| !topic.is_empty()))),
            "quit" | "exit" if rest.is_empty() => Some(Self::Quit),
            "clear" if rest.is_empty() => Some(Self::Clear),
            _ => None,
        }
    }

    /// Reads a line from its backslash on, which stands at `span`.
    ///
    /// # Errors
    /// An unknown command, or an argument that is missing, wrong or one too many.
    pub fn of_line(line: &str, span: Span) -> Result<Self> {
        let line = line.trim().trim_end_matches(';').trim_end();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let unquoted = rest.strip_prefix('\'').and_then(|r| r.strip_suffix('\'')).unwrap_or(rest);
        let argument = Some(unquoted.to_string()).filter(|a| !a.is_empty());
        let alone = |command: Self| match &argument {
            None => Ok(command),
            Some(argument) => Err(Error::statement(format!("{name} takes nothing behind it, not \"{argument}\""))),
        };
        let command = match name {
            "\\?" => alone(Self::Help(None)),
            "\\h" | "\\help" => Ok(Self::Help(argument)),
            "\\q" | "\\quit" => alone(Self::Quit),
            "\\d" | "\\d+" => {
                let before = line.len() - rest.len();
                let column = span.start.column + line.get(..before).map_or(0, |before| before.chars().count()) as u32;
                return Described::read(rest, Location::new(span.start.line, column)).map(Self::Describe);
            }
            "\\dt" => Ok(Self::Tables(argument)),
            "\\dv" => Ok(Self::Views(argument)),
            "\\df" => Ok(Self::Functions(argument)),
            "\\di" => alone(Self::Integrations),
            "\\j" | "\\jobs" => alone(Self::Jobs),
            "\\x" => on_or_off(name, argument).map(Self::Expanded),
            "\\timing" => on_or_off(name, argument).map(Self::Timing),
            "\\e" | "\\edit" => Ok(Self::Edit(argument.map(home))),
            "\\i" | "\\include" => match argument {
                Some(file) => Ok(Self::Include(home(file))),
                None => Err(Error::statement("\\i needs a file").with_hint("For example: \\i job.sql")),
            },
            "\\o" | "\\out" => Ok(Self::Output(argument.map(home))),
            "\\watch" => seconds(argument).map(Self::Watch),
            _ => Err(unknown(name)),
        };
        command.map_err(|error| error.at(span))
    }
}

fn unknown(name: &str) -> Error {
    let known = BACKSLASH.iter().filter_map(|(usage, _)| usage.split(' ').next());
    let hint = did_you_mean(name, known).unwrap_or_else(|| "\\? lists the commands.".to_string());
    Error::statement(format!("there is no command {name}")).with_hint(hint)
}

fn on_or_off(name: &str, argument: Option<String>) -> Result<Option<bool>> {
    match argument.as_deref() {
        None => Ok(None),
        Some("on" | "1" | "true" | "yes") => Ok(Some(true)),
        Some("off" | "0" | "false" | "no") => Ok(Some(false)),
        Some(other) => Err(Error::statement(format!("{name} takes on or off, not \"{other}\""))),
    }
}

fn seconds(argument: Option<String>) -> Result<Duration> {
    let Some(text) = argument else { return Ok(Duration::from_secs(2)) };
    let number = text.trim_start_matches("i=").parse::<f64>().ok();
    let seconds = number.filter(|n| (0.1..=86_400.0).contains(n)).and_then(|n| Duration::try_from_secs_f64(n).ok());
    seconds.ok_or_else(|| Error::statement(format!("\\watch takes seconds, from 0.1 to 86400, not \"{text}\"")))
}

/// A path as people type it: `~/` is their home.
fn home(path: String) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> String {
        match Command::of_line(line, Span::on_line(1, 1, 1)) {
            Ok(command) => format!("{command:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn lines_are_read() {
        for (line, expected) in [
            ("\\d;", "Describe(Described { name: None, from: None })"),
            ("\\x", "Expanded(None)"),
            ("\\timing on", "Timing(Some(true))"),
            ("\\watch", "Watch(2s)"),
            ("\\watch 0.5;", "Watch(500ms)"),
            ("\\i 'a b.sql'", "Include(\"a b.sql\")"),
            ("\\o", "Output(None)"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, expected) in [
            ("\\x maybe", "error: \\x takes on or off, not \"maybe\""),
            ("\\watch soon", "error: \\watch takes seconds, from 0.1 to 86400, not \"soon\""),
            ("\\watch nan", "error: \\watch takes seconds, from 0.1 to 86400, not \"nan\""),
            ("\\q now", "error: \\q takes nothing behind it, not \"now\""),
            ("\\i", "error: \\i needs a file"),
            ("\\timng", "error: there is no command \\timng"),
        ] {
            let said = read(line);
            assert!(said.starts_with(expected), "{line}: {said}");
        }
        assert!(read("\\timng").contains("\\timing"), "{}", read("\\timng"));
    }

    #[test]
    fn words_are_read() {
        assert_eq!(Command::of_words("HELP select"), Some(Command::Help(Some("select".into()))));
        assert_eq!(Command::of_words("Quit"), Some(Command::Quit));
        assert_eq!(Command::of_words("clear the table"), None);
        assert_eq!(Command::of_words("SELECT help"), None);
    }
}
