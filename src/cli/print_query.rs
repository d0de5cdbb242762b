//! How `run` prints a query: its changelog as it comes, or the table that is there in the end.

use chrono_tz::Tz;
use tokio::time::Instant;

use super::job_watch::{LIVE_EVERY, LIVE_FIRST, Progress, Rates, facts, troubles};
use super::run::Stop;
use crate::changelog::ChangelogBatch;
use crate::console;
use crate::error::Result;
use crate::session::{Query, Session};
use crate::shell::final_table::FinalTable;
use crate::shell::tableau::{MAX_COLUMN_WIDTH, Tableau, table_within};
use crate::types::SqlType;
use crate::types::print::{PrintStyle, print_value};

/// Prints a query's rows until its end, or until the user stops it.
pub async fn print_query(mut query: Query, session: &Session, stop: &Stop, quiet: bool) -> Result<()> {
    let settings = session.settings();
    let width = settings.get("table.display.max-column-width").and_then(|v| v.parse().ok()).unwrap_or(MAX_COLUMN_WIDTH);
    let columns: Vec<(&str, SqlType)> = query.schema.fields.iter().map(|f| (f.name.as_str(), f.ty.clone())).collect();
    let mut printed = match query.batch || settings.shows_final_table() {
        true => Printed::Whole(FinalTable::default()),
        false => {
            let tableau = Tableau::new(&columns, width, true);
            console::stdout(tableau.header().as_bytes());
            Printed::Changes(tableau)
        }
    };
    let names: Vec<String> = columns.iter().map(|(name, _)| name.to_string()).collect();
    let cells = Cells { types: columns.into_iter().map(|(_, ty)| ty).collect(), zone: settings.zone() };
    let live = !quiet && Progress::detect() == Progress::Live;
    let mut rates = Rates::new(std::iter::once((query.job.name.clone(), query.job.metrics.clone())));
    let mut ticks = tokio::time::interval_at(Instant::now() + LIVE_FIRST, LIVE_EVERY);
    let mut asked = false;
    loop {
        let batch = tokio::select! {
            batch = query.next() => batch?,
            _ = ticks.tick(), if live => {
                rates.show(Progress::Live);
                continue;
            }
            _ = stop.asked(), if !asked => {
                asked = true;
                query.stop();
                continue;
            }
        };
        let Some(batch) = batch else { break };
        match &mut printed {
            Printed::Whole(table) => {
                (0..batch.num_rows()).for_each(|row| table.apply(batch.kind(row), cells.of(&batch, row)));
            }
            Printed::Changes(tableau) => {
                let row = |row| tableau.row(batch.kind(row), &cells.of(&batch, row));
                let text: String = (0..batch.num_rows()).map(row).collect();
                if !console::stdout(text.as_bytes()) {
                    // Whoever read the output is gone (`| head`).
                    query.stop();
                    break;
                }
            }
        }
    }
    console::clear_live();
    let text = match printed {
        Printed::Changes(tableau) if asked => tableau.terminated(),
        Printed::Changes(tableau) => tableau.footer(),
        Printed::Whole(table) => {
            let rows = table.into_rows();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let text = table_within(&names, &rows, width);
            if asked { text + "Query terminated: more rows may have been to come\n" } else { text }
        }
    };
    console::stdout(text.as_bytes());
    let troubles = troubles(&query.job.metrics);
    if !quiet && !troubles.is_empty() {
        let line = format!("query {}: {}", query.job.name, troubles.join(", "));
        console::progress(facts(&query.job.name, &query.job.metrics, line));
    }
    Ok(())
}

enum Printed {
    /// Row by row, with their kinds.
    Changes(Tableau),
    /// At the end, what is left.
    Whole(FinalTable),
}

/// The texts of a row.
struct Cells {
    types: Vec<SqlType>,
    zone: Tz,
}

impl Cells {
    fn of(&self, batch: &ChangelogBatch, row: usize) -> Vec<String> {
        let cell = |(column, ty): (&arrow::array::ArrayRef, &SqlType)| {
            let mut cell = String::new();
            print_value(column.as_ref(), row, ty, self.zone, PrintStyle::Client, &mut cell);
            cell
        };
        batch.rows().columns().iter().zip(&self.types).map(cell).collect()
    }
}
