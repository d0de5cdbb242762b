//! What tasks know at a barrier, put together as a checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::targets::OpenTarget;
use crate::changelog::Epoch;
use crate::checkpoint::{
    DataWriter, HeldPart, KnownPieces, OperatorState, Owner, SourceState, SplitState, TargetState, write_snapshot,
};
use crate::connectors::{EpochMode, StagedPart};
use crate::error::Result;
use crate::state::Snapshot;

/// What one task knows at a barrier, or at its end.
#[derive(Debug, Clone, Default)]
pub struct TaskSnapshot {
    /// Of operators that keep state.
    pub operators: Vec<(Arc<Owner>, Snapshot)>,
    /// Where its source stands.
    pub source: Option<SourceState>,
    /// What its writers leave for the epoch.
    pub parts: Vec<StagedPart>,
}

/// What all tasks know.
#[derive(Debug, Default)]
pub struct Staging {
    pub operators: Vec<(Arc<Owner>, Snapshot)>,
    pub sources: Vec<SourceState>,
    pub parts: Vec<StagedPart>,
}

/// A checkpoint's pieces before they are written.
pub struct Encoded {
    pub data: DataWriter,
    pub operators: Vec<OperatorState>,
    pub targets: Vec<TargetState>,
    /// The pieces of state that the next checkpoint need not write.
    pub known: KnownPieces,
}

impl Staging {
    pub fn of<'a>(tasks: impl Iterator<Item = &'a TaskSnapshot>) -> Self {
        let mut this = Self::default();
        let mut sources: BTreeMap<String, SourceState> = BTreeMap::new();
        for task in tasks {
            this.operators.extend(task.operators.iter().cloned());
            this.parts.extend(task.parts.iter().cloned());
            if let Some(source) = &task.source {
                match sources.get_mut(&source.identity) {
                    Some(known) => known.splits.extend(source.splits.iter().cloned()),
                    None => drop(sources.insert(source.identity.clone(), source.clone())),
                }
            }
        }
        this.sources = sources.into_values().collect();
        for source in &mut this.sources {
            source.splits.sort_by(|a, b| a.id.cmp(&b.id));
        }
        this.operators.sort_by(|(a, _), (b, _)| (&a.identity, a.subtask).cmp(&(&b.identity, b.subtask)));
        this
    }

    /// Encodes everything but the pieces that are `known`; `name` begins the names of the data files. With `mode` Held the
    /// parts of the targets, too.
    pub fn encode(
        &self,
        name: String,
        targets: &[OpenTarget],
        mode: EpochMode,
        known: &KnownPieces,
    ) -> Result<Encoded> {
        let mut data = DataWriter::new(name);
        let mut operators = Vec::with_capacity(self.operators.len());
        let mut noted = KnownPieces::default();
        for (owner, snapshot) in &self.operators {
            operators.push(write_snapshot(&mut data, owner, snapshot, known, &mut noted)?);
        }
        let mut states = Vec::with_capacity(targets.len());
        for target in targets {
            let parts = if mode == EpochMode::Held { target.parts(&self.parts) } else { Vec::new() };
            let held = parts.iter().map(|part| HeldPart {
                sink: part.sink,
                table: target.table(part.sink).to_string(),
                subtask: part.subtask,
                rows: part.staged.rows,
                payload: data.add(&part.staged.payload),
            });
            states.push(TargetState { name: target.name.clone(), since: target.since, held: held.collect() });
        }
        Ok(Encoded { data, operators, targets: states, known: noted })
    }
}

/// The name that the data files of an epoch begin with.
pub fn data_name(attempt: u64, epoch: Epoch) -> String {
    format!("{attempt}-{}", epoch.0)
}

/// Where a split stands.
pub fn split_state(id: &str, position: &str, watermark: Option<i64>) -> SplitState {
    SplitState { id: id.to_string(), position: position.to_string(), watermark }
}
