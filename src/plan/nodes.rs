//! Logical nodes that DataFusion does not have: the source of a declared table, the lookup join, the sink.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchema, DFSchemaRef, Result as DfResult, TableReference};
use datafusion::logical_expr::{
    Expr, LogicalPlan, TableProviderFilterPushDown, TableSource, TableType, UserDefinedLogicalNodeCore,
};

use super::table::PlannedTable;
use super::text::{bare_expression, expression};

/// A declared table as DataFusion's planner sees it: all declared columns, computed ones included.
///
/// It takes every deterministic filter: the source evaluates it behind the watermark (design: decode, watermark,
/// filter).
#[derive(Debug)]
pub struct StreamTableSource {
    pub table: Arc<PlannedTable>,
    schema: SchemaRef,
}

impl StreamTableSource {
    pub fn new(table: Arc<PlannedTable>) -> Self {
        let schema = table.schema.arrow();
        Self { table, schema }
    }
}

impl TableSource for StreamTableSource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        let of = |filter: &&Expr| match filter.is_volatile() {
            true => TableProviderFilterPushDown::Unsupported,
            false => TableProviderFilterPushDown::Exact,
        };
        Ok(filters.iter().map(of).collect())
    }
}

/// `input JOIN table FOR SYSTEM_TIME AS OF input.proctime`
#[derive(Clone)]
pub struct LookupJoin {
    pub input: LogicalPlan,
    pub table: Arc<PlannedTable>,
    pub alias: TableReference,
    /// Over the input; types as the table's columns.
    pub keys: Vec<Expr>,
    /// Positions in the table's scan schema, one per key.
    pub key_columns: Vec<usize>,
    /// Over the table's scan schema by bare names: what the table itself can check.
    pub filters: Vec<Expr>,
    /// What else must be true, over this node's schema.
    pub condition: Option<Expr>,
    /// LEFT JOIN.
    pub outer: bool,
    pub schema: DFSchemaRef,
}

impl LookupJoin {
    /// The schema: the input's columns, then the table's under its alias.
    pub fn schema_of(
        input: &LogicalPlan,
        table: &PlannedTable,
        alias: &TableReference,
        outer: bool,
    ) -> DfResult<DFSchemaRef> {
        let mut right = table.scan_schema();
        if outer {
            right.fields.iter_mut().for_each(|f| f.ty.nullable = true);
        }
        let right = DFSchema::try_from_qualified_schema(alias.clone(), &right.arrow())?;
        Ok(Arc::new(input.schema().join(&right)?))
    }

    fn identity(&self) -> (&LogicalPlan, &str, &Vec<Expr>, &Vec<usize>, &Vec<Expr>, &Option<Expr>, bool) {
        (&self.input, &self.table.name, &self.keys, &self.key_columns, &self.filters, &self.condition, self.outer)
    }

    /// `lookup=[hostname = hostname], where=[...]`, for people.
    pub fn describe(&self) -> String {
        let scan = self.table.scan_schema();
        let keys: Vec<String> = self
            .key_columns
            .iter()
            .zip(&self.keys)
            .map(|(&i, key)| format!("{} = {}", scan.fields[i].name, expression(key, self.input.schema())))
            .collect();
        let mut text = format!("table={}, ", self.table.name);
        text += if self.outer { "joinType=LeftOuterJoin" } else { "joinType=InnerJoin" };
        text += &format!(", lookup=[{}]", keys.join(", "));
        if !self.filters.is_empty() {
            let filters: Vec<String> = self.filters.iter().map(bare_expression).collect();
            text += &format!(", pushed=[{}]", filters.join(" AND "));
        }
        if let Some(condition) = &self.condition {
            text += &format!(", where=[{}]", expression(condition, &self.schema));
        }
        text
    }
}

impl fmt::Debug for LookupJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LookupJoin: {}", self.describe())
    }
}

impl PartialEq for LookupJoin {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for LookupJoin {}

impl Hash for LookupJoin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialOrd for LookupJoin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.identity().partial_cmp(&other.identity())
    }
}

impl UserDefinedLogicalNodeCore for LookupJoin {
    fn name(&self) -> &str {
        "LookupJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.clone()
    }

    /// A filter on the input's columns alone may go below: an outer join keeps those rows as they are.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.table.scan_schema().names().map(str::to_string).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LookupJoin: {}", self.describe())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let Some(input) = inputs.into_iter().next() else {
            return datafusion::common::internal_err!("a lookup join needs its input");
        };
        let schema = Self::schema_of(&input, &self.table, &self.alias, self.outer)?;
        Ok(Self { input, keys: exprs, schema, ..self.clone() })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let input = self.input.schema();
        let mut needed: Vec<usize> = output_columns.iter().copied().filter(|i| *i < input.fields().len()).collect();
        for expr in self.keys.iter().chain(&self.condition) {
            needed.extend(expr.column_refs().into_iter().filter_map(|c| input.maybe_index_of_column(c)));
        }
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}

/// Where a query's rows go.
#[derive(Clone)]
pub struct Sink {
    pub input: LogicalPlan,
    pub table: String,
}

impl Sink {
    fn identity(&self) -> (&LogicalPlan, &str) {
        (&self.input, &self.table)
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sink: {}", self.table)
    }
}

impl PartialEq for Sink {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Sink {}

impl Hash for Sink {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialOrd for Sink {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.identity().partial_cmp(&other.identity())
    }
}

impl UserDefinedLogicalNodeCore for Sink {
    fn name(&self) -> &str {
        "Sink"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sink: table={}", self.table)
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let Some(input) = inputs.into_iter().next() else {
            return datafusion::common::internal_err!("a sink needs its input");
        };
        Ok(Self { input, table: self.table.clone() })
    }
}
