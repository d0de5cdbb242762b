//! Whether what is typed is a whole input, which Enter hands over, or goes on in the next line.

use reedline::ValidationResult;

use crate::shell::input::{is_client_line, is_complete};
use crate::sql::{LexemeKind, Lexemes};

pub struct Validator;

impl reedline::Validator for Validator {
    fn validate(&self, text: &str) -> ValidationResult {
        if is_whole(text) { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

/// True for statements that all have their `;`, for what ends with a client command, and for nothing at all.
pub fn is_whole(text: &str) -> bool {
    is_client_command(text) || is_complete(text) || is_empty(text)
}

/// True for a command of the client: `\d`, `quit`, `help select`.
pub fn is_client_command(text: &str) -> bool {
    text.trim_start().starts_with('\\') || is_client_line(text)
}

/// Only blanks and comments, none of them open.
fn is_empty(text: &str) -> bool {
    Lexemes::new(text).all(|lexeme| {
        matches!(lexeme.kind, LexemeKind::Blank | LexemeKind::Comment | LexemeKind::Semicolon) && lexeme.is_closed()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_whole_or_goes_on() {
        for whole in [
            "",
            "  ",
            ";",
            "-- nothing",
            "SELECT 1;",
            "SELECT 1; -- done",
            "SELECT 1;\nSELECT 2;\n",
            "SELECT ';' AS `a;b` /* ; */;",
            "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT CASE WHEN x THEN 1 END; END;",
            "help",
            "HELP;",
            " help group by ",
            "quit",
            "Exit;",
            "clear",
            "\\d",
            "\\i some file.sql",
            "SELECT 1 \\watch 1",
            "SELECT 1;\nSELECT 2 \\e",
        ] {
            assert!(is_whole(whole), "{whole}");
        }
        for open in [
            "SELECT 1",
            "SELECT 1; SELECT",
            "SELECT 'a;",
            "SELECT `a;",
            "SELECT 1 /* ;",
            "/* open",
            "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;",
            "quit the",
            "helpless",
            "clearly\n",
            "SELECT '\\watch 1",
        ] {
            assert!(!is_whole(open), "{open}");
        }
    }
}
