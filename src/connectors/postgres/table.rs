//! The table as the database has it: its columns, their types, what kind of relation it is.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Kind, Type};

use super::link::{Connection, Link};
use super::types::PgType;
use crate::error::{Error, Result, nearest};

/// A name quoted for SQL: `"a""b"`.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What stands in `table-name`: a name as SQL spells it, or a query in parentheses, which can only be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableName {
    /// The parts with whether each was quoted.
    Name(Vec<(String, bool)>),
    Query(String),
}

impl TableName {
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with('(') {
            return Ok(Self::Query(text.to_string()));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, is_quoted, behind) = match rest.strip_prefix('"') {
                Some(inner) => {
                    let (part, behind) = quoted_part(inner).ok_or_else(|| format!("'{text}' lacks a closing quote"))?;
                    (part, true, behind)
                }
                None => {
                    let end = rest.find('.').unwrap_or(rest.len());
                    (rest[..end].to_string(), false, &rest[end..])
                }
            };
            if part.is_empty() || part.contains('\0') {
                return Err(format!("'{text}' is no table's name"));
            }
            parts.push((part, is_quoted));
            match behind.strip_prefix('.') {
                Some(next) => rest = next,
                None if behind.is_empty() => break,
                None => return Err(format!("'{text}' is no table's name")),
            }
        }
        match parts.len() {
            1..=3 => Ok(Self::Name(parts)),
            _ => Err(format!("'{text}' has more parts than schema and table")),
        }
    }

    /// The schema it names, if it names one.
    pub fn schema(&self) -> Option<&str> {
        match self {
            Self::Name(parts) => parts.len().checked_sub(2).map(|schema| parts[schema].0.as_str()),
            Self::Query(_) => None,
        }
    }

    /// How it may be spelled behind FROM, the likeliest first: unquoted parts in lower case as SQL reads them, then as
    /// they stand.
    pub fn spellings(&self) -> Vec<String> {
        match self {
            Self::Query(query) => vec![query.clone()],
            Self::Name(parts) => {
                let folded = parts.iter().map(|(p, q)| quoted(&if *q { p.clone() } else { p.to_lowercase() }));
                let folded: Vec<_> = folded.collect();
                let exact: Vec<_> = parts.iter().map(|(p, _)| quoted(p)).collect();
                let mut spellings = vec![folded.join("."), exact.join(".")];
                spellings.dedup();
                spellings
            }
        }
    }

    /// The table's own name, without schema.
    fn last(&self) -> &str {
        match self {
            Self::Name(parts) => parts.last().map_or("", |(p, _)| p),
            Self::Query(_) => "",
        }
    }
}

/// The likeliest spelling.
impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.spellings()[0])
    }
}

/// The name up to its closing quote, and what comes behind it.
fn quoted_part(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            part.push(c);
        } else if chars.next_if(|(_, next)| *next == '"').is_some() {
            part.push('"');
        } else {
            return Some((part, &text[at + 1..]));
        }
    }
    None
}

/// A table, view or query in the database.
#[derive(Debug, Clone)]
pub struct DbTable {
    /// What stands behind FROM and INTO: `"public"."t"`.
    pub sql: String,
    pub columns: Vec<DbColumn>,
    pub relation: Relation,
}

#[derive(Debug, Clone)]
pub struct DbColumn {
    pub name: String,
    pub ty: Type,
    pub pg: PgType,
    /// The length of a varchar plus 4, the precision and scale of a numeric, the precision of a timestamp; or -1.
    pub typmod: i32,
    /// True where text is equal exactly when its bytes are.
    pub bytes_decide: bool,
}

/// What kind of table it is.
#[derive(Debug, Clone, Default)]
pub struct Relation {
    /// An ordinary or partitioned table without rules and row security: COPY does what INSERT does.
    pub takes_copy: bool,
    /// A view or foreign table, whose constraints are elsewhere.
    pub is_indirect: bool,
    /// The columns of each unique index that ON CONFLICT can use.
    pub unique: Vec<BTreeSet<String>>,
    pub has_primary_key: bool,
    /// Tables that a crash of the server empties: itself, or partitions of it.
    pub unlogged: Vec<String>,
}

