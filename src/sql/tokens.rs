//! A statement's tokens as the parser gets them: places of the whole script, only what Flink's grammar has.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{self, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::dialect::FlinkDialect;
use super::fragment::Fragment;
use super::hints::{self, TableHint};
use super::reserved::is_reserved;
use super::source::Source;
use super::syntax_error::quoted_name_hint;
use crate::error::{Error, Result};
use crate::span::Span;

/// The tokens of one statement.
#[derive(Debug)]
pub(super) struct Tokens {
    /// Without blanks and comments; a hint behind SELECT stays as the comment it is.
    pub tokens: Vec<TokenWithSpan>,
    /// OPTIONS hints behind table names, taken out of `tokens`.
    pub table_hints: Vec<TableHint>,
}

/// Tokenises one statement of `source`.
///
/// # Errors
/// An open quote or comment, and everything that is no token in Flink's SQL although sqlparser has a use for it.
pub(super) fn tokenize(fragment: &Fragment<'_>, source: &Source<'_>) -> Result<Tokens> {
    if let Some(error) = &fragment.unterminated {
        return Err(copy(error));
    }
    let dialect = FlinkDialect::default();
    let mut raw = vec![];
    Tokenizer::new(&dialect, &fragment.masked).tokenize_with_location_into_buf(&mut raw).map_err(|error| {
        let at = shift(error.location, fragment);
        Error::statement(error.message.to_lowercase()).at(Span::on_line(at.line as u32, at.column as u32, 1))
    })?;
    let set_operations = raw.iter().filter(|token| is_set_operation(&token.token)).nth(MAX_SET_OPERATIONS);
    if let Some(token) = set_operations {
        let at = shift(token.span.start, fragment);
        return Err(Error::statement(format!(
            "more than {MAX_SET_OPERATIONS} UNION, INTERSECT and EXCEPT in a statement"
        ))
        .at(Span::on_line(at.line as u32, at.column as u32, 1)));
    }
    let mut cleaner = Cleaner { source, tokens: vec![], table_hints: vec![] };
    for mut token in raw {
        token.span.start = shift(token.span.start, fragment);
        token.span.end = shift(token.span.end, fragment);
        cleaner.push(token)?;
    }
    let tokens = parenthesize_values(cleaner.tokens);
    Ok(Tokens { tokens, table_hints: cleaner.table_hints })
}

/// Each one nests the query one deeper, and what comes after the parser recurses.
const MAX_SET_OPERATIONS: usize = 500;

fn is_set_operation(token: &Token) -> bool {
    matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT))
}

/// Errors can't be cloned; this one has nothing but words and a place.
fn copy(error: &Error) -> Error {
    Error::statement(error.message()).with_hint(error.hint().unwrap_or_default()).at(error.span())
}

/// From the fragment's coordinates to the script's.
fn shift(at: tokenizer::Location, fragment: &Fragment<'_>) -> tokenizer::Location {
    let start = fragment.span.start;
    let column = if at.line <= 1 { at.column + u64::from(start.column) - 1 } else { at.column };
    tokenizer::Location { line: at.line + u64::from(start.line) - 1, column }
}

/// `VALUES 1, 2` becomes `VALUES (1), (2)`: sqlparser wants parentheses around every row.
fn parenthesize_values(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // For each open parenthesis or bracket and the outside: whether this is a list behind VALUES, and a row opened by us.
    let mut levels = vec![(false, false)];
    for token in tokens {
        let word = match &token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
            _ => None,
        };
        let starts_row = matches!(out.last().map(|t| &t.token), Some(Token::Comma))
            || out.last().is_some_and(|t| is_keyword(&t.token, Keyword::VALUES));
        let Some((in_values, row)) = levels.last_mut() else { return out };
        let ends_list = matches!(token.token, Token::SemiColon | Token::RParen | Token::EOF)
            || word.is_some_and(|keyword| ENDS_VALUES.contains(&keyword));
        if *row && (ends_list || token.token == Token::Comma) {
            let at = out.last().map_or(token.span.start, |last| last.span.end);
            out.push(TokenWithSpan::at(Token::RParen, at, at));
            *row = false;
        }
        if ends_list {
            *in_values = false;
        }
        let own = token.token == Token::LParen || word == Some(Keyword::ROW);
        if *in_values && !*row && starts_row && !own && token.token != Token::Comma {
            out.push(TokenWithSpan::at(Token::LParen, token.span.start, token.span.start));
            *row = true;
        }
        *in_values |= word == Some(Keyword::VALUES);
        match token.token {
            Token::LParen | Token::LBracket => levels.push((false, false)),
            Token::RParen | Token::RBracket if levels.len() > 1 => _ = levels.pop(),
            _ => {}
        }
        out.push(token);
    }
    if let (Some((_, true)), Some(at)) = (levels.last(), out.last().map(|last| last.span.end)) {
        out.push(TokenWithSpan::at(Token::RParen, at, at));
    }
    out
}

