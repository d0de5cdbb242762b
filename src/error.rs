//! One error for the whole engine: what is wrong, where, and whose move it is.

mod shown;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::span::{SourceText, Span};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The user's: a statement, an option or a command line is wrong. Nothing has run.
    Statement,
    /// The outside world's: a service is away, refuses or is slow. Retried with backoff where that can help.
    External,
    /// The data owner's: a row can't be decoded, computed or written.
    Data,
    /// The operator's: a checkpoint can't be read, or state outgrew its budget.
    State,
    /// Ours: a bug. Please report it.
    Internal,
}

impl ErrorKind {
    /// Its name in a log line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::External => "external",
            Self::Data => "data",
            Self::State => "state",
            Self::Internal => "internal",
        }
    }
}

/// An error as people read it: a lower-case primary line, then full sentences in detail and hint.
///
/// It never holds a secret: whoever builds one from an option's value goes through
/// [`crate::connectors::secrets::redact`].
#[derive(Debug)]
pub struct Error(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: ErrorKind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    span: Option<Span>,
    text: Option<SourceText>,
    /// True where trying again later can help: a connection that was refused, a leader election.
    retriable: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// What was found beside it, each an error of its own.
    others: Vec<Error>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            detail: None,
            hint: None,
            span: None,
            text: None,
            retriable: false,
            source: None,
            others: Vec::new(),
        }))
    }

    pub fn statement(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Statement, message)
    }

    pub fn external(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::External, message)
    }

    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    pub fn state(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::State, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// What is supported later or not at all: names the construct, never a silently different answer.
    pub fn unsupported(construct: impl fmt::Display) -> Self {
        Self::statement(format!("{construct} is not supported"))
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets the place, unless a more exact one is already known.
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        let span = span.into();
        self.each_mut(&|error| error.span = error.span.or(span));
        self
    }

    /// Sets the text that the span points into, unless it is already known.
    pub fn in_text(mut self, text: &SourceText) -> Self {
        self.each_mut(&|error| {
            if error.text.is_none() {
                error.text = Some(text.clone());
            }
        });
        self
    }

    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Marks an error that may go away by itself.
    pub fn retriable(mut self) -> Self {
        self.0.retriable = true;
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    pub fn span(&self) -> Option<Span> {
        self.0.span
    }

    pub fn text(&self) -> Option<&SourceText> {
        self.0.text.as_ref()
    }

    pub fn is_retriable(&self) -> bool {
        self.0.retriable
    }

    /// Puts words in front of the message: `ctx: message`.
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.each_mut(&|error| error.message = format!("{context}: {}", error.message));
        self
    }

    /// Errors that were found together as one: the first, and behind it the others; what several say is said once. None
    /// where there are none.
    pub fn together(errors: impl IntoIterator<Item = Error>) -> Option<Self> {
        let mut all = errors.into_iter().flat_map(Self::into_each);
        let mut first = all.next()?;
        for error in all {
            if first.each().all(|known| known.message() != error.message()) {
                first.0.others.push(error);
            }
        }
        Some(first)
    }

    /// The values of both, or the errors of both.
    pub fn both<A, B>(one: Result<A>, other: Result<B>) -> Result<(A, B)> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(one), Err(other)) => Err(one.and(other)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        }
    }

    /// The error with another that was found beside it.
    pub fn and(self, other: Error) -> Self {
        let mut all = self.into_each();
        all.extend(other.into_each());
        Self::together(all).unwrap_or_else(|| Self::internal("an error got lost"))
    }

    /// The error, and each that was found beside it.
    pub fn each(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(self).chain(&self.0.others)
    }

    /// The same, each by itself.
    pub fn into_each(mut self) -> Vec<Error> {
        let others = std::mem::take(&mut self.0.others);
        std::iter::once(self).chain(others).collect()
    }

    fn each_mut(&mut self, change: &dyn Fn(&mut Parts)) {
        change(&mut self.0);
        self.0.others.iter_mut().for_each(|other| change(&mut other.0));
    }

    /// Our error inside a DataFusion one, or the DataFusion error folded into ours as `kind`.
    pub fn from_datafusion(kind: ErrorKind, error: datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError as Df;
        match error {
            Df::External(inner) => match inner.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(other) => Self::new(kind, other.to_string()).with_source(other),
            },
            Df::Context(_, inner) => Self::from_datafusion(kind, *inner),
            Df::Diagnostic(_, inner) => Self::from_datafusion(kind, *inner),
            // What several parts of a plan were told.
            Df::Shared(inner) => match Arc::try_unwrap(inner) {
                Ok(inner) => Self::from_datafusion(kind, inner),
                Err(inner) => match inner.find_root() {
                    Df::External(ours) if ours.is::<Error>() => {
                        let ours = ours.downcast_ref::<Error>();
                        ours.map_or_else(|| Self::internal("an error got lost"), |e| Self::new(e.kind(), e.message()))
                    }
                    other => Self::new(kind, other.strip_backtrace()),
                },
            },
            Df::ArrowError(inner, backtrace) => match *inner {
                arrow::error::ArrowError::ExternalError(inner) => match inner.downcast::<Error>() {
                    Ok(ours) => *ours,
                    Err(other) => Self::new(kind, other.to_string()).with_source(other),
                },
                inner => {
                    let message = inner.to_string();
                    Self::new(kind, message).with_source(Df::ArrowError(Box::new(inner), backtrace))
                }
            },
            other => Self::new(kind, other.strip_backtrace()).with_source(other),
        }
    }
}

impl From<Error> for datafusion::error::DataFusionError {
    fn from(error: Error) -> Self {
        datafusion::error::DataFusionError::External(Box::new(error))
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        match error {
            arrow::error::ArrowError::ExternalError(inner) => match inner.downcast::<Error>() {
                Ok(ours) => *ours,
                Err(other) => Error::internal(other.to_string()).with_source(other),
            },
            other => Error::internal(other.to_string()).with_source(other),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

/// All values, or all errors as one.
pub fn all_or_errors<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    Error::together(errors).map_or(Ok(values), Err)
}

/// The name among `known` nearest to `wrong`, if one is near enough to be meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.chars().count().max(wrong.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A hint that names the nearest known name: `Did you mean "usage"?`
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wrong, known).map(|name| format!("Did you mean \"{name}\"?"))
}
