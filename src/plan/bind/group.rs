//! GROUP BY, aggregate functions, HAVING and SELECT DISTINCT.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::Binder;
use super::expr::{ExprContext, Scope, bind_expr, bind_predicate};
use super::formula::{ignores_nulls, written_out};
use super::group_window::{GroupWindow, is_group_window};
use super::grouping_sets::{GroupingSets, WrittenSets, is_of_grouping, of_grouping};
use super::relation::{Relation, internal};
use crate::error::{Error, Result};
use crate::functions::{TypedExpr, aggregate};
use crate::operators::{WindowKind, WindowPart};
use crate::plan::aggregate::{Aggregate, AggregateWindow, BoundCall};
use crate::plan::current_watermark::CurrentWatermark;
use crate::plan::window::WindowSpec;
use crate::plan::window_columns::{window_table, with_slices};
use crate::span::Span;
use crate::sql::walk::has;
use crate::types::{Field, Schema, TimeAttribute, TypeKind};

/// True where a SELECT makes groups: GROUP BY, HAVING, or an aggregate function among what is selected.
pub(super) fn makes_groups(select: &ast::Select) -> bool {
    let grouped = match &select.group_by {
        ast::GroupByExpr::Expressions(exprs, modifiers) => !exprs.is_empty() || !modifiers.is_empty(),
        ast::GroupByExpr::All(_) => true,
    };
    grouped || select.having.is_some() || has(&select.projection, calls_aggregate)
}

/// Subqueries are their own matter.
fn calls_aggregate(expr: &ast::Expr) -> bool {
    matches!(expr, ast::Expr::Function(call) if is_aggregate(call))
}

fn name_of(call: &ast::Function) -> String {
    match call.name.0.as_slice() {
        [ast::ObjectNamePart::Identifier(part)] => part.value.to_uppercase(),
        _ => String::new(),
    }
}

fn is_aggregate(call: &ast::Function) -> bool {
    call.over.is_none() && aggregate::find(&name_of(call)).is_some()
}

/// What SELECT and HAVING see of a grouped query: grouped expressions, and aggregates, which are collected.
pub(super) struct GroupScope<'a> {
    input: &'a Relation,
    cx: &'a ExprContext,
    keys: Vec<(TypedExpr, String)>,
    /// Where there are several: GROUPING SETS, ROLLUP, CUBE.
    sets: Option<GroupingSets>,
    /// `GROUP BY TUMBLE(...)`: its columns are the first keys.
    window: Option<GroupWindow>,
    calls: RefCell<Vec<BoundCall>>,
}

impl<'a> GroupScope<'a> {
    pub(super) fn try_new(select: &ast::Select, input: &'a Relation, cx: &'a ExprContext) -> Result<Self> {
        let exprs = match &select.group_by {
            ast::GroupByExpr::All(_) => {
                return Err(Error::unsupported("GROUP BY ALL").at(Span::from_ast(select.group_by.span())));
            }
            ast::GroupByExpr::Expressions(_, modifiers) if !modifiers.is_empty() => {
                return Err(Error::unsupported("WITH ROLLUP and the like").at(Span::from_ast(select.group_by.span())));
            }
            ast::GroupByExpr::Expressions(exprs, _) => exprs,
        };
        let sets = WrittenSets::of(exprs)?;
        let window = GroupWindow::of(&sets.exprs, input, cx)?;
        if let (Some(window), true) = (&window, sets.are_several()) {
            return Err(Error::unsupported(format!("grouping sets beside {} in GROUP BY", window.name()))
                .with_hint(format!(
                    "The window function in FROM takes them: FROM {0}(TABLE t, DESCRIPTOR(ts), ...) GROUP BY window_start, window_end, ROLLUP (...).",
                    window.name()
                ))
                .at(Span::from_ast(select.group_by.span())));
        }
        let mut keys: Vec<(TypedExpr, String)> = Vec::with_capacity(sets.exprs.len());
        keys.extend(window.iter().flat_map(GroupWindow::keys));
        // The keys of a window are in every set.
        let mut places: Vec<Option<usize>> = vec![None; sets.exprs.len()];
        for (i, expr) in sets.exprs.iter().enumerate().filter(|(_, expr)| !is_group_window(expr)) {
            let typed = bind_expr(expr, input, cx)?;
            if is_incomparable(&typed.ty.kind) {
                let what = format!("GROUP BY a value of type {}", typed.ty.kind);
                return Err(Error::unsupported(what).at(Span::from_ast(expr.span())));
            }
            let known = keys.iter().position(|(known, _)| known.expr == typed.expr);
            places[i] = known.or(Some(keys.len()));
            if known.is_some() {
                continue;
            }
            let is_free = |name: &str| !is_made_up(name) && keys.iter().all(|(_, known)| known != name);
            let name = match &typed.expr {
                Expr::Column(column) if is_free(&column.name) => column.name.clone(),
                _ => format!("key{}", keys.len()),
            };
            keys.push((typed, name));
        }
        let sets = sets.over(&places, &mut keys, input);
        if window.is_none() {
            keep_window_time(&input.plan, keys.iter_mut().map(|(key, _)| (key.expr.clone(), &mut key.time_attribute)));
        }
        Ok(Self { input, cx, keys, sets, window, calls: RefCell::default() })
    }

