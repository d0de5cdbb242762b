//! What a start goes on from: decided from the checkpoints of the job and the markers at its targets, before a row is
//! read.
//!
//! In the mode Rollback the marker decides: epoch N counts when the target's transaction has committed. In the mode
//! Held the manifest decides: what it holds goes to every target that is not there yet.

use serde::{Deserialize, Serialize};

use super::folder::Found;
use super::manifest::{CheckpointKind, Manifest};
use crate::changelog::Epoch;
use crate::connectors::{EpochMode, Marker};
use crate::error::{Error, Result};

/// The marker of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetMarker {
    pub target: String,
    /// `None` where nothing was ever published.
    pub marker: Option<Marker>,
}

/// What a start does.
#[derive(Debug)]
pub enum Decision {
    /// There is nothing to go on from.
    Fresh,
    Restore {
        manifest: Box<Manifest>,
        /// Targets that what the manifest holds is still to be published to.
        publish: Vec<String>,
        /// Targets that have all of it, and whose marker has expired: it is to be published again, without rows.
        mark: Vec<String>,
        /// Newer checkpoints whose epochs were never published: made anew.
        discard: Vec<Epoch>,
        /// Newer checkpoints that can't be read, and why.
        damaged: Vec<(Epoch, Error)>,
    },
}

/// What counts of targets beside their markers: their names.
#[derive(Debug, Default)]
pub struct TargetTraits {
    /// Those that may have a part of an epoch whose marker they lack.
    pub in_parts: Vec<String>,
    /// Those that forget a marker after a time.
    pub forgetful: Vec<String>,
}

/// Refuses markers that these checkpoints (the newest first) know nothing of: those of a job that may be running, with a
/// folder of its own or a copy of this one. Markers only move on, so that what else they say counts behind a fence.
///
/// # Errors
/// As those of [`decide`].
pub fn check_ours(found: &[Found], markers: &[TargetMarker], durable: bool) -> Result<()> {
    if found.is_empty() {
        return check_unmarked(markers, durable);
    }
    let newest = found.iter().find_map(|found| found.manifest.as_ref().ok());
    newest.map_or(Ok(()), |manifest| stands(manifest, markers, None)?.check_ahead(manifest))
}

/// Decides, from all checkpoints of a job (the newest first) and the markers at its targets. `durable`: the checkpoints
/// outlive the process, so that a marker without one is strange.
///
/// # Errors
/// Where rows would be lost or written twice, of kind `State`: what is there, and what to do.
pub fn decide(found: Vec<Found>, markers: &[TargetMarker], durable: bool, traits: &TargetTraits) -> Result<Decision> {
    let mut damaged = Vec::new();
    let mut discard = Vec::new();
    // What those that are discarded know to be published.
    let mut known = None;
    let mut newest: Option<(Epoch, String)> = None;
    for Found { epoch, manifest, is_foreign, published } in found {
        let manifest = match manifest {
            Ok(manifest) => manifest,
            // An older one would set the job back, for no damage.
            Err(error) if is_foreign => return Err(error),
            Err(error) => {
                damaged.push((epoch, error));
                continue;
            }
        };
        // A lineage ends where another begins: what lies behind its start is not gone back to.
        if newest.as_ref().is_some_and(|(_, lineage)| *lineage != manifest.lineage) {
            break;
        }
        newest.get_or_insert_with(|| (epoch, manifest.lineage.clone()));
        // Behind a newer checkpoint a marker that is gone may have been that one's.
        let note = (published && damaged.is_empty() && discard.is_empty()).then_some(traits.forgetful.as_slice());
        let stands = stands(&manifest, markers, note)?;
        if !published {
            stands.check_left(&manifest)?;
        }
        if manifest.mode == EpochMode::Rollback && manifest.kind != CheckpointKind::Start && stands.behind(&manifest) {
            discard.push(epoch);
            known = known.max(manifest.published);
            continue;
        }
        // The first epochs of a lineage are told from none by a marker alone.
        let unmarked = |at: &&TargetMarker| at.marker.is_none() && manifest.targets.iter().any(|t| t.name == at.target);
        if known > Some(epoch) && markers.iter().any(|at| unmarked(&at)) {
            break;
        }
        stands.check(&manifest)?;
        if let Some((damaged, error)) = damaged.first() {
            // Also one that this manifest doesn't know: it may have come to the job with the damaged one.
            if let Some(at) = markers.iter().find(|at| traits.in_parts.contains(&at.target)) {
                return Err(Error::state(format!(
                    "checkpoint {} can't be restored, and {} may have a part of its rows",
                    damaged.0, at.target
                ))
                .with_detail(format!("{}.", error.message()))
                .with_hint(BEGIN_ANEW));
            }
        }
        let publish = stands.behind_held(&manifest);
        let mark = stands.noted.iter().map(|name| name.to_string()).collect();
        return Ok(Decision::Restore { manifest: Box::new(manifest), publish, mark, discard, damaged });
    }
    if let Some((epoch, error)) = damaged.into_iter().next() {
        return Err(Error::state(format!("no checkpoint can be restored: that of epoch {} can't be read", epoch.0))
            .with_detail(format!("{}.", error.message()))
            .with_hint("To begin anew with what the sources give now: --fresh. Sinks may then see rows again."));
    }
    if let Some((epoch, _)) = newest {
        return Err(missing_published(epoch, markers));
    }
    check_unmarked(markers, durable).map(|()| Decision::Fresh)
}

