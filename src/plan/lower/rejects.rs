//! What a table's options say of rows that can't be processed, as the stream plan knows it.

use crate::error::Result;
use crate::plan::dead_letters::DeadLetterSink;
use crate::plan::stream_plan::{OnReject, StreamPlan};
use crate::plan::table::{ErrorMode, PlannedTable};

/// `None` where the table says nothing. Tables that send their dead letters to one table share its place in the plan.
pub fn of(plan: &mut StreamPlan, table: &PlannedTable) -> Result<Option<OnReject>> {
    let letters = match &table.on_error {
        None => return Ok(None),
        Some(ErrorMode::Fail) => return Ok(Some(OnReject::Fail)),
        Some(ErrorMode::Skip) => return Ok(Some(OnReject::Skip)),
        Some(ErrorMode::DeadLetter(letters)) => letters,
    };
    let known = plan.dead_letters.iter().position(|sink| sink.table == letters.name);
    let position = match known {
        Some(position) => position,
        None => {
            plan.dead_letters.push(DeadLetterSink::try_new(letters)?);
            plan.dead_letters.len() - 1
        }
    };
    Ok(Some(OnReject::DeadLetter(position)))
}
