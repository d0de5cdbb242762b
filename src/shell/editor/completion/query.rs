//! Words, names and functions outside strings: at the start of a statement, in declarations, in queries.

use super::Proposal;
use super::options::declared_columns;
use super::statement::{Statement, Token};
use crate::catalog::{DEFAULT_CATALOG, DEFAULT_DATABASE};
use crate::shell::command::WORDS;
use crate::shell::editor::vocabulary::{FunctionKind, Relation, Vocabulary};
use crate::shell::editor::words::{CLAUSES, COLUMN_WORDS, EXPRESSION_WORDS, FOLLOWS, LOOKS, SHOW, TABLE_WORDS, TYPES};
use crate::sql::{LexemeKind, STATEMENT_HEADS, spelled};
use crate::types::{SqlType, TypeKind};

/// What may follow the statement's tokens; what doesn't begin with the typed word is taken out by the caller.
pub fn proposals(statement: &Statement<'_>, typed: &str, vocabulary: &Vocabulary) -> Vec<Proposal> {
    if statement.hints_at.is_some() {
        let options = Proposal::part("OPTIONS(", "options of the table for this statement alone");
        return if statement.before.is_empty() { vec![options] } else { Vec::new() };
    }
    if !statement.qualifier().is_empty() {
        return as_names(names(statement, vocabulary));
    }
    if statement.back(1) == "." {
        return Vec::new();
    }
    if is_new_alias(statement, typed) {
        return Vec::new();
    }
    let (begun, looked) = (start(statement), look(statement));
    if statement.starts_with(&["USE"]) {
        return begun.into_iter().flatten().chain(chosen(statement)).collect();
    }
    if begun.is_some() || looked.is_some() {
        let place = relation_place(statement).filter(|_| looked.is_none() && statement.before.len() == 1);
        let tables = place.map(|kinds| relations(statement, kinds, vocabulary));
        return [tables, begun, looked].into_iter().flatten().flatten().collect();
    }
    if let Some(kinds) = relation_place(statement) {
        return relations(statement, kinds, vocabulary);
    }
    if statement.starts_with(&["ALTER"]) {
        return alteration(statement);
    }
    if statement.starts_with(&["CREATE"]) && !statement.tokens().any(|token| token.is("SELECT")) {
        return declaration(statement, vocabulary);
    }
    if let Some(columns) = filled_columns(statement, vocabulary) {
        return columns;
    }
    let is_query = ["SELECT", "INSERT", "WITH", "VALUES", "EXPLAIN", "CREATE", "EXECUTE", "BEGIN"];
    match is_query.iter().any(|word| statement.starts_with(&[word])) || statement.first_word() == "(" {
        true => expression(statement, typed, vocabulary),
        false => Vec::new(),
    }
}

/// The first words of a statement.
fn start(statement: &Statement<'_>) -> Option<Vec<Proposal>> {
    let phrase = statement.phrase()?;
    if phrase.is_empty() {
        let is_show = |head: &str| head.starts_with("SHOW ");
        let heads = STATEMENT_HEADS.iter().filter(|(head, _)| !is_show(head)).chain([&SHOW]);
        let statements = heads.map(|(words, about)| Proposal::word(*words, *about));
        let commands = WORDS.iter().map(|(word, about)| Proposal::word(word.to_uppercase(), *about));
        return Some(statements.chain(commands).collect());
    }
    if phrase == "STATEMENT SET BEGIN" || phrase.ends_with("STATEMENT SET BEGIN") {
        return Some(vec![Proposal::word("INSERT INTO", "")]);
    }
    let phrase = match phrase.as_str() {
        "DESC" => "DESCRIBE",
        named if named.starts_with("SUGGEST TABLE ") && named.ends_with(" FOR") => "SUGGEST TABLE FOR",
        other => other,
    };
    let rest_of = |head: &'static str| head.strip_prefix(phrase)?.strip_prefix(' ');
    let heads = STATEMENT_HEADS.iter().filter_map(|(head, about)| Some(Proposal::word(rest_of(head)?, *about)));
    let follows = FOLLOWS.iter().filter(|(before, _)| *before == phrase).flat_map(|(_, words)| words.iter());
    let all: Vec<Proposal> = heads.chain(follows.map(|word| Proposal::word(*word, ""))).collect();
    (!all.is_empty()).then_some(all)
}

