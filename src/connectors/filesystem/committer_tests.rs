use std::path::Path;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};

use super::*;
use crate::changelog::ChangelogBatch;
use crate::connectors::filesystem::sink::FileSink;
use crate::connectors::filesystem::testing::table;
use crate::connectors::{
    EpochMode, OpenContext, Reporter, Sink, SinkWriter, TableDescriptor, TargetTable, WriterEpochs,
};
use crate::error::ErrorKind;
use crate::time::ManualClock;

/// A start of a job that writes to one table.
struct Start {
    committer: Arc<dyn Committer>,
    marker: Option<Marker>,
    table: TableDescriptor,
    context: OpenContext,
}

fn described(path: &Path, options: &[(&str, &str)]) -> TableDescriptor {
    let path = [("path", path.to_str().unwrap())];
    let mut table = table("k STRING, a INT", &[&path, options].concat());
    table.partition_keys = vec![0];
    table
}

fn number(lineage: &str, attempt: u64, clock: &Arc<ManualClock>) -> TargetContext {
    let context = OpenContext::for_test();
    TargetContext {
        job: "a job/of mine".into(),
        lineage: lineage.into(),
        attempt,
        mode: EpochMode::Held,
        clock: clock.clone(),
        reporter: context.reporter.clone(),
        metrics: context.metrics.clone(),
    }
}

impl Start {
    async fn try_new(table: &TableDescriptor, context: TargetContext) -> Result<Self> {
        let target = FileSink::try_new(table)?.target().unwrap();
        assert!(!target.target.has_transactions());
        let committer = target.target.open(vec![TargetTable { sink: 0, table: target.table }], &context).await?;
        let marker = committer.fence().await?;
        Ok(Self { committer, marker, table: table.clone(), context: context.door() })
    }

    async fn new(table: &TableDescriptor, attempt: u64) -> Self {
        Self::try_new(table, number("a", attempt, &Arc::default())).await.unwrap()
    }

    /// A start that has staged a file of each of two folders for epoch 1.
    async fn with_two_files(table: &TableDescriptor) -> (Self, Vec<StagedPart>, StagedFiles) {
        let start = Self::new(table, 1).await;
        let mut writer = start.writer().await;
        writer.write(rows(&[("x", 1), ("y", 2)])).await.unwrap();
        let parts = staged(&mut writer, 1).await;
        let names = StagedFiles::decode(&parts[0].staged.payload).unwrap();
        (start, parts, names)
    }

    async fn writer(&self) -> Box<dyn SinkWriter> {
        self.committer.begin(Epoch(1)).await.unwrap();
        let epochs = WriterEpochs {
            mode: EpochMode::Held,
            sink: 0,
            committer: self.committer.clone(),
            first: Epoch(1),
            room: Arc::default(),
        };
        let context = OpenContext { epochs: Some(epochs), ..self.context.clone() };
        FileSink::try_new(&self.table).unwrap().open(&context).await.unwrap()
    }
}

fn rows(rows: &[(&str, i32)]) -> ChangelogBatch {
    let columns: [(&str, ArrayRef); 2] = [
        ("k", Arc::new(rows.iter().map(|r| Some(r.0)).collect::<StringArray>())),
        ("a", Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1)))),
    ];
    ChangelogBatch::inserts(RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap())
}

async fn staged(writer: &mut Box<dyn SinkWriter>, epoch: u64) -> Vec<StagedPart> {
    vec![StagedPart { sink: 0, subtask: 0, staged: writer.stage(Epoch(epoch)).await.unwrap() }]
}

/// What a reader of the folder sees: folders and texts.
fn seen(root: &Path) -> Vec<String> {
    let listing = crate::connectors::filesystem::listing::Listing { root: root.to_path_buf(), pattern: None };
    let mut seen: Vec<String> = listing
        .files()
        .unwrap()
        .iter()
        .map(|file| {
            let folder = file.path.parent().unwrap().strip_prefix(root).unwrap().display().to_string();
            format!("{folder}: {}", std::fs::read_to_string(&file.path).unwrap())
        })
        .collect();
    seen.sort();
    seen
}

