//! Windows in GROUP BY: `GROUP BY TUMBLE(ts, INTERVAL '30' SECOND)`, and the functions that tell of them, `TUMBLE_START`
//! and its like. They mean what the window functions in FROM mean.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::expr::{ExprContext, NoColumns, bind_expr};
use super::relation::{Relation, internal};
use super::window::{check_kind, window_attribute, window_interval, window_spec};
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::operators::{WindowKind, WindowPart};
use crate::plan::window::{WindowSpec, WindowTable};
use crate::span::Span;
use crate::types::TimeAttribute;

const WINDOWS: [&str; 3] = ["TUMBLE", "HOP", "SESSION"];

/// The window of a GROUP BY.
pub(super) struct GroupWindow {
    name: String,
    time: Expr,
    spec: WindowSpec,
}

fn name_of(call: &ast::Function) -> String {
    match call.name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(part)] => part.value.to_uppercase(),
        _ => String::new(),
    }
}

/// True for `TUMBLE(...)`, `HOP(...)` and `SESSION(...)`.
pub(super) fn is_group_window(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Function(call) if WINDOWS.contains(&name_of(call).as_str()))
}

impl GroupWindow {
    /// The window among what is grouped by.
    pub(super) fn of(exprs: &[ast::Expr], input: &Relation, cx: &ExprContext) -> Result<Option<Self>> {
        let mut windows = exprs.iter().filter(|expr| is_group_window(expr));
        let Some(ast::Expr::Function(call)) = windows.next() else { return Ok(None) };
        if let Some(second) = windows.next() {
            return Err(Error::unsupported("a second window in GROUP BY").at(Span::from_ast(second.span())));
        }
        let bound = Self::bound(&name_of(call), call, input, cx);
        bound.map(Some).map_err(|error| error.at(Span::from_ast(call.span())))
    }

    fn bound<'a>(name: &str, call: &'a ast::Function, input: &Relation, cx: &ExprContext) -> Result<Self> {
        let usage = match name {
            "HOP" => "HOP(ts, slide, size)",
            "SESSION" => "SESSION(ts, gap)",
            _ => "TUMBLE(ts, size)",
        };
        let wrong = || Error::statement(format!("invalid arguments to {name}")).with_hint(format!("Write {usage}."));
        let FunctionArguments::List(list) = &call.args else { return Err(wrong()) };
        let expression = |argument: &'a FunctionArg| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
            _ => Err(wrong()),
        };
        let arguments = list.args.iter().map(expression).collect::<Result<Vec<&ast::Expr>>>()?;
        let interval = |expr: &ast::Expr| window_interval(expr, name, cx);
        let (time, kind) = match (name, arguments.as_slice()) {
            ("TUMBLE", [time, size]) => (time, WindowKind::Tumble { size: interval(size)?, offset: 0 }),
            ("HOP", [time, slide, size]) => {
                (time, WindowKind::Hop { slide: interval(slide)?, size: interval(size)?, offset: 0 })
            }
            ("SESSION", [time, gap]) => (time, WindowKind::Session { gap: interval(gap)? }),
            ("TUMBLE", [_, _, alignment]) | ("HOP", [_, _, _, alignment]) | ("SESSION", [_, _, alignment]) => {
                return Err(Error::unsupported(format!("{name} with an alignment time"))
                    .with_hint(
                        "The window functions in FROM take an offset: TUMBLE(TABLE t, DESCRIPTOR(ts), size, offset).",
                    )
                    .at(Span::from_ast(alignment.span())));
            }
            _ => return Err(wrong()),
        };
        check_kind(kind)?;
        let typed = bind_expr(time, input, cx)?;
        let attribute = window_attribute(&typed, cx).map_err(|error| error.at(Span::from_ast(time.span())))?;
        let attribute = attribute.filter(|_| matches!(typed.expr, Expr::Column(_)));
        let Some(attribute) = attribute else {
            return Err(Error::statement(format!(
                "window aggregate can only be defined over a time attribute column, but {} encountered",
                typed.ty.kind
            ))
            .with_hint("A time attribute is a column that its table declares WATERMARK FOR, or `AS PROCTIME()`.")
            .at(Span::from_ast(time.span())));
        };
        let spec = window_spec(kind, &typed, attribute, cx);
        Ok(Self { name: name.to_string(), time: typed.expr, spec })
    }

    /// `TUMBLE`
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The columns of the window, as keys: start, end and time.
    pub(super) fn keys(&self) -> [(TypedExpr, String); 3] {
        WindowPart::ALL.map(|part| {
            let name = WindowTable::column_name(part, true);
            let field = self.spec.field(part, false);
            let typed = TypedExpr::new(Expr::Column(Column::new_unqualified(name)), field.ty);
            (TypedExpr { time_attribute: field.time_attribute, ..typed }, name.to_string())
        })
    }

    pub(super) fn into_plan(self, input: LogicalPlan) -> Result<LogicalPlan> {
        let node = WindowTable::of_group(input, self.time, self.spec).map_err(internal)?;
        Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }

    /// What `TUMBLE_START(ts, size)` and its like stand for beside `window`; `None`: the call is of another function.
    pub(super) fn auxiliary(
        window: Option<&Self>,
        call: &ast::Function,
        input: &Relation,
        cx: &ExprContext,
    ) -> Result<Option<TypedExpr>> {
        let name = name_of(call);
        if WINDOWS.contains(&name.as_str()) {
            return Err(Error::statement(format!("group function '{name}' can only appear in the GROUP BY clause"))
                .with_hint(format!("{name}_START and {name}_END tell of the window of a group.")));
        }
        let Some((function, what)) = name.rsplit_once('_').filter(|(function, _)| WINDOWS.contains(function)) else {
            return Ok(None);
        };
        if !["START", "END", "ROWTIME", "PROCTIME"].contains(&what) {
            return Ok(None);
        }
        let matching = match window {
            Some(window) if window.name == function => {
                let asked = Self::bound(function, call, input, cx)?;
                (asked.time == window.time && asked.spec == window.spec).then_some(window)
            }
            _ => None,
        };
        let Some(window) = matching else {
            return Err(Error::statement(format!(
                "call to auxiliary group function '{name}' must have a matching call to group function '{function}' in \
                 the GROUP BY clause"
            ))
            .with_hint(format!("Give {name} the same arguments as {function} in GROUP BY.")));
        };
        let [start, end, time] = window.keys().map(|(key, _)| key);
        match (what, window.spec.time) {
            ("START", _) => Ok(Some(start)),
            ("END", _) => Ok(Some(end)),
            ("ROWTIME", TimeAttribute::Rowtime) => Ok(Some(time)),
            ("ROWTIME", TimeAttribute::Proctime) => {
                Err(Error::statement("a proctime window cannot provide a rowtime attribute"))
            }
            _ => {
                let mut proctime = call.clone();
                proctime.name = ast::ObjectName(vec![ast::ObjectNamePart::Identifier(ast::Ident::new("PROCTIME"))]);
                proctime.args = FunctionArguments::List(ast::FunctionArgumentList {
                    duplicate_treatment: None,
                    args: Vec::new(),
                    clauses: Vec::new(),
                });
                bind_expr(&ast::Expr::Function(proctime), &NoColumns, cx).map(Some)
            }
        }
    }
}
