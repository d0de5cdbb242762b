//! Type names to types: `ROW<a INT, b ARRAY<STRING> NOT NULL>`, as CREATE TABLE, CAST and messages write them.

use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use super::{RowField, STRING_LENGTH, SqlType, TypeKind};
use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;
use crate::sql::FlinkDialect;

impl SqlType {
    /// Reads a type in Flink's spelling, with its synonyms and defaults; the inverse of its `Display`.
    ///
    /// # Errors
    /// A name that is no type, a length or precision out of range, text behind the type.
    pub fn parse(text: &str) -> Result<SqlType> {
        let dialect = FlinkDialect::default();
        let mut tokens = vec![];
        Tokenizer::new(&dialect, text)
            .tokenize_with_location_into_buf(&mut tokens)
            .map_err(|error| Error::statement(format!("\"{text}\" is not a type: {}", error.message.to_lowercase())))?;
        let tokens = tokens.into_iter().flat_map(split_brackets).collect();
        let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
        let ty = parse_type(&mut parser)?;
        match parser.peek_token_ref().token {
            Token::EOF => Ok(ty),
            _ => Err(unexpected(&parser, "the end of the type")),
        }
    }
}

/// `>>` closes two types; blanks are of no use.
fn split_brackets(token: TokenWithSpan) -> Vec<TokenWithSpan> {
    match token.token {
        Token::Whitespace(Whitespace::MultiLineComment(_) | Whitespace::SingleLineComment { .. }) => vec![],
        Token::Whitespace(_) => vec![],
        Token::ShiftRight => vec![TokenWithSpan::new(Token::Gt, token.span); 2],
        _ => vec![token],
    }
}

/// Reads a type and the `NULL` or `NOT NULL` behind it; nullable without.
pub(crate) fn parse_type(parser: &mut Parser<'_>) -> Result<SqlType> {
    let kind = parse_type_kind(parser)?;
    let nullable = parse_nullability(parser);
    Ok(SqlType::new(kind, nullable))
}

/// Reads a type without nullability, as in CAST.
pub(crate) fn parse_type_kind(parser: &mut Parser<'_>) -> Result<TypeKind> {
    // Types in types recurse here, so this is where nesting must end before the stack does.
    let _guard = Depth::enter().map_err(|error| error.at(here(parser)))?;
    let mut kind = simple_type(parser)?;
    loop {
        // `INT NOT NULL ARRAY`: an array of INT NOT NULL.
        let constrained = word_at(parser, 0) == "NOT" && word_at(parser, 1) == "NULL";
        let after = if constrained { 2 } else { 0 };
        let collection = word_at(parser, after);
        if collection != "ARRAY" && collection != "MULTISET" {
            return Ok(kind);
        }
        (0..=after).for_each(|_| parser.advance_token());
        let element = Box::new(SqlType::new(kind, !constrained));
        kind = if collection == "ARRAY" { TypeKind::Array(element) } else { TypeKind::Multiset(element) };
    }
}

/// How deep types may nest in types.
const MAX_DEPTH: usize = 64;

/// Counts how deep types nest on this thread.
struct Depth;

