//! What is kept of a job's checkpoints, and what is collected.

use std::collections::HashSet;

use super::folder::{Found, JobFolder};
use super::manifest::Manifest;
use crate::changelog::Epoch;
use crate::error::Result;
use crate::failpoint::reach;

/// Deletes every checkpoint but `kept`, and every data file that none of those names. Manifests go first: what a crash
/// leaves in between is collected the next time.
pub async fn collect(folder: &JobFolder, kept: &[&Manifest]) -> Result<()> {
    reach("collect.before-manifests");
    let epochs: HashSet<Epoch> = kept.iter().map(|manifest| manifest.epoch).collect();
    let files: HashSet<String> = kept.iter().flat_map(|m| m.pieces()).map(|piece| piece.file.clone()).collect();
    for name in folder.store.list(&folder.name).await? {
        let Some((chk, _)) = name.rsplit_once('/') else { continue };
        let epoch = chk.rsplit('/').next().and_then(|chk| chk.strip_prefix("chk-")?.parse().ok()).map(Epoch);
        if epoch.is_some_and(|epoch| !epochs.contains(&epoch)) {
            folder.store.delete(&name).await?;
            reach("collect.manifest-removed");
            folder.store.delete(&format!("{chk}/published")).await?;
            folder.store.forget_folder(chk);
        }
    }
    reach("collect.before-data");
    collect_data(folder, &files).await?;
    reach("collect.after");
    Ok(())
}

/// Deletes the data files that no checkpoint names: those of tries that failed. None where one can't be read.
pub async fn collect_nameless(folder: &JobFolder, found: &[Found]) -> Result<()> {
    let mut files = HashSet::new();
    for found in found {
        let Ok(manifest) = &found.manifest else { return Ok(()) };
        files.extend(manifest.pieces().map(|piece| piece.file.clone()));
    }
    collect_data(folder, &files).await
}

async fn collect_data(folder: &JobFolder, named: &HashSet<String>) -> Result<()> {
    for name in folder.store.list(&folder.data()).await? {
        if name.rsplit('/').next().is_some_and(|file| !named.contains(file)) {
            folder.store.delete(&name).await?;
            reach("collect.data-removed");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::data::DataWriter;
    use super::super::manifest::tests::manifest;
    use super::super::manifest::{HeldPart, TargetState};
    use super::super::store::Store;
    use super::*;
    use crate::connectors::EpochMode;
    use crate::error::Error;

    #[tokio::test]
    async fn what_no_kept_manifest_names_goes() {
        let folder = JobFolder::open(Store::memory(), "alerts").unwrap();
        let mut manifests = Vec::new();
        for epoch in 1..=3 {
            let mut writer = DataWriter::new(format!("1-{epoch}"));
            let payload = writer.add(b"rows");
            writer.write(&folder.store, &folder.data()).await.unwrap();
            let held = vec![HeldPart { sink: 0, table: "t".to_string(), subtask: 0, rows: 1, payload }];
            let targets = vec![TargetState { name: "pg".to_string(), since: Epoch(1), held }];
            let manifest = Manifest { targets, ..manifest(epoch, EpochMode::Held, &[]) };
            let name = folder.manifest_name(manifest.epoch);
            folder.store.create(&name, manifest.encode().unwrap().into()).await.unwrap();
            manifests.push(manifest);
        }
        let left = || folder.store.list("alerts/data");
        let mut found = folder.checkpoints().await.unwrap();
        folder.store.create("alerts/data/2-4r1-0", "a try".into()).await.unwrap();
        let whole = std::mem::replace(&mut found[0].manifest, Err(Error::state("damaged")));
        collect_nameless(&folder, &found).await.unwrap();
        assert_eq!(left().await.unwrap().len(), 4, "nobody knows what a damaged one names");
        found[0].manifest = whole;
        collect_nameless(&folder, &found).await.unwrap();
        assert_eq!(left().await.unwrap(), ["alerts/data/1-1-0", "alerts/data/1-2-0", "alerts/data/1-3-0"]);
        collect(&folder, &[&manifests[2]]).await.unwrap();
        assert_eq!(folder.store.list("alerts").await.unwrap(), ["alerts/chk-3/_metadata", "alerts/data/1-3-0"]);
        let found = folder.checkpoints().await.unwrap();
        assert_eq!(found[0].manifest.as_ref().unwrap(), &manifests[2]);
    }
}
