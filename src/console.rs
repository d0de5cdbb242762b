//! The one door to the terminal: results on standard output, everything else on standard error, live lines that make way
//! for both, and a prompt above which both are written.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::log::{self, Line, LogFormat};
use crate::wrap;

/// What is drawn below everything else, redrawn after each line that is written.
static LIVE: LazyLock<Mutex<Live>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Live {
    lines: Vec<String>,
    /// The columns of each line that is drawn now.
    drawn: Vec<usize>,
    /// Set while somebody types at a prompt: what is written waits in `above` until the prompt makes room.
    prompt: Option<Arc<dyn Prompt>>,
    /// Set while a screen or a question has the terminal: the newest of what is written waits in `above` until it is gone.
    cover: Option<Cover>,
    above: Vec<u8>,
    /// Older lines that there was no room for in `above`.
    left_out: usize,
}

/// What happens behind a screen that covers the terminal, or a question.
#[derive(Default)]
struct Cover {
    is_screen: bool,
    failures: Failures,
}

/// Jobs that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    pub count: usize,
    /// What the last one said.
    pub last: String,
}

/// A prompt at which somebody types.
pub trait Prompt: Send + Sync {
    /// Lines wait to be written above it ([`take_above_prompt`]). `urgent` where writers have to stop until they are.
    fn make_room(&self, urgent: bool);
}

/// So much may wait for a prompt to make room; then the writers wait too, for so long: a job must not hang because of a
/// terminal that does. Then the oldest lines go.
const MAX_ABOVE: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(1);

/// So much is kept while a screen covers the terminal; then the oldest lines go. Nobody waits for the screen.
const MAX_COVERED: usize = 64 << 10;

/// Told when a prompt has made room.
static ROOM: Condvar = Condvar::new();

impl Live {
    fn erase(&mut self) {
        if !self.drawn.is_empty() {
            let _ = write!(std::io::stderr(), "\r\x1b[{}A\x1b[J", self.rows(terminal_width()));
            self.drawn.clear();
        }
    }

    /// The terminal's rows of what is drawn: a terminal that got narrower has wrapped it.
    fn rows(&self, width: usize) -> usize {
        self.drawn.iter().map(|columns| columns.div_ceil(width.max(1)).max(1)).sum()
    }

    /// Keeps what is written until it can be shown; where that is more than `most` bytes, the newer half of it.
    fn keep(&mut self, bytes: &[u8], most: usize) {
        self.above.extend(bytes);
        let len = self.above.len();
        if len > most {
            let half = len - most / 2;
            let behind = self.above.get(half..).and_then(|rest| memchr::memchr(b'\n', rest));
            let gone = self.above.drain(..behind.map_or(len, |end| half + end + 1));
            self.left_out += gone.filter(|byte| *byte == b'\n').count();
        }
    }

    /// Takes what is kept, up to a byte, behind a line that says what is not.
    fn take_kept(&mut self, to: usize) -> Vec<u8> {
        let mut kept = match std::mem::take(&mut self.left_out) {
            0 => Vec::new(),
            1 => b"(1 earlier line left out)\n".to_vec(),
            lines => format!("({lines} earlier lines left out)\n").into_bytes(),
        };
        kept.extend(self.above.drain(..to));
        kept
    }

    /// Nobody holds the terminal any more: what waits is written, and live lines are drawn.
    fn release(&mut self) {
        self.cover = None;
        let rest = self.take_kept(self.above.len());
        if !rest.is_empty() {
            write_now(Stream::Stderr, &rest);
        }
        if !self.lines.is_empty() {
            self.draw();
        }
        ROOM.notify_all();
    }

