//! Queries: WITH, SELECT, UNION, VALUES, LIMIT.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{self, Spanned};

use super::expr::{NoColumns, Scope, bind_expr, bind_predicate};
use super::group::{GroupScope, makes_groups};
use super::hints::{lookup_hints, state_ttl};
use super::order::Order;
use super::relation::{Relation, internal};
use super::{Binder, Ctes};
use crate::error::{Error, Result, all_or_errors};
use crate::functions::TypedExpr;
use crate::functions::cast::{CastMode, cast};
use crate::plan::batch::IN_BATCH;
use crate::span::Span;
use crate::sql::walk::has;
use crate::types::coercion::common_type;
use crate::types::{Field, Schema, SqlType, TypeKind};

impl Binder<'_> {
    /// Binds a whole query.
    pub fn query(&self, query: &ast::Query) -> Result<Relation> {
        self.query_with(query, &Ctes::new(), 0)
    }

    pub(super) fn query_with(&self, query: &ast::Query, outer: &Ctes, depth: usize) -> Result<Relation> {
        refuse_clauses(query)?;
        let mut ctes = outer.clone();
        if let Some(with) = &query.with {
            if with.recursive {
                return Err(Error::unsupported("WITH RECURSIVE").at(Span::from_ast(with.span())));
            }
            for cte in &with.cte_tables {
                let names: Vec<String> = cte.alias.columns.iter().map(|c| c.name.value.clone()).collect();
                let relation = self.query_with(&cte.query, &ctes, depth)?;
                if let (Some(name), true) = (relation.shared_name(), names.is_empty()) {
                    return Err(Error::statement(format!(
                        "\"{}\" has several columns called \"{name}\"",
                        cte.alias.name.value
                    ))
                    .with_hint("Give each its own name with AS.")
                    .at(Span::from_ast(cte.alias.name.span)));
                }
                let relation = relation.alias(&cte.alias.name.value, &names);
                let relation = relation.map_err(|e| e.at(Span::from_ast(cte.alias.name.span)))?;
                ctes.insert(cte.alias.name.value.clone(), Arc::new(relation));
            }
        }
        let (skip, fetch) = limit_of(query)?;
        let order = match &query.order_by {
            Some(order_by) if !self.expr.batch => {
                return Err(Error::unsupported("ORDER BY in a streaming query")
                    .with_hint(IN_BATCH)
                    .at(Span::from_ast(order_by.span())));
            }
            Some(order_by) => Some(Order::new(order_by, fetch.map(|fetch| skip.saturating_add(fetch)))?),
            None => None,
        };
        let mut relation = match (query.body.as_ref(), &order) {
            (ast::SetExpr::Select(select), _) => self.select(select, order.as_ref(), &ctes, depth)?,
            (body, None) => self.set_expr(body, &ctes, depth)?,
            (body, Some(order)) => order.rows(self.set_expr(body, &ctes, depth)?, false, &self.expr)?,
        };
        if skip > 0 || fetch.is_some() {
            let schema = relation.schema();
            let plan = LogicalPlanBuilder::from(relation.plan).limit(skip, fetch);
            let limited = Relation::new(plan.and_then(|b| b.build()).map_err(internal)?, &schema);
            relation = limited.with_shared_names(&relation.columns);
        }
        Ok(relation)
    }

    fn set_expr(&self, body: &ast::SetExpr, ctes: &Ctes, depth: usize) -> Result<Relation> {
        match body {
            ast::SetExpr::Select(select) => self.select(select, None, ctes, depth),
            ast::SetExpr::Query(query) => self.query_with(query, ctes, depth),
            ast::SetExpr::Values(values) => self.values(values),
            ast::SetExpr::SetOperation { op, set_quantifier, left, right } => {
                let all = matches!(set_quantifier, ast::SetQuantifier::All);
                let known = matches!(
                    set_quantifier,
                    ast::SetQuantifier::All | ast::SetQuantifier::None | ast::SetQuantifier::Distinct
                );
                if !(known && matches!(op, ast::SetOperator::Union)) {
                    let suffix = if all { " ALL" } else { "" };
                    return Err(Error::unsupported(format!("{op}{suffix}"))
                        .with_hint("UNION and UNION ALL are supported.")
                        .at(Span::from_ast(body.span())));
                }
                let [left, right] = [left, right].map(|side| self.set_expr(side, ctes, depth));
                let (left, right) = Error::both(left, right)?;
                let union = self.union_all(left, right);
                let union = if all { union } else { union.and_then(|union| self.distinct(union, self.state_ttl)) };
                union.map_err(|e| e.at(Span::from_ast(body.span())))
            }
            ast::SetExpr::Table(table) => {
                let name = table.table_name.clone().unwrap_or_default();
                Err(Error::unsupported(format!("TABLE {name} as a query"))
                    .with_hint(format!("Write SELECT * FROM {name}."))
                    .at(Span::from_ast(body.span())))
            }
            other => Err(Error::statement("a query is expected here").at(Span::from_ast(other.span()))),
        }
    }

    fn select(&self, select: &ast::Select, order: Option<&Order<'_>>, ctes: &Ctes, depth: usize) -> Result<Relation> {
        refuse_select_clauses(select)?;
        let hints = lookup_hints(select)?;
        let ttl = state_ttl(select)?.or(self.state_ttl).filter(|ttl| !ttl.is_zero());
        let mut input = self.from(&select.from, &hints, ctes, depth)?;
        if has(select, calls_current_watermark) {
            input = input.with_watermark()?;
        }
        let plan = match &select.selection {
            Some(selection) => {
                bind_predicate(selection, &input, &self.expr, "WHERE").and_then(|predicate| filtered(&input, predicate))
            }
            None => Ok(input.plan.clone()),
        };
        let distinct = matches!(select.distinct, Some(ast::Distinct::Distinct));
        let bound = |scope: &dyn Scope| {
            let items = self.items(select, &input, scope)?;
            match order.filter(|_| !distinct) {
                Some(order) => order.keys(items, scope, &self.expr).map(|(items, keys)| (items, Some(keys))),
                None => Ok((items, None)),
            }
        };
        let (selected, keys) = match makes_groups(select) {
            false => {
                let (plan, (items, keys)) = Error::both(plan, bound(&input))?;
                (project(plan, items)?, keys)
            }
            true => {
                let grouped = GroupScope::try_new(select, &input, &self.expr).and_then(|scope| {
                    let bound = bound(&scope);
                    let having = select.having.as_ref();
                    let having = having.map(|h| bind_predicate(h, &scope, &self.expr, "HAVING")).transpose();
                    let (bound, having) = Error::both(bound, having)?;
                    Ok((scope, bound, having))
                });
                let (plan, (scope, (items, keys), having)) = Error::both(plan, grouped)?;
                (project(self.grouped(scope, plan, having.map(|h| h.expr), ttl)?, items)?, keys)
            }
        };
        let rows = if distinct { self.distinct(selected, ttl)? } else { selected };
        match (order, keys) {
            (Some(order), Some(keys)) => order.sort(rows, keys),
            (Some(order), None) => order.rows(rows, true, &self.expr),
            (None, _) => Ok(rows),
        }
    }

    /// What is selected from `input`, bound in `scope`.
    fn items(&self, select: &ast::Select, input: &Relation, scope: &dyn Scope) -> Result<Vec<(TypedExpr, String)>> {
        let all = select.projection.iter().enumerate();
        let items = all_or_errors(all.map(|(i, item)| self.item(select, (i, item), input, scope)))?;
        Ok(items.into_iter().flatten().collect())
    }

    /// One of them, which may be several columns.
    fn item(
        &self,
        select: &ast::Select,
        (number, item): (usize, &ast::SelectItem),
        input: &Relation,
        scope: &dyn Scope,
    ) -> Result<Vec<(TypedExpr, String)>> {
        Ok(match item {
            ast::SelectItem::UnnamedExpr(expr) => {
                vec![(bind_expr(expr, scope, &self.expr)?, unnamed(expr, number))]
            }
            ast::SelectItem::ExprWithAlias { expr, alias } => {
                vec![(bind_expr(expr, scope, &self.expr)?, alias.value.clone())]
            }
            // Each column must be grouped.
            ast::SelectItem::Wildcard(_) if makes_groups(select) && !select.from.is_empty() => {
                input.star(None).map_err(|e| e.at(Span::from_ast(item.span())))?;
                let columns = input.columns.iter().map(|column| {
                    let bound = bind_expr(&column.written(), scope, &self.expr);
                    let bound = bound.map_err(|e| e.at(Span::from_ast(item.span())))?;
                    Ok((bound, column.field.name.clone()))
                });
                columns.collect::<Result<_>>()?
            }
            ast::SelectItem::Wildcard(_) | ast::SelectItem::QualifiedWildcard(..) if makes_groups(select) => {
                return Err(Error::statement("a grouped query can't select *")
                    .with_hint("Name the grouped columns.")
                    .at(Span::from_ast(item.span())));
            }
            ast::SelectItem::Wildcard(_) => {
                if select.from.is_empty() {
                    return Err(Error::statement("SELECT * needs a FROM").at(Span::from_ast(item.span())));
                }
                input.star(None).map_err(|e| e.at(Span::from_ast(item.span())))?
            }
            ast::SelectItem::QualifiedWildcard(ast::SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let place = Span::from_ast(item.span());
                self.qualified_star(name, input).map_err(|e| e.at(place))?
            }
            other => return Err(Error::unsupported(other).at(Span::from_ast(other.span()))),
        })
    }

    /// `t.*`: the columns of a table, or the fields of a column that is a ROW.
    fn qualified_star(&self, name: &ast::ObjectName, input: &Relation) -> Result<Vec<(TypedExpr, String)>> {
        let part = |part: &ast::ObjectNamePart| part.as_ident().cloned();
        let Some(path) = name.0.iter().map(part).collect::<Option<Vec<_>>>() else {
            return Err(Error::unsupported(format!("{name}.*")));
        };
        if let [qualifier] = path.as_slice() {
            let is_column = input.columns.iter().any(|c| c.field.name == qualifier.value);
            if input.has_qualifier(&qualifier.value) || !is_column {
                return input.star(Some(qualifier));
            }
        }
        let row = bind_expr(&ast::Expr::CompoundIdentifier(path.clone()), input, &self.expr)?;
        let TypeKind::Row(fields) = &row.ty.kind else {
            return Err(Error::statement(format!(
                "\"{name}.*\" takes the fields of a ROW, and this is {}",
                row.ty.kind
            ))
            .with_hint("Write the alias of a table or a column of type ROW in front of \".*\"."));
        };
        let field = |field: &str| {
            let path = path.iter().cloned().chain([ast::Ident::with_quote('`', field)]).collect();
            Ok((bind_expr(&ast::Expr::CompoundIdentifier(path), input, &self.expr)?, field.to_string()))
        };
        fields.iter().map(|f| field(&f.name)).collect()
    }

    /// Rows of constants; columns are named `EXPR$0`, `EXPR$1`, …, as in Flink.
    fn values(&self, values: &ast::Values) -> Result<Relation> {
        let mut rows: Vec<Vec<TypedExpr>> = Vec::new();
        for row in &values.rows {
            let bind = |expr| bind_expr(expr, &NoColumns, &self.expr);
            rows.push(row.content.iter().map(bind).collect::<Result<_>>()?);
        }
        let width = rows.first().map_or(0, Vec::len);
        if let Some(odd) = rows.iter().position(|row| row.len() != width || width == 0) {
            let place = values.rows[odd].content.first().and_then(|expr| Span::from_ast(expr.span()));
            return Err(Error::statement(format!(
                "all rows of VALUES must have the same number of columns: row {} has {}, the first has {width}",
                odd + 1,
                rows[odd].len()
            ))
            .at(place));
        }
        let mut fields = Vec::with_capacity(width);
        for i in 0..width {
            let types: Vec<SqlType> = rows.iter().map(|row| row[i].ty.clone()).collect();
            let ty = common_type(&types).ok_or_else(|| {
                let mut names: Vec<String> = types.iter().map(|t| t.kind.to_string()).collect();
                names.dedup();
                let odd = types.iter().position(|t| common_type(&[types[0].clone(), t.clone()]).is_none());
                let place = odd.and_then(|row| Span::from_ast(values.rows[row].content[i].span()));
                Error::statement(format!("column {} of VALUES has no common type: {}", i + 1, names.join(", ")))
                    .at(place)
            })?;
            fields.push(Field::new(format!("EXPR${i}"), ty));
        }
        let schema = Schema::new(fields);
        let mut exprs = Vec::with_capacity(rows.len());
        for row in rows {
            let typed = row.into_iter().zip(&schema.fields).map(|(e, f)| Ok(self.cast(e, &f.ty)?.expr));
            exprs.push(typed.collect::<Result<Vec<Expr>>>()?);
        }
        let df_schema = datafusion::common::DFSchema::try_from(schema.arrow()).map_err(internal)?;
        let plan = LogicalPlan::Values(datafusion::logical_expr::Values { schema: Arc::new(df_schema), values: exprs });
        Ok(Relation::new(plan, &schema))
    }

    fn union_all(&self, left: Relation, right: Relation) -> Result<Relation> {
        let (l, r) = (left.schema(), right.schema());
        if l.len() != r.len() {
            return Err(Error::statement(format!("the queries of UNION ALL have {} and {} columns", l.len(), r.len())));
        }
        let mut fields = Vec::new();
        for (i, (a, b)) in l.fields.iter().zip(&r.fields).enumerate() {
            let ty = common_type(&[a.ty.clone(), b.ty.clone()]).ok_or_else(|| {
                Error::statement(format!(
                    "column {} of UNION ALL is {} on the left and {} on the right",
                    i + 1,
                    a.ty.kind,
                    b.ty.kind
                ))
            })?;
            let attribute = a.time_attribute.filter(|t| Some(*t) == b.time_attribute);
            fields.push(Field::new(&a.name, ty).with_time_attribute(attribute));
        }
        let schema = Schema::new(fields);
        let columns = left.columns.clone();
        let left = self.cast_to(left, &schema)?;
        let right = self.cast_to(right, &schema)?;
        let plan = LogicalPlanBuilder::from(left.plan).union(right.plan).and_then(|b| b.build()).map_err(internal)?;
        Ok(Relation::new(plan, &schema).with_shared_names(&columns))
    }

    /// The relation with its columns named and typed as in `schema`.
    fn cast_to(&self, relation: Relation, schema: &Schema) -> Result<Relation> {
        let columns = relation.expand(None)?;
        let mut items = Vec::new();
        for ((typed, _), field) in columns.into_iter().zip(&schema.fields) {
            let attribute = typed.time_attribute;
            let mut typed = self.cast(typed, &field.ty)?;
            typed.time_attribute = attribute;
            items.push((typed, field.name.clone()));
        }
        project(relation.plan, items)
    }

    pub(super) fn cast(&self, typed: TypedExpr, to: &SqlType) -> Result<TypedExpr> {
        cast(typed, to, CastMode::Implicit, self.expr.zone, self.expr.clock.clone())
    }
}

