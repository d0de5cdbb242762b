//! A command of the client: `help`, `quit`, `clear`, and psql's lines that begin with a backslash.

mod elsewhere;

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
    /// `\dt [pattern] [FROM integration]`
    Tables(Described),
    /// `\dv [pattern] [FROM integration]`
    Views(Described),
    /// `\df [pattern]`
    Functions(Option<String>),
    /// `\di`
    Integrations,
    /// `\conninfo`
    Connections,
    /// `\l`
    Catalogs,
    /// `\dn`
    Databases,
    /// `\j`
    Jobs,
    /// `\x [on | off | auto]`
    Expanded(Option<Expanded>),
    /// `\timing [on | off]`
    Timing(Option<bool>),
    /// `\e [file]`
    Edit(Option<PathBuf>),
    /// `\i file`
    Include(PathBuf),
    /// `\o [file]`
    Output(Option<PathBuf>),
    /// `\g [file]`; `\gx`, `\G`: a line per column
    Go { file: Option<PathBuf>, expanded: bool },
    /// `\watch [seconds]`
    Watch(Duration),
    /// `\p`
    Print,
    /// `\r`
    Forget,
    /// `\s [file]`
    History(Option<PathBuf>),
    /// `\echo [text]`
    Echo(String),
    /// `\! [command]`
    System(Option<String>),
}

/// Whether a row is shown as a line, or a line per column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Expanded {
    #[default]
    Off,
    On,
    /// Where the lines would be wider than the terminal.
    Auto,
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
    ("\\conninfo", "who is asked: the integrations, and how many jobs run"),
    ("\\l", "catalogs"),
    ("\\dn", "databases"),
    ("\\j", "the jobs of this session"),
    ("\\g [file]", "the statement before it, or the last one again; its result into a file"),
    ("\\G", "the same with a line per column, as \\gx"),
    ("\\watch [seconds]", "runs the query again and again, every 2 seconds unless told otherwise"),
    ("\\x [on|off|auto]", "a line per column instead of tables; auto: where these are wider than the terminal"),
    ("\\timing [on|off]", "how long each statement took"),
    ("\\e [file]", "the last statement, or a file, in $VISUAL or $EDITOR"),
    ("\\i file", "runs the statements of a file"),
    ("\\o [file]", "results into a file; back to the terminal without one"),
    ("\\p", "shows the last statement"),
    ("\\r", "forgets it"),
    ("\\s [file]", "what was typed, or into a file"),
    ("\\echo text", "writes a text where results go"),
    ("\\! [command]", "runs a command of the system, or its shell"),
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

    /// True for what is about the statement before it, which is not run by itself without its `;`.
    pub fn takes_statement(&self) -> bool {
        use Command::{Edit, Forget, Go, Print, Watch};
        matches!(self, Watch(_) | Edit(None) | Go { .. } | Print | Forget)
    }

    /// Reads a line from its backslash on, which stands at `span`.
    ///
    /// # Errors
    /// An unknown command, or an argument that is missing, wrong or one too many.
    pub fn of_line(line: &str, span: Span) -> Result<Self> {
        if let Some(command) = line.trim().strip_prefix("\\!") {
            let command = Some(command.trim().to_string()).filter(|command| !command.is_empty());
            return Ok(Self::System(command));
        }
        let line = line.trim().trim_end_matches(';').trim_end();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let unquoted = rest.strip_prefix('\'').and_then(|r| r.strip_suffix('\'')).unwrap_or(rest);
        let argument = Some(unquoted.to_string()).filter(|a| !a.is_empty());
        let alone = |command: Self| match &argument {
            None => Ok(command),
            Some(argument) => Err(Error::statement(format!("{name} takes nothing behind it, not \"{argument}\""))),
        };
        let described = || {
            let before = line.len() - rest.len();
            let column = span.start.column + line.get(..before).map_or(0, |before| before.chars().count()) as u32;
            Described::read(name.trim_end_matches('+'), rest, Location::new(span.start.line, column))
        };
        let command = match name {
            "\\?" => alone(Self::Help(None)),
            "\\h" | "\\help" => Ok(Self::Help(argument)),
            "\\q" | "\\quit" => alone(Self::Quit),
            "\\d" | "\\d+" => return described().map(Self::Describe),
            "\\dt" | "\\dt+" => return described().map(Self::Tables),
            "\\dv" | "\\dv+" => return described().map(Self::Views),
            "\\df" | "\\df+" => match &argument {
                Some(words) if words.contains(char::is_whitespace) => {
                    Err(Error::statement(format!("{name} takes one pattern, not \"{words}\"")))
                }
                _ => Ok(Self::Functions(argument)),
            },
            "\\di" | "\\di+" => alone(Self::Integrations),
            "\\conninfo" => alone(Self::Connections),
            "\\l" | "\\l+" | "\\list" => alone(Self::Catalogs),
            "\\dn" | "\\dn+" => alone(Self::Databases),
            "\\j" | "\\jobs" => alone(Self::Jobs),
            "\\x" if argument.as_deref() == Some("auto") => Ok(Self::Expanded(Some(Expanded::Auto))),
            "\\x" => {
                let expanded = |on| if on { Expanded::On } else { Expanded::Off };
                on_or_off(name, argument, "on, off or auto").map(|on| Self::Expanded(on.map(expanded)))
            }
            "\\timing" => on_or_off(name, argument, "on or off").map(Self::Timing),
            "\\e" | "\\edit" => Ok(Self::Edit(argument.map(home))),
            "\\i" | "\\include" => match argument {
                Some(file) => Ok(Self::Include(home(file))),
                None => Err(Error::statement("\\i needs a file").with_hint("For example: \\i job.sql")),
            },
            "\\o" | "\\out" => Ok(Self::Output(argument.map(home))),
            "\\watch" => seconds(argument).map(Self::Watch),
            "\\g" | "\\go" => Ok(Self::Go { file: argument.map(home), expanded: false }),
            "\\gx" => Ok(Self::Go { file: argument.map(home), expanded: true }),
            "\\G" | "\\ego" => alone(Self::Go { file: None, expanded: true }),
            "\\p" | "\\print" => alone(Self::Print),
            "\\r" | "\\reset" => alone(Self::Forget),
            "\\s" => Ok(Self::History(argument.map(home))),
            "\\echo" => Ok(Self::Echo(argument.unwrap_or_default())),
            _ => Err(unknown(name)),
        };
        command.map_err(|error| error.at(span))
    }
}

