//! The start of an attempt, in this order: the attempt is counted, targets that another job writes to are refused, every
//! target is fenced, the markers are read, what to go on from is decided, and what is held for targets that lack it is
//! published. Only then rows are read.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::checkpoints::{Checkpoints, StartFrom};
use super::staging::data_name;
use super::targets::{self, OpenTarget, TargetPlan};
use crate::changelog::Epoch;
use crate::checkpoint::{
    CheckpointKind, DataReader, DataWriter, Decision, Found, HeldPart, JobFolder, Manifest, OperatorState, PieceRef,
    SourceState, SplitState, TargetMarker, TargetState, TargetTraits, check_ours, collect_nameless, decide,
    open_savepoint, other_writer, read_snapshot,
};
use crate::connectors::{DoorMetrics, EpochMode, Reporter, Staged, StagedPart, Target, TargetContext};
use crate::error::{Error, ErrorKind, Result};
use crate::failpoint::reach;
use crate::plan::identity::{Identity, Keeper, keepers, matches};
use crate::plan::stream_plan::StreamPlan;
use crate::state::Snapshot;
use crate::time::Clock;

/// What is needed to start an attempt.
pub struct Start<'a> {
    pub job: Arc<str>,
    pub plan: &'a StreamPlan,
    pub checkpoints: &'a Checkpoints,
    pub folder: Arc<JobFolder>,
    /// False for the attempts behind the first: they go on from the newest checkpoint.
    pub first_attempt: bool,
    pub clock: Arc<dyn Clock>,
    pub reporter: Reporter,
    /// The same for what targets say.
    pub doors: Reporter,
}

/// An attempt whose targets are its own.
pub struct Started {
    pub folder: Arc<JobFolder>,
    pub attempt: u64,
    pub lineage: String,
    pub mode: EpochMode,
    pub targets: Vec<OpenTarget>,
    /// The epoch of the first row.
    pub first: Epoch,
    /// The last epoch of the lineage that was published.
    pub published: Option<Epoch>,
    /// The tables that the job writes.
    pub sinks: Vec<String>,
    pub inherited: Vec<TargetMarker>,
    /// The id of the savepoint that the lineage began from.
    pub savepoint: Option<String>,
    pub restored: Option<Restored>,
    /// A new lineage: its start is to be written before the first row.
    pub begins: bool,
    /// The checkpoints that must not be collected.
    pub kept: Vec<Manifest>,
}

/// What was known at a checkpoint.
pub struct Restored {
    pub epoch: Epoch,
    /// By the identity of the operator in the plan.
    pub operators: HashMap<String, Vec<RestoredState>>,
    /// By the identity of the source in the plan.
    pub sources: HashMap<String, Vec<SplitState>>,
    /// What nobody in the plan takes, for people.
    pub left_over: Vec<String>,
    /// What else the checkpoint says, to be taken over where a lineage begins with it.
    states: Vec<OperatorState>,
    data: HashMap<Place, Bytes>,
}

/// The file and offset of a piece.
type Place = (String, u64);

/// What one subtask knew.
#[derive(Clone)]
pub struct RestoredState {
    pub subtask: usize,
    pub parallelism: usize,
    pub snapshot: Snapshot,
}

