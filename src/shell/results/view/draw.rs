//! A screen's lines: state and size in, text with styles out.

use std::ops::Range;

use super::keys::HELP;
use super::state::{Column, INTERVALS, Over, Progress, View};
use crate::shell::rates::grouped;
use crate::shell::results::kept_rows::Row;
use crate::shell::screen_text::{cut, pad_end, pad_start, plain, width, window};
use crate::shell::tableau::row_term;
use crate::wrap::{columns_of, hang};

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Inverse,
    Underlined,
    Dim,
    /// Something is wrong.
    Alarm,
}

/// A line of the screen, no wider than the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    pub text: String,
    pub style: Style,
    /// The columns of the terminal that are bold.
    pub bold: Vec<Range<usize>>,
}

impl Drawn {
    fn new(text: String, style: Style) -> Self {
        Self { text, style, bold: Vec::new() }
    }

    /// The text in pieces, each bold or not.
    pub fn pieces(&self) -> Vec<(bool, String)> {
        let mut pieces: Vec<(bool, String)> = Vec::new();
        let mut at = 0usize;
        for c in self.text.chars() {
            let wide = columns_of(c);
            // A mark without a column of its own belongs to what stands before it.
            let column = if wide == 0 { at.saturating_sub(1) } else { at };
            let bold = self.bold.iter().any(|columns| columns.contains(&column));
            match pieces.last_mut() {
                Some((same, text)) if *same == bold => text.push(c),
                _ => pieces.push((bold, c.to_string())),
            }
            at += wide;
        }
        pieces
    }
}

/// Lines around the rows: two above their header, the header, the keys.
const FRAME: usize = 4;

impl View {
    /// The whole screen: `height` lines.
    pub fn draw(&mut self, columns: usize, height: usize) -> Vec<Drawn> {
        let room = height.saturating_sub(FRAME).max(1);
        self.settle((room, columns));
        let mut lines = vec![Drawn::new(self.head(columns), Style::Inverse), self.status_line(columns)];
        let body = match &self.over {
            Over::Help { top } => {
                let keys = HELP.iter().map(|(_, about)| width(about)).max().unwrap_or(0);
                let wide = HELP.iter().map(|(key, _)| width(key)).max().unwrap_or(0);
                let text = |(key, about): &(&str, &str)| match wide + 3 + keys <= columns {
                    true => vec![format!(" {}  {about}", pad_end(key, wide))],
                    false => [vec![key.to_string()], hang("  ", about, columns)].concat(),
                };
                let lines: Vec<String> = HELP.iter().flat_map(text).collect();
                scrolled("Keys".to_string(), lines, *top, room)
            }
            Over::Opened { row, number, top } => {
                let title = format!("Row {}", grouped(*number as u64));
                scrolled(title, opened(&self.columns, row, columns), *top, room)
            }
            Over::Nothing | Over::GoTo { .. } => (self.rows(columns, room), 0),
        };
        match &mut self.over {
            Over::Help { top } | Over::Opened { top, .. } => *top = body.1,
            Over::Nothing | Over::GoTo { .. } => {}
        }
        lines.extend(body.0);
        lines.truncate(height.saturating_sub(1));
        lines.resize_with(height.saturating_sub(1), || Drawn::new(String::new(), Style::Plain));
        lines.push(Drawn::new(cut(&self.foot(columns), columns), Style::Dim));
        lines
    }

    /// What stays behind on the terminal: names, a rule and rows of the page, in half the height; nothing without rows.
    pub fn page(&mut self, columns: usize, height: usize) -> String {
        let room = (height / 2).saturating_sub(FRAME).max(3);
        self.settle((room, columns));
        let lines = self.rows(columns, room);
        let (Some(names), true) = (lines.first(), lines.len() > 1) else { return String::new() };
        let widest = lines.iter().map(|line| width(line.text.trim_end())).max().unwrap_or(0);
        let rows: String = lines.iter().skip(1).map(|line| format!("{}\n", line.text.trim_end())).collect();
        format!("{}\n{}\n{rows}", names.text.trim_end(), "-".repeat(widest))
    }

