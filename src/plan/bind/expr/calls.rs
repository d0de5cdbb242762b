//! Function calls: built-in functions by name, and a clear answer for the names that are something else.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::Binder;
use super::casts::CastMode;
use super::literals::text_literal;
use crate::error::{Error, Result, did_you_mean};
use crate::functions::library::{self, Builtin, names};
use crate::functions::{ScalarFunction, Signature, TypedExpr, call};
use crate::plan::current_watermark::CurrentWatermark;
use crate::span::Span;
use crate::types::{SqlType, TimeAttribute, TypeKind};

impl Binder<'_> {
    pub(super) fn function(&self, function: &ast::Function) -> Result<TypedExpr> {
        let written = function.name.to_string();
        let name = match function.name.0.as_slice() {
            [ast::ObjectNamePart::Identifier(part)] => part.value.to_uppercase(),
            _ => return Err(Error::unsupported(format_args!("the function name {written}"))),
        };
        let place = Span::from_ast(function.name.span());
        refuse_aggregates(&name, function).map_err(|e| e.at(place))?;
        let arguments = arguments(&name, function)?;
        match (name.as_str(), arguments.as_slice()) {
            ("COALESCE", _) => self.coalesce("COALESCE", &arguments),
            ("IFNULL", [value, _]) => match self.bind(value)? {
                value if !value.ty.nullable => Ok(TypedExpr { time_attribute: None, ..value }),
                _ => self.coalesce("IFNULL", &arguments),
            },
            ("NULLIF", [left, right]) => self.null_if(left, right),
            ("IF", _) => self.if_then_else(&arguments),
            ("MOD", [left, right]) => {
                self.arithmetic(self.bind_operand(left)?, Operator::Modulo, self.bind_operand(right)?)
            }
            ("ROW", _) => self.row(&arguments.iter().map(|a| (*a).clone()).collect::<Vec<_>>()),
            ("ARRAY", _) => self.array(&arguments.iter().map(|a| (*a).clone()).collect::<Vec<_>>()),
            ("MAP", _) => self.map(&arguments),
            ("TIMESTAMPADD", _) => self.timestamp_add(&arguments),
            ("TIMESTAMPDIFF", _) => self.timestamp_diff(&arguments),
            ("TYPEOF", [value] | [value, _]) => {
                let ty = self.bind(value)?.ty.to_string();
                Ok(TypedExpr { ty: SqlType::string(), ..text_literal(&ty) })
            }
            ("CURRENT_DATABASE", []) => {
                Ok(TypedExpr { ty: SqlType::string().with_nullable(false), ..text_literal(&self.cx.database) })
            }
            ("UNIX_TIMESTAMP", []) => self.call_bound(library::unix_now(), Vec::new()),
            ("TO_TIMESTAMP_LTZ", [_, precision]) => {
                self.check_precision(precision)?;
                self.call_named(&name, &arguments)
            }
            ("CURRENT_WATERMARK", [rowtime]) => self.current_watermark(rowtime),
            ("ROUND" | "TRUNCATE", [value, digits]) => self.round_decimal(&name, value, digits),
            (name, []) if let Some(value) = self.bare_call(name) => value,
            (name, _) if library::find(name).is_none() => Err(unknown(name).at(place)),
            (name, _) => self.call_named(name, &arguments),
        }
    }

    /// How far event time had come when the row arrived.
    fn current_watermark(&self, rowtime: &ast::Expr) -> Result<TypedExpr> {
        let typed = self.bind(rowtime)?;
        let wrong = match typed.time_attribute {
            Some(TimeAttribute::Rowtime) => None,
            _ if typed.ty.kind.is_timestamp() => Some(format!(
                "the argument of CURRENT_WATERMARK() must be a rowtime attribute, but was '{}'",
                typed.ty.kind
            )),
            _ => Some(format!(
                "CURRENT_WATERMARK() must be called with a single rowtime attribute argument, but '{}' cannot be a \
                 time attribute",
                typed.ty.kind
            )),
        };
        if let Some(message) = wrong {
            return Err(Error::statement(message)
                .with_hint("A rowtime attribute is a column that its table declares WATERMARK FOR, passed on as it is.")
                .at(Span::from_ast(rowtime.span())));
        }
        if !self.scope.has_watermark() {
            return Err(Error::unsupported("CURRENT_WATERMARK here")
                .with_hint("It stands in SELECT, WHERE, GROUP BY and HAVING."));
        }
        Ok(CurrentWatermark::column(matches!(typed.ty.kind, TypeKind::TimestampLtz(_))))
    }

    /// A constant number behind a number of TO_TIMESTAMP_LTZ says what that counts.
    fn check_precision(&self, precision: &ast::Expr) -> Result<()> {
        match self.bind(precision)?.expr {
            Expr::Literal(ScalarValue::Int32(Some(digits)), _) if !matches!(digits, 0 | 3) => {
                Err(Error::statement(format!("TO_TIMESTAMP_LTZ reads precision 0 or 3, not {digits}"))
                    .with_hint("0 says that the number counts seconds, 3 milliseconds.")
                    .at(Span::from_ast(precision.span())))
            }
            _ => Ok(()),
        }
    }

    /// `CURRENT_TIMESTAMP` and what else needs no parentheses; `None` for other names.
    pub(super) fn bare_call(&self, name: &str) -> Option<Result<TypedExpr>> {
        let upper = name.to_uppercase();
        let function = library::without_parentheses(&upper)?;
        Some(self.call_bound(function, Vec::new()).map(|mut value| {
            if upper == "PROCTIME" {
                value.time_attribute = Some(TimeAttribute::Proctime);
            }
            value
        }))
    }

    /// A call of the library's `name`.
    pub(super) fn call_named(&self, name: &str, arguments: &[&ast::Expr]) -> Result<TypedExpr> {
        let function = library::find(name).ok_or_else(|| unknown(name))?;
        let arity = function.arity();
        let count = arguments.len();
        if count < arity.min || arity.max.is_some_and(|max| count > max) {
            return Err(Error::statement(format!(
                "{name} does not take {count} argument{}",
                if count == 1 { "" } else { "s" }
            ))
            .with_hint(function.usage()));
        }
        let arguments = arguments.iter().map(|a| self.bind_operand(a)).collect::<Result<Vec<_>>>()?;
        self.call_bound(function, arguments)
    }

    fn call_bound(&self, function: Arc<dyn ScalarFunction>, arguments: Vec<TypedExpr>) -> Result<TypedExpr> {
        let types = arguments.iter().map(|a| a.ty.clone()).collect::<Vec<_>>();
        let name = function.name();
        match function.signature(&types) {
            Some(signature) => self.call_as(function, signature, arguments),
            None => {
                let types = types.iter().map(|t| t.kind.to_string()).collect::<Vec<_>>().join(", ");
                let message = format!("cannot apply '{name}' to arguments of type {types}");
                let supported = function.supported().join(", ");
                Err(Error::statement(message)
                    .with_detail(format!("Supported: {supported}."))
                    .with_hint(function.usage()))
            }
        }
    }

    /// A call of an operator of ours, typed by its overloads; `None` where none fits.
    pub(super) fn call_signature(
        &self,
        function: &'static Builtin,
        arguments: Vec<TypedExpr>,
    ) -> Result<Option<TypedExpr>> {
        let types = arguments.iter().map(|a| a.ty.clone()).collect::<Vec<_>>();
        let Some(signature) = (&function).signature(&types) else { return Ok(None) };
        self.call_as(Arc::new(function), signature, arguments).map(Some)
    }

    /// A call whose arguments have their types already.
    pub(super) fn call_typed(
        &self,
        function: &'static Builtin,
        arguments: Vec<TypedExpr>,
        returns: SqlType,
    ) -> TypedExpr {
        let signature = Signature { arguments: arguments.iter().map(|a| a.ty.clone()).collect(), returns };
        self.finish(Arc::new(function), signature, arguments)
    }

    fn call_as(
        &self,
        function: Arc<dyn ScalarFunction>,
        signature: Signature,
        arguments: Vec<TypedExpr>,
    ) -> Result<TypedExpr> {
        let cast = arguments
            .into_iter()
            .zip(&signature.arguments)
            .map(|(argument, ty)| self.convert(argument, ty, CastMode::Implicit))
            .collect::<Result<Vec<_>>>()?;
        Ok(self.finish(function, signature, cast))
    }

    fn finish(&self, function: Arc<dyn ScalarFunction>, signature: Signature, arguments: Vec<TypedExpr>) -> TypedExpr {
        let returns = signature.returns.clone();
        let arguments = arguments.into_iter().map(|a| a.expr).collect();
        TypedExpr::new(call(function, signature, arguments, self.cx.zone, self.cx.clock.clone()), returns)
    }
}

