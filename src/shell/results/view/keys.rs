//! What keys ask a screen for: Flink's letters, and what hands expect elsewhere.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Quit,
    /// Ctrl-C: quits from anywhere.
    Interrupt,
    Escape,
    Enter,
    Backspace,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
    Refresh,
    Slower,
    Faster,
    GoTo,
    Open,
    Pause,
    Help,
    Digit(char),
    Other,
}

impl Key {
    /// What a key of the terminal means; none for one that is let go.
    pub fn of(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        Some(match event.code {
            KeyCode::Char('c' | 'C') if control => Self::Interrupt,
            KeyCode::Char('l' | 'L') if control => Self::Refresh,
            KeyCode::Char(_) if control => Self::Other,
            KeyCode::Char('q' | 'Q') => Self::Quit,
            KeyCode::Char('r' | 'R') | KeyCode::F(5) => Self::Refresh,
            KeyCode::Char('+' | '=') => Self::Slower,
            KeyCode::Char('-' | '_') => Self::Faster,
            KeyCode::Char('g' | 'G') => Self::GoTo,
            KeyCode::Char('n' | 'N') | KeyCode::PageDown => Self::PageDown,
            KeyCode::Char('p' | 'P') | KeyCode::PageUp => Self::PageUp,
            KeyCode::Char('l' | 'L') | KeyCode::End => Self::End,
            KeyCode::Home => Self::Home,
            KeyCode::Char('o' | 'O') => Self::Open,
            KeyCode::Char('w' | 'W') | KeyCode::Up => Self::Up,
            KeyCode::Char('s' | 'S') | KeyCode::Down => Self::Down,
            KeyCode::Char('a' | 'A') | KeyCode::Left => Self::Left,
            KeyCode::Char('d' | 'D') | KeyCode::Right => Self::Right,
            KeyCode::Char(' ') => Self::Pause,
            KeyCode::Char('?' | 'h' | 'H') | KeyCode::F(1) => Self::Help,
            KeyCode::Char(digit) if digit.is_ascii_digit() => Self::Digit(digit),
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Escape,
            KeyCode::Backspace => Self::Backspace,
            _ => Self::Other,
        })
    }
}

/// What the help says of the keys.
pub const HELP: &[(&str, &str)] = &[
    ("Q, Esc, Ctrl-C", "leave; a query that still runs is stopped"),
    ("Space", "pause, and go on; the query does not wait meanwhile"),
    ("R", "refresh now, also while paused"),
    ("+ -", "refresh less often, more often"),
    ("Up, Down (W, S)", "choose a row"),
    ("O, Enter", "open the chosen row: a column below the other"),
    ("Left, Right (A, D)", "show the columns beside these"),
    ("N, P (PgDn, PgUp)", "next page, previous page"),
    ("G", "go to a page"),
    ("Home", "first page"),
    ("L, End", "last page, and follow it"),
    ("? H", "these lines"),
];
