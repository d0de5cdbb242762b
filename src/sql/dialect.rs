//! Flink's SQL for sqlparser: what its hooks change about names, literals, casts and table functions.

use std::cell::{Cell, RefCell};

use datafusion::sql::sqlparser::ast::{BinaryOperator, CastKind, DataType, Expr, Ident, Map, MapEntry, ObjectName};
use datafusion::sql::sqlparser::dialect::{Dialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Word};

use super::reserved::is_reserved;
use super::stand_in::{between, depth_to_the_left, is_json, is_word, table_argument, trim_of_blanks};
use super::syntax_error::{found, is_keyword, quoted_name_hint, reserved_word_hint, stands_as_name};
use crate::error::Error;
use crate::span::Span;
use crate::types::parse_type_kind;

/// Flink's dialect.
///
/// Where Flink's syntax has no node of its own in sqlparser's AST, it arrives like this:
/// - `CAST(x AS type)`, `TRY_CAST`: `Expr::Cast` whose type is `DataType::Custom` with one identifier, the type in
///   Flink's spelling, which [`crate::types::SqlType::parse`] reads.
/// - `TABLE t` as an argument of a table function: `Expr::Prefixed` with the prefix `TABLE` and the name as
///   identifier; with PARTITION BY or ORDER BY the name is an `Expr::Function` without arguments, OVER that window.
/// - `MAP['k', v]`: `Expr::Map`. `ARRAY[..]`: `Expr::Array`. `ROW(..)`: a function call.
/// - `x IS [NOT] JSON [VALUE | OBJECT | ARRAY | SCALAR]`: a call of the function `IS JSON ...` with `x`.
/// - `UNNEST(x)` in FROM: `TableFactor::Table` with arguments, as any table function without TABLE().
#[derive(Debug, Default)]
pub struct FlinkDialect {
    /// Our own errors on their way through sqlparser, whose errors are only text: see [`FlinkDialect::smuggle`].
    errors: RefCell<Vec<Error>>,
    /// Operators read so far, to look at the depth of an expression now and then.
    operators: Cell<usize>,
}

/// How deep an expression may nest to the left, as `1 + 1 + 1 + ...` does: what comes after the parser recurses.
/// Chains of AND, OR and `||` may be longer: see [`FlinkDialect::chain`].
const MAX_DEPTH: usize = 200;

/// How many operands [`FlinkDialect::chain`] takes: filters are taken apart and put together again as deep as they are long.
const MAX_CHAIN: usize = 300;

const MARK: &str = "millstream error ";

impl FlinkDialect {
    /// Wraps an error of ours so that it passes through sqlparser.
    pub(super) fn smuggle(&self, error: Error) -> ParserError {
        let mut errors = self.errors.borrow_mut();
        errors.push(error);
        ParserError::ParserError(format!("{MARK}{}", errors.len() - 1))
    }

    /// The error that [`FlinkDialect::smuggle`] wrapped, if it was one.
    pub(super) fn unwrap(&self, error: &ParserError) -> Option<Error> {
        let ParserError::ParserError(text) = error else { return None };
        let index: usize = text.strip_prefix(MARK)?.parse().ok()?;
        let mut errors = self.errors.borrow_mut();
        let slot = errors.get_mut(index)?;
        Some(std::mem::replace(slot, Error::internal("this error was reported already")))
    }

    fn prefix(&self, parser: &mut Parser<'_>, word: &Word) -> Option<Result<Expr, ParserError>> {
        let next = parser.peek_nth_token_ref(1).token.clone();
        let called = next == Token::LParen;
        match word.keyword {
            Keyword::CAST if called => return Some(self.cast(parser, CastKind::Cast)),
            Keyword::TRY_CAST if called => return Some(self.cast(parser, CastKind::TryCast)),
            Keyword::TABLE => return Some(table_argument(parser)),
            Keyword::MAP if next == Token::LBracket => return Some(self.map(parser)),
            Keyword::TRIM if called && is_word(&parser.peek_nth_token_ref(3).token, "FROM") => {
                return trim_of_blanks(parser);
            }
            Keyword::INTERVAL if !matches!(next, Token::SingleQuotedString(_) | Token::Minus | Token::Plus) => {
                let token = parser.peek_nth_token_ref(1);
                let error =
                    Error::statement(format!("expected a string behind INTERVAL, found {}", found(&token.token)));
                let hint = "Write the number in single quotes: INTERVAL '30' SECOND.";
                // The end of a statement has no place.
                let here = parser.peek_token_ref().span;
                let span = Span::from_ast(token.span).or_else(|| Span::from_ast(here));
                return Some(Err(self.smuggle(error.with_hint(hint).at(span))));
            }
            _ => {}
        }
        if called || !is_reserved(&word.value) || may_start_expression(word, &next) {
            return None;
        }
        let span = Span::from_ast(parser.peek_token_ref().span);
        let error = match is_keyword(&word.value) {
            true => {
                let error = Error::statement(format!("expected an expression, found {}", word.value));
                match stands_as_name(&word.value, &next) {
                    true => error.with_hint(reserved_word_hint(&word.value)),
                    false => error,
                }
            }
            false => Error::statement(format!("expected an expression, found the reserved word {}", word.value))
                .with_hint(quoted_name_hint(&word.value)),
        };
        Some(Err(self.smuggle(error.at(span))))
    }

