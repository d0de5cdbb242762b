//! Where checkpoints lie: objects by name, created once and never changed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use crate::error::{Error, Result};
use crate::failpoint::reach;

/// Objects in a folder, or in memory.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// Of a folder: what is written is on the disk when a call returns.
    root: Option<PathBuf>,
}

impl Store {
    /// A folder of this machine, which is made if need be.
    pub fn folder(path: &Path) -> Result<Self> {
        #[cfg(test)]
        if let Some(store) = simulated(path) {
            return Ok(store);
        }
        let failed = |error: &dyn std::fmt::Display| {
            Error::external(format!("cannot use \"{}\" for checkpoints: {error}", path.display()))
        };
        make_folder(path).map_err(|error| failed(&error))?;
        let root = path.canonicalize().map_err(|error| failed(&error))?;
        let objects = LocalFileSystem::new_with_prefix(&root).map_err(|error| failed(&error))?;
        Ok(Self { objects: Arc::new(objects), root: Some(root) })
    }

    /// A folder of this machine, where there is one.
    pub fn existing(path: &Path) -> Result<Option<Self>> {
        #[cfg(test)]
        if let Some(store) = simulated(path) {
            return Ok(Some(store));
        }
        path.is_dir().then(|| Self::folder(path)).transpose()
    }

    /// For as long as the process lives.
    pub fn memory() -> Self {
        Self::of(Arc::new(InMemory::new()))
    }

    /// Any other store.
    pub fn of(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, root: None }
    }

    /// True where what is written outlives the process.
    pub fn is_durable(&self) -> bool {
        self.root.is_some()
    }

    /// The folder, where it is one.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// Writes an object that is not there yet; false where it is. It is on the disk when this returns. In a folder its
    /// bytes are on the disk before its name is: also a power failure leaves all of it or nothing.
    pub async fn create(&self, name: &str, bytes: Bytes) -> Result<bool> {
        let created = match self.is_durable() {
            false => {
                self.objects.put_opts(&path(name)?, bytes.into(), PutOptions::from(PutMode::Create)).await.map(drop)
            }
            true => {
                let part = format!("{name}.part");
                if let Err(error) = self.write_part(name, &part, bytes).await {
                    // A full disk has no room for halves.
                    let _nothing_more_can_be_done = self.delete(&part).await;
                    return Err(error);
                }
                reach("store.before-rename");
                let renamed = self.objects.rename_if_not_exists(&path(&part)?, &path(name)?).await;
                reach("store.after-rename");
                if renamed.is_err() {
                    let _nothing_more_can_be_done = self.delete(&part).await;
                }
                renamed
            }
        };
        match created {
            Ok(()) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Ok(false),
            Err(error) => return Err(self.failed("write", name, error)),
        }
        self.sync(name).await?;
        Ok(true)
    }

    async fn write_part(&self, name: &str, part: &str, bytes: Bytes) -> Result<()> {
        let written = self.objects.put(&path(part)?, bytes.into()).await;
        written.map_err(|error| self.failed("write", name, error))?;
        self.sync(part).await
    }

    /// Whether objects can be written now.
    pub async fn check_writable(&self) -> Result<()> {
        let name = format!("probe-{}", uuid::Uuid::new_v4().simple());
        self.create(&name, Bytes::from_static(b"probe")).await?;
        self.delete(&name).await
    }

    /// An object, where it is there.
    pub async fn read(&self, name: &str) -> Result<Option<Bytes>> {
        let got = match self.objects.get(&path(name)?).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed("read", name, error)),
        };
        got.bytes().await.map(Some).map_err(|error| self.failed("read", name, error))
    }

    /// The names of all objects below a folder, in order.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>> {
        Ok(self.sizes(folder).await?.into_iter().map(|(name, _)| name).collect())
    }

    /// The same with their bytes; the folder "" holds all.
    pub async fn sizes(&self, folder: &str) -> Result<Vec<(String, u64)>> {
        let listed = self.objects.list(Some(&path(folder)?)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|error| self.failed("list", folder, error))?;
        let mut sizes: Vec<_> = listed.into_iter().map(|object| (object.location.to_string(), object.size)).collect();
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// Removes an object; one that is gone is no error.
    pub async fn delete(&self, name: &str) -> Result<()> {
        match self.objects.delete(&path(name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("delete", name, error)),
        }
    }

    /// Removes the folder that objects were in, where it is one and empty.
    pub fn forget_folder(&self, name: &str) {
        if let Some(root) = &self.root {
            let _not_empty = std::fs::remove_dir(root.join(name));
        }
    }

    /// Puts an object and its name on the disk.
    pub async fn sync(&self, name: &str) -> Result<()> {
        let Some(root) = self.root.clone() else { return Ok(()) };
        let file = root.join(name);
        let synced = tokio::task::spawn_blocking(move || {
            File::open(&file)?.sync_all()?;
            let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(&root));
            folders.take(2).try_for_each(|folder| File::open(folder)?.sync_all())
        });
        match synced.await {
            Ok(synced) => synced.map_err(|error| self.failed("write", name, error)),
            Err(_) => Err(Error::internal("a write to the checkpoint folder was cut off")),
        }
    }

    fn failed(&self, what: &str, name: &str, error: impl std::error::Error) -> Error {
        let place = match &self.root {
            Some(root) => root.join(name).display().to_string(),
            None => name.to_string(),
        };
        // What the machine says; around it object_store repeats the place.
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            (cause, source) = (inner.to_string(), inner.source());
        }
        let failed = Error::external(format!("cannot {what} \"{place}\": {cause}"));
        match &self.root {
            Some(root) => failed.with_hint(format!(
                "Checkpoints are in \"{}\": is there room on its disk, and may this process write there?",
                root.display()
            )),
            None => failed,
        }
    }
}

