//! Records to rows: value, key and metadata columns of a block as one `RecordBatch` of the columns that are needed.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::block::{Block, BlockRecord};
use super::columns::{MetadataOrigin, RecordColumns};
use super::metadata::{Metadata, MetadataBuilder};
use super::records::record_of;
use super::row_offsets::RowOffsets;
use crate::changelog::RowKind;
use crate::changelog::rejects::{ErrorHandling, Stage};
use crate::error::{Error, Result};
use crate::formats::{Decoder, FormatError};
use crate::types::Schema;

/// What of a record has to be copied out of the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordNeeds {
    pub key: bool,
    pub headers: bool,
    pub timestamp: bool,
    pub leader_epoch: bool,
}

/// Where an output column comes from: a position among what the value gives, the key gives, the metadata builders.
#[derive(Debug, Clone, Copy)]
enum Origin {
    Value(usize),
    Key(usize),
    /// The value, or the key where there is no value.
    ValueOrKey {
        value: usize,
        key: usize,
    },
    Metadata(usize),
}

/// Decodes blocks of records into rows of the projected columns.
///
/// A record gives a row per row of its value and row of its key, as in Flink: a null key under a key format that makes
/// no row of it gives none. Where records are upserts, one without a value deletes its key.
pub struct RecordDecoder {
    schema: SchemaRef,
    origins: Vec<Origin>,
    value: Box<dyn Decoder>,
    key: Option<Box<dyn Decoder>>,
    upserts: bool,
    metadata: Vec<MetadataBuilder>,
    needs: RecordNeeds,
    rows: usize,
    /// The offsets of these rows, and those of the rows that `finish` gave last.
    offsets: RowOffsets,
    finished: RowOffsets,
    /// With a key: which decoded value and key each row is made of.
    pairs: Vec<(Option<u32>, u32)>,
    /// Records counted as undecodable so far, as the formats count them.
    undecodable: u64,
}

impl RecordDecoder {
    /// A decoder for the columns at `projection` of the scan schema, which comes out but for the NULLs of deletes.
    pub fn try_new(columns: &RecordColumns, scan_schema: &Schema, projection: &[usize]) -> Result<Self> {
        let physical = scan_schema.len() - columns.metadata.len();
        let (mut value, mut key, mut metadata) = (Vec::new(), Vec::new(), Vec::new());
        let in_key = |column: usize| columns.key.iter().find_map(|k| k.columns.iter().position(|c| *c == column));
        let mut origins = Vec::with_capacity(projection.len());
        for &column in projection {
            let of_metadata = column.checked_sub(physical).map(|i| columns.metadata[i].0);
            if let Some(MetadataOrigin::Record(of_record)) = of_metadata {
                metadata.push(of_record);
                origins.push(Origin::Metadata(metadata.len() - 1));
                continue;
            }
            let in_value = match of_metadata {
                Some(MetadataOrigin::Value(i)) => Some(columns.value.schema.len() + i),
                _ => columns.value.columns.iter().position(|c| *c == column),
            };
            // What the value doesn't hold, the key does.
            let in_key = in_key(column).filter(|_| columns.upserts || in_value.is_none());
            value.extend(in_value);
            key.extend(in_key);
            origins.push(match (in_value, in_key) {
                (Some(_), Some(_)) => Origin::ValueOrKey { value: value.len() - 1, key: key.len() - 1 },
                (Some(_), None) => Origin::Value(value.len() - 1),
                (None, Some(_)) => Origin::Key(key.len() - 1),
                (None, None) => return Err(Error::internal("a column is neither in the value nor in the key")),
            });
        }
        let key_decoder = match &columns.key {
            Some(part) => Some(part.format.decoding(&part.schema)?.decoder(&key)?),
            None => None,
        };
        let schema = match (&columns.key, columns.upserts) {
            (Some(key), true) => scan_schema.nullable_but(&key.columns),
            _ => scan_schema.clone(),
        };
        Ok(Self {
            schema: schema.project(projection).arrow(),
            origins,
            upserts: columns.upserts,
            value: columns.value.format.decoding(&columns.value.schema)?.decoder(&value)?,
            needs: RecordNeeds {
                key: key_decoder.is_some(),
                headers: metadata.iter().any(|m| matches!(m, Metadata::Headers | Metadata::HeaderList)),
                timestamp: metadata.iter().any(|m| matches!(m, Metadata::Timestamp | Metadata::TimestampType)),
                leader_epoch: metadata.contains(&Metadata::LeaderEpoch),
            },
            key: key_decoder,
            metadata: metadata.into_iter().map(MetadataBuilder::new).collect(),
            rows: 0,
            offsets: RowOffsets::default(),
            finished: RowOffsets::default(),
            pairs: Vec::new(),
            undecodable: 0,
        })
    }

