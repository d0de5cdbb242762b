//! A terminal with a shell in it: keys go in, and what stands on its screen is waited for.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;
use vt100::{Callbacks, Parser, Screen};

use crate::millstream::{NO_INTEGRATIONS, root};

/// What keys send.
pub mod key {
    pub const ENTER: &str = "\r";
    pub const TAB: &str = "\t";
    pub const ESCAPE: &str = "\x1b";
    pub const UP: &str = "\x1b[A";
    pub const DOWN: &str = "\x1b[B";
    pub const PAGE_UP: &str = "\x1b[5~";
    pub const PAGE_DOWN: &str = "\x1b[6~";
    pub const CTRL_C: &str = "\x03";
    pub const CTRL_D: &str = "\x04";
    pub const CTRL_R: &str = "\x12";
}

/// What the shell writes each time it begins to read: the terminal is to mark what is pasted.
const READS: &[u8] = b"\x1b[?2004h";
const PROMPT: &str = "millstream>";

/// Nothing takes so long.
const GIVE_UP: Duration = Duration::from_secs(60);

/// How a shell is started.
pub struct Options<'a> {
    pub columns: u16,
    pub lines: u16,
    /// The history file; one of its own otherwise.
    pub history: Option<&'a Path>,
    pub env: Vec<(&'a str, String)>,
    /// What is set, beside one subtask and no times.
    pub set: Vec<&'a str>,
    /// What else stands in the command line.
    pub arguments: Vec<&'a str>,
    /// The terminal answers when it is asked for its cursor.
    pub answers: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        let (env, set, arguments) = (Vec::new(), Vec::new(), Vec::new());
        Self { columns: 100, lines: 30, history: None, env, set, arguments, answers: true }
    }
}

/// How a shell left.
pub struct Left {
    pub code: u32,
    /// The last screen.
    pub screen: String,
    /// The terminal is as it was before: its modes, and what is drawn on it.
    pub restored: bool,
}

/// A shell in a terminal. Dropped, the shell is ended.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Keys,
    shown: Arc<Shown>,
    /// The modes before the shell began.
    modes: String,
    _home: TempDir,
}

type Keys = Arc<Mutex<Box<dyn Write + Send>>>;

/// What the terminal shows, and who waits for it to change.
struct Shown {
    emulator: Mutex<Emulator>,
    changed: Condvar,
}

struct Emulator {
    parser: Parser<Answers>,
    /// How often the shell has begun to read.
    reads: usize,
    /// The end of what came, where [`READS`] may have begun.
    tail: Vec<u8>,
    /// The shell is gone.
    closed: bool,
}

/// What a terminal answers to questions.
struct Answers {
    /// It knows what is asked.
    knows: bool,
    sent: Vec<u8>,
}

impl Callbacks for Answers {
    fn unhandled_csi(&mut self, screen: &mut Screen, _: Option<u8>, _: Option<u8>, params: &[&[u16]], c: char) {
        if self.knows && c == 'n' && params == [[6]] {
            let (row, column) = screen.cursor_position();
            self.sent.extend(format!("\x1b[{};{}R", row + 1, column + 1).bytes());
        }
    }
}

impl Emulator {
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.parser.process(bytes);
        self.tail.extend(bytes);
        self.reads += self.tail.windows(READS.len()).filter(|window| *window == READS).count();
        let keep = self.tail.len().min(READS.len() - 1);
        self.tail.drain(..self.tail.len() - keep);
        std::mem::take(&mut self.parser.callbacks_mut().sent)
    }

    fn screen(&self) -> String {
        let rows: Vec<String> = self.rows().iter().map(|row| row.trim_end().to_string()).collect();
        rows.join("\n").trim_end().to_string()
    }

    /// The rows, each as wide as the terminal.
    fn rows(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let columns = screen.size().1.get();
        screen.rows(0, columns).map(|row| format!("{row:0$}", columns.into())).collect()
    }

    /// The words that are bold.
    fn bold(&self) -> Vec<String> {
        let screen = self.parser.screen();
        let (rows, columns) = screen.size();
        let mut text = String::new();
        for row in 0..rows.get() {
            for column in 0..columns.get() {
                let cell = screen.cell(row, column).filter(|cell| cell.bold());
                text += cell.map_or(" ", |cell| cell.contents());
                text.push_str(if cell.is_some_and(|cell| !cell.has_contents()) { " " } else { "" });
            }
            text.push('\n');
        }
        text.split_whitespace().map(str::to_string).collect()
    }

    /// Everything before the cursor, its rows as one.
    fn before_cursor(&self) -> String {
        let (row, column) = self.parser.screen().cursor_position();
        let rows = self.rows();
        let line: String = rows[usize::from(row)].chars().take(column.into()).collect();
        rows[..usize::from(row)].concat() + &line
    }

    /// The line of the cursor.
    fn line(&self) -> String {
        let row = usize::from(self.parser.screen().cursor_position().0);
        self.rows()[row].trim_end().to_string()
    }

    /// An empty prompt that is drawn whole, with or without jobs beside it.
    fn at_prompt(&self) -> bool {
        let line = self.line();
        let beside = line.strip_prefix(PROMPT).map(str::trim);
        beside.is_some_and(|beside| beside.is_empty() || beside.ends_with(" job") || beside.ends_with(" jobs"))
            && usize::from(self.parser.screen().cursor_position().1) == PROMPT.len() + 1
    }
}

