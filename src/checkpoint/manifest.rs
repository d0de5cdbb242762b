//! The manifest of a checkpoint: which epoch of which job it is, and where everything lies that belongs to it.
//!
//! ```text
//! millstream-checkpoint 2 8c0f2a6b17d3e945      the version of the form, xxh3 of what follows
//! {"job":"alerts","lineage":"…","attempt":7,"epoch":42, …}
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::data::PieceRef;
use super::recovery::TargetMarker;
use crate::changelog::Epoch;
use crate::connectors::EpochMode;
use crate::error::{Error, Result};

/// The form that is written, and the only one that is read: that of manifests and of all that they name. In version 1 some
/// values in the state of aggregates were bytes of Arrow's row format.
pub const VERSION: u32 = 2;

const MAGIC: &str = "millstream-checkpoint";

/// What a checkpoint was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointKind {
    /// Before the first row of a lineage: where sources start.
    Start,
    /// While the job runs.
    Periodic,
    /// With the end of the job.
    Final,
    /// For the user, in a folder of its own.
    Savepoint,
}

impl CheckpointKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Periodic => "periodic",
            Self::Final => "final",
            Self::Savepoint => "savepoint",
        }
    }
}

/// All that is known of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub job: String,
    /// The line of starts that go on from each other.
    pub lineage: String,
    pub attempt: u64,
    pub epoch: Epoch,
    pub kind: CheckpointKind,
    pub mode: EpochMode,
    /// The last epoch of the lineage that was published before this one began; none of it yet.
    pub published: Option<Epoch>,
    /// The tables that the job writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<String>,
    /// What stood at the targets when the lineage began: it says nothing of this lineage.
    pub inherited: Vec<TargetMarker>,
    /// The id of the savepoint that the lineage began from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub savepoint: Option<String>,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// From the barrier to the manifest.
    pub took_ms: u64,
    /// Of all pieces, those that earlier checkpoints wrote included.
    pub bytes: u64,
    pub operators: Vec<OperatorState>,
    pub sources: Vec<SourceState>,
    pub targets: Vec<TargetState>,
}

/// What one subtask of an operator knew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorState {
    /// Which operator it is, the same in every plan of the job.
    pub identity: String,
    /// `GroupAggregate`
    pub operator: String,
    /// For people: `GroupAggregate(hostname) of cpu_in`.
    pub about: String,
    pub subtask: usize,
    pub parallelism: usize,
    pub numbers: BTreeMap<String, i64>,
    pub tables: Vec<TableState>,
}

/// A table of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableState {
    pub name: String,
    pub rows: u64,
    /// Positions of the columns by whose key groups rows belong to subtasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Vec<usize>>,
    /// An Arrow IPC stream without rows.
    pub schema: PieceRef,
    /// Arrow IPC streams of one batch.
    pub pieces: Vec<PieceRef>,
}

/// Where a source stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    pub identity: String,
    pub table: String,
    pub splits: Vec<SplitState>,
}

/// Where a split stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitState {
    pub id: String,
    /// The next position, in the source's own spelling.
    pub position: String,
    /// Milliseconds; none before the first row with a time.
    pub watermark: Option<i64>,
}

/// What goes to a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetState {
    pub name: String,
    /// The first epoch that goes to it: a job may get further targets.
    pub since: Epoch,
    /// In the mode Held; without it rows are in the target's transaction.
    pub held: Vec<HeldPart>,
}

/// What one writer left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPart {
    /// The number of the sink in its job.
    pub sink: usize,
    /// The name of its table.
    pub table: String,
    pub subtask: usize,
    pub rows: u64,
    pub payload: PieceRef,
}

impl Manifest {
    pub fn encode(&self) -> Result<Vec<u8>> {
        let body = serde_json::to_vec(self).map_err(|error| Error::internal(format!("a manifest: {error}")))?;
        let mut bytes = format!("{MAGIC} {VERSION} {:016x}\n", xxh3_64(&body)).into_bytes();
        bytes.extend(body);
        Ok(bytes)
    }

