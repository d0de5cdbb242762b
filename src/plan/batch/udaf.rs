//! An aggregate function of Flink's as DataFusion calls it: for where Flink's rules are its own.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{Accumulator as DfAccumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use crate::error::Result;
use crate::functions::aggregate::{Accumulator, Signs};
use crate::operators::{AggregateCall, states};
use crate::plan::aggregate::BoundCall;

/// The function of a call whose types are bound.
#[derive(Debug)]
pub struct FlinkUdaf {
    call: AggregateCall,
    states: Vec<DataType>,
    signature: Signature,
}

impl FlinkUdaf {
    pub fn of(call: &BoundCall) -> Result<Arc<AggregateUDF>> {
        let call = AggregateCall {
            function: call.function.clone(),
            types: call.types.clone(),
            arguments: (0..call.arguments.len()).collect(),
            distinct: call.distinct,
            filter: None,
        };
        let states = states(std::slice::from_ref(&call), false)?.into_iter().flatten().collect();
        let signature = Signature::any(call.arguments.len(), Volatility::Immutable);
        Ok(Arc::new(AggregateUDF::new_from_impl(Self { call, states, signature })))
    }

    fn identity(&self) -> (&str, &crate::functions::Signature, bool) {
        (self.call.function.name(), &self.call.types, self.call.distinct)
    }
}

impl PartialEq for FlinkUdaf {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for FlinkUdaf {}

impl Hash for FlinkUdaf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.call.function.name().hash(state);
    }
}

impl AggregateUDFImpl for FlinkUdaf {
    fn name(&self) -> &str {
        self.call.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(self.call.types.returns.arrow())
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> DfResult<Box<dyn DfAccumulator>> {
        let mut values = self.call.accumulator(false)?;
        values.grow(1);
        Ok(Box::new(OneGroup(Mutex::new(values))))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> DfResult<Vec<FieldRef>> {
        let field = |(i, ty): (usize, &DataType)| Arc::new(Field::new(format!("{}[{i}]", args.name), ty.clone(), true));
        Ok(self.states.iter().enumerate().map(field).collect())
    }

    /// Rows are taken as they come.
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The values of one group. The lock is for DataFusion, whose accumulators may be looked at from several threads.
struct OneGroup(Mutex<Box<dyn Accumulator>>);

impl OneGroup {
    fn values(&self) -> MutexGuard<'_, Box<dyn Accumulator>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for OneGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneGroup")
    }
}

fn slots(columns: &[ArrayRef]) -> Vec<u32> {
    vec![0; columns.first().map_or(0, |column| column.len())]
}

impl DfAccumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        Ok(self.values().update(&slots(values), values, Signs::Added)?)
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        ScalarValue::try_from_array(&self.values().evaluate(&[0])?, 0)
    }

    fn size(&self) -> usize {
        self.values().memory() + size_of::<Self>()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        self.values().state(&[0])?.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        Ok(self.values().merge(&slots(states), states)?)
    }
}