/// The expressions between the parentheses.
fn arguments<'a>(name: &str, function: &'a ast::Function) -> Result<Vec<&'a ast::Expr>> {
    let list = match &function.args {
        FunctionArguments::None => return Ok(Vec::new()),
        FunctionArguments::Subquery(_) => return Err(Error::unsupported(format_args!("a subquery in {name}"))),
        FunctionArguments::List(list) => list,
    };
    if list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return Err(Error::unsupported(format_args!("{function}")));
    }
    let expression = |argument: &'a FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr),
        FunctionArg::Unnamed(_) => Err(Error::statement(format!("{name} does not take \"*\""))),
        _ => Err(Error::unsupported(format_args!("a named argument of {name}"))),
    };
    list.args.iter().map(expression).collect()
}

/// Names that mean something else than a value per row.
fn refuse_aggregates(name: &str, function: &ast::Function) -> Result<()> {
    if function.over.is_some() || names::WINDOW_FUNCTIONS.contains(&name) {
        return Err(Error::statement(format!("OVER windows are not supported yet: {name}")));
    }
    if crate::functions::aggregate::find(name).is_some() {
        return Err(Error::statement(format!("the aggregate function {name} can't stand here"))
            .with_hint("Aggregates stand in SELECT and HAVING, not in WHERE, in GROUP BY or inside each other."));
    }
    if names::OF_GROUPINGS.contains(&name) {
        return Err(Error::statement(format!("{name} can't stand here"))
            .with_hint("It stands in SELECT and HAVING of a query with GROUP BY."));
    }
    if names::AGGREGATES.contains(&name) || function.filter.is_some() || !function.within_group.is_empty() {
        return Err(Error::statement(format!("the aggregate function {name} is not supported yet")));
    }
    if names::GROUP_WINDOWS.contains(&name) {
        let (window, message) = match name.split_once('_') {
            Some((window, _)) => (
                window,
                format!(
                    "call to auxiliary group function '{name}' must have a matching call to group function '{window}' \
                     in the GROUP BY clause"
                ),
            ),
            None => (name, format!("group function '{name}' can only appear in the GROUP BY clause")),
        };
        return Err(Error::statement(message)
            .with_hint(format!("Windows of rows come from FROM {window}(TABLE t, DESCRIPTOR(ts), ...).")));
    }
    Ok(())
}

fn unknown(name: &str) -> Error {
    if names::NOT_YET.contains(&name) || name.starts_with("IS JSON") || name.starts_with("IS NOT JSON") {
        return Error::statement(format!("function {name} is not supported yet"));
    }
    let error = Error::statement(format!("function \"{name}\" not found"));
    let known = library::names::SPECIAL.iter().copied().chain(library::all().into_iter().map(|f| f.name()));
    let known = known.chain(crate::functions::aggregate::all().into_iter().map(|f| f.name()));
    match did_you_mean(name, known) {
        Some(hint) => error.with_hint(hint),
        None => error.with_hint("SHOW FUNCTIONS lists them all."),
    }
}
