//! Rows of text to show: what SHOW and DESCRIBE give.

use crate::types::SqlType;

/// Columns and rows; `None` is NULL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub columns: Vec<(String, SqlType)>,
    pub rows: Vec<Vec<Option<String>>>,
    /// They are data, as the results of queries: NULL is shown. In what SHOW and DESCRIBE give it is left empty, as by
    /// Flink's client.
    pub marks_nulls: bool,
}

impl Listing {
    /// Text columns of these names.
    pub fn new(columns: &[&str]) -> Self {
        let columns = columns.iter().map(|c| (c.to_string(), SqlType::string())).collect();
        Self { columns, rows: Vec::new(), marks_nulls: false }
    }

    /// The same as data.
    pub fn marking_nulls(self) -> Self {
        Self { marks_nulls: true, ..self }
    }

    /// One column, one row per value.
    pub fn single(column: &str, values: impl IntoIterator<Item = String>) -> Self {
        let mut listing = Self::new(&[column]);
        listing.rows = values.into_iter().map(|v| vec![Some(v)]).collect();
        listing
    }

    pub fn push(&mut self, row: Vec<Option<String>>) {
        self.rows.push(row);
    }
}