    /// Draws over what is drawn, in one write: erasing first would flicker.
    fn draw(&mut self) {
        let width = terminal_width();
        let (dim, plain) = if std::env::var_os("NO_COLOR").is_some() { ("", "") } else { ("\x1b[2m", "\x1b[0m") };
        let mut text = match self.rows(width) {
            0 => String::new(),
            rows => format!("\r\x1b[{rows}A"),
        };
        let mut drawn = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let cut: String = line.chars().take(width.saturating_sub(1).max(20)).collect();
            drawn.push(wrap::columns(&cut));
            text += &format!("{dim}{cut}{plain}\x1b[K\n");
        }
        text += "\x1b[J";
        let _ = std::io::stderr().write_all(text.as_bytes());
        let _ = std::io::stderr().flush();
        self.drawn = drawn;
    }
}

/// True where results go into a pipe, whose other end may write to the same terminal: nothing can be redrawn then.
pub fn stdout_is_pipe() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let stdout = std::io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    stdout.and_then(|file| file.metadata()).is_ok_and(|m| m.file_type().is_fifo() || m.file_type().is_socket())
}

/// Characters in a line of the terminal.
pub fn terminal_width() -> usize {
    comfy_table::Table::new().width().map_or(120, usize::from)
}

fn live_lines() -> MutexGuard<'static, Live> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True once nobody reads standard output any more (`| head`).
static READER_GONE: AtomicBool = AtomicBool::new(false);

/// True once nobody reads the results any more: then there is nothing to say of it either.
pub fn reader_is_gone() -> bool {
    READER_GONE.load(Ordering::Relaxed)
}

/// Writes results. False when nobody reads them any more.
pub fn stdout(bytes: &[u8]) -> bool {
    write(Stream::Stdout, bytes)
}