    /// The grouping itself, once everything above it is bound.
    pub(super) fn into_plan(self, input: LogicalPlan, ttl: Option<Duration>) -> Result<LogicalPlan> {
        let calls = self.calls.into_inner();
        let keys = self.keys.iter().map(|(key, name)| Field::new(name, key.ty.clone()));
        let results = calls.iter().enumerate().map(|(i, call)| Field::new(result_name(i), call.types.returns.clone()));
        let set = self.sets.iter().map(GroupingSets::field);
        let schema: Schema = keys.chain(set).chain(results).collect();
        let is_of_group = self.window.is_some();
        // In batch mode windows are not put together of slices.
        let has_slices = !is_of_group && !self.cx.batch;
        let input = match self.window {
            Some(window) => window.into_plan(input)?,
            None => input,
        };
        let (input, keys) = match &self.sets {
            Some(sets) => sets.expanded(input, &self.keys)?,
            None => (input, self.keys.into_iter().map(|(key, _)| key.expr).collect()),
        };
        let node = Aggregate::try_new(input, keys, calls, &schema).map_err(internal)?.with_ttl(ttl);
        if let Some(window) = &node.window {
            if has_slices {
                check_slices(&window.spec, &node.input)?;
            }
            if !is_of_group {
                check_windows_of_windows(&node.input)?;
            }
            if window.sliced && !self.cx.batch {
                node.calls.iter().try_for_each(|call| check_merges(window.spec.kind, call, is_of_group))?;
            }
        }
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
        match self.input.has_watermark() {
            true => Ok(LogicalPlan::Extension(Extension {
                node: Arc::new(CurrentWatermark::try_new(plan).map_err(internal)?),
            })),
            false => Ok(plan),
        }
    }

    fn call(&self, call: &ast::Function) -> Result<TypedExpr> {
        let name = name_of(call);
        let function = aggregate::find(&name).ok_or_else(|| Error::internal("an aggregate got lost"))?;
        let FunctionArguments::List(list) = &call.args else {
            return Err(
                Error::statement(format!("{name} needs its arguments in parentheses")).with_hint(function.usage())
            );
        };
        let ignores_nulls = ignores_nulls(function.as_ref(), call, list)?;
        let distinct = list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct);
        let mut arguments = Vec::with_capacity(list.args.len());
        for (i, argument) in list.args.iter().enumerate() {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
                    if function.constant() == Some(i) && !matches!(expr, ast::Expr::Value(_)) =>
                {
                    let message = format!("argument {} of {name} must be a constant, such as ','", i + 1);
                    return Err(Error::statement(message).at(Span::from_ast(expr.span())));
                }
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "COUNT" && list.args.len() == 1 => {
                    if distinct {
                        return Err(Error::statement("COUNT(DISTINCT *) needs a column: COUNT(DISTINCT a)"));
                    }
                }
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.push(self.argument(expr)?),
                _ => {
                    return Err(
                        Error::statement(format!("{name} does not take \"{argument}\"")).with_hint(function.usage())
                    );
                }
            }
        }
        if name == "COUNT" && list.args.is_empty() {
            return Err(Error::statement("COUNT needs an argument: COUNT(*)"));
        }
        if let Some(nested) = arguments.iter().find(|argument| distinct && is_nested(&argument.ty.kind)) {
            return Err(Error::unsupported(format!("{name}(DISTINCT …) of a value of type {}", nested.ty.kind)));
        }
        let types: Vec<_> = arguments.iter().map(|argument| argument.ty.clone()).collect();
        let Some(mut types) = function.signature(&types) else {
            let types = types.iter().map(|ty| ty.kind.to_string()).collect::<Vec<_>>().join(", ");
            let error = Error::statement(format!("cannot apply '{name}' to arguments of type {types}"));
            return Err(error.with_hint(function.usage()));
        };
        if let (Some(formula), Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))) =
            (function.formula(&types), list.args.first())
        {
            return bind_expr(&written_out(&formula, call, argument)?, self, self.cx);
        }
        let mut filter = match &call.filter {
            Some(filter) => Some(bind_predicate(filter, self.input, self.cx, "FILTER")?.expr),
            None => None,
        };
        if let Some(argument) = arguments.first().filter(|argument| ignores_nulls && argument.ty.nullable) {
            let valid = argument.expr.clone().is_not_null();
            filter = Some(filter.map_or(valid.clone(), |filter| filter.and(valid)));
        }
        // A group has rows, but a filter may leave out all of them, and no group at all has none.
        let filtered = filter.is_some();
        types.returns.nullable |= (filtered || self.keys.is_empty()) && function.is_null_of_no_row(filtered);
        let returns = types.returns.clone();
        let bound =
            BoundCall { function, types, arguments: arguments.into_iter().map(|a| a.expr).collect(), distinct, filter };
        let mut calls = self.calls.borrow_mut();
        let position = calls.iter().position(|known| *known == bound).unwrap_or_else(|| {
            calls.push(bound);
            calls.len() - 1
        });
        Ok(TypedExpr::new(Expr::Column(Column::new_unqualified(result_name(position))), returns))
    }

    fn argument(&self, expr: &ast::Expr) -> Result<TypedExpr> {
        let typed = bind_expr(expr, self.input, self.cx)?;
        match typed.ty.kind {
            TypeKind::Null => Err(Error::statement("NULL has no type here")
                .with_hint("Give it one: CAST(NULL AS INT).")
                .at(Span::from_ast(expr.span()))),
            _ => Ok(typed),
        }
    }
}