thread_local! {
    static DEPTH: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Depth {
    fn enter() -> Result<Depth> {
        let depth = DEPTH.get();
        if depth >= MAX_DEPTH {
            return Err(Error::statement("this type is nested too deeply"));
        }
        DEPTH.set(depth + 1);
        Ok(Depth)
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// The names of types, for typos.
const NAMES: &[&str] = &[
    "CHAR",
    "VARCHAR",
    "STRING",
    "BOOLEAN",
    "BINARY",
    "VARBINARY",
    "BYTES",
    "DECIMAL",
    "NUMERIC",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "INTERVAL",
    "ARRAY",
    "MAP",
    "MULTISET",
    "ROW",
];

/// Names from other systems and what Flink calls them.
const FOREIGN: &[(&str, &str)] = &[
    ("BOOL", "BOOLEAN"),
    ("TEXT", "STRING"),
    ("NUMBER", "DECIMAL"),
    ("DATETIME", "TIMESTAMP"),
    ("TIMESTAMPTZ", "TIMESTAMP_LTZ"),
    ("REAL", "FLOAT"),
    ("LONG", "BIGINT"),
    ("SHORT", "SMALLINT"),
    ("INT2", "SMALLINT"),
    ("INT4", "INT"),
    ("INT8", "BIGINT"),
    ("FLOAT4", "FLOAT"),
    ("FLOAT8", "DOUBLE"),
    ("BYTEA", "BYTES"),
    ("BLOB", "BYTES"),
    ("STRUCT", "ROW"),
];

fn simple_type(parser: &mut Parser<'_>) -> Result<TypeKind> {
    let name = word_at(parser, 0);
    let span = here(parser);
    if name.is_empty() {
        return Err(unexpected(parser, "a type"));
    }
    parser.advance_token();
    Ok(match name.as_str() {
        "CHAR" | "CHARACTER" if accept(parser, "VARYING") => {
            TypeKind::Varchar(length(parser, "VARCHAR", STRING_LENGTH)?)
        }
        "CHAR" | "CHARACTER" => TypeKind::Char(length(parser, "CHAR", 1)?),
        "VARCHAR" => TypeKind::Varchar(length(parser, "VARCHAR", STRING_LENGTH)?),
        "STRING" => TypeKind::Varchar(STRING_LENGTH),
        "BOOLEAN" => TypeKind::Boolean,
        "BINARY" if accept(parser, "VARYING") => TypeKind::Varbinary(length(parser, "VARBINARY", STRING_LENGTH)?),
        "BINARY" => TypeKind::Binary(length(parser, "BINARY", 1)?),
        "VARBINARY" => TypeKind::Varbinary(length(parser, "VARBINARY", STRING_LENGTH)?),
        "BYTES" => TypeKind::Varbinary(STRING_LENGTH),
        "DECIMAL" | "DEC" | "NUMERIC" => decimal(parser)?,
        "TINYINT" => TypeKind::TinyInt,
        "SMALLINT" => TypeKind::SmallInt,
        "INT" | "INTEGER" => TypeKind::Int,
        "BIGINT" => TypeKind::BigInt,
        "FLOAT" => TypeKind::Float,
        "DOUBLE" => {
            accept(parser, "PRECISION");
            TypeKind::Double
        }
        "DATE" => TypeKind::Date,
        "TIME" => time(parser, span)?,
        "TIMESTAMP" => timestamp(parser, span)?,
        "TIMESTAMP_LTZ" => TypeKind::TimestampLtz(precision(parser, "TIMESTAMP_LTZ", 6)?),
        "INTERVAL" => interval(parser)?,
        "ARRAY" => TypeKind::Array(Box::new(one_argument(parser)?)),
        "MULTISET" => TypeKind::Multiset(Box::new(one_argument(parser)?)),
        "MAP" => map(parser)?,
        "ROW" => TypeKind::Row(row(parser)?),
        "RAW" | "VARIANT" | "STRUCTURED" | "BITMAP" | "DESCRIPTOR" => {
            return Err(Error::unsupported(format!("type {name}")).at(span));
        }
        _ => return Err(unknown(&name).at(span)),
    })
}

fn unknown(name: &str) -> Error {
    let error = Error::statement(format!("unknown type \"{name}\""));
    let foreign = FOREIGN.iter().find(|(foreign, _)| *foreign == name);
    let hint = match foreign {
        Some((_, ours)) => Some(format!("Flink calls it {ours}.")),
        None => did_you_mean(name, NAMES.iter().copied()),
    };
    error.with_hint(hint.unwrap_or_else(|| format!("Types are {}.", NAMES.join(", "))))
}

/// `(n)` of a string or binary type.
fn length(parser: &mut Parser<'_>, name: &str, default: u32) -> Result<u32> {
    let Some(values) = numbers(parser, 1)? else { return Ok(default) };
    ranged(&values, 0, name, "length", 1, STRING_LENGTH.into()).map(|n| n as u32)
}

/// `(p)` of a time type.
fn precision(parser: &mut Parser<'_>, name: &str, default: u8) -> Result<u8> {
    let Some(values) = numbers(parser, 1)? else { return Ok(default) };
    ranged(&values, 0, name, "precision", 0, 9).map(|p| p as u8)
}

fn decimal(parser: &mut Parser<'_>) -> Result<TypeKind> {
    let Some(values) = numbers(parser, 2)? else { return Ok(TypeKind::Decimal { precision: 10, scale: 0 }) };
    let precision = ranged(&values, 0, "DECIMAL", "precision", 1, 38)? as u8;
    let scale = match values.len() {
        1 => 0,
        _ => ranged(&values, 1, "DECIMAL", "scale", 0, precision.into())? as u8,
    };
    Ok(TypeKind::Decimal { precision, scale })
}

fn time(parser: &mut Parser<'_>, start: Option<Span>) -> Result<TypeKind> {
    let precision = precision(parser, "TIME", 0)?;
    match zone(parser, start, "TIME")? {
        Zone::None => Ok(TypeKind::Time(precision)),
        Zone::Local => Err(Error::unsupported("type TIME WITH LOCAL TIME ZONE").at(start)),
    }
}

fn timestamp(parser: &mut Parser<'_>, start: Option<Span>) -> Result<TypeKind> {
    let precision = precision(parser, "TIMESTAMP", 6)?;
    match zone(parser, start, "TIMESTAMP")? {
        Zone::None => Ok(TypeKind::Timestamp(precision)),
        Zone::Local => Ok(TypeKind::TimestampLtz(precision)),
    }
}

enum Zone {
    None,
    Local,
}

/// `WITHOUT TIME ZONE`, `WITH LOCAL TIME ZONE` or nothing.
fn zone(parser: &mut Parser<'_>, start: Option<Span>, name: &str) -> Result<Zone> {
    if word_at(parser, 0) == "WITH" && word_at(parser, 1) == "TIME" {
        return Err(Error::unsupported(format!("type {name} WITH TIME ZONE"))
            .with_hint("TIMESTAMP_LTZ(p) is an instant, shown in the session's time zone.")
            .at(start));
    }
    let words: &[&str] = match word_at(parser, 0).as_str() {
        "WITHOUT" => &["WITHOUT", "TIME", "ZONE"],
        "WITH" if word_at(parser, 1) == "LOCAL" => &["WITH", "LOCAL", "TIME", "ZONE"],
        _ => return Ok(Zone::None),
    };
    for word in words {
        if !accept(parser, word) {
            return Err(unexpected(parser, word));
        }
    }
    Ok(if words.len() == 4 { Zone::Local } else { Zone::None })
}

/// `INTERVAL DAY TO SECOND(3)` and all other units: months or milliseconds, whatever the precisions.
fn interval(parser: &mut Parser<'_>) -> Result<TypeKind> {
    let Some((months, first)) = interval_unit(parser)? else {
        return Err(unexpected(parser, "YEAR, MONTH, DAY, HOUR, MINUTE or SECOND"));
    };
    if accept(parser, "TO") {
        match interval_unit(parser)? {
            Some((same, last)) if same == months && last > first => {}
            _ => return Err(unexpected(parser, "a smaller unit of the same interval")),
        }
    }
    Ok(if months { TypeKind::IntervalYearMonth } else { TypeKind::IntervalDayTime })
}

/// A unit with its precision, if one stands here: whether it counts months, and its rank.
fn interval_unit(parser: &mut Parser<'_>) -> Result<Option<(bool, u8)>> {
    let unit = match word_at(parser, 0).as_str() {
        "YEAR" => (true, 0),
        "MONTH" => (true, 1),
        "DAY" => (false, 2),
        "HOUR" => (false, 3),
        "MINUTE" => (false, 4),
        "SECOND" => (false, 5),
        _ => return Ok(None),
    };
    parser.advance_token();
    numbers(parser, if unit.1 == 5 { 2 } else { 1 })?;
    Ok(Some(unit))
}

fn one_argument(parser: &mut Parser<'_>) -> Result<SqlType> {
    expect(parser, &Token::Lt)?;
    let ty = parse_type(parser)?;
    expect(parser, &Token::Gt)?;
    Ok(ty)
}

fn map(parser: &mut Parser<'_>) -> Result<TypeKind> {
    expect(parser, &Token::Lt)?;
    let key = parse_type(parser)?;
    expect(parser, &Token::Comma)?;
    let value = parse_type(parser)?;
    expect(parser, &Token::Gt)?;
    Ok(TypeKind::Map(Box::new(key), Box::new(value)))
}

/// `<name type ['comment'], ...>`, or the same in parentheses.
fn row(parser: &mut Parser<'_>) -> Result<Vec<RowField>> {
    let mut fields: Vec<RowField> = vec![];
    let close = match parser.peek_token_ref().token {
        Token::Neq => {
            parser.advance_token();
            return Ok(fields);
        }
        Token::LParen => Token::RParen,
        Token::Lt => Token::Gt,
        _ => return Err(unexpected(parser, "\"<\"")),
    };
    parser.advance_token();
    if parser.consume_token(&close) {
        return Ok(fields);
    }
    loop {
        let span = here(parser);
        let Token::Word(word) = parser.peek_token_ref().token.clone() else {
            return Err(unexpected(parser, "a field's name"));
        };
        if word.quote_style.is_none() && crate::sql::is_reserved(&word.value) {
            return Err(Error::statement(format!("\"{}\" is a reserved word", word.value))
                .with_hint(format!("To use it as a name, quote it with back-ticks: `{}`.", word.value))
                .at(span));
        }
        parser.advance_token();
        if fields.iter().any(|field| field.name == word.value) {
            return Err(Error::statement(format!("field \"{}\" occurs twice in this ROW", word.value)).at(span));
        }
        let ty = parse_type(parser)?;
        fields.push(RowField { name: word.value, ty, comment: comment(parser) });
        if parser.consume_token(&close) {
            return Ok(fields);
        }
        if !parser.consume_token(&Token::Comma) {
            return Err(unexpected(parser, &format!("\",\" or \"{close}\"")));
        }
    }
}

fn comment(parser: &mut Parser<'_>) -> Option<String> {
    match parser.peek_token_ref().token.clone() {
        Token::SingleQuotedString(text) => {
            parser.advance_token();
            Some(text)
        }
        _ => None,
    }
}

/// True where NULL is allowed: nothing or NULL stands here; false for NOT NULL.
fn parse_nullability(parser: &mut Parser<'_>) -> bool {
    if word_at(parser, 0) == "NOT" && word_at(parser, 1) == "NULL" {
        parser.advance_token();
        parser.advance_token();
        return false;
    }
    accept(parser, "NULL");
    true
}

/// A number as written, with its place.
type Number = (String, Option<Span>);

/// Numbers in parentheses, at most `max` of them, each with its place; `None` without parentheses.
fn numbers(parser: &mut Parser<'_>, max: usize) -> Result<Option<Vec<Number>>> {
    if !parser.consume_token(&Token::LParen) {
        return Ok(None);
    }
    let mut values = vec![];
    loop {
        let Token::Number(digits, false) = parser.peek_token_ref().token.clone() else {
            return Err(unexpected(parser, "a whole number"));
        };
        values.push((digits, here(parser)));
        parser.advance_token();
        if values.len() < max && parser.consume_token(&Token::Comma) {
            continue;
        }
        expect(parser, &Token::RParen)?;
        return Ok(Some(values));
    }
}

/// The number at `index`, checked to lie in `min..=max`.
fn ranged(values: &[(String, Option<Span>)], index: usize, name: &str, what: &str, min: u64, max: u64) -> Result<u64> {
    let (digits, span) = values.get(index).map(|(digits, span)| (digits.as_str(), *span)).unwrap_or(("", None));
    match digits.parse::<u64>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(Error::statement(format!("{what} {digits} of {name} is not between {min} and {max}")).at(span)),
    }
}

/// The unquoted word `ahead` tokens further, in capitals; empty where there is none.
fn word_at(parser: &Parser<'_>, ahead: usize) -> String {
    match &parser.peek_nth_token_ref(ahead).token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => String::new(),
    }
}

fn accept(parser: &mut Parser<'_>, word: &str) -> bool {
    let found = word_at(parser, 0) == word;
    if found {
        parser.advance_token();
    }
    found
}

fn expect(parser: &mut Parser<'_>, token: &Token) -> Result<()> {
    match parser.consume_token(token) {
        true => Ok(()),
        false => Err(unexpected(parser, &format!("\"{token}\""))),
    }
}

fn here(parser: &Parser<'_>) -> Option<Span> {
    Span::from_ast(parser.peek_token_ref().span)
}

fn unexpected(parser: &Parser<'_>, expected: &str) -> Error {
    let found = crate::sql::found(&parser.peek_token_ref().token);
    Error::statement(format!("expected {expected}, found {found}")).at(here(parser))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn synonyms_and_defaults_are_flinks() {
        for (written, meant) in [
            ("VARCHAR", "STRING"),
            ("char", "CHAR(1)"),
            ("CHARACTER VARYING(3)", "VARCHAR(3)"),
            ("CHAR VARYING", "STRING"),
            ("BINARY", "BINARY(1)"),
            ("BINARY VARYING(3)", "VARBINARY(3)"),
            ("VARBINARY", "BYTES"),
            ("DEC", "DECIMAL(10, 0)"),
            ("NUMERIC(5)", "DECIMAL(5, 0)"),
            ("INTEGER", "INT"),
            ("DOUBLE PRECISION", "DOUBLE"),
            ("TIME", "TIME(0)"),
            ("TIME WITHOUT TIME ZONE", "TIME(0)"),
            ("TIMESTAMP", "TIMESTAMP(6)"),
            ("TIMESTAMP(3) WITHOUT TIME ZONE", "TIMESTAMP(3)"),
            ("TIMESTAMP_LTZ", "TIMESTAMP_LTZ(6)"),
            ("TIMESTAMP(3) WITH LOCAL TIME ZONE NOT NULL", "TIMESTAMP_LTZ(3) NOT NULL"),
            ("INTERVAL YEAR(4) TO MONTH", "INTERVAL YEAR TO MONTH"),
            ("INTERVAL SECOND", "INTERVAL DAY TO SECOND(3)"),
            ("INT ARRAY", "ARRAY<INT>"),
            ("INT NOT NULL ARRAY NOT NULL", "ARRAY<INT NOT NULL> NOT NULL"),
            ("INT ARRAY MULTISET", "MULTISET<ARRAY<INT>>"),
            ("INT NULL", "INT"),
            ("MAP<STRING,ARRAY<ROW<a INT>>>", "MAP<STRING, ARRAY<ROW<`a` INT>>>"),
            ("ROW(a INT, b STRING NOT NULL)", "ROW<`a` INT, `b` STRING NOT NULL>"),
            ("ROW<a INT 'c''s', `b c` ROW<>>", "ROW<`a` INT 'c''s', `b c` ROW<>>"),
        ] {
            assert_eq!(SqlType::parse(written).map(|ty| ty.to_string()).unwrap(), meant, "{written}");
        }
    }

    #[test]
    fn wrong_types_say_what_is_wrong() {
        for (written, message) in [
            ("DECIMAL(39)", "precision 39 of DECIMAL is not between 1 and 38"),
            ("DECIMAL(5, 6)", "scale 6 of DECIMAL is not between 0 and 5"),
            ("VARCHAR(0)", "length 0 of VARCHAR is not between 1 and 2147483647"),
            ("CHAR(99999999999999999999)", "length 99999999999999999999 of CHAR is not between 1 and 2147483647"),
            ("TIMESTAMP(10)", "precision 10 of TIMESTAMP is not between 0 and 9"),
            ("TIMESTAMP WITH TIME ZONE", "type TIMESTAMP WITH TIME ZONE is not supported"),
            ("VARIANT", "type VARIANT is not supported"),
            ("TEXT", "unknown type \"TEXT\""),
            ("STRNG", "unknown type \"STRNG\""),
            ("STRING(3)", "expected the end of the type, found \"(\""),
            ("ARRAY<INT", "expected \">\", found end of statement"),
            ("ROW<a INT, a INT>", "field \"a\" occurs twice in this ROW"),
            ("ROW<value INT>", "\"value\" is a reserved word"),
            ("", "expected a type, found end of statement"),
        ] {
            assert_eq!(SqlType::parse(written).unwrap_err().message(), message, "{written}");
        }
        assert_eq!(SqlType::parse("TEXT").unwrap_err().hint(), Some("Flink calls it STRING."));
        assert_eq!(SqlType::parse("STRNG").unwrap_err().hint(), Some("Did you mean \"STRING\"?"));
    }

    #[test]
    fn bottomless_types_end_with_an_error() {
        let error = SqlType::parse(&"ARRAY<".repeat(100_000)).unwrap_err();
        assert_eq!(error.message(), "this type is nested too deeply");
        assert!(SqlType::parse("INT").is_ok(), "the depth is counted down again");
    }

    fn any_type() -> impl Strategy<Value = SqlType> {
        let simple = prop_oneof![
            (1..=STRING_LENGTH).prop_map(TypeKind::Char),
            (1..=STRING_LENGTH).prop_map(TypeKind::Varchar),
            Just(TypeKind::Varchar(STRING_LENGTH)),
            Just(TypeKind::Boolean),
            (1..=STRING_LENGTH).prop_map(TypeKind::Binary),
            Just(TypeKind::Varbinary(STRING_LENGTH)),
            (1..=38u8).prop_flat_map(|precision| {
                (0..=precision).prop_map(move |scale| TypeKind::Decimal { precision, scale })
            }),
            Just(TypeKind::TinyInt),
            Just(TypeKind::Int),
            Just(TypeKind::Double),
            Just(TypeKind::Date),
            (0..=9u8).prop_map(TypeKind::Time),
            (0..=9u8).prop_map(TypeKind::Timestamp),
            (0..=9u8).prop_map(TypeKind::TimestampLtz),
            Just(TypeKind::IntervalYearMonth),
            Just(TypeKind::IntervalDayTime),
        ];
        let with_nullability = |kind: BoxedStrategy<TypeKind>| {
            (kind, any::<bool>()).prop_map(|(kind, nullable)| SqlType::new(kind, nullable))
        };
        with_nullability(simple.boxed()).prop_recursive(4, 24, 4, move |inner| {
            let field = ("[^\u{0}]{1,6}", inner.clone(), proptest::option::of("[^\u{0}]{0,6}"));
            let fields = proptest::collection::vec(field, 0..4).prop_map(|fields| {
                let numbered = fields.into_iter().enumerate();
                TypeKind::Row(
                    numbered
                        .map(|(i, (name, ty, comment))| RowField { name: format!("{name}{i}"), ty, comment })
                        .collect(),
                )
            });
            let kinds = prop_oneof![
                inner.clone().prop_map(|ty| TypeKind::Array(Box::new(ty))),
                inner.clone().prop_map(|ty| TypeKind::Multiset(Box::new(ty))),
                (inner.clone(), inner.clone()).prop_map(|(k, v)| TypeKind::Map(Box::new(k), Box::new(v))),
                fields,
            ];
            (kinds, any::<bool>()).prop_map(|(kind, nullable)| SqlType::new(kind, nullable))
        })
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back(ty in any_type()) {
            prop_assert_eq!(SqlType::parse(&ty.to_string()).unwrap(), ty);
        }

        #[test]
        fn any_text_is_a_type_or_an_error(text in ".{0,40}") {
            let _ = SqlType::parse(&text);
        }
    }
}
