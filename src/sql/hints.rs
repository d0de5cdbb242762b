//! Hints: `t /*+ OPTIONS('key' = 'value') */` behind a table's name, `/*+ LOOKUP('table' = 'C', ...) */` behind SELECT.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, OptimizerHint, Select, Value, ValueWithSpan};
use datafusion::sql::sqlparser::tokenizer::{self, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::dialect::FlinkDialect;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result, did_you_mean};
use crate::span::Span;

/// One hint of a `/*+ A(...), B(...) */`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Upper case.
    pub name: String,
    /// `'key' = 'value'` arguments; the last one of a key wins.
    pub options: RawOptions,
    /// Arguments that are plain names: `BROADCAST(t1, t2)`.
    pub names: Vec<String>,
    /// Of the whole `/*+ ... */`, where it is known.
    pub span: Option<Span>,
}

/// An OPTIONS hint behind a table's name.
#[derive(Debug)]
pub(super) struct TableHint {
    /// Where the name in front of it ends.
    pub behind: tokenizer::Location,
    pub options: RawOptions,
    pub span: Option<Span>,
}

/// Hints that go behind SELECT.
const QUERY_HINTS: &[&str] =
    &["LOOKUP", "STATE_TTL", "BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP", "MULTI_JOIN"];

/// The hints behind a SELECT, which the parser has checked. Their spans are not known.
pub fn query_hints(select: &Select) -> Vec<Hint> {
    let texts = select.optimizer_hints.iter().map(|hint: &OptimizerHint| hint.text.as_str());
    texts.flat_map(|text| parse_text(text, None).unwrap_or_default()).collect()
}

/// The options of a table's OPTIONS hint, as they lie in `TableFactor::Table::with_hints`.
pub fn table_options(with_hints: &[Expr]) -> RawOptions {
    let mut options = RawOptions::new();
    for hint in with_hints {
        if let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = hint
            && let (Expr::Value(place), Expr::Value(value)) = (left.as_ref(), right.as_ref())
            && let (Value::SingleQuotedString(key), Value::SingleQuotedString(text)) = (&place.value, &value.value)
        {
            options.set(key, text, Span::from_ast(value.span));
            options.set_key_span(key, Span::from_ast(place.span));
        }
    }
    options
}

/// The form in which options travel in `TableFactor::Table::with_hints`.
pub(super) fn to_with_hints(options: &RawOptions) -> Vec<Expr> {
    let literal = |text: &str, span: Option<Span>| {
        let span = span.map_or_else(tokenizer::Span::empty, to_ast_span);
        Box::new(Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text.to_string()), span }))
    };
    let pair = |(key, value)| Expr::BinaryOp {
        left: literal(key, None),
        op: BinaryOperator::Eq,
        right: literal(value, options.span(key)),
    };
    options.iter().map(pair).collect()
}

fn to_ast_span(span: Span) -> tokenizer::Span {
    let location = |at: crate::span::Location| tokenizer::Location { line: at.line.into(), column: at.column.into() };
    tokenizer::Span { start: location(span.start), end: location(span.end) }
}

/// Reads a `/*+ ... */` token.
pub(super) fn parse(token: &TokenWithSpan) -> Result<Vec<Hint>> {
    let Token::Whitespace(Whitespace::MultiLineComment(text)) = &token.token else { return Ok(vec![]) };
    let mut inside = token.span.start;
    inside.column += 3;
    let span = Span::from_ast(token.span);
    let mut hints = parse_text(text.strip_prefix('+').unwrap_or(text), Some(inside)).map_err(|e| e.at(span))?;
    hints.iter_mut().for_each(|hint| hint.span = span);
    Ok(hints)
}

/// Reads what stands between `/*+` and `*/`; `start` is where it stands, if known.
fn parse_text(text: &str, start: Option<tokenizer::Location>) -> Result<Vec<Hint>> {
    let dialect = FlinkDialect::default();
    let mut tokens = vec![];
    let broken = |_| Error::statement("this hint can't be read").with_hint(SHAPE);
    Tokenizer::new(&dialect, text).tokenize_with_location_into_buf(&mut tokens).map_err(broken)?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    for token in &mut tokens {
        let place = |at: tokenizer::Location| {
            let start = start?;
            let column = if at.line <= 1 { at.column + start.column - 1 } else { at.column };
            Some(tokenizer::Location { line: at.line + start.line - 1, column })
        };
        token.span = match (place(token.span.start), place(token.span.end)) {
            (Some(start), Some(end)) => tokenizer::Span { start, end },
            _ => tokenizer::Span::empty(),
        };
    }
    let mut reader = Reader { tokens: tokens.into_iter().peekable() };
    let mut hints = vec![];
    while reader.tokens.peek().is_some() {
        hints.push(reader.hint()?);
        reader.accept(&Token::Comma);
    }
    Ok(hints)
}

