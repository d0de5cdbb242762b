//! How a query's rows and a listing are shown: every result mode, in a terminal and outside one.
//!
//! ```text
//!                        ┌─► printer.rs ─► tableau, csv, json, vertical: rows as they come, or at the end
//! query ─► show_query ───┤
//!                        └─► view/ ──────► table, changelog on a terminal: a screen that follows the result
//! ```

mod csv;
mod fitted;
mod json;
mod kept_rows;
mod printer;
mod texts;
mod vertical;
mod view;

use std::io::Write;
use std::time::Duration;

use tokio::time::Instant;

use self::printer::Printer;
use super::command::Expanded;
use super::interrupt::Interrupt;
use super::quiet;
use super::rates::{LIVE_EVERY, LIVE_FIRST, Progress, Rates};
use super::tableau::{self, MAX_COLUMN_WIDTH};
use crate::console;
use crate::error::{Error, Result};
use crate::session::{Listing, Query};
use crate::settings::Settings;

/// `sql-client.execution.result-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResultMode {
    /// The rows that are there: on a terminal as they change, elsewhere at the end.
    Table,
    /// The newest changes on a terminal; elsewhere as `Tableau`.
    Changelog,
    /// Every change as it comes, as Flink's client draws them.
    Tableau,
    /// Every change, comma-separated.
    Csv,
    /// Every change, a JSON object a line.
    Json,
    /// Every change, a line per column.
    Vertical,
}

impl ResultMode {
    /// What the session's settings say.
    pub fn of(settings: &Settings) -> Self {
        let mode = settings.get("sql-client.execution.result-mode").unwrap_or_default().to_ascii_uppercase();
        match mode.as_str() {
            "TABLE" => Self::Table,
            "CHANGELOG" => Self::Changelog,
            "CSV" => Self::Csv,
            "JSON" => Self::Json,
            "VERTICAL" => Self::Vertical,
            _ => Self::Tableau,
        }
    }
}

/// How results are to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Display {
    pub mode: ResultMode,
    /// `table.display.max-column-width`.
    pub max_column_width: usize,
    /// The time that a query took stands behind the count of its rows.
    pub timing: bool,
    /// A line per column instead of a line per row (`\x`).
    pub expanded: Expanded,
    /// The width of the terminal, where results go to one.
    pub columns: Option<usize>,
    /// The results go to a terminal whose keys can be read: there `table` and `changelog` have their screen.
    pub interactive: bool,
    /// A live line on standard error while rows are printed.
    pub live: bool,
    /// In the modes for people the rows that a query leaves are shown, at its end, instead of their changes.
    pub at_end: bool,
}

impl Display {
    /// Outside a terminal, as the settings say.
    pub fn outside(settings: &Settings) -> Self {
        Self {
            mode: ResultMode::of(settings),
            max_column_width: settings
                .get("table.display.max-column-width")
                .and_then(|width| width.parse().ok())
                .unwrap_or(MAX_COLUMN_WIDTH),
            timing: settings.bool("sql-client.display.print-time-cost"),
            expanded: Expanded::Off,
            columns: None,
            interactive: false,
            live: false,
            at_end: false,
        }
    }

    /// True where the result has a screen of its own.
    pub fn covers(&self) -> bool {
        let is_followed = matches!(self.mode, ResultMode::Table | ResultMode::Changelog);
        self.interactive && is_followed && self.expanded != Expanded::On
    }

    /// On a terminal, as the settings say: with times, unless they are set off.
    pub fn on_terminal(settings: &Settings) -> Self {
        let timing =
            settings.get("sql-client.display.print-time-cost").is_none_or(|set| set.eq_ignore_ascii_case("true"));
        let columns = Some(console::terminal_width());
        Self { timing, columns, interactive: true, live: true, ..Self::outside(settings) }
    }
}

/// How a query ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Finished,
    /// Somebody stopped it, or nobody reads it any more.
    Stopped,
}

/// What was shown of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Changes that came.
    pub rows: u64,
    pub ended: Ended,
}

/// Shows a query's rows until its end, or until it is asked to stop.
///
/// # Errors
/// The failure of its job, after the rows that came before it; or what can't be written to `out`.
pub async fn show_query(
    query: Query,
    settings: &Settings,
    display: &Display,
    stop: &Interrupt,
    out: &mut (dyn Write + Send),
) -> Result<Shown> {
    if display.covers() {
        let (shown, page, summary) = view::show(query, settings, display, stop).await?;
        put(out, format!("{page}{}", console::on_terminal(&summary)).as_bytes())?;
        return Ok(shown);
    }
    print_query(query, settings, display, stop, out).await
}

/// Prints rows as they come, or the table that is there in the end.
async fn print_query(
    mut query: Query,
    settings: &Settings,
    display: &Display,
    stop: &Interrupt,
    out: &mut (dyn Write + Send),
) -> Result<Shown> {
    let begun = Instant::now();
    let mut printer = Printer::new(&query, settings, display);
    let mut rates = Rates::new(std::iter::once((query.job.name.clone(), query.job.metrics.clone())));
    let mut ticks = tokio::time::interval_at(begun + LIVE_FIRST, LIVE_EVERY);
    let mut ended = Ended::Finished;
    let mut written = put(out, &printer.header());
    let result = loop {
        match std::mem::replace(&mut written, Ok(true)) {
            Ok(true) => {}
            Ok(false) => {
                // Whoever read the output is gone (`| head`).
                query.stop();
                ended = Ended::Stopped;
                break Ok(());
            }
            Err(error) => {
                query.stop();
                break Err(error);
            }
        }
        tokio::select! {
            batch = query.next() => match batch {
                Ok(Some(batch)) => written = printer.batch(&batch, &mut |bytes| put(out, bytes)),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            },
            _ = ticks.tick(), if display.live => {
                rates.tell_odd();
                rates.hint(quiet::is_begun().then_some("q ends it"));
                rates.show(Progress::Live);
            }
            () = stop.asked_times(if ended == Ended::Finished { 1 } else { 2 }) => {
                if ended == Ended::Stopped {
                    break Ok(());
                }
                ended = Ended::Stopped;
                query.stop();
            }
        }
    };
    if display.live {
        console::clear_live();
    }
    result?;
    let took = display.timing.then(|| begun.elapsed());
    let rows = printer.rows();
    printer.end(ended, took, &mut |bytes| put(out, bytes))?;
    Ok(Shown { rows, ended })
}

/// What SHOW and DESCRIBE give, as text.
pub fn listing_text(listing: &Listing, display: &Display) -> String {
    let names: Vec<&str> = listing.columns.iter().map(|(name, _)| name.as_str()).collect();
    let null = if listing.marks_nulls { tableau::NULL } else { "" };
    match display.mode {
        ResultMode::Csv => csv::listing(&names, &listing.rows),
        ResultMode::Json => json::listing(listing),
        ResultMode::Vertical => vertical::listing(&names, &listing.rows, null, display.columns),
        _ => fitted::listing(&names, &listing.rows, null, display.columns, display.expanded),
    }
}

/// Writes; false when nobody reads it any more.
fn put(out: &mut (dyn Write + Send), bytes: &[u8]) -> Result<bool> {
    match if bytes.is_empty() { Ok(()) } else { out.write_all(bytes).and_then(|()| out.flush()) } {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::external(format!("cannot write the result: {error}"))),
    }
}

/// ` (0.12 seconds)`, as Flink's client says it.
fn time_cost(took: Option<Duration>) -> String {
    took.map(|took| format!(" ({:.2} seconds)", took.as_secs_f64())).unwrap_or_default()
}
