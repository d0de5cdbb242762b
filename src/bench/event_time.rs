//! Which column of a source tells the event time of its rows, and how: found by trying.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema as ArrowSchema, TimeUnit};
use arrow::record_batch::RecordBatch;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;

use super::rows::{FIRST_MS, TimeForm};
use crate::error::Error;
use crate::plan::stream_plan::SourceNode;
use crate::types::Schema;

/// Two moments that are tried.
const TRIED: [i64; 2] = [FIRST_MS, FIRST_MS + 3_600_000];

/// A zone moves an event time by less.
const NEAR_MS: i64 = 86_400_000;

/// The columns that a source's event time is made of, and how one of them tells it; `None` where no column does.
#[derive(Debug, Default)]
pub struct EventTime {
    pub columns: Vec<usize>,
    pub told: Option<(usize, TimeForm)>,
}

/// What is known of a source's event time; `rows` are needed, and `first` is where a column that counts begins.
pub fn event_time(node: &SourceNode, schema: &Schema, rows: u64, first: impl Fn(&str) -> i64) -> EventTime {
    let Some(watermark) = &node.watermark else { return EventTime::default() };
    let at = watermark.column_index;
    let Some((exprs, _)) = &node.columns else {
        return EventTime { columns: vec![at], told: Some((at, TimeForm::Timestamp)) };
    };
    let mut columns: Vec<usize> = collect_columns(&exprs[at]).iter().map(|column| column.index()).collect();
    columns.sort_unstable();
    let forms = columns.iter().flat_map(|&column| {
        TimeForm::of_type(&schema.fields[column].ty.kind).into_iter().map(move |form| (column, form))
    });
    let told = forms.into_iter().find(|(column, form)| tells(&exprs[at], node, *column, *form));
    let told = told.or_else(|| {
        let numbers = columns.iter().filter(|&&column| schema.fields[column].ty.kind.is_integer());
        let mut counts = numbers.map(|&column| (column, first(&schema.fields[column].name)));
        counts.find_map(|(column, first)| Some((column, counted(&exprs[at], node, column, first, rows)?)))
    });
    EventTime { columns, told }
}

/// How a column counts rows, where the time rises with it by the same step: several rows have one number where it can't
/// count as far as that.
fn counted(expr: &Arc<dyn PhysicalExpr>, node: &SourceNode, column: usize, first: i64, rows: u64) -> Option<TimeForm> {
    let count = TimeForm::Count { first, rows: 1 };
    let [start, next] = moments(expr, node, column, count, [first, first.checked_add(1)?])?;
    let step = next.checked_sub(start).filter(|step| *step > 0)?;
    let reaches = |numbers: &i64| {
        let last = first.checked_add(*numbers);
        let found = last.and_then(|last| moments(expr, node, column, count, [first, last]));
        found.is_some_and(|[_, last]| numbers.checked_mul(step) == last.checked_sub(start))
    };
    let rows = i64::try_from(rows).ok()?.max(1);
    let numbers =
        std::iter::successors(Some(rows), |numbers| Some(numbers / 2).filter(|half| *half > 0)).find(reaches)?;
    Some(TimeForm::Count { first, rows: rows / numbers + i64::from(rows % numbers != 0) })
}

/// True where the moments come out of the expression when the column tells them so.
fn tells(expr: &Arc<dyn PhysicalExpr>, node: &SourceNode, column: usize, form: TimeForm) -> bool {
    tried(expr, node, column, form).is_some_and(|moments| {
        let [first, second] = moments;
        (first - TRIED[0]).abs() < NEAR_MS && second - first == TRIED[1] - TRIED[0]
    })
}

fn tried(expr: &Arc<dyn PhysicalExpr>, node: &SourceNode, column: usize, form: TimeForm) -> Option<[i64; 2]> {
    moments(expr, node, column, form, TRIED)
}

/// The moments that come out of the expression when the column tells these.
fn moments(
    expr: &Arc<dyn PhysicalExpr>,
    node: &SourceNode,
    column: usize,
    form: TimeForm,
    told: [i64; 2],
) -> Option<[i64; 2]> {
    let fields = node.scan_schema.fields();
    let nullable = fields.iter().map(|field| field.as_ref().clone().with_nullable(true));
    let schema = Arc::new(ArrowSchema::new(nullable.collect::<Vec<_>>()));
    let columns = fields.iter().enumerate().map(|(i, field)| match i == column {
        true => form.column(&told, field.data_type()).ok(),
        false => Some(new_null_array(field.data_type(), told.len())),
    });
    let rows = RecordBatch::try_new(schema, columns.collect::<Option<Vec<_>>>()?).ok()?;
    let moments: ArrayRef = expr.evaluate(&rows).ok()?.into_array(told.len()).ok()?;
    let in_ms = match moments.data_type() {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
        _ => return None,
    };
    let moments = cast(&cast(&moments, &in_ms).ok()?, &DataType::Int64).ok()?;
    let moments = moments.as_any().downcast_ref::<Int64Array>()?;
    let moment = |i: usize| (!arrow::array::Array::is_null(moments, i)).then(|| moments.value(i));
    Some([moment(0)?, moment(1)?])
}

/// That no row can be made up for a source whose event time nobody understands.
pub fn not_understood(table: &str, node: &SourceNode) -> Error {
    let column = node.watermark.as_ref().map_or("", |watermark| watermark.column.as_str());
    Error::statement(format!(
        "no rows can be made up for table \"{table}\": it is not clear how its event time \"{column}\" is told"
    ))
    .with_hint(format!("Give rows with --source {table}=FILE.json."))
}
