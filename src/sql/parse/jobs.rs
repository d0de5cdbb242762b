//! `STOP JOB 'id' [WITH SAVEPOINT] [WITH DRAIN]`, `DESCRIBE JOB 'id'`

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::statement::StatementKind;
use crate::error::Result;

pub(super) fn stop(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("STOP JOB")?;
    let job = cursor.string(WHICH)?;
    let (mut savepoint, mut drain) = (false, false);
    loop {
        match () {
            () if !savepoint && cursor.accept("WITH SAVEPOINT") => savepoint = true,
            () if !drain && cursor.accept("WITH DRAIN") => drain = true,
            () => return Ok(StatementKind::StopJob { job, savepoint, drain }),
        }
    }
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
