//! Scripts in, statements and messages out.

mod any_input;
mod golden;
mod look;
mod queries;
mod show_create;
mod splitting;
mod statements;

use super::{Statement, StatementKind, parse_script};
use crate::error::Result;
use crate::span::SourceText;

/// The outcomes of all statements of `script`.
fn parse(script: &str) -> Vec<Result<Statement>> {
    parse_script(&SourceText::new("job.sql", script))
}

/// The only statement of `script`, which must be fine.
fn one(script: &str) -> StatementKind {
    let mut statements = parse(script);
    assert_eq!(statements.len(), 1, "{script}");
    match statements.remove(0) {
        Ok(statement) => statement.kind,
        Err(error) => panic!("{script}\n{error}"),
    }
}
