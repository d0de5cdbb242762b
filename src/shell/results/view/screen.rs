//! The terminal while a screen covers it: its keys, its size, and frames of lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{self, Event};
use tokio::sync::mpsc;

use super::draw::{Drawn, Style};
use super::keys::Key;
use crate::console;
use crate::error::{Error, Result};

/// How long a key press may go unnoticed at the end.
const POLL: Duration = Duration::from_millis(50);

/// What the terminal tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Key(Key),
    Resized,
    /// Its keys can't be read any more.
    Gone,
}

/// A covered terminal. Dropped, it is as it was before.
pub struct Screen {
    pub told: mpsc::Receiver<Told>,
    ends: Arc<AtomicBool>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Screen {
    /// # Errors
    /// The terminal can't give its keys one by one.
    pub fn open() -> Result<Self> {
        console::open_screen()
            .map_err(|e| Error::external(format!("the terminal can't show a table that changes: {e}")))?;
        let (sender, told) = mpsc::channel(64);
        let ends = Arc::new(AtomicBool::new(false));
        let ended = ends.clone();
        let reader = std::thread::Builder::new().name("keys".into()).spawn(move || read(&sender, &ended));
        match reader {
            Ok(reader) => Ok(Self { told, ends, reader: Some(reader) }),
            Err(error) => {
                console::close_screen();
                Err(Error::external(format!("cannot read keys: {error}")))
            }
        }
    }

    /// Columns and lines.
    pub fn size(&self) -> (usize, usize) {
        crossterm::terminal::size().map_or((80, 24), |(columns, lines)| (columns.into(), lines.into()))
    }

    /// Draws a frame over the one before, in one write: erasing first would flicker.
    pub fn show(&self, lines: &[Drawn]) {
        let plain = std::env::var_os("NO_COLOR").is_some();
        let mut frame = String::new();
        for (at, line) in (1..).zip(lines) {
            let style = match line.style {
                Style::Plain => "",
                Style::Inverse => "\x1b[7m",
                Style::Underlined => "\x1b[4m",
                Style::Dim if plain => "",
                Style::Dim => "\x1b[2m",
            };
            frame += &format!("\x1b[{at};1H\x1b[0m{style}{}\x1b[0m\x1b[K", line.text);
        }
        console::screen(frame.as_bytes());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.told.close();
        // The next reader of keys must find them all.
        if let Some(reader) = self.reader.take() {
            let _ended = reader.join();
        }
        console::close_screen();
    }
}

/// Reads keys until the screen ends. Blocks, so it has a thread of its own.
fn read(sender: &mpsc::Sender<Told>, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        let told = match event::poll(POLL) {
            Ok(false) => continue,
            Ok(true) => match event::read() {
                Ok(Event::Key(key)) => Key::of(key).map(Told::Key),
                Ok(Event::Resize(..)) => Some(Told::Resized),
                Ok(_) => None,
                Err(_) => Some(Told::Gone),
            },
            Err(_) => Some(Told::Gone),
        };
        if let Some(told) = told
            && (sender.blocking_send(told).is_err() || told == Told::Gone)
        {
            return;
        }
    }
}