/// What USE may choose.
fn chosen(statement: &Statement<'_>) -> Vec<Proposal> {
    let catalog = Proposal::part(DEFAULT_CATALOG, "catalog");
    match statement.phrase().as_deref() {
        Some("USE") => vec![catalog, Proposal::part(DEFAULT_DATABASE, "database")],
        Some("USE CATALOG") => vec![catalog],
        _ => Vec::new(),
    }
}

/// In the list of the columns that an INSERT fills, those that don't stand there yet; or a query, in its parentheses.
fn filled_columns(statement: &Statement<'_>, vocabulary: &Vocabulary) -> Option<Vec<Proposal>> {
    let (head, list) = statement.before.split_at_checked(statement.open_parenthesis()?)?;
    let insert = head.iter().rposition(|token| token.is("INSERT"))?;
    let [_, into, path @ ..] = head.get(insert..)? else { return None };
    let is_path = |tokens: &[Token<'_>]| tokens.iter().all(|token| token.is_name() || matches!(token.text, "." | ","));
    let (table, [_, listed @ ..]) = (path.last()?, list) else { return None };
    if !(into.is("INTO") || into.is("OVERWRITE")) || !is_path(path) || !is_path(listed) {
        return None;
    }
    if statement.before.last().is_some_and(Token::is_name) {
        return Some(Vec::new());
    }
    let known = vocabulary.tables.iter().find(|relation| relation.name == table.value());
    let is_listed = |name: &str| listed.iter().any(|token| token.is_name() && token.value() == name);
    let columns = known.into_iter().flat_map(|relation| &relation.columns).filter(|(name, _)| !is_listed(name));
    let mut all = as_names(columns.cloned().collect());
    if listed.is_empty() {
        all.extend(words(&["SELECT", "VALUES"]));
    }
    Some(all)
}

/// Behind the first words of a statement that looks into services: its clauses.
fn look(statement: &Statement<'_>) -> Option<Vec<Proposal>> {
    let begins = |head: &str| statement.starts_with(&head.split(' ').collect::<Vec<_>>());
    let (head, clauses) = LOOKS.iter().find(|(head, _)| begins(head))?;
    let (length, last) = (statement.before.len(), statement.back(1));
    let is_bare = length == head.split(' ').count();
    Some(match last.as_str() {
        // The name of what is looked at, which only the service knows.
        _ if is_bare && !head.starts_with("SHOW") => Vec::new(),
        "FOR" | "LIKE" | "LIMIT" | "GROUP" | "PARTITION" | "TABLE" | "INDEX" => Vec::new(),
        _ => {
            let is_there = |clause: &str| {
                statement.tokens().any(|token| clause.split(' ').next().is_some_and(|word| token.is(word)))
            };
            clauses.iter().filter(|clause| !is_there(clause)).map(|clause| Proposal::word(*clause, "")).collect()
        }
    })
}

/// Which relations may stand at the cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Tables,
    Views,
    Both,
    /// In a query: those that WITH names, too.
    Given,
    /// And functions.
    Sources,
}

fn relation_place(statement: &Statement<'_>) -> Option<Kinds> {
    let (one, two, three) = (statement.back(1), statement.back(2), statement.back(3));
    let creates = statement.starts_with(&["CREATE"]);
    match one.as_str() {
        "FROM" if statement.starts_with(&["SHOW"]) => Some(Kinds::Both),
        // `EXTRACT(unit FROM time)`, `TRIM(... FROM text)`
        "FROM" if in_call_of(statement, &["EXTRACT", "TRIM", "SUBSTRING", "OVERLAY"]) => None,
        "FROM" | "JOIN" => Some(Kinds::Sources),
        "," if in_from(statement) => Some(Kinds::Sources),
        "INTO" | "OVERWRITE" if statement.tokens().any(|token| token.is("INSERT")) => Some(Kinds::Tables),
        "DESCRIBE" | "DESC" if statement.before.len() == 1 => Some(Kinds::Both),
        "TABLE" if two == "CREATE" && three == "SHOW" => Some(Kinds::Tables),
        "VIEW" if two == "CREATE" && three == "SHOW" => Some(Kinds::Views),
        "TABLE" if creates && (two == "CREATE" || two == "TEMPORARY") => None,
        "TABLE" if two == "(" => Some(Kinds::Given),
        "TABLE" => Some(Kinds::Tables),
        "VIEW" if !creates => Some(Kinds::Views),
        "EXISTS" if two == "IF" && three == "TABLE" => Some(Kinds::Tables),
        "EXISTS" if two == "IF" && three == "VIEW" => Some(Kinds::Views),
        "LIKE" if creates && statement.depth() == 0 => Some(Kinds::Tables),
        _ => None,
    }
}

