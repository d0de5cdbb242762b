//! Window functions in FROM: `TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '30' SECOND)` and their like.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, Extension, LogicalPlan};
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, Spanned};

use super::expr::{ExprContext, NoColumns, Scope, bind_expr, constant_interval_ms};
use super::from::object_path;
use super::relation::{Relation, internal};
use super::{Binder, Ctes};
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result, did_you_mean, nearest};
use crate::functions::TypedExpr;
use crate::operators::{WindowClock, WindowKind, WindowPart};
use crate::plan::window::{WindowSpec, WindowTable};
use crate::span::Span;
use crate::types::{TimeAttribute, TypeKind};

/// A window function: what its arguments are called, in their order, and how many of them must be there.
struct Function {
    name: &'static str,
    arguments: &'static [&'static str],
    required: usize,
    usage: &'static str,
}

const FUNCTIONS: [Function; 4] = [
    Function {
        name: "TUMBLE",
        arguments: &["DATA", "TIMECOL", "SIZE", "OFFSET"],
        required: 3,
        usage: "TUMBLE(TABLE t, DESCRIPTOR(ts), size [, offset])",
    },
    Function {
        name: "HOP",
        arguments: &["DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"],
        required: 4,
        usage: "HOP(TABLE t, DESCRIPTOR(ts), slide, size [, offset])",
    },
    Function {
        name: "CUMULATE",
        arguments: &["DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"],
        required: 4,
        usage: "CUMULATE(TABLE t, DESCRIPTOR(ts), step, size [, offset])",
    },
    Function {
        name: "SESSION",
        arguments: &["DATA", "TIMECOL", "GAP"],
        required: 3,
        usage: "SESSION(TABLE t [PARTITION BY key, ...], DESCRIPTOR(ts), gap)",
    },
];

/// The arguments of a call in the order in which the function declares them.
struct Call<'a> {
    function: &'static Function,
    arguments: Vec<Option<&'a ast::Expr>>,
}

/// There is no such table function.
pub(super) fn unknown_table_function(name: &str) -> Error {
    let error = Error::unsupported(format!("the table function {name}"));
    match nearest(name, FUNCTIONS.iter().map(|function| function.name)) {
        Some(near) => error.with_hint(format!("Did you mean {near}?")),
        None => error,
    }
}

impl Binder<'_> {
    /// The window function of that name over its table; `None`: there is no such function.
    pub(super) fn window_function(
        &self,
        name: &ast::ObjectName,
        arguments: &[FunctionArg],
        ctes: &Ctes,
        depth: usize,
    ) -> Option<Result<Relation>> {
        let [ast::ObjectNamePart::Identifier(word)] = name.0.as_slice() else { return None };
        let function = FUNCTIONS.iter().find(|f| f.name.eq_ignore_ascii_case(&word.value))?;
        let span = Span::from_ast(name.span());
        let bound = Call::new(function, arguments).and_then(|call| self.window_call(&call, ctes, depth));
        Some(bound.map_err(|error| match error.hint() {
            Some(_) => error.at(span),
            None => error.with_hint(format!("Write {}.", function.usage)).at(span),
        }))
    }

    fn window_call(&self, call: &Call<'_>, ctes: &Ctes, depth: usize) -> Result<Relation> {
        let (input, partition) = self.window_data(call, ctes, depth)?;
        let (time, name) = call.time_column(&input)?;
        let span = call.span(1);
        if !time.ty.kind.is_timestamp() {
            return Err(Error::statement(format!(
                "the window function {} requires the time column to be TIMESTAMP or TIMESTAMP_LTZ, but \"{name}\" is {}",
                call.function.name, time.ty.kind
            ))
            .at(span));
        }
        let attribute = window_attribute(&time, &self.expr).map_err(|error| error.at(span))?;
        let Some(attribute) = attribute else { return Err(no_time_attribute(&name, &time).at(span)) };
        let kind = call.kind(&self.expr)?;
        let spec = window_spec(kind, &time, attribute, &self.expr);
        if let Some(name) = WindowPart::ALL.iter().map(|part| part.name()).find(|name| input.has_column(name)) {
            return Err(Error::statement(format!(
                "column \"{name}\" is ambiguous: the input of {} has one, too",
                call.function.name
            ))
            .with_hint(format!("Rename it in a subquery or view: SELECT {name} AS inner_{name}, ..."))
            .at(call.span(0)));
        }
        let mut schema = input.schema();
        schema.fields.extend(WindowPart::ALL.into_iter().map(|part| spec.field(part, false)));
        let node = WindowTable::try_new(input.plan, time.expr, partition, spec).map_err(internal)?;
        Ok(Relation::new(LogicalPlan::Extension(Extension { node: Arc::new(node) }), &schema))
    }

    /// The table of a call, and its PARTITION BY.
    fn window_data(&self, call: &Call<'_>, ctes: &Ctes, depth: usize) -> Result<(Relation, Vec<Expr>)> {
        let data = call.argument(0)?;
        let wrong = || {
            let error = Error::statement(format!("the first argument of {} is a table", call.function.name));
            error.at(Span::from_ast(data.span()))
        };
        let value = match data {
            ast::Expr::Prefixed { prefix, value } if prefix.value.eq_ignore_ascii_case("TABLE") => value.as_ref(),
            ast::Expr::Subquery(query) => return Ok((self.query_with(query, ctes, depth)?, Vec::new())),
            _ => return Err(wrong()),
        };
        let as_name = |parts: &[ast::Ident]| {
            ast::ObjectName(parts.iter().cloned().map(ast::ObjectNamePart::Identifier).collect())
        };
        let (name, window) = match value {
            ast::Expr::Identifier(part) => (as_name(std::slice::from_ref(part)), None),
            ast::Expr::CompoundIdentifier(parts) => (as_name(parts), None),
            ast::Expr::Function(call) => (call.name.clone(), call.over.as_ref()),
            ast::Expr::Subquery(query) => return Ok((self.query_with(query, ctes, depth)?, Vec::new())),
            _ => return Err(wrong()),
        };
        let input = self.named(&object_path(&name)?, &RawOptions::default(), ctes, depth)?;
        let Some(ast::WindowType::WindowSpec(window)) = window else { return Ok((input, Vec::new())) };
        if let Some(order) = window.order_by.first() {
            return Err(Error::statement(format!("{} takes its table without ORDER BY", call.function.name))
                .at(Span::from_ast(order.span())));
        }
        if call.function.name != "SESSION" && !window.partition_by.is_empty() {
            return Err(Error::statement(format!("{} takes its table without PARTITION BY", call.function.name))
                .with_hint("Windows of a key are those of GROUP BY window_start, window_end, key.")
                .at(Span::from_ast(window.partition_by[0].span())));
        }
        let mut partition = Vec::with_capacity(window.partition_by.len());
        for key in &window.partition_by {
            let typed = bind_expr(key, &input, &self.expr)?;
            if !matches!(typed.expr, Expr::Column(_)) {
                return Err(Error::statement("PARTITION BY of SESSION takes columns").at(Span::from_ast(key.span())));
            }
            partition.push(typed.expr);
        }
        Ok((input, partition))
    }
}

