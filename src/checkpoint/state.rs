//! Snapshots of operators in data files.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::data::{DataReader, DataWriter, PieceRef};
use super::manifest::{OperatorState, TableState};
use crate::error::{Error, Result};
use crate::state::{Snapshot, StateTable};

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    pub identity: String,
    /// For people.
    pub about: String,
    pub subtask: usize,
    pub parallelism: usize,
}

/// Adds a snapshot to data files; says where everything lies.
pub fn write_snapshot(writer: &mut DataWriter, owner: &Owner, snapshot: &Snapshot) -> Result<OperatorState> {
    let mut tables = Vec::new();
    for (name, table) in snapshot.tables() {
        let schema = writer.add(&stream(table.schema(), None)?);
        let mut pieces = Vec::with_capacity(table.pieces().len());
        let mut rows = 0;
        for piece in table.pieces() {
            rows += piece.num_rows() as u64;
            pieces.push(writer.add(&stream(table.schema(), Some(piece))?));
        }
        tables.push(TableState { name: name.clone(), rows, schema, pieces });
    }
    Ok(OperatorState {
        identity: owner.identity.clone(),
        operator: snapshot.operator().to_string(),
        about: owner.about.clone(),
        subtask: owner.subtask,
        parallelism: owner.parallelism,
        numbers: snapshot.numbers().clone(),
        tables,
    })
}

/// Reads a snapshot again.
pub async fn read_snapshot(reader: &mut DataReader<'_>, state: &OperatorState) -> Result<Snapshot> {
    let mut snapshot = Snapshot::of(&state.operator);
    for (name, number) in &state.numbers {
        snapshot = snapshot.with_number(name, *number);
    }
    for table in &state.tables {
        let (schema, _) = read(reader, &table.schema).await?;
        let mut pieces = Vec::with_capacity(table.pieces.len());
        for piece in &table.pieces {
            pieces.extend(read(reader, piece).await?.1);
        }
        snapshot = snapshot.with_table(&table.name, StateTable::of_pieces(schema, pieces));
    }
    Ok(snapshot)
}

fn stream(schema: &Schema, piece: Option<&RecordBatch>) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    if let Some(piece) = piece {
        writer.write(piece)?;
    }
    Ok(writer.into_inner()?)
}

async fn read(
    reader: &mut DataReader<'_>,
    piece: &PieceRef,
) -> Result<(arrow::datatypes::SchemaRef, Vec<RecordBatch>)> {
    let bytes = reader.read(piece).await?;
    let torn = |error| Error::state("the state is damaged").with_detail(format!("{error}."));
    let stream = StreamReader::try_new(bytes.as_ref(), None).map_err(torn)?;
    let schema = stream.schema();
    Ok((schema, stream.collect::<Result<_, _>>().map_err(torn)?))
}
