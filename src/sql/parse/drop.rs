//! `DROP [TEMPORARY] {TABLE | VIEW} [IF EXISTS] name`

use super::super::cursor::Cursor;
use super::super::statement::StatementKind;
use crate::error::Result;

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("DROP")?;
    let temporary = cursor.accept("TEMPORARY");
    let is_table = cursor.accept("TABLE");
    if !is_table && !cursor.accept("VIEW") {
        return Err(cursor.unexpected("TABLE or VIEW"));
    }
    let if_exists = cursor.accept("IF") && cursor.expect("EXISTS").map(|()| true)?;
    let name = cursor.path()?;
    Ok(match is_table {
        true => StatementKind::DropTable { name, if_exists, temporary },
        false => StatementKind::DropView { name, if_exists, temporary },
    })
}
