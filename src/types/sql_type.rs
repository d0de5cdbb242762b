//! A Flink SQL type with its nullability.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, IntervalUnit, TimeUnit};

/// The length of `STRING` and `BYTES`: what Flink calls unlimited.
pub const STRING_LENGTH: u32 = i32::MAX as u32;

/// A type and whether it takes NULL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SqlType {
    pub kind: TypeKind,
    pub nullable: bool,
}

/// Flink's logical types. Lengths count code points (strings) or bytes (binaries); precisions count digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TypeKind {
    Char(u32),
    /// `STRING` is `VARCHAR(2147483647)`.
    Varchar(u32),
    Boolean,
    Binary(u32),
    /// `BYTES` is `VARBINARY(2147483647)`.
    Varbinary(u32),
    Decimal {
        precision: u8,
        scale: u8,
    },
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Date,
    /// Milliseconds of the day in memory, whatever the precision.
    Time(u8),
    /// Wall-clock time without a zone.
    Timestamp(u8),
    /// An instant, shown in the session zone.
    TimestampLtz(u8),
    /// Months.
    IntervalYearMonth,
    /// Milliseconds.
    IntervalDayTime,
    Array(Box<SqlType>),
    Map(Box<SqlType>, Box<SqlType>),
    /// An element and how often it occurs: a map to INT in memory.
    Multiset(Box<SqlType>),
    Row(Vec<RowField>),
    /// The type of the literal NULL.
    Null,
}

/// A field of a ROW type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowField {
    pub name: String,
    pub ty: SqlType,
    pub comment: Option<String>,
}

impl SqlType {
    pub const fn new(kind: TypeKind, nullable: bool) -> Self {
        Self { kind, nullable }
    }

    /// A type that takes NULL.
    pub const fn nullable(kind: TypeKind) -> Self {
        Self::new(kind, true)
    }

    pub const fn not_null(kind: TypeKind) -> Self {
        Self::new(kind, false)
    }

    /// `STRING`, nullable.
    pub const fn string() -> Self {
        Self::nullable(TypeKind::Varchar(STRING_LENGTH))
    }

    /// `BYTES`, nullable.
    pub const fn bytes() -> Self {
        Self::nullable(TypeKind::Varbinary(STRING_LENGTH))
    }

    pub fn with_nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// How values of this type lie in memory.
    pub fn arrow(&self) -> DataType {
        self.kind.arrow()
    }

    /// The Arrow field of a column of this type.
    pub fn arrow_field(&self, name: &str) -> ArrowField {
        ArrowField::new(name, self.arrow(), self.nullable)
    }

    /// The SQL type of an Arrow type, where there is one.
    pub fn from_arrow(ty: &DataType, nullable: bool) -> Option<Self> {
        let precision = |unit: &TimeUnit| match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        };
        let kind = match ty {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => TypeKind::Varchar(STRING_LENGTH),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => TypeKind::Varbinary(STRING_LENGTH),
            DataType::Boolean => TypeKind::Boolean,
            DataType::Int8 => TypeKind::TinyInt,
            DataType::Int16 => TypeKind::SmallInt,
            DataType::Int32 => TypeKind::Int,
            DataType::Int64 => TypeKind::BigInt,
            DataType::Float32 => TypeKind::Float,
            DataType::Float64 => TypeKind::Double,
            DataType::Decimal128(precision, scale) if *scale >= 0 => {
                TypeKind::Decimal { precision: *precision, scale: *scale as u8 }
            }
            DataType::Date32 => TypeKind::Date,
            DataType::Time32(_) => TypeKind::Time(3),
            DataType::Timestamp(unit, None) => TypeKind::Timestamp(precision(unit)),
            DataType::Timestamp(unit, Some(_)) => TypeKind::TimestampLtz(precision(unit)),
            DataType::List(item) | DataType::LargeList(item) => {
                TypeKind::Array(Box::new(Self::from_arrow(item.data_type(), item.is_nullable())?))
            }
            DataType::Struct(fields) => {
                let field = |f: &Arc<ArrowField>| {
                    let ty = Self::from_arrow(f.data_type(), f.is_nullable())?;
                    Some(RowField { name: f.name().clone(), ty, comment: None })
                };
                TypeKind::Row(fields.iter().map(field).collect::<Option<Vec<_>>>()?)
            }
            _ => return None,
        };
        Some(Self::new(kind, nullable))
    }

    /// Same type, nullability aside.
    pub fn same_kind(&self, other: &SqlType) -> bool {
        self.kind == other.kind
    }
}

