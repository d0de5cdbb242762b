//! The form of checkpoints: a folder of the present version, kept in `form/`, is restored, and a new one has the same form.
//!
//! `form/job.sql` has every kind of state. It reads `orders/` and `prices/`, is stopped, and dies while it publishes what it
//! wrote to `windows/`: what is there then is `form/VERSION/`, with `{folder}` for where it ran, and beside it a savepoint.
//! Restored, it reads what is in `then/`, too. What is kept and what is new are compared as text, with the columns and rows
//! of their pieces.
//!
//! `UPDATE_EXPECT=1` makes the folder of a version that has none, and writes what the restored job gives. A folder that is
//! there is never changed: where a form has changed, `checkpoint::VERSION` is to be raised; where only the job or its rows
//! have, remove the folder first.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;

use millstream::arrow::array::RecordBatch;
use millstream::arrow::ipc::reader::StreamReader;
use millstream::arrow::util::display::array_value_to_string;
use millstream::checkpoint::VERSION;
use serde_json::Value;
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

use crate::millstream::{command, compare, millstream_in, root, signal, wait};

const FORM: &str = "tests/cli/form";

/// The last lines that the rows of `orders/` and `prices/` give, and those of `then/`: watermarks have come by then.
const BEFORE: [&str; 3] = ["first> +I[5]", "sessions> +I[north, 2026-03-01T12:00:30,", "prices> +U[plum, 2.00]"];
const AFTER: [&str; 3] = ["holders> +U[plum, 7]", "sessions> +I[null, 2026-03-01T12:01:41,", "prices> -D[pear,"];

/// A folder in which the job runs.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        copy(&root().join(FORM).join("job.sql"), &world.path("job.sql"));
        world.read("");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The folder as the job knows it.
    fn name(&self) -> String {
        self.0.path().canonicalize().unwrap().display().to_string()
    }

    /// Rows to be read: those of `form/` or of a folder in it.
    fn read(&self, from: &str) {
        for table in ["orders", "prices"] {
            copy(&root().join(FORM).join(from).join(table), &self.path(table));
        }
    }

    fn start(&self, arguments: &[&str], failpoint: Option<&str>) -> Child {
        let mut command = command(&[&["run", "-q", "job.sql"], arguments].concat());
        command.current_dir(self.0.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(failpoint.map(|name| ("MILLSTREAM_FAILPOINT", name)));
        command.spawn().unwrap()
    }

    /// Stops the job when it has printed these lines, and `then` was done; gives the lines of each table, in their order.
    /// `code`: what it ends with.
    fn end(mut child: Child, until: &[&str], then: impl FnOnce(), code: Option<i32>) -> String {
        let (mut out, mut printed) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        let all = |printed: &str| until.iter().all(|line| printed.contains(line));
        while !all(&printed) && out.read_line(&mut printed).unwrap() > 0 {}
        if all(&printed) {
            then();
            signal(&child, "TERM");
        }
        out.read_to_string(&mut printed).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let ended = wait(&mut child).code();
        assert!(all(&printed), "it ended with {ended:?} before its time:\n{said}\n{printed}");
        assert_eq!(ended, code, "{said}");
        let mut lines: Vec<&str> = printed.lines().collect();
        lines.sort_by_key(|line| line.split_once('>').map(|(table, _)| table));
        lines.join("\n") + "\n"
    }

    /// Runs the job with all rows.
    fn run(&self, arguments: &[&str]) -> String {
        self.read("then");
        Self::end(self.start(arguments, None), &AFTER, || {}, Some(0))
    }

    /// Runs it with its first rows; it dies before what it wrote is published.
    fn die(&self) -> String {
        Self::end(self.start(&[], Some("filesystem.before-rename")), &BEFORE, || {}, None)
    }

    /// Runs it with its first rows and takes a savepoint; gives its folder.
    fn save(&self) -> PathBuf {
        let arguments = ["savepoint", "all kinds", "--state", "state", "--to", "savepoints"];
        let save = || drop(millstream_in(self.0.path(), &arguments).expect(0));
        Self::end(self.start(&[], None), &BEFORE, save, Some(0));
        fs::read_dir(self.path("savepoints")).unwrap().next().unwrap().unwrap().path()
    }

    /// What stands in the table of files.
    fn windows(&self) -> String {
        let is_shown = |path: &Path| !path.file_name().unwrap().to_string_lossy().starts_with('.');
        let files = files(&self.path("windows")).into_iter().map(|name| self.path("windows").join(name));
        let mut lines: Vec<String> = Vec::new();
        for file in files.filter(|path| is_shown(path) && path.parent() == Some(&self.path("windows"))) {
            lines.extend(fs::read_to_string(file).unwrap().lines().map(str::to_string));
        }
        lines.sort();
        lines.join("\n") + "\n"
    }
}