impl Terminal {
    /// A shell that waits at its first prompt.
    pub fn start(options: Options) -> Self {
        let terminal = Self::open(options);
        terminal.wait_until("the first prompt", |emulator| emulator.reads > 0 && emulator.at_prompt());
        terminal
    }

    /// A shell that has just been started.
    pub fn open(options: Options) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let size = PtySize { rows: options.lines, cols: options.columns, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_millstream"));
        command.args(["sql", "--set", "parallelism.default=1", "--set", "sql-client.display.print-time-cost=false"]);
        options.set.iter().for_each(|set| command.args(["--set", set]));
        command.args(&options.arguments);
        if !options.arguments.contains(&"--config") {
            command.args(["--config", NO_INTEGRATIONS]);
        }
        command.arg("--history");
        command.arg(options.history.unwrap_or(&home.path().join("history")));
        command.cwd(root());
        for name in ["MILLSTREAM_LOG", "MILLSTREAM_LOG_FORMAT", "MILLSTREAM_HISTORY", "NO_COLOR", "EDITOR", "VISUAL"] {
            command.env_remove(name);
        }
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("PAGER", "");
        options.env.iter().for_each(|(name, value)| command.env(name, value));
        let modes = format!("{:?}", pair.master.get_termios());
        let child = pair.slave.spawn_command(command).expect("the binary was built for this test");
        let keys: Keys = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let answers = Answers { knows: options.answers, sent: Vec::new() };
        let parser = Parser::new_with_callbacks(cells(options.lines), cells(options.columns), 0, answers);
        let emulator = Emulator { parser, reads: 0, tail: Vec::new(), closed: false };
        let shown = Arc::new(Shown { emulator: Mutex::new(emulator), changed: Condvar::new() });
        let reader = pair.master.try_clone_reader().expect("a reader");
        let (screen, answers) = (shown.clone(), keys.clone());
        #[allow(clippy::disallowed_methods)] // a thread of the terminal, which ends with its shell
        std::thread::spawn(move || show(reader, &screen, &answers));
        Self { master: pair.master, child, keys, shown, modes, _home: home }
    }

    /// Sends what keys send.
    pub fn press(&self, keys: &str) {
        self.send(keys.as_bytes());
    }

    pub fn send(&self, bytes: &[u8]) {
        let mut keys = lock(&self.keys);
        keys.write_all(bytes).and_then(|()| keys.flush()).expect("the terminal takes keys");
    }