/// Only the time of a window is still a time attribute when it has been grouped by.
fn keep_window_time<'a>(input: &LogicalPlan, keys: impl Iterator<Item = (Expr, &'a mut Option<TimeAttribute>)>) {
    let (exprs, attributes): (Vec<Expr>, Vec<_>) = keys.unzip();
    let parts = AggregateWindow::of(input, &exprs).map(|window| window.parts).unwrap_or_default();
    for (i, attribute) in attributes.into_iter().enumerate() {
        if parts.get(i).copied().flatten() != Some(WindowPart::Time) {
            *attribute = None;
        }
    }
}

/// Aggregates share the slices of windows: sizes have to be multiples.
fn check_slices(spec: &WindowSpec, input: &LogicalPlan) -> Result<()> {
    match spec.kind {
        WindowKind::Hop { slide, size, .. } if !spec.has_slices() && with_slices(input).is_some() => {
            let hint = match slide > size {
                true => "The slide comes first, then the size: HOP(TABLE t, DESCRIPTOR(ts), slide, size).",
                false => "The windows share slices of one slide each: make the size two slides, three and so on.",
            };
            Err(Error::statement(format!(
                "HOP table function based aggregate requires size must be an integral multiple of slide, but got size \
                 {size} ms and slide {slide} ms"
            ))
            .with_hint(hint))
        }
        _ => Ok(()),
    }
}

/// Windows of windows have an aggregate in between.
fn check_windows_of_windows(input: &LogicalPlan) -> Result<()> {
    match window_table(input).and_then(|outer| window_table(&outer.input)) {
        Some(_) => Err(Error::unsupported("an aggregate of the windows of a window function's rows").with_hint(
            "Aggregate the inner windows first, with window_time among the keys, or GROUP BY TUMBLE(ts, size).",
        )),
        None => Ok(()),
    }
}

/// Refuses what Flink can't put together from slices or sessions.
fn check_merges(kind: WindowKind, call: &BoundCall, is_of_group: bool) -> Result<()> {
    let name = call.function.name();
    let windows = match kind {
        WindowKind::Hop { .. } => "HOP",
        WindowKind::Cumulate { .. } => "CUMULATE",
        WindowKind::Session { .. } => "SESSION",
        WindowKind::Tumble { .. } | WindowKind::Attached => return Ok(()),
    };
    if !call.function.merges() {
        return Err(Error::unsupported(format!("{name} in {windows} windows")).with_hint(format!(
            "{windows} windows are put together of parts, and which value came first or last is not kept: TUMBLE windows have it."
        )));
    }
    if windows == "HOP" && call.distinct && !is_of_group && matches!(name, "SUM" | "LISTAGG") {
        return Err(Error::unsupported(format!("{name}(DISTINCT …) in HOP windows"))
            .with_hint("GROUP BY HOP(ts, slide, size) takes it, as do TUMBLE, CUMULATE and SESSION."));
    }
    Ok(())
}