impl<'a> Call<'a> {
    fn new(function: &'static Function, arguments: &'a [FunctionArg]) -> Result<Self> {
        let (required, most) = (function.required, function.arguments.len());
        let count = Error::statement(format!("invalid number of arguments to function '{}'", function.name));
        let is_named = |argument: &FunctionArg| matches!(argument, FunctionArg::Named { .. });
        if let Some(FunctionArg::Named { name, .. }) = arguments.iter().find(|argument| is_named(argument))
            && !arguments.iter().all(is_named)
        {
            return Err(Error::statement(format!("some arguments of {} are named and some are not", function.name))
                .with_hint("Name all of them or none: DATA => TABLE t, TIMECOL => DESCRIPTOR(ts), ...")
                .at(Span::from_ast(name.span)));
        }
        let mut ordered: Vec<Option<&ast::Expr>> = vec![None; most];
        for (position, argument) in arguments.iter().enumerate() {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if position < most => ordered[position] = Some(expr),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                    let span = Span::from_ast(name.span);
                    let Some(at) = function.arguments.iter().position(|known| *known == name.value) else {
                        let text = format!("parameter '{}' not found in function '{}'", name.value, function.name);
                        let upper = name.value.to_uppercase();
                        let hint = did_you_mean(&upper, function.arguments.iter().copied());
                        return Err(match hint {
                            Some(hint) => Error::statement(text).with_hint(hint),
                            None => Error::statement(text),
                        }
                        .at(span));
                    };
                    if at != 0 && position == 0 {
                        return Err(Error::statement("DATA must be the first argument").at(span));
                    }
                    ordered[at] = Some(expr);
                }
                _ if position >= most => return Err(count),
                other => return Err(Error::statement(format!("{} does not take \"{other}\"", function.name))),
            }
        }
        match ordered.iter().take(required).all(Option::is_some) {
            true => Ok(Self { function, arguments: ordered }),
            false => Err(count),
        }
    }

    fn argument(&self, position: usize) -> Result<&'a ast::Expr> {
        let argument = self.arguments.get(position).copied().flatten();
        argument.ok_or_else(|| Error::internal("an argument of a window function got lost"))
    }

    fn span(&self, position: usize) -> Option<Span> {
        self.arguments.get(position).copied().flatten().and_then(|argument| Span::from_ast(argument.span()))
    }

    /// The column in DESCRIPTOR.
    fn time_column(&self, input: &Relation) -> Result<(TypedExpr, String)> {
        let argument = self.argument(1)?;
        let wrong = || {
            Error::statement(format!("the time column of {} is named by DESCRIPTOR", self.function.name))
                .at(Span::from_ast(argument.span()))
        };
        let ast::Expr::Function(call) = argument else { return Err(wrong()) };
        let ast::FunctionArguments::List(list) = &call.args else { return Err(wrong()) };
        let is_descriptor = call.name.to_string().eq_ignore_ascii_case("DESCRIPTOR");
        match list.args.first() {
            Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Identifier(name)))) if is_descriptor => {
                let (time, _) = input.resolve(std::slice::from_ref(name))?;
                Ok((time, name.value.clone()))
            }
            _ => Err(wrong()),
        }
    }

    /// The windows that the call asks for.
    fn kind(&self, cx: &ExprContext) -> Result<WindowKind> {
        let name = self.function.name;
        let interval = |argument: &str| -> Result<i64> {
            let at = self.function.arguments.iter().position(|known| *known == argument).unwrap_or_default();
            match self.arguments.get(at).copied().flatten() {
                Some(expr) => window_interval(expr, name, cx),
                None => Ok(0),
            }
        };
        let kind = match name {
            "TUMBLE" => WindowKind::Tumble { size: interval("SIZE")?, offset: interval("OFFSET")? },
            "HOP" => {
                WindowKind::Hop { slide: interval("SLIDE")?, size: interval("SIZE")?, offset: interval("OFFSET")? }
            }
            "CUMULATE" => {
                WindowKind::Cumulate { step: interval("STEP")?, size: interval("SIZE")?, offset: interval("OFFSET")? }
            }
            _ => WindowKind::Session { gap: interval("GAP")? },
        };
        check_kind(kind).map_err(|error| error.at(self.span(2)))?;
        Ok(kind)
    }
}

