//! sqlparser's complaints in our words: what was expected, what was found, and what was probably meant.

use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::reserved::is_reserved;
use crate::error::{Error, nearest};
use crate::span::{Location, Span};

/// `Quote it with back-ticks: ...`
pub(super) fn quoted_name_hint(name: &str) -> String {
    format!("To use it as a name, quote it with back-ticks: `{name}`.")
}

/// The same for a word whose message doesn't say why it can't be one.
pub(super) fn reserved_word_hint(word: &str) -> String {
    format!("{word} is a reserved word. {}", quoted_name_hint(word))
}

/// How a message names a token that should not be there.
pub(crate) fn found(token: &Token) -> String {
    match token {
        Token::EOF => "end of statement".to_string(),
        Token::Word(word) if word.quote_style.is_some() => format!("`{}`", word.value),
        Token::Word(word) => word.value.clone(),
        // Not its text: it may be a password that stands in the wrong place.
        Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) => "a string".to_string(),
        Token::Number(number, _) => number.clone(),
        other => format!("\"{other}\""),
    }
}

/// "expected ..., found ..." at token `at` of a statement that ends at `end`.
pub(super) fn unexpected(tokens: &[TokenWithSpan], at: usize, end: Location, expected: &str) -> Error {
    let token = tokens.get(at).map(|token| &token.token).unwrap_or(&Token::EOF);
    let span = tokens.get(at).and_then(|token| Span::from_ast(token.span));
    let span = span.unwrap_or(Span::on_line(end.line, end.column, 1));
    let error = Error::statement(format!("expected {expected}, found {}", found(token))).at(span);
    match suggestion(tokens, at, expected) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Translates `error`; `reached` is the token where the parser stood.
pub(super) fn translate(error: &ParserError, tokens: &[TokenWithSpan], reached: usize, end: Location) -> Error {
    let text = match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => {
            let error = Error::statement("this statement is nested too deeply");
            let at = tokens.get(reached.min(tokens.len().saturating_sub(1)));
            return error.at(at.and_then(|token| Span::from_ast(token.span)));
        }
    };
    let (text, place) = split_place(text);
    let at = match place {
        Some(place) => tokens.iter().position(|token| {
            let start = token.span.start;
            (start.line, start.column) == place
        }),
        None => None,
    };
    match text.strip_prefix("Expected: ").and_then(|rest| rest.rsplit_once(", found: ")) {
        Some((expected, "EOF")) => unexpected(tokens, tokens.len(), end, &ours(expected)),
        Some((expected, _)) => unexpected(tokens, at.unwrap_or(reached), end, &ours(expected)),
        None => {
            let at = at.unwrap_or(reached);
            let span = tokens.get(at).and_then(|token| Span::from_ast(token.span));
            let span = span.unwrap_or(Span::on_line(end.line, end.column, 1));
            let error = Error::statement(lower_first(text)).at(span);
            match tokens.get(at).map(|token| &token.token) {
                Some(Token::Word(word)) if text.starts_with("INTERVAL requires a unit") => {
                    let unit = nearest(&word.value.to_ascii_uppercase(), UNITS.iter().copied());
                    error.with_hint(match unit {
                        Some(unit) => format!("Did you mean {unit}?"),
                        None => format!("Units are {}.", UNITS.join(", ")),
                    })
                }
                _ => error,
            }
        }
    }
}

/// Cuts ` at Line: 1, Column: 2` off.
fn split_place(text: &str) -> (&str, Option<(u64, u64)>) {
    let place = text.rsplit_once(" at Line: ").and_then(|(text, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((text, line.parse().ok()?, column.trim().parse().ok()?))
    });
    match place {
        Some((text, line, column)) => (text, Some((line, column))),
        None => (text, None),
    }
}

