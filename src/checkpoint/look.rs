//! A look at checkpoints and savepoints from outside: nothing is locked, made or changed, whoever runs the job.

use std::collections::BTreeMap;
use std::path::Path;

use super::data::DataReader;
use super::folder::is_running;
use super::manifest::{CheckpointKind, Manifest};
use super::store::Store;
use crate::error::{Error, Result};

/// A checkpoint or savepoint, as far as it can be read.
#[derive(Debug)]
pub struct Sight {
    /// In the store: `alerts/chk-42`; empty where the store is the checkpoint.
    pub folder: String,
    /// The manifest, or why it can't be read.
    pub manifest: Result<Manifest>,
    /// What of its data is missing.
    pub damage: Option<String>,
}

/// Opens a folder that is there.
pub fn open_folder(path: &Path) -> Result<Store> {
    let there = Store::existing(path)?;
    there.ok_or_else(|| Error::statement(format!("there is no folder \"{}\"", path.display())))
}

/// All checkpoints and savepoints below a folder, by job, the newest first. Data is looked at, not read.
pub async fn sights(store: &Store) -> Result<Vec<Sight>> {
    let sizes: BTreeMap<String, u64> = store.sizes("").await?.into_iter().collect();
    let mut sights = Vec::new();
    for name in sizes.keys().filter(|name| *name == METADATA || name.ends_with(&format!("/{METADATA}"))) {
        let folder = name.strip_suffix(METADATA).unwrap_or_default().trim_end_matches('/').to_string();
        let manifest = match store.read(name).await {
            Ok(Some(bytes)) => Manifest::decode(&bytes),
            // Collected meanwhile.
            Ok(None) => continue,
            Err(error) => Err(error),
        };
        let damage = manifest.as_ref().ok().and_then(|manifest| missing(manifest, &data_folder(&folder), &sizes));
        sights.push(Sight { folder, manifest, damage });
    }
    sights.sort_by(|a, b| a.job().cmp(b.job()).then(b.epoch().cmp(&a.epoch())).then(a.folder.cmp(&b.folder)));
    Ok(sights)
}

/// A job beside `job` that has written one of these tables, and which: one that doesn't run, and is none of `begun`.
pub async fn other_writer(
    store: &Store,
    job: &str,
    begun: &[String],
    tables: &[&str],
) -> Result<Option<(String, String)>> {
    for sight in sights(store).await? {
        let Ok(manifest) = &sight.manifest else { continue };
        let is_other = manifest.job != job && !begun.contains(&manifest.job);
        let table = tables.iter().find(|table| manifest.sinks.iter().any(|sink| sink == *table));
        if let Some(table) = table.filter(|_| is_other && manifest.kind != CheckpointKind::Savepoint)
            && !is_running(store, sight.job_folder())?
        {
            return Ok(Some((manifest.job.clone(), table.to_string())));
        }
    }
    Ok(None)
}

const METADATA: &str = "_metadata";

impl Sight {
    /// The name of the job, or of the folder where nobody knows it.
    pub fn job(&self) -> &str {
        match &self.manifest {
            Ok(manifest) => &manifest.job,
            Err(_) => self.job_folder(),
        }
    }

    /// `alerts` of `alerts/chk-42`.
    pub fn job_folder(&self) -> &str {
        self.folder.split('/').next().unwrap_or_default()
    }

    pub fn epoch(&self) -> Option<u64> {
        let named = || self.folder.rsplit('/').next()?.strip_prefix("chk-")?.parse().ok();
        self.manifest.as_ref().map(|manifest| manifest.epoch.0).ok().or_else(named)
    }

    /// Reads all its data.
    ///
    /// # Errors
    /// What can't be read or isn't what was written.
    pub async fn verify(&self, store: &Store) -> Result<()> {
        let manifest = self.manifest.as_ref().map_err(|error| Error::state(error.message()))?;
        let data = data_folder(&self.folder);
        let mut pieces: Vec<_> = manifest.pieces().collect();
        pieces.sort_by(|a, b| a.file.cmp(&b.file));
        // A file at a time is held.
        for of_file in pieces.chunk_by(|a, b| a.file == b.file) {
            let mut reader = DataReader::new(store, &data);
            for piece in of_file {
                reader.read(piece).await?;
            }
        }
        Ok(())
    }
}

