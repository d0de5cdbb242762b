use std::path::Path;
use std::time::Duration;

use arrow::util::pretty::pretty_format_batches;

use super::*;
use crate::connectors::filesystem::data_file::FileMetadata;
use crate::connectors::filesystem::testing::table;
use crate::connectors::{MetadataColumn, SourceEvent};

fn context(batch_rows: usize) -> OpenContext {
    OpenContext { batch_rows, ..OpenContext::for_test() }
}

fn described(columns: &str, path: &Path, options: &[(&str, &str)]) -> TableDescriptor {
    table(columns, &[&[("path", path.to_str().unwrap())], options].concat())
}

/// The cells of all rows, one line per row.
async fn read(table: &TableDescriptor, projection: Option<&[usize]>) -> Result<Vec<String>> {
    let mut source: Arc<dyn Source> = Arc::new(FileSource::try_new(table)?);
    if let Some(projection) = projection {
        source = source.narrow(ScanRequest { projection: projection.to_vec(), ..ScanRequest::default() })?;
    }
    let context = context(2);
    let splits = source.splits(&context).await?;
    let mut reader = source.open(splits, &context).await?;
    let mut rows = Vec::new();
    loop {
        match reader.next().await? {
            SourceEvent::Rows { rows: batch, .. } => rows.extend(cells(&batch)),
            SourceEvent::SplitStart(_) | SourceEvent::SplitEnd(_) => {}
            SourceEvent::End => return Ok(rows),
        }
    }
}

fn cells(batch: &arrow::record_batch::RecordBatch) -> Vec<String> {
    if batch.num_columns() == 0 {
        return vec![String::new(); batch.num_rows()];
    }
    let table = pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string();
    let lines = table.lines().skip(3).filter(|line| !line.starts_with('+'));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(",")).collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
async fn csv_json_and_raw_are_read_line_by_line() {
    for (format, columns, text, expected) in [
        ("csv", "a INT, b STRING", "1,x\r\n2,\"y,z\"\n3,\"u\"", vec!["1,x", "2,y,z", "3,u"]),
        (
            "json",
            "a INT, b STRING",
            "{\"a\": 1, \"b\": \"x\"}\r\n{\"b\": \"y\"}\n\n{\"a\": 3}",
            vec!["1,x", ",y", "3,"],
        ),
        ("raw", "line STRING", "one\r\ntwo\nthree", vec!["one", "two", "three"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "in", text);
        let table = described(columns, folder.path(), &[("format", format)]);
        assert_eq!(read(&table, None).await.unwrap(), expected, "{format}");
    }
}

#[tokio::test]
async fn a_quoted_cell_may_hold_a_line_feed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "in.csv", "\"one\ntwo\",1\nthree,2\nfour,x\n");
    let table = described("b STRING, a INT", folder.path(), &[]);
    let projected = read(&table, Some(&[])).await;
    assert_eq!(projected.unwrap().len(), 3);
    let error = read(&table, None).await.unwrap_err();
    assert!(error.message().contains("in.csv\", line 4: field \"a\""), "{error}");
    assert!(error.hint().unwrap().contains("csv.ignore-parse-errors"), "{error}");
}

#[tokio::test]
async fn partition_and_metadata_columns_come_from_the_path() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "day=2026-11-01/k=a%2Fb/x.csv", "1\n2\n3\n");
    write(folder.path(), "day=2026-11-02/k=__DEFAULT_PARTITION__/y.csv", "4\n");
    let mut table = described("k STRING, a INT, day DATE", folder.path(), &[]);
    table.partition_keys = vec![2, 0];
    table.metadata = [FileMetadata::Name, FileMetadata::Size]
        .map(|m| MetadataColumn { name: m.key().into(), key: m.key().into(), ty: m.ty(), is_virtual: true })
        .to_vec();
    assert_eq!(
        read(&table, None).await.unwrap(),
        ["a/b,1,2026-11-01,x.csv,6", "a/b,2,2026-11-01,x.csv,6", "a/b,3,2026-11-01,x.csv,6", ",4,2026-11-02,y.csv,2"]
    );
    assert_eq!(read(&table, Some(&[3, 1])).await.unwrap(), ["x.csv,1", "x.csv,2", "x.csv,3", "y.csv,4"]);
    assert_eq!(read(&table, Some(&[2])).await.unwrap().len(), 4);
    write(folder.path(), "loose.csv", "5\n");
    let error = read(&table, None).await.unwrap_err();
    assert!(error.message().contains("loose.csv\" is in no folder \"k=…\""), "{error}");
}

