//! What the database says, in our words: whose move it is, and whether trying again can help.

use std::error::Error as _;

use tokio_postgres::error::{DbError, SqlState};

use crate::error::{Error, ErrorKind};

const LOGIN: &str = "Check the options 'username' and 'password'. PostgreSQL does not say which of them is wrong.";

/// An error while logging in to a host.
pub fn login(error: tokio_postgres::Error) -> Error {
    let Some(db) = error.as_db_error() else {
        let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        // What the driver finds by itself (a missing password, a login it can't do) stays wrong.
        return match error.to_string().as_str() {
            "invalid configuration" if why == "password missing" => {
                Error::external("the server wants a password").with_hint("Give the option 'password'.")
            }
            "invalid configuration" => Error::external(why).with_hint(LOGIN),
            "authentication error" => Error::external(format!("the login failed: {why}"))
                .with_hint("SCRAM, MD5 and plain passwords and client certificates are supported."),
            _ => Error::external(why).retriable(),
        };
    };
    let message = db.message();
    let failed = Error::external(message);
    let hint = match db.code() {
        &SqlState::INVALID_AUTHORIZATION_SPECIFICATION if message.contains("client certificate") => {
            "Give the client's certificate and key with the parameters sslcert and sslkey of the option 'url'."
        }
        &SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            if message.contains("no encryption") || message.contains("SSL off") =>
        {
            "The server may want TLS for this user: use sslmode=require or verify-full in the option 'url'."
        }
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => LOGIN,
        &SqlState::INVALID_CATALOG_NAME => "Check the database's name behind the last '/' of the option 'url'.",
        code if passes(code) => return failed.retriable(),
        _ => return failed,
    };
    failed.with_hint(hint)
}

/// An error of a statement sent to `name`. Data errors name the constraint, and the table and column where the
/// database says them.
pub fn statement(name: &str, error: tokio_postgres::Error) -> Error {
    let Some(db) = error.as_db_error() else {
        let why = error.source().map_or_else(|| error.to_string(), |s| format!("{error}: {s}"));
        return Error::external(format!("lost the connection to {name}: {why}")).retriable();
    };
    let class = db.code().code().get(..2).unwrap_or("");
    let kind = match class {
        // Data exceptions, integrity constraints, a view's check option, and what is too large for an index.
        "22" | "23" | "44" | "54" => ErrorKind::Data,
        // RAISE EXCEPTION in a trigger is how a table's own rules say no.
        _ if *db.code() == SqlState::RAISE_EXCEPTION => ErrorKind::Data,
        _ => ErrorKind::External,
    };
    let mut ours = Error::new(kind, message(db));
    if let Some(detail) = db.detail() {
        ours = ours.with_detail(detail);
    }
    if let Some(hint) = db.hint() {
        ours = ours.with_hint(hint);
    }
    if passes(db.code()) { ours.retriable() } else { ours }
}

fn message(db: &DbError) -> String {
    let table = match (db.schema(), db.table()) {
        (Some(schema), Some(table)) => format!("table \"{schema}\".\"{table}\""),
        _ => String::new(),
    };
    let place = match (db.column(), db.constraint()) {
        (Some(column), _) => format!("column \"{column}\" of {table}: "),
        (None, Some(_)) if !table.is_empty() => format!("{table}: "),
        _ => String::new(),
    };
    format!("PostgreSQL refuses: {place}{} ({})", db.message(), db.code().code())
}

/// True for the code of an error that may go away by itself.
fn passes(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or("");
    // Connection exceptions, operator intervention (shutdown, crash, starting up, a cancelled query), resources.
    class == "08"
        || class == "53"
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::QUERY_CANCELED,
            SqlState::IDLE_SESSION_TIMEOUT,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            // The server has become a secondary: another connection may lead to the primary.
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
        ]
        .contains(code)
}