/// Hidden files of rows, in all folders of partitions.
fn hidden(root: &Path) -> usize {
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let names = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    names.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".part-")).count()
}

#[tokio::test]
async fn files_appear_with_their_epoch_once() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("new/out");
    let table = described(&root, &[("sink.rolling-policy.file-size", "4")]);
    let first = Start::new(&table, 1).await;
    assert_eq!(first.marker, None);
    let mut writer = first.writer().await;
    writer.write(rows(&[("x", 10), ("x", 20), ("x", 30), ("y", 4)])).await.unwrap();
    assert_eq!(writer.deadline(), None);
    let parts = staged(&mut writer, 1).await;
    assert_eq!(parts[0].staged.rows, 4);
    writer.write(rows(&[("x", 5)])).await.unwrap();
    let later = staged(&mut writer, 2).await;
    assert_eq!((seen(&root), hidden(&root)), (vec![], 4));
    first.committer.publish(Epoch(1), &parts).await.unwrap();
    let of_first = ["k=x: 10\n20\n", "k=x: 30\n", "k=y: 4\n"];
    assert_eq!(seen(&root), of_first);
    first.committer.publish(Epoch(1), &parts).await.unwrap();
    writer.close().await.unwrap();
    drop((writer, first));
    // The next start learns what was published, and publishes the rest, also what was published in part.
    let second = Start::new(&table, 2).await;
    assert_eq!(second.marker, Some(Marker { lineage: "a".into(), attempt: 1, epoch: Epoch(1) }));
    second.committer.publish(Epoch(1), &parts).await.unwrap();
    second.committer.publish(Epoch(2), &later).await.unwrap();
    assert_eq!((seen(&root).len(), hidden(&root)), (4, 0));
    let error = second.committer.publish(Epoch(1), &parts).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::State, "epoch 1 can't be published behind epoch 2"));
    assert!(error.hint().unwrap().contains("Only one process may run a job of this name"), "{error}");
    assert_eq!(seen(&root).len(), 4);
}

#[tokio::test]
async fn an_epoch_that_was_published_in_part_becomes_whole() {
    let folder = tempfile::tempdir().unwrap();
    let table = described(folder.path(), &[]);
    let (first, parts, names) = Start::with_two_files(&table).await;
    drop(first);
    let one = &names.files[0];
    let at = |name: &str| folder.path().join(&one.folder).join(name);
    std::fs::rename(at(&one.hidden), at(&one.name)).unwrap();
    let second = Start::new(&table, 2).await;
    second.committer.publish(Epoch(1), &parts).await.unwrap();
    assert_eq!(seen(folder.path()), ["k=x: 1\n", "k=y: 2\n"]);
    // A file that somebody removed before it appeared is told.
    let mut writer = second.writer().await;
    writer.write(rows(&[("x", 3)])).await.unwrap();
    let parts = staged(&mut writer, 2).await;
    let names = StagedFiles::decode(&parts[0].staged.payload).unwrap();
    std::fs::remove_file(folder.path().join("k=x").join(&names.files[0].hidden)).unwrap();
    let error = second.committer.publish(Epoch(2), &parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
    assert!(error.message().ends_with("of a finished epoch is gone"), "{error}");
    assert!(error.hint().unwrap().starts_with("Put it back"), "{error}");
}

#[tokio::test]
async fn a_file_that_a_reader_takes_as_soon_as_it_appears_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let table = described(folder.path(), &[]);
    let (first, parts, names) = Start::with_two_files(&table).await;
    let at = |i: usize| folder.path().join(&names.files[i].folder).join(&names.files[i].name);
    // Publishing breaks off between the first file and the marker, and a reader takes that file with its folder.
    std::fs::create_dir(at(1)).unwrap();
    let error = first.committer.publish(Epoch(1), &parts).await.unwrap_err();
    assert!(error.message().starts_with("cannot write"), "{error}");
    assert!(at(0).is_file());
    std::fs::remove_dir_all(at(0).parent().unwrap()).unwrap();
    std::fs::remove_dir(at(1)).unwrap();
    drop(first);
    let second = Start::new(&table, 2).await;
    assert_eq!(second.marker, None);
    second.committer.publish(Epoch(1), &parts).await.unwrap();
    assert_eq!(seen(folder.path()).len(), 1);
    drop(second);
    let published = Some(Marker { lineage: "a".into(), attempt: 2, epoch: Epoch(1) });
    assert_eq!(Start::new(&table, 3).await.marker, published);
}