/// The kept folder of this version. It is made where it is asked for and missing.
fn kept() -> &'static Path {
    static KEPT: OnceLock<PathBuf> = OnceLock::new();
    KEPT.get_or_init(|| {
        let kept = root().join(FORM).join(VERSION.to_string());
        if !kept.is_dir() {
            assert!(updates(), "there is no {}: UPDATE_EXPECT=1 makes it", kept.display());
            make(&kept);
        }
        kept
    })
}

/// Makes what is kept.
fn make(folder: &Path) {
    let (died, saved) = (World::new(), World::new());
    died.die();
    for name in ["state", "windows"] {
        copy(&died.path(name), &folder.join(name));
    }
    copy(&saved.save(), &folder.join("savepoint"));
    for world in [died, saved] {
        manifests(folder).iter().for_each(|path| replace(path, &world.name(), "{folder}"));
    }
}

fn updates() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name()).for_each(|name| {
            copy(&from.join(&name), &to.join(&name));
        });
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// All files below a folder, by their names in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().to_path_buf()),
            }
        }
    }
    found.sort();
    found
}

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let is_manifest = |path: &PathBuf| path.ends_with("_metadata");
    files(folder).into_iter().filter(is_manifest).map(|path| folder.join(path)).collect()
}

/// Writes another text in a manifest, with the sum that is its then.
fn replace(path: &Path, this: &str, other: &str) {
    let text = fs::read_to_string(path).unwrap();
    let (head, body) = text.split_once('\n').unwrap();
    let (body, head) = (body.replace(this, other), head.rsplit_once(' ').unwrap().0);
    fs::write(path, format!("{head} {:016x}\n{body}", xxh3_64(body.as_bytes()))).unwrap();
}

/// What the files of a checkpoint hold, as text: all but what differs from run to run.
fn form(folder: &Path) -> String {
    let mut form = String::new();
    for name in files(folder) {
        let (path, shown) = (folder.join(&name), masked(&name.display().to_string()));
        form.push_str(&format!("== {shown}\n"));
        if name.ends_with("_metadata") {
            let text = fs::read_to_string(&path).unwrap();
            let (head, body) = text.split_once('\n').unwrap();
            let mut body = serde_json::from_str(body).unwrap();
            let above = path.parent().unwrap();
            let is_savepoint = above.join("data").is_dir();
            show(&mut body, &if is_savepoint { above.join("data") } else { above.with_file_name("data") });
            form.push_str(&format!("{}\n", head.rsplit_once(' ').unwrap().0));
            form.push_str(&format!("{}\n", serde_json::to_string_pretty(&body).unwrap()));
        } else if name.extension().is_some_and(|extension| extension == "epoch") {
            let mut marker = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            show(&mut marker, folder);
            form.push_str(&format!("{marker}\n"));
        }
    }
    form
}

/// Masks what differs, and puts what pieces hold in their places.
fn show(value: &mut Value, data: &Path) {
    match value {
        Value::Object(fields) if fields.contains_key("sum") => *value = piece(value, data),
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "lineage" => *value = "…".into(),
                    "created_ms" | "took_ms" | "bytes" => *value = 0.into(),
                    "position" => *value = read_through(value.as_str().unwrap()).into(),
                    "payload" => *value = masked(&String::from_utf8_lossy(&bytes(value, data))).into(),
                    _ => show(value, data),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| show(value, data)),
        _ => {}
    }
}

/// A position in files, where one that has been read to its end may have been seen to end, or not yet.
fn read_through(position: &str) -> String {
    let mut position: Value = serde_json::from_str(position).unwrap();
    if let Some(file) = position["open"].take().get(0) {
        position["done"].as_array_mut().unwrap().push(file.clone());
    }
    position.to_string()
}

/// The bytes of a piece.
fn bytes(place: &Value, data: &Path) -> Vec<u8> {
    let number = |name: &str| place[name].as_u64().unwrap() as usize;
    let file = fs::read(data.join(place["file"].as_str().unwrap())).unwrap();
    file[number("offset")..number("offset") + number("length")].to_vec()
}