    fn cast(&self, parser: &mut Parser<'_>, kind: CastKind) -> Result<Expr, ParserError> {
        parser.advance_token();
        parser.expect_token(&Token::LParen)?;
        let expr = parser.parse_expr()?;
        parser.expect_keyword_is(Keyword::AS)?;
        let start = parser.peek_token_ref().span;
        let ty = parse_type_kind(parser).map_err(|error| self.smuggle(error))?;
        let span = start.union(&parser.get_current_token().span);
        parser.expect_token(&Token::RParen)?;
        let name = Ident::with_span(span, ty.to_string());
        let data_type = DataType::Custom(ObjectName::from(vec![name]), vec![]);
        Ok(Expr::Cast { kind, expr: Box::new(expr), data_type, array: false, format: None })
    }

    fn map(&self, parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
        let span = Span::from_ast(parser.peek_token_ref().span);
        parser.advance_token();
        parser.expect_token(&Token::LBracket)?;
        let values = match parser.peek_token_ref().token {
            Token::RBracket => vec![],
            _ => parser.parse_comma_separated(Parser::parse_expr)?,
        };
        parser.expect_token(&Token::RBracket)?;
        if values.is_empty() || values.len() % 2 == 1 {
            let error = Error::statement("MAP takes keys and values in turn, an even number of them");
            return Err(self.smuggle(error.with_hint("Write MAP['key', value, ...].").at(span)));
        }
        let mut values = values.into_iter();
        let mut entries = vec![];
        while let (Some(key), Some(value)) = (values.next(), values.next()) {
            entries.push(MapEntry { key: Box::new(key), value: Box::new(value) });
        }
        Ok(Expr::Map(Map { entries }))
    }

    /// Reads `first AND b AND c ...` to its end. A long one is grouped as a balanced tree, so that it is not deep.
    fn chain(
        &self,
        parser: &mut Parser<'_>,
        first: &Expr,
        operator: BinaryOperator,
        precedence: u8,
    ) -> Result<Expr, ParserError> {
        const SHORT: usize = 64;
        let mut operands = vec![first.clone()];
        while associative(&parser.peek_token_ref().token).as_ref() == Some(&operator) {
            if operands.len() == MAX_CHAIN {
                let span = Span::from_ast(parser.peek_token_ref().span);
                let error = Error::statement(format!("more than {MAX_CHAIN} operands of {operator} in a row"));
                return Err(self.smuggle(error.with_hint("Use IN for long lists of alternatives.").at(span)));
            }
            parser.advance_token();
            operands.push(parser.parse_subexpr(precedence)?);
        }
        let join = |left: Expr, right: Expr| Expr::BinaryOp {
            left: Box::new(left),
            op: operator.clone(),
            right: Box::new(right),
        };
        if operands.len() > SHORT {
            while operands.len() > 1 {
                let mut rest = operands.into_iter();
                let mut halved = Vec::with_capacity(rest.len().div_ceil(2));
                while let Some(left) = rest.next() {
                    halved.push(match rest.next() {
                        Some(right) => join(left, right),
                        None => left,
                    });
                }
                operands = halved;
            }
        }
        let whole = operands.into_iter().reduce(join);
        whole.ok_or_else(|| ParserError::ParserError("a chain of operators without operands".to_string()))
    }
}

/// Reserved words with which an expression may start, although no `(` follows.
fn may_start_expression(word: &Word, next: &Token) -> bool {
    let upper = word.value.to_ascii_uppercase();
    match upper.as_str() {
        "CASE" | "NOT" | "NULL" | "TRUE" | "FALSE" | "UNKNOWN" | "EXISTS" | "CURRENT_DATE" | "CURRENT_TIME"
        | "CURRENT_TIMESTAMP" | "LOCALTIME" | "LOCALTIMESTAMP" | "DEFAULT" | "SELECT" | "VALUES" | "WITH" => true,
        "DATE" | "TIME" | "TIMESTAMP" => matches!(next, Token::SingleQuotedString(_)),
        "ARRAY" => matches!(next, Token::LBracket),
        "INTERVAL" => true,
        // Units in TIMESTAMPDIFF(MINUTE, a, b) and the like.
        "YEAR" | "MONTH" | "DAY" | "HOUR" | "MINUTE" | "SECOND" => matches!(next, Token::Comma | Token::RParen),
        // GROUP BY GROUPING SETS (...)
        "GROUPING" => true,
        _ => false,
    }
}

