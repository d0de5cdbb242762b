//! Syntax of Flink's that sqlparser has no node for, read into the nodes that [`super::FlinkDialect`] documents.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    TrimWhereField, WindowSpec, WindowType,
};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// `TRIM({BOTH | LEADING | TRAILING} FROM text)`, which sqlparser knows only with the characters to trim.
pub(super) fn trim_of_blanks(parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
    let trim_where = match &parser.peek_nth_token_ref(2).token {
        token if is_word(token, "BOTH") => TrimWhereField::Both,
        token if is_word(token, "LEADING") => TrimWhereField::Leading,
        token if is_word(token, "TRAILING") => TrimWhereField::Trailing,
        _ => return None,
    };
    (0..4).for_each(|_| parser.advance_token());
    let rest = parser.parse_expr().and_then(|expr| parser.expect_token(&Token::RParen).map(|_| expr));
    Some(rest.map(|expr| Expr::Trim {
        expr: Box::new(expr),
        trim_where: Some(trim_where),
        trim_what: None,
        trim_characters: None,
    }))
}

/// `TABLE t [PARTITION BY ...] [ORDER BY ...]`
pub(super) fn table_argument(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    let keyword = parser.next_token();
    let name = parser.parse_object_name(false)?;
    let partition_by = match parser.parse_keywords(&[Keyword::PARTITION, Keyword::BY]) {
        true => partition_keys(parser)?,
        false => vec![],
    };
    let order_by = match parser.parse_keywords(&[Keyword::ORDER, Keyword::BY]) {
        true => parser.parse_comma_separated(Parser::parse_order_by_expr)?,
        false => vec![],
    };
    let value = if partition_by.is_empty() && order_by.is_empty() {
        let mut parts = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect::<Vec<_>>();
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => Expr::Identifier(only),
            (last, _) => Expr::CompoundIdentifier(parts.into_iter().chain(last).collect()),
        }
    } else {
        let window = WindowSpec { window_name: None, partition_by, order_by, window_frame: None };
        let mut call = call_without_arguments(name);
        call.over = Some(WindowType::WindowSpec(window));
        Expr::Function(call)
    };
    Ok(Expr::Prefixed { prefix: Ident::with_span(keyword.span, "TABLE"), value: Box::new(value) })
}

/// `k1, k2` of PARTITION BY: a comma before a call such as `DESCRIPTOR(ts)` or a named argument ends them.
fn partition_keys(parser: &mut Parser<'_>) -> Result<Vec<Expr>, ParserError> {
    if parser.peek_token_ref().token == Token::LParen {
        return parser.parse_parenthesized(|p| p.parse_comma_separated(Parser::parse_expr));
    }
    let mut keys = vec![parser.parse_expr()?];
    loop {
        let [comma, word, after] = parser.peek_tokens_ref::<3>().map(|token| token.token.clone());
        let another = comma == Token::Comma
            && matches!(word, Token::Word(_))
            && !matches!(after, Token::LParen | Token::RArrow | Token::SingleQuotedString(_));
        if !another {
            return Ok(keys);
        }
        parser.advance_token();
        keys.push(parser.parse_expr()?);
    }
}

fn call_without_arguments(name: ObjectName) -> Function {
    Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    }
}

/// `x IS [NOT] JSON ...` with the cursor on IS.
pub(super) fn is_json(parser: &mut Parser<'_>, expr: &Expr) -> Result<Expr, ParserError> {
    let start = parser.next_token().span;
    let mut name = "IS ".to_string();
    if parser.parse_keyword(Keyword::NOT) {
        name.push_str("NOT ");
    }
    parser.expect_keyword_is(Keyword::JSON)?;
    name.push_str("JSON");
    if let Token::Word(word) = &parser.peek_token_ref().token
        && word.quote_style.is_none()
        && ["VALUE", "OBJECT", "ARRAY", "SCALAR"].contains(&word.value.to_ascii_uppercase().as_str())
    {
        name = format!("{name} {}", word.value.to_ascii_uppercase());
        parser.advance_token();
    }
    let span = start.union(&parser.get_current_token().span);
    let mut call = call_without_arguments(ObjectName::from(vec![Ident::with_span(span, name)]));
    call.args = FunctionArguments::List(FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![FunctionArg::Unnamed(expr.clone().into())],
        clauses: vec![],
    });
    Ok(Expr::Function(call))
}

/// `x [NOT] BETWEEN {SYMMETRIC | ASYMMETRIC} a AND b` as what it means, with the cursor on BETWEEN.
pub(super) fn between(parser: &mut Parser<'_>, expr: &Expr, precedence: u8) -> Result<Expr, ParserError> {
    let negated = parser.parse_keyword(Keyword::NOT);
    parser.expect_keyword_is(Keyword::BETWEEN)?;
    let symmetric = match &parser.next_token().token {
        Token::Word(word) => word.value.eq_ignore_ascii_case("SYMMETRIC"),
        _ => false,
    };
    let low = parser.parse_subexpr(precedence)?;
    parser.expect_keyword_is(Keyword::AND)?;
    let high = parser.parse_subexpr(precedence)?;
    let range = |low: &Expr, high: &Expr| Expr::Between {
        expr: Box::new(expr.clone()),
        negated,
        low: Box::new(low.clone()),
        high: Box::new(high.clone()),
    };
    let (one, other) = (range(&low, &high), range(&high, &low));
    if !symmetric {
        return Ok(one);
    }
    let op = if negated { BinaryOperator::And } else { BinaryOperator::Or };
    let both = Expr::BinaryOp { left: Box::new(one), op, right: Box::new(other) };
    Ok(Expr::Nested(Box::new(both)))
}

/// How many operators nest in each other's left operand.
pub(super) fn depth_to_the_left(expr: &Expr) -> usize {
    let mut depth = 0;
    let mut inner = expr;
    while let Expr::BinaryOp { left: next, .. }
    | Expr::Between { expr: next, .. }
    | Expr::InList { expr: next, .. }
    | Expr::InSubquery { expr: next, .. }
    | Expr::Like { expr: next, .. }
    | Expr::ILike { expr: next, .. }
    | Expr::RLike { expr: next, .. }
    | Expr::SimilarTo { expr: next, .. }
    | Expr::IsNull(next)
    | Expr::IsNotNull(next)
    | Expr::IsTrue(next)
    | Expr::IsNotTrue(next)
    | Expr::IsFalse(next)
    | Expr::IsNotFalse(next)
    | Expr::IsUnknown(next)
    | Expr::IsNotUnknown(next)
    | Expr::IsDistinctFrom(next, _)
    | Expr::IsNotDistinctFrom(next, _)
    | Expr::IsNormalized { expr: next, .. }
    | Expr::AtTimeZone { timestamp: next, .. } = inner
    {
        depth += 1;
        inner = next;
    }
    depth
}

/// True for this word, unquoted and in any case.
pub(super) fn is_word(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}
