//! A statement being read: words, names, strings, and the parts that sqlparser reads.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::dialect::FlinkDialect;
use super::hints::{self, TableHint};
use super::reserved::is_reserved;
use super::source::Source;
use super::statement::{Ident, ObjectPath};
use super::syntax_error::{self, quoted_name_hint};
use super::tokens::Tokens;
use super::vet;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result};
use crate::span::{Location, Span};
use crate::types::{SqlType, parse_type};

/// Reads one statement from its tokens.
pub(super) struct Cursor<'a> {
    parser: Parser<'a>,
    dialect: &'a FlinkDialect,
    tokens: Vec<TokenWithSpan>,
    table_hints: Vec<TableHint>,
    source: &'a Source<'a>,
    end: Location,
    /// What may follow a query.
    query_end: &'static str,
}

impl<'a> Cursor<'a> {
    /// `end` is where the statement's text ends.
    pub fn new(tokens: Tokens, dialect: &'a FlinkDialect, source: &'a Source<'a>, end: Location) -> Self {
        let parser = parser(dialect, tokens.tokens.clone());
        Self {
            parser,
            dialect,
            tokens: tokens.tokens,
            table_hints: tokens.table_hints,
            source,
            end,
            query_end: "end of statement",
        }
    }

    // ---- looking ----

    pub fn token(&self, ahead: usize) -> &Token {
        &self.parser.peek_nth_token_ref(ahead).token
    }