impl DbTable {
    /// Asks the database. `owner` names our table in messages.
    pub async fn read(link: &Link, connection: &Connection, name: &TableName, owner: &str) -> Result<Self> {
        for sql in name.spellings() {
            let statement = match connection.client.prepare(&format!("SELECT * FROM {sql} LIMIT 0")).await {
                Ok(statement) => statement,
                Err(e) if e.code().is_some_and(is_missing_table) => continue,
                Err(e) => return Err(link.error(e).context(format!("{owner}: cannot use {sql}"))),
            };
            let mut table = Self { sql, columns: Vec::new(), relation: Relation::default() };
            let collations = match name {
                TableName::Name(_) => table.read_relation(link, connection).await?,
                TableName::Query(_) => HashMap::new(),
            };
            for column in statement.columns() {
                table.columns.push(DbColumn {
                    name: column.name().to_string(),
                    ty: column.type_().clone(),
                    pg: PgType::of(column.type_()),
                    typmod: column.type_modifier(),
                    bytes_decide: collations.get(column.name()).copied().unwrap_or(false),
                });
            }
            return Ok(table);
        }
        Err(missing_table(link, connection, name, owner).await)
    }

    /// Fills `relation`; says of each column whether its collation is deterministic.
    async fn read_relation(&mut self, link: &Link, connection: &Connection) -> Result<HashMap<String, bool>> {
        // to_jsonb, because collisdeterministic is new in PostgreSQL 12.
        let columns = "SELECT a.attname::text, \
             coalesce((to_jsonb(c) ->> 'collisdeterministic')::boolean, true) \
             FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation \
             WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped";
        let relation = "SELECT c.relkind::text, c.relhasrules, c.relrowsecurity, \
             EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) \
             FROM pg_catalog.pg_class c WHERE c.oid = $1::text::regclass";
        // Of a partitioned table the partitions count.
        let unlogged = "WITH RECURSIVE part AS (SELECT c.oid, c.relkind, c.relpersistence FROM pg_catalog.pg_class c \
             WHERE c.oid = $1::text::regclass UNION SELECT c.oid, c.relkind, c.relpersistence FROM part \
             JOIN pg_catalog.pg_inherits i ON i.inhparent = part.oid JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid \
             WHERE part.relkind = 'p') \
             SELECT oid::regclass::text FROM part WHERE relkind = 'r' AND relpersistence = 'u' ORDER BY 1";
        let unique = "SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) \
             FROM pg_catalog.pg_index i WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid \
             AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL";
        let client = &connection.client;
        let asked = async {
            let rows = client.query(columns, &[&self.sql]).await?;
            let mut collations = HashMap::new();
            for row in &rows {
                collations.insert(row.try_get(0)?, row.try_get(1)?);
            }
            if let Some(row) = client.query_opt(relation, &[&self.sql]).await? {
                let kind: &str = row.try_get(0)?;
                let (rules, security): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
                self.relation.takes_copy = matches!(kind, "r" | "p") && !rules && !security;
                self.relation.is_indirect = !matches!(kind, "r" | "p");
                self.relation.has_primary_key = row.try_get(3)?;
            }
            for row in client.query(unlogged, &[&self.sql]).await? {
                self.relation.unlogged.push(row.try_get(0)?);
            }
            for row in client.query(unique, &[&self.sql]).await? {
                let columns: Vec<String> = row.try_get(0)?;
                self.relation.unique.push(columns.into_iter().collect());
            }
            Ok(collations)
        };
        let sql = self.sql.clone();
        asked.await.map_err(|e| link.error(e).context(format!("cannot read the definition of {sql}")))
    }

    /// The table behind FROM under an alias, and behind INTO and DELETE FROM where it is no query.
    pub fn aliased(&self, alias: &str) -> String {
        match self.sql.starts_with('(') {
            true => format!("(SELECT * FROM {}) AS {alias}", self.sql),
            false => format!("{} AS {alias}", self.sql),
        }
    }

    /// The column that `name` of our table means: in lower case as SQL reads it, or as it stands.
    pub fn column(&self, name: &str, owner: &str) -> Result<&DbColumn> {
        let find = |name: &str| self.columns.iter().find(|c| c.name == name);
        if let Some(column) = find(&name.to_lowercase()).or_else(|| find(name)) {
            return Ok(column);
        }
        let hint = match nearest(name, self.columns.iter().map(|c| c.name.as_str())) {
            Some(near) => format!("Did you mean \"{near}\"?"),
            None => {
                let names: Vec<_> = self.columns.iter().map(|c| c.name.as_str()).collect();
                format!("Its columns are {}.", names.join(", "))
            }
        };
        Err(Error::statement(format!("column \"{name}\" of {owner} does not exist in PostgreSQL's {}", self.sql))
            .with_hint(hint))
    }
}

