//! Savepoints of a run, each with what stood in the tables at its epoch; and beginning from one, or anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use object_store::ObjectStoreExt;
use object_store::path::Path as ObjectPath;

use super::service::Content;
use super::store::SAVEPOINTS;
use super::world::World;
use crate::checkpoint::{JobFolder, Manifest, Store};
use crate::runtime::StartFrom;

/// What stands in all tables.
#[derive(Debug, Clone)]
struct Tables {
    services: BTreeMap<String, Content>,
    /// Of tables that are written at least once all that was there when the savepoint was told.
    plain: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Savepoints {
    taken: Mutex<Vec<(PathBuf, Tables)>>,
    /// What the next start begins from, until a lineage has begun with it.
    from: Mutex<Option<(StartFrom, Option<String>)>>,
}

impl Savepoints {
    /// Keeps a savepoint that somebody was told of.
    pub async fn keep(&self, world: &World, path: PathBuf) {
        let inside = path.strip_prefix(SAVEPOINTS).expect("a savepoint of the world");
        let name = ObjectPath::from(format!("savepoints/{}/_metadata", inside.display()));
        let bytes = world.objects.get(&name).await.expect("a savepoint").bytes().await.expect("its manifest");
        let epoch = Manifest::decode(&bytes).expect("a manifest").epoch;
        world.note(format!("savepoint of epoch {}", epoch.0));
        let services = world.services.iter().map(|(name, service)| (name.clone(), service.content(epoch)));
        let tables = Tables { services: services.collect(), plain: world.plain.lock().unwrap().clone() };
        self.taken.lock().unwrap().push((path, tables));
    }

    /// Where the next start begins; the tables are set back for it.
    pub async fn next(&self, world: &Arc<World>, may_change: bool) -> StartFrom {
        let lineage = lineage(world).await;
        let pending = self.from.lock().unwrap().take().filter(|(_, before)| *before == lineage);
        if let Some((from, before)) = pending {
            world.note("begins so once more: nothing has begun");
            *self.from.lock().unwrap() = Some((from.clone(), before));
            return from;
        }
        let (from, tables) = {
            let mut dice = world.dice();
            let taken = self.taken.lock().unwrap();
            match dice.below(100) {
                _ if !may_change => return StartFrom::Newest,
                0..=4 => (StartFrom::Fresh, None),
                5..=54 if !taken.is_empty() => {
                    let (path, tables) = dice.pick(&taken);
                    let from = StartFrom::Savepoint { folder: path.clone(), again: true };
                    (from, Some(tables.clone()))
                }
                _ => return StartFrom::Newest,
            }
        };
        world.note(format!("the tables are set back, to begin from {from:?}"));
        for (name, service) in &world.services {
            let content = tables.as_ref().map(|tables| tables.services[name].clone());
            service.set_back(content.unwrap_or_default()).await;
        }
        *world.plain.lock().unwrap() = tables.map(|tables| tables.plain).unwrap_or_default();
        *self.from.lock().unwrap() = Some((from.clone(), lineage));
        from
    }
}

/// The lineage of the newest checkpoint.
async fn lineage(world: &World) -> Option<String> {
    let folder = JobFolder::open(Store::of(world.objects.clone()), "test").expect("the job's folder");
    let found = folder.checkpoints().await.expect("its checkpoints");
    found.into_iter().find_map(|found| found.manifest.ok()).map(|manifest| manifest.lineage)
}

/// The folder that savepoints go to.
pub fn folder() -> PathBuf {
    Path::new(SAVEPOINTS).to_path_buf()
}