    /// The unquoted word `ahead` tokens further, in capitals; empty where there is none.
    pub fn word(&self, ahead: usize) -> String {
        match self.token(ahead) {
            Token::Word(Word { value, quote_style: None, .. }) => value.to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    /// The place of the next token; behind the statement that of its end.
    pub fn here(&self) -> Span {
        let span = Span::from_ast(self.parser.peek_token_ref().span);
        span.unwrap_or(Span::on_line(self.end.line, self.end.column, 1))
    }

    /// Where the next token starts.
    pub fn start(&self) -> Location {
        self.here().start
    }

    /// From `start` to the last token read.
    pub fn since(&self, start: Location) -> Span {
        let end = self.parser.index().checked_sub(1).and_then(|index| self.tokens.get(index));
        let end = end.and_then(|token| Span::from_ast(token.span)).map_or(start, |span| span.end);
        Span::new(start, end.max(start))
    }

    /// The text that `span` covers.
    pub fn slice(&self, span: Span) -> &'a str {
        self.source.slice(span)
    }

    /// True where the statement ends `count` tokens further.
    pub fn nothing_behind(&self, count: usize) -> bool {
        *self.token(count) == Token::EOF
    }

    /// The place of the next `count` tokens.
    pub fn next_words(&self, count: usize) -> Span {
        let last = self.parser.peek_nth_token_ref(count.saturating_sub(1)).span;
        Span::from_ast(last).map_or(self.here(), |last| self.here().union(last))
    }

    pub fn at_end(&self) -> bool {
        *self.token(0) == Token::EOF
    }

    /// "expected ..., found ..." about the next token.
    pub fn unexpected(&self, expected: &str) -> Error {
        syntax_error::unexpected(&self.tokens, self.parser.index(), self.end, expected)
    }

    // ---- words and signs ----

    /// Reads these words, separated by blanks in `words`, if all of them are next.
    pub fn accept(&mut self, words: &str) -> bool {
        let mut count = 0;
        for word in words.split(' ') {
            if self.word(count) != word {
                return false;
            }
            count += 1;
        }
        (0..count).for_each(|_| self.parser.advance_token());
        true
    }

    pub fn expect(&mut self, words: &str) -> Result<()> {
        for word in words.split(' ') {
            if !self.accept(word) {
                return Err(self.unexpected(word));
            }
        }
        Ok(())
    }

    pub fn accept_sign(&mut self, sign: &Token) -> bool {
        self.parser.consume_token(sign)
    }

    pub fn expect_sign(&mut self, sign: &Token) -> Result<()> {
        match self.accept_sign(sign) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("\"{sign}\""))),
        }
    }

    /// From here on every statement ends with `;`: inside a statement set.
    pub fn enter_set(&mut self) {
        self.query_end = "\";\"";
    }

    /// Reads the next token, whatever it is.
    pub fn skip(&mut self) {
        self.parser.advance_token();
    }

    pub fn expect_end(&mut self) -> Result<()> {
        match self.at_end() {
            true => self.refuse_leftover_hints(),
            false => Err(self.unexpected("end of statement")),
        }
    }

    fn refuse_leftover_hints(&self) -> Result<()> {
        self.table_hints.first().map_or(Ok(()), |hint| Err(hints::misplaced(hint.span)))
    }

    /// `( item, ... )` with one item at least.
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect_sign(&Token::LParen)?;
        let mut items = vec![item(self)?];
        while self.accept_sign(&Token::Comma) {
            items.push(item(self)?);
        }
        match self.accept_sign(&Token::RParen) {
            true => Ok(items),
            false => Err(self.unexpected("\",\" or \")\"")),
        }
    }

    // ---- names and literals ----

    /// A name; reserved words only in back-ticks.
    pub fn name(&mut self) -> Result<Ident> {
        let span = self.here();
        let Token::Word(word) = self.token(0).clone() else { return Err(self.unexpected("a name")) };
        if word.quote_style.is_none() && is_reserved(&word.value) {
            return Err(match syntax_error::is_keyword(&word.value) {
                true => self.unexpected("a name"),
                false => reserved(&word.value).at(span),
            });
        }
        self.skip();
        Ok(Ident { value: word.value, span })
    }

    /// `[catalog.][database.]name`
    pub fn path(&mut self) -> Result<ObjectPath> {
        let mut parts = vec![self.name()?];
        while self.accept_sign(&Token::Period) {
            parts.push(self.name()?);
        }
        let span = parts.iter().skip(1).fold(parts[0].span, |span, part| span.union(part.span));
        match parts.len() {
            1..=3 => Ok(ObjectPath { parts, span }),
            n => Err(Error::statement(format!("a name has at most three parts, this one has {n}"))
                .with_hint("Write catalog.database.name; a dot inside a part needs back-ticks around the part.")
                .at(span)),
        }
    }

    /// A string with its place.
    pub fn string(&mut self, what: &str) -> Result<Ident> {
        let span = self.here();
        let Token::SingleQuotedString(value) = self.token(0).clone() else { return Err(self.unexpected(what)) };
        self.skip();
        Ok(Ident { value, span })
    }

    /// `COMMENT 'text'`, if it is there.
    pub fn comment(&mut self) -> Result<Option<String>> {
        match self.accept("COMMENT") {
            true => self.string("the comment in single quotes").map(|text| Some(text.value)),
            false => Ok(None),
        }
    }

    /// `('key' = 'value', ...)`, perhaps empty. The last one of a key wins, as in Flink.
    pub fn options(&mut self) -> Result<RawOptions> {
        let mut options = RawOptions::new();
        if *self.token(0) == Token::LParen && *self.token(1) == Token::RParen {
            self.skip();
            self.skip();
            return Ok(options);
        }
        self.expect_sign(&Token::LParen)?;
        loop {
            let (key, value) = self.option()?;
            let place = value.span;
            options.set(key.value.clone(), value.value, Some(place));
            options.set_key_span(&key.value, Some(key.span));
            if self.accept_sign(&Token::RParen) {
                return Ok(options);
            }
            if *self.token(0) == Token::Eq {
                // Strings on lines of their own are one string, so the next key went into this value.
                return Err(Error::statement("a comma is missing behind the value of an option").at(Some(place)));
            }
            if !self.accept_sign(&Token::Comma) {
                return Err(self.expected("\",\" or \")\""));
            }
        }
    }

    fn option(&mut self) -> Result<(Ident, Ident)> {
        let start = self.here();
        let key = match self.token(0) {
            Token::SingleQuotedString(_) => self.string("an option's key in single quotes")?,
            Token::Word(_) => {
                let error = self.unexpected("an option's key in single quotes");
                return Err(error.with_hint("Keys and values are strings: 'connector' = 'kafka'.").at(start));
            }
            _ => return Err(self.unexpected("an option's key in single quotes")),
        };
        self.equals()?;
        match self.token(0) {
            Token::SingleQuotedString(_) => Ok((key, self.string("")?)),
            _ => Err(self
                .expected("the option's value in single quotes")
                .with_hint("Keys and values are strings: 'connector' = 'kafka'.")),
        }
    }

    /// The `=` between a key and its value.
    pub fn equals(&mut self) -> Result<()> {
        match self.accept_sign(&Token::Eq) {
            true => Ok(()),
            false => Err(self.expected("\"=\"")),
        }
    }

    /// "expected ..." at the next token, which isn't named: it may be a piece of a password.
    pub fn expected(&self, expected: &str) -> Error {
        match self.at_end() {
            true => self.unexpected(expected),
            false => {
                let error = Error::statement(format!("expected {expected} here")).at(self.here());
                let word = self.word(0);
                match expected == "the end of the statement" && syntax_error::begins_statement(&word) {
                    true => error.with_hint(syntax_error::missing_end_hint(&word)),
                    false => error,
                }
            }
        }
    }

    // ---- what sqlparser and the types' parser read ----

    /// A type with its nullability.
    pub fn data_type(&mut self) -> Result<SqlType> {
        if syntax_error::is_keyword(&self.word(0)) && !matches!(self.word(0).as_str(), "ROW" | "INTERVAL") {
            return Err(self.unexpected("a type"));
        }
        parse_type(&mut self.parser).map_err(|error| error.at(Span::on_line(self.end.line, self.end.column, 1)))
    }

    /// An expression with its text as written.
    pub fn expr(&mut self) -> Result<(ast::Expr, String, Span)> {
        let start = self.start();
        let expr = self.parser.parse_expr().map_err(|error| self.translate(&error))?;
        let span = self.since(start);
        vet::expr(&expr, span)?;
        Ok((expr, self.slice(span).to_string(), span))
    }

    /// A query with its place.
    pub fn query(&mut self) -> Result<(Box<ast::Query>, Span)> {
        let start = self.start();
        let first = self.parser.index();
        if !matches!(self.word(0).as_str(), "SELECT" | "WITH" | "VALUES") && *self.token(0) != Token::LParen {
            return Err(self.unexpected("a query"));
        }
        let mut query = self.parser.parse_query().map_err(|error| {
            let inner = self.blame(first);
            inner.unwrap_or_else(|| self.translate(&error))
        })?;
        if !self.at_end() && *self.token(0) != Token::SemiColon {
            let leftover = self.unexpected(self.query_end);
            return Err(self.blame(first).unwrap_or(leftover));
        }
        let span = self.since(start);
        self.table_hints = vet::query(&mut query, std::mem::take(&mut self.table_hints), span)?;
        Ok((query, span))
    }

    /// The OPTIONS hint right behind the token read last.
    pub fn table_hint(&mut self) -> RawOptions {
        let behind = self.parser.index().checked_sub(1).and_then(|index| self.tokens.get(index));
        let at = behind.and_then(|token| self.table_hints.iter().position(|hint| hint.behind == token.span.end));
        at.map(|at| self.table_hints.remove(at).options).unwrap_or_default()
    }

    fn translate(&self, error: &ParserError) -> Error {
        let ours = self.dialect.unwrap(error);
        ours.unwrap_or_else(|| syntax_error::translate(error, &self.tokens, self.parser.index(), self.end))
    }

    /// The error of the first subquery, innermost first, that can't be parsed on its own.
    ///
    /// sqlparser tries a parenthesis as a subquery, forgets that attempt's error and complains about the opening.
    fn blame(&self, first: usize) -> Option<Error> {
        let rest = self.tokens.get(first..)?;
        let mut opened = vec![];
        for (index, token) in rest.iter().enumerate() {
            match token.token {
                Token::LParen => opened.push(index),
                Token::SemiColon => return None,
                Token::RParen => {
                    let inside = rest.get(opened.pop()? + 1..index)?;
                    let found = self.blame_subquery(inside, token);
                    if found.is_some() {
                        return found;
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn blame_subquery(&self, inside: &[TokenWithSpan], close: &TokenWithSpan) -> Option<Error> {
        let Token::Word(Word { value, quote_style: None, .. }) = &inside.first()?.token else { return None };
        if !value.eq_ignore_ascii_case("SELECT") && !value.eq_ignore_ascii_case("WITH") {
            return None;
        }
        // With its `)`, so that "found" names it instead of the end of the statement.
        let mut tokens = inside.to_vec();
        tokens.push(close.clone());
        let dialect = FlinkDialect::default();
        let mut parser = parser(&dialect, tokens.clone());
        match parser.parse_query() {
            Err(error) => {
                let ours = dialect.unwrap(&error);
                Some(ours.unwrap_or_else(|| syntax_error::translate(&error, &tokens, parser.index(), self.end)))
            }
            Ok(_) if parser.index() < inside.len() => {
                Some(syntax_error::unexpected(&tokens, parser.index(), self.end, "\")\""))
            }
            Ok(_) => None,
        }
    }
}

fn parser(dialect: &FlinkDialect, tokens: Vec<TokenWithSpan>) -> Parser<'_> {
    Parser::new(dialect).with_tokens_with_locations(tokens)
}

pub(super) fn reserved(word: &str) -> Error {
    Error::statement(format!("\"{word}\" is a reserved word")).with_hint(quoted_name_hint(word))
}
