//! What was typed in earlier sessions and other shells: a file of entries, one a line, that every shell adds to.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reedline::{FileBackedHistory, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchDirection, SearchQuery};

use crate::connectors::secrets;

/// Entries that are kept in memory.
const IN_MEMORY: usize = 10_000;

/// A file with more bytes loses its older half when a shell starts.
const MAX_BYTES: u64 = 16 << 20;

/// A handle: all clones are one history.
#[derive(Clone)]
pub struct History(Arc<Mutex<Entries>>);

struct Entries {
    memory: FileBackedHistory,
    file: Option<PathBuf>,
    /// How much of the file is in memory.
    read: u64,
    /// Which file that was: another shell may have put a shorter one in its place.
    inode: u64,
    /// What is wrong with the file and was not told yet.
    trouble: Option<String>,
    /// Nothing is written any more.
    broken: bool,
}

impl History {
    /// The history of a file, or one of this session alone. A file that can't be used is told by [`History::trouble`].
    pub fn new(file: Option<&Path>) -> Self {
        Self::with_limits(file, IN_MEMORY, MAX_BYTES)
    }

    fn with_limits(file: Option<&Path>, entries: usize, bytes: u64) -> Self {
        let memory = FileBackedHistory::new(entries).unwrap_or_default();
        let file = file.map(Path::to_path_buf);
        let mut entries = Entries { memory, file, read: 0, inode: 0, trouble: None, broken: false };
        entries.attempt(|entries| entries.open(bytes));
        Self(Arc::new(Mutex::new(entries)))
    }

    /// What is wrong with the file, once.
    pub fn trouble(&self) -> Option<String> {
        self.entries().trouble.take()
    }

    /// Reads what other shells have added.
    pub fn refresh(&self) {
        self.entries().attempt(Entries::read_new);
    }

    /// Adds an entry.
    pub fn add(&self, entry: &str) {
        // Memory takes it.
        let _saved = reedline::History::save(&mut self.clone(), HistoryItem::from_command_line(entry));
    }

