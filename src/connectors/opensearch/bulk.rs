//! The body of a bulk request: actions as lines of JSON, and where each one starts.

use bytes::Bytes;

/// Actions that wait to be sent, in order.
#[derive(Debug, Default)]
pub struct Bulk {
    body: Vec<u8>,
    /// Where each action starts in `body`.
    starts: Vec<usize>,
}

/// How often the server tries an update again when something else changes the same document meanwhile.
const RETRY_ON_CONFLICT: &[u8] = br#","retry_on_conflict":3}}"#;

impl Bulk {
    /// Indexes a document under an id of the server's choice.
    pub fn push_index(&mut self, index: &str, document: &[u8]) {
        self.start(b"index", index, None);
        self.body.extend_from_slice(b"}}\n");
        self.body.extend_from_slice(document);
        self.body.push(b'\n');
    }

    /// Changes the fields of `document` in the document of this id, or makes it.
    pub fn push_upsert(&mut self, index: &str, id: &str, document: &[u8]) {
        self.start(b"update", index, Some(id));
        self.body.extend_from_slice(RETRY_ON_CONFLICT);
        self.body.extend_from_slice(b"\n{\"doc\":");
        self.body.extend_from_slice(document);
        self.body.extend_from_slice(b",\"doc_as_upsert\":true}\n");
    }

    pub fn push_delete(&mut self, index: &str, id: &str) {
        self.start(b"delete", index, Some(id));
        self.body.extend_from_slice(b"}}\n");
    }

    fn start(&mut self, action: &[u8], index: &str, id: Option<&str>) {
        self.starts.push(self.body.len());
        self.body.extend_from_slice(b"{\"");
        self.body.extend_from_slice(action);
        self.body.extend_from_slice(b"\":{\"_index\":");
        self.push_text(index);
        if let Some(id) = id {
            self.body.extend_from_slice(b",\"_id\":");
            self.push_text(id);
        }
    }

    fn push_text(&mut self, text: &str) {
        let is_plain = text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\');
        if is_plain {
            self.body.push(b'"');
            self.body.extend_from_slice(text.as_bytes());
            self.body.push(b'"');
        } else {
            self.body.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
        }
    }

    /// Actions in it.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Bytes in it.
    pub fn size(&self) -> usize {
        self.body.len()
    }

    /// Takes the actions out, leaving nothing.
    pub fn take(&mut self) -> Actions {
        let fresh = Self { body: Vec::with_capacity(self.body.len()), starts: Vec::with_capacity(self.starts.len()) };
        std::mem::replace(self, fresh).into_actions()
    }

    fn into_actions(self) -> Actions {
        Actions { body: self.body.into(), starts: self.starts }
    }
}

/// The actions of a request, in order.
#[derive(Debug)]
pub struct Actions {
    body: Bytes,
    starts: Vec<usize>,
}

impl Actions {
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// The request's body; cheap to clone.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The actions at these positions, in that order.
    pub fn only(&self, positions: &[usize]) -> Self {
        let mut chosen = Bulk::default();
        for &position in positions {
            let start = self.starts.get(position).copied().unwrap_or(self.body.len());
            let end = self.starts.get(position + 1).copied().unwrap_or(self.body.len());
            if start < end {
                chosen.starts.push(chosen.body.len());
                chosen.body.extend_from_slice(&self.body[start..end]);
            }
        }
        chosen.into_actions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(actions: &Actions) -> &str {
        std::str::from_utf8(actions.body()).unwrap()
    }

    #[test]
    fn actions_are_lines_of_json() {
        let mut bulk = Bulk::default();
        bulk.push_index("i", b"{\"a\":1}");
        bulk.push_upsert("i", "k\"1", b"{\"a\":2}");
        bulk.push_delete("i", "k");
        let expected = concat!(
            "{\"index\":{\"_index\":\"i\"}}\n{\"a\":1}\n",
            "{\"update\":{\"_index\":\"i\",\"_id\":\"k\\\"1\",\"retry_on_conflict\":3}}\n",
            "{\"doc\":{\"a\":2},\"doc_as_upsert\":true}\n",
            "{\"delete\":{\"_index\":\"i\",\"_id\":\"k\"}}\n"
        );
        assert_eq!((bulk.len(), bulk.size()), (3, expected.len()));
        assert_eq!(text(&bulk.take()), expected);
        assert!(bulk.is_empty());
    }

    #[test]
    fn some_actions_are_chosen_whole() {
        let mut bulk = Bulk::default();
        bulk.push_index("i", b"{\"a\":1}");
        bulk.push_delete("i", "k");
        bulk.push_index("i", b"{\"a\":3}");
        let chosen = bulk.take().only(&[1, 2]);
        assert_eq!(
            text(&chosen),
            "{\"delete\":{\"_index\":\"i\",\"_id\":\"k\"}}\n{\"index\":{\"_index\":\"i\"}}\n{\"a\":3}\n"
        );
        assert_eq!(text(&chosen.only(&[0])), "{\"delete\":{\"_index\":\"i\",\"_id\":\"k\"}}\n");
        assert_eq!(chosen.len(), 2);
    }
}
