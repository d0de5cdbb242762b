//! The answer to a search: the documents found, their sources left as text.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub struct Page<'a> {
    #[serde(rename = "_scroll_id")]
    pub scroll_id: Option<String>,
    #[serde(default)]
    pub timed_out: bool,
    #[serde(rename = "_shards")]
    pub shards: Shards,
    #[serde(borrow)]
    pub hits: Hits<'a>,
}

#[derive(Deserialize)]
pub struct Shards {
    #[serde(default)]
    pub failed: u64,
}

#[derive(Deserialize)]
pub struct Hits<'a> {
    pub total: Option<Total>,
    #[serde(borrow)]
    pub hits: Vec<Hit<'a>>,
}

#[derive(Deserialize)]
pub struct Total {
    pub value: u64,
}

#[derive(Deserialize)]
pub struct Hit<'a> {
    #[serde(rename = "_index", borrow)]
    pub index: Cow<'a, str>,
    #[serde(rename = "_id", borrow)]
    pub id: Cow<'a, str>,
    #[serde(rename = "_source", borrow)]
    pub source: Option<&'a RawValue>,
}
