//! What was typed or read, cut into statements and commands.

use super::command::Command;
use crate::error::Result;
use crate::span::{Location, SourceText, Span};
use crate::sql::{self, Fragment, Statement, backslashes, parse_script, split};

/// One thing to do.
#[derive(Debug)]
pub enum Piece {
    /// A statement; `terminated` where its `;` is there.
    Statement {
        statement: Result<Statement>,
        /// What was written, `;` included.
        written: String,
        text: SourceText,
        terminated: bool,
    },
    Command(Result<Command>),
}

/// Cuts a text into pieces, in order. A backslash outside quotes and comments begins a command, which ends with its
/// line; so does a word such as `help` at the beginning of a statement.
pub fn pieces(text: &SourceText) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let whole = &*text.text;
    let mut from = 0;
    for at in backslashes(whole) {
        // What stands behind a command is part of its line.
        if at < from {
            continue;
        }
        // Behind `help` it is a topic.
        if asks_for_help(whole.get(from..at).unwrap_or_default()) {
            let ends = |topic: &str| topic.find(['\n', ';']).map(|end| at + end + 1);
            let end = whole.get(at..).and_then(ends).unwrap_or(whole.len());
            statements(text, from, end, &mut pieces);
            from = end;
            continue;
        }
        let end = whole.get(at..).and_then(|line| line.find('\n')).map_or(whole.len(), |end| at + end);
        statements(text, from, at, &mut pieces);
        let line = whole.get(at..end).unwrap_or_default();
        let name = line.split_whitespace().next().unwrap_or(line).chars().count() as u32;
        let place = location(whole, at);
        let span = Span::on_line(place.line, place.column, name.max(1));
        pieces.push(Piece::Command(Command::of_line(line, span).map_err(|error| error.in_text(text))));
        from = end;
    }
    statements(text, from, whole.len(), &mut pieces);
    pieces
}

/// True when nothing of what was typed is still open, and it can be done.
pub fn is_complete(text: &str) -> bool {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return true;
    }
    if is_client_line(trimmed) {
        return true;
    }
    match backslashes(text).last().copied() {
        Some(last) => match text.get(last..).and_then(|rest| rest.split_once('\n')) {
            Some((_, behind)) => behind.trim().is_empty() || sql::is_complete(behind),
            None => true,
        },
        None => sql::is_complete(text),
    }
}

/// True for what ends with its line because nothing stands before it: `quit`, `help select`, with or without `;`.
pub fn is_client_line(text: &str) -> bool {
    let line = text.trim();
    !line.contains('\n') && Command::of_words(line.trim_end_matches(';')).is_some()
}

/// The statements between two bytes of a text. Their places are those in the whole text: what stands before is blank.
fn statements(text: &SourceText, from: usize, to: usize, pieces: &mut Vec<Piece>) {
    let whole = &*text.text;
    let Some(part) = whole.get(from..to).filter(|part| !part.trim().is_empty()) else { return };
    if let Some((at, end, command)) = word_line(part) {
        // What such a word begins ends with its line.
        statements(text, from, from + at, pieces);
        pieces.push(Piece::Command(Ok(command)));
        return statements(text, from + end, to, pieces);
    }
    let alone = from == 0 && to == whole.len();
    let placed = match alone {
        true => text.clone(),
        false => {
            let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
            let before: String = whole.get(..from).unwrap_or_default().chars().map(blank).collect();
            SourceText::new(text.name.clone(), format!("{before}{part}"))
        }
    };
    let parsed = parse_script(&placed);
    for (fragment, statement) in split(&placed.text).into_iter().zip(parsed) {
        match Command::of_words(fragment.text) {
            Some(command) => pieces.push(Piece::Command(Ok(command))),
            None => {
                let terminated = fragment.terminated;
                let written = fragment.text.to_string() + if terminated { ";" } else { "" };
                pieces.push(Piece::Statement { statement, written, text: placed.clone(), terminated });
            }
        }
    }
}

/// True where what stands before a backslash ends with `help` in the same line, as a statement of its own.
fn asks_for_help(before: &str) -> bool {
    let line = before.trim_end_matches([' ', '\t']);
    let asks =
        |last: &Fragment<'_>| last.offset + last.text.len() == line.len() && last.text.eq_ignore_ascii_case("help");
    line.len() < before.len() && split(line).last().is_some_and(asks)
}

