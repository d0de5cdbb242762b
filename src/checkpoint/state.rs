//! Snapshots of operators in data files.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::data::{DataReader, DataWriter, PieceRef};
use super::known::KnownPieces;
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

/// Adds a snapshot to data files, but for the pieces that were `known` before; says where everything lies, and notes its
/// pieces for the next one.
pub fn write_snapshot(
    writer: &mut DataWriter,
    owner: &Owner,
    snapshot: &Snapshot,
    known: &KnownPieces,
    noted: &mut KnownPieces,
) -> Result<OperatorState> {
    let mut tables = Vec::new();
    for (name, table) in snapshot.tables() {
        let schema = writer.add(&stream(table.schema(), None)?);
        let mut pieces = Vec::with_capacity(table.pieces().len());
        let mut rows = 0;
        for piece in table.pieces() {
            rows += piece.num_rows() as u64;
            let place = match piece.id().and_then(|id| known.find(owner, name, id)) {
                Some(place) => place.clone(),
                None => writer.add(&stream(table.schema(), Some(&piece.rows()?))?),
            };
            if let Some(id) = piece.id() {
                noted.note(known, owner, name, id, &place);
            }
            pieces.push(place);
        }
        let key = table.key().map(<[usize]>::to_vec);
        tables.push(TableState { name: name.clone(), rows, key, schema, pieces });
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
        if table.key.iter().flatten().any(|column| *column >= schema.fields().len()) {
            return Err(Error::state("the state is damaged"));
        }
        snapshot = snapshot.with_table(&table.name, StateTable::of_pieces(schema, table.key.clone(), pieces));
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