fn is_nested(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Map(..) | TypeKind::Multiset(_) | TypeKind::Array(_) | TypeKind::Row(_))
}

/// True for types whose values can't be compared.
fn is_incomparable(kind: &TypeKind) -> bool {
    match kind {
        TypeKind::Multiset(_) => true,
        TypeKind::Array(element) => is_incomparable(&element.kind),
        TypeKind::Map(key, value) => is_incomparable(&key.kind) || is_incomparable(&value.kind),
        TypeKind::Row(fields) => fields.iter().any(|field| is_incomparable(&field.ty.kind)),
        _ => false,
    }
}

/// True for names such as those that keys and results are given here: `key0`, `agg1`.
fn is_made_up(name: &str) -> bool {
    let number = name.strip_prefix("key").or(name.strip_prefix("agg"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

fn result_name(position: usize) -> String {
    format!("agg{position}")
}

impl Scope for GroupScope<'_> {
    fn has_watermark(&self) -> bool {
        self.input.has_watermark()
    }

    fn resolve(&self, parts: &[ast::Ident]) -> Result<(TypedExpr, usize)> {
        // A name that there is not says so.
        self.input.resolve(parts)?;
        let name = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        let part = |name: &str| WindowPart::ALL.iter().any(|part| part.name() == name);
        let of_window = parts.last().is_some_and(|last| part(&last.value)) && window_table(&self.input.plan).is_some();
        Err(Error::statement(format!("expression '{name}' is not being grouped")).with_hint(match of_window {
            true => "A window has both its start and its end: GROUP BY window_start, window_end.",
            false => "Write it into GROUP BY or into an aggregate function.",
        }))
    }

    fn whole(&self, expr: &ast::Expr) -> Result<Option<TypedExpr>> {
        match expr {
            ast::Expr::Function(call) if is_aggregate(call) => return self.call(call).map(Some),
            ast::Expr::Function(call) if is_of_grouping(call) => {
                let key = |argument: &ast::Expr| {
                    let typed = bind_expr(argument, self.input, self.cx)?;
                    Ok(self.keys.iter().position(|(key, _)| key.expr == typed.expr))
                };
                return of_grouping(call, self.sets.as_ref(), key).map(Some);
            }
            ast::Expr::Function(call) => {
                if let Some(found) = GroupWindow::auxiliary(self.window.as_ref(), call, self.input, self.cx)? {
                    return Ok(Some(found));
                }
            }
            ast::Expr::Value(_) if self.sets.is_none() => return Ok(None),
            _ => {}
        }
        // What can't be bound over single rows has aggregates in it, or is wrong: its parts will tell.
        let Ok(typed) = bind_expr(expr, self.input, self.cx) else { return Ok(None) };
        let found = self.keys.iter().find(|(key, _)| key.expr == typed.expr);
        Ok(found.map(|(key, name)| TypedExpr {
            time_attribute: key.time_attribute,
            ..TypedExpr::new(Expr::Column(Column::new_unqualified(name)), key.ty.clone())
        }))
    }
}

impl Binder<'_> {
    /// The same rows once each: a grouping by all columns.
    pub(super) fn distinct(&self, relation: Relation, ttl: Option<Duration>) -> Result<Relation> {
        let mut schema = relation.schema();
        let columns = relation.columns.iter().map(|column| Expr::Column(column.column.clone()));
        let attributes = schema.fields.iter_mut().map(|field| &mut field.time_attribute);
        keep_window_time(&relation.plan, columns.zip(attributes));
        if let Some(field) = schema.fields.iter().find(|field| is_incomparable(&field.ty.kind)) {
            return Err(Error::unsupported(format!("distinct rows with a column of type {}", field.ty.kind)));
        }
        let keys = relation.columns.iter().map(|column| Expr::Column(column.column.clone())).collect();
        let node = Aggregate::try_new(relation.plan, keys, Vec::new(), &schema).map_err(internal)?.with_ttl(ttl);
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
        Ok(Relation::new(plan, &schema).with_shared_names(&relation.columns))
    }

    /// The plan of a grouped SELECT up to HAVING, whose items are bound already.
    pub(super) fn grouped(
        &self,
        scope: GroupScope<'_>,
        input: LogicalPlan,
        having: Option<Expr>,
        ttl: Option<Duration>,
    ) -> Result<LogicalPlan> {
        let builder = LogicalPlanBuilder::from(scope.into_plan(input, ttl)?);
        let builder = match having {
            Some(having) => builder.filter(having).map_err(internal)?,
            None => builder,
        };
        builder.build().map_err(internal)
    }
}
