//! Calls of aggregate functions that are computed from others, and what may stand in a call besides its arguments.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, FunctionArgumentClause, FunctionArguments, Spanned};
use datafusion::sql::sqlparser::parser::Parser;

use crate::error::{Error, Result};
use crate::functions::aggregate::AggregateFunction;
use crate::span::Span;
use crate::sql::FlinkDialect;
use crate::sql::walk::{NodeMut, walk_mut};

/// The formula with the argument of `call` for its `x`; its aggregates take the DISTINCT and FILTER of the call.
pub(super) fn written_out(formula: &str, call: &ast::Function, argument: &ast::Expr) -> Result<ast::Expr> {
    let parsed = Parser::new(&FlinkDialect::default()).try_with_sql(formula).and_then(|mut parser| parser.parse_expr());
    let mut expr = parsed.map_err(|error| Error::internal(format!("the formula {formula}: {error}")))?;
    let _ = walk_mut(&mut expr, &mut |node| {
        if let NodeMut::Done(expr) = node {
            fill(expr, call, argument);
        }
        ControlFlow::Continue(())
    });
    Ok(expr)
}

fn fill(expr: &mut ast::Expr, call: &ast::Function, argument: &ast::Expr) {
    match expr {
        ast::Expr::Identifier(name) if name.value == "x" => *expr = argument.clone(),
        ast::Expr::Function(function) if matches!(function.name.to_string().as_str(), "SUM" | "COUNT") => {
            function.filter = call.filter.clone();
            if let (FunctionArguments::List(list), FunctionArguments::List(of_call)) = (&mut function.args, &call.args)
            {
                list.duplicate_treatment = of_call.duplicate_treatment;
            }
        }
        _ => {}
    }
}

/// Whether a call leaves NULLs out: `IGNORE NULLS`, inside the parentheses or behind them.
///
/// # Errors
/// Clauses that the function does not take.
pub(super) fn ignores_nulls(
    function: &dyn AggregateFunction,
    call: &ast::Function,
    list: &ast::FunctionArgumentList,
) -> Result<bool> {
    let name = function.name();
    let mut treatment = call.null_treatment;
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(nulls) => treatment = Some(*nulls),
            // Flink takes it and keeps the order of arrival.
            FunctionArgumentClause::OrderBy(_) if function.keeps_nulls() => {}
            other => return Err(Error::unsupported(format_args!("\"{other}\" in {name}"))),
        }
    }
    if !call.within_group.is_empty() {
        return Err(Error::unsupported(format_args!("WITHIN GROUP behind {name}")));
    }
    if treatment.is_some() && !function.keeps_nulls() {
        return Err(Error::statement(format!("{name} can't be told to ignore or respect NULLs"))
            .with_hint(function.usage())
            .at(Span::from_ast(call.name.span())));
    }
    Ok(treatment == Some(ast::NullTreatment::IgnoreNulls))
}