impl Start<'_> {
    pub async fn begin(&self) -> Result<Started> {
        let planned = targets::targets(self.plan)?;
        let mode = targets::mode(&planned);
        if self.folder.store.is_durable() {
            self.collect_failed_tries().await?;
        }
        let attempt = self.folder.take_attempt().await?;
        reach("start.attempt-taken");
        let mut found = self.folder.checkpoints().await?;
        let newest = found.iter().find_map(|found| found.manifest.as_ref().ok());
        let from = match self.first_attempt {
            true => self.begun_from(newest).await?,
            false => StartFrom::Newest,
        };
        if self.first_attempt && from == StartFrom::Newest && found.is_empty() {
            self.check_renamed().await?;
        }
        let lineage = match (&from, newest) {
            (StartFrom::Newest, Some(newest)) => newest.lineage.clone(),
            _ => uuid::Uuid::new_v4().simple().to_string(),
        };
        let mut targets = self.open(&planned, &lineage, attempt, mode).await?;
        targets::check_apart(&targets)?;
        if from == StartFrom::Newest {
            // A fence disturbs whoever is at work there: that must have been a start of these checkpoints.
            let mut seen = Vec::with_capacity(targets.len());
            for target in &targets {
                seen.push(target.look().await?);
            }
            check_ours(&found, &seen, self.checkpoints.store.is_durable())?;
            reach("start.looked");
        }
        let mut markers = Vec::with_capacity(targets.len());
        for target in &targets {
            markers.push(target.fence().await?);
        }
        reach("start.fenced");
        if !targets.is_empty() {
            found = self.folder.checkpoints().await?;
        }
        let seen = found.iter().map(|found| found.epoch);
        let marked = markers.iter().filter_map(|at| Some(at.marker.as_ref()?.epoch));
        let highest = seen.chain(marked).max();
        let first = highest.map_or(Epoch(1), Epoch::next);
        targets.iter_mut().for_each(|target| target.since = first);
        let base = Started {
            folder: self.folder.clone(),
            attempt,
            lineage,
            mode,
            targets,
            first,
            published: None,
            sinks: self.plan.sinks().map(str::to_string).collect(),
            inherited: markers.clone(),
            savepoint: None,
            restored: None,
            begins: true,
            kept: Vec::new(),
        };
        let started = match from {
            StartFrom::Fresh => {
                let line = "begins anew: what sinks have of this job already may be written again";
                self.reporter.news(&format!("job \"{}\" {line}", self.job));
                Started { first: base.first.next(), ..base }
            }
            StartFrom::Savepoint { folder: path, .. } => {
                let (manifest, restored) = read_savepoint(&path, &self.keepers()).await?;
                self.reporter.news(&format!(
                    "job \"{}\" begins from savepoint \"{}\" of epoch {}: what sinks have from behind it may be written \
                     again",
                    self.job,
                    path.display(),
                    manifest.epoch.0
                ));
                let savepoint = Some(manifest.id());
                Started { first: base.first.next(), savepoint, restored: Some(restored), ..base }
            }
            StartFrom::Newest => self.newest(base, found, &markers, &traits(&planned)).await?,
        };
        self.check_left_over(&started)?;
        reach("start.restored");
        for target in &started.targets {
            target.begin(started.first).await?;
        }
        Ok(started)
    }

    /// A disk that was full may be full of them. No process but this one writes to the folder.
    async fn collect_failed_tries(&self) -> Result<()> {
        let found = self.folder.checkpoints().await?;
        if let Err(error) = collect_nameless(&self.folder, &found).await {
            self.reporter.news(&format!("files of checkpoints that failed stay: {}", error.message()));
        }
        Ok(())
    }

    /// What the first attempt goes on from: the same command again, after a crash, doesn't go back to its savepoint.
    async fn begun_from(&self, newest: Option<&Manifest>) -> Result<StartFrom> {
        let from = self.checkpoints.from.clone();
        let (StartFrom::Savepoint { folder, again: false }, Some(newest)) = (&from, newest) else { return Ok(from) };
        let (_, savepoint) = open_savepoint(folder).await?;
        if newest.savepoint != Some(savepoint.id()) {
            return Ok(from);
        }
        self.reporter.news(&format!(
            "job \"{}\" has begun from savepoint \"{}\" already, and goes on; with --fresh it begins from it again",
            self.job,
            folder.display()
        ));
        Ok(StartFrom::Newest)
    }

    /// A job that would begin anew may be one that has checkpoints under another name.
    async fn check_renamed(&self) -> Result<()> {
        let Checkpoints { store, begun, is_named, .. } = self.checkpoints;
        if !store.is_durable() {
            return Ok(());
        }
        let sinks: Vec<&str> = self.plan.sinks().collect();
        let Some((other, table)) = other_writer(store, &self.job, begun, &sinks).await? else { return Ok(()) };
        let job = &self.job;
        if *is_named {
            self.reporter.news(&format!(
                "job \"{job}\" begins anew; job \"{other}\", which has checkpoints beside it, has written \"{table}\", too"
            ));
            return Ok(());
        }
        Err(Error::state(format!(
            "job \"{job}\" would begin anew, and job \"{other}\" has checkpoints in the same folder and has written \
             \"{table}\", too"
        ))
        .with_detail("A job without a name of its own is known by the tables that it writes, in their order.")
        .with_hint(format!(
            "Where it is the same job, SET 'pipeline.name' = '{}' makes it go on. Where it is another, give it a name of \
             its own in the same way. Or begin anew with --fresh: sinks may then see rows again.",
            other.replace('\'', "''")
        )))
    }

    fn keepers(&self) -> Vec<Keeper> {
        keepers(self.plan).into_iter().flatten().collect()
    }

    /// Refuses state of operators that the plan does not have.
    fn check_left_over(&self, started: &Started) -> Result<()> {
        let Some(restored) = started.restored.as_ref().filter(|restored| !restored.left_over.is_empty()) else {
            return Ok(());
        };
        let what = restored.left_over.join(", ");
        if self.checkpoints.allow_non_restored {
            self.reporter.news(&format!("state that the job no longer has is dropped: {what}"));
            return Ok(());
        }
        Err(Error::state(format!("checkpoint {} has state that the job no longer has: {what}", restored.epoch.0))
            .with_hint("Start the job as it was, or drop that state with --allow-non-restored-state."))
    }

    async fn open(
        &self,
        planned: &[TargetPlan],
        lineage: &str,
        attempt: u64,
        mode: EpochMode,
    ) -> Result<Vec<OpenTarget>> {
        let mut open = Vec::with_capacity(planned.len());
        for target in planned {
            let context = TargetContext {
                job: self.job.clone(),
                lineage: lineage.to_string(),
                attempt,
                mode,
                clock: self.clock.clone(),
                reporter: self.doors.clone(),
                metrics: Arc::<DoorMetrics>::default(),
            };
            open.push(target.open(&context).await?);
        }
        Ok(open)
    }

    /// Goes on from the newest checkpoint that counts; one whose files are damaged is passed over where that is safe.
    async fn newest(
        &self,
        mut base: Started,
        mut found: Vec<Found>,
        markers: &[TargetMarker],
        traits: &TargetTraits,
    ) -> Result<Started> {
        let mut bad: HashMap<Epoch, Error> = HashMap::new();
        loop {
            for checkpoint in &mut found {
                if let Some(error) = bad.get(&checkpoint.epoch) {
                    checkpoint.manifest = Err(Error::state(error.message()));
                }
            }
            let decision = decide(found, markers, self.checkpoints.store.is_durable(), traits)?;
            let Decision::Restore { manifest, publish, mark, discard, damaged } = decision else { return Ok(base) };
            let lacking: Vec<&OpenTarget> = base.targets.iter().filter(|t| publish.contains(&t.name)).collect();
            let held_parts = held_parts(&manifest, &lacking)?;
            let data = self.folder.data();
            let read = async {
                let mut reader = DataReader::new(&self.checkpoints.store, &data);
                let restored = restored(&mut reader, &manifest, &self.keepers()).await?;
                let mut parts = Vec::with_capacity(held_parts.len());
                for (sink, part) in held_parts {
                    let staged = Staged { rows: part.rows, payload: reader.read(&part.payload).await? };
                    parts.push(StagedPart { sink, subtask: part.subtask, staged });
                }
                Ok::<_, Error>((restored, parts))
            };
            let (restored, parts) = match read.await {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::State => {
                    bad.insert(manifest.epoch, error);
                    found = self.folder.checkpoints().await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for (epoch, error) in &damaged {
                let line = format!("checkpoint {} can't be restored ({}); going back to", epoch.0, error.message());
                self.reporter.news(&format!("{line} checkpoint {}", manifest.epoch.0));
            }
            let epoch = manifest.epoch;
            tracing::debug!(epoch = epoch.0, discarded = discard.len(), "restoring");
            for target in base.targets.iter().filter(|target| publish.contains(&target.name)) {
                target.publish(epoch, &parts).await?;
            }
            // Were it still missing after the next epoch, nobody could tell whether that one was published.
            for target in base.targets.iter().filter(|target| mark.contains(&target.name)) {
                target.publish(epoch, &[]).await?;
            }
            for target in &mut base.targets {
                if let Some(known) = manifest.targets.iter().find(|known| known.name == target.name) {
                    target.since = known.since;
                }
            }
            return Ok(Started {
                published: (manifest.kind != CheckpointKind::Start).then_some(epoch),
                inherited: manifest.inherited.clone(),
                savepoint: manifest.savepoint.clone(),
                restored: Some(restored),
                begins: false,
                kept: self.kept(*manifest, &bad).await?,
                ..base
            });
        }
    }

    /// The checkpoint that is restored, behind the older ones of its lineage that are retained as well.
    async fn kept(&self, restored: Manifest, bad: &HashMap<Epoch, Error>) -> Result<Vec<Manifest>> {
        let older = self.folder.checkpoints().await?.into_iter().filter_map(|found| found.manifest.ok());
        let mut kept: Vec<Manifest> = older
            .filter(|older| older.epoch < restored.epoch && older.lineage == restored.lineage)
            .filter(|older| !bad.contains_key(&older.epoch))
            .take(self.checkpoints.retained.saturating_sub(1))
            .collect();
        kept.reverse();
        kept.push(restored);
        Ok(kept)
    }
}

fn traits(planned: &[TargetPlan]) -> TargetTraits {
    let those = |has: &dyn Fn(&dyn Target) -> bool| {
        let named = planned.iter().filter(|planned| has(&*planned.target));
        named.map(|planned| planned.name.clone()).collect()
    };
    TargetTraits {
        in_parts: those(&|target| !target.has_transactions()),
        forgetful: those(&|target| target.forgets_markers()),
    }
}

impl Started {
    /// Writes the start of a new lineage: where its sources begin. Durable when this returns.
    pub async fn write_start(&self, job: &str, sources: Vec<SourceState>, now_ms: i64) -> Result<Manifest> {
        let epoch = Epoch(self.first.0 - 1);
        let mut data = DataWriter::new(data_name(self.attempt, epoch));
        let operators = match &self.restored {
            Some(restored) => restored.take_over(&mut data)?,
            None => Vec::new(),
        };
        let targets = self.targets.iter().map(|target| TargetState {
            name: target.name.clone(),
            since: target.since,
            held: Vec::new(),
        });
        let manifest = Manifest {
            job: job.to_string(),
            lineage: self.lineage.clone(),
            attempt: self.attempt,
            epoch,
            kind: CheckpointKind::Start,
            mode: self.mode,
            published: None,
            sinks: self.sinks.clone(),
            inherited: self.inherited.clone(),
            savepoint: self.savepoint.clone(),
            created_ms: now_ms,
            took_ms: 0,
            bytes: data.bytes(),
            operators,
            sources,
            targets: targets.collect(),
        };
        data.write(&self.folder.store, &self.folder.data()).await?;
        self.folder.write_manifest(manifest).await
    }
}

impl Restored {
    /// The state's pieces, written anew.
    fn take_over(&self, data: &mut DataWriter) -> Result<Vec<OperatorState>> {
        let mut copy = |piece: &PieceRef| {
            let bytes = self.data.get(&(piece.file.clone(), piece.offset));
            bytes.map(|bytes| data.add(bytes)).ok_or_else(|| Error::internal("a piece of a savepoint was not read"))
        };
        let mut states = self.states.clone();
        for table in states.iter_mut().flat_map(|state| &mut state.tables) {
            table.schema = copy(&table.schema)?;
            for piece in &mut table.pieces {
                *piece = copy(piece)?;
            }
        }
        Ok(states)
    }
}

/// Reads what operators and sources knew, and finds who in the plan takes it.
async fn restored(reader: &mut DataReader<'_>, manifest: &Manifest, keepers: &[Keeper]) -> Result<Restored> {
    let saved_states = manifest.operators.iter().map(|state| (&state.identity, &state.about));
    let saved_sources = manifest.sources.iter().map(|source| (&source.identity, &source.table));
    let saved: BTreeMap<Identity, String> =
        saved_states.chain(saved_sources).map(|(id, about)| (Identity::saved(id), about.clone())).collect();
    let planned: Vec<Identity> = keepers.iter().map(|keeper| keeper.identity.clone()).collect();
    let found = matches(&saved.keys().cloned().collect::<Vec<_>>(), &planned);
    let taker: HashMap<&str, &Identity> =
        saved.keys().zip(&found).filter_map(|(id, at)| Some((id.as_str(), planned.get((*at)?)?))).collect();
    let mut operators: HashMap<String, Vec<RestoredState>> = HashMap::new();
    for state in &manifest.operators {
        let Some(taker) = taker.get(state.identity.as_str()) else { continue };
        let snapshot = read_snapshot(reader, state).await?;
        operators.entry(taker.to_string()).or_default().push(RestoredState {
            subtask: state.subtask,
            parallelism: state.parallelism,
            snapshot,
        });
    }
    let sources = manifest.sources.iter().filter_map(|source| {
        let taker = taker.get(source.identity.as_str())?;
        Some((taker.to_string(), source.splits.clone()))
    });
    let sources = sources.collect();
    // Of what holds nothing, nothing is lost.
    let holds = |id: &Identity| {
        let state = manifest.operators.iter().filter(|state| state.identity == id.as_str());
        let mut state = state.map(|state| !state.numbers.is_empty() || state.tables.iter().any(|table| table.rows > 0));
        state.any(|holds| holds) || manifest.sources.iter().any(|source| source.identity == id.as_str())
    };
    let left = saved.iter().zip(&found).filter(|((id, _), at)| at.is_none() && holds(id));
    let left_over = left.map(|((_, about), _)| about.clone()).collect();
    Ok(Restored { epoch: manifest.epoch, operators, sources, left_over, states: Vec::new(), data: HashMap::new() })
}

/// What is held for some targets, with the numbers that their sinks have now.
fn held_parts<'a>(manifest: &'a Manifest, targets: &[&OpenTarget]) -> Result<Vec<(usize, &'a HeldPart)>> {
    let mut parts = Vec::new();
    for target in targets {
        let Some(state) = manifest.targets.iter().find(|state| state.name == target.name) else { continue };
        for part in &state.held {
            // Two sinks of one table keep their order.
            let mut before: Vec<usize> = state.held.iter().filter(|h| h.table == part.table).map(|h| h.sink).collect();
            before.sort_unstable();
            before.dedup();
            let place = before.iter().position(|sink| *sink == part.sink).unwrap_or(0);
            let sink = target.sinks.iter().filter(|sink| sink.table == part.table).nth(place).ok_or_else(|| {
                Error::state(format!(
                    "checkpoint {} holds {} rows for table \"{}\" that were not written yet, and the job no longer \
                     writes it",
                    manifest.epoch.0, part.rows, part.table
                ))
                .with_hint("Start the job as it was once more, so that they are written; then change it.")
            })?;
            parts.push((sink.sink, part));
        }
    }
    Ok(parts)
}

/// Reads a savepoint, whole.
async fn read_savepoint(path: &Path, keepers: &[Keeper]) -> Result<(Manifest, Restored)> {
    let (store, manifest) = open_savepoint(path).await?;
    let mut reader = DataReader::new(&store, "data");
    let mut restored = restored(&mut reader, &manifest, keepers).await?;
    for table in manifest.operators.iter().flat_map(|operator| &operator.tables) {
        for piece in std::iter::once(&table.schema).chain(&table.pieces) {
            restored.data.insert((piece.file.clone(), piece.offset), reader.read(piece).await?);
        }
    }
    restored.states = manifest.operators.clone();
    Ok((manifest, restored))
}
