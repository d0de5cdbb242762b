use std::path::Path;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};

use super::*;
use crate::connectors::MetadataColumn;
use crate::connectors::filesystem::data_file::FileMetadata;
use crate::connectors::filesystem::listing::Listing;
use crate::connectors::filesystem::testing::table;

fn described(path: &Path, options: &[(&str, &str)]) -> TableDescriptor {
    table("k STRING, a INT", &[&[("path", path.to_str().unwrap())], options].concat())
}

fn rows(rows: &[(Option<&str>, i32)]) -> ChangelogBatch {
    let columns: [(&str, ArrayRef); 2] = [
        ("k", Arc::new(rows.iter().map(|r| r.0).collect::<StringArray>())),
        ("a", Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.1)))),
    ];
    ChangelogBatch::inserts(RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap())
}

async fn open(table: &TableDescriptor) -> Result<Box<dyn SinkWriter>> {
    FileSink::try_new(table)?.open(&OpenContext::for_test()).await
}

/// What a reader of the folder sees: folders and texts, by the number of the file.
fn seen(folder: &Path) -> Vec<(String, String)> {
    let files = Listing { root: folder.to_path_buf(), pattern: None }.files().unwrap();
    let mut seen: Vec<_> = files
        .iter()
        .map(|f| {
            let relative = f.path.strip_prefix(folder).unwrap();
            let name = relative.file_name().unwrap().to_string_lossy();
            assert!(name.starts_with("part-"), "{name}");
            let number: u32 = name.rsplit('-').next().unwrap().parse().unwrap();
            let text = std::fs::read_to_string(&f.path).unwrap();
            (number, (relative.parent().unwrap().display().to_string(), text))
        })
        .collect();
    seen.sort();
    seen.into_iter().map(|(_, file)| file).collect()
}

/// Every file of the folder, hidden ones too.
fn count_all(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn files_appear_as_a_whole_when_they_are_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/out");
    let mut writer = open(&described(&path, &[])).await.unwrap();
    assert_eq!(writer.deadline(), None);
    writer.write(rows(&[(Some("x"), 1), (None, 2)])).await.unwrap();
    assert_eq!((seen(&path).len(), count_all(&path)), (0, 1));
    assert!(writer.deadline().is_some());
    writer.flush().await.unwrap();
    let first = (String::new(), "x,1\n,2\n".to_string());
    assert_eq!((seen(&path), writer.deadline()), (vec![first.clone()], None));
    writer.write(rows(&[(Some("y"), 3)])).await.unwrap();
    writer.flush().await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(seen(&path), [first, (String::new(), "y,3\n".into())]);
    assert_eq!(count_all(&path), 2);
}

#[tokio::test]
async fn rows_go_to_the_folders_of_their_partitions_without_those_columns() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = described(folder.path(), &[]);
    table.partition_keys = vec![0];
    let mut writer = open(&table).await.unwrap();
    writer.write(rows(&[(Some("x"), 1), (None, 2), (Some("a/b"), 3), (Some("x"), 4)])).await.unwrap();
    writer.flush().await.unwrap();
    let mut seen = seen(folder.path());
    seen.sort();
    let expected = [("k=__DEFAULT_PARTITION__", "2\n"), ("k=a%2Fb", "3\n"), ("k=x", "1\n4\n")];
    assert_eq!(seen, expected.map(|(folder, text)| (folder.to_string(), text.to_string())));
}

