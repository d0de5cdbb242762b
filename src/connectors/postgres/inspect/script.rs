//! The statements of a text for PostgreSQL, as far as their command tags go: the driver keeps only the counts.

/// What a statement's tag begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    words: String,
    counts: bool,
}

impl Tag {
    /// True for a statement that has rows and nothing else to tell.
    pub fn is_query(&self) -> bool {
        self.words == "SELECT" && self.counts
    }

    /// As psql prints it; `None` where it prints the rows alone.
    pub fn text(&self, count: u64, has_rows: bool) -> Option<String> {
        match self.words.as_str() {
            "" => None,
            "INSERT" => Some(format!("INSERT 0 {count}")),
            "UPDATE" | "DELETE" | "MERGE" => Some(format!("{} {count}", self.words)),
            _ if has_rows => None,
            words if self.counts => Some(format!("{words} {count}")),
            words => Some(words.to_string()),
        }
    }
}

/// One for each statement of a text.
pub fn tags(sql: &str) -> Vec<Tag> {
    statements(sql).iter().map(|words| tag(words)).collect()
}

/// The words of each statement that stand in no parentheses, in capitals; without comments, strings and names in quotes.
fn statements(sql: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut depth, mut rest, mut is_something) = (0_usize, sql, false);
    while let Some(c) = rest.chars().next() {
        let length = piece(rest, c, &word);
        let (taken, behind) = rest.split_at(length.min(rest.len()));
        rest = behind;
        if taken.len() == c.len_utf8() && (c.is_alphanumeric() || c == '_' || c == '$') {
            word.extend(c.to_uppercase());
            is_something = true;
            continue;
        }
        if !word.is_empty() {
            let word = std::mem::take(&mut word);
            if depth == 0 {
                words.push(word);
            }
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => {
                // Nothing between two `;` is no statement.
                if std::mem::take(&mut is_something) {
                    all.push(std::mem::take(&mut words));
                }
                continue;
            }
            _ => {}
        }
        is_something |= !c.is_whitespace() && !taken.starts_with("--") && !taken.starts_with("/*");
    }
    if !word.is_empty() {
        words.push(word);
    }
    if is_something {
        all.push(words);
    }
    all
}

/// The length of what begins with `c`: a comment, a string, a quoted name, or the character alone.
fn piece(rest: &str, c: char, word: &str) -> usize {
    let until = |close: &str, from: usize| {
        rest.get(from..).and_then(|inner| inner.find(close)).map_or(rest.len(), |at| from + at + close.len())
    };
    match c {
        '-' if rest.starts_with("--") => until("\n", 2),
        '/' if rest.starts_with("/*") => comment(rest),
        '\'' if word.eq_ignore_ascii_case("e") => escaped(rest),
        // A doubled quote is the end of one string and the beginning of the next.
        '\'' => until("'", 1),
        '"' => until("\"", 1),
        '$' if word.is_empty() => {
            let tag = rest.get(1..).and_then(|tag| tag.find('$').map(|at| &rest[..at + 2]));
            let is_tag = |tag: &&str| {
                let name = tag.trim_matches('$');
                name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
            };
            tag.filter(is_tag).map_or(1, |tag| until(tag, tag.len()))
        }
        c => c.len_utf8(),
    }
}