    pub fn needs(&self) -> RecordNeeds {
        self.needs
    }

    /// Rows decoded since the last `finish`.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the rows of a block's records, and to `rows_of` how many each record has given. Says how many records
    /// were rejected.
    ///
    /// # Errors
    /// The first record that can't be decoded, with its topic, partition and offset, unless such records are handled.
    pub fn decode(
        &mut self,
        topic: &str,
        partition: i32,
        block: &Block,
        errors: &ErrorHandling,
        mut rows_of: Option<&mut Vec<u32>>,
    ) -> Result<usize> {
        let mut rejected = 0;
        for record in &block.records {
            let rows = match self.decode_record(block, record) {
                Ok(rows) => rows,
                Err((what, error)) => {
                    let offset = record.offset;
                    let error = error.into_error(format!(
                        "cannot decode {what} at topic \"{topic}\", partition {partition}, offset {offset}"
                    ));
                    errors.reject(Stage::Decode, error, || record_of(topic, partition, block, record))?;
                    rejected += 1;
                    0
                }
            };
            if let Some(rows_of) = &mut rows_of {
                rows_of.push(rows as u32);
            }
            self.offsets.add(self.rows, rows, record.offset);
            self.rows += rows;
            for builder in &mut self.metadata {
                for _ in 0..rows {
                    builder.append(topic, partition, block, record);
                }
            }
        }
        Ok(rejected)
    }

    fn decode_record(&mut self, block: &Block, record: &BlockRecord) -> Result<usize, (&'static str, FormatError)> {
        let Some(key) = &mut self.key else {
            return decode(self.value.as_mut(), block.bytes(record.value)).map_err(|error| ("record", error));
        };
        let first_key = key.len();
        let keys = decode(key.as_mut(), block.bytes(record.key)).map_err(|error| ("the key of the record", error))?;
        if self.upserts && record.value.is_null() {
            self.pairs.extend((0..keys).map(|key| (None, (first_key + key) as u32)));
            return Ok(keys);
        }
        let first_value = self.value.len();
        // Where the value fails behind a decoded key, no pair names the key: `finish` leaves it out.
        let values = decode(self.value.as_mut(), block.bytes(record.value)).map_err(|error| ("record", error))?;
        for value in 0..values {
            self.pairs.extend((0..keys).map(|key| (Some((first_value + value) as u32), (first_key + key) as u32)));
        }
        Ok(values * keys)
    }

