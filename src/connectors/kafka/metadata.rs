//! What a record carries beside key and value, as columns: `offset BIGINT METADATA VIRTUAL`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Builder, Int64Builder, ListBuilder, MapBuilder, MapFieldNames, StringBuilder,
    StructBuilder, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field as ArrowField};

use super::block::{Block, BlockRecord};
use crate::types::{RowField, SqlType, TypeKind};

/// A metadata key of a kafka table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    Topic,
    Partition,
    /// A map; of headers with one key the last counts, as in Flink.
    Headers,
    /// All headers in their order.
    HeaderList,
    LeaderEpoch,
    Offset,
    Timestamp,
    TimestampType,
}

impl Metadata {
    pub const ALL: [Metadata; 8] = [
        Self::Topic,
        Self::Partition,
        Self::Headers,
        Self::HeaderList,
        Self::LeaderEpoch,
        Self::Offset,
        Self::Timestamp,
        Self::TimestampType,
    ];

    pub fn find(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.key() == key)
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Partition => "partition",
            Self::Headers => "headers",
            Self::HeaderList => "header-list",
            Self::LeaderEpoch => "leader-epoch",
            Self::Offset => "offset",
            Self::Timestamp => "timestamp",
            Self::TimestampType => "timestamp-type",
        }
    }

    /// True where a sink may set it.
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Topic | Self::Headers | Self::HeaderList | Self::Timestamp)
    }

    /// The type it has. What a sink may set may be NULL there: then the record has none.
    pub fn ty(self) -> SqlType {
        match self {
            Self::Topic => SqlType::string(),
            Self::Partition => SqlType::not_null(TypeKind::Int),
            Self::Headers => {
                let (key, value) = (SqlType::string().with_nullable(false), SqlType::bytes());
                SqlType::nullable(TypeKind::Map(Box::new(key), Box::new(value)))
            }
            Self::HeaderList => {
                let field = |name: &str, ty| RowField { name: name.into(), ty, comment: None };
                let row = vec![field("key", SqlType::string()), field("value", SqlType::bytes())];
                SqlType::nullable(TypeKind::Array(Box::new(SqlType::nullable(TypeKind::Row(row)))))
            }
            Self::LeaderEpoch => SqlType::nullable(TypeKind::Int),
            Self::Offset => SqlType::not_null(TypeKind::BigInt),
            Self::Timestamp => SqlType::nullable(TypeKind::TimestampLtz(3)),
            Self::TimestampType => SqlType::string().with_nullable(false),
        }
    }
}

/// Builds one metadata column while records are decoded.
pub enum MetadataBuilder {
    Topic(StringBuilder),
    Partition(Int32Builder),
    Headers(Box<MapBuilder<StringBuilder, BinaryBuilder>>),
    HeaderList(Box<ListBuilder<StructBuilder>>),
    LeaderEpoch(Int32Builder),
    Offset(Int64Builder),
    Timestamp(TimestampMillisecondBuilder),
    TimestampType(StringBuilder),
}

impl MetadataBuilder {
    pub fn new(metadata: Metadata) -> Self {
        match metadata {
            Metadata::Topic => Self::Topic(StringBuilder::new()),
            Metadata::Partition => Self::Partition(Int32Builder::new()),
            Metadata::Headers => Self::Headers(Box::new(map_builder())),
            Metadata::HeaderList => Self::HeaderList(Box::new(list_builder())),
            Metadata::LeaderEpoch => Self::LeaderEpoch(Int32Builder::new()),
            Metadata::Offset => Self::Offset(Int64Builder::new()),
            Metadata::Timestamp => Self::Timestamp(TimestampMillisecondBuilder::new().with_timezone("UTC")),
            Metadata::TimestampType => Self::TimestampType(StringBuilder::new()),
        }
    }

    /// Appends the value of one record of a block.
    pub fn append(&mut self, topic: &str, partition: i32, block: &Block, record: &BlockRecord) {
        match self {
            Self::Topic(builder) => builder.append_value(topic),
            Self::Partition(builder) => builder.append_value(partition),
            Self::Headers(builder) => append_map(builder, block, record),
            Self::HeaderList(builder) => append_list(builder, block, record),
            Self::LeaderEpoch(builder) => {
                builder.append_option((record.leader_epoch >= 0).then_some(record.leader_epoch));
            }
            Self::Offset(builder) => builder.append_value(record.offset),
            Self::Timestamp(builder) => builder.append_value(record.timestamp),
            Self::TimestampType(builder) => builder.append_value(record.timestamp_type.name()),
        }
    }

