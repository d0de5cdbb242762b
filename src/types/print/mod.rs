//! Values as text: for the print connector and results, for the SQL client's table, for CAST to STRING.
//!
//! A [`Printer`] looks at the types once and then prints row by row; [`print_value`] and [`print_row`] are for the
//! odd row.

mod number;
mod style;
mod temporal;
mod width;

#[cfg(test)]
mod tests;

use arrow::array::{Array, RecordBatch};
use chrono_tz::Tz;

pub(crate) use number::write_decimal;
pub use number::{java_double, java_float};
pub use style::{PrintStyle, Printer};
pub use width::column_width;

use super::SqlType;

/// Appends one value. An LTZ is shown in `zone`, except in [`PrintStyle::Row`], which shows instants in UTC.
pub fn print_value(array: &dyn Array, row: usize, ty: &SqlType, zone: Tz, style: PrintStyle, out: &mut String) {
    Printer::new(array, ty, zone, style).print(row, out);
}

/// Appends a row's values, separated by `, `; what stands around them (`+I[…]`) is the caller's.
pub fn print_row(batch: &RecordBatch, row: usize, types: &[SqlType], zone: Tz, style: PrintStyle, out: &mut String) {
    RowPrinter::new(batch, types, zone, style).print(row, out);
}

/// Prints the rows of one batch.
pub struct RowPrinter<'a> {
    columns: Vec<Printer<'a>>,
}

impl<'a> RowPrinter<'a> {
    pub fn new(batch: &'a RecordBatch, types: &'a [SqlType], zone: Tz, style: PrintStyle) -> Self {
        let columns = batch.columns().iter().zip(types);
        Self { columns: columns.map(|(array, ty)| Printer::new(array.as_ref(), ty, zone, style)).collect() }
    }

    /// Appends the values of a row, separated by `, `.
    pub fn print(&self, row: usize, out: &mut String) {
        for (i, column) in self.columns.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            column.print(row, out);
        }
    }
}
