//! The statements of a sink: rows go in as arrays, one per column.

use super::table::{DbColumn, DbTable, quoted};
use super::types::PgType;

/// How rows reach the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Binary COPY: the fastest, only for appending.
    Copy,
    /// One statement whose parameters are arrays, one per column.
    Arrays,
    /// One statement per row, pipelined: for tables with array columns, which `unnest` would flatten.
    Rows,
}

/// A statement and how its parameters are made.
#[derive(Debug, Clone)]
pub struct Plan {
    pub sql: String,
    pub form: Form,
    /// Positions in the sink's columns of what its parameters hold.
    pub columns: Vec<usize>,
}

/// INSERT, or upsert where `key` (positions in `columns`) is not empty.
pub fn write(db: &DbTable, columns: &[DbColumn], key: &[usize]) -> Plan {
    let has = |wanted: fn(&PgType) -> bool| columns.iter().any(|c| wanted(&c.pg));
    let form = if key.is_empty() && db.relation.takes_copy && !has(|pg| *pg == PgType::Other) {
        Form::Copy
    } else if has(|pg| matches!(pg, PgType::Array(_))) {
        Form::Rows
    } else {
        Form::Arrays
    };
    let names = columns.iter().map(DbColumn::quoted).collect::<Vec<_>>().join(", ");
    let target = format!("{} ({names})", db.sql);
    let sql = match form {
        Form::Copy => format!("COPY {target} FROM STDIN (FORMAT binary)"),
        Form::Arrays => {
            format!(
                "INSERT INTO {target} SELECT {} FROM {}{}",
                values(columns),
                arrays(columns),
                on_conflict(columns, key)
            )
        }
        Form::Rows => {
            let values = columns.iter().enumerate().map(|(i, c)| match c.pg {
                PgType::Other => format!("${}::{}::{}", i + 1, c.wire_sql(), c.type_sql()),
                _ => format!("${}::{}", i + 1, c.wire_sql()),
            });
            let values = values.collect::<Vec<_>>().join(", ");
            format!("INSERT INTO {target} VALUES ({values}){}", on_conflict(columns, key))
        }
    };
    Plan { sql, form, columns: (0..columns.len()).collect() }
}

/// DELETE by key.
pub fn delete(db: &DbTable, columns: &[DbColumn], key: &[usize]) -> Plan {
    let keys: Vec<DbColumn> = key.iter().filter_map(|i| columns.get(*i)).cloned().collect();
    let form = if keys.iter().any(|c| matches!(c.pg, PgType::Array(_))) { Form::Rows } else { Form::Arrays };
    let equal = keys.iter().enumerate().map(|(i, c)| {
        let value = match form {
            Form::Rows => format!("${}::{}", i + 1, c.wire_sql()),
            _ => format!("r.c{}", i + 1),
        };
        match c.pg {
            PgType::Other => format!("t.{} = {value}::{}", c.quoted(), c.type_sql()),
            _ => format!("t.{} = {value}", c.quoted()),
        }
    });
    let equal = equal.collect::<Vec<_>>().join(" AND ");
    let using = match form {
        Form::Rows => String::new(),
        _ => format!(" USING {}", arrays(&keys)),
    };
    Plan { sql: format!("DELETE FROM {}{using} WHERE {equal}", db.aliased("t")), form, columns: key.to_vec() }
}

/// `unnest($1::int4[], $2::text[]) AS r(c1, c2)`
fn arrays(columns: &[DbColumn]) -> String {
    let parameters = columns.iter().enumerate().map(|(i, c)| format!("${}::{}[]", i + 1, c.wire_sql()));
    let names = (1..=columns.len()).map(|i| format!("c{i}"));
    format!("unnest({}) AS r({})", parameters.collect::<Vec<_>>().join(", "), names.collect::<Vec<_>>().join(", "))
}

/// `r.c1, r.c2::inet`
fn values(columns: &[DbColumn]) -> String {
    let values = columns.iter().enumerate().map(|(i, c)| match c.pg {
        PgType::Other => format!("r.c{}::{}", i + 1, c.type_sql()),
        _ => format!("r.c{}", i + 1),
    });
    values.collect::<Vec<_>>().join(", ")
}