/// The first statement that a client's word begins and that goes on behind its line: where it begins, where its line
/// ends.
fn word_line(part: &str) -> Option<(usize, usize, Command)> {
    split(part).iter().find_map(|fragment| {
        let (line, behind) = fragment.text.split_once('\n')?;
        let command = Command::of_words(line).filter(|_| !behind.trim().is_empty())?;
        Some((fragment.offset, fragment.offset + line.len(), command))
    })
}

fn location(text: &str, offset: usize) -> Location {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Location::new(line as u32, column as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let pieces = pieces(&SourceText::new("t", text)).into_iter().map(|piece| match piece {
            Piece::Statement { statement: Ok(statement), terminated, .. } => {
                format!("{}{}", statement.span.start, if terminated { ";" } else { "" })
            }
            Piece::Statement { statement: Err(error), .. } => error.to_string(),
            Piece::Command(command) => format!("{command:?}"),
        });
        pieces.collect()
    }

    #[test]
    fn statements_and_commands_come_in_order_and_know_their_places() {
        assert_eq!(cut("SELECT 1;\n  SELECT '\\x';"), ["1:1;", "2:3;"]);
        assert_eq!(
            cut("\\x\nSELECT 1; -- \\d\n\\timing on\nSELECT 2"),
            ["Ok(Expanded(None))", "2:1;", "Ok(Timing(Some(true)))", "4:1"]
        );
        assert_eq!(cut("SELECT 1 \\watch 3"), ["1:1", "Ok(Watch(3s))"]);
        assert_eq!(cut("\\! grep '\\d' \\\\ f\nSELECT 1;"), ["Ok(System(Some(\"grep '\\\\d' \\\\\\\\ f\")))", "2:1;"]);
        assert_eq!(
            cut("help \\x\nHELP  \\?;\nSELECT 1; help \\watch"),
            ["Ok(Help(Some(\"\\\\x\")))", "Ok(Help(Some(\"\\\\?\")))", "3:1;", "Ok(Help(Some(\"\\\\watch\")))"]
        );
        assert_eq!(cut("help \\x; SELECT\n1;"), ["Ok(Help(Some(\"\\\\x\")))", "1:10;"]);
        assert_eq!(cut("help\n\\x\nSELECT help \\g")[..2], ["Ok(Help(None))", "Ok(Expanded(None))"]);
        assert_eq!(cut("SELECT help \\g")[1], "Ok(Go { file: None, expanded: false })");
        assert_eq!(cut("help select; quit"), ["Ok(Help(Some(\"select\")))", "Ok(Quit)"]);
        assert_eq!(cut("SELECT 1;\nhelp\nSELECT 2;\nclear\n"), ["1:1;", "Ok(Help(None))", "3:1;", "Ok(Clear)"]);
        assert_eq!(cut("ä\\x\nhelp abs\nhelp\n  SELECT 2")[2..], ["Ok(Help(Some(\"abs\")))", "Ok(Help(None))", "4:3"]);
    }

    #[test]
    fn an_unknown_command_shows_its_place() {
        let text = SourceText::new("t", "SELECT 1;\n  \\foo bar");
        let Some(Piece::Command(Err(error))) = pieces(&text).pop() else { panic!("a command that is none") };
        assert!(error.to_string().contains("t:2:3"), "{error}");
    }

    #[test]
    fn what_is_open_goes_on() {
        for text in [
            "SELECT 1",
            "SELECT 'a;",
            "/* ;",
            "SELECT 1; SELECT",
            "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;",
            "SELECT 1\n-- \\q",
            "SELECT '\\q",
        ] {
            assert!(!is_complete(text), "{text}");
        }
        for text in [
            "",
            "  \n",
            "SELECT 1;",
            "SELECT 1; -- done",
            "help",
            "HELP SELECT",
            "quit;",
            "exit",
            "\\d",
            "\\d t",
            "SELECT 1 \\watch",
            "SELECT 1\n\\watch 2",
        ] {
            assert!(is_complete(text), "{text}");
        }
    }
}
