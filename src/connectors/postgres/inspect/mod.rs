//! Questions to a database that are about no table of ours: its tables, their definitions, and SQL of its own.

mod conversation;
mod script;

use std::time::Duration;

use tokio::time::timeout;

pub use self::conversation::{Answer, Conversation, Refused, Remark};
use super::link::{Connection, Link};
use super::options::{OPTIONS, link};
use super::table::{DbColumn, DbTable, TableName};
use super::types::PgType;
use crate::connectors::OpenContext;
use crate::connectors::inspect::options;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result};

/// How long a question to the catalog may take, where the address sets no `socketTimeout`.
const PATIENCE: Duration = Duration::from_secs(30);

/// The database of an integration.
pub struct Database {
    link: Link,
    owner: String,
    context: OpenContext,
}

/// A table, view or the like.
#[derive(Debug, Clone)]
pub struct Relation {
    pub schema: String,
    pub name: String,
    pub kind: String,
    /// As the statistics estimate; `None` where there are none.
    pub rows: Option<i64>,
}

/// A table's definition.
#[derive(Debug, Clone)]
pub struct Definition {
    pub schema: String,
    pub name: String,
    pub kind: String,
    pub columns: Vec<Column>,
    /// The columns of the primary key.
    pub key: Vec<String>,
    /// `"orders_pkey" PRIMARY KEY, btree (id)`
    pub indexes: Vec<String>,
}

/// A column as PostgreSQL declares it, and the type that a table of ours has for it.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub ty: String,
    pub nullable: bool,
    pub default: Option<String>,
    pub flink: String,
}

impl Database {
    /// Checks the options; touches nothing.
    pub fn new(owner: &str, raw: &RawOptions, context: OpenContext) -> Result<Self> {
        let link = link(&options(owner, raw, OPTIONS, "url")?)?;
        Ok(Self { link, owner: owner.to_string(), context })
    }

    /// `PostgreSQL at 127.0.0.1:5432/shop`
    pub fn name(&self) -> String {
        self.link.name()
    }

    /// What is sent to it over one connection.
    pub fn conversation(self) -> Conversation {
        Conversation::new(self.link, self.context)
    }

    /// Tables, views and the like that the user may see, without those of the system.
    pub async fn relations(&self) -> Result<Vec<Relation>> {
        let sql = "SELECT n.nspname::text, c.relname::text, c.relkind::text, c.reltuples::bigint \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' \
             AND n.nspname NOT LIKE 'pg\\_%' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') ORDER BY 1, 2";
        let connection = self.link.connect(&self.context).await?;
        let asked = connection.client.query(sql, &[]);
        let rows = self.in_time(asked).await?;
        let relation = |row: &tokio_postgres::Row| {
            let (kind, rows): (String, i64) = (row.try_get(2)?, row.try_get(3)?);
            // A view has none, and a table that was never analysed has -1.
            let rows = (rows >= 0 && !matches!(kind.as_str(), "v" | "f")).then_some(rows);
            Ok(Relation { schema: row.try_get(0)?, name: row.try_get(1)?, kind: kind_name(&kind).to_string(), rows })
        };
        rows.iter().map(|row| relation(row).map_err(|e: tokio_postgres::Error| self.link.error(e))).collect()
    }

    /// The definition of a table, whose name is read as the option 'table-name' is.
    pub async fn definition(&self, name: &str) -> Result<Definition> {
        let name = TableName::parse(name).map_err(Error::statement)?;
        if matches!(name, TableName::Query(_)) {
            return Err(Error::statement("the name of a table is expected here"));
        }
        let connection = self.link.connect(&self.context).await?;
        let limit = self.link.answer_timeout().unwrap_or(PATIENCE);
        let read = async {
            let table = DbTable::read(&self.link, &connection, &name, &self.owner).await?;
            self.define(&connection, &table).await
        };
        timeout(limit, read).await.map_err(|_| self.silence(limit))?
    }

