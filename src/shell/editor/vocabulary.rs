//! What highlighting and completion know: the words of the dialect, and what the session has just now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::outside::Outside;
use super::words::{BARE_FUNCTIONS, KEYWORDS, SYNTAX_FUNCTIONS, TYPES, WINDOW_FUNCTIONS};
use crate::Session;
use crate::catalog::Object;
use crate::connectors::secrets::redact;
use crate::functions::{aggregate, library};
use crate::session::{Service, ServiceKind};
use crate::sql::is_reserved;

/// A snapshot of a session, made before each prompt.
#[derive(Default)]
pub struct Vocabulary {
    pub tables: Vec<Relation>,
    pub integrations: Vec<Integration>,
    /// Settings that differ from their defaults, and their values.
    pub set: Vec<(String, String)>,
    pub functions: BTreeMap<&'static str, Function>,
    pub jobs: Vec<Job>,
}

/// An integration.
pub struct Integration {
    pub name: String,
    pub kind: Option<ServiceKind>,
    /// Asks it for what it keeps, or remembers what it has answered.
    pub names: Box<dyn Fn() -> Vec<String> + Send + Sync>,
}

/// A job of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: String,
    pub name: String,
    pub runs: bool,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub name: String,
    pub is_view: bool,
    /// Names and types; empty where they can't be told.
    pub columns: Vec<(String, String)>,
    /// As they were declared, secrets blotted out.
    pub options: Vec<(String, String)>,
}

/// A function by the name it stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    pub usage: &'static str,
    pub kind: FunctionKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    Scalar,
    /// Called without parentheses.
    Bare,
    Aggregate,
    /// `TABLE(TUMBLE(...))`, in FROM.
    Window,
}

impl Vocabulary {
    /// `outside` keeps what integrations have answered.
    pub fn of(session: &Session, outside: &Arc<Outside>) -> Self {
        let tables = session.catalog().all().map(|(name, object)| Relation {
            name: name.name.clone(),
            is_view: matches!(object, Object::View(_)),
            columns: session.columns_of(name).unwrap_or_default(),
            options: match object {
                Object::Table(table) => table.options.iter().map(|(k, v)| (k.to_string(), redact(k, v))).collect(),
                Object::View(_) | Object::Registered(_) => Vec::new(),
            },
        });
        Self {
            tables: tables.collect(),
            integrations: session.services().into_iter().map(|service| integration(service, outside)).collect(),
            set: session.settings().iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            functions: functions(),
            jobs: session
                .jobs()
                .iter()
                .map(|job| Job {
                    id: job.state.id.to_string(),
                    name: job.state.name.to_string(),
                    runs: !job.state.status().has_ended(),
                })
                .collect(),
        }
    }

    pub(super) fn is_type(&self, word: &str) -> bool {
        TYPES.iter().any(|(name, _)| *name == word)
    }

    /// True for the upper case name of a function that is called with parentheses.
    pub(super) fn is_function(&self, word: &str) -> bool {
        self.functions.get(word).is_some_and(|function| function.kind != FunctionKind::Bare)
    }

    pub(super) fn is_bare_function(&self, word: &str) -> bool {
        self.functions.get(word).is_some_and(|function| function.kind == FunctionKind::Bare)
    }

    pub(super) fn is_keyword(&self, word: &str) -> bool {
        !self.functions.contains_key(word) && (KEYWORDS.binary_search(&word).is_ok() || is_reserved(word))
    }
}

fn integration(service: Service, outside: &Arc<Outside>) -> Integration {
    let (name, kind, outside) = (service.integration.clone(), service.kind, Arc::clone(outside));
    Integration { name, kind, names: Box::new(move || outside.names(&service)) }
}

fn functions() -> BTreeMap<&'static str, Function> {
    let mut functions = BTreeMap::new();
    for function in library::all() {
        let kind = match BARE_FUNCTIONS.contains(&function.name()) {
            true => FunctionKind::Bare,
            false => FunctionKind::Scalar,
        };
        for name in std::iter::once(function.name()).chain(function.aliases().iter().copied()) {
            functions.insert(name, Function { usage: function.usage(), kind });
        }
    }
    for function in aggregate::all() {
        functions.insert(function.name(), Function { usage: function.usage(), kind: FunctionKind::Aggregate });
    }
    for (name, usage) in SYNTAX_FUNCTIONS {
        functions.insert(name, Function { usage, kind: FunctionKind::Scalar });
    }
    for (name, usage) in WINDOW_FUNCTIONS {
        functions.insert(name, Function { usage, kind: FunctionKind::Window });
    }
    functions
}

/// The vocabulary of the prompt that stands now.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Arc<Vocabulary>>>);

impl Shared {
    pub fn get(&self) -> Arc<Vocabulary> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set(&self, vocabulary: Arc<Vocabulary>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = vocabulary;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_session_tells_its_tables_with_their_columns() {
        let mut session = Session::new();
        session
            .execute(
                "CREATE TABLE t (id BIGINT NOT NULL, name STRING, twice AS id * 2) WITH ('connector' = 'datagen');
                 CREATE VIEW v AS SELECT name, CAST(id AS INT) AS n FROM t;
                 SET 'pipeline.name' = 'x';",
            )
            .await
            .unwrap();
        let vocabulary = Vocabulary::of(&session, &Arc::default());
        let told: Vec<String> =
            vocabulary.tables.iter().map(|t| format!("{} {} {:?}", t.name, t.is_view, t.columns)).collect();
        assert_eq!(
            told,
            [
                r#"t false [("id", "BIGINT"), ("name", "STRING"), ("twice", "BIGINT")]"#,
                r#"v true [("name", "STRING"), ("n", "INT")]"#,
            ]
        );
        assert_eq!(vocabulary.set, [("pipeline.name".to_string(), "x".to_string())]);
    }

    #[test]
    fn functions_have_their_usage_and_kind() {
        let functions = functions();
        assert_eq!(functions["UPPER"].kind, FunctionKind::Scalar);
        assert_eq!(functions["SUM"].kind, FunctionKind::Aggregate);
        assert_eq!(functions["TUMBLE"].kind, FunctionKind::Window);
        assert_eq!(functions["CURRENT_TIMESTAMP"].kind, FunctionKind::Bare);
        assert!(functions["CAST"].usage.starts_with("CAST(value AS type)"));
        assert!(BARE_FUNCTIONS.iter().all(|name| library::without_parentheses(name).is_some()));
    }
}
