//! The logical node of a grouping: a key, and calls of aggregate functions over the rows of each key.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::{DFSchema, DFSchemaRef, Result as DfResult};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::text::expression;
use crate::functions::Signature;
use crate::functions::aggregate::AggregateFunction;
use crate::types::Schema;

/// `SUM(DISTINCT usage) FILTER (WHERE ...)` over the columns of the input.
#[derive(Debug, Clone)]
pub struct BoundCall {
    pub function: Arc<dyn AggregateFunction>,
    pub types: Signature,
    pub arguments: Vec<Expr>,
    pub distinct: bool,
    pub filter: Option<Expr>,
}

impl BoundCall {
    fn identity(&self) -> (&str, &Vec<Expr>, bool, &Option<Expr>) {
        (self.function.name(), &self.arguments, self.distinct, &self.filter)
    }

    /// `COUNT(DISTINCT host) FILTER (WHERE cpu = 'cpu0')`, for people.
    pub fn describe(&self, schema: &DFSchema) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(|argument| expression(argument, schema)).collect();
        let arguments = if arguments.is_empty() { "*".to_string() } else { arguments.join(", ") };
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let filter = self.filter.as_ref().map(|f| format!(" FILTER (WHERE {})", expression(f, schema)));
        format!("{}({distinct}{arguments}){}", self.function.name(), filter.unwrap_or_default())
    }
}

impl PartialEq for BoundCall {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for BoundCall {}

impl Hash for BoundCall {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialOrd for BoundCall {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.identity().partial_cmp(&other.identity())
    }
}

/// `GROUP BY keys`: what comes out is the keys, then the results of the calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Aggregate {
    pub input: LogicalPlan,
    pub keys: Vec<Expr>,
    pub calls: Vec<BoundCall>,
    pub schema: DFSchemaRef,
}

impl Aggregate {
    /// `schema` names and types the keys, then the results.
    pub fn try_new(input: LogicalPlan, keys: Vec<Expr>, calls: Vec<BoundCall>, schema: &Schema) -> DfResult<Self> {
        let schema = Arc::new(DFSchema::try_from(schema.arrow())?);
        Ok(Self { input, keys, calls, schema })
    }

    /// `groupBy=[hostname], select=[hostname, COUNT(*) AS agg0]`
    pub fn describe(&self) -> String {
        let input = self.input.schema();
        let keys: Vec<String> = self.keys.iter().map(|key| expression(key, input)).collect();
        let calls: Vec<String> = self.calls.iter().map(|call| call.describe(input)).collect();
        let by = if keys.is_empty() { String::new() } else { format!("groupBy=[{}], ", keys.join(", ")) };
        format!("{by}select=[{}]", keys.into_iter().chain(calls).collect::<Vec<_>>().join(", "))
    }
}

impl PartialOrd for Aggregate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (&self.input, &self.keys, &self.calls).partial_cmp(&(&other.input, &other.keys, &other.calls))
    }
}

impl UserDefinedLogicalNodeCore for Aggregate {
    fn name(&self) -> &str {
        "GroupAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let calls = self.calls.iter().flat_map(|call| call.arguments.iter().chain(&call.filter));
        self.keys.iter().chain(calls).cloned().collect()
    }

    /// HAVING stays above: results and keys have names of their own.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupAggregate: {}", self.describe())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let Some(input) = inputs.into_iter().next() else {
            return datafusion::common::internal_err!("a grouping needs its input");
        };
        let mut exprs = exprs.into_iter();
        let keys = exprs.by_ref().take(self.keys.len()).collect();
        let of = |call: &BoundCall| BoundCall {
            arguments: exprs.by_ref().take(call.arguments.len()).collect(),
            filter: call.filter.as_ref().and_then(|_| exprs.next()),
            ..call.clone()
        };
        let calls = self.calls.iter().map(of).collect();
        Ok(Self { input, keys, calls, schema: self.schema.clone() })
    }

    fn necessary_children_exprs(&self, _output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let input = self.input.schema();
        let exprs = self.expressions();
        let columns = exprs.iter().flat_map(|expr| expr.column_refs());
        let mut needed: Vec<usize> = columns.filter_map(|c| input.maybe_index_of_column(c)).collect();
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}