    /// Every entry, the oldest first.
    pub fn all(&self) -> Vec<String> {
        let everything = SearchQuery::everything(SearchDirection::Forward, None);
        let items = reedline::History::search(self, everything).unwrap_or_default();
        items.into_iter().map(|item| item.command_line).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn attempt(&mut self, act: impl FnOnce(&mut Self) -> std::io::Result<()>) {
        if self.broken || self.file.is_none() {
            return;
        }
        if let Err(error) = act(self) {
            self.broken = true;
            let file = self.file.as_deref().unwrap_or(Path::new("")).display();
            self.trouble = Some(format!("the history {file} is not kept: {error}"));
        }
    }

    fn open(&mut self, bytes: u64) -> std::io::Result<()> {
        // `/dev/null` and its like say that nothing is to be kept.
        let path = self.file.as_deref().unwrap_or(Path::new(""));
        if std::fs::metadata(path).is_ok_and(|file| file.file_type().is_char_device()) {
            self.file = None;
            return Ok(());
        }
        if let Some(folder) = self.file.as_deref().and_then(Path::parent) {
            std::fs::create_dir_all(folder)?;
        }
        let file = self.locked()?;
        if file.metadata()?.len() > bytes {
            self.shorten(&file)?;
        }
        drop(file);
        self.read_new()
    }

    /// The file, locked: no other shell reads or writes until it is dropped.
    fn locked(&self) -> std::io::Result<File> {
        let path = self.file.as_deref().unwrap_or(Path::new(""));
        loop {
            let file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
            if !file.metadata()?.is_file() {
                return Err(std::io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
            }
            file.lock()?;
            // Another shell may have put a new file in its place before the lock was got.
            match std::fs::metadata(path) {
                Ok(now) if now.ino() == file.metadata()?.ino() => return Ok(file),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts a file with the newer half of the lines in the place of the old one.
    fn shorten(&self, mut file: &File) -> std::io::Result<()> {
        let mut all = Vec::new();
        file.read_to_end(&mut all)?;
        let half = all.len() / 2;
        let keep = memchr::memchr(b'\n', &all[half..]).map_or(all.len(), |at| half + at + 1);
        let path = self.file.as_deref().unwrap_or(Path::new(""));
        let fresh = path.with_extension(format!("{}.new", std::process::id()));
        let mut out = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh)?;
        out.write_all(&all[keep..])?;
        out.sync_all()?;
        std::fs::rename(&fresh, path)
    }

    fn read_new(&mut self) -> std::io::Result<()> {
        let mut file = self.locked()?;
        self.read_from(&mut file)
    }

    fn read_from(&mut self, file: &mut File) -> std::io::Result<()> {
        let now = file.metadata()?;
        if now.ino() != self.inode || now.len() < self.read {
            let first = self.inode == 0;
            self.inode = now.ino();
            // The new file holds what is in memory already.
            self.read = if first { 0 } else { now.len() };
        }
        if now.len() == self.read {
            return Ok(());
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // The last line may lack its end only where a shell was killed.
        self.read += bytes.len() as u64;
        let mut unreadable = 0;
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match std::str::from_utf8(line).ok().filter(|line| !line.contains('\0')) {
                Some(line) => _ = self.memory_save(decode(line)),
                None => unreadable += 1,
            }
        }
        if unreadable > 0 {
            let path = self.file.as_deref().unwrap_or(Path::new("")).display();
            let lines = if unreadable == 1 { "line" } else { "lines" };
            self.trouble = Some(format!(
                "the history {path} has {unreadable} {lines} that can't be read; they are left as they are"
            ));
        }
        Ok(())
    }

    fn memory_save(&mut self, entry: String) -> Result<HistoryItem> {
        reedline::History::save(&mut self.memory, HistoryItem::from_command_line(entry))
    }

    fn append(&mut self, entry: &str) -> std::io::Result<()> {
        let mut file = self.locked()?;
        // What others wrote comes before; the own line is not read again.
        self.read_from(&mut file)?;
        let mut line = encode(entry);
        line.push('\n');
        if self.read > 0 && !ends_line(&mut file)? {
            line.insert(0, '\n');
        }
        file.write_all(line.as_bytes())?;
        self.read += line.len() as u64;
        Ok(())
    }
}

fn ends_line(file: &mut File) -> std::io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// One line for an entry of several.
fn encode(entry: &str) -> String {
    entry.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

fn decode(line: &str) -> String {
    let mut entry = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => entry.push('\n'),
                Some('r') => entry.push('\r'),
                Some('\\') | None => entry.push('\\'),
                // Written by another program.
                Some(other) => entry.extend(['\\', other]),
            },
            c => entry.push(c),
        }
    }
    entry
}

impl reedline::History for History {
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        let mut entries = self.entries();
        let entry = item.command_line.trim_end().to_string();
        // An entry with a secret stays in this session's memory.
        if !entry.is_empty() && secrets::mask_text(&entry) == entry {
            let newest = entries.newest();
            if newest.as_deref() != Some(entry.as_str()) {
                entries.attempt(|entries| entries.append(&entry));
            }
        }
        entries.memory_save(entry)
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.entries().memory.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.entries().memory.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.entries().memory.search(query)
    }

    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.entries().memory.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.entries().memory.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.entries().memory.delete(id)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    fn session(&self) -> Option<HistorySessionId> {
        None
    }
}

impl Entries {
    fn newest(&self) -> Option<String> {
        use reedline::History as _;
        let mut query = SearchQuery::everything(SearchDirection::Backward, None);
        query.limit = Some(1);
        self.memory.search(query).ok()?.pop().map(|item| item.command_line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reedline::History as _;

    fn all(history: &History) -> Vec<String> {
        history.all()
    }

    fn enter(history: &History, text: &str) {
        history.clone().save(HistoryItem::from_command_line(text)).unwrap();
    }

    #[test]
    fn entries_of_several_lines_come_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/history");
        let first = History::new(Some(&file));
        for entry in ["SELECT 1;", "SELECT\n  '\\n', '\\\\'\nFROM t;", "\\d t"] {
            enter(&first, entry);
        }
        let second = History::new(Some(&file));
        assert_eq!(all(&second), ["SELECT 1;", "SELECT\n  '\\n', '\\\\'\nFROM t;", "\\d t"]);
        assert_eq!(second.trouble(), None);
    }

    #[test]
    fn two_shells_share_a_file_and_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        let (one, two) = (History::new(Some(&file)), History::new(Some(&file)));
        enter(&one, "SELECT 1;");
        enter(&two, "SELECT 2;");
        enter(&one, "SELECT 3;");
        one.refresh();
        two.refresh();
        assert_eq!(all(&one), ["SELECT 1;", "SELECT 2;", "SELECT 3;"]);
        assert_eq!(all(&two), ["SELECT 1;", "SELECT 2;", "SELECT 3;"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "SELECT 1;\nSELECT 2;\nSELECT 3;\n");
    }

    #[test]
    fn many_shells_write_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        std::thread::scope(|scope| {
            for shell in 0..4 {
                let history = History::new(Some(&file));
                scope.spawn(move || (0..50).for_each(|n| enter(&history, &format!("SELECT {shell},\n{n};"))));
            }
        });
        assert_eq!(all(&History::new(Some(&file))).len(), 200);
    }