#[tokio::test]
async fn what_an_earlier_start_left_unfinished_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let table = described(folder.path(), &[]);
    let first = Start::new(&table, 1).await;
    let mut writer = first.writer().await;
    writer.write(rows(&[("x", 1)])).await.unwrap();
    staged(&mut writer, 1).await;
    drop((writer, first));
    let others = [".part-of-another.0123456789abcdef.inprogress", ".part-7-0-1.inprogress", ".hidden"];
    for name in others {
        std::fs::write(folder.path().join("k=x").join(name), "").unwrap();
    }
    assert_eq!(hidden(folder.path()), 3);
    let second = Start::new(&table, 2).await;
    assert_eq!(hidden(folder.path()), 3, "they may have to be published yet");
    let mut writer = second.writer().await;
    assert_eq!(hidden(folder.path()), 2);
    writer.write(rows(&[("x", 2)])).await.unwrap();
    second.committer.begin(Epoch(2)).await.unwrap();
    let parts = staged(&mut writer, 1).await;
    second.committer.publish(Epoch(1), &parts).await.unwrap();
    assert_eq!(seen(folder.path()), ["k=x: 2\n"]);
    assert!(others.iter().all(|name| folder.path().join("k=x").join(name).exists()));
}

#[tokio::test]
async fn only_one_start_of_a_job_writes() {
    let folder = tempfile::tempdir().unwrap();
    let table = described(folder.path(), &[]);
    let first = Start::new(&table, 2).await;
    let mut writer = first.writer().await;
    writer.write(rows(&[("x", 1)])).await.unwrap();
    let parts = staged(&mut writer, 1).await;
    // The next one waits until all of the first is gone.
    let (tell, told) = tokio::sync::oneshot::channel::<String>();
    let tell = Mutex::new(Some(tell));
    let reporter = Reporter::new(move |line| {
        if let Some(tell) = tell.lock().unwrap().take() {
            tell.send(line.to_string()).unwrap();
        }
    });
    let context = TargetContext { reporter, ..number("a", 3, &Arc::default()) };
    let first_ends = async {
        assert!(told.await.unwrap().starts_with("waiting for an earlier start of the job, which writes to folder"));
        drop((writer, first));
    };
    let (second, ()) = tokio::join!(Start::try_new(&table, context), first_ends);
    let second = second.unwrap();
    second.committer.publish(Epoch(1), &parts).await.unwrap();
    drop(second);
    let error = Start::try_new(&table, number("a", 2, &Arc::default())).await.err().unwrap();
    assert!(error.message().contains("another process runs the job \"a job/of mine\""), "{error}");
    // One whose lock was taken from it, as file systems over a network may, is stopped by the marker.
    let third = Start::new(&table, 4).await;
    std::fs::remove_dir_all(folder.path().join(".millstream")).unwrap();
    let fourth = Start::try_new(&table, number("b", 1, &Arc::default())).await.unwrap();
    assert_eq!(fourth.marker, None);
    let error = third.committer.publish(Epoch(2), &[]).await.unwrap_err();
    assert!(error.message().contains("another process runs the job"), "{error}");
    fourth.committer.publish(Epoch(1), &[]).await.unwrap();
    // Another job isn't in the way.
    let other = TargetContext { job: "a job_of mine".into(), ..number("c", 1, &Arc::default()) };
    assert_eq!(Start::try_new(&table, other).await.unwrap().marker, None);
}

