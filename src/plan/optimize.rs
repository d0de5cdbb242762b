//! DataFusion's optimizer, by an allow list: only rules that mean the same on a stream.
//!
//! * `SimplifyExpressions`: constants are folded; time functions are volatile and stay.
//! * `PushDownFilter`: filters meet rows as early as a watermark allows (the source evaluates them behind it).
//! * `OptimizeProjections`: only needed columns are decoded.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::optimizer::optimize_projections::OptimizeProjections;
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::{AnalyzerRule, Optimizer, OptimizerContext, OptimizerRule};

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
    let optimized = Optimizer::with_rules(rules).optimize(plan, &context, |_, _| {});
    optimized.map_err(|e| Error::from_datafusion(ErrorKind::Statement, e))
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