    /// The column names, and the rows below them.
    fn rows(&mut self, columns: usize, room: usize) -> Vec<Drawn> {
        let first = self.first();
        let rows = self.rows_from(first, room);
        let age = self.age();
        self.marks.shown(&rows, age);
        let texts: Vec<Vec<String>> =
            rows.iter().map(|(_, row)| row.iter().map(|cell| plain(cell).into_owned()).collect()).collect();
        self.widths.resize(self.columns.len(), 0);
        for (at, (column, known)) in self.columns.iter().zip(&mut self.widths).enumerate() {
            let cells = texts.iter().filter_map(|row| row.get(at)).map(|cell| width(cell));
            let widest = cells.chain([width(&plain(&column.name))]).max().unwrap_or(0);
            *known = (*known).max(widest.min(self.max_column_width.max(1)));
        }
        let end = self.edges().last().copied().unwrap_or(0).saturating_sub(1);
        self.left = self.left.min((end + 1).saturating_sub(columns));
        let names: Vec<String> = self.columns.iter().map(|column| plain(&column.name).into_owned()).collect();
        let mut header = window(&self.line(&names), self.left, columns);
        if end > self.left + columns {
            header = format!("{}›", pad_end(&window(&header, 0, columns.saturating_sub(1)), columns.saturating_sub(1)));
        }
        if self.left > 0 {
            header = format!("‹{}", window(&header, 1, columns.saturating_sub(1)));
        }
        let mut lines = vec![Drawn::new(header, Style::Underlined)];
        let edges = self.edges();
        for ((at, (number, row)), text) in (first..).zip(&rows).zip(&texts) {
            let text = self.visible(&self.line(text), &edges, columns);
            let style = if self.selected == Some(at) { Style::Inverse } else { Style::Plain };
            let changed = self.marks.of(*number, row);
            let cells = edges.windows(2).zip(changed).filter(|(_, changed)| *changed);
            let bold = cells.filter_map(|(cell, _)| match cell {
                [from, to] => Some(from.saturating_sub(self.left)..to.saturating_sub(self.left + 1)),
                _ => None,
            });
            let bold = bold.filter(|cell| cell.start < cell.end && cell.start < columns).collect();
            lines.push(Drawn { text, style, bold });
        }
        lines
    }

    /// The part of a line of cells that there is room for; what is cut of a cell at either side is an ellipsis.
    fn visible(&self, line: &str, edges: &[usize], columns: usize) -> String {
        let (left, right) = (self.left, self.left + columns);
        let goes_on = |from: usize, to: usize| !window(line, from, to.saturating_sub(from)).trim().is_empty();
        let within = |at: usize| {
            let mut cells = edges.windows(2).filter_map(|cell| Some((*cell.first()?, cell.last()?.checked_sub(1)?)));
            cells.find(|(from, to)| *from < at && at < *to)
        };
        let mut text = window(line, left, columns);
        if within(right).is_some_and(|(_, to)| goes_on(right, to)) {
            let room = columns.saturating_sub(1);
            text = format!("{}…", pad_end(&window(&text, 0, room), room));
        }
        if within(left).is_some_and(|(from, _)| goes_on(from, left)) {
            text = format!("…{}", window(&text, 1, columns.saturating_sub(1)));
        }
        text
    }

