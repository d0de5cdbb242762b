//! Questions to a search service that are about no table: its indexes, their documents and mappings.

use std::collections::BTreeMap;

use opensearch::http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Cluster;
use super::mapping::{Field, Mapping};
use super::options::{ConnectionOptions, OPTIONS, Product, connection};
use super::page::Page;
use super::reader::missing_index;
use super::request::{Answer, Request, path_segment};
use crate::connectors::OpenContext;
use crate::connectors::inspect::options;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result};

/// The search service of an integration.
pub struct Indexes {
    connection: ConnectionOptions,
    owner: String,
    context: OpenContext,
}

/// An index as the service lists it.
#[derive(Debug, Clone, Deserialize)]
pub struct Index {
    #[serde(rename = "index")]
    pub name: String,
    /// `green`
    #[serde(default)]
    pub health: Option<String>,
    /// `open` or `close`
    #[serde(default)]
    pub status: Option<String>,
    /// Unknown of a closed one.
    #[serde(rename = "docs.count", default)]
    pub documents: Option<String>,
    /// `4.5kb`
    #[serde(rename = "store.size", default)]
    pub size: Option<String>,
}

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    pub index: String,
    pub id: String,
    /// JSON as it was sent; `None` where the index keeps none.
    pub source: Option<String>,
}

impl Indexes {
    /// Checks the options; touches nothing.
    pub fn new(owner: &str, raw: &RawOptions, context: OpenContext) -> Result<Self> {
        let product = Product::of(raw.get("connector").unwrap_or_default());
        let mut connection = connection(product, &options(owner, raw, OPTIONS, "hosts")?)?;
        // Somebody sits in front of it: one answer is waited for no longer than all tries together may take.
        connection.answer_timeout = connection.answer_timeout.min(connection.max_retry);
        connection.connect_timeout = connection.connect_timeout.min(connection.max_retry);
        Ok(Self { connection, owner: owner.to_string(), context })
    }

    /// `OpenSearch at http://127.0.0.1:9200`
    pub fn name(&self) -> String {
        format!("{} at {}", self.connection.product.name(), self.connection.addresses())
    }

    /// The indexes by name; hidden ones and those of the system only with `all`.
    pub async fn list(&self, all: bool) -> Result<Vec<Index>> {
        let hidden = if all { "&expand_wildcards=all" } else { "" };
        let path = format!("/_cat/indices?format=json&h=index,health,status,docs.count,store.size&s=index{hidden}");
        let cluster = self.cluster().await?;
        let answer = self.ask(&cluster, Request::new(Method::Get, path)).await?;
        let mut indexes: Vec<Index> = self.read(&self.taken(&cluster, answer)?)?;
        indexes.retain(|index| all || !index.name.starts_with('.'));
        Ok(indexes)
    }

    /// The documents that were written last, the last one last, as far as the numbers tell that each shard gives.
    pub async fn documents(&self, index: &str, limit: usize) -> Result<Vec<Document>> {
        let cluster = self.cluster().await?;
        let place = self.place(&cluster, index).await?;
        // What is acknowledged is seen. Reading is allowed where refreshing may not be.
        let refreshed = self.ask(&cluster, Request::new(Method::Post, format!("{place}/_refresh"))).await?;
        self.found(&cluster, index, &refreshed).await?;
        let body = serde_json::json!({ "size": limit, "sort": [{ "_seq_no": "desc" }] }).to_string();
        let search = Request::new(Method::Post, format!("{place}/_search")).with_json(body);
        let answer = self.ask(&cluster, search).await?;
        self.found(&cluster, index, &answer).await?;
        let answer = self.taken(&cluster, answer)?;
        let page: Page<'_> = serde_json::from_slice(&answer.body).map_err(|e| self.nonsense(&e))?;
        if page.timed_out || page.shards.failed > 0 {
            let failed = page.shards.failed;
            let message =
                format!("{} could read only a part of index \"{index}\": {failed} shards failed", self.name());
            return Err(Error::external(message));
        }
        let document = |hit: &super::page::Hit<'_>| Document {
            index: hit.index.to_string(),
            id: hit.id.to_string(),
            source: hit.source.map(|source| source.get().to_string()),
        };
        Ok(page.hits.hits.iter().rev().map(document).collect())
    }

    /// The fields of an index, or of all that a pattern or alias stands for.
    pub async fn fields(&self, index: &str) -> Result<Vec<Field>> {
        let cluster = self.cluster().await?;
        let place = self.place(&cluster, index).await?;
        let answer = self.ask(&cluster, Request::new(Method::Get, format!("{place}/_mapping"))).await?;
        self.found(&cluster, index, &answer).await?;
        let answer = self.taken(&cluster, answer)?;
        let found: BTreeMap<String, Mapping> = self.read(&answer)?;
        if found.is_empty() {
            return Err(missing_index(&cluster, index, &self.owner).await);
        }
        Ok(super::mapping::fields(found.into_values()))
    }

    async fn cluster(&self) -> Result<Cluster> {
        Cluster::try_new(&self.connection, &self.context).await
    }

    async fn ask(&self, cluster: &Cluster, request: Request) -> Result<Answer> {
        cluster.ask(&request, self.connection.max_retry).await
    }

    /// The index as the beginning of a path. A path takes nothing and dots for something else.
    async fn place(&self, cluster: &Cluster, index: &str) -> Result<String> {
        match index {
            "" | "." | ".." => Err(missing_index(cluster, index, &self.owner).await),
            index => Ok(format!("/{}", path_segment(index))),
        }
    }

    async fn found(&self, cluster: &Cluster, index: &str, answer: &Answer) -> Result<()> {
        match answer.status {
            404 => Err(missing_index(cluster, index, &self.owner).await),
            _ => Ok(()),
        }
    }

    fn taken(&self, cluster: &Cluster, answer: Answer) -> Result<Answer> {
        if answer.status < 400 { Ok(answer) } else { Err(cluster.refused(&answer)) }
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        serde_json::from_slice(&answer.body).map_err(|e| self.nonsense(&e))
    }

    fn nonsense(&self, error: &serde_json::Error) -> Error {
        Error::external(format!("{} answered with something else than was asked for: {error}", self.name()))
    }
}
