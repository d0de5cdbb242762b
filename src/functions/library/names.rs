//! Names that Flink knows besides the functions of this library.

/// Functions with binding rules of their own.
pub const SPECIAL: &[&str] = &[
    "ARRAY",
    "COALESCE",
    "CURRENT_DATABASE",
    "CURRENT_WATERMARK",
    "EXTRACT",
    "IF",
    "IFNULL",
    "MAP",
    "MOD",
    "NULLIF",
    "POSITION",
    "ROW",
    "TIMESTAMPADD",
    "TIMESTAMPDIFF",
    "TRIM",
    "TYPEOF",
];

/// One value for many rows.
pub const AGGREGATES: &[&str] = &[
    "APPROX_COUNT_DISTINCT",
    "BITMAP_AND_AGG",
    "BITMAP_BUILD_AGG",
    "BITMAP_OR_AGG",
    "BITMAP_XOR_AGG",
    "JSON_ARRAYAGG",
    "JSON_OBJECTAGG",
    "PERCENTILE",
];

/// Which of several groupings a result belongs to.
pub const OF_GROUPINGS: &[&str] = &["GROUPING", "GROUPING_ID", "GROUP_ID"];

/// A value from a row's neighbours.
pub const WINDOW_FUNCTIONS: &[&str] =
    &["CUME_DIST", "DENSE_RANK", "LAG", "LEAD", "NTILE", "PERCENT_RANK", "RANK", "ROW_NUMBER"];

/// Windows in GROUP BY, and what belongs to them.
pub const GROUP_WINDOWS: &[&str] = &[
    "CUMULATE",
    "HOP",
    "HOP_END",
    "HOP_PROCTIME",
    "HOP_ROWTIME",
    "HOP_START",
    "SESSION",
    "SESSION_END",
    "SESSION_PROCTIME",
    "SESSION_ROWTIME",
    "SESSION_START",
    "TUMBLE",
    "TUMBLE_END",
    "TUMBLE_PROCTIME",
    "TUMBLE_ROWTIME",
    "TUMBLE_START",
];

/// Flink's functions that this engine doesn't have yet.
pub const NOT_YET: &[&str] = &[
    "ARRAY_APPEND",
    "ARRAY_CONCAT",
    "ARRAY_EXCEPT",
    "ARRAY_INTERSECT",
    "ARRAY_PREPEND",
    "ARRAY_REMOVE",
    "ARRAY_SLICE",
    "ARRAY_SORT",
    "ARRAY_UNION",
    "DECODE",
    "ENCODE",
    "INET_ATON",
    "INET_NTOA",
    "JSON",
    "JSON_ARRAY",
    "JSON_EXISTS",
    "JSON_OBJECT",
    "JSON_QUERY",
    "JSON_QUOTE",
    "JSON_STRING",
    "JSON_UNQUOTE",
    "JSON_VALUE",
    "MAP_ENTRIES",
    "MAP_FROM_ARRAYS",
    "MAP_UNION",
    "MATCH_PROCTIME",
    "MATCH_ROWTIME",
    "OBJECT_OF",
    "OBJECT_UPDATE",
    "OVERLAPS",
    "PARSE_JSON",
    "PARSE_URL",
    "PRINTF",
    "REGEXP_COUNT",
    "REGEXP_EXTRACT_ALL",
    "REGEXP_INSTR",
    "REGEXP_SUBSTR",
    "SHA1",
    "SHA2",
    "SHA224",
    "SHA256",
    "SHA384",
    "SHA512",
    "SOURCE_WATERMARK",
    "STR_TO_MAP",
    "TRY_PARSE_JSON",
    "UNNEST",
];
