//! Log lines on standard error: as people read them, or as JSON, a line each, for a collector.
//!
//! Everything that is said while running goes through [`crate::console`] as a [`Line`]; what libraries and connectors
//! trace (`MILLSTREAM_LOG`) takes the same form here.

use std::fmt;
use std::io::IsTerminal;
use std::sync::OnceLock;

use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::console;
use crate::error::{Error, ErrorKind};
use crate::time::{Clock, SystemClock};

/// How everything on standard error is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people: lines, live on a terminal.
    #[default]
    Text,
    /// For a log collector: a JSON object a line, and nothing else.
    Json,
}

/// The variable that says what is traced, as the filter of `tracing` reads it.
const FILTER: &str = "MILLSTREAM_LOG";
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// The format of this process; text until [`init`] says otherwise.
pub fn format() -> LogFormat {
    FORMAT.get().copied().unwrap_or_default()
}

/// Sets the format of this process and starts tracing. The first call counts.
pub fn init(format: LogFormat) {
    let format = *FORMAT.get_or_init(|| format);
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new("error"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| console::Stream::Stderr);
    let started = match format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            tracing::subscriber::set_global_default(subscriber.with_ansi(colours).finish())
        }
        LogFormat::Json => {
            std::panic::set_hook(Box::new(|panic| console::say(Line::panic(panic))));
            tracing::subscriber::set_global_default(subscriber.event_format(JsonEvents).finish())
        }
    };
    // A program that embeds us may trace by its own rules already.
    drop(started);
}

/// One thing that is said: the words, and the facts in them for those who count.
#[derive(Debug, Clone)]
pub struct Line {
    level: &'static str,
    target: String,
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    pub fn info(target: &str, message: impl Into<String>) -> Self {
        Self { level: "INFO", target: target.to_string(), message: message.into(), fields: Map::new() }
    }

    /// Something that people should look at.
    pub fn warning(target: &str, message: impl Into<String>) -> Self {
        Self { level: "WARN", ..Self::info(target, message) }
    }

    /// What `error` says, where it is, and what to do; `label` is `error`, `warning` or the like.
    pub fn of(label: &str, error: &Error) -> Self {
        let level = match label {
            "error" => "ERROR",
            "warning" => "WARN",
            _ => "INFO",
        };
        let bug = "This is a bug in Millstream. Please report it with the statement that caused it.";
        let hint = error.hint().or((error.kind() == ErrorKind::Internal).then_some(bug));
        let line = Self { level, ..Self::info("millstream", error.message()) };
        line.with("notice", (level == "INFO").then_some(label))
            .with("kind", (level == "ERROR").then(|| error.kind().name()))
            .with("file", error.text().map(|text| text.name.to_string()))
            .with("line", error.span().map(|span| span.start.line))
            .with("column", error.span().map(|span| span.start.column))
            .with("detail", error.detail())
            .with("hint", hint)
    }

    fn panic(panic: &std::panic::PanicHookInfo<'_>) -> Self {
        let said = panic.payload_as_str().unwrap_or("a task panicked");
        let line = Self { level: "ERROR", ..Self::info("millstream::panic", said) };
        line.with("at", panic.location().map(ToString::to_string))
    }

    /// Adds a fact; None adds nothing.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => {}
            value => _ = self.fields.insert(name.to_string(), value),
        }
        self
    }

    /// The words alone.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line as one JSON object: time, level, target, message, then the facts.
    pub fn json(&self) -> String {
        let mut object = Map::new();
        object.insert("timestamp".into(), timestamp("%Y-%m-%dT%H:%M:%S%.3fZ").into());
        object.insert("level".into(), self.level.into());
        object.insert("target".into(), self.target.as_str().into());
        object.insert("message".into(), self.message.as_str().into());
        for (name, value) in &self.fields {
            object.entry(name.as_str()).or_insert_with(|| value.clone());
        }
        Value::Object(object).to_string()
    }
}

/// The wall clock in UTC.
pub fn timestamp(pattern: &str) -> String {
    let now = chrono::DateTime::from_timestamp_millis(SystemClock.now_ms());
    now.map_or_else(String::new, |time| time.format(pattern).to_string())
}

/// Writes what is traced as [`Line`]s.
struct JsonEvents;

impl<S, N> FormatEvent<S, N> for JsonEvents
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let about = event.metadata();
        let mut line = Line { level: about.level().as_str(), ..Line::info(about.target(), "") };
        event.record(&mut line);
        writeln!(writer, "{}", line.json())
    }
}

impl Line {
    fn record(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => _ = self.fields.insert(name.to_string(), value),
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        Line::record(self, field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        Line::record(self, field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        Line::record(self, field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        Line::record(self, field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        Line::record(self, field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        Line::record(self, field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::Line;
    use crate::error::Error;
    use crate::span::{SourceText, Span};

    #[test]
    fn an_error_is_one_object_with_its_place_and_its_hint() {
        let text = SourceText::new("job.sql", "SELECT usge\nFROM t");
        let error = Error::statement("column \"usge\" not found").with_hint("Did you mean \"usage\"?");
        let line = Line::of("error", &error.at(Span::on_line(1, 8, 4)).in_text(&text)).with("job", "j").json();
        assert!(line.starts_with("{\"timestamp\":\"20") && !line.contains('\n'), "{line}");
        let said = "\"level\":\"ERROR\",\"target\":\"millstream\",\"message\":\"column \\\"usge\\\" not found\",\"kind\":\"statement\",\"file\":\"job.sql\",\"line\":1,\"column\":8,\"hint\":\"Did you mean \\\"usage\\\"?\",\"job\":\"j\"}";
        assert!(line.ends_with(said), "{line}");
    }

    #[test]
    fn facts_never_take_the_place_of_the_lines_own_words() {
        let line = Line::info("t", "m").with("level", "x").with("n", 7).with("none", None::<u64>).json();
        assert!(line.ends_with("\"level\":\"INFO\",\"target\":\"t\",\"message\":\"m\",\"n\":7}"), "{line}");
    }
}