impl DbColumn {
    /// `"name"`
    pub fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// Its text as the database shows it, for types that we know only by their text. A cast would show `10.0.0.1` of
    /// type inet as `10.0.0.1/32`.
    pub fn text_sql(&self, alias: &str) -> String {
        let column = format!("{alias}{}", self.quoted());
        format!("CASE WHEN {column} IS NOT NULL THEN pg_catalog.concat({column}) END")
    }

    /// The oid of the elements of an array.
    pub fn element_oid(&self) -> u32 {
        match self.ty.kind() {
            Kind::Array(element) => element.oid(),
            Kind::Domain(base) => match base.kind() {
                Kind::Array(element) => element.oid(),
                _ => 0,
            },
            _ => 0,
        }
    }

    /// The type for casts: `"pg_catalog"."int4"`.
    pub fn type_sql(&self) -> String {
        // A cast to `bit` would cut all but the first bit off.
        if self.ty == Type::BIT {
            return "pg_catalog.varbit".into();
        }
        format!("{}.{}", quoted(self.ty.schema()), quoted(self.ty.name()))
    }

    /// The type that values are sent as: its own, or text where we know it only by its text.
    pub fn wire_sql(&self) -> String {
        if self.pg == PgType::Other { "pg_catalog.text".into() } else { self.type_sql() }
    }

    pub fn wire_oid(&self) -> u32 {
        if self.pg == PgType::Other { Type::TEXT.oid() } else { self.ty.oid() }
    }

    /// As people know the type: `integer[]` is `_int4` to the database.
    pub fn type_name(&self) -> String {
        match self.ty.kind() {
            Kind::Array(element) => format!("{}[]", element.name()),
            _ => self.ty.name().to_string(),
        }
    }
}

fn is_missing_table(code: &SqlState) -> bool {
    *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME
}

async fn missing_table(link: &Link, connection: &Connection, name: &TableName, owner: &str) -> Error {
    let error = Error::statement(format!("{owner}: {name} does not exist in {}", link.name()));
    let tables = "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
         AND n.nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(n.oid, 'USAGE') ORDER BY 1, 2 LIMIT 10000";
    let Ok(rows) = connection.client.query(tables, &[]).await else { return error };
    let wanted = name.last();
    let home = name.schema().unwrap_or("public").to_string();
    let mut near: Vec<(usize, bool, String)> = rows
        .iter()
        .filter_map(|row| Some((row.try_get::<_, String>(0).ok()?, row.try_get::<_, String>(1).ok()?)))
        .filter(|(_, table)| nearest(wanted, [table.as_str()]).is_some() || table.contains(wanted))
        .map(|(schema, table)| {
            let distance = strsim::damerau_levenshtein(&wanted.to_lowercase(), &table.to_lowercase());
            (distance, schema != home, format!("{schema}.{table}"))
        })
        .collect();
    // A table of the same schema is likelier than one of the same name elsewhere that is misspelled as much.
    near.sort();
    near.truncate(3);
    let hint = match near.as_slice() {
        [] => "Create it there first, or correct the option 'table-name'.".to_string(),
        near => {
            let names: Vec<_> = near.iter().map(|(_, _, name)| format!("'{name}'")).collect();
            format!("Did you mean {}?", names.join(" or "))
        }
    };
    error.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_sql_reads_them() {
        let cases: [(&str, &[&str]); 6] = [
            ("t", &["\"t\""]),
            ("public.t", &["\"public\".\"t\""]),
            ("Public.MyTable", &["\"public\".\"mytable\"", "\"Public\".\"MyTable\""]),
            ("public.\"My \"\"T\"\"\"", &["\"public\".\"My \"\"T\"\"\""]),
            ("\"a.b\".c", &["\"a.b\".\"c\""]),
            ("(SELECT 1) AS q", &["(SELECT 1) AS q"]),
        ];
        for (text, expected) in cases {
            assert_eq!(TableName::parse(text).unwrap().spellings(), expected, "{text}");
        }
        for wrong in ["", ".", "a.", "\"a", "\"a\"b", "a.b.c.d"] {
            assert!(TableName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