    /// Cells in their columns.
    fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for ((cell, column), &to) in cells.iter().zip(&self.columns).zip(&self.widths) {
            let cell = cut(cell, to);
            line += &if column.right { pad_start(&cell, to) } else { pad_end(&cell, to) };
            line.push(' ');
        }
        line.truncate(line.trim_end().len());
        line
    }

    /// How the job goes, or that another one has failed.
    fn status_line(&self, columns: usize) -> Drawn {
        if let Some(alarm) = &self.alarm {
            return Drawn::new(cut(&plain(alarm), columns), Style::Alarm);
        }
        let behind = self.behind().map(|behind| {
            let changes = if behind == 1 { "change" } else { "changes" };
            format!("paused, {} {changes} behind", grouped(behind))
        });
        let parts: Vec<String> =
            behind.into_iter().chain(self.status.iter().cloned()).filter(|part| !part.is_empty()).collect();
        // The first part that there is no room for is cut: it may say why nothing comes.
        Drawn::new(cut(&parts.join("  "), columns), Style::Dim)
    }

    /// How the query goes, the page, when it was drawn.
    fn head(&self, columns: usize) -> String {
        let count = self.len() as u64;
        let rows = format!("{} {}", grouped(count), row_term(count));
        let state = match self.progress {
            _ if self.paused.is_some() => "Paused".to_string(),
            Progress::Running => format!("Refresh: {}", INTERVALS[self.interval].0),
            Progress::Finished => "Finished".to_string(),
        };
        let page = match self.top {
            None => format!("Page: Last of {}", grouped(self.pages() as u64)),
            Some(top) => {
                let page = top.div_ceil(self.room.0) + 1;
                format!("Page: {} of {}", grouped(page as u64), grouped(self.pages().max(page) as u64))
            }
        };
        let left = match self.gone() {
            0 => format!(" {state}  {rows}"),
            gone => format!(" {state}  newest {rows}, {} gone", grouped(gone)),
        };
        let right = format!("Updated: {} ", self.updated);
        // What is left out first is the time, then the page.
        let space = |parts: &[&str]| columns.checked_sub(parts.iter().map(|part| width(part) + 2).sum::<usize>());
        if space(&[&left, &page, &right]).is_some() {
            let middle = (columns - width(&page)) / 2;
            let middle = middle.max(width(&left) + 2).min(columns - width(&right) - 2 - width(&page));
            let start = pad_end(&left, middle) + &page;
            return format!("{start}{}", pad_start(&right, columns - width(&start)));
        }
        match space(&[&left, &page]) {
            Some(_) => format!("{left}{}", pad_start(&format!("{page} "), columns - width(&left))),
            None => pad_end(&cut(&left, columns), columns),
        }
    }

    fn foot(&self, columns: usize) -> String {
        match &self.over {
            Over::GoTo { typed, wrong: false } => format!("Page, 1 to {}: {typed}▏", self.pages()),
            Over::GoTo { typed, .. } => format!("No such page. 1 to {}: {typed}▏", self.pages()),
            Over::Help { .. } | Over::Opened { .. } => "Q Back  Up/Down Scroll".to_string(),
            Over::Nothing => {
                let pause = if self.paused.is_some() { "Space Go on" } else { "Space Pause" };
                let keys = [
                    "Q Quit",
                    "? Help",
                    pause,
                    "O Open Row",
                    "N Next Page",
                    "P Prev Page",
                    "L Last Page",
                    "G Goto Page",
                    "+ Slower",
                    "- Faster",
                    "R Refresh",
                ];
                joined(&keys.map(str::to_string), columns)
            }
        }
    }
}

/// As many parts as there is room for, two spaces between them.
fn joined(parts: &[String], columns: usize) -> String {
    let mut line = String::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let more = if line.is_empty() { part.clone() } else { format!("{line}  {part}") };
        if width(&more) > columns && !line.is_empty() {
            break;
        }
        line = more;
    }
    line
}

/// A title and the lines below it from one on; gives where it really begins.
fn scrolled(title: String, lines: Vec<String>, top: usize, room: usize) -> (Vec<Drawn>, usize) {
    let top = top.min(lines.len().saturating_sub(room));
    let title = match lines.len() > room {
        true => format!("{title}  (lines {} to {} of {})", top + 1, (top + room).min(lines.len()), lines.len()),
        false => title,
    };
    let head = Drawn::new(title, Style::Underlined);
    let lines = lines.into_iter().skip(top).take(room).map(|text| Drawn::new(text, Style::Plain));
    (std::iter::once(head).chain(lines).collect(), top)
}

/// A row, each column with its type and its whole value.
fn opened(columns: &[Column], row: &Row, wide: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (column, cell) in columns.iter().zip(row.iter()) {
        let name = plain(&column.name).into_owned();
        let name = if column.ty.is_empty() { name } else { format!("{name} ({})", column.ty) };
        lines.push(cut(&name, wide));
        cell.split('\n').for_each(|line| lines.extend(indented(line.trim_end_matches('\r'), wide)));
    }
    lines
}

/// A text in as many lines as it needs, two spaces before each.
fn indented(text: &str, wide: usize) -> Vec<String> {
    let (text, room) = (plain(text), wide.saturating_sub(2).max(2));
    let (mut lines, mut rest): (Vec<String>, &str) = (Vec::new(), &text);
    loop {
        let part = window(rest, 0, room);
        // Something must go, even where nothing has room.
        let part = if part.is_empty() { rest.chars().take(1).collect() } else { part };
        rest = rest.get(part.len()..).unwrap_or_default();
        lines.push(format!("  {part}"));
        if rest.is_empty() {
            return lines;
        }
    }
}