    #[test]
    fn the_readable_lines_of_a_broken_file_are_kept_and_the_others_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        std::fs::write(&file, b"SELECT 1;\n\xff\xfe broken\nSELECT 2;\nhalf a li").unwrap();
        let history = History::new(Some(&file));
        assert_eq!(all(&history), ["SELECT 1;", "SELECT 2;", "half a li"]);
        let trouble = history.trouble().unwrap();
        assert!(trouble.ends_with("has 1 line that can't be read; they are left as they are"), "{trouble}");
        enter(&history, "SELECT 3;");
        assert_eq!(std::fs::read(&file).unwrap(), b"SELECT 1;\n\xff\xfe broken\nSELECT 2;\nhalf a li\nSELECT 3;\n");
        assert_eq!(history.trouble(), None);
    }

    #[test]
    fn a_file_that_can_not_be_written_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::new(Some(folder.path()));
        let trouble = history.trouble().unwrap();
        assert!(trouble.starts_with("the history ") && trouble.contains(" is not kept: "), "{trouble}");
        enter(&history, "SELECT 1;");
        assert_eq!((all(&history), history.trouble()), (vec!["SELECT 1;".to_string()], None));
    }

    #[test]
    fn secrets_are_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        let history = History::new(Some(&file));
        let secret = "CREATE TABLE t (a INT) WITH ('connector' = 'jdbc', 'password' = 'hunter2');";
        enter(&history, secret);
        enter(&history, "SELECT 1;");
        assert_eq!(all(&history), [secret, "SELECT 1;"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "SELECT 1;\n");
    }

    #[test]
    fn what_is_entered_again_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        let history = History::new(Some(&file));
        enter(&history, "SELECT 1;");
        enter(&history, "SELECT 1;\n");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "SELECT 1;\n");
    }

    #[test]
    fn a_long_file_loses_its_older_half_and_open_shells_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history");
        let open = History::with_limits(Some(&file), 100, 60);
        (0..10).for_each(|n| enter(&open, &format!("SELECT {n};")));
        let fresh = History::with_limits(Some(&file), 100, 60);
        assert_eq!(all(&fresh).first().map(String::as_str), Some("SELECT 6;"));
        enter(&fresh, "SELECT 'fresh';");
        enter(&open, "SELECT 'open';");
        let again = all(&History::new(Some(&file)));
        assert_eq!(again.last().map(String::as_str), Some("SELECT 'open';"));
        assert_eq!(again.len(), 6);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
