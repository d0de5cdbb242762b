//! `STOP JOB 'id' [WITH DRAIN]`, `DESCRIBE JOB 'id'`

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::statement::StatementKind;
use crate::error::{Error, Result};

pub(super) fn stop(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("STOP JOB")?;
    let job = cursor.string(WHICH)?;
    if cursor.word(0) == "WITH" && cursor.word(1) == "SAVEPOINT" {
        return Err(Error::unsupported("STOP JOB ... WITH SAVEPOINT")
            .with_hint("There are no savepoints yet: STOP JOB '...' writes what is in flight, and WITH DRAIN closes open windows before.")
            .at(cursor.next_words(2)));
    }
    let drain = cursor.accept("WITH DRAIN");
    Ok(StatementKind::StopJob { job, drain })
}

/// `JOB 'id'` behind DESCRIBE, if that is next: `DESCRIBE job` is about a table of that name.
pub(super) fn describe(cursor: &mut Cursor<'_>) -> Result<Option<StatementKind>> {
    if cursor.word(0) != "JOB" || !matches!(cursor.token(1), Token::SingleQuotedString(_)) {
        return Ok(None);
    }
    cursor.skip();
    cursor.string(WHICH).map(|job| Some(StatementKind::DescribeJob { job }))
}

const WHICH: &str = "the job's id in single quotes";
