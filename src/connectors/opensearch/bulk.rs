//! The body of a bulk request: actions as lines of JSON, and where each one starts.

use std::collections::BTreeSet;
use std::ops::Range;

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

/// How much one request takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub actions: usize,
    pub bytes: usize,
}

impl Bulk {
    /// One whose body begins with something that is no action.
    pub fn behind(prefix: &[u8]) -> Self {
        Self { body: prefix.to_vec(), starts: Vec::new() }
    }

    /// Indexes a document under an id of the server's choice.
    pub fn push_index(&mut self, index: &str, document: &[u8]) {
        self.start(b"index", index, None);
        self.body.extend_from_slice(b"}}\n");
        self.body.extend_from_slice(document);
        self.body.push(b'\n');
    }

    /// Makes a document of this id, where there is none yet.
    pub fn push_create(&mut self, index: &str, id: &str, document: &[u8]) {
        self.start(b"create", index, Some(id));
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

    /// True where one request takes no more.
    pub fn is_full(&self, limits: Limits) -> bool {
        self.len() >= limits.actions || self.size() >= limits.bytes
    }

    /// The body, and where each action starts in it.
    pub fn into_parts(self) -> (Vec<u8>, Vec<usize>) {
        (self.body, self.starts)
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
    /// Actions that lie one behind the other in `body`, up to its end.
    pub fn new(body: Bytes, starts: Vec<usize>) -> Self {
        Self { body, starts }
    }

    /// The positions that go into one request each, in order.
    pub fn requests(&self, limits: Limits) -> Vec<Range<usize>> {
        let mut requests = Vec::new();
        let mut first = 0;
        for position in 0..self.len() {
            let size = self.start_of(position + 1) - self.start_of(first);
            if position + 1 - first >= limits.actions || size >= limits.bytes || position + 1 == self.len() {
                requests.push(first..position + 1);
                first = position + 1;
            }
        }
        requests
    }

    /// The indexes that they name.
    pub fn indexes(&self) -> BTreeSet<String> {
        const KEY: &[u8] = b"\":{\"_index\":";
        let mut names = BTreeSet::new();
        // Neighbours mostly name the same.
        let mut last: &[u8] = b"";
        for position in 0..self.len() {
            let action = &self.body[self.start_of(position)..self.start_of(position + 1)];
            let Some(key) = action.windows(KEY.len()).position(|window| window == KEY) else { continue };
            let text = &action[key + KEY.len()..];
            if !last.is_empty() && text.starts_with(last) {
                continue;
            }
            let mut values = serde_json::Deserializer::from_slice(text).into_iter::<String>();
            if let Some(Ok(name)) = values.next() {
                last = &text[..values.byte_offset()];
                names.insert(name);
            }
        }
        names
    }

    /// The actions at these positions; the bytes are shared.
    pub fn slice(&self, positions: Range<usize>) -> Self {
        let (start, end) = (self.start_of(positions.start), self.start_of(positions.end));
        let starts = positions.map(|position| self.start_of(position) - start).collect();
        Self { body: self.body.slice(start..end), starts }
    }

    /// Where an action starts; behind the last one where the body ends.
    fn start_of(&self, position: usize) -> usize {
        self.starts.get(position).copied().unwrap_or(self.body.len())
    }

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
            let (start, end) = (self.start_of(position), self.start_of(position + 1));
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
        bulk.push_create("i", "n", b"{}");
        let expected = concat!(
            "{\"index\":{\"_index\":\"i\"}}\n{\"a\":1}\n",
            "{\"update\":{\"_index\":\"i\",\"_id\":\"k\\\"1\",\"retry_on_conflict\":3}}\n",
            "{\"doc\":{\"a\":2},\"doc_as_upsert\":true}\n",
            "{\"delete\":{\"_index\":\"i\",\"_id\":\"k\"}}\n",
            "{\"create\":{\"_index\":\"i\",\"_id\":\"n\"}}\n{}\n"
        );
        assert_eq!((bulk.len(), bulk.size()), (4, expected.len()));
        assert_eq!(text(&bulk.take()), expected);
        assert!(bulk.is_empty());
    }

    #[test]
    fn actions_know_their_indexes() {
        let mut bulk = Bulk::behind(b"V");
        bulk.push_index("i", b"{\"a\":{\"_index\":\"no\"}}");
        bulk.push_upsert("i", "k", b"{}");
        bulk.push_delete("i-2", "k");
        bulk.push_create("a\"b", "n", b"{}");
        bulk.push_delete("i", "k");
        let (body, starts) = bulk.into_parts();
        let actions = Actions::new(body.into(), starts);
        assert_eq!(actions.indexes(), ["a\"b", "i", "i-2"].map(String::from).into());
        assert_eq!(actions.slice(1..3).indexes(), ["i", "i-2"].map(String::from).into());
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

    #[test]
    fn actions_are_cut_into_requests_by_number_and_size() {
        let mut bulk = Bulk::default();
        (0..5).for_each(|n| bulk.push_delete("i", &n.to_string()));
        let size = bulk.size() / 5;
        let actions = bulk.take();
        let requests = |number, bytes| actions.requests(Limits { actions: number, bytes });
        assert_eq!(requests(2, usize::MAX), [0..2, 2..4, 4..5]);
        assert_eq!(requests(usize::MAX, size * 3 - 1), [0..3, 3..5]);
        let all = 0..5;
        assert_eq!(requests(usize::MAX, usize::MAX), [all]);
        assert_eq!(text(&actions.slice(1..3)), text(&actions.only(&[1, 2])));
        assert_eq!(text(&actions.slice(1..3).only(&[1])), text(&actions.only(&[2])));
        assert!(Bulk::default().take().requests(Limits { actions: 1, bytes: 1 }).is_empty());
    }
}
