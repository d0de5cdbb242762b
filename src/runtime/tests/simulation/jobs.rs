//! The queries of `tests/jobs/changelogs/`, killed behind checkpoints and restored: what is left when all changes are
//! applied is what an undisturbed run leaves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::applied;
use super::dice::Dice;
use super::recorded::{RecordedSource, record};
use super::run::{Asked, End, Run};
use super::sink::SimulatedSink;
use super::target::SimulatedTarget;
use super::time::simulated;
use super::world::{Trouble, World};
use crate::changelog::RowKind;
use crate::plan::stream_plan::{NodeKind, StreamPlan};
use crate::session::{Outcome, Session};
use crate::span::SourceText;
use crate::sql::{StatementKind, parse_script};

/// A query with what its sources give.
struct Job {
    name: String,
    plan: StreamPlan,
    sources: Vec<(usize, Vec<(Arc<str>, Vec<(arrow::record_batch::RecordBatch, RowKind)>)>)>,
}

/// The queries of a file that can be planned and end.
async fn jobs(path: &Path, folder: &Path) -> Vec<Job> {
    let sql = std::fs::read_to_string(path).expect("a file").replace("{folder}", &folder.to_string_lossy());
    let text = SourceText::new("file", sql);
    let mut session = Session::new();
    let mut jobs = Vec::new();
    for (i, statement) in parse_script(&text).into_iter().enumerate() {
        let Ok(statement) = statement else { continue };
        if let StatementKind::Query(query) = &statement.kind {
            let Ok((plan, _)) = session.script_query(query) else { continue };
            let mut job = Job { name: format!("{}, statement {i}", path.display()), plan, sources: Vec::new() };
            let mut fits = true;
            for (id, node) in job.plan.nodes.iter().enumerate() {
                match &node.kind {
                    NodeKind::Source(source) if source.source.is_bounded() => match record(&source.source).await {
                        Ok(rows) => job.sources.push((id, rows)),
                        Err(_) => fits = false,
                    },
                    NodeKind::Source(_) | NodeKind::LookupJoin(_) => fits = false,
                    _ => {}
                }
            }
            jobs.extend(fits.then_some(job));
            continue;
        }
        if let Ok(Outcome::Job(mut job)) = session.execute_statement(&statement, &text).await {
            let _told_elsewhere = job.wait().await;
        }
    }
    jobs
}

/// What a job leaves, with so many kills and these numbers of subtasks; `Err`: how it failed.
fn left(job: &Job, seed: u64, kills: usize, parallelism: &[u64]) -> Result<Vec<String>, String> {
    simulated(async {
        let world = Arc::new(World::new(Dice::new(seed), &[("one", true)]));
        let mut plan = job.plan.clone();
        for (id, rows) in &job.sources {
            if let NodeKind::Source(source) = &mut plan.nodes[*id].kind {
                source.source = Arc::new(RecordedSource::new(world.clone(), source.source.clone(), rows.clone()));
            }
        }
        for node in &mut plan.nodes {
            if let NodeKind::Sink(sink) = &mut node.kind {
                sink.exactly_once = true;
                sink.sink = Arc::new(SimulatedSink {
                    world: world.clone(),
                    table: "t".to_string(),
                    target: Some(Arc::new(SimulatedTarget { world: world.clone(), name: "one".to_string() })),
                    support: sink.sink.changelog_support(),
                    buffers: false,
                });
            }
        }
        let mut run = Run::of_plan(world.clone(), plan);
        for start in 0..=kills {
            run.parallelism = parallelism[start % parallelism.len()];
            let dies_at = (start < kills).then(|| world.dice().between(10, 40));
            match run.start(Trouble { dies_at, ..Trouble::default() }, Asked::default()).await {
                Ok(End::Finished) => break,
                Ok(End::Died) if start < kills => {}
                Ok(other) => return Err(format!("{other:?}")),
                Err(error) => return Err(error.to_string()),
            }
        }
        let told = world.services["one"].rows();
        let changes: Vec<(&str, &str)> =
            told.iter().filter_map(|line| line.split_once('|')?.1.split_once(' ')).collect();
        applied(&changes)
    })
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jobs/changelogs");
    let entries = std::fs::read_dir(folder).expect("the folder of changelogs");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    files
}

#[test]
fn jobs_that_are_killed_and_restored_leave_what_undisturbed_ones_leave() {
    let only = std::env::var("SIM_JOB").ok();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut wrong, mut same, mut dealt) = (Vec::new(), 0, 0);
    for path in files() {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, job) in runtime.block_on(jobs(&path, folder.path())).into_iter().enumerate() {
            if only.as_ref().is_some_and(|only| !job.name.contains(only.as_str())) {
                continue;
            }
            let seed = number as u64;
            // A query that fails does so restored as well, perhaps elsewhere.
            let Ok(undisturbed) = left(&job, seed, 0, &[1]) else { continue };
            let restored = left(&job, seed, 2, &[1]);
            match restored.as_ref() == Ok(&undisturbed) {
                true => same += 1,
                false => wrong.push(format!("{}: {restored:?}\ninstead of {undisturbed:?}", job.name)),
            }
            // Where the order of arrival can be told, others may arrive first.
            if left(&job, seed, 0, &[3]).as_ref() != Ok(&undisturbed) {
                continue;
            }
            let rescaled = left(&job, seed, 2, &[2, 3, 1]);
            match rescaled.as_ref() == Ok(&undisturbed) {
                true => dealt += 1,
                false => wrong.push(format!("{}: rescaled {rescaled:?}\ninstead of {undisturbed:?}", job.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{same} and {dealt} are right", wrong.join("\n"));
    assert!(only.is_some() || same >= 400 && dealt >= 300, "{same} and {dealt} jobs are restored");
}
