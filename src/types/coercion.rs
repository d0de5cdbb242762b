//! Which types turn into which, by themselves or by CAST, and what several have in common.
//!
//! Three questions with three answers, as in Flink: an INSERT or a function argument converts what
//! [`implicitly_castable`] allows, CAST converts what [`explicitly_castable`] allows, and the branches of a CASE or
//! the rows of VALUES meet in their [`common_type`]. Nullability of the outermost type plays no part in the first two.

use super::{RowField, SqlType, TypeKind};

#[cfg(test)]
pub(crate) mod tests;

/// The most digits a DECIMAL has.
pub const MAX_DECIMAL_PRECISION: u8 = 38;

/// The fraction digits that a result too long for DECIMAL(38) keeps at least.
const MIN_REDUCED_SCALE: u8 = 6;

/// Whether an INSERT or a function argument takes `from` where `to` is wanted. Inside collections and rows a
/// nullable element doesn't fit a NOT NULL one.
pub fn implicitly_castable(from: &SqlType, to: &SqlType) -> bool {
    use TypeKind::*;
    match (&from.kind, &to.kind) {
        (Null, _) => true,
        (Array(a), Array(b)) | (Multiset(a), Multiset(b)) => fits_inside(a, b),
        (Map(k1, v1), Map(k2, v2)) => fits_inside(k1, k2) && fits_inside(v1, v2),
        (Row(a), Row(b)) => a.len() == b.len() && a.iter().zip(b).all(|(x, y)| fits_inside(&x.ty, &y.ty)),
        (Char(_), Char(_)) | (Char(_) | Varchar(_), Varchar(_)) => true,
        (Binary(_), Binary(_)) | (Binary(_) | Varbinary(_), Varbinary(_)) => true,
        (a, Decimal { .. } | Double) => a.is_numeric(),
        (TinyInt | SmallInt | Int | BigInt | Float | Decimal { .. }, Float) => true,
        (a, b) if a.is_integer() && b.is_integer() => integer_digits(a) <= integer_digits(b),
        (Date | Timestamp(_), Date) | (Time(_) | Timestamp(_), Time(_)) => true,
        (a, b) if a.is_timestamp() && b.is_timestamp() => true,
        (a, b) => a == b,
    }
}

fn fits_inside(from: &SqlType, to: &SqlType) -> bool {
    (to.nullable || !from.nullable) && implicitly_castable(from, to)
}

/// Whether `CAST(from AS to)` is a valid expression.
pub fn explicitly_castable(from: &SqlType, to: &SqlType) -> bool {
    use TypeKind::*;
    match (&from.kind, &to.kind) {
        (Null, _) => true,
        (_, Null) => false,
        (Array(a), Array(b)) | (Multiset(a), Multiset(b)) => explicitly_castable(a, b),
        (Map(k1, v1), Map(k2, v2)) => explicitly_castable(k1, k2) && explicitly_castable(v1, v2),
        (Row(a), Row(b)) => a.len() == b.len() && a.iter().zip(b).all(|(x, y)| explicitly_castable(&x.ty, &y.ty)),
        (_, Char(_) | Varchar(_)) => true,
        (Char(_) | Varchar(_), b) => {
            b.is_binary() || b.is_numeric() || b.is_timestamp() || matches!(b, Boolean | Date | Time(_))
        }
        (a, b) if a.is_binary() => b.is_binary(),
        (Boolean, b) => b.is_numeric() || *b == Boolean,
        (a, b) if a.is_numeric() => b.is_numeric() || *b == Boolean,
        (Date, b) => b.is_timestamp() || *b == Date,
        (Time(_), b) => b.is_timestamp() || matches!(b, Time(_)),
        (a, b) if a.is_timestamp() => b.is_timestamp() || matches!(b, Date | Time(_)),
        (a, b) => a == b,
    }
}

