//! Text to statements: splitting, the Flink dialect on stock sqlparser, spans. No plans, no I/O.

mod statement;

pub use statement::{
    AlterTable, CreateTable, CreateView, ExplainDetail, Ident, Insert, LikeClause, LikeFeature, LikeMode, LikePattern,
    ObjectPath, Show, Statement, StatementKind,
};