fn in_call_of(statement: &Statement<'_>, functions: &[&str]) -> bool {
    let open = statement.open_parenthesis().and_then(|open| statement.before.get(open.checked_sub(1)?));
    open.is_some_and(|token| functions.iter().any(|function| token.is(function)))
}

/// True behind FROM in the query that the cursor stands in.
fn in_from(statement: &Statement<'_>) -> bool {
    let start = statement.open_parenthesis().map_or(0, |open| open + 1);
    let mut depth = 0;
    for token in statement.before.iter().skip(start).rev() {
        match token.text {
            ")" => depth += 1,
            "(" => depth -= 1,
            _ if depth > 0 => {}
            _ if token.is("FROM") => return true,
            _ if ["SELECT", "WHERE", "GROUP", "ORDER", "HAVING", "ON"].iter().any(|word| token.is(word)) => {
                return false;
            }
            _ => {}
        }
    }
    false
}

fn relations(statement: &Statement<'_>, kinds: Kinds, vocabulary: &Vocabulary) -> Vec<Proposal> {
    let fits = |table: &&Relation| match kinds {
        Kinds::Tables => !table.is_view,
        Kinds::Views => table.is_view,
        Kinds::Both | Kinds::Given | Kinds::Sources => true,
    };
    let about = |table: &Relation| (table.name.clone(), if table.is_view { "view" } else { "table" }.to_string());
    let mut all = as_names(vocabulary.tables.iter().filter(fits).map(about).collect());
    if matches!(kinds, Kinds::Given | Kinds::Sources) {
        let named = statement.named_queries().into_iter().map(|name| (name, "query of WITH".into()));
        all.extend(as_names(named.collect()));
    }
    if kinds == Kinds::Sources {
        all.push(Proposal::part("TABLE(", "a function over a table, such as TUMBLE"));
        all.push(Proposal::word("LATERAL", ""));
        all.push(Proposal::part("UNNEST(", "the elements of an array"));
    }
    if statement.back(1) != "EXISTS" && (statement.starts_with(&["DROP"]) || statement.starts_with(&["ALTER"])) {
        all.push(Proposal::word("IF EXISTS", ""));
    }
    all.push(Proposal::part(DEFAULT_CATALOG, "catalog"));
    all.push(Proposal::part(DEFAULT_DATABASE, "database"));
    all
}

/// The names that may stand behind the qualifier, or without one: `a.|`, `` `| ``.
pub fn names(statement: &Statement<'_>, vocabulary: &Vocabulary) -> Vec<(String, String)> {
    let qualifier = statement.qualifier();
    let of_tables = || {
        let all = vocabulary.tables.iter();
        all.map(|t| (t.name.clone(), if t.is_view { "view" } else { "table" }.to_string())).collect::<Vec<_>>()
    };
    match qualifier.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] if relation_place(statement).is_some() => of_tables(),
        [] => columns(statement, None, vocabulary),
        [DEFAULT_CATALOG] => vec![(DEFAULT_DATABASE.to_string(), "database".to_string())],
        [DEFAULT_DATABASE] | [DEFAULT_CATALOG, DEFAULT_DATABASE] => of_tables(),
        [DEFAULT_CATALOG, DEFAULT_DATABASE, path @ ..] | [DEFAULT_DATABASE, path @ ..] | path => {
            let of_table =
                path.split_first().map(|(table, fields)| (columns(statement, Some(table), vocabulary), fields));
            let found = of_table.map(|(columns, fields)| within(columns, fields)).unwrap_or_default();
            if found.is_empty() { within(columns(statement, None, vocabulary), path) } else { found }
        }
    }
}

