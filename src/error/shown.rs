//! An error as people read it: several lines, without colour, as wide as may be.

use std::fmt;

use super::{Error, ErrorKind};
use crate::connectors::secrets::mask_text;
use crate::span::{SourceText, Span};
use crate::wrap::{NARROWEST, columns, columns_of, fit};

/// So many columns of a line of SQL are shown at most.
const MOST: usize = 122;

const BUG: &str = "This is a bug in Millstream. Please report it with the statement that caused it.";

/// The whole error:
///
/// ```text
/// error: column "usge" not found in table "CPU_IN"
///   --> filter.sql:12:7
///    |
/// 12 | WHERE usge > 80
///    |       ^^^^
///   hint: Did you mean "usage"?
/// ```
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(None))
    }
}

impl Error {
    /// The whole error for a terminal of so many columns: words are wrapped, and a line of SQL is cut around its place.
    /// What was found beside it stands below.
    pub fn shown(&self, width: Option<usize>) -> String {
        self.each().map(|error| error.shown_alone(width)).collect::<Vec<_>>().join("\n")
    }

    fn shown_alone(&self, width: Option<usize>) -> String {
        let width = width.map(|width| width.max(NARROWEST));
        let laid_out = |text: String, indent: &str| match width {
            Some(width) => fit(&text, indent, width),
            None => text,
        };
        let mut text = laid_out(format!("error: {}", self.message()), "  ");
        if let Some(span) = self.span() {
            match self.text() {
                Some(source) => text += &snippet(source, span, width),
                None => text += &format!("\n  --> {}", span.start),
            }
        } else if let Some(source) = self.text() {
            text += &format!("\n  --> {}", source.name);
        }
        let bug = (self.kind() == ErrorKind::Internal).then_some(BUG);
        for (label, more) in [("detail", self.detail()), ("hint", self.hint()), ("hint", bug)] {
            // Further lines stand below the first; those that are wrapped are indented as far.
            let below = " ".repeat(label.len() + 4);
            let more =
                more.map(|more| more.split('\n').map(|line| format!("{below}{line}")).collect::<Vec<_>>().join("\n"));
            if let Some(more) = more {
                let more = laid_out(more, "");
                text += &format!("\n  {label}: {}", more.get(below.len()..).unwrap_or_default());
            }
        }
        text
    }
}

fn snippet(text: &SourceText, span: Span, width: Option<usize>) -> String {
    let masked = mask_text(&text.text);
    let line = masked.lines().nth(text.lines_before(span.start.line)).unwrap_or("").replace('\t', " ");
    let number = span.start.line.to_string();
    let pad = " ".repeat(number.len());
    let start = span.start.column.max(1) as usize;
    let len = line.chars().count();
    let end = if span.end.line == span.start.line { span.end.column as usize } else { len + 1 };
    let marked = end.clamp(start + 1, (len + 1).max(start + 1)) - start;
    let most = width.map_or(MOST, |width| MOST.min(width.saturating_sub(number.len() + 3)));
    let (line, before, marked) = window(&line, start - 1, marked, most);
    let place = format!("\n{pad}--> {}:{}", text.name, span.start);
    format!("{place}\n{pad} |\n{number} | {line}\n{pad} | {}{}", " ".repeat(before), "^".repeat(marked))
}

