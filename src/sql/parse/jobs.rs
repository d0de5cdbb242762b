//! `STOP JOB 'id' [WITH SAVEPOINT] [WITH DRAIN]`, `DESCRIBE JOB 'id'`; ids and names also without quotes.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::statement::{Ident, StatementKind};
use super::look;
use crate::error::Result;

pub(super) fn stop(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("STOP JOB")?;
    let job = which(cursor)?;
    let (mut savepoint, mut drain) = (false, false);
    loop {
        match () {
            () if !savepoint && cursor.accept("WITH SAVEPOINT") => savepoint = true,
            () if !drain && cursor.accept("WITH DRAIN") => drain = true,
            () if cursor.word(0) == "WITH" && !matches!(&*cursor.word(1), "SAVEPOINT" | "DRAIN") => {
                cursor.skip();
                return Err(cursor.unexpected("SAVEPOINT or DRAIN"));
            }
            () => return Ok(StatementKind::StopJob { job, savepoint, drain }),
        }
    }
}

/// `JOB 'id'` behind DESCRIBE, if that is next: `DESCRIBE job` is about a table of that name.
pub(super) fn describe(cursor: &mut Cursor<'_>) -> Result<Option<StatementKind>> {
    if cursor.word(0) != "JOB" || cursor.nothing_behind(1) || *cursor.token(1) == Token::Period {
        return Ok(None);
    }
    cursor.skip();
    which(cursor).map(|job| Some(StatementKind::DescribeJob { job }))
}

fn which(cursor: &mut Cursor<'_>) -> Result<Ident> {
    match cursor.word(0) == "WITH" {
        true => Err(cursor.unexpected(WHICH)),
        false => look::loose(cursor, WHICH),
    }
}

const WHICH: &str = "the job's id or name";
