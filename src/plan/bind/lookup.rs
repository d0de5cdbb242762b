//! `JOIN table FOR SYSTEM_TIME AS OF proctime`: which part of the condition is the key, which the table can check,
//! and what is left.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column as DfColumn, TableReference};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{BinaryExpr, Expr, Extension, LogicalPlan, Operator};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::Spanned;

use super::Binder;
use super::expr::{bind_expr, bind_predicate};
use super::from::{alias_of, object_path};
use super::hints::LookupHint;
use super::relation::{Relation, RelationColumn, internal};
use crate::error::{Error, Result};
use crate::plan::nodes::LookupJoin;
use crate::plan::table::{PlannedTable, column};
use crate::span::Span;
use crate::sql::table_options;
use crate::types::TimeAttribute;

impl Binder<'_> {
    pub(super) fn lookup_join(&self, left: Relation, join: &ast::Join, _hints: &[LookupHint]) -> Result<Relation> {
        let span = Span::from_ast(join.relation.span());
        let ast::TableFactor::Table { name, version: Some(version), with_hints, .. } = &join.relation else {
            return Err(Error::unsupported("a join of two streams").with_hint(TAKES_PROCTIME).at(span));
        };
        let (constraint, outer) = match &join.join_operator {
            ast::JoinOperator::Join(c) | ast::JoinOperator::Inner(c) => (c, false),
            ast::JoinOperator::Left(c) | ast::JoinOperator::LeftOuter(c) => (c, true),
            _ => {
                return Err(
                    Error::statement("temporal table join currently only supports INNER JOIN and LEFT JOIN").at(span)
                );
            }
        };
        self.check_time(version, &left)?;
        let path = object_path(name)?;
        let table = Arc::new(self.table(&path, &table_options(with_hints))?);
        let alias = alias_of(&join.relation).unwrap_or_else(|| table.name.clone());
        if left.columns.iter().any(|c| c.qualifier.as_deref() == Some(alias.as_str())) {
            return Err(Error::statement(format!("\"{alias}\" stands twice in FROM"))
                .with_hint("Give one of them another alias.")
                .at(span));
        }
        let (connector, descriptor) = table.connector()?;
        let lookup = connector.lookup(descriptor).map_err(|e| table.in_text(e).at(span))?;
        if let Some(computed) =
            (0..table.columns.len()).find(|&i| table.columns[i] != column(&table.schema.fields[i].name))
        {
            return Err(Error::unsupported(format!(
                "a computed or converted column (\"{}\") in a table that is looked up",
                table.schema.fields[computed].name
            ))
            .at(span));
        }
        let reference = TableReference::bare(alias.clone());
        let joined = joined_relation(&left, &table, &alias, outer)?;
        let on = match constraint {
            ast::JoinConstraint::On(on) => bind_predicate(on, &joined, &self.expr, "ON")?.expr,
            ast::JoinConstraint::Using(names) => using(names, &left, &joined, &alias)?,
            _ => return Err(needs_key().at(span)),
        };
        let mut parts = Parts::split(on, &alias, &table)?;
        if parts.keys.is_empty() {
            return Err(needs_key().at(span));
        }
        let (pushed, kept): (Vec<Expr>, Vec<Expr>) =
            parts.right_only.drain(..).partition(|filter| lookup.supports_filter(&bare(filter.clone())));
        let condition = kept.into_iter().chain(parts.rest).reduce(|a, b| a.and(b));
        let (keys, key_columns) = parts.keys.into_iter().unzip();
        let schema = LookupJoin::schema_of(&left.plan, &table, &reference, outer).map_err(internal)?;
        let node = LookupJoin {
            input: left.plan,
            table,
            alias: reference,
            keys,
            key_columns,
            filters: pushed.into_iter().map(bare).collect(),
            condition,
            outer,
            schema,
        };
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
        Ok(Relation { plan, columns: joined.columns })
    }

    /// The AS OF expression must be a processing time attribute of the left side.
    fn check_time(&self, version: &ast::TableVersion, left: &Relation) -> Result<()> {
        let ast::TableVersion::ForSystemTimeAsOf(time) = version else {
            return Err(Error::unsupported("a table version other than FOR SYSTEM_TIME AS OF"));
        };
        let span = Span::from_ast(time.span());
        if !matches!(time, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)) {
            return Err(not_a_time_attribute().at(span));
        }
        let bound = bind_expr(time, left, &self.expr)?;
        match bound.time_attribute {
            Some(TimeAttribute::Proctime) => Ok(()),
            Some(TimeAttribute::Rowtime) => {
                Err(Error::unsupported("a temporal join by event time").with_hint(DECLARE_PROCTIME).at(span))
            }
            None => Err(not_a_time_attribute().at(span)),
        }
    }
}

