//! The cells of a query's rows as texts.

use chrono_tz::Tz;

use crate::changelog::ChangelogBatch;
use crate::session::Query;
use crate::types::SqlType;
use crate::types::print::{PrintStyle, Printer};

/// Turns rows of one query into texts, as Flink's client writes them.
pub struct Texts {
    types: Vec<SqlType>,
    zone: Tz,
}

impl Texts {
    pub fn new(query: &Query, zone: Tz) -> Self {
        Self { types: query.schema.fields.iter().map(|field| field.ty.clone()).collect(), zone }
    }

    /// The cells of one batch.
    pub fn of<'a>(&self, batch: &'a ChangelogBatch) -> BatchTexts<'a> {
        let columns = batch.rows().columns().iter().zip(&self.types);
        let printer = |(array, ty): (&'a arrow::array::ArrayRef, &SqlType)| {
            (array, Printer::new(array.as_ref(), ty, self.zone, PrintStyle::Client))
        };
        BatchTexts { columns: columns.map(printer).collect() }
    }
}

/// The cells of one batch as texts.
pub struct BatchTexts<'a> {
    columns: Vec<(&'a arrow::array::ArrayRef, Printer<'a>)>,
}

impl BatchTexts<'_> {
    /// A row with `<NULL>` where there is nothing.
    pub fn row(&self, row: usize) -> Vec<String> {
        self.columns.iter().map(|(_, printer)| cell(printer, row)).collect()
    }

    /// A row with `None` where there is nothing.
    pub fn nullable_row(&self, row: usize) -> Vec<Option<String>> {
        self.columns.iter().map(|(array, printer)| (!array.is_null(row)).then(|| cell(printer, row))).collect()
    }
}

fn cell(printer: &Printer, row: usize) -> String {
    let mut cell = String::new();
    printer.print(row, &mut cell);
    cell
}
