//! Text to statements: splitting, the Flink dialect on stock sqlparser, spans. No plans, no I/O.
//!
//! A script's way: `lexeme` and `fragment` cut it at `;`, `tokens` makes tokens with the script's own lines and columns,
//! `cursor` and `parse` read statements from them, queries and expressions through sqlparser under [`FlinkDialect`],
//! and `vet` refuses what sqlparser reads but Flink doesn't mean.

mod cursor;
mod dialect;
mod fragment;
mod heads;
mod hints;
mod lexeme;
mod look;
mod parse;
mod reserved;
mod script;
mod show_create;
mod source;
mod stand_in;
mod statement;
mod summary;
mod syntax_error;
mod tokens;
mod vet;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

pub use dialect::FlinkDialect;
pub use fragment::{Fragment, backslashes, is_complete, split};
pub use heads::STATEMENT_HEADS;
pub use hints::{Hint, query_hints, table_options};
pub(crate) use lexeme::{Lexeme, LexemeKind, Lexemes};
pub use look::{Look, PeekTopic, Quoted, Subject};
pub(crate) use reserved::{is_reserved, spelled};
pub use script::{parse_declarations, parse_script};
pub use show_create::{show_create_table, show_create_view};
pub use statement::{
    AlterTable, CreateTable, CreateView, ExplainDetail, Ident, Insert, LikeClause, LikeFeature, LikeMode, LikePattern,
    ObjectPath, Show, Statement, StatementKind,
};
pub(crate) use syntax_error::found;
