//! A built-in function as a table entry: names, parameters, result type and kernel.

use std::fmt::{self, Debug};
use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::logical_expr::ColumnarValue;

use super::call::Call;
use crate::error::Result;
use crate::functions::{Arity, EvalContext, ScalarFunction, Signature};
use crate::types::coercion::common_argument_type;
use crate::types::{SqlType, TypeKind};

/// What a parameter takes, and what an argument is cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// CHAR or VARCHAR, as it is.
    Text,
    /// BINARY or VARBINARY, as it is.
    Bytes,
    /// TINYINT, SMALLINT, INT and BIGINT, which must fit INT.
    Int,
    /// Any integer, as BIGINT.
    Long,
    /// Any number, as DOUBLE.
    Double,
    /// An integer or DECIMAL, as it is.
    Exact,
    /// Any number, as it is.
    Number,
    Boolean,
    Date,
    /// TIME.
    Time,
    /// TIMESTAMP, as it is.
    Timestamp,
    /// TIMESTAMP_LTZ, as it is.
    Instant,
    Array,
    Map,
    /// Whatever comes, as it is.
    Any,
}

/// The type of a call.
#[derive(Clone, Copy)]
pub enum Returns {
    Kind(TypeName),
    /// The type of the n-th argument (after its cast).
    Argument(usize),
    With(fn(&[SqlType]) -> Option<TypeKind>),
}

/// The simple types that functions return; a `const` stand-in for [`TypeKind`].
#[derive(Clone, Copy)]
pub enum TypeName {
    String,
    Bytes,
    Boolean,
    Int,
    BigInt,
    Double,
    Date,
    Time,
    Timestamp(u8),
    Instant(u8),
}

/// When a call can be NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// When an argument can.
    FromArguments,
    /// When the first argument can.
    FromFirst,
    Always,
    Never,
}

/// One way to call a function.
pub struct Overload {
    pub parameters: &'static [Family],
    pub returns: Returns,
}

/// A function in ten lines. Kernels see their arguments in the types that [`Family`] promises.
pub struct Builtin {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub usage: &'static str,
    /// Tried in order; the first that fits counts.
    pub overloads: &'static [Overload],
    /// Takes any number of arguments like the last parameter of an overload.
    pub variadic: bool,
    pub nulls: Nulls,
    pub deterministic: bool,
    /// All arguments are cast to what they have in common.
    pub common: bool,
    /// The second argument is cast to the element type of the first, an array.
    pub element: bool,
    /// Every call keeps a generator of its own.
    pub stateful: bool,
    pub kernel: fn(&Call<'_>) -> Result<ArrayRef>,
}

/// What most functions are, to be completed by `..BUILTIN`.
pub const BUILTIN: Builtin = Builtin {
    name: "",
    aliases: &[],
    usage: "",
    overloads: &[],
    variadic: false,
    nulls: Nulls::FromArguments,
    deterministic: true,
    common: false,
    element: false,
    stateful: false,
    kernel: |call| Ok(arrow::array::new_null_array(&call.types.returns.arrow(), call.context.rows)),
};

impl Family {
    /// The type that an argument of type `ty` is cast to, if this parameter takes it.
    pub fn accept(self, ty: &SqlType) -> Option<SqlType> {
        let as_it_is = |fits: bool| fits.then(|| ty.clone());
        let as_kind = |fits: bool, kind: TypeKind| fits.then(|| SqlType::new(kind, ty.nullable));
        let kind = &ty.kind;
        match self {
            Self::Text => as_it_is(kind.is_string()),
            Self::Bytes => as_it_is(kind.is_binary()),
            Self::Int => as_kind(matches!(kind, TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::Int), TypeKind::Int),
            Self::Long => as_kind(kind.is_integer(), TypeKind::BigInt),
            Self::Double => as_kind(kind.is_numeric(), TypeKind::Double),
            Self::Exact => as_it_is(kind.is_numeric() && !kind.is_approximate()),
            Self::Number => as_it_is(kind.is_numeric()),
            Self::Boolean => as_it_is(*kind == TypeKind::Boolean),
            Self::Date => as_it_is(*kind == TypeKind::Date),
            Self::Time => as_it_is(matches!(kind, TypeKind::Time(_))),
            Self::Timestamp => as_it_is(matches!(kind, TypeKind::Timestamp(_))),
            Self::Instant => as_it_is(matches!(kind, TypeKind::TimestampLtz(_))),
            Self::Array => as_it_is(matches!(kind, TypeKind::Array(_))),
            Self::Map => as_it_is(matches!(kind, TypeKind::Map(..))),
            Self::Any => as_it_is(*kind != TypeKind::Null),
        }
    }