const SHAPE: &str = "Hints look like /*+ OPTIONS('key' = 'value') */ behind a table's name and /*+ LOOKUP('table' = 't', ...) */ behind SELECT.";

struct Reader<I: Iterator<Item = TokenWithSpan>> {
    tokens: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = TokenWithSpan>> Reader<I> {
    fn accept(&mut self, token: &Token) -> bool {
        self.tokens.next_if(|next| next.token == *token).is_some()
    }

    fn unexpected(&mut self, expected: &str) -> Error {
        let error = Error::statement(format!("expected {expected} in this hint")).with_hint(SHAPE);
        error.at(self.tokens.next().and_then(|token| Span::from_ast(token.span)))
    }

    fn hint(&mut self) -> Result<Hint> {
        let Some(Token::Word(word)) = self.tokens.peek().map(|token| token.token.clone()) else {
            return Err(self.unexpected("a name"));
        };
        self.tokens.next();
        let name = word.value.to_ascii_uppercase();
        let mut hint = Hint { name, options: RawOptions::new(), names: vec![], span: None };
        if self.accept(&Token::LParen) && !self.accept(&Token::RParen) {
            loop {
                self.argument(&mut hint)?;
                if self.accept(&Token::RParen) {
                    break;
                }
                if !self.accept(&Token::Comma) {
                    return Err(self.unexpected("\",\" or \")\""));
                }
            }
        }
        Ok(hint)
    }

    /// `'key' = 'value'`, `key = 'value'`, `'name'` or `a.b`.
    fn argument(&mut self, hint: &mut Hint) -> Result<()> {
        let key = match self.tokens.peek().map(|token| token.token.clone()) {
            Some(Token::SingleQuotedString(key)) => key,
            Some(Token::Word(word)) => word.value,
            _ => return Err(self.unexpected("an argument")),
        };
        self.tokens.next();
        let mut key = key;
        while self.accept(&Token::Period) {
            let Some(Token::Word(part)) = self.tokens.peek().map(|token| token.token.clone()) else {
                return Err(self.unexpected("a name"));
            };
            self.tokens.next();
            key = format!("{key}.{}", part.value);
        }
        if !self.accept(&Token::Eq) {
            hint.names.push(key);
            return Ok(());
        }
        match self.tokens.peek().map(|token| (token.token.clone(), token.span)) {
            Some((Token::SingleQuotedString(value), span)) => {
                self.tokens.next();
                hint.options.set(key, value, Span::from_ast(span));
                Ok(())
            }
            _ => Err(self.unexpected("a value in single quotes")),
        }
    }
}

/// Refuses hints that mean nothing behind SELECT.
pub(super) fn check_query_hints(hints: &[Hint]) -> Result<()> {
    match hints.iter().find(|hint| !QUERY_HINTS.contains(&hint.name.as_str())) {
        None => Ok(()),
        Some(hint) if hint.name == "OPTIONS" => Err(Error::statement("an OPTIONS hint belongs behind a table's name")
            .with_hint("Write FROM t /*+ OPTIONS('key' = 'value') */.")
            .at(hint.span)),
        Some(hint) => {
            let error = Error::statement(format!("unknown hint \"{}\"", hint.name)).at(hint.span);
            let nearest = did_you_mean(&hint.name, QUERY_HINTS.iter().copied());
            Err(error
                .with_hint(nearest.unwrap_or_else(|| format!("Known hints: OPTIONS, {}.", QUERY_HINTS.join(", ")))))
        }
    }
}

/// The hint behind a table's name, which ends at `behind`.
pub(super) fn table_hint(hints: Vec<Hint>, behind: tokenizer::Location, token: &TokenWithSpan) -> Result<TableHint> {
    let span = Span::from_ast(token.span);
    let mut options = RawOptions::new();
    for hint in &hints {
        if hint.name != "OPTIONS" {
            let error = match QUERY_HINTS.contains(&hint.name.as_str()) {
                true => Error::statement(format!("a {} hint belongs behind SELECT", hint.name)),
                false => Error::statement(format!("unknown hint \"{}\"", hint.name)),
            };
            return Err(error.at(span).with_hint(SHAPE));
        }
        if let Some(name) = hint.names.first() {
            let error = Error::statement(format!("expected 'key' = 'value' in the OPTIONS hint, found {name}"));
            return Err(error.at(span).with_hint(SHAPE));
        }
        // As in Flink the first OPTIONS hint is the one that counts.
        if options.is_empty() {
            options = hint.options.clone();
        }
    }
    match options.is_empty() {
        true => Err(Error::statement("this OPTIONS hint holds no options").at(span).with_hint(SHAPE)),
        false => Ok(TableHint { behind, options, span }),
    }
}

/// A hint where none can be.
pub(super) fn misplaced(span: Option<Span>) -> Error {
    Error::statement("a hint is not possible here").at(span).with_hint(SHAPE)
}