/// Comments lie within one another.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(inner) = rest.get(at..).filter(|inner| !inner.is_empty()) {
        match inner {
            inner if inner.starts_with("/*") => (depth, at) = (depth + 1, at + 2),
            inner if inner.starts_with("*/") => (depth, at) = (depth - 1, at + 2),
            inner => at += inner.chars().next().map_or(1, char::len_utf8),
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// `'...'` in which a backslash takes the next character with it.
fn escaped(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => _ = chars.next(),
            '\'' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Words that stand between CREATE and what is made.
const ADJECTIVES: &[&str] = &[
    "OR",
    "REPLACE",
    "TEMP",
    "TEMPORARY",
    "UNLOGGED",
    "UNIQUE",
    "GLOBAL",
    "LOCAL",
    "RECURSIVE",
    "TRUSTED",
    "PROCEDURAL",
    "CONSTRAINT",
];
/// Things of two words.
const TWO: &[&str] = &["MATERIALIZED", "FOREIGN", "EVENT", "ACCESS", "TEXT", "DEFAULT"];

fn tag(words: &[String]) -> Tag {
    let word = |i: usize| words.get(i).map_or("", String::as_str);
    let plain = |words: &str| Tag { words: words.to_string(), counts: false };
    let counted = |words: &str| Tag { words: words.to_string(), counts: true };
    match word(0) {
        first @ ("INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY" | "MOVE" | "FETCH") => counted(first),
        "WITH" => {
            let change = words.iter().find(|w| ["INSERT", "UPDATE", "DELETE", "MERGE"].contains(&w.as_str()));
            change.map_or(counted("SELECT"), |change| counted(change))
        }
        "" | "SELECT" | "VALUES" | "TABLE" | "SHOW" | "EXPLAIN" => counted("SELECT"),
        verb @ ("CREATE" | "DROP" | "ALTER" | "REFRESH") => {
            let mut things = words.iter().skip(1).map(String::as_str).skip_while(|w| ADJECTIVES.contains(w));
            let thing = things.next().unwrap_or_default();
            let thing = match TWO.contains(&thing) {
                true => format!("{thing} {}", things.next().unwrap_or_default()),
                false => thing.to_string(),
            };
            let is_query = |w: &str| ["SELECT", "WITH", "VALUES", "TABLE", "EXECUTE"].contains(&w) || w.is_empty();
            let mut behind = things.skip_while(|w| *w != "AS").skip(1);
            match (verb, thing.as_str()) {
                ("CREATE", "TABLE" | "MATERIALIZED VIEW")
                    if words.iter().any(|w| w == "AS") && is_query(behind.next().unwrap_or_default()) =>
                {
                    counted("SELECT")
                }
                _ => plain(&format!("{verb} {thing}")),
            }
        }
        "TRUNCATE" => plain("TRUNCATE TABLE"),
        "LOCK" => plain("LOCK TABLE"),
        "START" => plain("START TRANSACTION"),
        "END" => plain("COMMIT"),
        "ABORT" => plain("ROLLBACK"),
        "DECLARE" => plain("DECLARE CURSOR"),
        "CLOSE" => plain("CLOSE CURSOR"),
        other => plain(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_psqls() {
        for (sql, expected) in [
            ("INSERT INTO t VALUES (1), (2);", vec!["INSERT 0 2"]),
            ("UPDATE t SET a = 1", vec!["UPDATE 2"]),
            ("WITH x AS (DELETE FROM a RETURNING *) INSERT INTO t SELECT * FROM x", vec!["INSERT 0 2"]),
            ("create unlogged table t (a int); create unique index on t (a)", vec!["CREATE TABLE", "CREATE INDEX"]),
            ("CREATE TABLE t AS SELECT 1", vec!["SELECT 2"]),
            ("CREATE TABLE t (a int GENERATED ALWAYS AS (b) STORED)", vec!["CREATE TABLE"]),
            ("CREATE OR REPLACE FUNCTION f() RETURNS int AS $f$ SELECT 1; $f$ LANGUAGE sql", vec!["CREATE FUNCTION"]),
            ("/* a; /* b; */ */ BEGIN; -- c;\n;; TRUNCATE t; END", vec!["BEGIN", "TRUNCATE TABLE", "COMMIT"]),
            (
                "SET a = E'\\';'; DO $$ BEGIN; END $$; DROP MATERIALIZED VIEW \"a;\"\"b\"",
                vec!["SET", "DO", "DROP MATERIALIZED VIEW"],
            ),
            ("DELETE FROM t WHERE a = 'it''s; $1' OR b = $1", vec!["DELETE 2"]),
            ("", vec![]),
            (" ; -- nothing", vec![]),
        ] {
            let shown: Vec<_> = tags(sql).iter().filter_map(|tag| tag.text(2, false)).collect();
            assert_eq!(shown, expected, "{sql}");
        }
        assert_eq!(tags("SELECT 1")[0].text(1, true), None);
        assert_eq!(tags("INSERT INTO t VALUES (1) RETURNING a")[0].text(1, true).as_deref(), Some("INSERT 0 1"));
    }
}