impl Dialect for FlinkDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('`')
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '$'
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        is_reserved(&format!("{keyword:?}"))
    }

    fn is_select_item_alias(&self, explicit: bool, _keyword: &Keyword, parser: &mut Parser) -> bool {
        explicit || may_be_alias(parser)
    }

    fn is_table_factor_alias(&self, explicit: bool, _keyword: &Keyword, parser: &mut Parser) -> bool {
        explicit || may_be_alias(parser)
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_within_after_array_aggregation(&self) -> bool {
        true
    }

    /// `ARRAY_AGG(a IGNORE NULLS)`
    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }

    fn supports_comment_optimizer_hint(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_boolean_literals(&self) -> bool {
        true
    }

    fn require_interval_qualifier(&self) -> bool {
        true
    }

    /// Calcite's order: `=` and its like bind weaker than LIKE, BETWEEN and IN.
    fn prec_value(&self, precedence: Precedence) -> u8 {
        match precedence {
            Precedence::Period => 100,
            Precedence::DoubleColon => 50,
            Precedence::AtTz => 41,
            Precedence::MulDivModOp => 40,
            Precedence::PlusMinus => 30,
            Precedence::Xor => 24,
            Precedence::Ampersand => 23,
            Precedence::Caret => 22,
            Precedence::Pipe | Precedence::Colon => 21,
            Precedence::Between | Precedence::Like => 20,
            Precedence::Eq => 19,
            Precedence::Is => 17,
            Precedence::PgOther => 16,
            Precedence::UnaryNot => 15,
            Precedence::And => 10,
            Precedence::Or => 5,
        }
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        match parser.peek_token_ref().token.clone() {
            Token::Word(word) if word.quote_style.is_none() => self.prefix(parser, &word),
            _ => None,
        }
    }

    /// No operators in Flink, although sqlparser has them; `x NOT NULL` would even pass for `x IS NOT NULL`.
    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        let next = &parser.peek_token_ref().token;
        let not_null = is_word(next, "NOT") && is_word(&parser.peek_nth_token_ref(1).token, "NULL");
        let foreign = ["XOR", "DIV", "REGEXP", "MATCH", "OPERATOR", "NOTNULL", "ISNULL"];
        (not_null || foreign.iter().any(|word| is_word(next, word))).then_some(Ok(self.prec_unknown()))
    }

    fn parse_infix(&self, parser: &mut Parser, expr: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        self.operators.set(self.operators.get().wrapping_add(1));
        if self.operators.get().is_multiple_of(32) && depth_to_the_left(expr) > MAX_DEPTH {
            let error = Error::statement(format!("more than {MAX_DEPTH} operators in a row"));
            let span = Span::from_ast(parser.peek_token_ref().span);
            return Some(Err(self.smuggle(error.with_hint("Group the operands with parentheses.").at(span))));
        }
        let next = parser.peek_tokens_ref::<3>().map(|token| token.token.clone());
        let [first, second, third] = &next;
        if let Some(operator) = associative(first) {
            return Some(self.chain(parser, expr, operator, precedence));
        }
        if is_word(first, "IS") && (is_word(second, "JSON") || is_word(second, "NOT") && is_word(third, "JSON")) {
            return Some(is_json(parser, expr));
        }
        let range = if is_word(first, "NOT") { [second, third] } else { [first, second] };
        let qualified = is_word(range[1], "SYMMETRIC") || is_word(range[1], "ASYMMETRIC");
        if is_word(range[0], "BETWEEN") && qualified {
            return Some(between(parser, expr, precedence));
        }
        None
    }
}

/// Operators whose operands may be grouped in any way.
fn associative(token: &Token) -> Option<BinaryOperator> {
    match token {
        Token::StringConcat => Some(BinaryOperator::StringConcat),
        word if is_word(word, "AND") => Some(BinaryOperator::And),
        word if is_word(word, "OR") => Some(BinaryOperator::Or),
        _ => None,
    }
}

/// True where the word just read can be an alias without AS: it is quoted or not reserved.
fn may_be_alias(parser: &Parser<'_>) -> bool {
    match &parser.get_current_token().token {
        Token::Word(word) => word.quote_style.is_some() || !is_reserved(&word.value),
        _ => false,
    }
}