fn unknown(name: &str) -> Error {
    let error = Error::statement(format!("there is no command {name}"));
    if let Some(instead) = elsewhere::instead_of(name) {
        return error.with_hint(instead);
    }
    let known = BACKSLASH.iter().filter_map(|(usage, _)| usage.split(' ').next());
    // Every short name is like every other one.
    let meant = did_you_mean(name, known).filter(|_| name.len() > 3);
    error.with_hint(meant.unwrap_or_else(|| "\\? lists the commands.".to_string()))
}

fn on_or_off(name: &str, argument: Option<String>, choice: &str) -> Result<Option<bool>> {
    match argument.as_deref() {
        None => Ok(None),
        Some("on" | "1" | "true" | "yes") => Ok(Some(true)),
        Some("off" | "0" | "false" | "no") => Ok(Some(false)),
        Some(other) => Err(Error::statement(format!("{name} takes {choice}, not \"{other}\""))),
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
            ("\\x auto", "Expanded(Some(Auto))"),
            ("\\dt+", "Tables(Described { name: None, from: None })"),
            ("\\df a*", "Functions(Some(\"a*\"))"),
            ("\\g 'a b.txt'", "Go { file: Some(\"a b.txt\"), expanded: false }"),
            ("\\G;", "Go { file: None, expanded: true }"),
            ("\\echo 'so  it is';", "Echo(\"so  it is\")"),
            ("\\!ls -l; pwd;", "System(Some(\"ls -l; pwd;\"))"),
            ("\\!", "System(None)"),
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
            ("\\x maybe", "error: \\x takes on, off or auto, not \"maybe\""),
            ("\\timing maybe", "error: \\timing takes on or off, not \"maybe\""),
            ("\\watch soon", "error: \\watch takes seconds, from 0.1 to 86400, not \"soon\""),
            ("\\watch nan", "error: \\watch takes seconds, from 0.1 to 86400, not \"nan\""),
            ("\\q now", "error: \\q takes nothing behind it, not \"now\""),
            ("\\i", "error: \\i needs a file"),
            ("\\df a b", "error: \\df takes one pattern, not \"a b\""),
            ("\\df FROM pg", "error: \\df takes one pattern, not \"FROM pg\""),
            ("\\dt a b c", "error: \\dt takes one name or pattern, and \"b c\" is too much"),
            ("\\dv+ a b", "error: \\dv takes one name or pattern, and \"b\" is too much"),
            ("\\timng", "error: there is no command \\timng"),
        ] {
            let said = read(line);
            assert!(said.starts_with(expected), "{line}: {said}");
        }
        assert!(read("\\timng").contains("\\timing"), "{}", read("\\timng"));
        assert!(read("\\c db").contains("\\di lists them"), "{}", read("\\c db"));
        assert!(read("\\k").ends_with("hint: \\? lists the commands."), "{}", read("\\k"));
    }

    #[test]
    fn words_are_read() {
        assert_eq!(Command::of_words("HELP select"), Some(Command::Help(Some("select".into()))));
        assert_eq!(Command::of_words("Quit"), Some(Command::Quit));
        assert_eq!(Command::of_words("clear the table"), None);
        assert_eq!(Command::of_words("SELECT help"), None);
    }
}
