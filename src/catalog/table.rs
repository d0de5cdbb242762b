//! A table or view as CREATE TABLE and CREATE VIEW declare it.

use std::fmt;

use datafusion::sql::sqlparser::ast;

use crate::connectors::options::RawOptions;
use crate::span::{SourceText, Span};
use crate::types::SqlType;

/// Where unqualified names live, as in Flink.
pub const DEFAULT_CATALOG: &str = "default_catalog";
pub const DEFAULT_DATABASE: &str = "default_database";

/// A full object path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    pub catalog: String,
    pub database: String,
    pub name: String,
}

/// A table as declared, and as SHOW CREATE TABLE prints it.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: ObjectName,
    pub columns: Vec<Column>,
    pub watermark: Option<Watermark>,
    pub primary_key: Option<PrimaryKey>,
    pub partitioned_by: Vec<String>,
    pub comment: Option<String>,
    pub options: RawOptions,
    pub temporary: bool,
    /// Where its name stands in the statement that declared it, for messages.
    pub span: Option<Span>,
    /// The text that spans in the declaration point into.
    pub text: Option<SourceText>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
    pub comment: Option<String>,
    pub span: Option<Span>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ColumnKind {
    Physical(SqlType),
    /// `name type METADATA [FROM 'key'] [VIRTUAL]`; without FROM the key is the column's name.
    Metadata {
        ty: SqlType,
        key: Option<String>,
        is_virtual: bool,
    },
    /// `name AS expression`; `sql` is its text as written.
    Computed {
        expr: Box<ast::Expr>,
        sql: String,
    },
}

/// `WATERMARK FOR column AS expression`.
#[derive(Debug, Clone, PartialEq)]
pub struct Watermark {
    pub column: String,
    pub expr: ast::Expr,
    /// The expression's text as written.
    pub sql: String,
    pub span: Option<Span>,
}

/// `[CONSTRAINT name] PRIMARY KEY (columns) NOT ENFORCED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryKey {
    pub name: Option<String>,
    pub columns: Vec<String>,
    pub span: Option<Span>,
}

/// A view: a query under a name.
#[derive(Debug, Clone)]
pub struct View {
    pub name: ObjectName,
    /// The names given in `CREATE VIEW v (a, b)`; empty: the query's own.
    pub columns: Vec<String>,
    pub query: Box<ast::Query>,
    /// The query's text as written.
    pub sql: String,
    pub comment: Option<String>,
    pub temporary: bool,
    /// The text that spans in `query` point into.
    pub text: Option<SourceText>,
}

impl ObjectName {
    /// A name in the default database.
    pub fn local(name: impl Into<String>) -> Self {
        Self { catalog: DEFAULT_CATALOG.into(), database: DEFAULT_DATABASE.into(), name: name.into() }
    }
}

/// `default_catalog.default_database.t`
impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.catalog, self.database, self.name)
    }
}