/// The least restrictive type that holds values of all `types`, or `None` where they have nothing in common: for CASE,
/// UNION, VALUES, IN and ARRAY.
///
/// The order counts, as in Flink: the first of FLOAT and DOUBLE wins, and of TIMESTAMP and TIMESTAMP_LTZ the first
/// where their precisions agree and the second where they don't.
pub fn common_type(types: &[SqlType]) -> Option<SqlType> {
    common(types, Meeting::Branches)
}

/// The type in which a function's arguments meet: COALESCE, IFNULL, GREATEST, LEAST. Unlike in [`common_type`] DOUBLE wins over
/// FLOAT, FLOAT over a DECIMAL before it, and TIMESTAMP_LTZ over TIMESTAMP, which in turn meets DATE and TIME in those.
pub fn common_argument_type(types: &[SqlType]) -> Option<SqlType> {
    common(types, Meeting::Arguments)
}

/// Where values of several types meet.
#[derive(Clone, Copy, PartialEq)]
enum Meeting {
    Branches,
    Arguments,
}

fn common(types: &[SqlType], meeting: Meeting) -> Option<SqlType> {
    let nullable = types.iter().any(|t| t.nullable || t.kind == TypeKind::Null);
    let mut kinds = types.iter().map(|t| &t.kind).filter(|k| **k != TypeKind::Null);
    let Some(first) = kinds.next() else {
        return types.first().map(|_| SqlType::nullable(TypeKind::Null));
    };
    let kind = kinds.try_fold(first.clone(), |common, kind| common_kind(&common, kind, meeting))?;
    Some(SqlType::new(kind, nullable))
}

