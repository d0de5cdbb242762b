//! SHOW JOBS for a person: the jobs of a session in a table that is no wider than the terminal.

use chrono::DateTime;

use super::display_width::{display_width, prefix_of_width};
use crate::session::{Listing, Session};

/// What a table has beside its cells: a sign and a blank at each side of each, and one sign more.
const BETWEEN: usize = 3;
/// A message of fewer columns says nothing.
const MESSAGE_LEAST: usize = 24;
/// A name of fewer columns can't be told from others.
const NAME_LEAST: usize = 16;

/// Where there is no room for it all, ids are as short as they may be given, and times have no fraction, then no year; a
/// name that is still too long is cut. What a job waits for, or why it has failed, stands where there is room.
pub fn job_list(session: &Session, width: usize) -> Listing {
    let jobs: Vec<_> = session.jobs().iter().collect();
    let started = |format: &str| -> Vec<String> {
        let zone = session.settings().zone();
        let time =
            |ms| DateTime::from_timestamp_millis(ms).map(|time| time.with_timezone(&zone).format(format).to_string());
        jobs.iter().map(|job| time(job.state.started_ms).unwrap_or_default()).collect()
    };
    let long_ids: Vec<String> = jobs.iter().map(|job| job.state.id.to_string()).collect();
    let short_ids: Vec<String> = jobs.iter().map(|job| session.jobs().short_id(job)).collect();
    let names: Vec<&str> = jobs.iter().map(|job| job.state.name.as_ref()).collect();
    let statuses: Vec<&str> = jobs.iter().map(|job| job.state.standing()).collect();
    let message = |message: String| message.lines().next().unwrap_or_default().to_string();
    let messages: Vec<String> = jobs.iter().map(|job| job.state.message().map(message).unwrap_or_default()).collect();
    let widest = |cells: &mut dyn Iterator<Item = &str>, name: &str| {
        cells.map(display_width).chain([display_width(name)]).max().unwrap_or(0)
    };
    let status = widest(&mut statuses.iter().copied(), "status");
    let wanted = widest(&mut names.iter().copied(), "job name");
    let says = messages.iter().any(|message| !message.is_empty());
    // As its type prints, without the fraction, without the year.
    let (whole, long, short) = (("%Y-%m-%d %H:%M:%S%.6f", 26), ("%Y-%m-%d %H:%M:%S", 19), ("%m-%d %H:%M", 11));
    let beside = |ids: &Vec<String>, time: usize| {
        widest(&mut ids.iter().map(String::as_str), "job id") + status + time + 4 * BETWEEN + 1
    };
    let ways = [(&long_ids, whole), (&short_ids, whole), (&short_ids, long), (&short_ids, short)];
    let fits = |more: usize| ways.into_iter().find(|(ids, time)| beside(ids, time.1) + wanted + more <= width);
    // What a message needs comes before the rest of ids and times.
    let longest = messages.iter().map(|message| display_width(message)).max().unwrap_or(0);
    let of_message = |width: usize| if says { width + BETWEEN } else { 0 };
    let (ids, (format, time)) = fits(of_message(longest.max(MESSAGE_LEAST)))
        .or_else(|| fits(of_message(MESSAGE_LEAST)))
        .or_else(|| fits(0))
        .unwrap_or(ways[3]);
    let name = wanted.min(width.saturating_sub(beside(ids, time))).max(NAME_LEAST);
    let message = width.saturating_sub(beside(ids, time) + name + BETWEEN);
    let says = says && message >= MESSAGE_LEAST;
    let columns = ["job id", "job name", "status", "start time", "message"];
    let mut listing = Listing::new(columns.get(..if says { 5 } else { 4 }).unwrap_or_default());
    for (at, started) in started(format).into_iter().enumerate() {
        let mut row = vec![ids[at].clone(), cut_within(names[at], name), statuses[at].to_string(), started];
        row.extend(says.then(|| cut(&messages[at], message)));
        listing.push(row.into_iter().map(Some).collect());
    }
    listing
}

