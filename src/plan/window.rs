//! The logical node of a window function, `TUMBLE(TABLE t, DESCRIPTOR(ts), …)`, and what follows from it above.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use datafusion::common::{Column, DFSchema, DFSchemaRef, Result as DfResult};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::text::expression;
use crate::operators::{WindowClock, WindowKind, WindowPart};
use crate::types::{Field, Schema, SqlType, TimeAttribute, TypeKind};

/// A window function as it was called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WindowSpec {
    pub kind: WindowKind,
    /// The clock that windows are aligned to: the session's for TIMESTAMP_LTZ.
    pub clock: WindowClock,
    pub time: TimeAttribute,
    /// Whether `window_time` is a TIMESTAMP_LTZ.
    pub ltz: bool,
}

impl WindowSpec {
    /// `TUMBLE(size=[30 s])`, with the time column behind it where there is one.
    pub fn describe(&self, time: Option<&str>) -> String {
        let time = time.map(|time| format!("time_col=[{time}], ")).unwrap_or_default();
        let with = |offset: i64| if offset == 0 { String::new() } else { format!(", offset=[{}]", duration(offset)) };
        match self.kind {
            WindowKind::Tumble { size, offset } => format!("TUMBLE({time}size=[{}]{})", duration(size), with(offset)),
            WindowKind::Hop { slide, size, offset } => {
                format!("HOP({time}size=[{}], slide=[{}]{})", duration(size), duration(slide), with(offset))
            }
            WindowKind::Cumulate { step, size, offset } => {
                format!("CUMULATE({time}max_size=[{}], step=[{}]{})", duration(size), duration(step), with(offset))
            }
            WindowKind::Session { gap } => format!("SESSION({time}gap=[{}])", duration(gap)),
            WindowKind::Attached => "attached".to_string(),
        }
    }

    /// True where windows can be put together of slices.
    pub fn has_slices(&self) -> bool {
        match self.kind {
            WindowKind::Hop { slide, size, .. } => size % slide == 0,
            _ => true,
        }
    }

    /// The type of a window column.
    pub fn field(&self, part: WindowPart, nullable: bool) -> Field {
        let kind = match part {
            WindowPart::Time if self.ltz => TypeKind::TimestampLtz(3),
            _ => TypeKind::Timestamp(3),
        };
        let attribute = (part == WindowPart::Time).then_some(self.time);
        Field::new(part.name(), SqlType::new(kind, nullable)).with_time_attribute(attribute)
    }
}

/// `30 s`, as Flink writes it.
pub(super) fn duration(ms: i64) -> String {
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")] {
        if ms != 0 && ms % unit == 0 {
            return format!("{} {name}", ms / unit);
        }
    }
    format!("{ms} ms")
}

/// Rows with the windows that they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WindowTable {
    pub input: LogicalPlan,
    /// The time column.
    pub time: Expr,
    /// `PARTITION BY` of a session: columns.
    pub partition: Vec<Expr>,
    pub spec: WindowSpec,
    /// Rows come out once, with their slice, for an aggregate that puts slices together.
    pub slices: bool,
    /// It stands for `GROUP BY TUMBLE(...)`: there is no name by which a query could know its columns.
    pub of_group: bool,
    pub schema: DFSchemaRef,
}

impl WindowTable {
    pub fn try_new(input: LogicalPlan, time: Expr, partition: Vec<Expr>, spec: WindowSpec) -> DfResult<Self> {
        let schema = Self::schema_of(&input, &spec, false)?;
        Ok(Self { input, time, partition, spec, slices: false, of_group: false, schema })
    }

    /// The windows of `GROUP BY TUMBLE(time, ...)`.
    pub fn of_group(input: LogicalPlan, time: Expr, spec: WindowSpec) -> DfResult<Self> {
        let schema = Self::schema_of(&input, &spec, true)?;
        Ok(Self { input, time, partition: Vec::new(), spec, slices: false, of_group: true, schema })
    }

    /// What a window column is called in the plan.
    pub fn column_name(part: WindowPart, of_group: bool) -> &'static str {
        match (part, of_group) {
            (part, false) => part.name(),
            (WindowPart::Start, true) => "w$start",
            (WindowPart::End, true) => "w$end",
            (WindowPart::Time, true) => "w$time",
        }
    }

    fn schema_of(input: &LogicalPlan, spec: &WindowSpec, of_group: bool) -> DfResult<DFSchemaRef> {
        let field = |part| Field { name: Self::column_name(part, of_group).to_string(), ..spec.field(part, false) };
        let added: Schema = WindowPart::ALL.into_iter().map(field).collect();
        Ok(Arc::new(input.schema().join(&DFSchema::try_from(added.arrow())?)?))
    }

    /// `window=[TUMBLE(time_col=[ts], size=[30 s])]`
    pub fn describe(&self) -> String {
        let schema = self.input.schema();
        let keys: Vec<String> = self.partition.iter().map(|key| expression(key, schema)).collect();
        let by = if keys.is_empty() { String::new() } else { format!(", partition keys=[{}]", keys.join(", ")) };
        format!("window=[{}{by}]", self.spec.describe(Some(&expression(&self.time, schema))))
    }

    /// The window column at this position of the schema.
    pub fn part(&self, column: usize) -> Option<WindowPart> {
        WindowPart::ALL.get(column.checked_sub(self.input.schema().fields().len())?).copied()
    }
}

impl PartialOrd for WindowTable {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (&self.input, &self.time, &self.partition).partial_cmp(&(&other.input, &other.time, &other.partition))
    }
}

impl UserDefinedLogicalNodeCore for WindowTable {
    fn name(&self) -> &str {
        "WindowTableFunction"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        std::iter::once(&self.time).chain(&self.partition).cloned().collect()
    }

    /// What a filter asks of a row alone may be asked before it gets its windows. A session, though, is made of all its
    /// rows.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let names = |schema: &DFSchemaRef| schema.fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
        match self.spec.kind {
            WindowKind::Session { .. } => names(&self.schema).into_iter().collect(),
            _ => WindowPart::ALL.iter().map(|part| Self::column_name(*part, self.of_group).to_string()).collect(),
        }
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WindowTableFunction: {}", self.describe())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(input), Some((time, partition))) = (inputs.into_iter().next(), exprs.split_first()) else {
            return datafusion::common::internal_err!("a window function needs its input and its time column");
        };
        let schema = Self::schema_of(&input, &self.spec, self.of_group)?;
        let (time, partition) = (time.clone(), partition.to_vec());
        Ok(Self { input, time, partition, schema, ..self.clone() })
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let input = self.input.schema();
        let mut needed: Vec<usize> = output_columns.iter().copied().filter(|i| *i < input.fields().len()).collect();
        for expr in std::iter::once(&self.time).chain(&self.partition) {
            needed.extend(expr.column_refs().into_iter().filter_map(|c: &Column| input.maybe_index_of_column(c)));
        }
        needed.sort_unstable();
        needed.dedup();
        Some(vec![needed])
    }
}
