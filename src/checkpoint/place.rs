//! Where checkpoints and savepoints are said to be: folders of this machine.

use std::path::{Path, PathBuf};

use super::manifest::{CheckpointKind, Manifest};
use super::store::Store;
use crate::error::{Error, Result};

/// A folder of this machine: `file:///var/lib/alerts`, or a path.
///
/// # Errors
/// Any other place, as a statement's error.
pub fn local_folder(value: &str) -> Result<PathBuf> {
    let path = match value.split_once("://") {
        Some(("file", path)) if path.starts_with('/') => path,
        Some(("file", path)) => {
            return Err(Error::statement(format!("'{value}' names a host, not a folder")).with_hint(format!(
                "Write three slashes before the full path, 'file:///var/lib/…', or '{path}' alone."
            )));
        }
        Some((scheme, _)) => {
            return Err(Error::unsupported(format!("a folder for checkpoints in '{scheme}://'"))
                .with_hint("Give a folder of this machine: 'file:///var/lib/alerts'."));
        }
        None => value.strip_prefix("file:").unwrap_or(value),
    };
    match path.is_empty() {
        true => Err(Error::statement("the folder for checkpoints has no name")),
        false => Ok(Path::new(path).to_path_buf()),
    }
}

/// Opens a savepoint; nothing is made where there is none. Its data is in `data`.
pub async fn open_savepoint(path: &Path) -> Result<(Store, Manifest)> {
    let Some(store) = Store::existing(path)? else {
        return Err(
            Error::statement(format!("there is no savepoint \"{}\"", path.display())).with_hint(NAME_A_SAVEPOINT)
        );
    };
    let missing = || {
        let said = format!("\"{}\" is no savepoint: it has no _metadata", path.display());
        Error::statement(said).with_hint(NAME_A_SAVEPOINT)
    };
    let bytes = store.read("_metadata").await?.ok_or_else(missing)?;
    let manifest = Manifest::decode(&bytes).map_err(|error| error.context(format!("\"{}\"", path.display())))?;
    if manifest.kind != CheckpointKind::Savepoint {
        let said = format!("\"{}\" is a checkpoint, not a savepoint", path.display());
        return Err(Error::statement(said).with_hint(
            "A job goes on from its newest checkpoint by itself, when it is run with the same folder again.",
        ));
    }
    Ok((store, manifest))
}

const NAME_A_SAVEPOINT: &str = "Name the folder that `millstream savepoint` or STOP JOB … WITH SAVEPOINT has told.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_in_flink() {
        for value in ["file:///var/lib/a", "/var/lib/a", "file:/var/lib/a"] {
            assert_eq!(local_folder(value).unwrap(), Path::new("/var/lib/a"), "{value}");
        }
        assert_eq!(local_folder("state").unwrap(), Path::new("state"));
        for (value, said) in [
            ("s3://bucket/a", "a folder for checkpoints in 's3://' is not supported"),
            ("file://state", "'file://state' names a host, not a folder"),
            ("", "the folder for checkpoints has no name"),
        ] {
            assert_eq!(local_folder(value).unwrap_err().message(), said);
        }
    }

    #[tokio::test]
    async fn what_is_no_savepoint_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: PathBuf| async move { open_savepoint(&path).await.unwrap_err().message().to_string() };
        assert!(said(folder.path().join("none")).await.starts_with("there is no savepoint \""));
        assert!(said(folder.path().to_path_buf()).await.ends_with("is no savepoint: it has no _metadata"));
        let manifest = super::super::manifest::tests::manifest(3, crate::connectors::EpochMode::Held, &[]);
        std::fs::write(folder.path().join("_metadata"), manifest.encode().unwrap()).unwrap();
        assert!(said(folder.path().to_path_buf()).await.ends_with("is a checkpoint, not a savepoint"));
    }
}
