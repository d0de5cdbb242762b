//! A screen's state: where in the rows it is, and what a key does to that.

use super::super::kept_rows::Row;
use super::content::{Age, Content, Frozen};
use super::keys::Key;
use super::marks::Marks;

/// How often a screen is drawn anew, as Flink's client offers it.
pub const INTERVALS: [(&str, Option<u64>); 7] = [
    ("100 ms", Some(100)),
    ("500 ms", Some(500)),
    ("1 s", Some(1_000)),
    ("5 s", Some(5_000)),
    ("10 s", Some(10_000)),
    ("1 min", Some(60_000)),
    ("-", None),
];
const TABLE_INTERVAL: usize = 2;
const CHANGES_INTERVAL: usize = 0;

/// A column of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub ty: String,
    /// Numbers stand at the right.
    pub right: bool,
}

/// Whether rows still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Running,
    Finished,
}

/// What lies over the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    Nothing,
    Help {
        top: usize,
    },
    /// One row, a column below the other.
    Opened {
        row: Row,
        number: usize,
        top: usize,
    },
    /// A page number is typed; and what is wrong with the one before.
    GoTo {
        typed: String,
        wrong: bool,
    },
}

/// What the loop has to do after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Draw what is shown once more.
    Redraw,
    /// Show the rows of now.
    Refresh,
    Leave,
}

/// A screen.
pub struct View {
    // PROPERTIES
    pub columns: Vec<Column>,
    pub max_column_width: usize,

    // STATE
    pub content: Content,
    /// The rows that are shown instead while the screen is paused, and how many rows had come by then.
    pub paused: Option<(Frozen, u64)>,
    pub progress: Progress,
    /// Rows that have come.
    pub received: u64,
    pub over: Over,
    /// The first row that is shown; none follows the last.
    pub top: Option<usize>,
    pub selected: Option<usize>,
    /// Terminal columns to the left of what is shown.
    pub left: usize,
    /// The widths of the columns: they only grow, so that nothing jumps.
    pub widths: Vec<usize>,
    /// One of [`INTERVALS`].
    pub interval: usize,
    /// How the job goes, in parts; what has no room is left out from the end.
    pub status: Vec<String>,
    /// What stands in the place of the status until a key is pressed: another job has failed.
    pub alarm: Option<String>,
    pub marks: Marks,
    /// When the rows that are shown came.
    pub updated: String,
    /// Rows that a page has room for, and columns of the terminal, when it was drawn last.
    pub room: (usize, usize),
    /// What had gone when it was drawn last.
    pub gone: u64,
}

impl View {
    pub fn new(columns: Vec<Column>, content: Content, max_column_width: usize) -> Self {
        let interval = if matches!(content, Content::Table(_)) { TABLE_INTERVAL } else { CHANGES_INTERVAL };
        Self {
            columns,
            max_column_width,
            content,
            paused: None,
            progress: Progress::Running,
            received: 0,
            over: Over::Nothing,
            top: None,
            selected: None,
            left: 0,
            widths: Vec::new(),
            interval,
            status: Vec::new(),
            alarm: None,
            marks: Marks::default(),
            updated: String::new(),
            room: (1, 80),
            gone: 0,
        }
    }

    /// How many rows there are, as shown.
    pub fn len(&self) -> usize {
        self.paused.as_ref().map_or_else(|| self.content.len(), |(frozen, _)| frozen.rows.len())
    }

    /// Rows that went because there were too many, as shown.
    pub fn gone(&self) -> u64 {
        self.paused.as_ref().map_or_else(|| self.content.gone(), |(frozen, _)| frozen.gone)
    }

    /// So many rows from one on, as shown, each with its number.
    pub fn rows_from(&self, from: usize, count: usize) -> Vec<(u64, Row)> {
        match &self.paused {
            Some((frozen, _)) => frozen.rows.iter().skip(from).take(count).cloned().collect(),
            None => self.content.rows(from, count),
        }
    }

    /// Which rows there have been, as far as changes are shown.
    pub fn age(&self) -> Option<Age> {
        self.paused.as_ref().map_or_else(|| self.content.age(), |(frozen, _)| frozen.age)
    }

    /// Changes that have come since the screen was paused.
    pub fn behind(&self) -> Option<u64> {
        self.paused.as_ref().map(|(_, received)| self.received - received)
    }

    fn pause(&mut self) {
        self.paused = Some((self.content.frozen(), self.received));
    }

    /// The first row that is shown.
    pub fn first(&self) -> usize {
        let last = self.len().saturating_sub(self.room.0);
        self.top.unwrap_or(last)
    }

    pub fn pages(&self) -> usize {
        self.len().div_ceil(self.room.0).max(1)
    }

    /// Rows have come or gone, or the terminal has another size: places in the rows stay with their rows.
    pub fn settle(&mut self, room: (usize, usize)) {
        self.room = (room.0.max(1), room.1);
        let moved = (self.gone() - self.gone) as usize;
        self.gone = self.gone();
        let last = self.len().saturating_sub(1);
        self.top = self.top.map(|top| top.saturating_sub(moved).min(last));
        self.selected = self.selected.and_then(|at| at.checked_sub(moved)).filter(|at| *at <= last);
        if let (Some(at), Some(top)) = (self.selected, self.top) {
            // A smaller terminal still shows the chosen row.
            self.top = Some(top.clamp((at + 1).saturating_sub(self.room.0), at));
        }
    }

