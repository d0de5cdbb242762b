//! A filesystem table as its doors need it: checked options, and which columns the lines of its files hold.

use super::data_file::FileMetadata;
use super::options::FileOptions;
use super::partition;
use crate::connectors::TableDescriptor;
use crate::error::{Error, Result};
use crate::formats::{FormatRole, TableFormat};
use crate::types::Schema;

/// A checked table.
#[derive(Debug, Clone)]
pub struct FileTable {
    pub descriptor: TableDescriptor,
    pub options: FileOptions,
    pub format: TableFormat,
    /// The columns that lines hold: all physical ones but those of PARTITIONED BY.
    pub body: Schema,
    /// Where each stands in the scan schema.
    pub body_columns: Vec<usize>,
    /// The metadata columns, which stand behind the physical ones.
    pub metadata: Vec<FileMetadata>,
}

impl FileTable {
    /// # Errors
    /// Of kind Statement: options or columns that can't be.
    pub fn try_new(table: &TableDescriptor) -> Result<Self> {
        let options = FileOptions::of(table)?;
        let format = TableFormat::require(&table.options, FormatRole::Value, &table.owner(), table.zone, true)?;
        for &key in &table.partition_keys {
            let field = &table.columns.fields[key];
            if !partition::is_supported(&field.ty.kind) {
                let what =
                    format!("partition column \"{}\" of {}: the type {}", field.name, table.owner(), field.ty.kind);
                return Err(Error::unsupported(what)
                    .with_hint("Folders can be named by texts, whole numbers, DECIMAL, BOOLEAN and DATE."));
            }
        }
        let body_columns: Vec<usize> =
            (0..table.columns.len()).filter(|column| !table.partition_keys.contains(column)).collect();
        let metadata = table.metadata.iter().map(|column| {
            FileMetadata::find(&column.key).ok_or_else(|| {
                let known: Vec<_> = FileMetadata::ALL.iter().map(|m| m.key()).collect();
                Error::statement(format!("{} has no metadata '{}'", table.owner(), column.key))
                    .with_hint(format!("Known metadata: {}.", known.join(", ")))
            })
        });
        Ok(Self {
            metadata: metadata.collect::<Result<_>>()?,
            body: table.columns.project(&body_columns),
            body_columns,
            format,
            options,
            descriptor: table.clone(),
        })
    }
}
