//! DataFusion's optimizer, by an allow list: only rules that mean the same on a stream.
//!
//! * `SimplifyExpressions`: constants are folded; time functions are volatile and stay.
//! * `PushDownFilter`: filters meet rows as early as a watermark allows (the source evaluates them behind it).
//! * Ours: what a filter asks of the left side alone is asked before a table is looked up.
//! * `OptimizeProjections`: only needed columns are decoded.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Extension, Filter, LogicalPlan};
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::{AnalyzerRule, Optimizer, OptimizerContext, OptimizerRule};

use super::nodes::LookupJoin;
use crate::error::{Error, ErrorKind, Result};

/// The plan with the allowed rules applied, after a check that every cast is already there.
pub fn optimize(plan: LogicalPlan) -> Result<LogicalPlan> {
    check_casts(&plan)?;
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(SimplifyExpressions::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(OptimizeProjections::new()),
        Arc::new(SimplifyExpressions::new()),
    ];
    let context = OptimizerContext::new().with_max_passes(2);
    let plan = filter_before_lookup(plan)?;
    let optimized = Optimizer::with_rules(rules).optimize(plan, &context, |_, _| {});
    optimized.map_err(|e| Error::from_datafusion(ErrorKind::Statement, e))
}

/// DataFusion's own pushdown goes by bare names here, and a key has the same name on both sides as a rule.
fn filter_before_lookup(plan: LogicalPlan) -> Result<LogicalPlan> {
    let pushed = plan.transform_down(|node| {
        let LogicalPlan::Filter(filter) = &node else { return Ok(Transformed::no(node)) };
        let LogicalPlan::Extension(extension) = filter.input.as_ref() else { return Ok(Transformed::no(node)) };
        let Some(join) = extension.node.as_any().downcast_ref::<LookupJoin>() else {
            return Ok(Transformed::no(node));
        };
        let of_left = |expr: &Expr| {
            let columns = expr.column_refs();
            let left = columns.iter().all(|c| join.input.schema().has_column(c));
            left && !columns.is_empty() && !expr.is_volatile()
        };
        let (below, kept): (Vec<Expr>, Vec<Expr>) =
            split_conjunction_owned(filter.predicate.clone()).into_iter().partition(of_left);
        let Some(below) = conjunction(below) else { return Ok(Transformed::no(node)) };
        let input = LogicalPlan::Filter(Filter::try_new(below, Arc::new(join.input.clone()))?);
        let join = LogicalPlan::Extension(Extension { node: Arc::new(LookupJoin { input, ..join.clone() }) });
        Ok(Transformed::yes(match conjunction(kept) {
            Some(kept) => LogicalPlan::Filter(Filter::try_new(kept, Arc::new(join))?),
            None => join,
        }))
    });
    pushed.map(|t| t.data).map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))
}

/// DataFusion's type coercion has other rules than Flink: it must find nothing to do.
fn check_casts(plan: &LogicalPlan) -> Result<()> {
    let coerced = TypeCoercion::new().analyze(plan.clone(), &ConfigOptions::default());
    let coerced = coerced.map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))?;
    let (ours, theirs) = (plan.display_indent().to_string(), coerced.display_indent().to_string());
    if ours != theirs {
        return Err(
            Error::internal("a cast is missing in a bound plan").with_detail(format!("{ours}\nbecomes\n{theirs}"))
        );
    }
    Ok(())
}