/// Refuses markers where there is no checkpoint, though there would be if it was us who left them.
fn check_unmarked(markers: &[TargetMarker], durable: bool) -> Result<()> {
    match markers.iter().find_map(|at| Some((at, at.marker.as_ref()?))).filter(|_| durable) {
        Some((at, marker)) => Err(Error::state(format!(
            "{} has rows of this job up to epoch {}, and the checkpoint folder has no checkpoint of it",
            at.target, marker.epoch.0
        ))
        .with_hint(
            "Give the folder that the job ran with; or another 'pipeline.name', where another job has this one. Or begin \
             anew with --fresh: sinks may then see rows again.",
        )),
        None => Ok(()),
    }
}

/// How targets stand to a manifest's lineage.
struct Stands<'a> {
    /// The name and the last epoch of this lineage; `None` where nothing of it was published.
    targets: Vec<(&'a str, Option<Epoch>)>,
    /// Those for which a note stands in.
    noted: Vec<&'a str>,
}

/// `note`: it was noted that the manifest's epoch is everywhere, which stands in for a marker that is gone at these
/// targets (group offsets of a stopped job expire).
fn stands<'a>(manifest: &Manifest, markers: &'a [TargetMarker], note: Option<&[String]>) -> Result<Stands<'a>> {
    let mut targets = Vec::with_capacity(markers.len());
    let mut noted = Vec::new();
    let stands_in = |name: &String| note.is_some_and(|forgetful| forgetful.contains(name));
    for at in markers {
        let known = |marker: &Marker| {
            let inherited = manifest.inherited.iter().find(|inherited| inherited.target == at.target);
            let inherited = inherited.and_then(|inherited| inherited.marker.as_ref());
            // Starts that published nothing may have left their number.
            inherited.is_some_and(|known| (&known.lineage, known.epoch) == (&marker.lineage, marker.epoch))
        };
        let epoch = match &at.marker {
            None if stands_in(&at.target) && manifest.targets.iter().any(|target| target.name == at.target) => {
                noted.push(at.target.as_str());
                Some(manifest.epoch)
            }
            None => None,
            Some(marker) if marker.lineage == manifest.lineage => Some(marker.epoch),
            Some(marker) if known(marker) => None,
            // A target that the job did not have yet may know it from another life.
            Some(marker) => {
                return Err(Error::state(format!(
                    "{} has rows of job \"{}\" that these checkpoints know nothing of (up to epoch {})",
                    at.target, manifest.job, marker.epoch.0
                ))
                .with_hint(
                    "Another checkpoint folder was used in between, or another job has this name. Give that folder, \
                     another 'pipeline.name', or begin anew with --fresh: sinks may then see rows again.",
                ));
            }
        };
        targets.push((at.target.as_str(), epoch));
    }
    Ok(Stands { targets, noted })
}

