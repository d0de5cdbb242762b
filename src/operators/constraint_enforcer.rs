//! Keep out of the sink what its columns don't take: NULL where they are NOT NULL, and, where the job asks for it, texts
//! and bytes of another length than their type says.
//!
//! Rows keep their kinds. A row with a NULL where none may be fails the job or is dropped, as
//! `table.exec.sink.not-null-enforcer` says; one with a value of a wrong length fails it or is trimmed and padded, as
//! `table.exec.sink.type-length-enforcer` says. Each half of an update is looked at by itself, as in Flink. State: none.
//! Watermarks: unchanged.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::{Operator, Output, Progress};
use crate::changelog::ChangelogBatch;
use crate::changelog::rejects::{ErrorHandling, Stage};
use crate::error::{Error, Result};
use crate::types::{STRING_LENGTH, TypeKind};

/// What becomes of a row with a forbidden NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNull {
    Fail,
    Drop,
}

/// What becomes of a value of a wrong length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLength {
    /// It is written as it is.
    Ignore,
    /// What is too long is cut, what is too short for CHAR and BINARY is filled up with blanks or zeros.
    TrimPad,
    Fail,
}

/// How long the values of a column are: CHAR, VARCHAR, BINARY or VARBINARY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LengthLimit {
    pub column: usize,
    pub ty: TypeKind,
}

impl LengthLimit {
    /// That of a column of this type, if it has one.
    pub fn of(column: usize, ty: &TypeKind) -> Option<Self> {
        match ty {
            TypeKind::Char(_) | TypeKind::Binary(_) => {}
            TypeKind::Varchar(length) | TypeKind::Varbinary(length) if *length < STRING_LENGTH => {}
            _ => return None,
        }
        Some(Self { column, ty: ty.clone() })
    }

    /// The longest values, and whether there are no shorter ones.
    fn bounds(&self) -> (usize, bool) {
        match self.ty {
            TypeKind::Char(length) | TypeKind::Binary(length) => (length as usize, true),
            TypeKind::Varchar(length) | TypeKind::Varbinary(length) => (length as usize, false),
            _ => (usize::MAX, false),
        }
    }

    /// The length of every value: characters or bytes; of NULL nothing.
    fn lengths<'a>(&self, column: &'a ArrayRef) -> Box<dyn Iterator<Item = Option<usize>> + 'a> {
        match column.data_type() {
            DataType::Utf8 => {
                Box::new(column.as_string::<i32>().iter().map(|text| text.map(|text| text.chars().count())))
            }
            DataType::Binary => Box::new(column.as_binary::<i32>().iter().map(|bytes| bytes.map(<[u8]>::len))),
            _ => Box::new(std::iter::repeat_n(None, column.len())),
        }
    }

    /// Which values have a length that the type takes; `None` where all have.
    fn fitting(&self, column: &ArrayRef) -> Option<BooleanBuffer> {
        let (longest, exact) = self.bounds();
        let fits = |length: Option<usize>| length.is_none_or(|n| n == longest || (!exact && n < longest));
        let fitting: BooleanBuffer = self.lengths(column).map(fits).collect();
        (fitting.count_set_bits() < column.len()).then_some(fitting)
    }

    /// The column with all values of the right length.
    fn trimmed_and_padded(&self, column: &ArrayRef) -> ArrayRef {
        let (longest, exact) = self.bounds();
        match column.data_type() {
            DataType::Utf8 => {
                let fit = |text: &str| {
                    let mut fit: String = text.chars().take(longest).collect();
                    let short = if exact { longest - fit.chars().count() } else { 0 };
                    fit.extend(std::iter::repeat_n(' ', short));
                    fit
                };
                Arc::new(column.as_string::<i32>().iter().map(|text| text.map(fit)).collect::<StringArray>())
            }
            DataType::Binary => {
                let fit = |bytes: &[u8]| {
                    let mut fit = bytes[..bytes.len().min(longest)].to_vec();
                    if exact {
                        fit.resize(longest, 0);
                    }
                    fit
                };
                Arc::new(column.as_binary::<i32>().iter().map(|bytes| bytes.map(fit)).collect::<BinaryArray>())
            }
            _ => column.clone(),
        }
    }
}

/// What the columns of a sink take.
#[derive(Debug, Clone)]
pub struct Constraints {
    /// Positions of NOT NULL columns whose input may be NULL.
    pub not_null: Vec<usize>,
    pub on_null: OnNull,
    /// Columns whose values may have another length than their types say.
    pub lengths: Vec<LengthLimit>,
    pub on_length: OnLength,
    /// The sink's table, for people.
    pub table: String,
}

/// Checks rows against the types of a sink and gives them its schema.
#[derive(Debug)]
pub struct ConstraintEnforcer {
    schema: SchemaRef,
    constraints: Constraints,
    errors: ErrorHandling,
}

impl ConstraintEnforcer {
    pub fn new(schema: SchemaRef, constraints: Constraints, errors: ErrorHandling) -> Self {
        Self { schema, constraints, errors }
    }

