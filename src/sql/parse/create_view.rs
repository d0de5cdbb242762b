//! `CREATE [TEMPORARY] VIEW [IF NOT EXISTS] v [(columns)] [COMMENT '...'] AS query`

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::cursor::Cursor;
use super::super::statement::{CreateView, StatementKind};
use crate::error::{Error, Result};

pub(super) fn is_next(cursor: &Cursor<'_>) -> bool {
    cursor.word(1) == "VIEW" || cursor.word(1) == "TEMPORARY" && cursor.word(2) == "VIEW"
}

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("CREATE")?;
    let temporary = cursor.accept("TEMPORARY");
    cursor.expect("VIEW")?;
    let if_not_exists = cursor.accept("IF") && cursor.expect("NOT EXISTS").map(|()| true)?;
    let name = cursor.path()?;
    let columns = match cursor.token(0) {
        Token::LParen => cursor.list(Cursor::name)?,
        _ => vec![],
    };
    for (i, column) in columns.iter().enumerate() {
        if columns.iter().take(i).any(|earlier| earlier.value == column.value) {
            return Err(Error::statement(format!("column \"{}\" is declared twice", column.value)).at(column.span));
        }
    }
    let comment = cursor.comment()?;
    cursor.expect("AS")?;
    let (query, span) = cursor.query()?;
    let query_text = cursor.slice(span).to_string();
    Ok(StatementKind::CreateView(Box::new(CreateView {
        name,
        temporary,
        if_not_exists,
        columns,
        comment,
        query,
        query_text,
    })))
}
