//! Texts on a screen: how many columns a terminal gives them, cut and padded, without anything that moves the cursor.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text with spaces behind it, `width` columns wide; longer ones stay.
pub fn pad_end(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}

/// The text with spaces in front of it.
pub fn pad_start(text: &str, to: usize) -> String {
    format!("{}{text}", " ".repeat(to.saturating_sub(width(text))))
}

/// The text without what a terminal would obey: line ends, tabs and other control characters are shown as pictures.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_direction(c)) {
        return Cow::Borrowed(text);
    }
    let picture = |c: char| match c {
        '\u{7f}' => '\u{2421}',
        c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        c if c.is_control() || is_direction(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.chars().map(picture).collect())
}

/// Characters that turn the direction of what follows.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text in at most `to` columns; what is cut ends with `…`.
pub fn cut(text: &str, to: usize) -> String {
    if width(text) <= to {
        return text.to_string();
    }
    if to == 0 {
        return String::new();
    }
    format!("{}…", window(text, 0, to - 1))
}

/// The part of a text from one column on, at most so many columns wide. A character that is cut in two leaves spaces.
pub fn window(text: &str, from: usize, columns: usize) -> String {
    let (mut at, mut out, mut used) = (0, String::new(), 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        let (start, end) = (at, at + wide);
        at = end;
        if end <= from && !(wide == 0 && start > from) {
            continue;
        }
        if start < from {
            // Its other half is to the left.
            out.extend(std::iter::repeat_n(' ', end - from));
            used += end - from;
        } else if used + wide <= columns {
            out.push(c);
            used += wide;
        } else {
            break;
        }
    }
    out
}

/// The text in lines of at most `to` columns: behind a blank or a comma, where there is one near the end.
pub fn folded(text: &str, to: usize) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while width(rest) > to {
        // Something must go, even where nothing has room.
        let (mut used, mut end, mut nice) = (0, rest.chars().next().map_or(0, char::len_utf8), None);
        for (at, c) in rest.char_indices() {
            used += c.width().unwrap_or(0);
            if c == ' ' && used <= to + 1 {
                nice = Some(at + 1);
            }
            if used > to {
                break;
            }
            end = at + c.len_utf8();
            if c == ',' {
                nice = Some(end);
            }
        }
        let (line, more) = rest.split_at(nice.filter(|nice| nice * 3 >= end).unwrap_or(end));
        lines.push(line.strip_suffix(' ').unwrap_or(line).to_string());
        rest = more;
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest.to_string());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(plain("a\tb\n\u{1b}[31mc\u{7f}"), "a␉b␊␛[31mc␡");
        assert_eq!(plain("\u{202e}abc"), "\u{fffd}abc");
        assert!(matches!(plain("日本 é"), Cow::Borrowed(_)));
    }

    #[test]
    fn wide_and_combining_characters_keep_the_columns() {
        assert_eq!(width("日本"), 4);
        assert_eq!(width("e\u{301}a"), 2);
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(pad_end("日", 4), "日  ");
        assert_eq!(pad_start("e\u{301}", 3), "  e\u{301}");
    }

    #[test]
    fn what_is_folded_breaks_where_words_end() {
        assert_eq!(folded("a line of words", 9), ["a line of", "words"]);
        assert_eq!(folded("{\"a\":1,\"b\":2}", 9), ["{\"a\":1,", "\"b\":2}"]);
        assert_eq!(folded("ab abcdefghijklm", 5), ["ab", "abcde", "fghij", "klm"]);
        assert_eq!(folded("a abcdefghijklmn", 8), ["a abcdef", "ghijklmn"]);
        assert_eq!(folded("日本語", 3), ["日", "本", "語"]);
        assert_eq!(folded("日本", 1), ["日", "本"]);
        assert_eq!(folded("", 3), [""]);
    }

    #[test]
    fn a_window_shows_no_halves() {
        assert_eq!(window("abcdef", 2, 3), "cde");
        assert_eq!(window("日本語", 1, 4), " 本");
        assert_eq!(window("日本語", 2, 3), "本");
        assert_eq!(window("ae\u{301}b", 1, 1), "e\u{301}");
        assert_eq!(window("ae\u{301}b", 2, 5), "b");
    }
}