fn common_kind(a: &TypeKind, b: &TypeKind, meeting: Meeting) -> Option<TypeKind> {
    use TypeKind::*;
    let inner = |a: &SqlType, b: &SqlType| common(&[a.clone(), b.clone()], meeting);
    let boxed = |a: &SqlType, b: &SqlType| inner(a, b).map(Box::new);
    if a == b {
        return Some(a.clone());
    }
    Some(match (a, b) {
        (Char(n) | Varchar(n), Char(m) | Varchar(m)) => Varchar(*n.max(m)),
        (Binary(n) | Varbinary(n), Binary(m) | Varbinary(m)) => Varbinary(*n.max(m)),
        (Time(n), Time(m)) => Time(*n.max(m)),
        (a, b) if a.is_numeric() && b.is_numeric() => common_numeric(a, b, meeting)?,
        (Timestamp(n), Timestamp(m)) => Timestamp(*n.max(m)),
        (TimestampLtz(n), TimestampLtz(m)) => TimestampLtz(*n.max(m)),
        (Timestamp(n), TimestampLtz(m)) if meeting == Meeting::Branches && n == m => Timestamp(*n),
        (TimestampLtz(n), Timestamp(m)) if meeting == Meeting::Branches && n != m => Timestamp(*n.max(m)),
        (Timestamp(n), TimestampLtz(m)) | (TimestampLtz(n), Timestamp(m)) => TimestampLtz(*n.max(m)),
        // A TIMESTAMP turns into either by itself, so Flink takes the narrower one.
        (Date, Timestamp(_)) | (Timestamp(_), Date) if meeting == Meeting::Arguments => Date,
        (Time(n), Timestamp(_)) | (Timestamp(_), Time(n)) if meeting == Meeting::Arguments => Time(*n),
        (Array(x), Array(y)) => Array(boxed(x, y)?),
        (Multiset(x), Multiset(y)) => Multiset(boxed(x, y)?),
        (Map(k1, v1), Map(k2, v2)) => Map(boxed(k1, k2)?, boxed(v1, v2)?),
        (Row(x), Row(y)) if x.len() == y.len() => {
            let merge = |(f, g): (&RowField, &RowField)| Some(RowField { ty: inner(&f.ty, &g.ty)?, ..f.clone() });
            Row(x.iter().zip(y).map(merge).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn common_numeric(a: &TypeKind, b: &TypeKind, meeting: Meeting) -> Option<TypeKind> {
    use TypeKind::*;
    let (approximate, other) = match (a.is_approximate(), b.is_approximate()) {
        (false, false) => return common_exact(a, b),
        (false, true) => (b, a),
        _ => (a, b),
    };
    let any_double = *a == Double || *b == Double;
    Some(match meeting {
        Meeting::Branches if matches!(other, Decimal { .. }) => Double,
        Meeting::Arguments if any_double || matches!(b, Decimal { .. }) => Double,
        _ => approximate.clone(),
    })
}

/// Of exact numbers: whole digits come before fraction digits where 38 don't hold both.
fn common_exact(a: &TypeKind, b: &TypeKind) -> Option<TypeKind> {
    if a.is_integer() && b.is_integer() {
        return Some(if integer_digits(b) > integer_digits(a) { b } else { a }.clone());
    }
    let ((p1, s1), (p2, s2)) = (integer_as_decimal(a)?, integer_as_decimal(b)?);
    let whole = (p1.saturating_sub(s1)).max(p2.saturating_sub(s2)).min(MAX_DECIMAL_PRECISION);
    let scale = s1.max(s2).min(MAX_DECIMAL_PRECISION - whole);
    Some(TypeKind::Decimal { precision: whole + scale, scale })
}

fn integer_digits(kind: &TypeKind) -> u8 {
    integer_as_decimal(kind).map_or(0, |(precision, _)| precision)
}

/// Precision and scale of the DECIMAL that holds every value of an exact number.
pub fn integer_as_decimal(kind: &TypeKind) -> Option<(u8, u8)> {
    Some(match kind {
        TypeKind::TinyInt => (3, 0),
        TypeKind::SmallInt => (5, 0),
        TypeKind::Int => (10, 0),
        TypeKind::BigInt => (19, 0),
        TypeKind::Decimal { precision, scale } => (*precision, *scale),
        _ => return None,
    })
}

/// Precision and scale of a sum or a difference.
pub fn decimal_plus(p1: u8, s1: u8, p2: u8, s2: u8) -> (u8, u8) {
    let scale = s1.max(s2) as u32;
    let whole = (p1.saturating_sub(s1)).max(p2.saturating_sub(s2)) as u32;
    reduce_scale(whole + scale + 1, scale)
}

pub fn decimal_multiply(p1: u8, s1: u8, p2: u8, s2: u8) -> (u8, u8) {
    reduce_scale(p1 as u32 + p2 as u32 + 1, s1 as u32 + s2 as u32)
}

pub fn decimal_divide(p1: u8, s1: u8, p2: u8, s2: u8) -> (u8, u8) {
    let scale = (s1 as u32 + p2 as u32 + 1).max(MIN_REDUCED_SCALE as u32);
    reduce_scale(p1.saturating_sub(s1) as u32 + s2 as u32 + scale, scale)
}

/// Without fraction digits a remainder has the type of the divisor, even if that is an integer.
pub fn decimal_modulo(p1: u8, s1: u8, p2: u8, s2: u8) -> (u8, u8) {
    if s1 == 0 && s2 == 0 {
        return (p2, 0);
    }
    let scale = s1.max(s2) as u32;
    reduce_scale((p1.saturating_sub(s1)).min(p2.saturating_sub(s2)) as u32 + scale, scale)
}

/// Cuts a result of more than 38 digits: fraction digits go first, down to six.
fn reduce_scale(precision: u32, scale: u32) -> (u8, u8) {
    let max = MAX_DECIMAL_PRECISION as u32;
    if precision <= max {
        return (precision as u8, scale as u8);
    }
    let whole = precision - scale;
    let scale = max.saturating_sub(whole).max(scale.min(MIN_REDUCED_SCALE as u32));
    (MAX_DECIMAL_PRECISION, scale as u8)
}
