use std::path::Path;

use arrow::array::RecordBatch;
use chrono_tz::Tz;
use tempfile::TempDir;

use super::*;
use crate::changelog::ChangelogBatch;
use crate::connectors::{LookupRequest, MetadataColumn, OpenContext, ScanRequest, SourceEvent, SourceReader, Split};
use crate::formats::testing::{rows, schema};

fn table(columns: &str, path: &Path, options: &[(&str, &str)]) -> TableDescriptor {
    let path = path.to_str().unwrap();
    let mut all: RawOptions = [("connector", "filesystem"), ("path", path), ("format", "json")].into_iter().collect();
    options.iter().for_each(|(key, value)| drop(all.set(*key, *value, None)));
    TableDescriptor {
        name: "t".into(),
        columns: schema(columns),
        metadata: Vec::new(),
        primary_key: Vec::new(),
        partition_keys: Vec::new(),
        options: all,
        zone: Tz::UTC,
    }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

async fn read(source: Arc<dyn Source>) -> Result<Vec<RecordBatch>> {
    let context = OpenContext::for_test();
    let splits = source.splits(&context).await?;
    if splits.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = source.open(splits, &context).await?;
    let mut batches = Vec::new();
    loop {
        match reader.next().await? {
            SourceEvent::Rows { rows, .. } => batches.push(rows),
            SourceEvent::SplitEnd(_) => {}
            SourceEvent::End => return Ok(batches),
        }
    }
}

/// All rows of a table as text.
async fn text(table: &TableDescriptor) -> Result<Vec<String>> {
    let batches = read(Filesystem.source(table)?).await?;
    Ok(batches.iter().flat_map(|batch| rows(batch, &table.scan_schema())).collect())
}

/// All rows of a table as one batch.
async fn batch(table: &TableDescriptor) -> RecordBatch {
    let batches = read(Filesystem.source(table).unwrap()).await.unwrap();
    arrow::compute::concat_batches(&table.scan_schema().arrow(), &batches).unwrap()
}

/// The visible files below a folder with their lines.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if !name.starts_with('.') {
                let place = path.parent().unwrap().strip_prefix(folder).unwrap().to_str().unwrap().to_string();
                found.push((place, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_folder_is_read_file_by_file_and_hidden_files_are_left_out() {
    let folder = folder(&[
        ("b.json", "{\"a\":3}"),
        ("a.json", "{\"a\":1}\r\n\n{\"a\":2}\n"),
        (".hidden", "x"),
        ("_done", "x"),
        ("deep/c.json", "[{\"a\":4},{\"a\":5}]\n"),
    ]);
    assert_eq!(text(&table("a INT", folder.path(), &[])).await.unwrap(), ["1", "2", "3", "4", "5"]);
    let options = [("source.path.regex-pattern", ".*/[ab].json")];
    assert_eq!(text(&table("a INT", folder.path(), &options)).await.unwrap(), ["1", "2", "3"]);
    let one = format!("file://{}", folder.path().join("b.json").display());
    assert_eq!(text(&table("a INT", Path::new(&one), &[])).await.unwrap(), ["3"]);
}

#[tokio::test]
async fn csv_and_raw_are_read_by_lines_and_quotes_span_them() {
    let folder = folder(&[("x", "1,\"a\nb\"\n2,c\n")]);
    let csv = table("a INT, b STRING", folder.path(), &[("format", "csv")]);
    assert_eq!(text(&csv).await.unwrap(), ["1, a\nb", "2, c"]);
    let raw = table("line STRING", folder.path(), &[("format", "raw")]);
    assert_eq!(text(&raw).await.unwrap(), ["1,\"a", "b\"", "2,c"]);
}

#[tokio::test]
async fn folders_and_files_fill_columns_of_their_own() {
    let folder =
        folder(&[("p=x%2Fy/q=1/f.json", "{\"a\":1}\n"), ("p=__DEFAULT_PARTITION__/q=2/f.json", "{\"a\":2}\n")]);
    let mut table = table("p STRING, a INT, q INT", folder.path(), &[]);
    table.partition_keys = vec![0, 2];
    table.metadata = ["file.name", "file.size"]
        .into_iter()
        .map(|key| MetadataColumn {
            name: key.into(),
            key: key.into(),
            ty: Filesystem.metadata(&table.options).into_iter().find(|(k, ..)| k == key).unwrap().1,
            is_virtual: true,
        })
        .collect();
    assert_eq!(text(&table).await.unwrap(), ["null, 2, 2, f.json, 8", "x/y, 1, 1, f.json, 8"]);
    let scan = ScanRequest { projection: vec![4, 2, 1], filters: Vec::new(), limit: Some(1) };
    let batches = read(Filesystem.source(&table).unwrap().narrow(scan).unwrap()).await.unwrap();
    assert_eq!(rows(&batches[0], &table.scan_schema().project(&[4, 2, 1])), ["8, 2, 2"]);
    table.partition_keys = vec![1];
    let error = text(&table).await.unwrap_err();
    assert!(error.message().ends_with("is in no folder that names the partition \"a\""), "{error}");
}

#[tokio::test]
async fn reading_goes_on_from_a_position() {
    let folder = folder(&[("a.json", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n")]);
    let table = table("a INT", folder.path(), &[]);
    let source = Filesystem.source(&table).unwrap();
    let context = OpenContext { batch_rows: 1, ..OpenContext::for_test() };
    let splits = source.splits(&context).await.unwrap();
    let mut reader = source.open(splits, &context).await.unwrap();
    reader.next().await.unwrap();
    let positions = reader.positions();
    assert_eq!(positions[0].position, "8");
    let mut reader = source.open(positions, &OpenContext::for_test()).await.unwrap();
    let SourceEvent::Rows { rows: batch, .. } = reader.next().await.unwrap() else { panic!("rows") };
    assert_eq!(rows(&batch, &table.columns), ["2", "3"]);
    let beyond = Split { id: reader.positions()[0].id.clone(), position: "99".into() };
    let mut reader = source.open(vec![beyond], &context).await.unwrap();
    let error = reader.next().await.unwrap_err();
    assert!(error.message().ends_with("has 24 bytes, but 99 were read before"), "{error}");
}

/// The next rows of a watched table.
async fn next_rows(reader: &mut dyn SourceReader, table: &TableDescriptor) -> Vec<String> {
    match reader.next().await.unwrap() {
        SourceEvent::Rows { rows: batch, .. } => rows(&batch, &table.columns),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_watched_folder_gives_new_files_and_remembers_the_old_ones() {
    let folder = folder(&[("a.json", "{\"a\":1}\n")]);
    let table = table("a INT", folder.path(), &[("source.monitor-interval", "1 ms")]);
    let source = Filesystem.source(&table).unwrap();
    assert!(!source.is_bounded());
    let context = OpenContext::for_test();
    let splits = source.splits(&context).await.unwrap();
    let mut reader = source.open(splits, &context).await.unwrap();
    assert_eq!(next_rows(reader.as_mut(), &table).await, ["1"]);
    std::fs::write(folder.path().join("b.json"), "{\"a\":2}\n").unwrap();
    assert_eq!(next_rows(reader.as_mut(), &table).await, ["2"]);
    let mut reader = source.open(reader.positions(), &context).await.unwrap();
    std::fs::write(folder.path().join("c.json"), "{\"a\":3}\n").unwrap();
    assert_eq!(next_rows(reader.as_mut(), &table).await, ["3"]);
}

#[tokio::test]
async fn a_bad_line_is_an_error_that_names_file_and_byte() {
    let folder = folder(&[("a.json", "{\"a\":1}\n{\"a\":\"x\"}\n")]);
    let bad = table("a INT", folder.path(), &[]);
    let source = Filesystem.source(&bad).unwrap();
    let splits = source.splits(&OpenContext::for_test()).await.unwrap();
    let mut reader = source.open(splits, &OpenContext::for_test()).await.unwrap();
    assert_eq!(next_rows(reader.as_mut(), &bad).await, ["1"], "the rows before it come first");
    let error = reader.next().await.unwrap_err();
    let path = folder.path().join("a.json");
    assert_eq!(
        error.message(),
        format!("cannot decode {}, byte 8: field \"a\" is \"x\", expected INT", path.display())
    );
    let ignoring = [("json.ignore-parse-errors", "true")];
    assert_eq!(text(&table("a INT", folder.path(), &ignoring)).await.unwrap(), ["1", "null"]);
}

#[tokio::test]
async fn what_can_not_be_read_says_so() {
    let error = text(&table("a INT", Path::new("/no/such/folder"), &[])).await.unwrap_err();
    assert!(error.message().starts_with("cannot read /no/such/folder: "), "{error}");
    let folder = folder(&[("a.json.gz", "")]);
    let error = text(&table("a INT", folder.path(), &[])).await.unwrap_err();
    assert!(error.message().starts_with("the compressed file ") && error.hint().is_some(), "{error}");
    let refused = |options: &[(&str, &str)]| {
        Filesystem.source(&table("a INT", Path::new("x"), options)).unwrap_err().message().to_string()
    };
    assert!(refused(&[("path", "s3://bucket/x")]).contains("file systems of the kind 's3' are not supported"));
    assert!(refused(&[("source.path.regex-pattern", "(")]).contains("regex-pattern"));
    assert!(refused(&[("sink.partition-commit.policy.kind", "success-file")]).contains("is not supported"));
    assert!(refused(&[("format", "jsn")]).contains("unknown format 'jsn'"));
    assert!(refused(&[("json.ignore-parse-errors", "maybe")]).contains("'maybe' is not true or false"));
}

#[tokio::test]
async fn written_files_appear_when_they_are_finished_and_are_read_back() {
    let (from, to) = (folder(&[("a", "{\"a\":1,\"b\":\"x\"}\n{\"a\":2}\n")]), tempfile::tempdir().unwrap());
    let columns = "a INT, b STRING";
    let target = table(columns, &to.path().join("new/folder"), &[]);
    let sink = Filesystem.sink(&target).unwrap();
    let mut writer = sink.open(&OpenContext::for_test()).await.unwrap();
    let rows = batch(&table(columns, from.path(), &[])).await;
    writer.write(ChangelogBatch::inserts(rows.clone())).await.unwrap();
    assert!(files(to.path()).is_empty(), "nothing is visible before it is finished");
    assert!(text(&target).await.unwrap().is_empty(), "nor is it read");
    writer.flush().await.unwrap();
    assert_eq!(files(to.path()), [("new/folder".into(), "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":null}\n".into())]);
    writer.write(ChangelogBatch::inserts(rows.slice(0, 1))).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(text(&target).await.unwrap().len(), 3);
    writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
    drop(writer);
    let left = std::fs::read_dir(to.path().join("new/folder")).unwrap().count();
    assert_eq!(left, 2, "what was not finished goes away");
}

#[tokio::test]
async fn partitions_are_folders() {
    let from = folder(&[(
        "a",
        "{\"a\":1,\"p\":\"x\"}\n{\"a\":2,\"p\":\"a/b\"}\n{\"a\":3}\n{\"a\":4,\"p\":\"x\"}\n{\"a\":5,\"p\":\"\"}\n",
    )]);
    let to = tempfile::tempdir().unwrap();
    let rows = batch(&table("a INT, p STRING", from.path(), &[])).await;
    let mut target = table("a INT, p STRING", to.path(), &[]);
    target.partition_keys = vec![1];
    let mut writer = Filesystem.sink(&target).unwrap().open(&OpenContext::for_test()).await.unwrap();
    writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
    writer.flush().await.unwrap();
    assert_eq!(
        files(to.path()),
        [
            ("p=__DEFAULT_PARTITION__".into(), "{\"a\":3}\n{\"a\":5}\n".into()),
            ("p=a%2Fb".into(), "{\"a\":2}\n".into()),
            ("p=x".into(), "{\"a\":1}\n{\"a\":4}\n".to_string()),
        ]
    );
    assert_eq!(text(&target).await.unwrap(), ["3, null", "5, null", "2, a/b", "1, x", "4, x"]);
}

#[tokio::test]
async fn partition_values_of_every_type_come_back() {
    let columns = "a INT, s TIMESTAMP(3), z TIMESTAMP_LTZ(3), d DATE, t TIME(0), b BOOLEAN, n DECIMAL(5, 2), f DOUBLE";
    let line = "{\"a\":1,\"s\":\"2020-01-01 10:11:00\",\"z\":\"2020-01-01 10:11:12.5Z\",\"d\":\"2020-02-29\",\"t\":\"10:11:00\",\"b\":true,\"n\":1.5,\"f\":1e10}\n";
    let (from, to) = (folder(&[("a", line)]), tempfile::tempdir().unwrap());
    let plain = table(columns, from.path(), &[]);
    let mut target = table(columns, to.path(), &[]);
    target.partition_keys = (1..8).collect();
    let mut writer = Filesystem.sink(&target).unwrap().open(&OpenContext::for_test()).await.unwrap();
    writer.write(ChangelogBatch::inserts(batch(&plain).await)).await.unwrap();
    writer.close().await.unwrap();
    assert!(files(to.path())[0].0.starts_with("s=2020-01-01T10%3A11/z=2020-01-01T10%3A11%3A12.500Z/d=2020-02-29/"));
    assert_eq!(text(&target).await.unwrap(), text(&plain).await.unwrap());
}

#[tokio::test]
async fn large_and_old_files_are_finished() {
    let (from, to) = (folder(&[("a", "{\"a\":1}\n")]), tempfile::tempdir().unwrap());
    let rows = batch(&table("a INT", from.path(), &[])).await;
    let sized = table("a INT", to.path(), &[("sink.rolling-policy.file-size", "10b")]);
    let mut writer = Filesystem.sink(&sized).unwrap().open(&OpenContext::for_test()).await.unwrap();
    for _ in 0..4 {
        writer.write(ChangelogBatch::inserts(rows.clone())).await.unwrap();
    }
    assert_eq!(files(to.path()).len(), 2, "two lines are more than ten bytes");
    let aged = table("a INT", to.path(), &[("sink.rolling-policy.rollover-interval", "0 ms")]);
    let mut writer = Filesystem.sink(&aged).unwrap().open(&OpenContext::for_test()).await.unwrap();
    assert!(writer.deadline().is_none());
    writer.write(ChangelogBatch::inserts(rows)).await.unwrap();
    assert!(writer.deadline().is_some());
    writer.on_deadline().await.unwrap();
    assert_eq!(files(to.path()).len(), 3);
    assert!(writer.deadline().is_none());
}

#[tokio::test]
async fn a_sink_that_can_not_be_written_says_so() {
    let folder = folder(&[("a", "")]);
    let sink = Filesystem.sink(&table("a INT", &folder.path().join("a"), &[])).unwrap();
    let error = sink.open(&OpenContext::for_test()).await.err().unwrap();
    assert!(error.message().ends_with("it is a file"), "{error}");
    let sink = Filesystem.sink(&table("a INT", &folder.path().join("a/b"), &[])).unwrap();
    let error = sink.open(&OpenContext::for_test()).await.err().unwrap();
    assert!(error.message().starts_with("cannot make the folder "), "{error}");
}

#[tokio::test]
async fn rows_are_looked_up_by_key() {
    let folder = folder(&[("t.csv", "doc,20\ngrumpy,30\ndoc,21\n,40\n")]);
    let columns = "hostname STRING, allowed_top INT";
    let options = [("format", "csv"), ("csv.null-literal", "")];
    let target = table(columns, folder.path(), &options);
    let request = LookupRequest { key_columns: vec![0], projection: vec![1, 0], filters: Vec::new() };
    let context = OpenContext::for_test();
    let keys = schema("hostname STRING");
    let key_file =
        self::folder(&[("k", "{\"hostname\":\"grumpy\"}\n{\"hostname\":\"nobody\"}\n{\"hostname\":\"doc\"}\n")]);
    let keys_batch = batch(&table("hostname STRING", key_file.path(), &[])).await;
    assert_eq!(keys_batch.schema(), keys.arrow());
    let answer = |lookup: &Arc<dyn LookupSource>| {
        let (lookup, request, context, keys) = (lookup.clone(), request.clone(), context.clone(), keys_batch.clone());
        async move {
            let lookup = lookup.open(&request, &context).await.unwrap();
            let found = lookup.lookup(&keys).await.unwrap();
            let text = rows(&found.rows, &schema("allowed_top INT, hostname STRING"));
            (text, found.key_of_row.values().to_vec(), lookup)
        }
    };
    let kept = Filesystem.lookup(&target).unwrap();
    let (found, key_of_row, open) = answer(&kept).await;
    assert_eq!(found, ["30, grumpy", "20, doc", "21, doc"]);
    assert_eq!(key_of_row, [0, 2, 2]);
    let uncached = table(columns, folder.path(), &[("format", "csv"), ("lookup.cache", "NONE")]);
    let (_, _, fresh) = answer(&Filesystem.lookup(&uncached).unwrap()).await;
    std::fs::write(folder.path().join("t.csv"), "doc,99\n").unwrap();
    assert_eq!(open.lookup(&keys_batch).await.unwrap().rows.num_rows(), 3, "read once");
    assert_eq!(fresh.lookup(&keys_batch).await.unwrap().rows.num_rows(), 1, "read for every batch");
}

#[tokio::test]
async fn an_empty_table_answers_nothing() {
    let folder = folder(&[]);
    let lookup = Filesystem.lookup(&table("k INT, v INT", folder.path(), &[])).unwrap();
    let request = LookupRequest { key_columns: vec![0], projection: vec![1], filters: Vec::new() };
    let lookup = lookup.open(&request, &OpenContext::for_test()).await.unwrap();
    let key_file = self::folder(&[("k", "{\"k\":1}\n")]);
    let keys = batch(&table("k INT", key_file.path(), &[])).await;
    assert_eq!(lookup.lookup(&keys).await.unwrap().rows.num_rows(), 0);
}
