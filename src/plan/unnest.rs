//! The logical node of `CROSS JOIN UNNEST(array)`: every row once per element of a collection that it has.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::common::{DFSchema, DFSchemaRef, Result as DfResult, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::text::expression;
use crate::types::Schema;

/// What comes out: the columns of the input, those of an element, where it is wanted its number.
#[derive(Debug, Clone)]
pub struct Unnest {
    pub input: LogicalPlan,
    pub collection: Expr,
    pub multiset: bool,
    /// LEFT JOIN.
    pub outer: bool,
    pub ordinality: bool,
    /// The columns of an element and its number, under this alias.
    pub elements: Schema,
    pub alias: Option<TableReference>,
    pub schema: DFSchemaRef,
}

impl Unnest {
    /// The schema over an input, which may have fewer columns than the node's own.
    pub fn schema_of(input: &DFSchema, elements: &Schema, alias: Option<&TableReference>) -> DfResult<DFSchemaRef> {
        let arrow = elements.arrow();
        let added = match alias {
            Some(alias) => DFSchema::try_from_qualified_schema(alias.clone(), &arrow)?,
            None => DFSchema::try_from(arrow)?,
        };
        Ok(Arc::new(input.join(&added)?))
    }

    /// `unnest=[tags], joinType=[inner]`
    pub fn describe(&self) -> String {
        let join = if self.outer { "LeftOuterJoin" } else { "InnerJoin" };
        let ordinality = if self.ordinality { ", withOrdinality" } else { "" };
        format!("unnest=[{}], joinType={join}{ordinality}", expression(&self.collection, self.input.schema()))
    }

    fn identity(&self) -> (&LogicalPlan, &Expr, bool, bool, &DFSchemaRef) {
        (&self.input, &self.collection, self.outer, self.ordinality, &self.schema)
    }
}

impl PartialEq for Unnest {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Unnest {}

impl std::hash::Hash for Unnest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl PartialOrd for Unnest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (&self.input, &self.collection).partial_cmp(&(&other.input, &other.collection))
    }
}

impl UserDefinedLogicalNodeCore for Unnest {
    fn name(&self) -> &str {
        "Unnest"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![self.collection.clone()]
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.elements.names().map(str::to_string).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unnest: {}", self.describe())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(collection), Some(input)) = (exprs.into_iter().next(), inputs.into_iter().next()) else {
            return datafusion::common::internal_err!("UNNEST needs rows and a collection");
        };
        let schema = Self::schema_of(input.schema(), &self.elements, self.alias.as_ref())?;
        Ok(Self { input, collection, schema, ..self.clone() })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let input = self.input.schema();
        let mut needed: Vec<usize> = output_columns.iter().copied().filter(|i| *i < input.fields().len()).collect();
        needed.extend(self.collection.column_refs().into_iter().filter_map(|c| input.maybe_index_of_column(c)));
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}
