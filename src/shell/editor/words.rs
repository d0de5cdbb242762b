//! The words of the dialect and of the shell, for highlighting and completion.

/// Commands of Flink's client, which end with their line, with or without `;`.
pub const CLIENT_COMMANDS: &[&str] = &["CLEAR", "EXIT", "HELP", "QUIT"];

/// The words a statement may begin with, and what it does.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("SELECT", "a query: its rows are shown as they come"),
    ("INSERT INTO", "start a job that writes a query's rows to a table"),
    ("CREATE TABLE", "declare a table over a topic, a database table, an index, a file"),
    ("CREATE VIEW", "name a query"),
    ("CREATE TEMPORARY TABLE", "declare a table that hides one of its name"),
    ("CREATE TEMPORARY VIEW", "name a query, hiding what has the name"),
    ("DROP TABLE", "forget a table; its data stays"),
    ("DROP VIEW", "forget a view"),
    ("ALTER TABLE", "rename a table, or change its options"),
    ("DESCRIBE", "a table's columns, keys and watermark"),
    ("EXPLAIN", "how a statement would be run"),
    ("SHOW", "list tables, views, functions, columns"),
    ("SET", "change a setting, or list them"),
    ("RESET", "take a setting back to its default"),
    ("USE", "the catalog or database names are looked up in"),
    ("WITH", "a query with named parts"),
    ("VALUES", "rows written out"),
    ("EXECUTE STATEMENT SET", "several INSERTs as one job"),
    ("BEGIN STATEMENT SET", "several INSERTs as one job"),
];

/// What may follow SHOW.
pub const SHOW: &[(&str, &str)] = &[
    ("CATALOGS", ""),
    ("COLUMNS FROM", "the columns of a table"),
    ("CREATE TABLE", "the statement that declares a table"),
    ("CREATE VIEW", "the statement that declares a view"),
    ("CURRENT CATALOG", ""),
    ("CURRENT DATABASE", ""),
    ("DATABASES", ""),
    ("FUNCTIONS", "functions and aggregates"),
    ("TABLES", "tables and views"),
    ("VIEWS", ""),
];

/// What may follow other words at the start of a statement.
pub const FOLLOWS: &[(&str, &[&str])] = &[
    ("ALTER", &["TABLE", "VIEW"]),
    ("BEGIN", &["STATEMENT SET"]),
    ("CREATE", &["TABLE", "TEMPORARY", "VIEW"]),
    ("CREATE TABLE", &["IF NOT EXISTS"]),
    ("CREATE TEMPORARY", &["TABLE", "VIEW"]),
    ("CREATE VIEW", &["IF NOT EXISTS"]),
    ("DROP", &["TABLE", "TEMPORARY", "VIEW"]),
    ("DROP TEMPORARY", &["TABLE", "VIEW"]),
    ("EXECUTE", &["STATEMENT SET"]),
    ("EXECUTE STATEMENT SET", &["BEGIN"]),
    (
        "EXPLAIN",
        &[
            "CHANGELOG_MODE",
            "ESTIMATED_COST",
            "INSERT INTO",
            "JSON_EXECUTION_PLAN",
            "PLAN_ADVICE",
            "SELECT",
            "STATEMENT SET",
        ],
    ),
    ("INSERT", &["INTO", "OVERWRITE"]),
    ("USE", &["CATALOG"]),
];

/// The clauses of a query, in their order, with what may begin one or go on in one.
pub const CLAUSES: &[&str] = &[
    "FROM",
    "JOIN",
    "INNER JOIN",
    "LEFT JOIN",
    "RIGHT JOIN",
    "FULL JOIN",
    "CROSS JOIN",
    "ON",
    "USING",
    "WHERE",
    "GROUP BY",
    "HAVING",
    "WINDOW",
    "ORDER BY",
    "LIMIT",
    "OFFSET",
    "FETCH FIRST",
    "UNION",
    "UNION ALL",
    "INTERSECT",
    "EXCEPT",
    "AS",
    "AND",
    "OR",
    "FOR SYSTEM_TIME AS OF",
    "LATERAL",
    "UNNEST",
    "CROSS",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "ASC",
    "DESC",
];

/// Words of expressions.
pub const EXPRESSION_WORDS: &[&str] = &[
    "AND",
    "AS",
    "BETWEEN",
    "CASE",
    "DISTINCT",
    "ELSE",
    "END",
    "ESCAPE",
    "EXISTS",
    "FALSE",
    "FILTER",
    "ILIKE",
    "IN",
    "INTERVAL",
    "IS",
    "IS NOT NULL",
    "IS NULL",
    "LIKE",
    "NOT",
    "NULL",
    "OR",
    "OVER",
    "PARTITION BY",
    "SIMILAR TO",
    "THEN",
    "TRUE",
    "UNKNOWN",
    "WHEN",
];

/// Words between the parentheses of CREATE TABLE, behind a column's name.
pub const COLUMN_WORDS: &[&str] = &[
    "AS",
    "COMMENT",
    "CONSTRAINT",
    "FROM",
    "METADATA",
    "NOT ENFORCED",
    "NOT NULL",
    "NULL",
    "PRIMARY KEY",
    "VIRTUAL",
    "WATERMARK FOR",
];

