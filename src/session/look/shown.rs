//! Bytes and times of other systems as text in one line.

use chrono::DateTime;
use chrono_tz::Tz;

use crate::connectors::kafka::inspect::Kept;

/// A missing value within a text.
const NULL: &str = "<NULL>";
/// Bytes of a key or value that are shown.
pub const SHOWN: usize = 1_000;

/// Text as it is, in one line; other bytes in hexadecimal; with a note where it was cut.
pub fn bytes(kept: &Kept) -> String {
    let rest = kept.length - kept.bytes.len();
    let shown = match text(&kept.bytes) {
        Some(text) => one_line(text),
        None => format!("0x{}", kept.bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>()),
    };
    if rest > 0 { format!("{shown}… ({} bytes)", kept.length) } else { shown }
}

/// The text that bytes are, perhaps cut within a character; `None` where they hold what is no text.
pub fn text(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    text.chars().all(is_text).then_some(text)
}

/// JSON over several lines goes into one; line ends of other text are written as `\n`.
pub fn one_line(text: &str) -> String {
    if !text.contains(['\n', '\r', '\t']) {
        return text.to_string();
    }
    let is_json =
        text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    match is_json {
        // Inside its strings JSON has no line ends.
        true => text.lines().map(|line| line.trim().replace('\t', " ")).collect::<Vec<_>>().join(" "),
        false => text.replace('\r', "\\r").replace('\n', "\\n").replace('\t', "\\t"),
    }
}

/// `2026-01-31 12:00:00.000` in `zone`; NULL where a record has no time.
pub fn time(millis: Option<i64>, zone: Tz) -> Option<String> {
    let time = millis.and_then(DateTime::from_timestamp_millis)?;
    Some(time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// `{trace=1, empty=, none=<NULL>}`, in order; a header may come twice.
pub fn headers(headers: &[(String, Option<Kept>)]) -> String {
    let text = |value: &Option<Kept>| value.as_ref().map_or(NULL.to_string(), bytes);
    let shown = headers.iter().map(|(key, value)| format!("{}={}", one_line(key), text(value)));
    format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_text_where_they_are_text() {
        let shown = |value: &[u8]| bytes(&Kept::new(value, 8));
        assert_eq!(shown(b"{\"a\":1}"), "{\"a\":1}");
        assert_eq!(shown(b"{\n \"a\":\n1}"), "{\\n \"a\":\\n… (10 bytes)");
        assert_eq!(shown(b"{\n\"a\"\n}"), "{\\n\"a\"\\n}", "not JSON");
        assert_eq!(shown(b"[\n\t1\n]"), "[ 1 ]");
        assert_eq!(shown(b""), "");
        assert_eq!(shown(&[0, 0, 0, 1, 255]), "0x00000001FF");
        assert_eq!(shown(b"\x1b[31mred"), "0x1B5B33316D726564", "nothing that a terminal obeys");
        assert_eq!(shown("1234567ä".as_bytes()), "1234567… (9 bytes)", "cut within a character");
    }
}
