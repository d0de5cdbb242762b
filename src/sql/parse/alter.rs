//! `ALTER TABLE t {SET | RESET | RENAME TO}`, `ALTER VIEW v RENAME TO`

use super::super::cursor::Cursor;
use super::super::statement::{AlterTable, StatementKind};
use crate::error::{Error, Result};

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("ALTER")?;
    match () {
        _ if cursor.accept("TABLE") => table(cursor),
        _ if cursor.accept("VIEW") => view(cursor),
        _ => Err(cursor.unexpected("TABLE or VIEW")),
    }
}

fn table(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    let if_exists = cursor.accept("IF") && cursor.expect("EXISTS").map(|()| true)?;
    let name = cursor.path()?;
    let start = cursor.start();
    let change = match cursor.word(0).as_str() {
        "SET" => {
            cursor.skip();
            AlterTable::Set(cursor.options()?)
        }
        "RESET" => {
            cursor.skip();
            let keys = cursor.list(|cursor| cursor.string("an option's key in single quotes"))?;
            if let Some(key) = keys.iter().find(|key| key.value == "connector") {
                return Err(Error::statement("ALTER TABLE RESET can't take 'connector' away").at(key.span));
            }
            AlterTable::Reset(keys)
        }
        "RENAME" if cursor.word(1) == "TO" => {
            cursor.expect("RENAME TO")?;
            AlterTable::Rename(cursor.path()?)
        }
        word @ ("RENAME" | "ADD" | "MODIFY" | "DROP") => {
            cursor.skip();
            let error = Error::unsupported(format!("ALTER TABLE {word}")).at(cursor.since(start));
            return Err(
                error.with_hint("Drop the table and create it as it shall be: only its declaration lives here.")
            );
        }
        _ => return Err(cursor.unexpected("SET, RESET or RENAME TO")),
    };
    Ok(StatementKind::AlterTable { name, if_exists, change })
}

fn view(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    let name = cursor.path()?;
    if cursor.word(0) == "AS" {
        let error = Error::unsupported("ALTER VIEW ... AS query").at(cursor.here());
        return Err(error.with_hint("Drop the view and create it anew."));
    }
    cursor.expect("RENAME TO")?;
    let to = cursor.path()?;
    Ok(StatementKind::AlterViewRename { name, to })
}
