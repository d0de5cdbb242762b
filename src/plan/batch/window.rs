//! Windows of a batch query: every row with the list of its windows, which is unnested.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, TimestampMillisecondArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{
    DataType, Field, Fields, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use datafusion::common::{Column, Result as DfResult};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::expand::unnested;
use super::{Translation, in_batch};
use crate::error::{Error, Result};
use crate::operators::{WindowKind, WindowPart};
use crate::plan::lower::internal;
use crate::plan::window::{WindowSpec, WindowTable};
use crate::types::TimeAttribute;

/// The column of lists; no column of a query has this name.
const WINDOWS: &str = "$windows";

impl Translation {
    pub(super) fn window_table(&self, table: &WindowTable) -> Result<LogicalPlan> {
        if let WindowKind::Session { .. } = table.spec.kind {
            return Err(in_batch("an unaligned window like SESSION"));
        }
        if table.spec.time == TimeAttribute::Proctime {
            return Err(in_batch("a window over processing time"));
        }
        let input = self.node(&table.input)?;
        let own: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        let windows = ScalarUDF::new_from_impl(WindowsOf::new(table.spec.clone())).call(vec![table.time.clone()]);
        let mut with_windows = own.clone();
        with_windows.push(windows.alias(WINDOWS));
        let window = Column::new_unqualified(WINDOWS);
        let mut all = own;
        all.extend(WindowPart::ALL.into_iter().map(|part| {
            let name = WindowTable::column_name(part, table.of_group);
            get_field(Expr::Column(window.clone()), part.name()).alias(name)
        }));
        LogicalPlanBuilder::from(input)
            .project(with_windows)
            .and_then(|builder| builder.unnest_columns_with_options(vec![window.clone()], unnested()))
            .and_then(|builder| builder.project(all))
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)
    }
}

/// The windows of a time, as structs of start, end and time. NULL has none, as in Flink's batch mode.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct WindowsOf {
    spec: WindowSpec,
    signature: Signature,
}

impl WindowsOf {
    fn new(spec: WindowSpec) -> Self {
        Self { spec, signature: Signature::any(1, Volatility::Immutable) }
    }

    fn fields(&self) -> Fields {
        let field = |part| self.spec.field(part, false);
        WindowPart::ALL.map(field).iter().map(|f| Field::new(&f.name, f.ty.arrow(), false)).collect()
    }

    fn entry(&self) -> Field {
        Field::new_list_field(DataType::Struct(self.fields()), false)
    }

    fn windows(&self, times: &dyn Array) -> Result<ArrayRef> {
        let times = milliseconds(times)?;
        let mut lengths = Vec::with_capacity(times.len());
        let mut columns: [Vec<i64>; 3] = Default::default();
        for time in times.iter() {
            let before = columns[0].len();
            if let Some(time) = time {
                for window in self.spec.kind.windows(self.spec.clock.of_instant(time)) {
                    columns[0].push(window.start);
                    columns[1].push(window.end);
                    columns[2].push(self.spec.clock.to_instant(window.end - 1));
                }
            }
            lengths.push(columns[0].len() - before);
        }
        let fields = self.fields();
        // The columns of a window are on its clock; its time is an instant where it is a TIMESTAMP_LTZ.
        let typed = |(values, field): (Vec<i64>, &Arc<Field>)| -> ArrayRef {
            Arc::new(TimestampMillisecondArray::from(values).with_data_type(field.data_type().clone()))
        };
        let columns: Vec<ArrayRef> = columns.into_iter().zip(&fields).map(typed).collect();
        let windows = StructArray::try_new(fields, columns, None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(ListArray::try_new(Arc::new(self.entry()), offsets, Arc::new(windows), None)?))
    }
}

/// Times of any precision, cut off to milliseconds.
fn milliseconds(times: &dyn Array) -> Result<TimestampMillisecondArray> {
    Ok(match times.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            times.as_primitive::<TimestampSecondType>().unary(|time| time.saturating_mul(1_000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => times.as_primitive::<TimestampMillisecondType>().clone(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            times.as_primitive::<TimestampMicrosecondType>().unary(|time| time.div_euclid(1_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            times.as_primitive::<TimestampNanosecondType>().unary(|time| time.div_euclid(1_000_000))
        }
        other => return Err(Error::internal(format!("windows over a {other}"))),
    })
}

impl ScalarUDFImpl for WindowsOf {
    fn name(&self) -> &str {
        "WINDOWS"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::List(Arc::new(self.entry())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let [times] = args.args.as_slice() else { return datafusion::common::internal_err!("windows are of one time") };
        Ok(ColumnarValue::Array(self.windows(&times.to_array(args.number_rows)?)?))
    }
}
