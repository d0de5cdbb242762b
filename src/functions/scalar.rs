//! One scalar function, and how it becomes a DataFusion expression.

use std::any::Any;
use std::fmt::{self, Debug};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};
use chrono_tz::Tz;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::expr::ScalarFunction as ScalarFunctionCall;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature as DfSignature,
    TypeSignature, Volatility,
};
use datafusion::physical_expr::ScalarFunctionExpr;

use crate::error::{Error, ErrorKind, Result};
use crate::time::Clock;
use crate::types::{SqlType, TimeAttribute};

/// An expression with its SQL type: what the binder works with.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedExpr {
    pub expr: Expr,
    pub ty: SqlType,
    /// Kept only while a column is forwarded as it is.
    pub time_attribute: Option<TimeAttribute>,
}

impl TypedExpr {
    pub fn new(expr: Expr, ty: SqlType) -> Self {
        Self { expr, ty, time_attribute: None }
    }
}

/// What a call looks like once its arguments are typed: the binder casts each argument implicitly to `arguments`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub arguments: Vec<SqlType>,
    pub returns: SqlType,
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arity {
    pub min: usize,
    /// `None` for any number.
    pub max: Option<usize>,
}

impl Arity {
    pub const fn exactly(n: usize) -> Self {
        Self { min: n, max: Some(n) }
    }

    pub const fn between(min: usize, max: usize) -> Self {
        Self { min, max: Some(max) }
    }

    pub const fn at_least(min: usize) -> Self {
        Self { min, max: None }
    }
}

/// What a function may look at besides its arguments.
#[derive(Debug, Clone)]
pub struct EvalContext {
    /// Rows in the batch: how long the result must be.
    pub rows: usize,
    /// `table.local-time-zone`.
    pub zone: Tz,
    pub clock: Arc<dyn Clock>,
}

/// A built-in scalar function of Flink's.
pub trait ScalarFunction: Send + Sync + Debug {
    /// The usual name, upper case.
    fn name(&self) -> &'static str;

    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// For people: `SPLIT_INDEX(string, delimiter, index)` and what it gives, in a sentence.
    fn usage(&self) -> &'static str;

    fn arity(&self) -> Arity;

    /// The forms a call can take, for the error where none fits: `SUBSTRING(STRING, INT)`.
    fn supported(&self) -> Vec<String> {
        Vec::new()
    }

    /// Types a call, or `None` where these argument types don't fit (the binder words the error).
    fn signature(&self, arguments: &[SqlType]) -> Option<Signature>;

    /// False for functions that give a new value at each call: `RAND`, `UUID`, `PROCTIME`.
    fn is_deterministic(&self) -> bool {
        true
    }

    /// The function to put into one call, where calls keep something between batches: the generator of `RAND(7)`.
    fn for_one_call(&self) -> Option<Arc<dyn ScalarFunction>> {
        None
    }

    /// What plans call it where the name doesn't say all: `CAST<INT>`. Calls that differ need labels that differ.
    fn label(&self, _types: &Signature) -> String {
        self.name().to_owned()
    }

    /// Computes a batch. Arguments are arrays of `context.rows` rows with the types of the signature.
    fn evaluate(&self, arguments: &[ArrayRef], types: &Signature, context: &EvalContext) -> Result<ArrayRef>;

    /// The same with constants left as one value, for functions that gain by it. Gives `context.rows` rows.
    fn evaluate_columns(
        &self,
        arguments: &[ColumnarValue],
        types: &Signature,
        context: &EvalContext,
    ) -> Result<ArrayRef> {
        let arrays = arguments.iter().map(|a| a.to_array(context.rows)).collect::<DfResult<Vec<_>>>();
        self.evaluate(&arrays.map_err(|e| Error::from_datafusion(ErrorKind::Internal, e))?, types, context)
    }
}

/// The DataFusion expression that calls `function` with arguments already cast to the signature's types.
pub fn call(
    function: Arc<dyn ScalarFunction>,
    signature: Signature,
    arguments: Vec<Expr>,
    zone: Tz,
    clock: Arc<dyn Clock>,
) -> Expr {
    let arrow = signature.arguments.iter().map(SqlType::arrow).collect::<Vec<_>>();
    let volatility = if function.is_deterministic() { Volatility::Immutable } else { Volatility::Volatile };
    let df_signature = match arrow.is_empty() {
        true => DfSignature::new(TypeSignature::Nullary, volatility),
        false => DfSignature::new(TypeSignature::Exact(arrow), volatility),
    };
    let function = function.for_one_call().unwrap_or(function);
    let label = function.label(&signature);
    let udf = FlinkUdf { function, label, signature, df_signature, zone, clock };
    ScalarUDF::new_from_impl(udf).call(arguments)
}

/// The function that an expression calls, with its types, where it is one of ours.
pub fn called(expr: &ScalarFunctionExpr) -> Option<(&dyn ScalarFunction, &Signature)> {
    let udf: &FlinkUdf = expr.fun().inner().downcast_ref()?;
    Some((udf.function.as_ref(), &udf.signature))
}

/// The same call on another clock; `None`: it is no call of a function of ours.
pub fn with_clock(call: &ScalarFunctionCall, clock: Arc<dyn Clock>) -> Option<Expr> {
    let udf = (call.func.inner().as_ref() as &dyn Any).downcast_ref::<FlinkUdf>()?;
    Some(ScalarUDF::new_from_impl(FlinkUdf { clock, ..udf.clone() }).call(call.args.clone()))
}

/// A call's function with its types bound, as DataFusion sees it.
#[derive(Clone)]
struct FlinkUdf {
    function: Arc<dyn ScalarFunction>,
    label: String,
    signature: Signature,
    df_signature: DfSignature,
    zone: Tz,
    clock: Arc<dyn Clock>,
}

impl Debug for FlinkUdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.label)
    }
}

impl PartialEq for FlinkUdf {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label && self.signature == other.signature && self.zone == other.zone
    }
}

impl Eq for FlinkUdf {}

impl Hash for FlinkUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.label.hash(state);
        self.signature.returns.hash(state);
        self.signature.arguments.hash(state);
    }
}

impl ScalarUDFImpl for FlinkUdf {
    fn name(&self) -> &str {
        &self.label
    }

    fn signature(&self) -> &DfSignature {
        &self.df_signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(self.signature.returns.arrow())
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs) -> DfResult<FieldRef> {
        Ok(Arc::new(self.signature.returns.arrow_field(self.function.name())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let constant = self.function.is_deterministic()
            && args.number_rows > 0
            && args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let context = EvalContext { rows, zone: self.zone, clock: self.clock.clone() };
        let result = self.function.evaluate_columns(&args.args, &self.signature, &context)?;
        if constant {
            let scalar = datafusion::common::ScalarValue::try_from_array(&result, 0)?;
            return Ok(ColumnarValue::Scalar(scalar));
        }
        Ok(ColumnarValue::Array(result))
    }
}

// `ScalarUDFImpl` asks for `Any`; the bound types are 'static.
const _: fn() = || {
    fn assert_any<T: Any>() {}
    assert_any::<FlinkUdf>();
};