/// The rows of a piece of state; of one without rows its columns.
fn piece(place: &Value, data: &Path) -> Value {
    let bytes = bytes(place, data);
    let stream = StreamReader::try_new(&bytes[..], None).unwrap();
    let schema = stream.schema();
    let mut lines: Vec<String> = Vec::new();
    for rows in stream.map(Result::unwrap) {
        lines.extend((0..rows.num_rows()).map(|row| line(&rows, row)));
    }
    if lines.is_empty() {
        lines = schema.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type())).collect();
    }
    lines.into()
}

fn line(rows: &RecordBatch, row: usize) -> String {
    let value = |(i, field): (usize, &str)| match (field, rows.column(i).is_null(row)) {
        // When a row came.
        ("touched", false) => "…".to_string(),
        (_, true) => "NULL".to_string(),
        _ => array_value_to_string(rows.column(i), row).unwrap(),
    };
    let schema = rows.schema();
    schema.fields().iter().map(|field| field.name().as_str()).enumerate().map(value).collect::<Vec<_>>().join(" | ")
}

/// The text without the names that are made by chance: 36 hexadecimal digits and dashes.
fn masked(text: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut masked = text.to_string();
    for (at, _) in text.char_indices().rev() {
        let Some(part) = text.get(at..at + 36) else { continue };
        if part.chars().all(is_of_name) && part.matches('-').count() == 4 && masked.get(at..at + 36) == Some(part) {
            masked.replace_range(at..at + 36, "…");
        }
    }
    masked
}

#[test]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
fn a_checkpoint_of_this_version_has_the_form_that_it_had() {
    let (kept, made) = (kept(), tempfile::tempdir().unwrap());
    make(made.path());
    let (was, is) = (form(kept), form(made.path()));
    let changed = was.lines().zip(is.lines()).find(|(was, is)| was != is);
    assert!(
        was == is,
        "The form of checkpoints has changed: raise checkpoint::VERSION; UPDATE_EXPECT=1 makes the folder of the new \
         version. Where only {FORM}/job.sql or its rows have changed, remove {} first. The first change:\n{changed:#?}",
        kept.display()
    );
}

/// A world with some of what is kept.
fn with_kept(names: &[&str]) -> World {
    let (kept, world) = (kept(), World::new());
    names.iter().for_each(|name| copy(&kept.join(name), &world.path(name)));
    manifests(world.0.path()).iter().for_each(|path| replace(path, "{folder}", &world.name()));
    world
}

#[test]
fn a_checkpoint_of_this_version_is_restored() {
    let world = with_kept(&["state", "windows"]);
    let printed = world.run(&[]);
    let wrong = compare(&Path::new(FORM).join("restored.expected"), &(printed + &world.windows()));
    assert_eq!(wrong, None, "{}", wrong.as_deref().unwrap_or_default());
}

#[test]
fn a_savepoint_of_this_version_is_begun_from() {
    let world = with_kept(&["savepoint"]);
    let printed = world.run(&["--from", "savepoint"]);
    let expected = fs::read_to_string(root().join(FORM).join("restored.expected")).unwrap();
    // What was published before it stands elsewhere.
    let expected: String =
        expected.split_inclusive('\n').filter(|line| !line.contains(",\"2026-03-01 12:01:00\",")).collect();
    assert_eq!(printed + &world.windows(), expected);
}

#[test]
#[cfg_attr(not(any(debug_assertions, feature = "fail-points")), ignore = "needs fail points: --features fail-points")]
fn what_is_restored_goes_on_as_a_job_that_was_never_stopped() {
    let (died, straight) = (World::new(), World::new());
    let before = died.die();
    let whole = straight.run(&[]);
    let after = died.run(&[]);
    let by_table = |runs: &[&str]| -> BTreeMap<String, Vec<String>> {
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (table, row) in runs.iter().flat_map(|run| run.lines()).filter_map(|line| line.split_once('>')) {
            tables.entry(table.to_string()).or_default().push(row.to_string());
        }
        tables
    };
    assert_eq!(by_table(&[&before, &after]), by_table(&[&whole]));
    assert_eq!(died.windows(), straight.windows());
    assert_eq!(died.windows().lines().count(), 5);
}
