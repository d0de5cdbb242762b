//! Words in lines that are no wider than a terminal.

use unicode_width::UnicodeWidthChar;

/// No text is laid out narrower than this, whatever the terminal says.
pub const NARROWEST: usize = 20;

/// The columns that a terminal gives a text; none to what controls it.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The columns that a terminal gives a character.
pub fn columns_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Lines of at most `width`; a word that is longer is cut.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let wide = columns(word);
        if used > 0 && used + 1 + wide > width {
            lines.push(String::new());
            used = 0;
        }
        if used > 0 {
            push(&mut lines, ' ');
            used += 1;
        }
        if wide <= width {
            word.chars().for_each(|c| push(&mut lines, c));
            used += wide;
            continue;
        }
        for c in word.chars() {
            let one = columns_of(c);
            if used + one > width {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, c);
            used += one;
        }
    }
    lines
}

fn push(lines: &mut [String], c: char) {
    if let Some(line) = lines.last_mut() {
        line.push(c);
    }
}

/// A text behind `mark`, its further lines below its first.
pub fn hang(mark: &str, text: &str, width: usize) -> Vec<String> {
    let indent = columns(mark);
    let lines = wrap(text, width.saturating_sub(indent).max(NARROWEST / 2));
    let mark_or_blank = |i: usize| if i == 0 { mark.to_string() } else { " ".repeat(indent) };
    lines.into_iter().enumerate().map(|(i, line)| format!("{}{line}", mark_or_blank(i))).collect()
}

/// Every line of a text that is wider than `width` in several, the further ones behind `indent`. The others, and the
/// blanks that a line begins with, stay as they are.
pub fn fit(text: &str, indent: &str, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut lines = Vec::new();
    for line in text.split('\n') {
        if columns(line) <= width {
            lines.push(line.to_string());
            continue;
        }
        let words = line.trim_start();
        let blanks = line.get(..line.len() - words.len()).unwrap_or_default();
        let mut before = blanks.to_string();
        let mut open = String::new();
        for word in words.split_whitespace() {
            if !open.is_empty() && columns(&before) + columns(&open) + 1 + columns(word) > width {
                lines.push(format!("{before}{}", std::mem::take(&mut open)));
                before = format!("{blanks}{indent}");
            }
            if !open.is_empty() {
                open.push(' ');
            }
            open += word;
        }
        // A word that has no room at all goes on in the next row, as the terminal does it: so it can be copied.
        lines.push(format!("{before}{open}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_have_room() {
        assert_eq!(wrap("abcdefgh ij", 5), ["abcde", "fgh", "ij"]);
        assert_eq!(wrap("日本語 x", 5), ["日本", "語 x"]);
        assert_eq!(
            hang("- ", "some words that are more than a line", 20),
            ["- some words that", "  are more than a", "  line"]
        );
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        assert_eq!(
            fit("two  blanks\n\nand a longer line than fits", "  ", 20),
            "two  blanks\n\nand a longer line\n  than fits"
        );
        assert_eq!(fit("  an indented line that is long", "  ", 20), "  an indented line\n    that is long");
        let path = "/a/path/that/is/longer/than/a/line";
        assert_eq!(fit(&format!("see {path} there"), "", 20), format!("see\n{path}\nthere"));
    }
}
