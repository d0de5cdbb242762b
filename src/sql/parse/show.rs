//! `SHOW ...`, `DESCRIBE t`

use super::super::cursor::Cursor;
use super::super::statement::{LikePattern, Show, StatementKind};
use super::jobs;
use crate::error::{Error, Result};

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.expect("SHOW")?;
    let show = match cursor.word(0).as_str() {
        "CATALOGS" => simple(cursor, Show::Catalogs),
        "DATABASES" => simple(cursor, Show::Databases),
        "CURRENT" => {
            cursor.skip();
            match cursor.word(0).as_str() {
                "CATALOG" => simple(cursor, Show::CurrentCatalog),
                "DATABASE" => simple(cursor, Show::CurrentDatabase),
                _ => return Err(cursor.unexpected("CATALOG or DATABASE")),
            }
        }
        "TABLES" => {
            skip_database(cursor, "SHOW TABLES")?;
            Show::Tables { like: pattern(cursor, false)? }
        }
        "VIEWS" => {
            skip_database(cursor, "SHOW VIEWS")?;
            Show::Views { like: pattern(cursor, false)? }
        }
        "FUNCTIONS" => {
            skip_database(cursor, "SHOW FUNCTIONS")?;
            Show::Functions { like: pattern(cursor, true)? }
        }
        "JOBS" => simple(cursor, Show::Jobs),
        "INTEGRATIONS" => simple(cursor, Show::Integrations),
        "COLUMNS" => {
            cursor.skip();
            if !cursor.accept("FROM") && !cursor.accept("IN") {
                return Err(cursor.unexpected("FROM"));
            }
            let table = cursor.path()?;
            Show::Columns { table, like: pattern(cursor, false)? }
        }
        "CREATE" => {
            cursor.skip();
            match () {
                _ if cursor.accept("TABLE") => Show::CreateTable(cursor.path()?),
                _ if cursor.accept("VIEW") => Show::CreateView(cursor.path()?),
                _ => return Err(cursor.unexpected("TABLE or VIEW")),
            }
        }
        _ => {
            return Err(cursor.unexpected(
                "TABLES, VIEWS, COLUMNS, CREATE TABLE, CREATE VIEW, FUNCTIONS, JOBS, CATALOGS, DATABASES, CURRENT \
                 CATALOG, CURRENT DATABASE, INTEGRATIONS, TOPICS, GROUPS or INDEXES",
            ));
        }
    };
    Ok(StatementKind::Show(show))
}

fn simple(cursor: &mut Cursor<'_>, show: Show) -> Show {
    cursor.skip();
    show
}

/// Reads the word, and refuses FROM: there is one database.
fn skip_database(cursor: &mut Cursor<'_>, statement: &str) -> Result<()> {
    cursor.skip();
    match cursor.word(0).as_str() {
        word @ ("FROM" | "IN") => Err(Error::unsupported(format!("{statement} {word}")).at(cursor.here())),
        _ => Ok(()),
    }
}

/// `[[NOT] {LIKE | ILIKE} 'pattern']`
pub(super) fn pattern(cursor: &mut Cursor<'_>, ilike: bool) -> Result<Option<LikePattern>> {
    let negated = cursor.accept("NOT");
    let case_insensitive = ilike && cursor.accept("ILIKE");
    if !case_insensitive && !cursor.accept("LIKE") {
        return match negated {
            true => Err(cursor.unexpected("LIKE")),
            false => Ok(None),
        };
    }
    let pattern = cursor.string("a pattern in single quotes")?.value;
    Ok(Some(LikePattern { pattern, negated, case_insensitive }))
}

/// `{DESCRIBE | DESC} [EXTENDED] t`, `{DESCRIBE | DESC} JOB 'id'`
pub(super) fn describe(cursor: &mut Cursor<'_>) -> Result<StatementKind> {
    cursor.skip();
    if let Some(job) = jobs::describe(cursor)? {
        return Ok(job);
    }
    let _ = cursor.accept("EXTENDED");
    cursor.path().map(|name| StatementKind::Describe { name })
}