/// What may stand behind the rows of VALUES.
const ENDS_VALUES: &[Keyword] = &[
    Keyword::UNION,
    Keyword::INTERSECT,
    Keyword::EXCEPT,
    Keyword::ORDER,
    Keyword::LIMIT,
    Keyword::OFFSET,
    Keyword::FETCH,
];

fn is_keyword(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

struct Cleaner<'a, 's> {
    source: &'a Source<'s>,
    tokens: Vec<TokenWithSpan>,
    table_hints: Vec<TableHint>,
}

impl Cleaner<'_, '_> {
    fn push(&mut self, mut token: TokenWithSpan) -> Result<()> {
        let span = Span::from_ast(token.span);
        match token.token {
            Token::Whitespace(Whitespace::MultiLineComment(ref text)) if text.starts_with('+') => {
                return self.push_hint(token);
            }
            Token::Whitespace(_) => return Ok(()),
            // `ARRAY<ARRAY<INT>>` closes two types; Flink has no shift operators.
            Token::ShiftRight => {
                let mut middle = token.span.start;
                middle.column += 1;
                self.tokens.push(TokenWithSpan::at(Token::Gt, token.span.start, middle));
                self.tokens.push(TokenWithSpan::at(Token::Gt, middle, token.span.end));
                return Ok(());
            }
            Token::EscapedStringLiteral(_) => {
                let written = span.map(|span| self.source.slice(span)).unwrap_or_default();
                token.token = Token::SingleQuotedString(unescape(written));
            }
            // sqlparser takes `SELECT TOP n`; Flink has no such clause, and TOP is a name unless a number follows it.
            Token::Word(ref mut word) if word.keyword == Keyword::TOP => word.keyword = Keyword::NoKeyword,
            Token::Number(..) => {
                if let Some(Token::Word(word)) = self.tokens.last_mut().map(|last| &mut last.token)
                    && word.quote_style.is_none()
                    && word.value.eq_ignore_ascii_case("TOP")
                {
                    word.keyword = Keyword::TOP;
                }
            }
            Token::UnicodeStringLiteral(text) | Token::NationalStringLiteral(text) => {
                token.token = Token::SingleQuotedString(text);
            }
            _ => {}
        }
        self.check(&token)?;
        // `'a'` and `'b'` on lines of their own are `'ab'`.
        if let (Token::SingleQuotedString(more), Some(last)) = (&token.token, self.tokens.last_mut())
            && let Token::SingleQuotedString(text) = &mut last.token
            && token.span.start.line > last.span.end.line
        {
            text.push_str(more);
            last.span.end = token.span.end;
            return Ok(());
        }
        self.tokens.push(token);
        Ok(())
    }

    fn push_hint(&mut self, token: TokenWithSpan) -> Result<()> {
        let hints = hints::parse(&token)?;
        match self.tokens.last() {
            Some(TokenWithSpan { token: Token::Word(word), .. })
                if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("SELECT") =>
            {
                hints::check_query_hints(&hints)?;
                self.tokens.push(token);
            }
            Some(last) => self.table_hints.push(hints::table_hint(hints, last.span.end, &token)?),
            None => return Err(hints::misplaced(Span::from_ast(token.span))),
        }
        Ok(())
    }

    /// True in SET and RESET.
    fn is_setting(&self) -> bool {
        self.begins_with("SET") || self.begins_with("RESET")
    }

    fn begins_with(&self, word: &str) -> bool {
        let first = self.tokens.first().map(|token| &token.token);
        matches!(first, Some(Token::Word(first)) if first.value.eq_ignore_ascii_case(word))
    }

    /// Refuses what isn't Flink's.
    fn check(&self, token: &TokenWithSpan) -> Result<()> {
        let span = Span::from_ast(token.span);
        let written = || span.map(|span| self.source.slice(span)).unwrap_or_default();
        let previous = self.tokens.last().map(|token| &token.token);
        let hint = match &token.token {
            Token::Word(word) if word.quote_style.is_none() && previous == Some(&Token::Period) => {
                // `SET parallelism.default = 3` lacks quotes, and no back-ticks.
                return match is_reserved(&word.value) && !self.is_setting() {
                    true => Err(Error::statement(format!("\"{}\" is a reserved word", word.value))
                        .with_hint(quoted_name_hint(&word.value))
                        .at(span)),
                    false => Ok(()),
                };
            }
            Token::Word(word) if word.value.eq_ignore_ascii_case("UESCAPE") && is_string(previous) => {
                return Err(Error::unsupported("UESCAPE")
                    .at(span)
                    .with_hint("Escape characters with \\ as in U&'\\263A'."));
            }
            Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("MATCH_RECOGNIZE") => {
                return Err(Error::unsupported("MATCH_RECOGNIZE").at(span));
            }
            Token::HexStringLiteral(digits) => {
                return match digits.len() % 2 == 0 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    true => Ok(()),
                    false => Err(Error::statement(format!("{} is not a binary literal", written()))
                        .with_hint("A binary literal holds two hexadecimal digits for each byte, as x'0AFF' does.")
                        .at(span)),
                };
            }
            // PostgreSQL's, for what is sent to it.
            Token::DollarQuotedString(_) if self.begins_with("PSQL") => return Ok(()),
            Token::DollarQuotedString(_) => "Write strings in single quotes: 'text'.",
            Token::Neq if written().starts_with('!') => "Flink writes \"not equal\" as <>.",
            Token::DoubleEq => "Compare with a single =.",
            Token::DoubleColon => "Convert with CAST(value AS type).",
            Token::Overlap | Token::Ampersand => "Combine conditions with AND.",
            Token::Pipe => "Combine conditions with OR; join strings with ||.",
            Token::DoubleQuotedString(_) => "Write strings in single quotes: 'text', and names in back-ticks: `name`.",
            Token::Number(_, true) => "Write whole numbers without a letter behind them.",
            Token::Word(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Comma
            | Token::Eq
            | Token::Neq
            | Token::Lt
            | Token::Gt
            | Token::LtEq
            | Token::GtEq
            | Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::StringConcat
            | Token::LParen
            | Token::RParen
            | Token::LBracket
            | Token::RBracket
            | Token::Period
            | Token::SemiColon
            | Token::RArrow => return Ok(()),
            _ => "",
        };
        let named = match &token.token {
            Token::DoubleQuotedString(_) => "string in double quotes",
            Token::DollarQuotedString(_) => "string between dollar signs",
            _ => written(),
        };
        let error = Error::statement(format!("unexpected {named}")).at(span);
        Err(if hint.is_empty() { error } else { error.with_hint(hint) })
    }
}

fn is_string(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::SingleQuotedString(_)))
}