/// Words behind the columns of CREATE TABLE.
pub const TABLE_WORDS: &[&str] =
    &["COMMENT", "EXCLUDING", "INCLUDING", "LIKE", "OVERWRITING", "PARTITIONED BY", "WITH"];

/// Words that are keywords to the eye beside the reserved ones. Sorted.
pub const KEYWORDS: &[&str] = &[
    "ASC",
    "CATALOG",
    "CHANGELOG_MODE",
    "COLUMNS",
    "CONSTRAINTS",
    "DATABASE",
    "DESC",
    "ENFORCED",
    "ESTIMATED_COST",
    "EXCLUDING",
    "EXISTS",
    "FIRST",
    "GENERATED",
    "IF",
    "INCLUDING",
    "JSON_EXECUTION_PLAN",
    "KEY",
    "LAST",
    "METADATA",
    "NEXT",
    "NULLS",
    "OPTIONS",
    "OVERWRITE",
    "OVERWRITING",
    "PARTITIONED",
    "PARTITIONS",
    "PLAN",
    "PLAN_ADVICE",
    "TEMPORARY",
    "VIEW",
    "VIRTUAL",
];

/// Types and what they hold.
pub const TYPES: &[(&str, &str)] = &[
    ("ARRAY", "ARRAY<element>"),
    ("BIGINT", "whole numbers of 8 bytes"),
    ("BINARY", "BINARY(n): n bytes"),
    ("BOOLEAN", "TRUE or FALSE"),
    ("BYTES", "bytes of any number"),
    ("CHAR", "CHAR(n): text of n characters"),
    ("DATE", "a day"),
    ("DECIMAL", "DECIMAL(precision, scale): exact numbers"),
    ("DOUBLE", "numbers of 8 bytes with a floating point"),
    ("FLOAT", "numbers of 4 bytes with a floating point"),
    ("INT", "whole numbers of 4 bytes"),
    ("INTEGER", "INT"),
    ("MAP", "MAP<key, value>"),
    ("MULTISET", "MULTISET<element>"),
    ("NUMERIC", "DECIMAL"),
    ("ROW", "ROW<field type, ...>"),
    ("SMALLINT", "whole numbers of 2 bytes"),
    ("STRING", "text of any length"),
    ("TIME", "a time of day"),
    ("TIMESTAMP", "TIMESTAMP(p): a date and time of a wall clock"),
    ("TIMESTAMP_LTZ", "TIMESTAMP_LTZ(p): an instant, shown in the session time zone"),
    ("TINYINT", "whole numbers of 1 byte"),
    ("VARBINARY", "VARBINARY(n): at most n bytes"),
    ("VARCHAR", "VARCHAR(n): text of at most n characters"),
];

/// Functions that are called without parentheses.
pub const BARE_FUNCTIONS: &[&str] =
    &["CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"];

/// Functions with a syntax of their own.
pub const SYNTAX_FUNCTIONS: &[(&str, &str)] = &[
    ("CAST", "CAST(value AS type) is the value as another type; the job fails where it is none."),
    ("COALESCE", "COALESCE(a, b, …) is the first that is not NULL."),
    ("CURRENT_WATERMARK", "CURRENT_WATERMARK(ts) is the watermark of the row's table; NULL before the first."),
    ("EXTRACT", "EXTRACT(unit FROM time) is a part of a date, time or interval."),
    ("IF", "IF(condition, a, b) is a where the condition is TRUE, otherwise b."),
    ("MOD", "MOD(a, b) is the remainder, with the sign of a."),
    ("NULLIF", "NULLIF(a, b) is NULL where both are equal, otherwise a."),
    ("TIMESTAMPADD", "TIMESTAMPADD(unit, n, time) is the time n units later."),
    ("TIMESTAMPDIFF", "TIMESTAMPDIFF(unit, from, to) counts whole units between two times."),
    ("TRIM", "TRIM([BOTH | LEADING | TRAILING] [characters] FROM text) takes characters, by default spaces, away."),
    ("TRY_CAST", "TRY_CAST(value AS type) is the value as another type; NULL where it is none."),
    ("TYPEOF", "TYPEOF(a) is the name of the value's type."),
];

/// Functions over a table that add its windows, in FROM.
pub const WINDOW_FUNCTIONS: &[(&str, &str)] = &[
    ("CUMULATE", "CUMULATE(TABLE t, DESCRIPTOR(time), step, size): windows that grow by the step up to the size."),
    ("HOP", "HOP(TABLE t, DESCRIPTOR(time), slide, size): windows of the size, one every slide."),
    (
        "SESSION",
        "SESSION(TABLE t [PARTITION BY key], DESCRIPTOR(time), gap): windows that end after a gap without rows.",
    ),
    ("TUMBLE", "TUMBLE(TABLE t, DESCRIPTOR(time), size): windows of the size, one after another."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