#[tokio::test]
async fn only_files_whose_whole_path_fits_the_pattern_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a/x.csv", "b/x.csv", "b/x.csv.bak", "x.csv"] {
        write(folder.path(), name, &format!("{name}\n"));
    }
    for (pattern, expected) in
        [(".*/b/.*\\.csv", vec!["b/x.csv"]), (".*\\.csv", vec!["a/x.csv", "b/x.csv", "x.csv"]), ("x.csv", vec![])]
    {
        let table = described("a STRING", folder.path(), &[("source.path.regex-pattern", pattern)]);
        assert_eq!(read(&table, None).await.unwrap(), expected, "{pattern}");
    }
}

#[tokio::test]
async fn the_folder_of_null_has_the_name_that_the_table_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("k=none/x.csv", "1\n"), ("k=__DEFAULT_PARTITION__/y.csv", "2\n")] {
        write(folder.path(), name, text);
    }
    let mut table = described("k STRING, a INT", folder.path(), &[("partition.default-name", "none")]);
    table.partition_keys = vec![0];
    assert_eq!(read(&table, None).await.unwrap(), ["__DEFAULT_PARTITION__,2", ",1"]);
}

#[tokio::test]
async fn the_path_and_the_time_of_a_file_are_columns() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "x.csv", "1\n");
    let file = std::fs::File::options().write(true).open(folder.path().join("x.csv")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_millis(1500)).unwrap();
    let mut table = described("a INT", folder.path(), &[]);
    table.metadata = [FileMetadata::Path, FileMetadata::ModificationTime]
        .map(|m| MetadataColumn { name: m.key().into(), key: m.key().into(), ty: m.ty(), is_virtual: true })
        .to_vec();
    let expected = format!("1,{},1970-01-01T00:00:01.500Z", folder.path().join("x.csv").display());
    assert_eq!(read(&table, None).await.unwrap(), [expected]);
}

#[tokio::test]
async fn a_reader_goes_on_from_the_position_of_another() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.csv", "1\n2\n3\n4\n5");
    write(folder.path(), "b.csv", "6\n");
    let source = FileSource::try_new(&described("a INT", folder.path(), &[])).unwrap();
    let context = context(2);
    let splits = source.splits(&context).await.unwrap();
    let mut first = source.open(splits, &context).await.unwrap();
    let mut seen = Vec::new();
    let SourceEvent::Rows { rows, split, .. } = first.next().await.unwrap() else { panic!("rows come first") };
    seen.extend(cells(&rows));
    assert!(split.ends_with("a.csv"));
    let positions = first.positions();
    assert_eq!(positions.iter().map(|s| s.position.as_str()).collect::<Vec<_>>(), ["4", "0"]);
    let mut second = source.open(positions, &context).await.unwrap();
    let mut ends = 0;
    loop {
        match second.next().await.unwrap() {
            SourceEvent::Rows { rows, .. } => seen.extend(cells(&rows)),
            SourceEvent::SplitStart(_) => {}
            SourceEvent::SplitEnd(_) => ends += 1,
            SourceEvent::End => break,
        }
    }
    assert_eq!((seen.join(" "), ends), ("1 2 3 4 5 6".to_string(), 2));
    assert_eq!(context.metrics.bytes.load(std::sync::atomic::Ordering::Relaxed), 11);
}

