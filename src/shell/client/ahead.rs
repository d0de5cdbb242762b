//! Keys that are pressed while rows are printed: `q` asks to stop, and what else is typed waits for the prompt.

use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::Client;
use crate::shell::editor::{is_whole, push_key};
use crate::shell::interrupt::Interrupt;
use crate::shell::quiet;
use crate::shell::rates::LIVE_FIRST;

/// How long a key press may go unnoticed at the end.
const POLL: Duration = Duration::from_millis(20);

/// So long the last keys are waited for, for a prompt must find the terminal as it was; and where all is to end, for on a
/// terminal that is gone they may not come.
const PATIENCE: Duration = Duration::from_secs(5);
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// Somebody listens to the keys. Dropped, nobody does.
pub struct Keys {
    ends: mpsc::Sender<()>,
    typed: mpsc::Receiver<Typed>,
}

/// What was typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Typed {
    text: String,
    /// Ctrl-C has thrown away what was typed before.
    thrown: bool,
}

/// What comes next of what was typed ahead.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A whole input, with its Enter.
    Input(String),
    /// The prompt begins with it.
    Begun(String),
}

impl Keys {
    /// Listens, unless it is over before anybody could see it. None where there is no thread for it.
    fn listen(interrupt: Interrupt) -> Option<Self> {
        let (ends, ended) = mpsc::channel();
        let (sender, typed) = mpsc::channel();
        let read = move || _ = sender.send(read(&interrupt, &ended));
        std::thread::Builder::new().name("keys".into()).spawn(read).ok()?;
        Some(Self { ends, typed })
    }

    /// The terminal is as it was; gives what was typed for the prompt.
    fn end(self, patience: Duration) -> Typed {
        drop(self.ends);
        self.typed.recv_timeout(patience).unwrap_or_default()
    }
}

impl Client {
    /// Listens to keys while something is printed at the prompt.
    pub(super) fn listen(&self) -> Option<Keys> {
        if self.manner.interactive { Keys::listen(self.interrupt.clone()) } else { None }
    }

    /// Listens no more.
    pub(super) fn heard(&mut self, keys: Option<Keys>) {
        let patience = if self.interrupt.is_ended() { LAST_PATIENCE } else { PATIENCE };
        let typed = keys.map(|keys| keys.end(patience)).unwrap_or_default();
        if typed.thrown {
            self.ahead.clear();
        }
        self.ahead += &typed.text;
    }
}

/// Reads keys until it is over. Blocks, so it has a thread of its own.
fn read(interrupt: &Interrupt, ends: &mpsc::Receiver<()>) -> Typed {
    let mut typed = Typed::default();
    if ends.recv_timeout(LIVE_FIRST) != Err(RecvTimeoutError::Timeout) || !quiet::begin() {
        return typed;
    }
    let mut known = interrupt.times();
    loop {
        // What has come before the end is read still.
        let is_over = ends.try_recv() != Err(TryRecvError::Empty);
        // Ctrl-C throws away what was typed before, as the terminal does.
        if interrupt.times() > known {
            known = interrupt.times();
            while event::poll(Duration::ZERO).is_ok_and(|is_there| is_there) && event::read().is_ok() {}
            typed = Typed { text: String::new(), thrown: true };
        }
        match event::poll(if is_over { Duration::ZERO } else { POLL }) {
            Ok(true) => match event::read() {
                Ok(Event::Key(key)) if typed.asks_to_stop(key) => known = interrupt.ask(),
                Ok(Event::Key(key)) => typed.take(key),
                Ok(_) => {}
                Err(_) => break,
            },
            Ok(false) if is_over => break,
            Ok(false) => {}
            Err(_) => break,
        }
    }
    quiet::end();
    typed
}

impl Typed {
    /// True for `q`, unless it is part of an input that has begun.
    fn asks_to_stop(&self, key: KeyEvent) -> bool {
        let is_between = self.text.is_empty() || self.text.ends_with('\n') && is_whole(&self.text);
        let is_letter = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        is_between && is_letter && key.kind != KeyEventKind::Release && matches!(key.code, KeyCode::Char('q' | 'Q'))
    }

    /// A key is typed, with what a terminal lets one mend in a line.
    fn take(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        let line = self.text.rfind('\n').map_or(0, |at| at + 1);
        match key.code {
            KeyCode::Char('u' | 'U') if key.modifiers.contains(KeyModifiers::CONTROL) => self.text.truncate(line),
            KeyCode::Backspace if self.text.len() > line => _ = self.text.pop(),
            _ => push_key(&mut self.text, key),
        }
    }
}

/// Takes the next input of what was typed ahead, or the beginning of one.
pub fn next(ahead: &mut String) -> Option<Next> {
    let ends = ahead.match_indices('\n').map(|(at, _)| at);
    let mut whole = ends.filter(|at| ahead.get(..*at).is_some_and(|text| !text.trim().is_empty() && is_whole(text)));
    match whole.next() {
        Some(at) => {
            let input: String = ahead.drain(..=at).collect();
            Some(Next::Input(input.trim().to_string()))
        }
        None => {
            let begun = std::mem::take(ahead).trim_start().to_string();
            (!begun.is_empty()).then_some(Next::Begun(begun))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    /// What is typed, and after how many characters of it `q` asked to stop.
    fn typed(text: &str) -> (String, Vec<usize>) {
        let (mut typed, mut asked) = (Typed::default(), Vec::new());
        for c in text.chars() {
            let key = key(match c {
                '\n' => KeyCode::Enter,
                '\u{8}' => KeyCode::Backspace,
                c => KeyCode::Char(c),
            });
            match typed.asks_to_stop(key) {
                true => asked.push(typed.text.len()),
                false => typed.take(key),
            }
        }
        (typed.text, asked)
    }

    #[test]
    fn q_asks_to_stop_where_no_input_has_begun() {
        assert_eq!(typed("q"), (String::new(), vec![0]));
        assert_eq!(typed("Qq"), (String::new(), vec![0, 0]));
        assert_eq!(typed("SELECT q\nq FROM t;\nq"), ("SELECT q\nq FROM t;\n".to_string(), vec![19]));
        assert_eq!(typed("\nq"), ("\n".to_string(), vec![1]));
        assert_eq!(typed("x\u{8}q"), (String::new(), vec![0]));
        assert_eq!(typed("a;\n\u{8}\u{8}b"), ("a;\nb".to_string(), vec![]));
    }

    #[test]
    fn inputs_that_were_typed_ahead_come_one_after_the_other() {
        let mut ahead = "\nSELECT 1\n, 2;\nhelp\nSELECT 'a;\nb';\nSELECT 3;".to_string();
        let inputs: Vec<Next> = std::iter::from_fn(|| next(&mut ahead)).collect();
        let whole = ["SELECT 1\n, 2;", "help", "SELECT 'a;\nb';"].map(|input| Next::Input(input.to_string()));
        // Nobody has pressed Enter yet.
        let expected: Vec<Next> = whole.into_iter().chain([Next::Begun("SELECT 3;".to_string())]).collect();
        assert_eq!(inputs, expected);
        assert_eq!(next(&mut "\n \n".to_string()), None);
    }
}
