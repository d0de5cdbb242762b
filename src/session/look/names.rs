//! The names that a service knows, asked for apart from the session: while somebody types.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::connectors::kafka::Kafka;
use crate::connectors::kafka::inspect::Brokers;
use crate::connectors::opensearch::OpenSearch;
use crate::connectors::opensearch::inspect::Indexes;
use crate::connectors::postgres::Jdbc;
use crate::connectors::postgres::inspect::Database;
use crate::connectors::{self, Connector, OpenContext};
use crate::error::{Error, Result};
use crate::session::Session;
use crate::span::Span;

/// Whoever types has long gone on.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a service keeps, and what its names stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    /// Topics.
    Kafka,
    /// Tables.
    Postgres,
    /// Indexes.
    OpenSearch,
}

impl ServiceKind {
    /// That of the connector's tables; None where there is nobody to ask.
    pub fn of(connector: &dyn Connector) -> Option<Self> {
        let address = connector.address_option()?;
        let all: [(&dyn Connector, Self); 3] =
            [(&Kafka, Self::Kafka), (&Jdbc, Self::Postgres), (&OpenSearch, Self::OpenSearch)];
        all.into_iter().find(|(known, _)| known.address_option() == Some(address)).map(|(_, kind)| kind)
    }

    /// One of its names: `topic`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Kafka => "topic",
            Self::Postgres => "table",
            Self::OpenSearch => "index",
        }
    }

    /// All of its names: `topics`.
    pub fn nouns(self) -> &'static str {
        match self {
            Self::Kafka => "topics",
            Self::Postgres => "tables",
            Self::OpenSearch => "indexes",
        }
    }
}

/// An integration, and who answers for it.
#[derive(Clone)]
pub struct Service {
    pub integration: String,
    /// None where it keeps nothing that has a name, or what is written of it is wrong.
    pub kind: Option<ServiceKind>,
    asked: Option<Arc<Asked>>,
}

enum Asked {
    Kafka(Brokers),
    Postgres(Database),
    OpenSearch(Indexes),
}

impl Service {
    /// Its names, sorted; of tables with their schemas. Dropping the future ends it.
    ///
    /// # Errors
    /// No answer in a time that nobody waits for.
    pub async fn names(&self) -> Result<Vec<String>> {
        let Some(asked) = &self.asked else { return Ok(Vec::new()) };
        let names = async {
            Ok(match &**asked {
                Asked::Kafka(brokers) => {
                    let topics = brokers.topics().await?;
                    topics.into_iter().filter(|topic| !topic.is_internal()).map(|topic| topic.name).collect()
                }
                Asked::Postgres(database) => {
                    let relations = database.relations().await?;
                    relations.iter().map(|r| format!("{}.{}", part(&r.schema), part(&r.name))).collect()
                }
                Asked::OpenSearch(indexes) => {
                    indexes.list(false).await?.into_iter().map(|index| index.name).collect::<Vec<String>>()
                }
            })
        };
        let mut names = timeout(PATIENCE, names).await.unwrap_or_else(|_| Err(Error::external("no answer")))?;
        names.sort_unstable();
        Ok(names)
    }
}

/// A part of a table's name as the option 'table-name' has it.
fn part(name: &str) -> String {
    match name.contains(['.', '"']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_string(),
    }
}

impl Session {
    /// The integrations, as they may be asked from now on. Nobody is asked yet, and they say nothing of what they wait
    /// for.
    pub fn services(&self) -> Vec<Service> {
        let service = |integration: &crate::catalog::Integration| {
            let connector = connectors::find(&integration.connector.0, None).ok();
            let kind = connector.and_then(ServiceKind::of);
            let asked =
                connector.zip(kind).and_then(|(connector, kind)| self.asked(&integration.name, connector, kind));
            Service { integration: integration.name.clone(), kind, asked: asked.map(Arc::new) }
        };
        self.integrations.iter().map(service).collect()
    }

    fn asked(&self, name: &str, connector: &dyn Connector, kind: ServiceKind) -> Option<Asked> {
        let span = Span::on_line(1, 1, 1);
        let (_, options) = self.integrations.of_service(connector, Some((name, span))).ok()?;
        let context = OpenContext::beside_jobs("names", self.clock.clone());
        let owner = format!("integration \"{name}\"");
        Some(match kind {
            ServiceKind::Kafka => Asked::Kafka(Brokers::new(&owner, &options, context).ok()?),
            ServiceKind::Postgres => Asked::Postgres(Database::new(&owner, &options, context).ok()?),
            ServiceKind::OpenSearch => Asked::OpenSearch(Indexes::new(&owner, &options, context).ok()?),
        })
    }
}