fn write(stream: Stream, bytes: &[u8]) -> bool {
    let mut live = live_lines();
    if stream == Stream::Stderr || stdout_is_terminal() {
        if live.cover.is_some() {
            live.keep(bytes, MAX_COVERED);
            return true;
        }
        if live.above.len() > MAX_ABOVE
            && let Some(prompt) = &live.prompt
        {
            prompt.make_room(true);
            let full = |live: &mut Live| live.above.len() > MAX_ABOVE && live.prompt.is_some();
            live = ROOM.wait_timeout_while(live, PATIENCE, full).unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(prompt) = live.prompt.clone() {
            live.keep(bytes, 2 * MAX_ABOVE);
            if bytes.contains(&b'\n') {
                prompt.make_room(false);
            }
            return true;
        }
    }
    live.erase();
    let written = write_now(stream, bytes);
    if !live.lines.is_empty() {
        live.draw();
    }
    written
}

fn write_now(stream: Stream, bytes: &[u8]) -> bool {
    match stream {
        Stream::Stdout => {
            let mut out = std::io::stdout().lock();
            let written = out.write_all(bytes).and_then(|()| out.flush()).is_ok();
            if !written {
                READER_GONE.store(true, Ordering::Relaxed);
            }
            written
        }
        Stream::Stderr => std::io::stderr().write_all(bytes).is_ok(),
    }
}

/// False while the terminal shows no keys.
static ECHOES: AtomicBool = AtomicBool::new(true);

/// Whether the terminal shows the keys that are pressed.
pub fn echoes(echoes: bool) {
    ECHOES.store(echoes, Ordering::Relaxed);
}

/// A key was pressed whose echo, such as `^C`, stands at the end of what is shown: what comes next begins a new line.
pub fn after_echo() {
    // Where somebody is stuck in writing, signals are taken all the same.
    let Ok(live) = LIVE.try_lock() else { return };
    // Live lines are drawn over it; a prompt or a screen has no echo.
    if live.drawn.is_empty()
        && ECHOES.load(Ordering::Relaxed)
        && live.prompt.is_none()
        && live.cover.is_none()
        && stderr_is_terminal()
    {
        write_now(Stream::Stderr, b"\n");
    }
}

fn stdout_is_terminal() -> bool {
    static TERMINAL: LazyLock<bool> = LazyLock::new(|| std::io::stdout().is_terminal());
    *TERMINAL
}

/// Announces a prompt at which somebody types from now on, or that it is gone. Meanwhile what goes to the terminal waits
/// for the prompt to make room above itself, and live lines are not drawn.
pub fn above_prompt(prompt: Option<Arc<dyn Prompt>>) {
    let mut live = live_lines();
    if prompt.is_some() {
        live.erase();
    }
    live.prompt = prompt;
    if live.prompt.is_none() && live.cover.is_none() {
        live.release();
    }
}

/// Takes the whole lines that wait to be written above the prompt; the prompt writes them.
pub fn take_above_prompt() -> Vec<u8> {
    let mut live = live_lines();
    let whole = match memchr::memrchr(b'\n', &live.above) {
        // A line without an end has waited too long.
        None if live.above.len() > MAX_ABOVE => live.above.len(),
        end => end.map_or(0, |at| at + 1),
    };
    ROOM.notify_all();
    if whole == 0 { Vec::new() } else { live.take_kept(whole) }
}

/// Standard output or standard error for those who write bytes, making way for live lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = write(*self, bytes);
        if written { Ok(bytes.len()) } else { Err(std::io::ErrorKind::BrokenPipe.into()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes to standard error as it is.
fn stderr(text: &str) {
    write(Stream::Stderr, text.as_bytes());
}

/// A line about what is going on, with the time where nobody watches.
pub fn progress(line: Line) {
    match log::format() {
        LogFormat::Text if !stderr_is_terminal() => {
            stderr(&format!("{} {}\n", log::timestamp("%Y-%m-%dT%H:%M:%SZ"), line.message()));
        }
        _ => say(line),
    }
}

/// A line that needs no time: it answers the command that was typed.
pub fn say(line: Line) {
    match log::format() {
        LogFormat::Text => stderr(&format!("{}\n", on_terminal(line.message()))),
        LogFormat::Json => stderr(&format!("{}\n", line.json())),
    }
}

/// Another program has the terminal until [`give_back`]; of what is written meanwhile the newest 64 KiB are kept.
pub fn lend() {
    hold(false);
}

fn hold(is_screen: bool) {
    let mut live = live_lines();
    live.erase();
    live.cover = Some(Cover { is_screen, ..Cover::default() });
}

/// Gives the terminal back to everybody: it is as it was.
pub fn give_back() {
    // Nothing more can be done where it is gone.
    let _restored = crossterm::terminal::disable_raw_mode();
    let mut live = live_lines();
    live.prompt = None;
    live.release();
}

/// Asks something that a key answers. Others wait until [`give_back`].
///
/// # Errors
/// It is no terminal, or one whose keys don't come one by one.
pub fn ask(question: &str) -> std::io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    hold(false);
    screen(format!("{} ", on_terminal(question).replace('\n', "\r\n")).as_bytes());
    Ok(())
}

/// Covers the terminal with a screen of its own, whose keys come one by one.
///
/// # Errors
/// It is no terminal, or one that can't do so.
pub fn open_screen() -> std::io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    hold(true);
    // Another buffer, no cursor, no line that goes on in the next one.
    screen(b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J");
    Ok(())
}

/// Writes at once to a terminal that others don't write to: a frame, or the answer to a question.
pub fn screen(frame: &[u8]) {
    let mut out = std::io::stdout().lock();
    // A terminal that is gone is told of by its keys.
    let _drawn = out.write_all(frame).and_then(|()| out.flush());
}

/// Takes the screen away: the terminal is as it was. Does nothing where there is none.
pub fn close_screen() {
    if live_lines().cover.as_ref().is_some_and(|cover| cover.is_screen) {
        screen(b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l");
        give_back();
    }
}

/// Jobs that have failed since the screen covers the terminal, where some have since the last call.
pub fn failures_behind_screen(known: usize) -> Option<Failures> {
    live_lines().cover.as_ref().map(|cover| &cover.failures).filter(|failures| failures.count > known).cloned()
}

/// Sets the live lines. Only for terminals.
pub fn live(lines: Vec<String>) {
    let mut live = live_lines();
    live.lines = lines;
    if live.prompt.is_none() && live.cover.is_none() {
        live.draw();
    }
}

/// Takes the live lines away.
pub fn clear_live() {
    let mut live = live_lines();
    live.erase();
    live.lines.clear();
}

/// The text with its words in the width of the terminal, where there is one.
pub fn on_terminal(text: &str) -> Cow<'_, str> {
    match stderr_is_terminal() {
        true => Cow::Owned(wrap::fit(text, "  ", terminal_width())),
        false => Cow::Borrowed(text),
    }
}

pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// An error as people read it, in colour on a terminal.
pub fn error(error: &Error) {
    notice("error", error);
}

/// The error that a job failed with.
pub fn job_error(job: &str, failed: Error) {
    let failed = failed.context(format!("job \"{job}\" failed"));
    if let Some(cover) = &mut live_lines().cover {
        cover.failures = Failures { count: cover.failures.count + 1, last: failed.message().to_string() };
    }
    match log::format() {
        LogFormat::Text => error(&failed),
        LogFormat::Json => failed.each().for_each(|failed| say(Line::of("error", failed).with("job", job))),
    }
}

/// The same for what is no error: `label` stands in the place of `error`.
pub fn notice(label: &str, error: &Error) {
    if log::format() == LogFormat::Json {
        return error.each().for_each(|error| say(Line::of(label, error)));
    }
    let text = error.shown(stderr_is_terminal().then(terminal_width));
    let text = text.strip_prefix("error").map_or(text.clone(), |rest| format!("{label}{rest}"));
    let colour = if label == "error" { "\x1b[1;31m" } else { "\x1b[1;33m" };
    stderr(&format!("{}\n", paint(&text, label, colour)));
}

/// Colours the label, the caret line and the hint.
fn paint(text: &str, label: &str, colour: &str) -> String {
    if !stderr_is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return text.to_string();
    }
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, line)| match line {
            line if i == 0 || line.starts_with("error: ") => {
                line.replacen(label, &format!("{colour}{label}\x1b[0m"), 1)
            }
            line if line.contains("| ") && line.trim_end().ends_with('^') => format!("{colour}{line}\x1b[0m"),
            line if line.starts_with("  hint:") => line.replacen("hint:", "\x1b[1;36mhint:\x1b[0m", 1),
            line => line.to_string(),
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_a_narrower_terminal_has_wrapped_are_drawn_over_whole() {
        let live = Live { drawn: vec![79, 20, 0], ..Live::default() };
        assert_eq!([80, 79, 40, 25, 20].map(|width| live.rows(width)), [3, 3, 4, 6, 6]);
        assert_eq!(Live::default().rows(80), 0);
    }

    #[test]
    fn behind_a_screen_the_newest_lines_are_kept_and_the_others_counted() {
        let mut live = Live::default();
        let line = |n: usize| format!("line {n}\n");
        (0..100_000).for_each(|n| live.keep(line(n).as_bytes(), MAX_COVERED));
        let kept = String::from_utf8(live.above.clone()).unwrap();
        assert!(kept.len() <= MAX_COVERED && kept.len() >= MAX_COVERED / 2 - 20, "{}", kept.len());
        assert!(kept.ends_with(&line(99_999)));
        let left_out = live.left_out;
        assert!(kept.starts_with(&line(left_out)), "{left_out}");
        // A line that never ends is not kept either.
        live.keep(&vec![b'x'; 3 * MAX_COVERED], MAX_COVERED);
        assert!(live.above.len() <= MAX_COVERED);
        let told = String::from_utf8(live.take_kept(live.above.len())).unwrap();
        assert!(told.starts_with("(100000 earlier lines left out)\n"), "{told}");
        assert_eq!((live.left_out, live.above.len()), (0, 0));
    }
}
