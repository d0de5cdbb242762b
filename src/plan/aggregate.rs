//! The logical node of a grouping: a key, and calls of aggregate functions over the rows of each key.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::{DFSchema, DFSchemaRef, Result as DfResult};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::text::expression;
use super::window::WindowSpec;
use super::window_columns::{column_below_window, uses_window, window_column, window_table, with_slices};
use crate::functions::Signature;
use crate::functions::aggregate::AggregateFunction;
use crate::operators::{WindowKind, WindowPart};
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

/// The window that a grouping is by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AggregateWindow {
    pub spec: WindowSpec,
    /// Which keys are columns of the window.
    pub parts: Vec<Option<WindowPart>>,
    /// The input has slices, of which windows are put together.
    pub sliced: bool,
    /// `GROUP BY TUMBLE(...)`
    pub of_group: bool,
}

/// `GROUP BY keys`: what comes out is the keys, then the results of the calls.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Aggregate {
    pub input: LogicalPlan,
    pub keys: Vec<Expr>,
    pub calls: Vec<BoundCall>,
    /// After so long without a row a group is forgotten.
    pub ttl: Option<Duration>,
    /// Results come once, when their window is over.
    pub window: Option<AggregateWindow>,
    pub schema: DFSchemaRef,
}

impl Aggregate {
    /// `schema` names and types the keys, then the results.
    pub fn try_new(input: LogicalPlan, keys: Vec<Expr>, calls: Vec<BoundCall>, schema: &Schema) -> DfResult<Self> {
        let schema = Arc::new(DFSchema::try_from(schema.arrow())?);
        let window = AggregateWindow::of(&input, &keys);
        Ok(Self { input, keys, calls, ttl: None, window, schema }.with_slices())
    }

    /// The state of windows ends by itself.
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        Self { ttl: ttl.filter(|_| self.window.is_none()), ..self }
    }

    /// With slices as input, where nothing but the window itself looks at its columns.
    fn with_slices(mut self) -> Self {
        let Some(window) = &mut self.window else { return self };
        let calls = self.calls.iter().flat_map(|call| call.arguments.iter().chain(&call.filter));
        let keys = self.keys.iter().zip(&window.parts).filter(|(_, part)| part.is_none()).map(|(key, _)| key);
        let fits = window.spec.has_slices() && !calls.chain(keys).any(|expr| uses_window(expr, &self.input));
        if let Some(input) = fits.then(|| with_slices(&self.input)).flatten() {
            window.sliced = true;
            self.input = input;
        }
        self
    }

    /// `groupBy=[hostname], window=[TUMBLE(size=[30 s])], select=[hostname, COUNT(*)]`
    pub fn describe(&self) -> String {
        let input = self.input.schema();
        let keys: Vec<String> = self.keys.iter().map(|key| expression(key, input)).collect();
        let calls: Vec<String> = self.calls.iter().map(|call| call.describe(input)).collect();
        let is_window = |i: usize| self.window.as_ref().is_some_and(|window| window.parts[i].is_some());
        let by: Vec<&str> = (0..keys.len()).filter(|i| !is_window(*i)).map(|i| keys[i].as_str()).collect();
        let by = if by.is_empty() { String::new() } else { format!("groupBy=[{}], ", by.join(", ")) };
        let window = self.window.as_ref().map(AggregateWindow::describe).unwrap_or_default();
        format!("{by}{window}select=[{}]", keys.into_iter().chain(calls).collect::<Vec<_>>().join(", "))
    }
}

impl AggregateWindow {
    /// The window that these keys have start and end of, as Flink recognises it.
    pub fn of(input: &LogicalPlan, keys: &[Expr]) -> Option<Self> {
        let columns: Vec<_> = keys.iter().map(|key| window_column(input, key)).collect();
        let start = columns.iter().flatten().find(|column| column.part == WindowPart::Start)?;
        let end = columns.iter().flatten().find(|column| column.part == WindowPart::End)?;
        if start.spec != end.spec {
            return None;
        }
        let spec = start.spec.clone();
        let parts = columns.into_iter().map(|column| column.filter(|c| c.spec == spec).map(|c| c.part)).collect();
        let of_group = window_table(input).is_some_and(|table| table.of_group);
        let window = Self { spec, parts, sliced: false, of_group };
        window.has_keys_of_session(input, keys).then_some(window)
    }

    /// Sessions are those of a key: a grouping by others is by their start and end as any column.
    fn has_keys_of_session(&self, input: &LogicalPlan, keys: &[Expr]) -> bool {
        let (WindowKind::Session { .. }, Some(table)) = (self.spec.kind, window_table(input)) else { return true };
        if table.of_group {
            return true;
        }
        let schema = table.input.schema();
        let partition: HashSet<Option<usize>> = table
            .partition
            .iter()
            .map(|key| key.column_refs().into_iter().next().and_then(|column| schema.maybe_index_of_column(column)))
            .collect();
        let others =
            keys.iter().zip(&self.parts).filter(|(key, part)| part.is_none() && !matches!(key, Expr::Literal(..)));
        let others: HashSet<Option<usize>> = others.map(|(key, _)| column_below_window(input, key)).collect();
        partition == others
    }

    /// `window=[TUMBLE(size=[30 s])], `
    fn describe(&self) -> String {
        let attached = if self.sliced { "" } else { "win_start=[window_start], win_end=[window_end], " };
        format!("window=[{attached}{}], ", self.spec.describe(None))
    }
}

impl PartialOrd for Aggregate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (&self.input, &self.keys, &self.calls).partial_cmp(&(&other.input, &other.keys, &other.calls))
    }
}

impl UserDefinedLogicalNodeCore for Aggregate {
    fn name(&self) -> &str {
        if self.window.is_some() { "WindowAggregate" } else { "GroupAggregate" }
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
        write!(f, "{}: {}", self.name(), self.describe())
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
        Ok(Self { input, keys, calls, ttl: self.ttl, window: self.window.clone(), schema: self.schema.clone() })
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