#[tokio::test]
async fn a_partition_that_is_complete_says_so() {
    let commits = ("sink.partition-commit.policy.kind", "success-file");
    for (more, name, with_flush) in [
        (("sink.partition-commit.delay", "0 s"), "_SUCCESS", true),
        (("sink.partition-commit.delay", "1 h"), "_SUCCESS", false),
        (("sink.partition-commit.success-file.name", "_done"), "_done", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut table = described(folder.path(), &[commits, more]);
        table.partition_keys = vec![0];
        assert_eq!(FileSink::try_new(&table).unwrap().distribution(), Some(vec![0]), "one writer a partition");
        let mut writer = open(&table).await.unwrap();
        writer.write(rows(&[(Some("x"), 1), (Some("y"), 2)])).await.unwrap();
        let done = |partition: &str| folder.path().join(partition).join(name).exists();
        assert!(!done("k=x"), "its file is not finished yet");
        writer.flush().await.unwrap();
        assert_eq!((done("k=x"), done("k=y")), (with_flush, with_flush), "{more:?}");
        writer.close().await.unwrap();
        assert_eq!((done("k=x"), done("k=y")), (true, true), "all are complete at the end");
        assert_eq!(seen(folder.path()).len(), 2, "readers don't take it for a file of rows");
    }
}

#[tokio::test]
async fn rows_of_a_partition_meet_in_one_writer_where_the_table_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = described(folder.path(), &[("sink.shuffle-by-partition.enable", "true")]);
    assert_eq!(FileSink::try_new(&table).unwrap().distribution(), None, "there are no partitions");
    table.partition_keys = vec![0];
    assert_eq!(FileSink::try_new(&table).unwrap().distribution(), Some(vec![0]));
}

#[tokio::test]
async fn a_file_that_is_full_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(&described(folder.path(), &[("sink.rolling-policy.file-size", "8")])).await.unwrap();
    writer.write(rows(&[(Some("x"), 1), (Some("x"), 2), (Some("x"), 3)])).await.unwrap();
    assert_eq!(seen(folder.path()), [(String::new(), "x,1\nx,2\n".to_string())]);
    writer.flush().await.unwrap();
    assert_eq!(seen(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_file_that_was_open_long_enough_is_finished_at_a_check() {
    for (rollover, inactivity, finished) in [("1 h", "1 h", 0), ("0 s", "1 h", 1), ("1 h", "0 s", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let options = [
            ("sink.rolling-policy.rollover-interval", rollover),
            ("sink.rolling-policy.inactivity-interval", inactivity),
        ];
        let mut writer = open(&described(folder.path(), &options)).await.unwrap();
        writer.write(rows(&[(Some("x"), 1)])).await.unwrap();
        writer.on_deadline().await.unwrap();
        assert_eq!(seen(folder.path()).len(), finished, "{rollover} {inactivity}");
        assert_eq!(writer.deadline().is_some(), finished == 0, "an open file is looked at again");
    }
}

#[tokio::test]
async fn a_writer_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(&described(folder.path(), &[])).await.unwrap();
    writer.write(rows(&[(Some("x"), 1)])).await.unwrap();
    drop(writer);
    assert_eq!(count_all(folder.path()), 0);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_refused_when_the_sink_opens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = open(&described(&file, &[])).await.err().unwrap();
    assert!(error.message().ends_with("file\" is a file, and a sink writes files into a folder"), "{error}");
    let error = open(&described(&file.join("below"), &[])).await.err().unwrap();
    assert!(error.message().contains("cannot create folder"), "{error}");
    assert!(error.message().starts_with("table \"t\""), "{error}");
}

#[test]
fn a_disk_without_room_says_so_and_what_to_do() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = blocking::write_error(Path::new("/out/part-1"), full);
    assert_eq!(error.message(), "cannot write \"/out/part-1\": no storage space");
    assert!(error.hint().unwrap().starts_with("Make room on the disk"), "{error}");
    let error = blocking::write_error(Path::new("/out/part-1"), std::io::ErrorKind::PermissionDenied.into());
    assert_eq!(error.hint(), None);
}

#[test]
fn metadata_can_only_be_read() {
    let mut table = described(Path::new("/nowhere"), &[]);
    let m = FileMetadata::Name;
    table.metadata = vec![MetadataColumn { name: "n".into(), key: m.key().into(), ty: m.ty(), is_virtual: false }];
    let error = FileSink::try_new(&table).unwrap_err();
    assert!(error.message().ends_with("can't write the metadata 'file.name'"), "{error}");
}
