//! The words of the dialect and of the shell, for highlighting and completion.

/// What SHOW is, where none of the things that it shows is chosen yet.
pub const SHOW: (&str, &str) = ("SHOW", "list tables, views, functions, jobs, topics, indexes");

/// What may follow words at the start of a statement, beside the other words of what it begins with.
pub const FOLLOWS: &[(&str, &[&str])] = &[
    ("CREATE TABLE", &["IF NOT EXISTS"]),
    ("CREATE VIEW", &["IF NOT EXISTS"]),
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
    ("INSERT", &["OVERWRITE"]),
    ("SHOW", &["ALL TOPICS", "ALL INDEXES"]),
    ("SHOW ALL", &["TOPICS", "INDEXES"]),
];

/// Statements that look into services, and their clauses.
pub const LOOKS: &[(&str, &[&str])] = &[
    ("DESCRIBE INDEX", &["FROM"]),
    ("DESCRIBE TABLE", &["FROM"]),
    ("DESCRIBE TOPIC", &["FROM", "GROUP"]),
    ("PEEK INDEX", &["FROM", "LIMIT"]),
    ("PEEK", &["FROM", "FROM BEGINNING", "LIMIT", "PARTITION"]),
    ("PSQL", &[]),
    ("SHOW ALL INDEXES", &["FROM", "LIKE"]),
    ("SHOW ALL TOPICS", &["FROM", "LIKE"]),
    ("SHOW GROUPS", &["FROM", "LIKE"]),
    ("SHOW INDEXES", &["FROM", "LIKE"]),
    ("SHOW TABLES FROM", &["LIKE"]),
    ("SHOW TOPICS", &["FROM", "LIKE"]),
    ("SUGGEST TABLE", &["FOR TOPIC", "FOR TABLE", "FOR INDEX", "FROM"]),
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
    "DRAIN",
    "ENFORCED",
    "ESTIMATED_COST",
    "EXCLUDING",
    "EXISTS",
    "FIRST",
    "GENERATED",
    "IF",
    "INCLUDING",
    "INDEXES",
    "JOB",
    "JOBS",
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
    "PEEK",
    "PLAN",
    "PLAN_ADVICE",
    "PSQL",
    "STOP",
    "SUGGEST",
    "TEMPORARY",
    "TOPICS",
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