    /// The version of the form that bytes say they have.
    pub fn version(bytes: &[u8]) -> Option<u32> {
        let head = std::str::from_utf8(bytes.split(|byte| *byte == b'\n').next()?).ok()?;
        head.strip_prefix(MAGIC)?.split_whitespace().next()?.parse().ok()
    }

    /// What [`Manifest::encode`] gave.
    ///
    /// # Errors
    /// Bytes that are anything else, of kind `State`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::state("the manifest is damaged");
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let (head, body) = (std::str::from_utf8(&bytes[..end]).map_err(|_| damaged())?, &bytes[end + 1..]);
        let words: Vec<&str> = head.split(' ').collect();
        let [MAGIC, version, sum] = words[..] else { return Err(damaged()) };
        match version.parse::<u32>() {
            Ok(VERSION) => {}
            Ok(other) => {
                let said =
                    format!("a checkpoint of version {other} can't be read: this Millstream reads version {VERSION}");
                return Err(Error::state(said).with_hint(
                    "Run the job with the Millstream that wrote it; or begin anew with --fresh: sinks may then see rows \
                     again.",
                ));
            }
            Err(_) => return Err(damaged()),
        }
        if sum != format!("{:016x}", xxh3_64(body)) {
            return Err(damaged());
        }
        serde_json::from_slice(body).map_err(|error| damaged().with_detail(format!("{error}.")))
    }

    /// What tells a savepoint from others, wherever it lies: no epoch of a lineage is there twice.
    pub fn id(&self) -> String {
        format!("{}-{}", self.lineage, self.epoch.0)
    }

    /// Every piece that it names.
    pub fn pieces(&self) -> impl Iterator<Item = &PieceRef> {
        let tables = self.operators.iter().flat_map(|operator| &operator.tables);
        let state = tables.flat_map(|table| std::iter::once(&table.schema).chain(&table.pieces));
        state.chain(self.targets.iter().flat_map(|target| &target.held).map(|part| &part.payload))
    }

    /// How many keys or rows all tables have.
    pub fn rows(&self) -> u64 {
        self.operators.iter().flat_map(|operator| &operator.tables).map(|table| table.rows).sum()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::error::ErrorKind;

    /// A manifest of epoch `epoch` in the lineage "a".
    pub fn manifest(epoch: u64, mode: EpochMode, targets: &[&str]) -> Manifest {
        let target = |name: &&str| TargetState { name: name.to_string(), since: Epoch(1), held: Vec::new() };
        Manifest {
            job: "alerts".to_string(),
            lineage: "a".to_string(),
            attempt: 1,
            epoch: Epoch(epoch),
            kind: if epoch == 0 { CheckpointKind::Start } else { CheckpointKind::Periodic },
            mode,
            published: (epoch > 1).then(|| Epoch(epoch - 1)),
            sinks: Vec::new(),
            inherited: Vec::new(),
            savepoint: None,
            created_ms: 0,
            took_ms: 0,
            bytes: 0,
            operators: Vec::new(),
            sources: Vec::new(),
            targets: targets.iter().map(target).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_every_changed_byte_is_found() {
        let manifest = manifest(3, EpochMode::Held, &["kafka", "postgres"]);
        let bytes = manifest.encode().unwrap();
        assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x04;
            assert_eq!(Manifest::decode(&changed).unwrap_err().kind(), ErrorKind::State, "byte {at}");
            assert_eq!(Manifest::decode(&bytes[..at]).unwrap_err().kind(), ErrorKind::State, "{at} bytes");
        }
    }

    #[test]
    fn another_version_says_so() {
        let bytes = manifest(3, EpochMode::Held, &[]).encode().unwrap();
        for other in [VERSION - 1, VERSION + 1] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let changed = text.replacen(&format!(" {VERSION} "), &format!(" {other} "), 1);
            assert_eq!(Manifest::version(changed.as_bytes()), Some(other));
            let error = Manifest::decode(changed.as_bytes()).unwrap_err();
            let expected =
                format!("a checkpoint of version {other} can't be read: this Millstream reads version {VERSION}");
            assert_eq!(error.message(), expected);
        }
    }
}
