//! The blocks of a page of the documentation, and its inline marks as text for a terminal.

/// Where bold begins and ends inside a text; neither takes room.
pub const BOLD: char = '\u{1}';
pub const PLAIN: char = '\u{2}';

/// A piece of a page. Texts are as they were written, with their inline marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Heading {
        level: usize,
        text: String,
    },
    Paragraph(String),
    /// An item of a list, and how deep it stands.
    Item {
        depth: usize,
        mark: String,
        text: String,
    },
    /// `language` is what stands behind the fence: `sql run`.
    Code {
        language: String,
        lines: Vec<String>,
    },
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// Names in columns, read down. No page has them.
    Names(Vec<String>),
}

/// Reads the subset of Markdown that our pages are written in.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().peekable();
    let mut is_open = false;
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        let continues = std::mem::take(&mut is_open);
        if trimmed.is_empty() || (trimmed.starts_with("<!--") && trimmed.ends_with("-->")) {
            continue;
        }
        if let Some(language) = trimmed.strip_prefix("```") {
            let indent = line.len() - line.trim_start().len();
            let body = lines.by_ref().take_while(|l| l.trim() != "```");
            let body = body.map(|l| l.get(indent.min(l.len() - l.trim_start().len())..).unwrap_or(l).to_string());
            blocks.push(Block::Code { language: language.to_string(), lines: body.collect() });
        } else if trimmed.starts_with('|') {
            let mut rows = Vec::new();
            while let Some(row) = lines.next_if(|l| l.trim().starts_with('|')) {
                rows.push(cells(row));
            }
            // The line of dashes.
            if !rows.is_empty() {
                rows.remove(0);
            }
            blocks.push(Block::Table { head: cells(line), rows });
        } else if let Some((level, text)) = heading(trimmed) {
            blocks.push(Block::Heading { level, text: text.to_string() });
        } else if let Some((mark, text)) = item(trimmed) {
            let depth = (line.len() - line.trim_start().len()) / 2;
            blocks.push(Block::Item { depth, mark, text: text.to_string() });
            is_open = true;
        } else {
            is_open = true;
            match blocks.last_mut() {
                Some(Block::Paragraph(text) | Block::Item { text, .. }) if continues => {
                    text.push(' ');
                    text.push_str(trimmed);
                }
                _ => blocks.push(Block::Paragraph(trimmed.to_string())),
            }
        }
    }
    blocks
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    text.strip_prefix(' ').filter(|_| (1..=6).contains(&level)).map(|text| (level, text.trim()))
}

fn item(line: &str) -> Option<(String, &str)> {
    if let Some(text) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
        return Some(("-".to_string(), text.trim()));
    }
    let (number, text) = line.split_once(". ")?;
    let is_number = !number.is_empty() && number.len() < 3 && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| (format!("{number}."), text.trim()))
}

/// The cells of a line of a table; `\|` is a bar inside one.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, cells.last_mut()) {
            ('\\', Some(cell)) if chars.peek() == Some(&'|') => cell.extend(chars.next()),
            ('|', _) => cells.push(String::new()),
            (c, Some(cell)) => cell.push(c),
            (_, None) => {}
        }
    }
    if cells.last().is_some_and(|last| last.trim().is_empty()) {
        cells.pop();
    }
    cells.into_iter().map(|cell| cell.trim().to_string()).collect()
}

/// The text without its marks: code and links as their text, `**` as bold.
pub fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        let taken = match c {
            '`' => behind.split_once('`').map(|(code, next)| (code.to_string(), next)),
            '[' => link(behind),
            '*' if behind.starts_with('*') => behind[1..]
                .split_once("**")
                .filter(|(inside, _)| !inside.is_empty() && !inside.starts_with(' '))
                .map(|(inside, next)| (format!("{BOLD}{}{PLAIN}", inline(inside)), next)),
            '*' => behind
                .split_once('*')
                .filter(|(inside, _)| {
                    inside.starts_with(char::is_alphanumeric) && inside.ends_with(char::is_alphanumeric)
                })
                .map(|(inside, next)| (inline(inside), next)),
            _ => None,
        };
        match taken {
            Some((inside, next)) => {
                out += &inside;
                rest = next;
            }
            None => {
                out.push(c);
                rest = behind;
            }
        }
    }
    out
}

/// What stands in `text](address)`, and what comes behind.
fn link(behind: &str) -> Option<(String, &str)> {
    let (text, rest) = behind.split_once("](")?;
    let (_, next) = rest.split_once(')')?;
    (!text.contains('[') || text.contains('`')).then(|| (inline(text), next))
}

/// The spans of code in a text.
pub fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_text() {
        for (written, shown) in [
            ("a `b` c", "a b c"),
            ("[GROUP BY](../group-by.md), not `a[1](x)`", "GROUP BY, not a[1](x)"),
            ("[`scan.*`](x.md)", "scan.*"),
            ("**LIKE** it, *really*", "\u{1}LIKE\u{2} it, really"),
            ("COUNT(*), SUM(*)", "COUNT(*), SUM(*)"),
            ("2 * 3 * 4", "2 * 3 * 4"),
            ("an [open", "an [open"),
            ("`open", "`open"),
        ] {
            assert_eq!(inline(written), shown, "{written}");
        }
    }

    #[test]
    fn a_page_is_its_blocks() {
        let page = "# T\n\n<!-- x -->\none\ntwo\n- a\n  b\n1. c\n\n| A | B |\n| --- | --- |\n| `x \\| y` | |\n\n```sql run\n\
                    SELECT 1;\n\n```\n";
        let text = |text: &str| text.to_string();
        assert_eq!(
            blocks(page),
            [
                Block::Heading { level: 1, text: text("T") },
                Block::Paragraph(text("one two")),
                Block::Item { depth: 0, mark: text("-"), text: text("a b") },
                Block::Item { depth: 0, mark: text("1."), text: text("c") },
                Block::Table { head: vec![text("A"), text("B")], rows: vec![vec![text("`x | y`"), text("")]] },
                Block::Code { language: text("sql run"), lines: vec![text("SELECT 1;"), text("")] },
            ]
        );
    }
}
