//! The pages of the documentation that the binary carries, and the names that each is found by.

use super::markdown::{Block, blocks, code_spans, inline};

/// Name in `docs/` and text, written by `build.rs`.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Sections that many pages have, and those that nobody asks for by name: no topics.
const COMMON: &[&str] = &[
    "Differences from Flink",
    "An example",
    "State",
    "Types",
    "Scan",
    "Lookup",
    "Sink",
    "Limits",
    "Where this comes from",
    "How this is tested",
];

/// One page.
#[derive(Debug)]
pub struct Page {
    /// `sql/windows.md`
    pub path: &'static str,
    pub blocks: Vec<Block>,
}

/// Every page, sorted by its path.
pub fn all() -> Vec<Page> {
    PAGES.iter().map(|(path, text)| Page { path, blocks: blocks(text) }).collect()
}

impl Page {
    pub fn title(&self) -> &str {
        match self.blocks.first() {
            Some(Block::Heading { text, .. }) => text,
            _ => self.path,
        }
    }

    /// `windows` of `sql/windows.md`.
    pub fn stem(&self) -> &'static str {
        let file = self.path.rsplit('/').next().unwrap_or(self.path);
        file.strip_suffix(".md").unwrap_or(file)
    }

    /// The folder that it is in: `sql`, or nothing.
    pub fn folder(&self) -> &'static str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// True for a page of a statement.
    pub fn is_of_statements(&self) -> bool {
        self.folder() == "sql/statements"
    }

    /// What it is about: its first sentence.
    pub fn about(&self) -> String {
        let paragraph = self.blocks.iter().find_map(|block| match block {
            // A statement's page begins with its syntax.
            Block::Paragraph(text) if !self.is_of_statements() || !text.starts_with('`') => Some(inline(text)),
            _ => None,
        });
        first_sentence(&paragraph.unwrap_or_else(|| self.title().to_string()))
    }

    /// The rows of its first table.
    pub fn first_table(&self) -> Option<&[Vec<String>]> {
        self.blocks.iter().find_map(|block| match block {
            Block::Table { rows, .. } => Some(rows.as_slice()),
            _ => None,
        })
    }

    /// The page's names: its title, whole and up to a colon, or the statements that stand in it.
    pub fn names(&self) -> Vec<String> {
        let parts: Vec<&str> = self.title().split(", ").flat_map(|part| part.split(" and ")).map(str::trim).collect();
        match self.is_of_statements() && parts.iter().all(|part| is_head(part)) {
            true => parts.into_iter().map(str::to_string).collect(),
            false => {
                // `Looking around` of `Looking around: topics and tables`.
                let short = self.title().split_once(": ").map(|(short, _)| short.to_string());
                std::iter::once(self.title().to_string()).chain(short).collect()
            }
        }
    }

    /// The beginnings of the statements and clauses whose syntax stands in the page: `SHOW CREATE TABLE`.
    pub fn heads(&self) -> Vec<String> {
        let mut heads: Vec<String> = Vec::new();
        if !self.is_of_statements() {
            return heads;
        }
        for block in &self.blocks {
            match block {
                Block::Heading { text, .. } if text.starts_with("Differences") => break,
                Block::Paragraph(text) | Block::Item { text, .. } if text.trim_start_matches('*').starts_with('`') => {
                    heads.extend(code_spans(text).flat_map(heads_of));
                }
                Block::Table { rows, .. } => {
                    let first = rows.iter().filter_map(|row| row.first());
                    heads.extend(first.flat_map(|cell| code_spans(cell)).flat_map(heads_of));
                }
                _ => {}
            }
        }
        heads
    }

    /// The sections that are topics, by their headings. Numbered ones are the steps of one text.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        let is_step = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        self.blocks.iter().skip(1).filter_map(move |block| match block {
            Block::Heading { text, .. } if !COMMON.contains(&text.as_str()) && !is_step(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The blocks from a heading to the next of its level.
    pub fn section(&self, heading: &str) -> &[Block] {
        let is_it = |block: &Block| matches!(block, Block::Heading { text, .. } if text == heading);
        let Some(start) = self.blocks.iter().position(is_it) else { return &[] };
        let Some(Block::Heading { level: own, .. }) = self.blocks.get(start) else { return &[] };
        let rest = self.blocks.get(start + 1..).unwrap_or_default();
        let ends = |block: &Block| matches!(block, Block::Heading { level, .. } if level <= own);
        let end = rest.iter().position(ends).map_or(self.blocks.len(), |end| start + 1 + end);
        self.blocks.get(start..end).unwrap_or_default()
    }
}

/// The first sentence of a text, without its full stop.
pub fn first_sentence(text: &str) -> String {
    let end = [". ", ": ", "; "].iter().filter_map(|stop| text.find(stop)).min();
    let sentence = end.map_or(text, |end| text.get(..end).unwrap_or(text));
    sentence.trim_end_matches(['.', ':']).to_string()
}

fn is_head(text: &str) -> bool {
    !text.is_empty() && text.split(' ').all(is_keyword)
}

fn is_keyword(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

/// The keywords that a syntax begins with: with and without an optional word, without other optional parts; each
/// alternative is one head.
fn heads_of(syntax: &str) -> Vec<String> {
    let mut heads = vec![String::new()];
    let mut rest = syntax.trim_start();
    while !rest.is_empty() {
        let (alternatives, next): (Vec<&str>, &str) = if rest.starts_with('[') {
            let Some(end) = closing(rest) else { break };
            let inside = rest.get(1..end).unwrap_or_default();
            let words = if is_keyword(inside) { vec!["", inside] } else { Vec::new() };
            (words, rest.get(end + 1..).unwrap_or_default())
        } else if let Some(inside) = rest.strip_prefix('{') {
            let Some((inside, next)) = inside.split_once('}') else { break };
            (inside.split('|').map(str::trim).collect(), next)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (word, next) = rest.split_at(end);
            (vec![word.trim_end_matches(',')], next)
        };
        if !alternatives.iter().all(|alternative| alternative.is_empty() || is_head(alternative)) {
            break;
        }
        if !alternatives.is_empty() {
            let longer = |head: &String| {
                let head = head.clone();
                alternatives.iter().map(move |word| format!("{head} {word}").trim().to_string()).collect::<Vec<_>>()
            };
            heads = heads.iter().flat_map(longer).collect();
        }
        rest = next.trim_start();
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// Where the bracket that a text begins with is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_has_heads() {
        for (syntax, heads) in [
            ("SHOW TABLES [[NOT] LIKE 'pattern']", "SHOW TABLES"),
            ("SHOW CREATE {TABLE | VIEW} t", "SHOW CREATE TABLE, SHOW CREATE VIEW"),
            ("{DESCRIBE | DESC} t", "DESCRIBE, DESC"),
            (
                "DROP [TEMPORARY] {TABLE | VIEW} [IF EXISTS] t",
                "DROP TABLE, DROP VIEW, DROP TEMPORARY TABLE, DROP TEMPORARY VIEW",
            ),
            ("[WITH name AS (query), …] SELECT … FROM …", "SELECT"),
            ("VALUES (…), …", "VALUES"),
            ("WATERMARK FOR c AS expression", "WATERMARK FOR"),
            ("t /*+ OPTIONS('key' = 'value') */", ""),
        ] {
            assert_eq!(heads_of(syntax).join(", "), heads, "{syntax}");
        }
    }
}