/// The first of a text that is too wide.
fn cut(text: &str, width: usize) -> String {
    match display_width(text) <= width {
        true => text.to_string(),
        false => format!("{}…", prefix_of_width(text, width.saturating_sub(1))),
    }
}

/// The first and the last of a name that is too wide: it ends with the table that the job writes to.
fn cut_within(name: &str, width: usize) -> String {
    if display_width(name) <= width {
        return name.to_string();
    }
    let first = prefix_of_width(name, (width - 1) / 3);
    let mut last = name;
    while display_width(first) + 1 + display_width(last) > width {
        last = last.get(last.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
    }
    format!("{first}…{last}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::JobHandle;
    use crate::connectors::Reporter;
    use crate::session::Outcome;
    use crate::time::ManualClock;

    const TABLES: &str = "
        CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
        CREATE TABLE alerts_of_rooms (n INT) WITH ('connector' = 'blackhole');
        SET 'parallelism.default' = '1';
        INSERT INTO alerts_of_rooms SELECT n FROM endless;
        SET 'pipeline.name' = 'hot';
        INSERT INTO alerts_of_rooms SELECT n FROM endless;";

    async fn session() -> (Session, Vec<JobHandle>) {
        let mut session = Session::new().with_clock(Arc::new(ManualClock::new(1_700_000_000_000)));
        let outcomes = session.execute(TABLES).await.unwrap();
        let jobs = outcomes.into_iter().filter_map(|outcome| match outcome {
            Outcome::Job(job) => Some(job),
            _ => None,
        });
        (session, jobs.collect())
    }

    fn shown(listing: &Listing) -> Vec<String> {
        let row = |row: &Vec<Option<String>>| row.iter().skip(1).flatten().cloned().collect::<Vec<_>>().join(" | ");
        listing.rows.iter().map(row).collect()
    }

    #[tokio::test]
    async fn a_table_fits_the_terminal() {
        let (session, jobs) = session().await;
        let list = job_list(&session, 120);
        assert_eq!(
            shown(&list),
            [
                "insert-into_default_catalog.default_database.alerts_of_rooms | RUNNING | 2023-11-14 22:13:20.000000",
                "hot | RUNNING | 2023-11-14 22:13:20.000000",
            ]
        );
        assert_eq!(list.rows[0][0].as_deref(), jobs[0].id.as_str().get(..8));
        assert_eq!(job_list(&session, 140).rows[0][0].as_deref(), Some(jobs[0].id.as_str()));
        assert_eq!(
            shown(&job_list(&session, 80)),
            ["insert-into_d…lt_database.alerts_of_rooms | RUNNING | 11-14 22:13", "hot | RUNNING | 11-14 22:13"]
        );
        for width in [60, 80, 100, 120, 200] {
            let list = job_list(&session, width);
            let widest = |at: usize| {
                let cells = list.rows.iter().filter_map(|row| row[at].as_deref()).chain([list.columns[at].0.as_str()]);
                cells.map(display_width).max().unwrap_or(0)
            };
            let widths: Vec<usize> = (0..list.columns.len()).map(widest).collect();
            assert!(widths.iter().sum::<usize>() + widths.len() * BETWEEN < width, "{widths:?} in {width}");
        }
    }

    #[tokio::test]
    async fn what_a_job_waits_for_is_told() {
        let (session, jobs) = session().await;
        let waits = "waiting for PostgreSQL at 127.0.0.1:5432/shop: connection refused";
        jobs[1].metrics.reporter(&jobs[1].name, &Reporter::silent()).waits(waits);
        let list = shown(&job_list(&session, 200));
        assert_eq!(list[1], format!("hot | WAITING | 2023-11-14 22:13:20.000000 | {waits}"));
        let list = shown(&job_list(&session, 180));
        assert_eq!(list[1], format!("hot | WAITING | 2023-11-14 22:13:20 | {waits}"));
        let list = shown(&job_list(&session, 130));
        assert_eq!(list[1], "hot | WAITING | 11-14 22:13 | waiting for PostgreSQL at 1…");
        let list = shown(&job_list(&session, 80));
        assert_eq!(list[1], "hot | WAITING | 11-14 22:13");
    }
}
