//! ORDER BY of a batch query: by columns of the result, by their positions, or by what is not selected.

use datafusion::logical_expr::{Expr, LogicalPlanBuilder, SortExpr};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::Spanned;

use super::expr::{ExprContext, Scope, bind_expr};
use super::query::project;
use super::relation::{Relation, internal};
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::span::Span;

/// The clause, and how many of the first rows are needed.
pub(super) struct Order<'a> {
    exprs: &'a [ast::OrderByExpr],
    fetch: Option<usize>,
}

/// By which columns of a projection its rows are sorted; those from `width` on are for that alone.
pub(super) struct SortKeys {
    columns: Vec<(usize, ast::OrderByOptions)>,
    width: usize,
}

const OF_DISTINCT: &str = "SELECT DISTINCT can only be ordered by what is selected.";

/// Columns with their names.
type Items = Vec<(TypedExpr, String)>;

impl<'a> Order<'a> {
    pub(super) fn new(order_by: &'a ast::OrderBy, fetch: Option<usize>) -> Result<Self> {
        match &order_by.kind {
            ast::OrderByKind::Expressions(exprs) if order_by.interpolate.is_none() => Ok(Self { exprs, fetch }),
            _ => Err(Error::unsupported(order_by).at(Span::from_ast(order_by.span()))),
        }
    }

    /// The items of a SELECT with what else is sorted by behind them.
    pub(super) fn keys(&self, mut items: Items, scope: &dyn Scope, cx: &ExprContext) -> Result<(Items, SortKeys)> {
        let width = items.len();
        let mut columns = Vec::with_capacity(self.exprs.len());
        for by in self.exprs {
            let span = Span::from_ast(by.expr.span());
            if let Some(fill) = &by.with_fill {
                return Err(Error::unsupported(fill).at(span));
            }
            let column = match &by.expr {
                ast::Expr::Value(value) => match value.value.to_string().parse::<usize>() {
                    Ok(position) if (1..=width).contains(&position) => position - 1,
                    _ => return Err(Error::statement("ORDER BY takes the position of a selected column").at(span)),
                },
                ast::Expr::Identifier(name) if items[..width].iter().any(|(_, item)| *item == name.value) => {
                    items.iter().position(|(_, item)| *item == name.value).unwrap_or_default()
                }
                expr => {
                    let typed = bind_expr(expr, scope, cx).map_err(|error| error.at(span))?;
                    match items.iter().position(|(item, _)| item.expr == typed.expr) {
                        Some(known) => known,
                        None => {
                            items.push((typed, format!("$order{}", items.len())));
                            items.len() - 1
                        }
                    }
                }
            };
            columns.push((column, by.options));
        }
        Ok((items, SortKeys { columns, width }))
    }

    /// The rows of a projection in order, without what they were only sorted by. NULL is lower than any value.
    pub(super) fn sort(&self, selected: Relation, keys: SortKeys) -> Result<Relation> {
        let column = |at: usize| Expr::Column(selected.columns[at].column.clone());
        let by = keys.columns.iter().map(|(at, options)| {
            let asc = options.asc.unwrap_or(true);
            SortExpr::new(column(*at), asc, options.nulls_first.unwrap_or(asc))
        });
        let sorted = LogicalPlanBuilder::from(selected.plan.clone()).sort_with_limit(by, self.fetch);
        let mut schema = selected.schema();
        schema.fields.truncate(keys.width);
        let plan = match keys.width == selected.columns.len() {
            true => sorted,
            false => sorted.and_then(|sorted| sorted.project((0..keys.width).map(column))),
        };
        let plan = plan.and_then(LogicalPlanBuilder::build).map_err(internal)?;
        Ok(Relation::new(plan, &schema).with_shared_names(&selected.columns))
    }

    /// The rows of a whole query in order. `distinct`: they can only be sorted by what is selected.
    pub(super) fn rows(&self, rows: Relation, distinct: bool, cx: &ExprContext) -> Result<Relation> {
        let keys = self.keys(rows.expand(None)?, &rows, cx);
        let (items, keys) = keys.map_err(|error| match distinct {
            true => error.with_hint(OF_DISTINCT),
            false => error,
        })?;
        if distinct && items.len() > keys.width {
            let span = self.exprs.first().and_then(|by| Span::from_ast(by.expr.span()));
            return Err(Error::statement("ORDER BY an expression that is not selected")
                .with_hint(OF_DISTINCT)
                .at(span));
        }
        let shared = rows.columns.clone();
        Ok(self.sort(project(rows.plan, items)?, keys)?.with_shared_names(&shared))
    }
}