/// The fields of the ROW that a path of names leads to.
fn within(columns: Vec<(String, String)>, path: &[&str]) -> Vec<(String, String)> {
    let Some((first, rest)) = path.split_first() else { return columns };
    let ty = columns.iter().find(|(name, _)| name == first).and_then(|(_, ty)| SqlType::parse(ty).ok());
    match ty.map(|ty| ty.kind) {
        Some(TypeKind::Row(fields)) => {
            within(fields.into_iter().map(|field| (field.name, field.ty.to_string())).collect(), rest)
        }
        _ => Vec::new(),
    }
}

/// True where what is typed behind a table is the alias that the statement uses already: `SELECT r. FROM readings r|`.
fn is_new_alias(statement: &Statement<'_>, typed: &str) -> bool {
    let tokens: Vec<&Token<'_>> = statement.tokens().collect();
    let is_used = tokens.windows(2).any(|w| w[0].is_name() && w[0].value() == typed && w[1].text == ".");
    is_used && statement.before.last().is_some_and(|last| last.is_name() || last.text == ")" || last.is("AS"))
}

/// The columns of the tables in the statement, or of the one that is called so.
fn columns(statement: &Statement<'_>, of: Option<&str>, vocabulary: &Vocabulary) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let windows = statement.tokens().any(|token| {
        vocabulary.functions.get(token.text.to_uppercase().as_str()).is_some_and(|f| f.kind == FunctionKind::Window)
    });
    for used in statement.used() {
        let is_called =
            of.is_none_or(|name| used.alias.as_deref().unwrap_or(&used.table) == name || used.table == name);
        let of_query = statement.columns_of_named(&used.table);
        match (of_query, vocabulary.tables.iter().find(|table| table.name == used.table)) {
            _ if !is_called => continue,
            (Some(columns), _) => found.extend(columns.into_iter().map(|name| (name, format!("of {}", used.table)))),
            (None, Some(table)) => found.extend(table.columns.iter().cloned()),
            (None, None) => continue,
        }
        if windows {
            let window = ["window_start", "window_end", "window_time"];
            found.extend(window.map(|column| (column.to_string(), "of the window".to_string())));
        }
    }
    found
}

fn as_names(names: Vec<(String, String)>) -> Vec<Proposal> {
    names.into_iter().map(|(name, about)| Proposal::part(spelled(&name), about)).collect()
}

fn words(words: &[&str]) -> Vec<Proposal> {
    words.iter().map(|word| Proposal::word(*word, "")).collect()
}

fn types() -> Vec<Proposal> {
    TYPES.iter().map(|(name, about)| Proposal::part(*name, *about)).collect()
}

/// ALTER TABLE and ALTER VIEW behind the name.
fn alteration(statement: &Statement<'_>) -> Vec<Proposal> {
    let is_named = statement.before.len() > 2 && statement.before.last().is_some_and(Token::is_name);
    match (is_named && statement.depth() == 0, statement.back(1).as_str()) {
        (true, "RENAME") => words(&["TO"]),
        (true, "TO" | "RESET") | (false, _) => Vec::new(),
        (true, _) if statement.back(2) == "TO" => Vec::new(),
        (true, _) if statement.starts_with(&["ALTER", "VIEW"]) => words(&["RENAME TO"]),
        (true, _) => {
            let lists = ["SET (", "RESET ("].map(|word| Proposal::part(word, "options"));
            lists.into_iter().chain(words(&["RENAME TO"])).collect()
        }
    }
}

/// CREATE TABLE behind its name, and CREATE VIEW.
fn declaration(statement: &Statement<'_>, vocabulary: &Vocabulary) -> Vec<Proposal> {
    let is_table = statement.before.iter().take(3).any(|token| token.is("TABLE"));
    let open = statement.open_parenthesis();
    let Some(open) = open.filter(|_| is_table) else {
        let named = statement.before.last().is_some_and(|token| !token.is("TABLE") && !token.is("VIEW"));
        return match (named, is_table, statement.back(1).as_str()) {
            (true, true, _) => words(TABLE_WORDS),
            (true, false, "AS") => words(&["SELECT", "WITH"]),
            (true, false, _) => words(&["AS", "COMMENT"]),
            (false, ..) => Vec::new(),
        };
    };
    let declared = || declared_columns(statement).into_iter().map(|name| (name, "column".to_string())).collect();
    match (statement.back(1).as_str(), statement.back(2).as_str()) {
        ("(", "KEY") | ("FOR", "WATERMARK") => return as_names(declared()),
        ("<", _) | (",", "<") => return types(),
        _ => {}
    }
    let behind_as =
        statement.before[open + 1..].iter().rev().take_while(|token| token.text != ",").any(|token| token.is("AS"));
    if statement.depth() > 1 || behind_as {
        let mut all = as_names(declared());
        all.extend(functions(vocabulary, &[FunctionKind::Scalar, FunctionKind::Bare]));
        all.extend(words(EXPRESSION_WORDS));
        return all;
    }
    match (statement.back(1).as_str(), statement.back(2).as_str()) {
        ("(" | ",", _) => words(&["WATERMARK FOR", "PRIMARY KEY", "CONSTRAINT"]),
        (_, "(" | ",") => {
            let mut all = types();
            all.extend(words(&["AS"]));
            all
        }
        _ => words(COLUMN_WORDS),
    }
}