fn calls_current_watermark(expr: &ast::Expr) -> bool {
    let called = |call: &ast::Function| call.name.to_string().eq_ignore_ascii_case("CURRENT_WATERMARK");
    matches!(expr, ast::Expr::Function(call) if called(call))
}

fn filtered(input: &Relation, predicate: TypedExpr) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(input.plan.clone()).filter(predicate.expr).and_then(|b| b.build()).map_err(internal)
}

/// A projection; repeated names get a number behind them, as in Flink, and can't be named any more.
pub(super) fn project(plan: LogicalPlan, items: Vec<(TypedExpr, String)>) -> Result<Relation> {
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    let mut exprs = Vec::with_capacity(items.len());
    let mut fields = Vec::with_capacity(items.len());
    let mut written = Vec::with_capacity(items.len());
    let mut counts = HashMap::new();
    for (typed, wanted) in items {
        *counts.entry(wanted.clone()).or_insert(0usize) += 1;
        written.push(wanted.clone());
        let mut name = wanted.clone();
        let mut n = 0;
        while names.contains(&name) {
            name = format!("{wanted}{n}");
            n += 1;
        }
        exprs.push(typed.expr.alias(name.clone()));
        fields.push(Field::new(&name, typed.ty).with_time_attribute(typed.time_attribute));
        names.push(name);
    }
    let plan = LogicalPlanBuilder::from(plan).project(exprs).and_then(|b| b.build()).map_err(internal)?;
    let mut relation = Relation::new(plan, &Schema::new(fields));
    for (column, name) in relation.columns.iter_mut().zip(written) {
        column.shared = Some(name).filter(|name| counts.get(name).is_some_and(|count| *count > 1));
    }
    Ok(relation)
}

