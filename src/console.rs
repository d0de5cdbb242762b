//! The one door to the terminal: results on standard output, everything else on standard error, live lines that make way
//! for both, and a prompt above which both are written.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::log::{self, Line, LogFormat};

/// What is drawn below everything else, redrawn after each line that is written.
static LIVE: LazyLock<Mutex<Live>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Live {
    lines: Vec<String>,
    /// Terminal rows that are drawn now.
    drawn: usize,
    /// Set while somebody types at a prompt: what is written waits in `above` until the prompt makes room.
    prompt: Option<Arc<dyn Prompt>>,
    above: Vec<u8>,
}

/// A prompt at which somebody types.
pub trait Prompt: Send + Sync {
    /// Lines wait to be written above it ([`take_above_prompt`]). `urgent` where writers have to stop until they are.
    fn make_room(&self, urgent: bool);
}

/// So much may wait for a prompt to make room; then the writers wait too.
const MAX_ABOVE: usize = 1 << 20;

/// Told when a prompt has made room.
static ROOM: Condvar = Condvar::new();

impl Live {
    fn erase(&mut self) {
        if self.drawn > 0 {
            let _ = write!(std::io::stderr(), "\r\x1b[{}A\x1b[J", self.drawn);
            self.drawn = 0;
        }
    }

    /// Draws over what is drawn, in one write: erasing first would flicker.
    fn draw(&mut self) {
        let width = terminal_width();
        let (dim, plain) = if std::env::var_os("NO_COLOR").is_some() { ("", "") } else { ("\x1b[2m", "\x1b[0m") };
        let mut text = match self.drawn {
            0 => String::new(),
            rows => format!("\r\x1b[{rows}A"),
        };
        for line in &self.lines {
            let cut: String = line.chars().take(width.saturating_sub(1).max(20)).collect();
            text += &format!("{dim}{cut}{plain}\x1b[K\n");
        }
        text += "\x1b[J";
        let _ = std::io::stderr().write_all(text.as_bytes());
        let _ = std::io::stderr().flush();
        self.drawn = self.lines.len();
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
        while live.above.len() > MAX_ABOVE
            && let Some(prompt) = &live.prompt
        {
            prompt.make_room(true);
            live = ROOM.wait(live).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(prompt) = live.prompt.clone() {
            live.above.extend(bytes);
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
    if live.prompt.is_none() {
        let rest = std::mem::take(&mut live.above);
        if !rest.is_empty() {
            write_now(Stream::Stderr, &rest);
        }
        if !live.lines.is_empty() {
            live.draw();
        }
        ROOM.notify_all();
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
    let rest = live.above.split_off(whole);
    ROOM.notify_all();
    std::mem::replace(&mut live.above, rest)
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
        LogFormat::Text => stderr(&format!("{}\n", line.message())),
        LogFormat::Json => stderr(&format!("{}\n", line.json())),
    }
}

/// True while a screen covers the terminal.
static SCREEN: AtomicBool = AtomicBool::new(false);

/// What is written while a screen covers the terminal waits until it is gone.
struct Covered;

impl Prompt for Covered {
    fn make_room(&self, _urgent: bool) {}
}

/// Covers the terminal with a screen of its own, whose keys come one by one. Meanwhile what goes to the terminal waits.
///
/// # Errors
/// It is no terminal, or one that can't do so.
pub fn open_screen() -> std::io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    SCREEN.store(true, Ordering::SeqCst);
    above_prompt(Some(Arc::new(Covered)));
    // Another buffer, no cursor, no line that goes on in the next one.
    screen(b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J");
    Ok(())
}

/// Draws on the screen that covers the terminal.
pub fn screen(frame: &[u8]) {
    let mut out = std::io::stdout().lock();
    // A terminal that is gone is told of by its keys.
    let _drawn = out.write_all(frame).and_then(|()| out.flush());
}

/// Takes the screen away: the terminal is as it was. Does nothing where there is none.
pub fn close_screen() {
    if SCREEN.swap(false, Ordering::SeqCst) {
        screen(b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l");
        let _restored = crossterm::terminal::disable_raw_mode();
        above_prompt(None);
    }
}

/// Sets the live lines. Only for terminals.
pub fn live(lines: Vec<String>) {
    let mut live = live_lines();
    live.lines = lines;
    if live.prompt.is_none() {
        live.draw();
    }
}

/// Takes the live lines away.
pub fn clear_live() {
    let mut live = live_lines();
    live.erase();
    live.lines.clear();
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
    match log::format() {
        LogFormat::Text => error(&failed),
        LogFormat::Json => say(Line::of("error", &failed).with("job", job)),
    }
}

/// The same for what is no error: `label` stands in the place of `error`.
pub fn notice(label: &str, error: &Error) {
    if log::format() == LogFormat::Json {
        return say(Line::of(label, error));
    }
    let text = error.to_string();
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
            line if i == 0 => line.replacen(label, &format!("{colour}{label}\x1b[0m"), 1),
            line if line.contains("| ") && line.trim_end().ends_with('^') => format!("{colour}{line}\x1b[0m"),
            line if line.starts_with("  hint:") => line.replacen("hint:", "\x1b[1;36mhint:\x1b[0m", 1),
            line => line.to_string(),
        })
        .collect();
    lines.join("\n")
}