    /// The column so far; the builder is empty afterwards.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Topic(builder) | Self::TimestampType(builder) => Arc::new(builder.finish()),
            Self::Partition(builder) | Self::LeaderEpoch(builder) => Arc::new(builder.finish()),
            Self::Headers(builder) => Arc::new(builder.finish()),
            Self::HeaderList(builder) => Arc::new(builder.finish()),
            Self::Offset(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }
}

fn map_builder() -> MapBuilder<StringBuilder, BinaryBuilder> {
    // The names that `TypeKind::arrow` gives a map.
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    MapBuilder::new(Some(names), StringBuilder::new(), BinaryBuilder::new()).with_values_field(ArrowField::new(
        "value",
        DataType::Binary,
        true,
    ))
}

fn list_builder() -> ListBuilder<StructBuilder> {
    let DataType::List(item) = Metadata::HeaderList.ty().arrow() else {
        unreachable!("an ARRAY is a list");
    };
    let DataType::Struct(fields) = item.data_type().clone() else {
        unreachable!("a ROW is a struct");
    };
    let builders: Vec<Box<dyn arrow::array::ArrayBuilder>> =
        vec![Box::new(StringBuilder::new()), Box::new(BinaryBuilder::new())];
    ListBuilder::new(StructBuilder::new(fields, builders)).with_field(item)
}

fn append_map(builder: &mut MapBuilder<StringBuilder, BinaryBuilder>, block: &Block, record: &BlockRecord) {
    let headers = block.headers(record);
    // The last header of a key counts, at the place of the first.
    let mut last: HashMap<&[u8], usize> = HashMap::new();
    for (i, header) in headers.iter().enumerate() {
        last.insert(block.bytes(header.key).unwrap_or_default(), i);
    }
    for header in headers {
        let Some(i) = last.remove(block.bytes(header.key).unwrap_or_default()) else { continue };
        let (key, value) = block.header(headers[i]);
        builder.keys().append_value(key);
        builder.values().append_option(value);
    }
    builder.append(true).expect("as many keys as values were appended");
}

fn append_list(builder: &mut ListBuilder<StructBuilder>, block: &Block, record: &BlockRecord) {
    for header in block.headers(record) {
        let (key, value) = block.header(*header);
        let row = builder.values();
        if let Some(keys) = row.field_builder::<StringBuilder>(0) {
            keys.append_value(key);
        }
        if let Some(values) = row.field_builder::<BinaryBuilder>(1) {
            values.append_option(value);
        }
        row.append(true);
    }
    builder.append(true);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::block::{Header, OpenBlock, Place, TimestampType};
    use arrow::array::{Array, AsArray};

    #[test]
    fn every_builder_makes_a_column_of_its_type() {
        let mut block = OpenBlock::new(0, 0);
        let key = block.push_bytes(b"k");
        let (first, second) = (block.push_bytes(b"1"), block.push_bytes(b"2"));
        block.block.headers.push(Header { key, value: first });
        block.block.headers.push(Header { key, value: second });
        let block = block.finish();
        let record = BlockRecord {
            offset: 7,
            timestamp: 1000,
            timestamp_type: TimestampType::Create,
            leader_epoch: -1,
            key: Place::NULL,
            value: Place::NULL,
            headers: 0..2,
        };
        for metadata in Metadata::ALL {
            let mut builder = MetadataBuilder::new(metadata);
            builder.append("t", 3, &block, &record);
            let column = builder.finish();
            assert_eq!(column.data_type(), &metadata.ty().arrow(), "{}", metadata.key());
            assert_eq!(column.len(), 1);
            match metadata {
                Metadata::Headers => {
                    let entries = column.as_map().value(0);
                    assert_eq!(entries.column(1).as_binary::<i32>().value(0), b"2");
                    assert_eq!(entries.len(), 1, "the last header of a key counts");
                }
                Metadata::HeaderList => assert_eq!(column.as_list::<i32>().value(0).len(), 2),
                Metadata::LeaderEpoch => assert!(column.is_null(0)),
                _ => assert!(!column.is_null(0)),
            }
        }
    }
}
