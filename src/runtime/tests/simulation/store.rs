//! An object store in memory in which things go wrong: it is slow, fails before or behind the act, and is torn by death.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

use super::world::{Place, World};
use crate::checkpoint::{Store, simulate_folders};

/// Folders below it are in the world of a simulation.
pub const SAVEPOINTS: &str = "/simulated/savepoints";

/// From now on this thread has savepoints in a world, or none.
pub fn set_world(world: Option<Arc<World>>) {
    simulate_folders(world.map(|world| Box::new(move |path: &std::path::Path| folder(&world, path)) as _));
}

fn folder(world: &Arc<World>, path: &std::path::Path) -> Option<Store> {
    let inside = path.strip_prefix(SAVEPOINTS).ok()?.to_str()?;
    let prefix = Path::from(format!("savepoints/{inside}"));
    Some(Store::of(Arc::new(PrefixStore::new(SimulatedStore(world.clone()), prefix))))
}

#[derive(Debug)]
pub struct SimulatedStore(pub Arc<World>);

impl fmt::Display for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated")
    }
}

impl SimulatedStore {
    async fn step(&self, what: &str) -> Result<()> {
        let failed = |error| object_store::Error::Generic { store: "simulated", source: Box::new(error) };
        self.0.step(Place::Store, what).await.map_err(failed)
    }
}

#[async_trait]
impl ObjectStore for SimulatedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let manifest = location.filename() == Some("_metadata");
        let what = if manifest { "write a manifest" } else { "write an object" };
        self.step(what).await?;
        // Without its first checkpoint a job is refused.
        let first = location.as_ref().contains("/chk-0/");
        if self.0.tears() && !first && self.0.dies(Place::Store) {
            let bytes: Bytes = payload.into();
            let half = bytes.slice(..bytes.len() / 2);
            self.0.objects.put_opts(location, half.into(), opts).await?;
            self.0.die("half of an object is written").await;
            unreachable!();
        }
        let put = self.0.objects.put_opts(location, payload, opts).await?;
        self.step(what).await?;
        Ok(put)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.objects.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.step("read an object").await?;
        self.0.objects.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.objects.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let world = self.0.clone();
        let with_steps = locations.then(move |location| {
            let store = SimulatedStore(world.clone());
            async move {
                store.step("delete an object").await?;
                location
            }
        });
        self.0.objects.delete_stream(with_steps.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.objects.copy_opts(from, to, options).await
    }
}
