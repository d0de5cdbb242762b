//! What a statement says, with where it says it. Names are not resolved yet.

use datafusion::sql::sqlparser::ast;

use super::look::Look;
use crate::catalog::{Column, PrimaryKey, Watermark};
use crate::connectors::options::RawOptions;
use crate::span::Span;

/// A statement of a script.
#[derive(Debug, Clone)]
pub struct Statement {
    pub kind: StatementKind,
    /// From its first to its last character, without the `;`.
    pub span: Span,
    /// Its text as written, without the `;`.
    pub text: String,
}

/// A name as written, back-ticks removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ident {
    pub value: String,
    pub span: Span,
}

/// `[catalog.][database.]name`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPath {
    pub parts: Vec<Ident>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StatementKind {
    CreateTable(Box<CreateTable>),
    CreateView(Box<CreateView>),
    /// `DROP [TEMPORARY] TABLE [IF EXISTS]`
    DropTable {
        name: ObjectPath,
        if_exists: bool,
        temporary: bool,
    },
    DropView {
        name: ObjectPath,
        if_exists: bool,
        temporary: bool,
    },
    AlterTable {
        name: ObjectPath,
        if_exists: bool,
        change: AlterTable,
    },
    AlterViewRename {
        name: ObjectPath,
        to: ObjectPath,
    },
    Insert(Box<Insert>),
    /// `EXECUTE STATEMENT SET BEGIN ... END` or `BEGIN STATEMENT SET; ... END`.
    StatementSet(Vec<Insert>),
    /// SELECT, WITH, VALUES, UNION ...
    Query(Box<ast::Query>),
    /// `SET 'key' = 'value'`
    Set {
        key: Ident,
        value: Ident,
    },
    /// `SET`: list all.
    ShowSettings,
    /// `SET 'key'`: show one. Ours, not Flink's.
    ShowSetting {
        key: Ident,
    },
    /// `RESET 'key'`
    Reset {
        key: Ident,
    },
    ResetAll,
    Show(Show),
    Describe {
        name: ObjectPath,
    },
    /// `DESCRIBE JOB 'id'`
    DescribeJob {
        job: Ident,
    },
    /// `STOP JOB 'id' [WITH SAVEPOINT] [WITH DRAIN]`
    StopJob {
        job: Ident,
        savepoint: bool,
        drain: bool,
    },
    Explain {
        details: Vec<ExplainDetail>,
        statement: Box<Statement>,
    },
    /// `USE CATALOG c`, `USE [c.]d`
    UseCatalog(Ident),
    UseDatabase(ObjectPath),
    /// A look into a service behind an integration.
    Look(Box<Look>),
}

#[derive(Debug, Clone)]
pub struct CreateTable {
    pub name: ObjectPath,
    pub temporary: bool,
    pub if_not_exists: bool,
    pub columns: Vec<Column>,
    pub watermark: Option<Watermark>,
    pub primary_key: Option<PrimaryKey>,
    pub comment: Option<String>,
    pub partitioned_by: Vec<Ident>,
    pub options: RawOptions,
    pub like: Option<LikeClause>,
}

/// `LIKE source (INCLUDING ...)`
#[derive(Debug, Clone)]
pub struct LikeClause {
    pub source: ObjectPath,
    pub options: Vec<(LikeMode, LikeFeature, Span)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LikeMode {
    Including,
    Excluding,
    Overwriting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LikeFeature {
    All,
    Constraints,
    Distribution,
    Partitions,
    Generated,
    Metadata,
    Options,
    Watermarks,
}

#[derive(Debug, Clone)]
pub struct CreateView {
    pub name: ObjectPath,
    pub temporary: bool,
    pub if_not_exists: bool,
    pub columns: Vec<Ident>,
    pub comment: Option<String>,
    pub query: Box<ast::Query>,
    /// The query's text as written.
    pub query_text: String,
}

#[derive(Debug, Clone)]
pub enum AlterTable {
    Set(RawOptions),
    Reset(Vec<Ident>),
    Rename(ObjectPath),
}

/// `INSERT INTO t [/*+ OPTIONS(...) */] [(columns)] query`
#[derive(Debug, Clone)]
pub struct Insert {
    pub target: ObjectPath,
    /// From an OPTIONS hint behind the target.
    pub options: RawOptions,
    /// `INSERT OVERWRITE`
    pub overwrite: bool,
    /// `PARTITION (k = v, ...)`
    pub partition: Vec<(Ident, ast::Expr)>,
    /// The column list; empty where none is given.
    pub columns: Vec<Ident>,
    pub query: Box<ast::Query>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum Show {
    Catalogs,
    CurrentCatalog,
    Databases,
    CurrentDatabase,
    Tables {
        like: Option<LikePattern>,
    },
    Views {
        like: Option<LikePattern>,
    },
    Functions {
        like: Option<LikePattern>,
    },
    Jobs,
    /// Ours, not Flink's.
    Integrations,
    Columns {
        table: ObjectPath,
        like: Option<LikePattern>,
    },
    CreateTable(ObjectPath),
    CreateView(ObjectPath),
}

/// `[NOT] {LIKE | ILIKE} 'pattern'`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikePattern {
    pub pattern: String,
    pub negated: bool,
    pub case_insensitive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainDetail {
    EstimatedCost,
    ChangelogMode,
    JsonExecutionPlan,
    PlanAdvice,
}
