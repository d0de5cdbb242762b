//! Which tables a plan reads, looks up and writes.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::LogicalPlan;

use super::nodes::{LookupJoin, StreamTableSource};
use super::table::PlannedTable;
use crate::connectors::TableUse;

/// The tables that a query reads and looks up, in the plan's order.
pub fn table_uses(plan: &LogicalPlan) -> Vec<(Arc<PlannedTable>, TableUse)> {
    let mut uses = Vec::new();
    let visited = plan.apply(|node| {
        match node {
            LogicalPlan::TableScan(scan) => {
                if let Some(source) = scan.source.downcast_ref::<StreamTableSource>() {
                    uses.push((source.table.clone(), TableUse::Read));
                }
            }
            LogicalPlan::Extension(extension) => {
                if let Some(join) = extension.node.as_any().downcast_ref::<LookupJoin>() {
                    uses.push((join.table.clone(), TableUse::LookedUp));
                }
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "visiting fails only where the visitor does");
    uses
}