/// What stands in for some folders.
#[cfg(test)]
pub type Folders = Box<dyn Fn(&Path) -> Option<Store>>;

#[cfg(test)]
thread_local! {
    static FOLDERS: std::cell::RefCell<Option<Folders>> = const { std::cell::RefCell::new(None) };
}

/// From now on these stand in for folders on this thread; or none.
#[cfg(test)]
pub fn simulate_folders(folders: Option<Folders>) {
    FOLDERS.with(|current| *current.borrow_mut() = folders);
}

#[cfg(test)]
fn simulated(path: &Path) -> Option<Store> {
    FOLDERS.with(|folders| folders.borrow().as_ref()?(path))
}

/// Makes a folder with those around it, and puts their names on the disk.
pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    let missing = path.ancestors().take_while(|folder| !folder.exists()).count();
    std::fs::create_dir_all(path)?;
    // The name of a folder is in the one around it.
    for folder in path.ancestors().skip(1).take(missing) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn path(name: &str) -> Result<ObjectPath> {
    ObjectPath::parse(name).map_err(|error| Error::internal(format!("'{name}' is no name of an object: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_created_once() {
        let folder = tempfile::tempdir().unwrap();
        for store in [Store::folder(folder.path()).unwrap(), Store::memory()] {
            assert!(store.create("a/b", Bytes::from_static(b"one")).await.unwrap());
            assert!(!store.create("a/b", Bytes::from_static(b"two")).await.unwrap());
            assert_eq!(store.read("a/b").await.unwrap().unwrap(), "one");
            assert_eq!(store.read("a/c").await.unwrap(), None);
            assert_eq!(store.list("a").await.unwrap(), ["a/b"]);
            store.delete("a/b").await.unwrap();
            store.delete("a/b").await.unwrap();
            assert!(store.list("a").await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn what_cannot_be_written_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(&folder.path().join("new/state")).unwrap();
        store.check_writable().await.unwrap();
        assert!(store.list("").await.unwrap().is_empty(), "nothing is left of a probe");
        std::fs::write(folder.path().join("new/state/file"), "").unwrap();
        let error = store.create("file/x", Bytes::new()).await.unwrap_err();
        assert!(error.message().starts_with("cannot write \""), "{error}");
        assert!(error.message().contains("state/file/x\": ") && error.message().ends_with("(os error 20)"), "{error}");
        assert!(error.to_string().contains("is there room on its disk"), "{error}");
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Store::folder(file.path()).unwrap_err();
        assert!(error.message().starts_with("cannot use \""), "{error}");
    }
}
