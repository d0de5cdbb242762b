//! Statements that look into the services behind the integrations. Ours, not Flink's.

use super::statement::{Ident, LikePattern, ObjectPath};

/// How many records or documents PEEK shows where it isn't said.
pub const PEEK_LIMIT: usize = 10;
/// How many it shows at most.
pub const PEEK_MOST: usize = 1_000;

/// A look: what at, and through which integration (or declared table); the only one that fits where none is named.
#[derive(Debug, Clone)]
pub enum Look {
    /// `SHOW [ALL] TOPICS [FROM i] [LIKE 'pattern']`; those of Kafka itself only with ALL.
    Topics { from: Option<Ident>, all: bool, like: Option<LikePattern> },
    /// `SHOW GROUPS [FROM i] [LIKE 'pattern']`
    Groups { from: Option<Ident>, like: Option<LikePattern> },
    /// `PEEK [TOPIC] t [FROM i] [PARTITION n] [FROM BEGINNING] [LIMIT n]`
    PeekTopic(PeekTopic),
    /// `DESCRIBE TOPIC t [FROM i] [GROUP 'g']`
    DescribeTopic { topic: Ident, from: Option<Ident>, group: Option<Ident> },
    /// `SHOW TABLES FROM i [LIKE 'pattern']`
    Tables { from: Ident, like: Option<LikePattern> },
    /// `DESCRIBE TABLE t [FROM i]`
    DescribeTable { table: Ident, from: Option<Ident> },
    /// `PSQL [i] $$ ... $$`
    Psql { on: Option<Ident>, sql: Quoted },
    /// `SHOW INDEXES [FROM i] [LIKE 'pattern']`
    Indexes { from: Option<Ident>, all: bool, like: Option<LikePattern> },
    /// `PEEK INDEX n [FROM i] [LIMIT n]`
    PeekIndex { index: Ident, from: Option<Ident>, limit: usize },
    /// `DESCRIBE INDEX n [FROM i]`
    DescribeIndex { index: Ident, from: Option<Ident> },
    /// `SUGGEST TABLE [name] FOR {TOPIC | TABLE | INDEX} x [FROM i]`
    Suggest { name: Option<ObjectPath>, subject: Subject, from: Option<Ident> },
}

/// Which records of a topic to show.
#[derive(Debug, Clone)]
pub struct PeekTopic {
    pub topic: Ident,
    pub from: Option<Ident>,
    pub partition: Option<(i32, crate::span::Span)>,
    /// The oldest instead of the newest.
    pub from_beginning: bool,
    pub limit: usize,
}

/// What a table is suggested for.
#[derive(Debug, Clone)]
pub enum Subject {
    Topic(Ident),
    Table(Ident),
    Index(Ident),
}

/// SQL for another system, as a string or between dollar signs.
#[derive(Debug, Clone)]
pub struct Quoted {
    pub text: Ident,
    /// With its quotes, as written.
    pub written: String,
}

impl Look {
    /// The words that it begins with.
    pub fn head(&self) -> &'static str {
        match self {
            Self::Topics { .. } => "SHOW TOPICS",
            Self::Groups { .. } => "SHOW GROUPS",
            Self::PeekTopic(_) => "PEEK",
            Self::DescribeTopic { .. } => "DESCRIBE TOPIC",
            Self::Tables { .. } => "SHOW TABLES FROM",
            Self::DescribeTable { .. } => "DESCRIBE TABLE",
            Self::Psql { .. } => "PSQL",
            Self::Indexes { .. } => "SHOW INDEXES",
            Self::PeekIndex { .. } => "PEEK INDEX",
            Self::DescribeIndex { .. } => "DESCRIBE INDEX",
            Self::Suggest { .. } => "SUGGEST TABLE",
        }
    }

    /// One line for progress and logs.
    pub fn summary(&self) -> String {
        let head = self.head();
        match self {
            Self::Topics { .. } | Self::Groups { .. } | Self::Indexes { .. } => head.to_string(),
            // What is sent may hold a password.
            Self::Psql { .. } => head.to_string(),
            Self::PeekTopic(PeekTopic { topic: name, .. })
            | Self::DescribeTopic { topic: name, .. }
            | Self::Tables { from: name, .. }
            | Self::DescribeTable { table: name, .. }
            | Self::PeekIndex { index: name, .. }
            | Self::DescribeIndex { index: name, .. } => format!("{head} {}", name.value),
            Self::Suggest { subject: Subject::Topic(name), .. } => format!("{head} FOR TOPIC {}", name.value),
            Self::Suggest { subject: Subject::Table(name), .. } => format!("{head} FOR TABLE {}", name.value),
            Self::Suggest { subject: Subject::Index(name), .. } => format!("{head} FOR INDEX {}", name.value),
        }
    }
}