    async fn define(&self, connection: &Connection, table: &DbTable) -> Result<Definition> {
        let relation = "SELECT n.nspname::text, c.relname::text, c.relkind::text FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::text::regclass";
        let columns = "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, \
             pg_catalog.pg_get_expr(d.adbin, d.adrelid), to_jsonb(a) ->> 'attidentity', to_jsonb(a) ->> 'attgenerated' \
             FROM pg_catalog.pg_attribute a \
             LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
        let indexes = "SELECT c.relname::text, i.indisprimary, i.indisunique, \
             pg_catalog.pg_get_indexdef(i.indexrelid), \
             ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k(num, place) \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num \
             WHERE k.place <= i.indnkeyatts ORDER BY k.place) \
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
             WHERE i.indrelid = $1::text::regclass ORDER BY i.indisprimary DESC, c.relname";
        let asked = async {
            let client = &connection.client;
            let row = client.query_one(relation, &[&table.sql]).await?;
            let kind: String = row.try_get(2)?;
            let mut found = Definition {
                schema: row.try_get(0)?,
                name: row.try_get(1)?,
                kind: kind_name(&kind).to_string(),
                columns: Vec::new(),
                key: Vec::new(),
                indexes: Vec::new(),
            };
            for row in client.query(columns, &[&table.sql]).await? {
                let name: String = row.try_get(0)?;
                let (default, identity, generated): (Option<String>, Option<String>, Option<String>) =
                    (row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
                let default = match (identity.as_deref(), generated.as_deref()) {
                    (Some("a"), _) => Some("generated always as identity".to_string()),
                    (Some("d"), _) => Some("generated by default as identity".to_string()),
                    (_, Some("s" | "v")) => default.map(|sql| format!("generated always as ({sql})")),
                    _ => default,
                };
                let not_null: bool = row.try_get(2)?;
                let column = table.columns.iter().find(|column| column.name == name);
                let flink = column.map_or("STRING".to_string(), flink_type);
                found.columns.push(Column { name, ty: row.try_get(1)?, nullable: !not_null, default, flink });
            }
            for row in client.query(indexes, &[&table.sql]).await? {
                let (name, primary, unique): (String, bool, bool) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                let definition: String = row.try_get(3)?;
                let how = definition.split_once(" USING ").map_or(definition.as_str(), |(_, how)| how);
                let what = if primary {
                    "PRIMARY KEY, "
                } else if unique {
                    "UNIQUE, "
                } else {
                    ""
                };
                found.indexes.push(format!("\"{name}\" {what}{how}"));
                if primary {
                    found.key = row.try_get(4)?;
                }
            }
            Ok(found)
        };
        asked.await.map_err(|e: tokio_postgres::Error| self.link.error(e).context("cannot read the definition"))
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T> {
        let limit = self.link.answer_timeout().unwrap_or(PATIENCE);
        let answer = timeout(limit, asked).await.map_err(|_| self.silence(limit))?;
        answer.map_err(|e| self.link.error(e))
    }

    fn silence(&self, limit: Duration) -> Error {
        silence(&self.link, limit)
    }
}

fn silence(link: &Link, limit: Duration) -> Error {
    Error::external(format!("no answer from {} within {} s", link.name(), limit.as_secs_f32()))
}

fn kind_name(relkind: &str) -> &str {
    match relkind {
        "r" => "table",
        "p" => "partitioned table",
        "v" => "view",
        "m" => "materialized view",
        "f" => "foreign table",
        other => other,
    }
}

/// The type of ours that holds every value of a column.
fn flink_type(column: &DbColumn) -> String {
    of_type(&column.pg, column.typmod)
}

fn of_type(pg: &PgType, typmod: i32) -> String {
    // The length of a text plus 4; precision and scale of a numeric plus 4; the precision of a time.
    let length = typmod - 4;
    match pg {
        PgType::Numeric if typmod >= 4 => {
            let (precision, scale) = ((length >> 16) & 0xffff, length & 0x7ff);
            // A scale is signed, and may be larger than the precision.
            let scale = if scale > 1_000 { scale - 2_048 } else { scale };
            let precision = if scale < 0 { precision - scale } else { precision.max(scale) };
            format!("DECIMAL({}, {})", precision.min(38), scale.clamp(0, 38))
        }
        PgType::Numeric => "DECIMAL(38, 18)".to_string(),
        PgType::Text if typmod >= 4 => format!("VARCHAR({length})"),
        PgType::Bpchar if typmod >= 4 => format!("CHAR({length})"),
        PgType::Timestamp => format!("TIMESTAMP({})", if typmod >= 0 { typmod } else { 6 }),
        PgType::Timestamptz => format!("TIMESTAMP_LTZ({})", if typmod >= 0 { typmod } else { 6 }),
        PgType::Array(element) => format!("ARRAY<{}>", of_type(element, typmod)),
        other => other.usual().unwrap_or("STRING").to_string(),
    }
}
