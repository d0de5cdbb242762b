//! What became of each action of a bulk request.

use serde::Deserialize;

use super::request::Refusal;
use crate::error::{Error, Result};

/// What a bulk answer says.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Positions of the actions to send again, ascending: those that the server was too busy for, and all later ones
    /// for the same documents, so that what happens to one document happens in order.
    pub again: Vec<usize>,
    /// Why the first of `again` was not done.
    pub busy: Option<Rejection>,
    /// Those that will never be done as they are.
    pub rejected: Vec<Rejection>,
    /// An index behind a data stream, if documents were made there.
    pub data_stream: Option<String>,
}

/// An action that was not carried out.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The action's place in the request.
    pub position: usize,
    pub index: String,
    /// Empty where the server would have chosen it.
    pub id: String,
    pub status: u16,
    pub refusal: Refusal,
}

#[derive(Deserialize)]
struct BulkAnswer<'a> {
    errors: bool,
    #[serde(borrow, default)]
    items: Vec<Item<'a>>,
}

/// One action's answer under the action's name.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Item<'a> {
    #[serde(borrow)]
    Index(Done<'a>),
    #[serde(borrow)]
    Create(Done<'a>),
    #[serde(borrow)]
    Update(Done<'a>),
    #[serde(borrow)]
    Delete(Done<'a>),
}

#[derive(Deserialize)]
struct Done<'a> {
    #[serde(rename = "_index", borrow, default)]
    index: std::borrow::Cow<'a, str>,
    #[serde(rename = "_id", borrow, default)]
    id: Option<std::borrow::Cow<'a, str>>,
    status: u16,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

impl Outcome {
    /// What of the answer is asked for, as the request's query.
    pub const QUERY: &str = "filter_path=errors,items.*._index,items.*._id,items.*.status,items.*.error.type,items.*.error.reason,\
         items.*.error.caused_by";

    /// Reads the answer to a request of `actions` actions.
    pub fn parse(body: &[u8], actions: usize, service: &str) -> Result<Self> {
        let answer: BulkAnswer<'_> = serde_json::from_slice(body)
            .map_err(|e| Error::external(format!("{service} answered a bulk request with something else: {e}")))?;
        let mut outcome = Self { data_stream: answer.items.iter().find_map(Item::data_stream), ..Self::default() };
        if !answer.errors {
            return Ok(outcome);
        }
        if answer.items.len() != actions {
            let items = answer.items.len();
            return Err(Error::external(format!("{service} answered {actions} actions with {items} items")));
        }
        let mut documents_again = std::collections::HashSet::new();
        for (position, item) in answer.items.iter().enumerate() {
            let done = item.done();
            let document = (done.index.as_ref(), done.id.as_deref().unwrap_or_default());
            let is_known = !document.1.is_empty();
            match item.rejection(position) {
                // Too busy, on its way out, or changed by a request of ours that was given up and goes on all the same.
                Some(rejection) if matches!(done.status, 409 | 429 | 500..) => {
                    outcome.again.push(position);
                    outcome.busy.get_or_insert(rejection);
                    if is_known {
                        documents_again.insert(document);
                    }
                }
                _ if is_known && documents_again.contains(&document) => outcome.again.push(position),
                Some(rejection) => outcome.rejected.push(rejection),
                None => {}
            }
        }
        Ok(outcome)
    }
}

impl Item<'_> {
    fn done(&self) -> &Done<'_> {
        match self {
            Self::Index(done) | Self::Create(done) | Self::Update(done) | Self::Delete(done) => done,
        }
    }

    fn data_stream(&self) -> Option<String> {
        match self {
            Self::Create(done) if done.index.starts_with(".ds-") => Some(done.index.to_string()),
            _ => None,
        }
    }

    /// Why the action was not carried out. A delete finds nothing to delete, and a document that was to be made under
    /// an id of ours is there: that is what they wanted.
    fn rejection(&self, position: usize) -> Option<Rejection> {
        let done = self.done();
        let error = done.error.as_ref()?;
        match (self, done.status) {
            (Self::Delete(_), 404) | (Self::Create(_), 409) => return None,
            _ => {}
        }
        Some(Rejection {
            position,
            index: done.index.to_string(),
            id: done.id.as_deref().unwrap_or_default().to_string(),
            status: done.status,
            refusal: Refusal::from_value(error),
        })
    }
}

impl Rejection {
    /// The error for the first of `count` rejected documents of a table.
    pub fn into_error(self, count: usize, owner: &str, service: &str) -> Error {
        let error = Error::data(format!("{service} rejects {} of {owner}: {}", self.document(), self.why()));
        let error = match count {
            0 | 1 => error,
            _ => error.with_detail(format!("It is the first of {count} documents that one request had rejected.")),
        };
        match self.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// `document "k" in index "i"`
    pub fn document(&self) -> String {
        match self.id.is_empty() {
            true => format!("a document for index \"{}\"", self.index),
            false => format!("document \"{}\" of index \"{}\"", self.id, self.index),
        }
    }

    /// `failed to parse field [t] (400 mapper_parsing_exception)`
    pub fn why(&self) -> String {
        format!("{} ({} {})", self.refusal.reason, self.status, self.refusal.kind)
    }

    /// True where no other document would have been taken either: the user or the index is the reason.
    pub fn is_denied(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// The error for a document that the user may not write, or nobody.
    pub fn into_denied(self, owner: &str, service: &str) -> Error {
        let why = self.why();
        let error =
            Error::external(format!("{service} doesn't let index \"{}\" of {owner} be written: {why}", self.index));
        match self.refusal.kind.as_str() {
            "cluster_block_exception" => error.with_hint("The index is closed to writers by one of its settings."),
            _ => {
                error.with_hint("The user lacks a permission: it needs those to write to the index, and to create it.")
            }
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self.refusal.kind.as_str() {
            "mapper_parsing_exception" | "document_parsing_exception" => {
                Some("A column's value doesn't fit the field's type in the index mapping.")
            }
            "strict_dynamic_mapping_exception" => Some("The index takes no fields that its mapping doesn't name."),
            "invalid_index_name_exception" => Some("Index names are lower case and have no spaces or slashes."),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(action: &str, id: &str, status: u16, error: bool) -> String {
        let error = if error { r#","error":{"type":"t","reason":"r","caused_by":{"reason":"c"}}"# } else { "" };
        format!(r#"{{"{action}":{{"_index":"i","_id":"{id}","status":{status}{error}}}}}"#)
    }

    fn parse(items: &[String]) -> Outcome {
        let body = format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","));
        Outcome::parse(body.as_bytes(), items.len(), "OpenSearch").unwrap()
    }

    #[test]
    fn busy_items_are_sent_again_with_all_that_follows_for_their_documents() {
        let outcome = parse(&[
            item("update", "a", 200, false),
            item("update", "b", 429, true),
            item("update", "c", 200, false),
            item("delete", "b", 404, false),
            item("update", "b", 200, false),
            item("update", "d", 503, true),
        ]);
        assert_eq!(outcome.again, [1, 3, 4, 5]);
        assert!(outcome.rejected.is_empty());
    }

    #[test]
    fn what_the_service_could_not_do_is_no_fault_of_the_document() {
        let outcome = parse(&[
            item("update", "a", 409, true),
            item("index", "b", 500, true),
            item("index", "c", 502, true),
            item("index", "d", 404, true),
        ]);
        assert_eq!(outcome.again, [0, 1, 2]);
        assert_eq!(outcome.rejected.len(), 1);
    }

    #[test]
    fn a_delete_of_what_is_not_there_is_fine() {
        let outcome = parse(&[item("delete", "a", 404, false), item("delete", "b", 404, true)]);
        assert!(outcome.again.is_empty() && outcome.rejected.is_empty());
    }

    #[test]
    fn a_document_that_is_there_need_not_be_made() {
        let outcome = parse(&[item("create", "a", 409, true), item("create", "b", 400, true)]);
        assert!(outcome.again.is_empty());
        assert_eq!(outcome.rejected.len(), 1);
    }

    #[test]
    fn the_first_rejected_document_is_named() {
        let outcome = parse(&[item("index", "x", 400, true), item("update", "y", 404, true)]);
        let error = outcome.rejected[0].clone().into_error(outcome.rejected.len(), "table \"T\"", "OpenSearch");
        assert_eq!(error.message(), "OpenSearch rejects document \"x\" of index \"i\" of table \"T\": r: c (400 t)");
        assert_eq!(error.detail(), Some("It is the first of 2 documents that one request had rejected."));
    }

    #[test]
    fn an_answer_that_is_something_else_is_an_error() {
        assert!(Outcome::parse(b"<html>", 1, "OpenSearch").unwrap_err().message().contains("something else"));
        let error = Outcome::parse(br#"{"errors":true,"items":[]}"#, 1, "OpenSearch").unwrap_err();
        assert_eq!(error.message(), "OpenSearch answered 1 actions with 0 items");
        assert!(Outcome::parse(br#"{"errors":false}"#, 9, "OpenSearch").unwrap().again.is_empty());
    }
}