fn functions(vocabulary: &Vocabulary, kinds: &[FunctionKind]) -> Vec<Proposal> {
    let fits = vocabulary.functions.iter().filter(|(_, function)| kinds.contains(&function.kind));
    let proposal = |(name, function): (&&'static str, &crate::shell::editor::vocabulary::Function)| match function.kind
    {
        FunctionKind::Bare => Proposal::part(*name, function.usage),
        _ => Proposal::part(format!("{name}("), function.usage),
    };
    fits.map(proposal).collect()
}

/// What the function takes whose call the cursor stands in: it tells, and writes nothing.
fn called(statement: &Statement<'_>, vocabulary: &Vocabulary) -> Option<Proposal> {
    let name = statement.before.get(statement.open_parenthesis()?.checked_sub(1)?)?.text.to_uppercase();
    let (name, function) = vocabulary.functions.get_key_value(name.as_str())?;
    Some(Proposal { shown: Some(format!("{name}(")), ..Proposal::part("", function.usage) })
}

/// A query, anywhere but where a table stands.
fn expression(statement: &Statement<'_>, typed: &str, vocabulary: &Vocabulary) -> Vec<Proposal> {
    let back = statement.back(1);
    if back == "(" && statement.back(2) == "TABLE" {
        return functions(vocabulary, &[FunctionKind::Window]);
    }
    if back == "AS" {
        return match in_call_of(statement, &["CAST", "TRY_CAST"]) {
            true => types(),
            // A new name.
            false => Vec::new(),
        };
    }
    let behind_value = statement.before.last().is_some_and(|token| match token.kind {
        LexemeKind::QuotedName | LexemeKind::String => true,
        LexemeKind::Word => !vocabulary.is_keyword(&token.text.to_uppercase()) || token.is("END") || token.is("NULL"),
        _ => matches!(token.text, ")" | "]" | "*"),
    });
    if behind_value {
        let mut all = words(CLAUSES);
        all.extend(words(EXPRESSION_WORDS));
        if statement.starts_with(&["INSERT"]) && !statement.tokens().any(|token| token.is("SELECT")) {
            all.extend(words(&["SELECT", "VALUES"]));
        }
        all.extend(words(&["SELECT"]).into_iter().filter(|_| statement.back(2) == ")"));
        return all;
    }
    let mut all: Vec<Proposal> = called(statement, vocabulary).filter(|_| typed.is_empty()).into_iter().collect();
    all.extend(as_names(columns(statement, None, vocabulary)));
    let named = statement.used().into_iter().map(|used| (used.alias.unwrap_or(used.table), "table".to_string()));
    all.extend(as_names(named.collect()));
    if !typed.is_empty() || !all.iter().any(|proposal| !proposal.value.is_empty()) {
        all.extend(functions(vocabulary, &[FunctionKind::Scalar, FunctionKind::Bare, FunctionKind::Aggregate]));
    }
    let after: &[&str] = match back.as_str() {
        "GROUP" | "ORDER" | "PARTITION" => return words(&["BY"]),
        "UNION" => &["ALL", "SELECT"],
        "(" | "INTERSECT" | "EXCEPT" | "ALL" => &["SELECT", "WITH"],
        "SELECT" => &["DISTINCT", "FROM"],
        "INNER" | "CROSS" | "LEFT" | "RIGHT" | "FULL" => return words(&["JOIN", "OUTER JOIN"]),
        _ => &[],
    };
    all.extend(words(after));
    all.extend(words(EXPRESSION_WORDS));
    all
}
