//! A screen that follows a query's result: the rows that are there, or the newest changes, page by page.
//!
//! ```text
//! rows ─► content.rs ─┐
//!                     ├─► draw.rs ─► lines ─► screen.rs
//! keys ─► state.rs ───┘
//! ```

mod content;
mod draw;
mod keys;
mod marks;
mod screen;
mod state;
#[cfg(test)]
mod tests;

use chrono::DateTime;
use chrono_tz::Tz;
use tokio::time::{Duration, Instant, MissedTickBehavior};

use self::content::Content;
use self::screen::{Screen, Told};
use self::state::{Asks, Column, INTERVALS, Progress, View};
use super::kept_rows::Bound;
use super::printer::older;
use super::texts::Texts;
use super::{Display, Ended, ResultMode, Shown, time_cost};
use crate::console::{self, Failures};
use crate::error::Result;
use crate::session::Query;
use crate::settings::Settings;
use crate::shell::interrupt::Interrupt;
use crate::shell::rates::{LIVE_EVERY, Rates, grouped};
use crate::shell::tableau::row_term;
use crate::time::{Clock, SystemClock};
use crate::types::TypeKind;

/// Shows a query until the user leaves; gives the last page and what is said of it afterwards.
pub async fn show(
    mut query: Query,
    settings: &Settings,
    display: &Display,
    stop: &Interrupt,
) -> Result<(Shown, String, String)> {
    let begun = Instant::now();
    let texts = Texts::new(&query, settings.zone());
    let mut view = View::new(columns(&query, display), content(&query, settings, display), display.max_column_width);
    let mut rates = Rates::new(std::iter::once((query.job.name.clone(), query.job.metrics.clone())));
    let mut screen = Screen::open()?;
    let mut ticks = tokio::time::interval(LIVE_EVERY.min(Duration::from_millis(100)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // When it is to be drawn anew: at once, then by the interval.
    let (mut drawn, mut told_rates) = (None::<Instant>, None::<Instant>);
    let (mut took, mut failed) = (None, 0);
    loop {
        let now = Instant::now();
        if told_rates.is_none_or(|told| now - told >= LIVE_EVERY) && view.progress != Progress::Finished {
            told_rates = Some(now);
            view.status = rates.parts().into_iter().next().unwrap_or_default();
        }
        if let Some(failures) = console::failures_behind_screen(failed) {
            failed = failures.count;
            view.alarm = Some(alarm(&failures));
            paint(&mut view, &screen);
        }
        let every = INTERVALS[view.interval].1.map(Duration::from_millis);
        let due = drawn.is_none_or(|at| every.is_some_and(|every| now - at >= every));
        if due {
            // While it is paused, what was bold stays so, unless new rows are asked for.
            if view.paused.is_none() || drawn.is_none() {
                view.marks.refresh();
                view.updated = time_of_day(settings.zone());
            }
            drawn = Some(now);
            paint(&mut view, &screen);
        }
        tokio::select! {
            batch = query.next(), if view.progress == Progress::Running => match batch? {
                Some(batch) => {
                    if view.received == 0 && view.paused.is_none() {
                        drawn = None;
                    }
                    view.received += batch.num_rows() as u64;
                    view.content.take(&batch, &texts);
                }
                None => {
                    took = Some(begun.elapsed());
                    view.progress = Progress::Finished;
                    view.status = rates.parts().into_iter().next().unwrap_or_default();
                    match view.paused {
                        None => drawn = None,
                        Some(_) => paint(&mut view, &screen),
                    }
                }
            },
            told = screen.told.recv() => match told {
                Some(Told::Key(key)) => match view.press(key) {
                    Asks::Leave => break,
                    Asks::Refresh => drawn = None,
                    Asks::Redraw => paint(&mut view, &screen),
                },
                Some(Told::Resized) => paint(&mut view, &screen),
                Some(Told::Gone) | None => break,
            },
            _ = ticks.tick() => {}
            () = stop.asked_times(1) => break,
        }
    }
    let ended = if view.progress == Progress::Finished { Ended::Finished } else { Ended::Stopped };
    if ended == Ended::Stopped {
        query.stop();
    }
    let (columns, lines) = screen.size();
    drop(screen);
    let cost = time_cost(took.filter(|_| display.timing));
    let shown = Shown { rows: view.received, ended };
    Ok((shown, view.page(columns, lines), summary(&view, ended, &cost)))
}

fn paint(view: &mut View, screen: &Screen) {
    let (columns, lines) = screen.size();
    screen.show(&view.draw(columns, lines));
}

/// What the screen says of other jobs that have failed; all of it stands below the prompt when the screen is gone.
fn alarm(failures: &Failures) -> String {
    match failures.count {
        1 => failures.last.clone(),
        more => format!("{more} jobs failed; {}", failures.last),
    }
}

/// `12:00:30.500` in the session's zone.
fn time_of_day(zone: Tz) -> String {
    let now = DateTime::from_timestamp_millis(SystemClock.now_ms());
    now.map_or_else(String::new, |now| now.with_timezone(&zone).format("%H:%M:%S%.3f").to_string())
}

fn content(query: &Query, settings: &Settings, display: &Display) -> Content {
    match display.mode {
        ResultMode::Changelog => Content::changes(),
        _ => Content::table(Bound::of(settings), query.updating),
    }
}

fn columns(query: &Query, display: &Display) -> Vec<Column> {
    let fields = query.schema.fields.iter().map(|field| Column {
        name: field.name.clone(),
        ty: field.ty.to_string(),
        right: is_number(&field.ty.kind),
    });
    let op = Column { name: "op".into(), ty: String::new(), right: false };
    (display.mode == ResultMode::Changelog).then_some(op).into_iter().chain(fields).collect()
}

fn is_number(kind: &TypeKind) -> bool {
    use TypeKind::{BigInt, Decimal, Double, Float, Int, SmallInt, TinyInt};
    matches!(kind, TinyInt | SmallInt | Int | BigInt | Float | Double | Decimal { .. })
}

/// What stands below the prompt when the screen is gone.
fn summary(view: &View, ended: Ended, cost: &str) -> String {
    let how = if ended == Ended::Stopped { "Query terminated, received" } else { "Received" };
    let mut text = format!("{how} a total of {} {}{cost}\n", view.received, row_term(view.received));
    if let Content::Table(kept) = &view.content {
        let left = kept.len() as u64;
        if left != view.received {
            text += &format!("{} {} in the table at the end\n", grouped(left), row_term(left));
        }
        if kept.evicted() > 0 {
            text += &format!(
                "{} left out: 'sql-client.execution.max-table-result.rows' and memory bound the table\n",
                older(kept.evicted())
            );
        }
    }
    text
}