/// The value of `e'...'` as written: Flink's escapes are `\b \f \n \r \t \\ \'`, octal `\141`, `\x61` and `\u0061`;
/// a backslash before anything else is itself.
fn unescape(written: &str) -> String {
    let inner = written.get(2..written.len().saturating_sub(1)).unwrap_or_default();
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        let (value, len) = match c {
            '\\' => escape(rest),
            '\'' => ('\'', 2),
            c => (c, c.len_utf8()),
        };
        text.push(value);
        rest = rest.get(len..).unwrap_or_default();
    }
    text
}

/// The character that an escape at the start of `rest` stands for, and the escape's length.
fn escape(rest: &str) -> (char, usize) {
    let digits = |from: usize, max: usize, radix: u32| {
        let tail = rest.get(from..).unwrap_or_default();
        let len = tail.chars().take(max).take_while(|c| c.is_digit(radix)).count();
        let code = tail.get(..len).and_then(|digits| u32::from_str_radix(digits, radix).ok());
        code.and_then(char::from_u32).map(|c| (c, from + len))
    };
    let found = match rest.chars().nth(1) {
        Some('b') => Some(('\u{8}', 2)),
        Some('f') => Some(('\u{c}', 2)),
        Some('n') => Some(('\n', 2)),
        Some('r') => Some(('\r', 2)),
        Some('t') => Some(('\t', 2)),
        Some(c @ ('\\' | '\'')) => Some((c, 2)),
        Some('x') => digits(2, 2, 16),
        Some('u') => digits(2, 4, 16),
        Some('U') => digits(2, 8, 16),
        Some('0'..='7') => digits(1, 3, 8),
        _ => None,
    };
    found.unwrap_or(('\\', 1))
}