/// A column keeps its name, a field of a row its own; anything else is `EXPR$n`.
fn unnamed(expr: &ast::Expr, position: usize) -> String {
    match expr {
        ast::Expr::Identifier(ident) => ident.value.clone(),
        ast::Expr::CompoundIdentifier(parts) if !parts.is_empty() => parts[parts.len() - 1].value.clone(),
        _ => format!("EXPR${position}"),
    }
}

fn limit_of(query: &ast::Query) -> Result<(usize, Option<usize>)> {
    let number = |expr: &ast::Expr, clause: &str| -> Result<usize> {
        let ast::Expr::Value(value) = expr else {
            return Err(Error::statement(format!("{clause} takes a number")).at(Span::from_ast(expr.span())));
        };
        value.value.to_string().parse().map_err(|_| {
            Error::statement(format!("{clause} takes a number, not {}", value.value)).at(Span::from_ast(expr.span()))
        })
    };
    let (mut skip, mut fetch) = (0, None);
    match &query.limit_clause {
        Some(ast::LimitClause::LimitOffset { limit, offset, .. }) => {
            fetch = limit.as_ref().map(|e| number(e, "LIMIT")).transpose()?;
            skip = offset.as_ref().map(|o| number(&o.value, "OFFSET")).transpose()?.unwrap_or(0);
        }
        Some(other) => return Err(Error::unsupported(other)),
        None => {}
    }
    if let Some(clause) = &query.fetch {
        let rows = clause.quantity.as_ref().map(|e| number(e, "FETCH")).transpose()?;
        fetch = Some(rows.unwrap_or(1));
    }
    Ok((skip, fetch))
}

