//! A request, its answer, and what a refusing answer says.

use bytes::Bytes;
use opensearch::http::Method;
use opensearch::http::headers::HeaderValue;
use serde::Deserialize;

use crate::error::Error;

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    /// With its query, percent-encoded.
    pub path: String,
    pub body: Option<Bytes>,
    pub is_ndjson: bool,
    /// Under which the service lists the request while it carries it out.
    pub opaque_id: Option<HeaderValue>,
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, is_ndjson: false, opaque_id: None }
    }

    pub fn with_json(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn with_ndjson(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self.is_ndjson = true;
        self
    }

    pub fn with_opaque_id(mut self, id: Option<HeaderValue>) -> Self {
        self.opaque_id = id;
        self
    }
}

/// An answer of whatever status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Answer {
    /// True where the same request may be answered otherwise later.
    pub fn is_busy(&self) -> bool {
        matches!(self.status, 429 | 500..=599)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// Nobody took the request.
    NotSent(Error),
    /// It was sent, and may or may not have been carried out: the connection broke.
    Unanswered(Error),
    /// The same, and no answer came in time.
    Silent(Error),
}

impl Failure {
    pub fn into_error(self) -> Error {
        match self {
            Self::NotSent(error) | Self::Unanswered(error) | Self::Silent(error) => error,
        }
    }
}

/// An error as the service words it.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// `index_not_found_exception`
    pub kind: String,
    pub reason: String,
}

impl Refusal {
    /// The error in an answer's body, if it is one.
    pub fn of(answer: &Answer) -> Option<Self> {
        #[derive(Deserialize)]
        struct Whole {
            error: serde_json::Value,
        }
        let whole: Whole = serde_json::from_slice(&answer.body).ok()?;
        Some(Self::from_value(&whole.error))
    }

    /// The innermost cause says most: `failed to parse field [t] of type [date]: ...`.
    pub fn from_value(error: &serde_json::Value) -> Self {
        let text = |key: &str| error.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_string();
        let mut reason = match error.as_str() {
            Some(plain) => plain.to_string(),
            None => text("reason"),
        };
        let mut cause = error.get("caused_by");
        while let Some(inner) = cause {
            if let Some(why) = inner.get("reason").and_then(|v| v.as_str())
                && !reason.contains(why)
            {
                reason = format!("{reason}: {why}");
            }
            cause = inner.get("caused_by");
        }
        Self { kind: text("type"), reason }
    }
}

/// A name as a segment of a path; `,` and `*` keep their meaning.
pub fn path_segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' | b'*' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_gives_its_innermost_cause() {
        let body = r#"{"error":{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"x","reason":"bad date"}},"status":400}"#;
        let refusal = Refusal::of(&Answer { status: 400, body: body.into() }).unwrap();
        assert_eq!(
            (refusal.kind.as_str(), refusal.reason.as_str()),
            ("mapper_parsing_exception", "failed to parse: bad date")
        );
        assert!(Refusal::of(&Answer { status: 502, body: "<html>".into() }).is_none());
    }

    #[test]
    fn names_are_encoded_for_paths() {
        assert_eq!(path_segment("a-b_*,ü/?"), "a-b_*,%C3%BC%2F%3F");
    }
}