    /// The rows so far, and what each does where not all are inserts; the decoder is empty afterwards.
    pub fn finish(&mut self) -> Result<(RecordBatch, Option<Vec<RowKind>>)> {
        self.finished = std::mem::take(&mut self.offsets);
        let mut kinds = self.value.take_kinds();
        let mut value = self.value.finish()?;
        let mut key = match &mut self.key {
            Some(key) => Some(key.finish()?),
            None => None,
        };
        let pairs = std::mem::take(&mut self.pairs);
        if let Some(key) = &mut key {
            let in_order = pairs.iter().enumerate().all(|(i, pair)| *pair == (Some(i as u32), i as u32));
            if !in_order || value.num_rows() != pairs.len() || key.num_rows() != pairs.len() {
                kinds = kinds.map(|kinds| pairs.iter().map(|(value, _)| kind_of(&kinds, *value)).collect());
                value = pick(&value, pairs.iter().map(|pair| pair.0))?;
                *key = pick(key, pairs.iter().map(|pair| Some(pair.1)))?;
            }
            if self.upserts {
                kinds = Some(pairs.iter().map(|(value, _)| upsert(value.is_some())).collect());
            }
        }
        let key = |i: usize| match &key {
            Some(key) => Ok(key.column(i)),
            None => Err(Error::internal("a key column without a key")),
        };
        let metadata: Vec<ArrayRef> = self.metadata.iter_mut().map(MetadataBuilder::finish).collect();
        let columns = self.origins.iter().map(|origin| match *origin {
            Origin::Value(i) => Ok(value.column(i).clone()),
            Origin::Key(i) => key(i).cloned(),
            Origin::ValueOrKey { value: i, key: k } => {
                let sides = pairs.iter().enumerate().map(|(row, (value, _))| (usize::from(value.is_none()), row));
                Ok(interleave(&[value.column(i).as_ref(), key(k)?.as_ref()], &sides.collect::<Vec<_>>())?)
            }
            Origin::Metadata(i) => Ok(metadata[i].clone()),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        Ok((rows, kinds))
    }

    /// The offset of a row of those that `finish` gave last.
    pub fn offset_of(&self, row: usize) -> Option<i64> {
        self.finished.of(row)
    }

    /// Records skipped and fields set to NULL since the last call.
    pub fn take_undecodable(&mut self) -> u64 {
        let total = self.value.undecodable() + self.key.as_ref().map_or(0, |key| key.undecodable());
        total - std::mem::replace(&mut self.undecodable, total)
    }
}

fn decode(decoder: &mut dyn Decoder, message: Option<&[u8]>) -> Result<usize, FormatError> {
    match message {
        Some(message) => decoder.decode(message),
        None => decoder.decode_null(),
    }
}

fn kind_of(kinds: &[RowKind], value: Option<u32>) -> RowKind {
    value.map_or(RowKind::Delete, |value| kinds[value as usize])
}

fn upsert(has_value: bool) -> RowKind {
    if has_value { RowKind::UpdateAfter } else { RowKind::Delete }
}

/// The rows at `indices`, in that order; NULLs where there is none.
fn pick(rows: &RecordBatch, indices: impl Iterator<Item = Option<u32>>) -> Result<RecordBatch> {
    let indices: UInt32Array = indices.collect();
    let columns = rows.columns().iter().map(|column| take(column, &indices, None)).collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
    let fields =
        rows.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::block::{OpenBlock, TimestampType};
    use crate::connectors::kafka::options::KafkaOptions;
    use crate::connectors::kafka::testing::table;
    use arrow::util::pretty::pretty_format_batches;

    /// A block of records with these keys and values at offsets from 10 on.
    fn block(records: &[(Option<&str>, Option<&str>)]) -> Block {
        let mut block = OpenBlock::new(0, 10);
        for (i, (key, value)) in records.iter().enumerate() {
            let key = block.push(key.map(str::as_bytes));
            let value = block.push(value.map(str::as_bytes));
            let (offset, timestamp_type) = (10 + i as i64, TimestampType::Create);
            let record =
                BlockRecord { offset, timestamp: 0, timestamp_type, leader_epoch: 0, key, value, headers: 0..0 };
            block.block.records.push(record);
        }
        block.finish()
    }

    fn decoder(options: &[(&str, &str)], projection: &[usize]) -> RecordDecoder {
        let descriptor = table("k INT, v INT", options);
        let columns = RecordColumns::check(&descriptor, &KafkaOptions::check(&descriptor).unwrap().options).unwrap();
        RecordDecoder::try_new(&columns, &descriptor.scan_schema(), projection).unwrap()
    }

    const KEYED: &[(&str, &str)] = &[
        ("key.format", "json"),
        ("key.fields", "k"),
        ("value.fields-include", "EXCEPT_KEY"),
        ("key.json.ignore-parse-errors", "true"),
    ];

    #[test]
    fn rows_stay_with_their_keys_when_keys_or_values_make_none() {
        let mut decoder = decoder(KEYED, &[1, 0]);
        let records = [
            (Some(r#"{"k":1}"#), Some(r#"{"v":1}"#)),
            (None, Some(r#"{"v":2}"#)),
            (Some(r#"{"k":3}"#), None),
            (Some("{broken"), Some(r#"{"v":4}"#)),
            (Some(r#"{"k":5}"#), Some(r#"{"v":5}"#)),
        ];
        decoder.decode("t", 0, &block(&records), &ErrorHandling::Fail, None).unwrap();
        assert_eq!(decoder.rows(), 2);
        let rows = pretty_format_batches(&[decoder.finish().unwrap().0]).unwrap().to_string();
        let expected = "+---+---+\n| v | k |\n+---+---+\n| 1 | 1 |\n| 5 | 5 |\n+---+---+";
        assert_eq!(rows, expected);
        assert_eq!(decoder.take_undecodable(), 1);
        assert_eq!(decoder.take_undecodable(), 0);

        // The next batch starts anew.
        decoder.decode("t", 0, &block(&records[4..]), &ErrorHandling::Fail, None).unwrap();
        assert_eq!(decoder.finish().unwrap().0.num_rows(), 1);
    }

    #[test]
    fn a_key_that_cannot_be_decoded_is_named_as_such() {
        let mut decoder = decoder(&KEYED[..3], &[0]);
        let error =
            decoder.decode("t", 3, &block(&[(Some("{broken"), Some("{}"))]), &ErrorHandling::Fail, None).unwrap_err();
        let expected = "cannot decode the key of the record at topic \"t\", partition 3, offset 10: ";
        assert!(error.message().starts_with(expected), "{error}");
    }

    #[test]
    fn rows_are_counted_where_no_column_is_needed() {
        let mut decoder = decoder(&[], &[]);
        decoder
            .decode("t", 0, &block(&[(None, Some("{}")), (None, None), (None, Some("{}"))]), &ErrorHandling::Fail, None)
            .unwrap();
        let rows = decoder.finish().unwrap().0;
        assert_eq!((rows.num_rows(), rows.num_columns()), (2, 0));
    }

    #[test]
    fn trap_31_a_record_without_a_value_deletes_its_key_and_one_without_a_key_gives_no_row() {
        let mut descriptor = table("k INT, v INT", &[("connector", "upsert-kafka"), ("key.format", "json")]);
        descriptor.primary_key = vec![0];
        descriptor.columns.fields[1].ty.nullable = false;
        let options = KafkaOptions::check_against(&descriptor, super::super::options::OPTIONS).unwrap().options;
        let columns = RecordColumns::check_upserts(&descriptor, &options).unwrap();
        let mut decoder = RecordDecoder::try_new(&columns, &descriptor.scan_schema(), &[0, 1]).unwrap();
        let records = [
            (Some(r#"{"k":1}"#), Some(r#"{"k":10,"v":1}"#)),
            (Some(r#"{"k":2}"#), None),
            (None, None),
            (Some(r#"{"k":3}"#), Some(r#"{"k":3,"v":3}"#)),
        ];
        decoder.decode("t", 0, &block(&records), &ErrorHandling::Fail, None).unwrap();
        let (rows, kinds) = decoder.finish().unwrap();
        let rows = pretty_format_batches(&[rows]).unwrap().to_string();
        // What the value says of the key counts, as in Flink.
        assert_eq!(rows, "+----+---+\n| k  | v |\n+----+---+\n| 10 | 1 |\n| 2  |   |\n| 3  | 3 |\n+----+---+");
        assert_eq!(kinds.unwrap(), [RowKind::UpdateAfter, RowKind::Delete, RowKind::UpdateAfter]);
    }
}
