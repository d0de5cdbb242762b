//! The committer against a service that keeps a marker, lists tasks and breaks on demand.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int32Array, StringArray};
use arrow::record_batch::RecordBatch;
use futures::FutureExt;

use super::super::OpenSearch;
use super::super::stub::{Heard, Reply, Stub};
use super::*;
use crate::changelog::ChangelogBatch;
use crate::changelog::RowKind::{self, Delete, Insert, UpdateAfter};
use crate::changelog::rejects::{DeadLetters, Handling, RejectCounts};
use crate::connectors::testing::table as declare;
use crate::connectors::{
    Connector, EpochMode, EpochRoom, OpenContext, Reporter, TableDescriptor, TargetTable, WriterEpochs,
};

/// What the service does.
#[derive(Default)]
struct World {
    marker: Option<(u64, String)>,
    /// Answers to bulk requests; behind the last all is taken.
    bulks: Vec<Reply>,
    /// Answers to questions for tasks; behind the last there are none.
    tasks: Vec<Reply>,
    /// Marker writes whose answers are lost.
    lost_marker_writes: usize,
    /// Method and path of each request, and the name of each bulk request.
    heard: Vec<String>,
    bulk_bodies: Vec<String>,
    /// The answer to a question for settings; none: request.
    durability: Option<(u16, &'static str)>,
    /// The indexes that were asked about.
    durability_asked: Vec<String>,
}

impl World {
    fn answer(&mut self, heard: &Heard) -> Reply {
        let path = heard.line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let query = path.split_once('?').map(|(_, query)| query.to_string()).unwrap_or_default();
        let what = path.split('?').next().unwrap_or_default().to_string();
        let next = |replies: &mut Vec<Reply>| if replies.is_empty() { None } else { Some(replies.remove(0)) };
        if what == "POST /_bulk" {
            self.heard.push(format!("bulk {}", heard.opaque_id));
            self.bulk_bodies.push(heard.body.clone());
            return next(&mut self.bulks).unwrap_or((200, r#"{"errors":false}"#.into()));
        }
        if what == "GET /_tasks" {
            self.heard.push("tasks".into());
            return next(&mut self.tasks).unwrap_or((200, "{}".into()));
        }
        let marker = "/millstream-epochs";
        if what == format!("HEAD {marker}") || what == format!("PUT {marker}") {
            return (200, String::new());
        }
        if what.starts_with(&format!("GET {marker}/_doc/job%3A")) {
            return match &self.marker {
                Some((version, document)) => {
                    (200, format!(r#"{{"_seq_no":{version},"_primary_term":1,"_source":{document}}}"#))
                }
                None => (404, r#"{"found":false}"#.into()),
            };
        }
        let is_create = what.starts_with(&format!("PUT {marker}/_create/job%3A"));
        if is_create || what.starts_with(&format!("PUT {marker}/_doc/job%3A")) {
            let expected = self.marker.as_ref().map(|(version, _)| format!("if_seq_no={version}&if_primary_term=1"));
            if expected.unwrap_or_default() != query {
                return (409, r#"{"error":{"type":"version_conflict_engine_exception","reason":"r"}}"#.into());
            }
            let version = self.marker.as_ref().map_or(0, |(version, _)| version + 1);
            self.marker = Some((version, heard.body.clone()));
            if self.lost_marker_writes > 0 {
                self.lost_marker_writes -= 1;
                return (0, String::new());
            }
            return (200, format!(r#"{{"_seq_no":{version},"_primary_term":1}}"#));
        }
        if what.starts_with("GET /_resolve/index/") {
            let kind = match what.rsplit('/').next().unwrap_or_default() {
                "alias" => "aliases",
                "stream" => "data_streams",
                _ => "indices",
            };
            return (200, format!(r#"{{"{kind}":[{{}}]}}"#));
        }
        if let Some(name) =
            what.strip_prefix("GET /").and_then(|path| path.strip_suffix("/_settings/index.translog.durability"))
        {
            self.durability_asked.push(name.into());
            let (status, durability) = self.durability.unwrap_or((200, "request"));
            let name = name.split(',').next_back().unwrap_or_default();
            let answer = format!(r#"{{"{name}-1":{{"settings":{{"index.translog.durability":"{durability}"}}}}}}"#);
            return (status, answer);
        }
        panic!("nobody knows {}", heard.line)
    }
}

/// A job that writes to one table.
struct Scene {
    stub: Stub,
    world: Arc<Mutex<World>>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    fn new(world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let answering = world.clone();
        let stub = Stub::serve(move |heard| answering.lock().unwrap().answer(heard));
        Self { stub, world, told: Arc::default() }
    }

    fn table(&self, with_key: bool, options: &[(&str, &str)]) -> TableDescriptor {
        let base = [("connector", "opensearch"), ("hosts", self.stub.host.as_str()), ("index", "i")];
        let mut table = declare("k STRING, n INT", base.iter().chain(options));
        table.primary_key = if with_key { vec![0] } else { Vec::new() };
        table
    }

    async fn committer(&self, table: &TableDescriptor, lineage: &str, attempt: u64) -> Arc<dyn Committer> {
        let target = OpenSearch.sink(table).unwrap().target().unwrap();
        let told = self.told.clone();
        let context = TargetContext {
            job: "job".into(),
            lineage: lineage.into(),
            attempt,
            mode: EpochMode::Held,
            clock: Arc::new(crate::time::ManualClock::new(7)),
            reporter: Reporter::new(move |line| told.lock().unwrap().push(line.to_string())),
            metrics: Arc::default(),
        };
        target.target.open(vec![TargetTable { sink: 3, table: target.table }], &context).await.unwrap()
    }

    /// What a writer leaves for an epoch of these rows.
    async fn stage(
        &self,
        table: &TableDescriptor,
        committer: &Arc<dyn Committer>,
        epoch: u64,
        rows: ChangelogBatch,
        errors: ErrorHandling,
    ) -> StagedPart {
        let epochs = WriterEpochs {
            mode: EpochMode::Held,
            sink: 3,
            committer: committer.clone(),
            first: Epoch(epoch),
            room: Arc::default(),
        };
        let context = OpenContext { epochs: Some(epochs), errors, ..OpenContext::for_test() };
        let mut writer = OpenSearch.sink(table).unwrap().open(&context).await.unwrap();
        writer.write(rows).await.unwrap();
        assert_eq!(writer.deadline(), None);
        let staged = writer.stage(Epoch(epoch)).await.unwrap();
        writer.close().await.unwrap();
        StagedPart { sink: 3, subtask: 0, staged }
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().heard)
    }

    fn bodies(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().bulk_bodies)
    }
}

fn batch(rows: &[(RowKind, &str, i32)]) -> ChangelogBatch {
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|r| r.1)));
    let numbers: ArrayRef = Arc::new(Int32Array::from_iter(rows.iter().map(|r| (r.0 != Delete).then_some(r.2))));
    let columns = RecordBatch::try_from_iter_with_nullable([("k", keys, true), ("n", numbers, true)]).unwrap();
    ChangelogBatch::new(columns, rows.iter().map(|r| r.0).collect())
}

fn tasks(names: &[&str]) -> Reply {
    let tasks: Vec<_> = names.iter().map(|name| format!(r#"{{"headers":{{"X-Opaque-Id":"{name}"}}}}"#)).collect();
    (200, format!(r#"{{"tasks":[{}]}}"#, tasks.join(",")))
}

fn items(items: &[(&str, u16)]) -> Reply {
    let item = |(id, status): &(&str, u16)| {
        let error = if *status < 300 { "" } else { r#","error":{"type":"t","reason":"r"}"# };
        format!(r#"{{"update":{{"_index":"i","_id":"{id}","status":{status}{error}}}}}"#)
    };
    (200, format!(r#"{{"errors":true,"items":[{}]}}"#, items.iter().map(item).collect::<Vec<_>>().join(",")))
}

fn marker(lineage: &str, attempt: u64, epoch: u64) -> Option<Marker> {
    Some(Marker { lineage: lineage.into(), attempt, epoch: Epoch(epoch) })
}

#[tokio::test]
async fn an_epoch_is_sent_in_order_when_it_is_published_and_then_marked() {
    let scene = Scene::new(World::default());
    let table = scene.table(true, &[("sink.bulk-flush.max-actions", "2")]);
    let committer = scene.committer(&table, "L", 1).await;
    assert_eq!(committer.fence().await.unwrap(), None);
    let rows = batch(&[(Insert, "a", 1), (Delete, "a", 0), (UpdateAfter, "a", 2)]);
    let part = scene.stage(&table, &committer, 5, rows, ErrorHandling::Unset).await;
    assert_eq!((part.staged.rows, scene.heard()), (3, vec![]));
    committer.publish(Epoch(5), std::slice::from_ref(&part)).await.unwrap();
    let bodies = scene.bodies();
    assert_eq!(bodies.len(), 2);
    assert!(bodies[0].contains(r#""n":1"#) && bodies[0].contains(r#"{"delete":{"_index":"i","_id":"a"}}"#));
    assert!(bodies[1].contains(r#""n":2"#));
    assert_eq!(scene.heard(), ["bulk job/l/1/0", "bulk job/l/1/1"]);
    // What is marked is not sent again.
    committer.publish(Epoch(5), std::slice::from_ref(&part)).await.unwrap();
    assert!(scene.heard().is_empty());
    committer.publish(Epoch(6), &[]).await.unwrap();
    assert_eq!(scene.committer(&table, "L", 2).await.fence().await.unwrap(), marker("L", 1, 6));
    assert_eq!(scene.heard(), ["tasks", "tasks"]);
}

#[tokio::test]
async fn an_epoch_is_not_marked_before_its_indexes_have_it_on_disk() {
    let scene = Scene::new(World::default());
    let table = scene.table(true, &[("index", "i-{k}")]);
    let committer = scene.committer(&table, "L", 1).await;
    committer.fence().await.unwrap();
    let rows = batch(&[(Insert, "b", 1), (Insert, "a", 1), (Insert, "_,*", 1), (Insert, "a", 2)]);
    let part = scene.stage(&table, &committer, 5, rows, ErrorHandling::Unset).await;
    scene.world.lock().unwrap().durability = Some((200, "async"));
    let error = committer.publish(Epoch(5), std::slice::from_ref(&part)).await.unwrap_err();
    let expected = "index \"i-b-1\" of table \"t\" (connector \"opensearch\") can't be written exactly once: it confirms \
                    documents that are not on disk yet";
    assert_eq!((error.kind(), error.message()), (ErrorKind::Statement, expected));
    assert!(
        error.hint().unwrap().contains(r#"PUT /i-b-1/_settings {"index.translog.durability":"request"}"#),
        "{error}"
    );
    assert_eq!(committer.look().await.unwrap(), None);
    // Who may not ask is told what is assumed, once.
    scene.world.lock().unwrap().durability = Some((403, "async"));
    committer.publish(Epoch(5), std::slice::from_ref(&part)).await.unwrap();
    committer.publish(Epoch(6), &[part]).await.unwrap();
    assert_eq!(committer.look().await.unwrap(), marker("L", 1, 6));
    let told = scene.told.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("lacks the permission indices:monitor/settings/get"), "{told:?}");
    assert_eq!(scene.world.lock().unwrap().durability_asked, ["i-a,i-b"; 3]);
}

#[tokio::test]
async fn documents_without_a_key_have_ids_that_a_second_try_has_too() {
    let scene = Scene::new(World { bulks: vec![items(&[("a", 201), ("b", 400)])], ..World::default() });
    let table = scene.table(false, &[]);
    let committer = scene.committer(&table, "L", 1).await;
    committer.fence().await.unwrap();
    let rows = batch(&[(Insert, "a", 1), (Insert, "a", 1)]);
    let part = scene.stage(&table, &committer, 5, rows.clone(), ErrorHandling::Unset).await;
    committer.publish(Epoch(5), std::slice::from_ref(&part)).await.unwrap_err();
    let again = scene.committer(&table, "L", 2).await;
    assert_eq!(again.fence().await.unwrap(), None);
    again.publish(Epoch(5), std::slice::from_ref(&part)).await.unwrap();
    let bodies = scene.bodies();
    assert_eq!(bodies[0], bodies[1]);
    let ids: Vec<_> = bodies[0].lines().step_by(2).map(|line| line.split('"').nth(9).unwrap().to_string()).collect();
    assert_eq!(ids[0].len(), 34);
    assert_eq!((&ids[0][..33], &ids[0][33..], &ids[1][33..]), (&ids[1][..33], "0", "1"));
    assert!(bodies[0].starts_with(r#"{"create":{"_index":"i","_id":""#));
    // Another epoch and another start have other ids.
    for (committer, epoch) in [(&committer, 6), (&again, 5)] {
        let other = scene.stage(&table, committer, epoch, rows.clone(), ErrorHandling::Unset).await;
        assert!(!String::from_utf8_lossy(&other.staged.payload).contains(&ids[0][..33]));
    }
}

#[tokio::test]
async fn what_is_busy_is_sent_again_and_a_lost_request_is_over_before() {
    let bulks = vec![(429, "{}".into()), items(&[("a", 200), ("b", 429)]), (0, String::new()), (503, "{}".into())];
    let tasks =
        vec![tasks(&["job/L/1/2", "job/L/1/9"]), tasks(&["job/L/1/9"]), (200, r#"{"node_failures":[{}]}"#.into())];
    let scene = Scene::new(World { bulks, tasks, ..World::default() });
    let table = scene.table(true, &[]);
    let committer = scene.committer(&table, "L", 1).await;
    committer.fence().await.unwrap();
    let rows = batch(&[(Insert, "a", 1), (Insert, "b", 2)]);
    let part = scene.stage(&table, &committer, 5, rows, ErrorHandling::Unset).await;
    committer.publish(Epoch(5), &[part]).await.unwrap();
    let again = ["tasks", "tasks", "tasks", "tasks", "tasks"];
    let expected = [
        &["bulk job/l/1/0", "bulk job/l/1/1", "bulk job/l/1/2"],
        &again[..],
        &["bulk job/l/1/3"],
        &again[..2],
        &["bulk job/l/1/4"],
    ];
    assert_eq!(scene.heard(), expected.concat());
    let bodies = scene.bodies();
    assert!(bodies[0] == bodies[1] && bodies[2] == bodies[3] && bodies[3] == bodies[4]);
    assert!(!bodies[2].contains(r#""_id":"a""#) && bodies[2].contains(r#""_id":"b""#));
    let told = scene.told.lock().unwrap().join("\n");
    assert!(told.contains("requests whose answers were lost are still carried out"), "{told}");
}

#[tokio::test]
async fn an_earlier_start_is_waited_out_and_can_go_on_no_more() {
    let scene = Scene::new(World::default());
    let table = scene.table(true, &[("sink.bulk-flush.max-actions", "1")]);
    let zombie = scene.committer(&table, "L", 1).await;
    zombie.fence().await.unwrap();
    let rows = batch(&[(Insert, "a", 1), (Insert, "b", 2)]);
    let part = scene.stage(&table, &zombie, 5, rows, ErrorHandling::Unset).await;
    scene.world.lock().unwrap().tasks =
        vec![tasks(&["job/L/1/4"]), tasks(&["job/L/1/4", "jobs/L/1/1"]), tasks(&["jobs/L/1/1"])];
    let next = scene.committer(&table, "L", 2).await;
    next.fence().await.unwrap();
    assert_eq!(scene.heard(), ["tasks"; 4]);
    let told = scene.told.lock().unwrap().clone();
    let expected = format!(
        "waiting for OpenSearch at {}: requests of an earlier start of the job are still carried out",
        scene.stub.host
    );
    assert_eq!(told, [expected]);
    let error = zombie.publish(Epoch(5), std::slice::from_ref(&part)).await.unwrap_err();
    let expected = format!(
        "another start of job \"job\" publishes to OpenSearch at {}: its marker is of start 2, this is 1",
        scene.stub.host
    );
    assert_eq!((error.kind(), error.message()), (ErrorKind::State, expected.as_str()));
    assert!(scene.heard().is_empty());
    next.publish(Epoch(5), &[part]).await.unwrap();
    let error = scene.committer(&table, "L", 1).await.fence().await.unwrap_err();
    assert_eq!(error.message(), expected);
    assert!(error.hint().unwrap().contains("--from, or with --fresh"), "{error}");
    let error = next.publish(Epoch(4), &[]).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::State, "epoch 4 can't be published behind epoch 5"));
    assert!(error.hint().unwrap().contains("Only one process may run a job of this name"), "{error}");
}

#[tokio::test]
async fn a_start_of_the_same_number_in_another_lineage_is_waited_out() {
    let scene = Scene::new(World::default());
    let table = scene.table(true, &[]);
    scene.committer(&table, "L", 1).await.fence().await.unwrap();
    scene.world.lock().unwrap().tasks = vec![tasks(&["job/L/1/0"])];
    let next = scene.committer(&table, "M", 1).await;
    next.look().await.unwrap();
    assert!(scene.heard().is_empty(), "it may be that of a job that runs");
    next.fence().await.unwrap();
    assert_eq!(scene.heard(), ["tasks"; 3]);
}

#[tokio::test]
async fn a_zombie_stops_between_two_requests() {
    let scene = Scene::new(World::default());
    let table = scene.table(true, &[("sink.bulk-flush.max-actions", "1")]);
    let zombie = scene.committer(&table, "L", 1).await;
    zombie.fence().await.unwrap();
    let rows = batch(&[(Insert, "a", 1), (Insert, "b", 2)]);
    let part = scene.stage(&table, &zombie, 5, rows, ErrorHandling::Unset).await;
    // The other start comes while the first request is under way.
    let overtaken = r#"{"job":"job","target":"t","lineage":"L","attempt":2,"published":null}"#;
    let (world, host) = (scene.world.clone(), scene.stub.host.clone());
    world.lock().unwrap().bulks = vec![(429, "{}".into())];
    let publishing = zombie.publish(Epoch(5), std::slice::from_ref(&part));
    tokio::pin!(publishing);
    let taken = async {
        while world.lock().unwrap().bulk_bodies.is_empty() {
            tokio::task::yield_now().await;
        }
        world.lock().unwrap().marker = Some((9, overtaken.into()));
    };
    let (published, ()) = tokio::join!(publishing, taken);
    assert!(published.unwrap_err().message().contains(&host));
    assert_eq!(scene.heard(), ["bulk job/l/1/0", "bulk job/l/1/1"]);
}

#[tokio::test]
async fn without_the_permission_to_list_tasks_as_long_as_an_answer_may_take_is_waited() {
    let scene = Scene::new(World { tasks: vec![(403, "{}".into())], ..World::default() });
    let table = scene.table(true, &[("socket.timeout", "60 ms")]);
    scene.committer(&table, "L", 1).await.fence().await.unwrap();
    let start = std::time::Instant::now();
    scene.committer(&table, "L", 2).await.fence().await.unwrap();
    assert!(start.elapsed() >= std::time::Duration::from_millis(60));
    // On a machine that is slow an answer of the stub may be waited for, too.
    let told = scene.told.lock().unwrap().clone();
    let waits =
        told.iter().filter(|line| line.starts_with("waiting 0.06 s for requests of an earlier start of the job"));
    assert_eq!(waits.count(), 1, "{told:?}");
}

#[tokio::test]
async fn a_marker_whose_answer_is_lost_is_found_written() {
    let scene = Scene::new(World { lost_marker_writes: 1, ..World::default() });
    let table = scene.table(true, &[]);
    let committer = scene.committer(&table, "L", 1).await;
    committer.fence().await.unwrap();
    scene.world.lock().unwrap().lost_marker_writes = 1;
    committer.publish(Epoch(5), &[]).await.unwrap();
    assert_eq!(scene.world.lock().unwrap().marker.as_ref().unwrap().0, 1);
    committer.publish(Epoch(6), &[]).await.unwrap();
    assert_eq!(committer.fence().await.unwrap(), marker("L", 1, 6));
}

#[tokio::test]
async fn a_look_disturbs_nobody_and_a_fence_takes_the_marker_of_another_lineage() {
    let scene = Scene::new(World::default());
    let table = scene.table(true, &[]);
    let other = scene.committer(&table, "L", 7).await;
    other.fence().await.unwrap();
    other.publish(Epoch(5), &[]).await.unwrap();
    let fresh = scene.committer(&table, "M", 1).await;
    assert_eq!(fresh.look().await.unwrap(), marker("L", 7, 5));
    other.publish(Epoch(6), &[]).await.unwrap();
    assert_eq!(fresh.fence().await.unwrap(), marker("L", 7, 6));
    assert!(other.publish(Epoch(7), &[]).await.is_err());
    fresh.publish(Epoch(1), &[]).await.unwrap();
    assert_eq!(fresh.fence().await.unwrap(), marker("M", 1, 1));
}

#[tokio::test]
async fn a_rejected_document_fails_the_job_or_is_dropped_as_the_table_and_the_row_say() {
    let skipping = || {
        let counts = Arc::new(RejectCounts::default());
        let handling = Handling { table: "t".into(), letters: None, counts: counts.clone() };
        (ErrorHandling::Handle(Arc::new(handling)), counts)
    };
    for (mode, rows_skip, is_dropped) in
        [("", false, false), ("", true, true), ("fail", true, false), ("skip", false, true), ("skip", true, true)]
    {
        let scene = Scene::new(World { bulks: vec![items(&[("a", 400), ("b", 200)])], ..World::default() });
        let options = [("error-handling.mode", mode)];
        let table = scene.table(true, if mode.is_empty() { &[] } else { &options });
        let committer = scene.committer(&table, "L", 1).await;
        committer.fence().await.unwrap();
        let (skip, counts) = skipping();
        let errors = if rows_skip { skip } else { ErrorHandling::Unset };
        let rows = batch(&[(Insert, "a", 1), (Insert, "b", 2)]);
        let part = scene.stage(&table, &committer, 5, rows, errors).await;
        let published = committer.publish(Epoch(5), &[part]).await;
        assert_eq!(published.is_ok(), is_dropped, "{mode} {rows_skip}");
        match published {
            Err(error) => {
                let expected = "OpenSearch rejects document \"a\" of index \"i\" of table \"t\"";
                assert!(error.message().starts_with(expected), "{error}");
                assert!(error.hint().unwrap().ends_with("'error-handling.mode' = 'skip'."), "{error}");
            }
            Ok(()) if rows_skip => assert_eq!(counts.of(Stage::Write), 1),
            Ok(()) => {
                let told = scene.told.lock().unwrap();
                let start = "dropped 1 rejected documents of the checkpoint, the first: OpenSearch rejects";
                assert!(told[0].starts_with(start), "{told:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_epoch_that_grows_large_asks_once_to_end() {
    let scene = Scene::new(World::default());
    let table = scene.table(true, &[]);
    let committer = scene.committer(&table, "L", 1).await;
    let (mode, room) = (EpochMode::Held, Arc::<EpochRoom>::default());
    let epochs = Some(WriterEpochs { mode, sink: 3, committer, first: Epoch(1), room: room.clone() });
    let context = OpenContext { epochs, ..OpenContext::for_test() };
    let table = scene.table(false, &[]);
    let mut writer = OpenSearch.sink(&table).unwrap().open(&context).await.unwrap();
    let large = "x".repeat(8 << 20);
    for (epoch, writes, asks) in [(1, 7, false), (2, 8, true), (3, 1, false), (4, 10, true)] {
        for _ in 0..writes {
            writer.write(batch(&[(Insert, &large, 1)])).await.unwrap();
        }
        assert_eq!(room.asked().now_or_never().is_some(), asks, "{writes}");
        let staged = writer.stage(Epoch(epoch)).await.unwrap();
        assert_eq!(staged.rows, writes);
        assert!(room.asked().now_or_never().is_none());
    }
}

#[tokio::test]
async fn a_writer_with_dead_letters_is_refused() {
    let scene = Scene::new(World::default());
    let table = scene.table(true, &[]);
    let committer = scene.committer(&table, "L", 1).await;
    let letters = Some(Arc::new(DeadLetters::default()));
    let errors = ErrorHandling::Handle(Arc::new(Handling { table: "t".into(), letters, counts: Arc::default() }));
    let (mode, room) = (EpochMode::Held, Arc::<EpochRoom>::default());
    let epochs = Some(WriterEpochs { mode, sink: 3, committer, first: Epoch(1), room });
    let context = OpenContext { epochs, errors, ..OpenContext::for_test() };
    let error = OpenSearch.sink(&table).unwrap().open(&context).await.err().unwrap();
    assert!(error.message().ends_with("can't be combined with exactly-once output"), "{error}");
}

#[tokio::test]
async fn rows_without_a_key_need_an_index_that_does_not_roll_over() {
    let scene = Scene::new(World::default());
    for (index, what) in [("alias", "an alias"), ("stream", "a data stream"), ("{k}", "an alias")] {
        let table = scene.table(false, &[("index", index)]);
        let committer = scene.committer(&table, "L", 1).await;
        let (mode, room) = (EpochMode::Held, Arc::<EpochRoom>::default());
        let epochs = Some(WriterEpochs { mode, sink: 3, committer, first: Epoch(1), room });
        let context = OpenContext { epochs, ..OpenContext::for_test() };
        let opened = OpenSearch.sink(&table).unwrap().open(&context).await;
        let error = match (index, opened) {
            ("{k}", Ok(mut writer)) => {
                writer.write(batch(&[(Insert, "i", 1)])).await.unwrap();
                writer.write(batch(&[(Insert, "alias", 1)])).await.unwrap_err()
            }
            (_, opened) => opened.err().unwrap(),
        };
        let name = if index == "{k}" { "alias" } else { index };
        let start = format!("\"{name}\" of table \"t\" (connector \"opensearch\") is {what}: without a PRIMARY KEY");
        assert!(error.message().starts_with(&start), "{error}");
        let with_key = scene.table(true, &[("index", index)]);
        assert!(OpenSearch.sink(&with_key).unwrap().open(&context).await.is_ok());
    }
}

#[tokio::test]
async fn a_template_that_makes_data_streams_is_noticed() {
    let made = r#"{"errors":false,"items":[{"create":{"_index":".ds-i-000001","_id":"x","status":201}}]}"#;
    let scene = Scene::new(World { bulks: vec![(200, made.into())], ..World::default() });
    let table = scene.table(false, &[]);
    let committer = scene.committer(&table, "L", 1).await;
    committer.fence().await.unwrap();
    let part = scene.stage(&table, &committer, 5, batch(&[(Insert, "a", 1)]), ErrorHandling::Unset).await;
    let error = committer.publish(Epoch(5), &[part]).await.unwrap_err();
    assert!(error.message().contains("is made as a data stream by an index template (\".ds-i-000001\")"), "{error}");
}

#[test]
fn a_target_is_its_nodes_and_the_user() {
    let name = |hosts, more: &[(&str, &str)]| {
        let base = [("connector", "opensearch"), ("hosts", hosts), ("index", "i")];
        let table = declare("k STRING", base.iter().chain(more));
        OpenSearch.sink(&table).unwrap().target().unwrap().target.name()
    };
    assert_eq!(name("http://b:2;http://a:1;http://b:2", &[]), "opensearch http://a:1, http://b:2");
    let user = [("username", "u"), ("password", "hunter2")];
    assert_eq!(name("http://a:1", &user), "opensearch http://a:1 as u");
}