    /// Types, and waits until the end of it stands before the cursor.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.send(text.replace('\n', "\r").as_bytes());
        let last = text.lines().last().unwrap_or_default();
        self.wait_until(&format!("what was typed: {last}"), |emulator| emulator.before_cursor().ends_with(last));
    }

    /// Pastes, as a terminal does that was asked to mark it.
    pub fn paste(&self, text: &str) {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Types a whole input and waits for the next prompt; gives the screen then.
    #[track_caller]
    pub fn run(&self, text: &str) -> String {
        self.type_text(text);
        self.enter()
    }

    /// Enter, and the next prompt.
    #[track_caller]
    pub fn enter(&self) -> String {
        self.prompt_after(key::ENTER)
    }

    /// A key, and the next prompt.
    #[track_caller]
    pub fn prompt_after(&self, keys: &str) -> String {
        let before = self.emulator().reads;
        self.press(keys);
        self.wait_until("the next prompt", |emulator| emulator.reads > before && emulator.at_prompt())
    }

    /// Waits for a text on the screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |emulator| emulator.screen().contains(text))
    }

    /// Waits for a state of the screen; gives it.
    #[track_caller]
    pub fn wait_screen(&self, what: &str, reached: impl Fn(&str) -> bool) -> String {
        self.wait_until(what, |emulator| reached(&emulator.screen()))
    }

    #[track_caller]
    fn wait_until(&self, what: &str, reached: impl Fn(&Emulator) -> bool) -> String {
        let begun = Instant::now();
        let mut emulator = self.emulator();
        loop {
            if reached(&emulator) {
                return emulator.screen();
            }
            let left = GIVE_UP.saturating_sub(begun.elapsed());
            if left.is_zero() || emulator.closed {
                let why = if emulator.closed { "the shell is gone" } else { "it did not come" };
                panic!("waited for {what}: {why}; the screen:\n{}", emulator.screen());
            }
            emulator = self.shown.changed.wait_timeout(emulator, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a state of the words on the screen that are bold.
    #[track_caller]
    pub fn wait_bold(&self, what: &str, reached: impl Fn(&[String]) -> bool) -> String {
        self.wait_until(what, |emulator| reached(&emulator.bold()))
    }

    pub fn screen(&self) -> String {
        self.emulator().screen()
    }

    /// The rows of the screen that go on in the next one, because what was written is wider than the terminal.
    pub fn wrapped(&self) -> Vec<String> {
        let emulator = self.emulator();
        let rows = emulator.rows();
        (0..).zip(rows).filter(|(row, _)| emulator.parser.screen().row_wrapped(*row)).map(|(_, text)| text).collect()
    }

    /// True where a screen covers the terminal.
    pub fn is_covered(&self) -> bool {
        self.emulator().parser.screen().alternate_screen()
    }

    pub fn resize(&self, columns: u16, lines: u16) {
        self.emulator().parser.screen_mut().set_size(cells(lines), cells(columns));
        let size = PtySize { rows: lines, cols: columns, ..PtySize::default() };
        self.master.resize(size).expect("another size");
    }

    /// Sends a signal to the shell.
    pub fn signal(&self, name: &str) {
        let shell = self.child.process_id().expect("it runs").to_string();
        let status = std::process::Command::new("kill").args([&format!("-{name}"), &shell]).status();
        assert!(status.expect("kill is there").success());
    }

    /// Waits for the shell to leave.
    #[track_caller]
    pub fn exit_code(self) -> u32 {
        self.left().code
    }

    /// Waits for the shell to leave, and looks at the terminal then.
    #[track_caller]
    pub fn left(mut self) -> Left {
        let begun = Instant::now();
        let mut emulator = lock(&self.shown.emulator);
        // Its end of the terminal closes when it is gone.
        while !emulator.closed {
            let left = GIVE_UP.saturating_sub(begun.elapsed());
            assert!(!left.is_zero(), "the shell does not end; the screen:\n{}", emulator.screen());
            emulator = self.shown.changed.wait_timeout(emulator, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let drawn = emulator.parser.screen();
        let plain = !drawn.alternate_screen() && !drawn.hide_cursor() && !drawn.bracketed_paste();
        let screen = emulator.screen();
        drop(emulator);
        let modes = format!("{:?}", self.master.get_termios());
        let code = self.child.wait().expect("a child can be waited for").exit_code();
        Left { code, screen, restored: plain && modes == self.modes }
    }

    fn emulator(&self) -> MutexGuard<'_, Emulator> {
        lock(&self.shown.emulator)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Feeds the screen, and answers what the shell asks the terminal.
fn show(mut reader: Box<dyn Read + Send>, shown: &Shown, keys: &Keys) {
    let mut bytes = [0; 4096];
    loop {
        let read = reader.read(&mut bytes).unwrap_or(0);
        let mut emulator = lock(&shown.emulator);
        let answers = emulator.take(&bytes[..read]);
        emulator.closed = read == 0;
        drop(emulator);
        shown.changed.notify_all();
        if read == 0 {
            return;
        }
        if !answers.is_empty() {
            let mut keys = lock(keys);
            // A shell that is gone needs no answer.
            let _ = keys.write_all(&answers).and_then(|()| keys.flush());
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}