    /// For `Supported: SUBSTRING(STRING, INT)`.
    fn label(self) -> &'static str {
        match self {
            Self::Text => "STRING",
            Self::Bytes => "BYTES",
            Self::Int => "INT",
            Self::Long => "BIGINT",
            Self::Double | Self::Number => "NUMERIC",
            Self::Exact => "EXACT NUMERIC",
            Self::Boolean => "BOOLEAN",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::Timestamp => "TIMESTAMP",
            Self::Instant => "TIMESTAMP_LTZ",
            Self::Array => "ARRAY",
            Self::Map => "MAP",
            Self::Any => "ANY",
        }
    }
}

impl TypeName {
    fn kind(self) -> TypeKind {
        match self {
            Self::String => SqlType::string().kind,
            Self::Bytes => SqlType::bytes().kind,
            Self::Boolean => TypeKind::Boolean,
            Self::Int => TypeKind::Int,
            Self::BigInt => TypeKind::BigInt,
            Self::Double => TypeKind::Double,
            Self::Date => TypeKind::Date,
            Self::Time => TypeKind::Time(0),
            Self::Timestamp(p) => TypeKind::Timestamp(p),
            Self::Instant(p) => TypeKind::TimestampLtz(p),
        }
    }
}

impl Builtin {
    fn match_overload(&self, overload: &Overload, arguments: &[SqlType]) -> Option<Signature> {
        let fixed = overload.parameters.len();
        if arguments.len() < fixed || (arguments.len() > fixed && !self.variadic) {
            return None;
        }
        let mut parameters = overload.parameters.iter().chain(std::iter::repeat(overload.parameters.last()?));
        let cast = arguments.iter().map(|ty| parameters.next()?.accept(ty)).collect::<Option<Vec<_>>>()?;
        self.returning(overload, cast)
    }

    fn returning(&self, overload: &Overload, arguments: Vec<SqlType>) -> Option<Signature> {
        let kind = match overload.returns {
            Returns::Kind(name) => name.kind(),
            Returns::Argument(n) => arguments.get(n)?.kind.clone(),
            Returns::With(derive) => derive(&arguments)?,
        };
        let nullable = match self.nulls {
            Nulls::FromArguments => arguments.iter().any(|a| a.nullable),
            Nulls::FromFirst => arguments.first().is_some_and(|a| a.nullable),
            Nulls::Always => true,
            Nulls::Never => false,
        };
        Some(Signature { arguments, returns: SqlType::new(kind, nullable) })
    }
}

impl Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)
    }
}

/// Statics are what the registry holds; a call shares them.
impl ScalarFunction for &'static Builtin {
    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn usage(&self) -> &'static str {
        self.usage
    }

    fn arity(&self) -> Arity {
        let lengths = || self.overloads.iter().map(|o| o.parameters.len());
        Arity {
            min: lengths().min().unwrap_or(0),
            max: if self.variadic { None } else { Some(lengths().max().unwrap_or(0)) },
        }
    }

    fn supported(&self) -> Vec<String> {
        let form = |o: &Overload| {
            let mut labels = o.parameters.iter().map(|p| p.label()).collect::<Vec<_>>();
            if self.variadic {
                labels.push("…");
            }
            format!("{}({})", self.name, labels.join(", "))
        };
        self.overloads.iter().map(form).collect()
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let unified = match (self.common, self.element, arguments) {
            (true, _, _) => vec![common_argument_type(arguments)?; arguments.len()],
            (_, true, [array @ SqlType { kind: TypeKind::Array(element), .. }, wanted]) => {
                vec![array.clone(), element.as_ref().clone().with_nullable(wanted.nullable)]
            }
            _ => arguments.to_vec(),
        };
        let arguments = unified.as_slice();
        self.overloads.iter().find_map(|o| match arguments.is_empty() && o.parameters.is_empty() {
            true => self.returning(o, Vec::new()),
            false => self.match_overload(o, arguments),
        })
    }

    fn for_one_call(&self) -> Option<Arc<dyn ScalarFunction>> {
        self.stateful.then(|| super::math::for_one_call(self))
    }

    fn is_deterministic(&self) -> bool {
        self.deterministic
    }

    fn evaluate(&self, arguments: &[ArrayRef], types: &Signature, context: &EvalContext) -> Result<ArrayRef> {
        let values = arguments.iter().cloned().map(ColumnarValue::Array).collect::<Vec<_>>();
        self.evaluate_columns(&values, types, context)
    }

    fn evaluate_columns(
        &self,
        arguments: &[ColumnarValue],
        types: &Signature,
        context: &EvalContext,
    ) -> Result<ArrayRef> {
        (self.kernel)(&Call { arguments, types, context })
    }
}