/// The part of a line around `marked` characters behind `before` others, at most `most` columns wide, and the columns
/// before them and below them.
fn window(line: &str, before: usize, marked: usize, most: usize) -> (String, usize, usize) {
    let chars: Vec<char> = line.chars().collect();
    let len = chars.len();
    // What stands behind the line's end has a column a character.
    let wide = |from: usize, to: usize| -> usize {
        let inside = chars.get(from.min(len)..to.min(len)).unwrap_or_default();
        inside.iter().map(|c| columns_of(*c)).sum::<usize>() + to.saturating_sub(from.max(len))
    };
    if columns(line) <= most {
        return (line.to_string(), wide(0, before), wide(before, before + marked).max(1));
    }
    let room = most.saturating_sub(2).max(1);
    let mut from = 0;
    if wide(0, before + marked) > room {
        from = before.min(len);
        while from > 0 && wide(from - 1, before.min(len)) <= room / 3 {
            from -= 1;
        }
        while from > 0 && wide(from - 1, len) <= room {
            from -= 1;
        }
    }
    let mut to = from;
    while to < len && wide(from, to + 1) <= room {
        to += 1;
    }
    let shown: String = chars.get(from..to).unwrap_or_default().iter().collect();
    let (head, tail) = (if from > 0 { "…" } else { "" }, if to < len { "…" } else { "" });
    let marked = wide(before, (before + marked).min(to.max(before + 1))).max(1);
    (format!("{head}{shown}{tail}"), columns(head) + wide(from, before), marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caret_line(line: &str, column: u32, width: u32, columns: Option<usize>) -> (String, String) {
        let text = SourceText::new("t.sql", line);
        let shown = Error::statement("wrong").at(Span::on_line(1, column, width)).in_text(&text).shown(columns);
        let lines: Vec<&str> = shown.lines().collect();
        (lines[3].to_string(), lines[4].to_string())
    }

    #[test]
    fn a_line_out_of_a_longer_text_has_its_number_there() {
        let text = SourceText::of_line("rows.json", 12, "{\"a\": x}");
        let shown = Error::statement("wrong").at(Span::on_line(12, 7, 1)).in_text(&text).shown(None);
        assert_eq!(shown, "error: wrong\n  --> rows.json:12:7\n   |\n12 | {\"a\": x}\n   |       ^");
    }

    #[test]
    fn a_long_line_is_shown_around_what_is_wrong_with_it() {
        let line = format!("{}wrong{}", "a".repeat(300), "b".repeat(300));
        for most in [None, Some(40), Some(20), Some(1)] {
            for (column, width) in [(301, 5), (1, 1), (605, 1), (301, 400), (700, 3)] {
                let (shown, carets) = caret_line(&line, column, width, most);
                assert!(shown.chars().count() <= most.map_or(MOST + 4, |most| most.max(NARROWEST)), "{shown}");
                assert!(carets.chars().count() <= shown.chars().count() + 100, "{carets}");
                let under: String =
                    shown.chars().zip(carets.chars()).filter(|(_, c)| *c == '^').map(|(s, _)| s).collect();
                match column {
                    301 => assert!(under.starts_with("wrong"), "{under}"),
                    1 => assert_eq!(under, "a"),
                    605 => assert_eq!(under, "b"),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_short_line_is_shown_whole() {
        let (shown, carets) = caret_line("SELECT usge FROM t", 8, 4, None);
        assert_eq!(shown, "1 | SELECT usge FROM t");
        assert_eq!(carets, "  |        ^^^^");
    }

    #[test]
    fn carets_stand_below_what_a_terminal_draws_in_two_columns() {
        let (shown, carets) = caret_line("SELECT '日本', 日本 FROM t", 14, 2, None);
        assert_eq!(shown, "1 | SELECT '日本', 日本 FROM t");
        assert_eq!(carets, "  |                ^^^^");
    }

    #[test]
    fn errors_that_were_found_together_are_shown_one_below_the_other() {
        let wrong = |what: &str, column| Error::statement(what).at(Span::on_line(1, column, 1));
        let both = Error::together([wrong("no a", 8), wrong("no b", 11).with_hint("Try c.")]).unwrap();
        let expected = "\
error: query: no a
 --> t.sql:1:8
  |
1 | SELECT a, b
  |        ^
error: query: no b
 --> t.sql:1:11
  |
1 | SELECT a, b
  |           ^
  hint: Try c.";
        let both = both.context("query").in_text(&SourceText::new("t.sql", "SELECT a, b"));
        assert_eq!(both.to_string(), expected);
        let three = Error::together([both, Error::statement("no c")]).unwrap();
        assert_eq!(three.each().count(), 3);
        assert!(Error::together([]).is_none());
    }

    #[test]
    fn a_narrow_terminal_gets_whole_words() {
        let text = SourceText::new("input", "SELECT customer, amonut FROM the_orders_of_today;");
        let error = Error::statement("column \"amonut\" not found in table \"the_orders_of_today\"")
            .with_detail("The table has three columns.\nOne of them is near.")
            .with_hint("Did you mean \"amount\", which is a DECIMAL(10, 2)?")
            .at(Span::on_line(1, 18, 6))
            .in_text(&text);
        let expected = "\
error: column \"amonut\" not found in
  table \"the_orders_of_today\"
 --> input:1:18
  |
1 | SELECT customer, amonut FROM the_o…
  |                  ^^^^^^
  detail: The table has three columns.
          One of them is near.
  hint: Did you mean \"amount\", which is
        a DECIMAL(10, 2)?";
        assert_eq!(error.shown(Some(40)), expected);
        assert_eq!(error.shown(Some(200)), error.to_string());
    }
}