/// What sqlparser expected, in our words.
fn ours(expected: &str) -> String {
    match expected {
        "an expression" | "an expression:" => "an expression".into(),
        "identifier" => "a name".into(),
        "an identifier after AS" => "a name behind AS".into(),
        "an SQL statement" => "a statement".into(),
        "SELECT, VALUES, or a subquery in the query body" => "SELECT, VALUES or a query in parentheses".into(),
        "joined table" => "a table or a join".into(),
        "literal string" => "a string".into(),
        "literal int" => "a whole number".into(),
        "date/time field" => "a unit of time such as DAY or SECOND".into(),
        symbol if !symbol.chars().any(char::is_alphanumeric) => format!("\"{symbol}\""),
        other => lower_first(other.trim_end_matches(':')),
    }
}

/// Lower-cases the first letter, unless the word is a keyword in capitals.
fn lower_first(text: &str) -> String {
    let keyword = text.chars().nth(1).is_some_and(|c| c.is_ascii_uppercase());
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !keyword => first.to_lowercase().chain(chars).collect(),
        _ => text.to_string(),
    }
}

/// Units of intervals, for typos.
const UNITS: &[&str] = &[
    "SECOND", "SECONDS", "MINUTE", "MINUTES", "HOUR", "HOURS", "DAY", "DAYS", "WEEK", "MONTH", "MONTHS", "QUARTER",
    "YEAR", "YEARS",
];

/// Words that a statement is made of, for typos.
const KEYWORDS: &[&str] = &[
    "SELECT",
    "DISTINCT",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "VALUES",
    "INSERT",
    "INTO",
    "OVERWRITE",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "OUTER",
    "CROSS",
    "JOIN",
    "USING",
    "SYSTEM_TIME",
    "BETWEEN",
    "WHEN",
    "THEN",
    "ELSE",
    "CASE",
    "INTERVAL",
    "TABLE",
    "VIEW",
    "WITH",
    "PARTITIONED",
    "COMMENT",
    "WATERMARK",
    "PRIMARY",
    "ENFORCED",
    "METADATA",
    "VIRTUAL",
    "CONSTRAINT",
    "TEMPORARY",
    "EXISTS",
    "STATEMENT",
    "BEGIN",
    "INCLUDING",
    "EXCLUDING",
    "OVERWRITING",
    "PARTITION",
    "EXPLAIN",
    "RENAME",
    "RESET",
    "SECOND",
    "SECONDS",
    "MINUTE",
    "HOUR",
    "MONTH",
    "YEAR",
];

/// More words of that sort, too short to guess at.
const SHORT_KEYWORDS: &[&str] = &[
    "ALL", "AND", "ANY", "AS", "BY", "END", "ESCAPE", "FOR", "IN", "IS", "LIKE", "NOT", "NULL", "OF", "ON", "OR",
    "OVER", "RANGE", "ROW", "ROWS", "SET", "TO", "WINDOW",
];

/// True for words that statements are made of, which nobody means as names.
pub(super) fn is_keyword(word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    KEYWORDS.contains(&upper.as_str()) || SHORT_KEYWORDS.contains(&upper.as_str())
}