/// Data of checkpoints lies beside them, that of a savepoint in it.
fn data_folder(folder: &str) -> String {
    let (above, last) = folder.rsplit_once('/').unwrap_or(("", folder));
    let above = if last.starts_with("chk-") { above } else { folder };
    if above.is_empty() { "data".to_string() } else { format!("{above}/data") }
}

/// The first file that is not there, or too short.
fn missing(manifest: &Manifest, data: &str, sizes: &BTreeMap<String, u64>) -> Option<String> {
    manifest.pieces().find_map(|piece| {
        let name = format!("{data}/{}", piece.file);
        match sizes.get(&name) {
            None => Some(format!("\"{name}\" is missing")),
            Some(size) if *size < piece.offset.saturating_add(piece.length) => Some(format!("\"{name}\" is cut off")),
            Some(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::data::DataWriter;
    use super::super::manifest::tests::manifest;
    use super::super::manifest::{HeldPart, TargetState};
    use super::*;
    use crate::connectors::EpochMode;

    async fn put(store: &Store, folder: &str, epoch: u64) -> String {
        let mut writer = DataWriter::new(format!("1-{epoch}"));
        let payload = writer.add(b"rows");
        let file = format!("{}/{}", data_folder(folder), payload.file);
        writer.write(store, &data_folder(folder)).await.unwrap();
        let held = vec![HeldPart { sink: 0, table: "t".to_string(), subtask: 0, rows: 1, payload }];
        let targets = vec![TargetState { name: "pg".to_string(), since: crate::changelog::Epoch(1), held }];
        let manifest = Manifest { targets, ..manifest(epoch, EpochMode::Held, &[]) };
        store.create(&format!("{folder}/_metadata"), manifest.encode().unwrap().into()).await.unwrap();
        file
    }

    #[tokio::test]
    async fn checkpoints_and_savepoints_are_found_and_damage_is_told() {
        let store = Store::memory();
        for (folder, epoch) in [("alerts/chk-3", 3), ("alerts/chk-10", 10), ("savepoints/savepoint-alerts-1", 5)] {
            put(&store, folder, epoch).await;
        }
        let file = put(&store, "alerts/chk-11", 11).await;
        store.delete(&file).await.unwrap();
        store.create("alerts/chk-12/_metadata", Bytes::from_static(b"{}")).await.unwrap();
        let told: Vec<String> = sights(&store)
            .await
            .unwrap()
            .iter()
            .map(|sight| {
                let why = sight.manifest.as_ref().err().map(|error| error.message().to_string());
                let why = why.or(sight.damage.clone()).unwrap_or_default();
                format!("{} {} {} {why}", sight.job(), sight.epoch().unwrap(), sight.folder)
            })
            .collect();
        assert_eq!(
            told,
            [
                "alerts 12 alerts/chk-12 the manifest is damaged",
                "alerts 11 alerts/chk-11 \"alerts/data/1-11-0\" is missing",
                "alerts 10 alerts/chk-10 ",
                "alerts 5 savepoints/savepoint-alerts-1 ",
                "alerts 3 alerts/chk-3 ",
            ]
        );
    }

    #[tokio::test]
    async fn data_is_read_where_it_is_verified() {
        let store = Store::memory();
        let file = put(&store, "alerts/chk-3", 3).await;
        let sight = sights(&store).await.unwrap().remove(0);
        sight.verify(&store).await.unwrap();
        store.delete(&file).await.unwrap();
        store.create(&file, Bytes::from_static(b"rowz")).await.unwrap();
        let error = sight.verify(&store).await.unwrap_err();
        assert_eq!(error.message(), "the checkpoint file \"alerts/data/1-3-0\" is damaged");
    }
}