    /// Which rows have no forbidden NULL, or `None` where all are fine.
    fn rows_without_null(&self, rows: &RecordBatch) -> Option<BooleanBuffer> {
        let nulls = self.constraints.not_null.iter().filter_map(|&column| rows.column(column).nulls());
        let masks = nulls.filter(|nulls| nulls.null_count() > 0).map(|nulls| nulls.inner().clone());
        masks.reduce(|fine, mask| &fine & &mask)
    }

    /// Which rows have values of the right length only, or `None` where all are fine.
    fn rows_that_fit(&self, rows: &RecordBatch) -> Option<BooleanBuffer> {
        let limits = self.constraints.lengths.iter();
        limits.filter_map(|limit| limit.fitting(rows.column(limit.column))).reduce(|fine, mask| &fine & &mask)
    }

    /// Leaves out rows that are not fine; they fail the job or are rejected with an error of their own.
    fn keep(
        &self,
        batch: ChangelogBatch,
        fine: Option<BooleanBuffer>,
        error: Option<&dyn Fn(&RecordBatch) -> Error>,
    ) -> Result<ChangelogBatch> {
        let Some(fine) = fine else { return Ok(batch) };
        if let Some(error) = error {
            for row in (0..batch.num_rows()).filter(|&row| !fine.value(row)) {
                batch.reject(&self.errors, row, Stage::Compute, error(&batch.rows().slice(row, 1)))?;
            }
        }
        batch.filter(&BooleanArray::new(fine, None))
    }

    /// The error of a row with a NULL where none may be.
    fn null_error(&self, row: &RecordBatch) -> Error {
        let column = self.constraints.not_null.iter().find(|&&column| row.column(column).null_count() > 0);
        let name = self.schema.field(column.copied().unwrap_or(0)).name();
        self.of_table(Error::data(format!(
            "column '{name}' is NOT NULL, however, a null value is being written into it"
        )))
        .with_hint("Set 'table.exec.sink.not-null-enforcer' = 'DROP' to drop such rows silently.")
    }

    /// The error of a row with a value of a wrong length.
    fn length_error(&self, row: &RecordBatch) -> Error {
        let wrong = self.constraints.lengths.iter().find(|limit| limit.fitting(row.column(limit.column)).is_some());
        let Some(limit) = wrong else { return Error::internal("a row without a wrong length was refused") };
        let length = limit.lengths(row.column(limit.column)).flatten().next().unwrap_or(0);
        let (name, ty) = (self.schema.field(limit.column).name(), &limit.ty);
        let what = if ty.is_binary() { "bytes" } else { "a string" };
        self.of_table(Error::data(format!(
            "column '{name}' is {ty}, however, {what} of length {length} is being written into it"
        )))
        .with_hint("Set 'table.exec.sink.type-length-enforcer' = 'TRIM_PAD' to make such values fit, or 'IGNORE' to write them as they are.")
    }

    fn of_table(&self, error: Error) -> Error {
        match self.constraints.table.is_empty() {
            true => error,
            false => error.with_detail(format!("It is a column of table \"{}\".", self.constraints.table)),
        }
    }
}