fn on_conflict(columns: &[DbColumn], key: &[usize]) -> String {
    if key.is_empty() {
        return String::new();
    }
    let keys = key.iter().filter_map(|i| columns.get(*i)).map(DbColumn::quoted).collect::<Vec<_>>().join(", ");
    let others = columns.iter().enumerate().filter(|(i, _)| !key.contains(i));
    let set: Vec<_> = others.map(|(_, c)| format!("{0} = EXCLUDED.{0}", c.quoted())).collect();
    match set.is_empty() {
        true => format!(" ON CONFLICT ({keys}) DO NOTHING"),
        false => format!(" ON CONFLICT ({keys}) DO UPDATE SET {}", set.join(", ")),
    }
}

/// The statements that give a table the unique constraint an upsert needs.
pub fn unique_constraint(db: &DbTable, key: &[&str]) -> String {
    let keys = key.iter().map(|k| quoted(k)).collect::<Vec<_>>().join(", ");
    match db.relation.has_primary_key {
        false => format!("ALTER TABLE {} ADD PRIMARY KEY ({keys});", db.sql),
        true => format!("CREATE UNIQUE INDEX ON {} ({keys});", db.sql),
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::types::Type;

    use super::super::table::Relation;
    use super::*;

    fn table(types: &[Type]) -> DbTable {
        let columns = types.iter().zip(["id", "na\"me", "c"]).map(|(ty, name)| DbColumn {
            name: name.into(),
            ty: ty.clone(),
            pg: PgType::of(ty),
            typmod: -1,
            bytes_decide: true,
        });
        let relation = Relation { takes_copy: true, ..Relation::default() };
        DbTable { sql: "\"s\".\"t\"".into(), columns: columns.collect(), relation }
    }

    #[test]
    fn statements_fit_the_table_and_its_key() {
        let plain = table(&[Type::INT4, Type::TEXT]);
        let other = table(&[Type::INT4, Type::INET]);
        let array = table(&[Type::INT4, Type::INT4_ARRAY]);
        let cases: [(&DbTable, &[usize], Form, &str); 6] = [
            (&plain, &[], Form::Copy, "COPY \"s\".\"t\" (\"id\", \"na\"\"me\") FROM STDIN (FORMAT binary)"),
            (
                &plain,
                &[0],
                Form::Arrays,
                "INSERT INTO \"s\".\"t\" (\"id\", \"na\"\"me\") SELECT r.c1, r.c2 FROM \
                 unnest($1::\"pg_catalog\".\"int4\"[], $2::\"pg_catalog\".\"text\"[]) AS r(c1, c2) \
                 ON CONFLICT (\"id\") DO UPDATE SET \"na\"\"me\" = EXCLUDED.\"na\"\"me\"",
            ),
            (
                &plain,
                &[0, 1],
                Form::Arrays,
                "INSERT INTO \"s\".\"t\" (\"id\", \"na\"\"me\") SELECT r.c1, r.c2 FROM \
                 unnest($1::\"pg_catalog\".\"int4\"[], $2::\"pg_catalog\".\"text\"[]) AS r(c1, c2) \
                 ON CONFLICT (\"id\", \"na\"\"me\") DO NOTHING",
            ),
            (
                &other,
                &[],
                Form::Arrays,
                "INSERT INTO \"s\".\"t\" (\"id\", \"na\"\"me\") SELECT r.c1, r.c2::\"pg_catalog\".\"inet\" FROM \
                 unnest($1::\"pg_catalog\".\"int4\"[], $2::pg_catalog.text[]) AS r(c1, c2)",
            ),
            (&array, &[], Form::Copy, "COPY \"s\".\"t\" (\"id\", \"na\"\"me\") FROM STDIN (FORMAT binary)"),
            (
                &array,
                &[0],
                Form::Rows,
                "INSERT INTO \"s\".\"t\" (\"id\", \"na\"\"me\") VALUES ($1::\"pg_catalog\".\"int4\", \
                 $2::\"pg_catalog\".\"_int4\") ON CONFLICT (\"id\") DO UPDATE SET \"na\"\"me\" = EXCLUDED.\"na\"\"me\"",
            ),
        ];
        for (db, key, form, sql) in cases {
            let plan = write(db, &db.columns, key);
            assert_eq!((plan.form, plan.sql.as_str()), (form, sql));
        }
        assert_eq!(
            delete(&plain, &plain.columns, &[0]).sql,
            "DELETE FROM \"s\".\"t\" AS t USING unnest($1::\"pg_catalog\".\"int4\"[]) AS r(c1) WHERE t.\"id\" = r.c1"
        );
    }
}