/// What the word at `at`, or the one before it, was probably meant to be.
fn suggestion(tokens: &[TokenWithSpan], at: usize, expected: &str) -> Option<String> {
    let word_at = |index: usize| match tokens.get(index).map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.value.as_str()),
        _ => None,
    };
    let meant = |word: &str| {
        let upper = word.to_ascii_uppercase();
        let known = is_keyword(word) || is_reserved(word);
        let wanted = expected.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| is_capitals(w));
        (!known && upper.len() > 2).then(|| nearest(&upper, wanted.chain(KEYWORDS.iter().copied()))).flatten()
    };
    let comma_before = |index: usize| {
        index.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|token| token.token == Token::Comma)
    };
    if comma_before(at) && tokens.get(at).is_none_or(|token| closes_a_list(&token.token)) {
        return Some("The comma before it is one too many.".to_string());
    }
    // `SELECT a, FROM (VALUES ...) AS t(a)` was read as a call of FROM.
    let from = (1..at).find(|&i| comma_before(i) && word_at(i).is_some_and(|word| word.eq_ignore_ascii_case("FROM")));
    if from.is_some() {
        return Some("The comma before FROM is one too many.".to_string());
    }
    if let Some(word) = word_at(at) {
        let ends_one = expected.split(|c: char| !c.is_ascii_alphabetic()).any(|w| w == "statement");
        if begins_statement(word) && ends_one && at > 0 {
            return Some(missing_end_hint(word));
        }
        let connects = matches!(word.len(), 2..=4) && expected == "end of statement" && !is_keyword(word);
        if let Some(meant) = nearest(word, ["AND", "OR"]).filter(|_| connects) {
            return Some(format!("Did you mean {meant}?"));
        }
        if let Some(keyword) = meant(word) {
            return Some(format!("Did you mean {keyword}?"));
        }
        let fits = match is_keyword(word) {
            true => {
                matches!(expected, "a name" | "an expression")
                    && stands_as_name(word, tokens.get(at + 1).map_or(&Token::EOF, |token| &token.token))
            }
            false => expected.contains("name") || matches!(expected, "an expression" | "end of statement"),
        };
        if is_reserved(word) && fits {
            return Some(reserved_word_hint(word));
        }
    }
    let before = at.checked_sub(1).and_then(word_at)?;
    meant(before).map(|keyword| format!("Is the {before} before it meant to be {keyword}?"))
}

/// True where what follows a keyword is nothing that it could begin: `FROM order WHERE`, but not `FROM WHERE a > 1`.
pub(super) fn stands_as_name(word: &str, next: &Token) -> bool {
    match next {
        // The end of a CASE without its last value.
        _ if word.eq_ignore_ascii_case("END") => false,
        Token::EOF | Token::SemiColon | Token::Comma | Token::RParen | Token::Period => true,
        Token::Word(next) if ["BY", "KEY"].iter().any(|behind| next.value.eq_ignore_ascii_case(behind)) => false,
        _ => !BEGINS_PART.iter().any(|part| word.eq_ignore_ascii_case(part)),
    }
}

/// Keywords that may stand in front of nearly everything.
const BEGINS_PART: &[&str] = &[
    "SELECT",
    "DISTINCT",
    "ALL",
    "FROM",
    "WHERE",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "VALUES",
    "INSERT",
    "INTO",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "OUTER",
    "CROSS",
    "JOIN",
    "ON",
    "USING",
    "BETWEEN",
    "WHEN",
    "THEN",
    "ELSE",
    "CASE",
    "INTERVAL",
    "TABLE",
    "WITH",
    "AND",
    "OR",
    "NOT",
    "IS",
    "IN",
    "LIKE",
    "AS",
    "BY",
    "TO",
    "FOR",
    "OF",
    "EXISTS",
    "BEGIN",
    "ROW",
];

/// True for a word that statements begin with.
pub(super) fn begins_statement(word: &str) -> bool {
    BEGINNINGS.iter().any(|begin| word.eq_ignore_ascii_case(begin))
}

/// For a statement that begins where another has not ended.
pub(super) fn missing_end_hint(word: &str) -> String {
    format!("Is the \";\" missing that ends the statement before {word}?")
}

/// What statements begin with.
const BEGINNINGS: &[&str] = &[
    "CREATE", "INSERT", "SELECT", "SET", "RESET", "DROP", "ALTER", "SHOW", "DESCRIBE", "EXPLAIN", "EXECUTE", "BEGIN",
    "WITH", "USE", "STOP",
];

/// True for what follows the last item of a list.
fn closes_a_list(token: &Token) -> bool {
    let ends = ["FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "AS", "WITH"];
    match token {
        Token::RParen | Token::SemiColon | Token::EOF => true,
        Token::Word(word) => word.quote_style.is_none() && ends.iter().any(|end| word.value.eq_ignore_ascii_case(end)),
        _ => false,
    }
}

fn is_capitals(word: &str) -> bool {
    word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}
