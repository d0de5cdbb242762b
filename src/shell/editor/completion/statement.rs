//! The statement that the cursor stands in, as far as completion needs to understand it: words, parentheses, tables.

use crate::sql::{LexemeKind, Lexemes, is_reserved};

/// A piece that is no blank and no comment.
#[derive(Debug, Clone, Copy)]
pub struct Token<'a> {
    pub kind: LexemeKind,
    pub text: &'a str,
}

impl Token<'_> {
    pub fn is(&self, word: &str) -> bool {
        self.kind != LexemeKind::String && self.text.eq_ignore_ascii_case(word)
    }

    pub fn is_name(&self) -> bool {
        self.kind == LexemeKind::QuotedName || self.kind == LexemeKind::Word && !is_reserved(self.text)
    }

    /// The name or text without its quotes.
    pub fn value(&self) -> String {
        match self.kind {
            LexemeKind::QuotedName => self.text.trim_matches('`').replace("``", "`"),
            LexemeKind::String => self.text.trim_matches('\'').replace("''", "'"),
            _ => self.text.to_string(),
        }
    }
}

/// A table that the statement names, and its alias.
#[derive(Debug, PartialEq, Eq)]
pub struct Used {
    pub table: String,
    pub alias: Option<String>,
}

pub struct Statement<'a> {
    /// Before the cursor, without the word it stands behind.
    pub before: Vec<Token<'a>>,
    pub after: Vec<Token<'a>>,
    /// It is the inside of a hint, which stands behind this table.
    pub hints_at: Option<String>,
}

impl<'a> Statement<'a> {
    /// The statement around `cursor`.
    pub fn at(text: &'a str, cursor: usize) -> Self {
        let mut statement = Self { before: Vec::new(), after: Vec::new(), hints_at: None };
        for lexeme in Lexemes::new(text) {
            let end = lexeme.offset + lexeme.text.len();
            if matches!(lexeme.kind, LexemeKind::Blank | LexemeKind::Comment | LexemeKind::Hint) {
                continue;
            }
            let token = Token { kind: lexeme.kind, text: lexeme.text };
            let is_word = lexeme.kind == LexemeKind::Word;
            if end < cursor || end == cursor && !is_word && lexeme.is_closed() {
                match lexeme.kind {
                    LexemeKind::Semicolon => statement.before.clear(),
                    _ => statement.before.push(token),
                }
            } else if lexeme.offset >= cursor {
                if lexeme.kind == LexemeKind::Semicolon {
                    break;
                }
                statement.after.push(token);
            }
        }
        statement
    }

