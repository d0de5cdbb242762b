//! A rule for physical plans: AND and OR decide row by row what is computed on their right, as they do on streams.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use crate::plan::lower::guard;

/// Of filters and projections: nothing else in a batch plan computes. Must come before rules that rewrite them.
#[derive(Debug)]
pub struct Guard;

impl PhysicalOptimizerRule for Guard {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let guarded = plan.transform_up(|node| {
            if let Some(filter) = node.downcast_ref::<FilterExec>() {
                let predicate = guard(filter.predicate().clone())?;
                let built = FilterExecBuilder::new(predicate, filter.input().clone());
                return Ok(Transformed::yes(Arc::new(built.with_batch_size(filter.batch_size()).build()?) as _));
            }
            if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
                let of = |item: &ProjectionExpr| Ok((guard(item.expr.clone())?, item.alias.clone()));
                let exprs = projection.expr().iter().map(of).collect::<Result<Vec<_>>>()?;
                let built = ProjectionExec::try_new(exprs, projection.input().clone())?;
                return Ok(Transformed::yes(Arc::new(built) as _));
            }
            Ok(Transformed::no(node))
        });
        guarded.map(|guarded| guarded.data)
    }

    fn name(&self) -> &str {
        "Guard"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