#[tokio::test]
async fn partitions_are_complete_behind_their_files_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = [("sink.partition-commit.policy.kind", "success-file"), ("sink.partition-commit.delay", "10 s")];
    let table = described(folder.path(), &options);
    let clock = Arc::new(ManualClock::new(1_000));
    let done = |name: &str| folder.path().join(name).join("_SUCCESS").exists();
    let first = Start::try_new(&table, number("a", 1, &clock)).await.unwrap();
    let mut writer = first.writer().await;
    writer.write(rows(&[("x", 1)])).await.unwrap();
    clock.set(5_000);
    writer.write(rows(&[("x", 2), ("y", 3)])).await.unwrap();
    first.committer.publish(Epoch(1), &staged(&mut writer, 1).await).await.unwrap();
    assert_eq!((done("k=x"), done("k=y")), (false, false));
    drop((writer, first));
    let second = Start::try_new(&table, number("a", 2, &clock)).await.unwrap();
    clock.set(11_000);
    second.committer.publish(Epoch(2), &[]).await.unwrap();
    assert_eq!((done("k=x"), done("k=y")), (true, false));
    // At the end all are complete: with the last epoch, where that is still to be published.
    let mut writer = second.writer().await;
    writer.write(rows(&[("z", 4)])).await.unwrap();
    let last = staged(&mut writer, 3).await;
    writer.close().await.unwrap();
    assert_eq!((done("k=y"), done("k=z")), (false, false));
    second.committer.publish(Epoch(3), &last).await.unwrap();
    assert_eq!((done("k=y"), done("k=z")), (true, true));
    assert_eq!(seen(folder.path()), ["k=x: 1\n2\n", "k=y: 3\n", "k=z: 4\n"]);
}

#[tokio::test]
async fn partitions_are_complete_at_the_end_where_everything_is_published_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let options = [("sink.partition-commit.policy.kind", "success-file"), ("sink.partition-commit.delay", "1 d")];
    let start = Start::new(&described(folder.path(), &options), 1).await;
    let mut writers = [start.writer().await, start.writer().await];
    writers[0].write(rows(&[("x", 1)])).await.unwrap();
    let mut parts = staged(&mut writers[0], 1).await;
    parts.extend(staged(&mut writers[1], 1).await);
    start.committer.publish(Epoch(1), &parts).await.unwrap();
    let done = || folder.path().join("k=x/_SUCCESS").exists();
    writers[0].close().await.unwrap();
    assert!(!done(), "rows may come from the other writer");
    writers[1].close().await.unwrap();
    assert!(done());
}

#[tokio::test]
async fn a_marker_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let table = described(folder.path(), &[]);
    drop(Start::new(&table, 1).await);
    let hidden = folder.path().join(".millstream");
    let mut files = std::fs::read_dir(&hidden).unwrap().map(|entry| entry.unwrap().path());
    let marker = files.find(|path| path.extension().is_some_and(|e| e == "epoch")).unwrap();
    let text = std::fs::read_to_string(&marker).unwrap();
    let version_1 = "{\"version\":1,\"job\":\"a job/of mine\",\"lineage\":\"a\",\"attempt\":1,\"published\":null,\
                     \"partitions\":[]}";
    assert_eq!(text, version_1);
    let published = text.replace("null", "{\"lineage\":\"a\",\"attempt\":1,\"epoch\":7}");
    std::fs::write(&marker, published).unwrap();
    let start = Start::new(&table, 2).await;
    assert_eq!(start.marker.as_ref().map(|marker| marker.epoch), Some(Epoch(7)));
    drop(start);
    for wrong in [text.replace("\"version\":1", "\"version\":2"), text[..40].to_string()] {
        std::fs::write(&marker, wrong).unwrap();
        let error = Start::try_new(&table, number("a", 3, &Arc::default())).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::State);
        assert!(error.message().ends_with(".epoch\" can't be read"), "{error}");
    }
}
