//! Where window columns come from: a column of a plan, followed down to the window function that made it.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};
use std::sync::Arc;

use super::aggregate::Aggregate;
use super::current_watermark::CurrentWatermark;
use super::expand::Expand;
use super::nodes::LookupJoin;
use super::unnest::Unnest;
use super::window::{WindowSpec, WindowTable};
use crate::operators::WindowPart;

/// A column that holds what a window function made.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowColumn {
    pub part: WindowPart,
    pub spec: WindowSpec,
}

/// What a column of a plan was at the window function below: one of the function's own columns, or one of its input's.
enum Origin {
    Window(WindowColumn),
    Input(usize),
}

/// The window column that `expr` over the columns of `plan` is, under whatever name.
pub fn window_column(plan: &LogicalPlan, expr: &Expr) -> Option<WindowColumn> {
    match origin(plan, plan.schema().maybe_index_of_column(column(expr)?)?)? {
        Origin::Window(column) => Some(column),
        Origin::Input(..) => None,
    }
}

/// Where a column that `expr` is stands in the input of the window function below `plan`.
pub fn column_below_window(plan: &LogicalPlan, expr: &Expr) -> Option<usize> {
    match origin(plan, plan.schema().maybe_index_of_column(column(expr)?)?)? {
        Origin::Input(at) => Some(at),
        Origin::Window(_) => None,
    }
}

fn column(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Alias(alias) => column(&alias.expr),
        Expr::Column(column) => Some(column),
        _ => None,
    }
}

fn origin(plan: &LogicalPlan, at: usize) -> Option<Origin> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let column = column(projection.expr.get(at)?)?;
            origin(&projection.input, projection.input.schema().maybe_index_of_column(column)?)
        }
        LogicalPlan::Filter(filter) => origin(&filter.input, at),
        LogicalPlan::SubqueryAlias(alias) => origin(&alias.input, at),
        LogicalPlan::Union(union) => {
            let mut all = union.inputs.iter().map(|input| match origin(input, at)? {
                Origin::Window(column) => Some(column),
                Origin::Input(..) => None,
            });
            let first = all.next()??;
            all.all(|column| column.as_ref() == Some(&first)).then_some(Origin::Window(first))
        }
        LogicalPlan::Extension(extension) => {
            let node = extension.node.as_any();
            if let Some(table) = node.downcast_ref::<WindowTable>() {
                return Some(match table.part(at) {
                    Some(part) => Origin::Window(WindowColumn { part, spec: table.spec.clone() }),
                    None => Origin::Input(at),
                });
            }
            if let Some(input) = widened(plan) {
                return (at < input.schema().fields().len()).then(|| origin(input, at)).flatten();
            }
            let aggregate = node.downcast_ref::<Aggregate>().filter(|aggregate| aggregate.window.is_some())?;
            window_column(&aggregate.input, aggregate.keys.get(at)?).map(Origin::Window)
        }
        _ => None,
    }
}

/// The input of a node that hands on its columns and adds some behind them.
fn widened(plan: &LogicalPlan) -> Option<&LogicalPlan> {
    let LogicalPlan::Extension(extension) = plan else { return None };
    let node = extension.node.as_any();
    let join = node.downcast_ref::<LookupJoin>().map(|join| &join.input);
    let expand = || node.downcast_ref::<Expand>().map(|expand| &expand.input);
    let unnest = || node.downcast_ref::<Unnest>().map(|unnest| &unnest.input);
    join.or_else(expand).or_else(unnest).or_else(|| node.downcast_ref::<CurrentWatermark>().map(|node| &node.input))
}

/// The window function right below `plan`, through what leaves rows as they are.
pub fn window_table(plan: &LogicalPlan) -> Option<&WindowTable> {
    match plan {
        LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) => {
            window_table(plan.inputs().first()?)
        }
        LogicalPlan::Extension(extension) => match widened(plan) {
            Some(input) => window_table(input),
            None => extension.node.as_any().downcast_ref::<WindowTable>(),
        },
        _ => None,
    }
}

/// The plan with slices instead of windows, where nothing on the way from the window function looks at its columns.
pub fn with_slices(plan: &LogicalPlan) -> Option<LogicalPlan> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let input = &projection.input;
            let plain = projection.expr.iter().all(|expr| column(expr).is_some() || !uses_window(expr, input));
            plain.then(|| rebuilt(plan, with_slices(input)?)).flatten()
        }
        LogicalPlan::Filter(filter) => (!uses_window(&filter.predicate, &filter.input))
            .then(|| rebuilt(plan, with_slices(&filter.input)?))
            .flatten(),
        LogicalPlan::SubqueryAlias(alias) => rebuilt(plan, with_slices(&alias.input)?),
        LogicalPlan::Extension(extension) => {
            let node = extension.node.as_any();
            if let Some(join) = node.downcast_ref::<LookupJoin>() {
                let mut exprs = join.keys.iter().chain(&join.condition);
                let plain = !exprs.any(|expr| uses_window(expr, &join.input));
                return plain.then(|| rebuilt(plan, with_slices(&join.input)?)).flatten();
            }
            if let Some(expand) = node.downcast_ref::<Expand>() {
                let plain = !expand.keys.iter().any(|key| uses_window(key, &expand.input));
                return plain.then(|| rebuilt(plan, with_slices(&expand.input)?)).flatten();
            }
            if let Some(unnest) = node.downcast_ref::<Unnest>() {
                let plain = !uses_window(&unnest.collection, &unnest.input);
                return plain.then(|| rebuilt(plan, with_slices(&unnest.input)?)).flatten();
            }
            if let Some(node) = node.downcast_ref::<CurrentWatermark>() {
                return rebuilt(plan, with_slices(&node.input)?);
            }
            let table = node.downcast_ref::<WindowTable>()?;
            let table = WindowTable { slices: true, ..table.clone() };
            Some(LogicalPlan::Extension(Extension { node: Arc::new(table) }))
        }
        _ => None,
    }
}

fn rebuilt(plan: &LogicalPlan, input: LogicalPlan) -> Option<LogicalPlan> {
    plan.with_new_exprs(plan.expressions(), vec![input]).ok()
}

/// True where an expression over `input` looks at a window column.
pub fn uses_window(expr: &Expr, input: &LogicalPlan) -> bool {
    let schema: &DFSchema = input.schema();
    let mut found = false;
    let visited = expr.apply(|part| {
        if let Expr::Column(column) = part {
            let at = schema.maybe_index_of_column(column);
            found |= at.is_some_and(|at| matches!(origin(input, at), Some(Origin::Window(_))));
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    debug_assert!(visited.is_ok(), "visiting fails only where the visitor does");
    found
}