/// An interval among the arguments of a window function, in milliseconds.
pub(super) fn window_interval(expr: &ast::Expr, function: &str, cx: &ExprContext) -> Result<i64> {
    let span = Span::from_ast(expr.span());
    let typed = bind_expr(expr, &NoColumns, cx)?;
    let mut written = expr;
    while let ast::Expr::Nested(inner) = written {
        written = inner;
    }
    if typed.ty.kind == TypeKind::IntervalYearMonth {
        return Err(Error::statement("windows only support SECOND, MINUTE, HOUR and DAY as the time unit")
            .with_hint("Months and years differ in length: say days, or group by a part of the date.")
            .at(span));
    }
    let literal = Some(&typed).filter(|_| matches!(written, ast::Expr::Interval(_)));
    literal.and_then(constant_interval_ms).ok_or_else(|| {
        let what = match typed.ty.kind {
            TypeKind::IntervalDayTime => "an expression".to_string(),
            kind => kind.to_string(),
        };
        Error::statement(format!("{function} takes constant intervals, and this is {what}"))
            .with_hint("Write INTERVAL '30' SECOND.")
            .at(span)
    })
}

/// Refuses windows that can't be, in Flink's words.
pub(super) fn check_kind(kind: WindowKind) -> Result<()> {
    let positive = |function: &str, what: &str, ms: i64| match ms > 0 {
        true => Ok(()),
        false => Err(Error::statement(format!("{function} requires {what} to be positive, but got {ms} ms"))),
    };
    match kind {
        WindowKind::Tumble { size, offset } => {
            positive("TUMBLE", "size", size)?;
            if offset.abs() >= size {
                return Err(Error::statement(format!(
                    "TUMBLE parameters must satisfy abs(offset) < size, but got size {size} ms and offset {offset} ms"
                )));
            }
        }
        WindowKind::Hop { slide, size, .. } => {
            positive("HOP", "slide", slide)?;
            positive("HOP", "size", size)?;
        }
        WindowKind::Cumulate { step, size, .. } => {
            positive("CUMULATE", "step", step)?;
            positive("CUMULATE", "maxSize", size)?;
            if size % step != 0 {
                return Err(Error::statement(format!(
                    "CUMULATE requires maxSize must be an integral multiple of step, but got maxSize {size} ms and \
                     step {step} ms"
                )));
            }
        }
        WindowKind::Session { gap } => positive("SESSION", "gap", gap)?,
        WindowKind::Attached => {}
    }
    Ok(())
}

/// The time attribute that windows go by; in batch mode any timestamp does.
pub(super) fn window_attribute(time: &TypedExpr, cx: &ExprContext) -> Result<Option<TimeAttribute>> {
    match time.time_attribute {
        attribute if !cx.batch => Ok(attribute),
        Some(TimeAttribute::Proctime) => Err(Error::unsupported("a window over processing time in batch mode")
            .with_hint("Window over a column that holds the rows' own time.")),
        _ => Ok(Some(TimeAttribute::Rowtime).filter(|_| time.ty.kind.is_timestamp())),
    }
}

pub(super) fn window_spec(
    kind: WindowKind,
    time: &TypedExpr,
    attribute: TimeAttribute,
    cx: &ExprContext,
) -> WindowSpec {
    let ltz = matches!(time.ty.kind, TypeKind::TimestampLtz(_));
    let clock = if ltz { WindowClock(cx.zone) } else { WindowClock::UTC };
    WindowSpec { kind, clock, time: attribute, ltz }
}

pub(super) fn no_time_attribute(name: &str, time: &TypedExpr) -> Error {
    Error::statement(format!(
        "the window function requires the time column \"{name}\" to be a time attribute, but it is {}",
        time.ty.kind
    ))
    .with_hint(
        "A time attribute is a column that its table declares WATERMARK FOR, or `AS PROCTIME()`; functions, casts and \
         aggregates make a plain timestamp of it.",
    )
}