    pub fn first_word(&self) -> &'a str {
        self.before.first().map_or("", |token| token.text)
    }

    pub fn starts_with(&self, words: &[&str]) -> bool {
        words.len() <= self.before.len() && words.iter().zip(&self.before).all(|(word, token)| token.is(word))
    }

    /// The token so many before the cursor, counted from 1, in upper case; empty where there is none.
    pub fn back(&self, n: usize) -> String {
        let token = self.before.len().checked_sub(n).and_then(|at| self.before.get(at));
        token.map(|token| token.text.to_uppercase()).unwrap_or_default()
    }

    /// The words so far, while there is nothing but words.
    pub fn phrase(&self) -> Option<String> {
        let words: Vec<String> = self.before.iter().map(|token| token.text.to_uppercase()).collect();
        self.before.iter().all(|token| token.kind == LexemeKind::Word).then(|| words.join(" "))
    }

    /// Where the innermost open parenthesis stands in `before`.
    pub fn open_parenthesis(&self) -> Option<usize> {
        let mut open = Vec::new();
        for (at, token) in self.before.iter().enumerate() {
            match token.text {
                "(" if token.kind == LexemeKind::Other => open.push(at),
                ")" if token.kind == LexemeKind::Other => _ = open.pop(),
                _ => {}
            }
        }
        open.pop()
    }

    /// How many parentheses are open at the cursor.
    pub fn depth(&self) -> usize {
        let signs = self.before.iter().filter(|token| token.kind == LexemeKind::Other);
        signs.fold(0, |depth: usize, token| match token.text {
            "(" => depth + 1,
            ")" => depth.saturating_sub(1),
            _ => depth,
        })
    }

    pub fn tokens(&self) -> impl Iterator<Item = &Token<'a>> {
        self.before.iter().chain(&self.after)
    }

    /// The names and dots right before the cursor: `["a", "b"]` before `a.b.|`.
    pub fn qualifier(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut rest = self.before.as_slice();
        while let [head @ .., name, dot] = rest
            && dot.text == "."
            && matches!(name.kind, LexemeKind::Word | LexemeKind::QuotedName)
        {
            names.insert(0, name.value());
            rest = head;
        }
        names
    }

    /// The tables that the statement reads or writes.
    pub fn used(&self) -> Vec<Used> {
        let tokens: Vec<&Token<'_>> = self.tokens().collect();
        let mut used: Vec<Used> = Vec::new();
        let mut at = 0;
        let mut in_from = false;
        while let Some(token) = tokens.get(at) {
            at += 1;
            let opens = ["FROM", "JOIN", "INTO", "TABLE", "OVERWRITE"].iter().any(|word| token.is(word));
            in_from |= token.is("FROM") || token.is("JOIN");
            if ["WHERE", "GROUP", "ON", "SELECT", "ORDER"].iter().any(|word| token.is(word)) {
                in_from = false;
            }
            // `TABLE(TUMBLE(TABLE t, ...)) AS w`
            if token.text == ")" && in_from {
                if let (Some(alias), Some(last)) = (alias(&tokens, &mut at), used.last_mut()) {
                    last.alias = Some(alias);
                }
            }
            if !(opens || in_from && token.text == ",") {
                continue;
            }
            let Some(mut table) = tokens.get(at).filter(|token| token.is_name()).map(|token| token.value()) else {
                continue;
            };
            at += 1;
            while tokens.get(at).is_some_and(|dot| dot.text == ".") {
                let Some(part) = tokens.get(at + 1) else { break };
                table = part.value();
                at += 2;
            }
            // `t FOR SYSTEM_TIME AS OF o.ts AS x`
            if tokens.get(at).is_some_and(|token| token.is("FOR")) {
                at += 4;
                while tokens.get(at).is_some_and(|token| token.text == "." || token.is_name()) {
                    at += 1;
                }
            }
            let alias = alias(&tokens, &mut at);
            used.push(Used { table, alias });
        }
        used
    }

    /// The columns of a query of WITH, as far as its list gives them names; None where there is no such query.
    pub fn columns_of_named(&self, name: &str) -> Option<Vec<String>> {
        let tokens: Vec<&Token<'_>> = self.tokens().collect();
        let begins = |w: &[&Token<'_>]| {
            w[0].is_name() && w[0].value() == name && w[1].is("AS") && w[2].text == "(" && w[3].is("SELECT")
        };
        let start = tokens.windows(4).position(begins)? + 4;
        let mut columns = Vec::new();
        let mut depth = 0;
        for (at, token) in tokens.iter().enumerate().skip(start) {
            let ends_list = depth == 0 && (token.is("FROM") || token.text == ")");
            if depth == 0 && (ends_list || token.text == ",") {
                // `a`, `t.a` and `... AS a` have a name.
                columns.extend(tokens.get(at - 1).filter(|last| last.is_name()).map(|last| last.value()));
            }
            match token.text {
                _ if ends_list => break,
                "(" if token.kind == LexemeKind::Other => depth += 1,
                ")" if token.kind == LexemeKind::Other => depth -= 1,
                _ => {}
            }
        }
        Some(columns)
    }

    /// The names of WITH: `WITH a AS (...), b AS (...)`.
    pub fn named_queries(&self) -> Vec<String> {
        let tokens: Vec<&Token<'_>> = self.tokens().collect();
        if !tokens.iter().any(|token| token.is("WITH")) {
            return Vec::new();
        }
        let named = |w: &&[&Token<'_>]| w[0].is_name() && w[1].is("AS") && w[2].text == "(";
        tokens.windows(3).filter(named).map(|w| w[0].value()).collect()
    }
}

fn alias(tokens: &[&Token<'_>], at: &mut usize) -> Option<String> {
    let has_as = tokens.get(*at).is_some_and(|token| token.is("AS"));
    let name = tokens.get(*at + usize::from(has_as)).filter(|token| token.is_name())?;
    *at += 1 + usize::from(has_as);
    Some(name.value())
}
