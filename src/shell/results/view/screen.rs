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
use crate::shell::screen_text::width;

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
    /// Closes when the reader of keys has ended.
    ended: std::sync::mpsc::Receiver<()>,
}

/// So long the end of the reader is waited for: on a terminal that is gone it may not come.
const PATIENCE: Duration = Duration::from_secs(1);

impl Screen {
    /// # Errors
    /// The terminal can't give its keys one by one.
    pub fn open() -> Result<Self> {
        console::open_screen()
            .map_err(|e| Error::external(format!("the terminal can't show a table that changes: {e}")))?;
        let (sender, told) = mpsc::channel(64);
        let ends = Arc::new(AtomicBool::new(false));
        let (open, ended) = std::sync::mpsc::channel();
        let end = ends.clone();
        let reader = std::thread::Builder::new().name("keys".into()).spawn(move || {
            let _open = open;
            read(&sender, &end);
        });
        match reader {
            Ok(_) => Ok(Self { told, ends, ended }),
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
        let (columns, _) = self.size();
        let mut frame = String::new();
        for (at, line) in (1..).zip(lines) {
            let style = match line.style {
                Style::Plain => "",
                Style::Inverse => "\x1b[7m",
                Style::Underlined => "\x1b[4m",
                Style::Dim if plain => "",
                Style::Dim => "\x1b[2m",
                Style::Alarm if plain => "\x1b[1m",
                Style::Alarm => "\x1b[1;31m",
            };
            frame += &format!("\x1b[{at};1H\x1b[0m{style}");
            for (bold, text) in line.pieces() {
                frame += &if bold { format!("\x1b[1m{text}\x1b[22m") } else { text };
            }
            frame += "\x1b[0m";
            // Behind the last column the cursor stands on it: what is drawn there would go.
            if width(&line.text) < columns {
                frame += "\x1b[K";
            }
        }
        console::screen(frame.as_bytes());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.told.close();
        // The next reader of keys must find them all.
        let _ended = self.ended.recv_timeout(PATIENCE);
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