impl TypeKind {
    pub fn is_string(&self) -> bool {
        matches!(self, Self::Char(_) | Self::Varchar(_))
    }

    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_) | Self::Varbinary(_))
    }

    pub fn is_integer(&self) -> bool {
        matches!(self, Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt)
    }

    /// FLOAT or DOUBLE.
    pub fn is_approximate(&self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }

    pub fn is_numeric(&self) -> bool {
        self.is_integer() || self.is_approximate() || matches!(self, Self::Decimal { .. })
    }

    pub fn is_timestamp(&self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::TimestampLtz(_))
    }

    pub fn is_interval(&self) -> bool {
        matches!(self, Self::IntervalYearMonth | Self::IntervalDayTime)
    }

    /// See [`SqlType::arrow`].
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Char(_) | Self::Varchar(_) => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Binary(_) | Self::Varbinary(_) => DataType::Binary,
            Self::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale as i8),
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Time(_) => DataType::Time32(TimeUnit::Millisecond),
            Self::Timestamp(p) => DataType::Timestamp(time_unit(*p), None),
            Self::TimestampLtz(p) => DataType::Timestamp(time_unit(*p), Some("UTC".into())),
            Self::IntervalYearMonth => DataType::Interval(IntervalUnit::YearMonth),
            Self::IntervalDayTime => DataType::Duration(TimeUnit::Millisecond),
            Self::Array(element) => DataType::List(Arc::new(element.arrow_field("item"))),
            Self::Map(key, value) => map_of(key, value.arrow_field("value")),
            Self::Multiset(element) => map_of(element, ArrowField::new("value", DataType::Int32, false)),
            Self::Row(fields) => DataType::Struct(fields.iter().map(|f| f.ty.arrow_field(&f.name)).collect::<Fields>()),
            Self::Null => DataType::Null,
        }
    }
}

/// The coarsest Arrow unit that holds `precision` fraction digits: ms to 3, µs to 6, ns to 9.
fn time_unit(precision: u8) -> TimeUnit {
    match precision {
        0..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

/// Arrow forbids NULL map keys; Flink allows them. A NULL key is a data error where it arises.
fn map_of(key: &SqlType, value: ArrowField) -> DataType {
    let key = ArrowField::new("key", key.arrow(), false);
    let entries = ArrowField::new("entries", DataType::Struct(Fields::from(vec![key, value])), false);
    DataType::Map(Arc::new(entries), false)
}

/// Flink's spelling, `NOT NULL` included: `DECIMAL(10, 2) NOT NULL`, `ROW<a INT, b STRING>`.
impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.nullable && self.kind != TypeKind::Null {
            write!(f, " NOT NULL")?;
        }
        Ok(())
    }
}

/// Flink's spelling without nullability.
impl fmt::Display for TypeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(n) => write!(f, "CHAR({n})"),
            Self::Varchar(STRING_LENGTH) => write!(f, "STRING"),
            Self::Varchar(n) => write!(f, "VARCHAR({n})"),
            Self::Boolean => write!(f, "BOOLEAN"),
            Self::Binary(n) => write!(f, "BINARY({n})"),
            Self::Varbinary(STRING_LENGTH) => write!(f, "BYTES"),
            Self::Varbinary(n) => write!(f, "VARBINARY({n})"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::TinyInt => write!(f, "TINYINT"),
            Self::SmallInt => write!(f, "SMALLINT"),
            Self::Int => write!(f, "INT"),
            Self::BigInt => write!(f, "BIGINT"),
            Self::Float => write!(f, "FLOAT"),
            Self::Double => write!(f, "DOUBLE"),
            Self::Date => write!(f, "DATE"),
            Self::Time(p) => write!(f, "TIME({p})"),
            Self::Timestamp(p) => write!(f, "TIMESTAMP({p})"),
            Self::TimestampLtz(p) => write!(f, "TIMESTAMP_LTZ({p})"),
            Self::IntervalYearMonth => write!(f, "INTERVAL YEAR TO MONTH"),
            Self::IntervalDayTime => write!(f, "INTERVAL DAY TO SECOND(3)"),
            Self::Array(element) => write!(f, "ARRAY<{element}>"),
            Self::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            Self::Multiset(element) => write!(f, "MULTISET<{element}>"),
            Self::Row(fields) => {
                write!(f, "ROW<")?;
                for (i, field) in fields.iter().enumerate() {
                    if i > 0 {
                        write!(f, ", ")?;
                    }
                    write!(f, "`{}` {}", field.name.replace('`', "``"), field.ty)?;
                    if let Some(comment) = &field.comment {
                        write!(f, " '{}'", comment.replace('\'', "''"))?;
                    }
                }
                write!(f, ">")
            }
            Self::Null => write!(f, "NULL"),
        }
    }
}
