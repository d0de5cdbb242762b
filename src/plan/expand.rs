//! The logical node below a grouping by several sets: every row once per set, with NULL for the keys the set leaves out.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{DFSchema, DFSchemaRef, Result as DfResult};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::text::expression;

/// What comes out: the columns of the input, a column per key, and which set the row is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expand {
    pub input: LogicalPlan,
    pub keys: Vec<Expr>,
    /// The names of the columns that hold the keys.
    pub names: Vec<String>,
    /// The name of the column that numbers the sets.
    pub set_name: String,
    /// Which keys each set has.
    pub sets: Vec<Vec<bool>>,
    pub schema: DFSchemaRef,
}

impl Expand {
    pub fn try_new(
        input: LogicalPlan,
        keys: Vec<Expr>,
        names: Vec<String>,
        set_name: String,
        sets: Vec<Vec<bool>>,
    ) -> DfResult<Self> {
        let schema = Self::schema_of(input.schema(), &keys, &names, &set_name)?;
        Ok(Self { input, keys, names, set_name, sets, schema })
    }

    /// The schema over an input, which may have fewer columns than the node's own.
    pub fn schema_of(input: &DFSchemaRef, keys: &[Expr], names: &[String], set_name: &str) -> DfResult<DFSchemaRef> {
        use datafusion::logical_expr::ExprSchemable;
        let key = |(key, name): (&Expr, &String)| Ok(Field::new(name, key.get_type(input)?, true));
        let mut fields = keys.iter().zip(names).map(key).collect::<DfResult<Vec<_>>>()?;
        fields.push(Field::new(set_name, DataType::Int64, false));
        Ok(Arc::new(input.join(&DFSchema::try_from(Schema::new(fields))?)?))
    }

    /// `sets=[{shop, item}, {shop}, {}]`
    pub fn describe(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(|key| expression(key, self.input.schema())).collect();
        let set = |set: &Vec<bool>| {
            let kept = keys.iter().zip(set).filter(|(_, kept)| **kept).map(|(key, _)| key.as_str());
            format!("{{{}}}", kept.collect::<Vec<_>>().join(", "))
        };
        format!("sets=[{}]", self.sets.iter().map(set).collect::<Vec<_>>().join(", "))
    }
}

impl PartialOrd for Expand {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (&self.input, &self.keys, &self.sets).partial_cmp(&(&other.input, &other.keys, &other.sets))
    }
}

impl UserDefinedLogicalNodeCore for Expand {
    fn name(&self) -> &str {
        "Expand"
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

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expand: {}", self.describe())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let Some(input) = inputs.into_iter().next() else {
            return datafusion::common::internal_err!("grouping sets need their input");
        };
        Self::try_new(input, exprs, self.names.clone(), self.set_name.clone(), self.sets.clone())
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let input = self.input.schema();
        let mut needed: Vec<usize> = output_columns.iter().copied().filter(|i| *i < input.fields().len()).collect();
        let columns = self.keys.iter().flat_map(|key| key.column_refs());
        needed.extend(columns.filter_map(|column| input.maybe_index_of_column(column)));
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}