impl Operator for ConstraintEnforcer {
    fn name(&self) -> &'static str {
        "ConstraintEnforcer"
    }

    fn process(&mut self, _input: usize, batch: ChangelogBatch, out: &mut Output) -> Result<Progress> {
        let fine = self.rows_without_null(batch.rows());
        let fails = self.constraints.on_null == OnNull::Fail;
        let error: &dyn Fn(&RecordBatch) -> Error = &|row| self.null_error(row);
        let mut batch = self.keep(batch, fine, fails.then_some(error))?;
        if self.constraints.on_length == OnLength::Fail {
            let fine = self.rows_that_fit(batch.rows());
            batch = self.keep(batch, fine, Some(&|row| self.length_error(row)))?;
        }
        let mut columns = batch.rows().columns().to_vec();
        if self.constraints.on_length == OnLength::TrimPad {
            for limit in &self.constraints.lengths {
                if limit.fitting(&columns[limit.column]).is_some() {
                    columns[limit.column] = limit.trimmed_and_padded(&columns[limit.column]);
                }
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        out.emit(batch.with_rows(rows));
        Ok(Progress::Done)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::datatypes::{Field, Schema};

    use super::*;
    use crate::changelog::{RowKind, StreamElement};

    fn check(columns: Vec<usize>, on_null: OnNull) -> Result<Vec<ChangelogBatch>> {
        let keys = StringArray::from(vec![Some("doc"), None, Some("happy"), None]);
        let values = Int64Array::from(vec![Some(1), Some(2), None, None]);
        let rows = RecordBatch::try_from_iter([("k", Arc::new(keys) as _), ("v", Arc::new(values) as _)]).unwrap();
        let field = |i: usize, name, ty| Field::new(name, ty, !columns.contains(&i));
        let schema = Schema::new(vec![field(0, "k", DataType::Utf8), field(1, "v", DataType::Int64)]);
        let kinds = vec![RowKind::Insert, RowKind::Delete, RowKind::UpdateAfter, RowKind::Insert];
        let mut out = Output::new();
        let constraints = Constraints {
            not_null: columns,
            on_null,
            lengths: Vec::new(),
            on_length: OnLength::Ignore,
            table: String::new(),
        };
        let mut operator = ConstraintEnforcer::new(Arc::new(schema), constraints, ErrorHandling::Unset);
        let _ = operator.process(0, ChangelogBatch::new(rows, kinds), &mut out)?;
        let batches = out.drain().map(|element| match element {
            StreamElement::Batch(batch) => batch,
            other => panic!("{other:?}"),
        });
        Ok(batches.collect())
    }

    #[test]
    fn rows_with_a_forbidden_null_are_dropped_where_the_job_says_so() {
        for (columns, kept) in
            [(vec![], vec![0, 1, 2, 3]), (vec![0], vec![0, 2]), (vec![1], vec![0, 1]), (vec![0, 1], vec![0])]
        {
            let batches = check(columns.clone(), OnNull::Drop).unwrap();
            let rows: usize = batches.iter().map(ChangelogBatch::num_rows).sum();
            assert_eq!(rows, kept.len(), "{columns:?}");
        }
    }

    #[test]
    fn rows_keep_their_kinds() {
        let batches = check(vec![0], OnNull::Drop).unwrap();
        assert_eq!(batches[0].kinds(), Some([RowKind::Insert, RowKind::UpdateAfter].as_slice()));
    }

    #[test]
    fn a_forbidden_null_fails_by_the_name_of_its_column() {
        let error = check(vec![1], OnNull::Fail).unwrap_err();
        assert!(error.message().contains("column 'v' is NOT NULL"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("table.exec.sink.not-null-enforcer")));
    }

    /// Texts for a VARCHAR(3) and a CHAR(4), bytes for a VARBINARY(2) and a BINARY(2).
    fn check_lengths(on_length: OnLength, errors: ErrorHandling) -> Result<Vec<String>> {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("äöü"), Some("€😀xy"), Some("z"), None]));
        let bytes: ArrayRef =
            Arc::new(BinaryArray::from(vec![Some(&[1u8, 2] as &[u8]), Some(&[1, 2, 3]), Some(&[1]), None]));
        let types = [TypeKind::Varchar(3), TypeKind::Char(4), TypeKind::Varbinary(2), TypeKind::Binary(2)];
        let fields: Vec<Field> =
            types.iter().enumerate().map(|(i, ty)| Field::new(format!("c{i}"), ty.arrow(), true)).collect();
        let columns = vec![texts.clone(), texts, bytes.clone(), bytes];
        let schema = Arc::new(Schema::new(fields));
        let rows = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let constraints = Constraints {
            not_null: Vec::new(),
            on_null: OnNull::Fail,
            lengths: types.iter().enumerate().filter_map(|(i, ty)| LengthLimit::of(i, ty)).collect(),
            on_length,
            table: "t".to_string(),
        };
        let mut out = Output::new();
        let mut operator = ConstraintEnforcer::new(schema, constraints, errors);
        let _ = operator.process(0, ChangelogBatch::inserts(rows), &mut out)?;
        let mut lines = Vec::new();
        for element in out.drain() {
            let StreamElement::Batch(batch) = element else { panic!("only rows come out") };
            for row in 0..batch.num_rows() {
                let show = |column: &ArrayRef| arrow::util::display::array_value_to_string(column, row).unwrap();
                lines.push(batch.rows().columns().iter().map(show).collect::<Vec<_>>().join("|"));
            }
        }
        Ok(lines)
    }

    #[test]
    fn values_are_cut_and_filled_up_by_characters_and_bytes() {
        let lines = check_lengths(OnLength::TrimPad, ErrorHandling::Unset).unwrap();
        assert_eq!(lines, ["äöü|äöü |0102|0102", "€😀x|€😀xy|0102|0102", "z|z   |01|0100", "|||"]);
    }

    #[test]
    fn a_value_of_a_wrong_length_fails_by_the_name_and_type_of_its_column() {
        let error = check_lengths(OnLength::Fail, ErrorHandling::Unset).unwrap_err();
        assert_eq!(error.message(), "column 'c1' is CHAR(4), however, a string of length 3 is being written into it");
        assert_eq!(error.detail(), Some("It is a column of table \"t\"."));
    }

    #[test]
    fn rows_of_wrong_lengths_are_rejected_where_the_table_says_so() {
        use crate::changelog::rejects::{Handling, RejectCounts};
        let counts = Arc::new(RejectCounts::default());
        let handling = Handling { table: "t".into(), letters: None, counts: counts.clone() };
        let lines = check_lengths(OnLength::Fail, ErrorHandling::Handle(Arc::new(handling))).unwrap();
        assert_eq!((lines, counts.total()), (vec!["|||".to_string()], 3), "NULL has no length");
    }

    #[test]
    fn strings_of_any_length_have_no_limit() {
        assert_eq!(LengthLimit::of(0, &TypeKind::Varchar(STRING_LENGTH)), None);
        assert_eq!(LengthLimit::of(0, &TypeKind::Int), None);
    }
}