#[tokio::test]
async fn a_monitored_folder_gives_files_as_they_appear_and_resumes_behind_them() {
    let folder = tempfile::tempdir().unwrap();
    let table = described("a INT", folder.path(), &[("source.monitor-interval", "1 ms")]);
    let source = FileSource::try_new(&table).unwrap();
    assert!(!source.is_bounded());
    let context = context(2);
    let splits = source.splits(&context).await.unwrap();
    assert_eq!(splits.len(), 1, "one split though there is no file yet");
    let mut reader = source.open(splits, &context).await.unwrap();
    let mut seen = Vec::new();
    for (name, text) in [("b.csv", "1\n2\n3\n"), ("a.csv", "4\n")] {
        // Written elsewhere first: a watched folder shows whole files only when they are moved there.
        write(folder.path(), ".staging", text);
        std::fs::rename(folder.path().join(".staging"), folder.path().join(name)).unwrap();
        let wanted = seen.len() + text.lines().count();
        while seen.len() < wanted {
            let SourceEvent::Rows { rows, .. } = reader.next().await.unwrap() else { panic!("it never ends") };
            seen.extend(cells(&rows));
            if seen.len() == 2 {
                reader = source.open(reader.positions(), &context).await.unwrap();
            }
        }
    }
    assert_eq!(seen, ["1", "2", "3", "4"]);
}

/// Goes on from these splits as another start does; gives what is read until so many rows came, and where it stands then.
async fn read_on(table: &TableDescriptor, splits: Vec<Split>, count: usize) -> (Vec<String>, Vec<Split>) {
    let (source, context) = (FileSource::try_new(table).unwrap(), context(1));
    let mut reader = source.open(source.splits_after(splits, &context).await.unwrap(), &context).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < count {
        let SourceEvent::Rows { rows, .. } = reader.next().await.unwrap() else { continue };
        seen.extend(cells(&rows));
    }
    (seen, reader.positions())
}

#[tokio::test]
async fn another_path_is_read_anew_behind_the_files_that_were_begun() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "old/day=1/a.csv", "1\n2\n");
    write(folder.path(), "old/day=1/b.csv", "3\n4\n");
    write(folder.path(), "new/day=2/c.csv", "5\n");
    let table = |path: &str, monitored: bool| {
        let options = [("source.monitor-interval", "1 ms")];
        let mut table = described("a INT, day INT", &folder.path().join(path), &options[..usize::from(monitored)]);
        table.partition_keys = vec![1];
        table
    };
    let start = FileSource::try_new(&table("old", true)).unwrap().splits(&context(1)).await.unwrap();
    let (seen, stands) = read_on(&table("old", true), start, 3).await;
    assert_eq!(seen, ["1,1", "2,1", "3,1"]);
    let (seen, there) = read_on(&table("new", true), stands.clone(), 2).await;
    assert_eq!(seen, ["4,1", "5,2"]);
    // Back again: all of it was read, but for what has come since.
    write(folder.path(), "old/day=1/d.csv", "6\n");
    let (seen, _) = read_on(&table("old", true), there, 1).await;
    assert_eq!(seen, ["6,1"]);
    // Without the interval the files are read that there are, as far as they were not.
    let (mut seen, files) = read_on(&table("old", false), stands.clone(), 2).await;
    seen.sort_unstable();
    assert_eq!(seen, ["4,1", "6,1"]);
    // And with it once more from there.
    write(folder.path(), "old/day=1/e.csv", "7\n");
    let (seen, _) = read_on(&table("old", true), files, 1).await;
    assert_eq!(seen, ["7,1"]);
    std::fs::remove_dir_all(folder.path().join("old")).unwrap();
    let (seen, _) = read_on(&table("new", true), stands, 1).await;
    assert_eq!(seen, ["5,2"], "the rest of a file that is gone is left out");
}

#[tokio::test]
async fn a_path_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "events.csv", "");
    let error = read(&described("a INT", &folder.path().join("event.csv"), &[]), None).await.unwrap_err();
    assert!(error.message().starts_with("table \"t\" (connector \"filesystem\"): no such file or folder"), "{error}");
    assert!(error.hint().unwrap().ends_with("events.csv\"?"), "{error}");
    assert_eq!(read(&described("a INT", &folder.path().join("events.csv"), &[]), None).await.unwrap().len(), 0);
}
