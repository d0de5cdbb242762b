//! PostgreSQL behind `'connector' = 'jdbc'`: bounded scan, lookup, insert and upsert.

mod types;