impl Stands<'_> {
    /// The targets that the manifest knows, as they stand.
    fn of<'b>(&'b self, manifest: &'b Manifest) -> impl Iterator<Item = &'b (&'b str, Option<Epoch>)> {
        let known = |name: &str| manifest.targets.iter().any(|target| target.name == name);
        self.targets.iter().filter(move |(name, _)| known(name))
    }

    /// Refuses a manifest whose epoch may not have come to a target that the job no longer has.
    fn check_left(&self, manifest: &Manifest) -> Result<()> {
        if manifest.kind == CheckpointKind::Start {
            return Ok(());
        }
        let here = |name: &str| self.targets.iter().any(|(known, _)| *known == name);
        for target in manifest.targets.iter().filter(|target| !here(&target.name)) {
            let rows: u64 = target.held.iter().map(|part| part.rows).sum();
            if manifest.mode == EpochMode::Held && rows == 0 {
                continue;
            }
            return Err(Error::state(format!(
                "the job no longer writes to {}, and it isn't known whether the rows of epoch {} came there",
                target.name, manifest.epoch.0
            ))
            .with_detail("A sink was removed, or its address, database or user is spelled differently.")
            .with_hint(
                "Start the job as it was and stop it: then everything is written, and it can be changed. Or begin anew \
                 from a savepoint with --from, or with --fresh: sinks may then see rows again.",
            ));
        }
        Ok(())
    }

    /// True where the epoch of a manifest in the mode Rollback was not published.
    fn behind(&self, manifest: &Manifest) -> bool {
        self.of(manifest).any(|(_, epoch)| epoch.is_none_or(|epoch| epoch < manifest.epoch))
    }

    fn behind_held(&self, manifest: &Manifest) -> Vec<String> {
        if manifest.mode != EpochMode::Held || manifest.kind == CheckpointKind::Start {
            return Vec::new();
        }
        let behind = self.of(manifest).filter(|(_, epoch)| epoch.is_none_or(|epoch| epoch < manifest.epoch));
        behind.map(|(name, _)| name.to_string()).collect()
    }

    /// Refuses targets that are further than the manifest.
    fn check_ahead(&self, manifest: &Manifest) -> Result<()> {
        for (name, epoch) in self.of(manifest) {
            if let Some(epoch) = epoch.filter(|epoch| *epoch > manifest.epoch) {
                return Err(Error::state(format!(
                    "{name} has epoch {}, and the newest checkpoint that can be restored is that of epoch {}",
                    epoch.0, manifest.epoch.0
                ))
                .with_hint(BEGIN_ANEW));
            }
        }
        Ok(())
    }

    /// Refuses targets that are further than the manifest, or not as far as it says that they were.
    fn check(&self, manifest: &Manifest) -> Result<()> {
        self.check_ahead(manifest)?;
        for (name, epoch) in self.of(manifest) {
            let since = manifest.targets.iter().find(|target| target.name == *name).map(|target| target.since);
            let published = manifest.published.filter(|published| since.is_none_or(|since| since <= *published));
            if *epoch < published {
                return Err(Error::state(format!(
                    "{name} {}, and the checkpoint of epoch {} knows that epoch {} was published to it",
                    match epoch {
                        Some(epoch) => format!("has epoch {}", epoch.0),
                        None => "has no marker of this job".to_string(),
                    },
                    manifest.epoch.0,
                    published.unwrap_or_default().0
                ))
                .with_detail("It was set back, or its marker is gone: rows may be missing there.")
                .with_hint(BEGIN_ANEW));
            }
        }
        Ok(())
    }
}

const BEGIN_ANEW: &str = "Begin anew from a savepoint with --from, or with --fresh: sinks may then see rows again.";

/// No checkpoint of the newest lineage counts.
fn missing_published(newest: Epoch, markers: &[TargetMarker]) -> Error {
    let at: Vec<String> = markers
        .iter()
        .map(|at| match &at.marker {
            Some(marker) => format!("{} has epoch {}", at.target, marker.epoch.0),
            None => format!("{} has no marker of this job", at.target),
        })
        .collect();
    Error::state(format!("no checkpoint fits what was published: {}", at.join(", ")))
        .with_detail(format!("The newest checkpoint is that of epoch {}.", newest.0))
        .with_hint(BEGIN_ANEW)
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