fn refuse_clauses(query: &ast::Query) -> Result<()> {
    let clause = match query {
        q if !q.locks.is_empty() => "FOR UPDATE",
        q if q.for_clause.is_some() => "FOR XML / JSON",
        q if q.settings.is_some() => "SETTINGS",
        q if q.format_clause.is_some() => "FORMAT",
        q if !q.pipe_operators.is_empty() => "|>",
        _ => return Ok(()),
    };
    Err(Error::unsupported(clause).at(Span::from_ast(query.span())))
}

fn refuse_select_clauses(select: &ast::Select) -> Result<()> {
    let span = |spanned: &dyn Fn() -> datafusion::sql::sqlparser::tokenizer::Span| Span::from_ast(spanned());
    if !matches!(select.distinct, None | Some(ast::Distinct::All | ast::Distinct::Distinct)) {
        return Err(Error::unsupported("SELECT DISTINCT ON").at(span(&|| select.span())));
    }
    if let Some(qualify) = &select.qualify {
        return Err(Error::unsupported("QUALIFY").at(Span::from_ast(qualify.span())));
    }
    let other = match select {
        s if s.top.is_some() => "TOP",
        s if s.into.is_some() => "SELECT INTO",
        s if !s.lateral_views.is_empty() => "LATERAL VIEW",
        s if s.prewhere.is_some() => "PREWHERE",
        s if !s.connect_by.is_empty() => "CONNECT BY",
        s if !s.cluster_by.is_empty() || !s.distribute_by.is_empty() || !s.sort_by.is_empty() => {
            "CLUSTER / DISTRIBUTE / SORT BY"
        }
        s if !s.named_window.is_empty() => "WINDOW",
        _ => return Ok(()),
    };
    Err(Error::unsupported(other).at(span(&|| select.span())))
}
