//! How wide the client's table makes a column.

use crate::types::{SqlType, TypeKind};

/// `table.display.max-column-width`.
const MAX_WIDTH: usize = 30;

/// The width of a column of this type in characters, where the rows are not known beforehand. Longer values are cut.
pub fn column_width(ty: &SqlType) -> usize {
    match &ty.kind {
        TypeKind::Boolean => 5 + ty.nullable as usize,
        TypeKind::TinyInt => 4 + 2 * ty.nullable as usize,
        TypeKind::SmallInt => 6,
        TypeKind::Int => 11,
        TypeKind::BigInt => 20,
        // Room for the sign and the point.
        TypeKind::Decimal { precision, .. } => *precision as usize + 2,
        TypeKind::Date => 10,
        TypeKind::Time(p) => 8 + fraction(*p),
        TypeKind::Timestamp(p) | TypeKind::TimestampLtz(p) => 19 + fraction(*p),
        TypeKind::Char(n) | TypeKind::Varchar(n) => (*n as usize).clamp(6, MAX_WIDTH),
        _ => MAX_WIDTH,
    }
}

fn fraction(precision: u8) -> usize {
    if precision == 0 { 0 } else { precision as usize + 1 }
}