    /// Does what a key asks for.
    pub fn press(&mut self, key: Key) -> Asks {
        self.alarm = None;
        if key == Key::Interrupt {
            return Asks::Leave;
        }
        match &mut self.over {
            Over::Nothing => return self.press_on_rows(key),
            Over::GoTo { typed, wrong } => match key {
                Key::Digit(digit) if typed.len() < 9 => typed.push(digit),
                Key::Backspace => {
                    typed.pop();
                }
                Key::Enter if !typed.is_empty() => {
                    let page = typed.parse::<usize>().ok();
                    typed.clear();
                    *wrong = true;
                    if let Some(page) = page.filter(|page| (1..=self.pages()).contains(page)) {
                        self.over = Over::Nothing;
                        self.top = Some((page - 1) * self.room.0);
                        self.selected = None;
                    }
                }
                Key::Enter | Key::Escape | Key::Quit => self.over = Over::Nothing,
                _ => {}
            },
            Over::Help { top } | Over::Opened { top, .. } => match key {
                Key::Up => *top = top.saturating_sub(1),
                Key::Down => *top += 1,
                Key::PageUp => *top = top.saturating_sub(self.room.0),
                Key::PageDown => *top += self.room.0,
                Key::Home => *top = 0,
                // Drawing knows how many lines there are.
                Key::End => *top = usize::MAX,
                Key::Quit | Key::Escape | Key::Enter | Key::Help | Key::Open | Key::Backspace => {
                    self.over = Over::Nothing;
                }
                _ => {}
            },
        }
        Asks::Redraw
    }

    fn press_on_rows(&mut self, key: Key) -> Asks {
        let (first, page, rows) = (self.first(), self.room.0, self.len());
        match key {
            Key::Quit | Key::Escape => return Asks::Leave,
            Key::Pause if self.paused.is_some() => {
                self.paused = None;
                return Asks::Refresh;
            }
            Key::Pause if self.progress == Progress::Running => {
                self.pause();
                return Asks::Refresh;
            }
            Key::Refresh => {
                if self.paused.is_some() {
                    self.pause();
                }
                return Asks::Refresh;
            }
            Key::Slower => self.interval = (self.interval + 1).min(INTERVALS.len() - 1),
            Key::Faster => self.interval = self.interval.saturating_sub(1),
            Key::GoTo => self.over = Over::GoTo { typed: String::new(), wrong: false },
            Key::Help => self.over = Over::Help { top: 0 },
            Key::PageUp => self.show_from(Some(first.saturating_sub(page))),
            Key::PageDown if first + page < rows => self.show_from(Some(first + page)),
            Key::Home => self.show_from(Some(0)),
            Key::End => self.show_from(None),
            Key::Up if rows > 0 => self.choose(match self.selected {
                None => (first + page).min(rows) - 1,
                Some(at) => at.saturating_sub(1),
            }),
            Key::Down if rows > 0 => self.choose(match self.selected {
                None => first,
                Some(at) => (at + 1).min(rows - 1),
            }),
            Key::Open | Key::Enter if rows > 0 => {
                let at = self.selected.unwrap_or(first);
                self.choose(at);
                if let Some((_, row)) = self.rows_from(at, 1).pop() {
                    self.over = Over::Opened { row, number: at + 1 + self.gone() as usize, top: 0 };
                }
            }
            Key::Left => self.left = self.step_left(),
            Key::Right => self.left = self.step_right(),
            _ => {}
        }
        Asks::Redraw
    }

    fn show_from(&mut self, top: Option<usize>) {
        self.top = top;
        self.selected = None;
    }

    /// Chooses a row, and moves the page so far that it is shown. What is chosen stays: the last row is not followed.
    fn choose(&mut self, at: usize) {
        let first = self.first();
        self.selected = Some(at);
        self.top = Some(first.clamp((at + 1).saturating_sub(self.room.0), at));
    }

    /// Where the columns begin, and where the last one ends.
    pub fn edges(&self) -> Vec<usize> {
        let ends = self.widths.iter().scan(0, |at, width| {
            *at += width + 1;
            Some(*at)
        });
        std::iter::once(0).chain(ends).collect()
    }

    /// To the next column, or half a screen on where it is wider than that.
    fn step_right(&self) -> usize {
        let edges = self.edges();
        let most = edges.last().copied().unwrap_or(0).saturating_sub(self.room.1);
        let next = edges.iter().copied().find(|edge| *edge > self.left).unwrap_or(most);
        next.min(self.left + (self.room.1 / 2).max(1)).min(most).max(self.left.min(most))
    }

    fn step_left(&self) -> usize {
        let next = self.edges().into_iter().rev().find(|edge| *edge < self.left).unwrap_or(0);
        next.max(self.left.saturating_sub((self.room.1 / 2).max(1)))
    }
}
