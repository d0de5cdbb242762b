//! Colours of what is typed: keywords, types, functions, literals, comments, names in back-ticks, backslash commands.

use nu_ansi_term::{Color, Style};
use reedline::StyledText;

use super::keys::EmptyLine;
use super::validator::is_client_command;
use super::vocabulary::{Shared, Vocabulary};
use crate::sql::{Lexeme, LexemeKind, Lexemes};

pub struct Highlighter {
    vocabulary: Shared,
    /// Told of what is drawn.
    empty: EmptyLine,
}

impl Highlighter {
    pub fn new(vocabulary: Shared, empty: EmptyLine) -> Self {
        Self { vocabulary, empty }
    }
}

impl reedline::Highlighter for Highlighter {
    fn highlight(&self, line: &str, cursor: usize) -> StyledText {
        self.empty.drawn(line, cursor);
        let mut styled = StyledText::new();
        for (kind, text) in pieces(line, &self.vocabulary.get()) {
            styled.push((style(kind), printable(text)));
        }
        styled
    }
}

/// What a piece of text is to the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Keyword,
    Type,
    Function,
    String,
    Number,
    Comment,
    QuotedName,
    Command,
}

fn style(kind: Kind) -> Style {
    match kind {
        Kind::Plain => Style::new(),
        Kind::Keyword => Color::Blue.bold(),
        Kind::Type => Color::Cyan.normal(),
        Kind::Function => Color::Cyan.bold(),
        Kind::String => Color::Green.normal(),
        Kind::Number => Color::Purple.normal(),
        Kind::Comment => Color::DarkGray.normal(),
        Kind::QuotedName => Color::Yellow.normal(),
        Kind::Command => Color::Purple.bold(),
    }
}

/// The text in pieces, one after another the whole of it.
fn pieces<'a>(text: &'a str, vocabulary: &Vocabulary) -> Vec<(Kind, &'a str)> {
    if is_client_command(text) {
        let blanks = text.len() - text.trim_start().len();
        let (before, command) = text.split_at(blanks);
        let end = command.find(char::is_whitespace).unwrap_or(command.len());
        let (command, rest) = command.split_at(end);
        return vec![(Kind::Plain, before), (Kind::Command, command), (Kind::Plain, rest)];
    }
    let mut lexemes = Lexemes::new(text).peekable();
    let mut pieces: Vec<(Kind, &str)> = Vec::new();
    while let Some(lexeme) = lexemes.next() {
        let called = lexemes.peek().is_some_and(|next| next.text.starts_with('('));
        let part_of_name = pieces.last().is_some_and(|(_, text)| *text == ".");
        pieces.push((kind(&lexeme, called, part_of_name, vocabulary), lexeme.text));
    }
    pieces
}

fn kind(lexeme: &Lexeme<'_>, called: bool, part_of_name: bool, vocabulary: &Vocabulary) -> Kind {
    match lexeme.kind {
        LexemeKind::Comment => Kind::Comment,
        LexemeKind::Hint => Kind::Keyword,
        LexemeKind::String => Kind::String,
        LexemeKind::QuotedName => Kind::QuotedName,
        LexemeKind::Word if lexeme.text.starts_with(|c: char| c.is_ascii_digit()) => Kind::Number,
        LexemeKind::Word if part_of_name => Kind::Plain,
        LexemeKind::Word => {
            let word = lexeme.text.to_uppercase();
            match () {
                () if vocabulary.is_type(&word) => Kind::Type,
                () if called && vocabulary.is_function(&word) => Kind::Function,
                () if vocabulary.is_keyword(&word) => Kind::Keyword,
                () if vocabulary.is_bare_function(&word) => Kind::Function,
                () => Kind::Plain,
            }
        }
        LexemeKind::Blank | LexemeKind::Semicolon | LexemeKind::Other => Kind::Plain,
    }
}

/// What may be drawn: control characters, which would move the cursor, are replaced by others of as many bytes.
fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => '\n',
        '\t' => ' ',
        c if c.is_control() && c.len_utf8() == 1 => '?',
        c if c.is_control() => '·',
        c => c,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;

    fn shown(text: &str) -> String {
        let vocabulary = Vocabulary::of(&Session::new(), &std::sync::Arc::default());
        let pieces = pieces(text, &vocabulary);
        assert_eq!(pieces.iter().map(|(_, text)| *text).collect::<String>(), text, "all of it, in order");
        let marked =
            pieces.iter().filter(|(kind, _)| *kind != Kind::Plain).map(|(kind, text)| format!("{kind:?}:{text}"));
        marked.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pieces_are_told_apart() {
        for (text, pieces) in [
            ("select a from t", "Keyword:select Keyword:from"),
            ("UPPER(upper)", "Function:UPPER"),
            ("SELECT t.`from`, t.from", "Keyword:SELECT QuotedName:`from`"),
            ("a -- it's\nb", "Comment:-- it's"),
            ("CAST('1' AS INT) + 2.5", "Function:CAST String:'1' Keyword:AS Type:INT Number:2 Number:5"),
            ("'open", "String:'open"),
            ("/*+ OPTIONS('a'='b') */", "Keyword:/*+ OPTIONS('a'='b') */"),
            ("CURRENT_TIMESTAMP", "Function:CURRENT_TIMESTAMP"),
            ("nothing is known", "Keyword:is"),
            (" \\d table", "Command:\\d"),
            ("help select", "Command:help"),
        ] {
            assert_eq!(shown(text), pieces, "{text}");
        }
    }

    #[test]
    fn control_characters_are_not_drawn() {
        assert_eq!(printable("a\tb\x1b[31m\n\u{9b}"), "a b?[31m\n·");
    }

    #[test]
    fn what_is_drawn_has_as_many_bytes_as_what_is_typed() {
        let text = "SELECT '\t\x1b\u{85}日本' -- \u{7f}";
        assert_eq!(printable(text).len(), text.len());
    }
}