/// For a join that is none of a table that is looked up.
pub(super) const TAKES_PROCTIME: &str = "A table that is looked up takes JOIN ... FOR SYSTEM_TIME AS OF a processing \
     time column, which the left table declares: `proctime AS PROCTIME()`.";

const DECLARE_PROCTIME: &str = "Declare a column `proctime AS PROCTIME()` in the left table and name it here.";

fn not_a_time_attribute() -> Error {
    Error::statement(
        "temporal table join currently only supports 'FOR SYSTEM_TIME AS OF' left table's time attribute field",
    )
    .with_hint(DECLARE_PROCTIME)
}

fn needs_key() -> Error {
    Error::statement("temporal table join requires an equality condition on fields of the table")
        .with_hint("Say ON left.column = table.column; both sides must have the same type.")
}

/// The left columns, then the table's under its alias.
fn joined_relation(left: &Relation, table: &PlannedTable, alias: &str, outer: bool) -> Result<Relation> {
    // Time attributes of the left side survive the join, as in Flink.
    let mut columns = left.columns.clone();
    for field in table.scan_schema().fields {
        let mut field = field;
        field.ty.nullable |= outer;
        columns.push(RelationColumn {
            qualifier: Some(alias.to_string()),
            column: DfColumn::new(Some(TableReference::bare(alias)), &field.name),
            field,
            shared: None,
        });
    }
    Ok(Relation { plan: left.plan.clone(), columns })
}

fn using(names: &[ast::ObjectName], left: &Relation, joined: &Relation, alias: &str) -> Result<Expr> {
    use super::expr::Scope;
    let mut all: Option<Expr> = None;
    for name in names {
        let [ast::ObjectNamePart::Identifier(ident)] = name.0.as_slice() else {
            return Err(Error::statement("USING takes column names").at(Span::from_ast(name.span())));
        };
        let (l, _) = left.resolve(std::slice::from_ref(ident))?;
        let (r, _) = joined.resolve(&[ast::Ident::new(alias), ident.clone()])?;
        if l.ty.kind != r.ty.kind {
            return Err(Error::statement(format!(
                "column \"{}\" is {} on the left and {} on the right",
                ident.value, l.ty.kind, r.ty.kind
            ))
            .at(Span::from_ast(ident.span)));
        }
        let equal = l.expr.eq(r.expr);
        all = Some(match all {
            Some(others) => others.and(equal),
            None => equal,
        });
    }
    all.ok_or_else(needs_key)
}

/// The conjuncts of a join condition by what can be done with them.
struct Parts {
    /// Left expression and the position of the table's column.
    keys: Vec<(Expr, usize)>,
    right_only: Vec<Expr>,
    rest: Vec<Expr>,
}

impl Parts {
    fn split(on: Expr, alias: &str, table: &PlannedTable) -> Result<Self> {
        let mut parts = Self { keys: Vec::new(), right_only: Vec::new(), rest: Vec::new() };
        let scan = table.scan_schema();
        let is_right = |c: &DfColumn| c.relation.as_ref().is_some_and(|r| r.table() == alias);
        let right_column = |e: &Expr| match e {
            Expr::Column(c) if is_right(c) => scan.index_of(&c.name),
            _ => None,
        };
        for conjunct in split_conjunction_owned(on) {
            let of_right = |e: &Expr| e.column_refs().into_iter().any(is_right);
            if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = &conjunct {
                let key = match (right_column(left), right_column(right)) {
                    (None, Some(i)) if !of_right(left) => Some((left.as_ref().clone(), i)),
                    (Some(i), None) if !of_right(right) => Some((right.as_ref().clone(), i)),
                    _ => None,
                };
                if let Some((key, i)) = key {
                    match parts.keys.iter().any(|(_, known)| *known == i) {
                        // A second key for one column is one more condition.
                        true => parts.rest.push(conjunct),
                        false => parts.keys.push((key, i)),
                    }
                    continue;
                }
            }
            let refs = conjunct.column_refs();
            match refs.iter().all(|c| is_right(c)) && !refs.is_empty() && !conjunct.is_volatile() {
                true => parts.right_only.push(conjunct),
                false => parts.rest.push(conjunct),
            }
        }
        Ok(parts)
    }
}

/// The expression with bare column names: over the table's scan schema.
fn bare(expr: Expr) -> Expr {
    let moved = expr.clone().transform(|e| {
        Ok(match e {
            Expr::Column(c) => Transformed::yes(Expr::Column(DfColumn::new_unqualified(c.name))),
            other => Transformed::no(other),
        })
    });
    moved.map_or(expr, |t| t.data)
}
