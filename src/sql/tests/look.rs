//! The statements that look into services, read.

use super::super::{Look, STATEMENT_HEADS, StatementKind, Subject, is_complete, split};
use super::{one, parse};

fn look(script: &str) -> Look {
    match one(script) {
        StatementKind::Look(look) => *look,
        other => panic!("{script}: {other:?}"),
    }
}

/// What a statement says, in a few words.
fn said(script: &str) -> String {
    let name = |from: &Option<super::super::Ident>| from.as_ref().map_or("-".to_string(), |i| i.value.clone());
    let pattern =
        |like: &Option<super::super::LikePattern>| like.as_ref().map_or("-".to_string(), |l| l.pattern.clone());
    match look(script) {
        Look::Topics { from, all, like } => format!("topics {} {all} {}", name(&from), pattern(&like)),
        Look::Groups { from, like } => format!("groups {} {}", name(&from), pattern(&like)),
        Look::PeekTopic(peek) => format!(
            "peek {} {} {:?} {} {}",
            peek.topic.value,
            name(&peek.from),
            peek.partition.map(|(p, _)| p),
            peek.from_beginning,
            peek.limit
        ),
        Look::DescribeTopic { topic, from, group } => {
            format!("describe {} {} {}", topic.value, name(&from), name(&group))
        }
        Look::Tables { from, like } => format!("tables {} {}", from.value, pattern(&like)),
        Look::DescribeTable { table, from } => format!("describe table {} {}", table.value, name(&from)),
        Look::Psql { on, sql } => format!("psql {} {:?}", name(&on), sql.text.value),
        Look::Indexes { from, all, like } => format!("indexes {} {all} {}", name(&from), pattern(&like)),
        Look::PeekIndex { index, from, limit } => format!("peek index {} {} {limit}", index.value, name(&from)),
        Look::DescribeIndex { index, from } => format!("describe index {} {}", index.value, name(&from)),
        Look::Suggest { name: table, subject, from } => {
            let table = table.map_or("-".to_string(), |path| path.to_string());
            let subject = match subject {
                Subject::Topic(i) => format!("topic {}", i.value),
                Subject::Table(i) => format!("table {}", i.value),
                Subject::Index(i) => format!("index {}", i.value),
            };
            format!("suggest {table} {subject} {}", name(&from))
        }
    }
}

#[test]
fn looks_are_read() {
    for (script, expected) in [
        ("SHOW TOPICS", "topics - false -"),
        ("show all topics in demo-kafka like 'a%'", "topics demo-kafka true a%"),
        ("SHOW TOPICS FROM `my kafka` NOT ILIKE 'A_'", "topics my kafka false A_"),
        ("SHOW GROUPS", "groups - -"),
        ("SHOW CONSUMER GROUPS FROM k", "groups k -"),
        ("PEEK orders", "peek orders - None false 10"),
        ("PEEK shop.orders-v2.1 FROM demo-kafka LIMIT 3", "peek shop.orders-v2.1 demo-kafka None false 3"),
        ("PEEK TOPIC 'x y' PARTITION 4 FROM BEGINNING IN k LIMIT 1000", "peek x y k Some(4) true 1000"),
        ("PEEK topic", "peek topic - None false 10"),
        ("PEEK topic FROM k", "peek topic k None false 10"),
        ("PEEK index FROM BEGINNING", "peek index - None true 10"),
        ("PEEK user", "peek user - None false 10"),
        ("PEEK 2024-orders", "peek 2024-orders - None false 10"),
        ("DESCRIBE TOPIC orders", "describe orders - -"),
        ("DESC TOPIC orders FROM k GROUP my-group", "describe orders k my-group"),
        ("DESCRIBE TOPIC orders GROUP 'g' FROM k", "describe orders k g"),
        ("SHOW TABLES FROM demo-postgresql LIKE 't%'", "tables demo-postgresql t%"),
        ("DESCRIBE TABLE public.orders IN pg", "describe table public.orders pg"),
        ("PSQL 'SELECT ''a'''", "psql - \"SELECT 'a'\""),
        ("PSQL demo-pg $$ SELECT 'a;b', \"c\" -- d\n $$", "psql demo-pg \" SELECT 'a;b', \\\"c\\\" -- d\\n \""),
        ("PSQL $x$ DO $$ BEGIN END $$; $x$", "psql - \" DO $$ BEGIN END $$; \""),
        ("PSQL pg $$$1, /* $x$ */$$", "psql pg \"$1, /* $x$ */\""),
        ("SHOW INDEXES", "indexes - false -"),
        ("SHOW ALL INDEXES FROM os LIKE '.%'", "indexes os true .%"),
        ("PEEK INDEX logs-* FROM os LIMIT 5", "peek index logs-* os 5"),
        ("DESCRIBE INDEX logs", "describe index logs -"),
        ("SUGGEST TABLE FOR TOPIC orders", "suggest - topic orders -"),
        ("SUGGEST TABLE Orders FOR TOPIC a.b-c FROM k", "suggest Orders topic a.b-c k"),
        ("SUGGEST TABLE a.b.`c d` FOR TABLE public.t", "suggest a.b.c d table public.t -"),
        ("SUGGEST TABLE FOR INDEX i", "suggest - index i -"),
    ] {
        assert_eq!(said(script), expected, "{script}");
    }
}

#[test]
fn a_table_may_be_called_like_what_is_looked_at() {
    for script in ["DESCRIBE topic", "DESC `topic`", "DESCRIBE index", "DESCRIBE topic.t", "SHOW TABLES LIKE 'x'"] {
        assert!(!matches!(one(script), StatementKind::Look(_)), "{script}");
    }
}

#[test]
fn dollar_quotes_keep_their_semicolons() {
    let script = "PSQL $$ SELECT 1; SELECT 2; $$; SELECT 3;";
    assert_eq!(split(script).len(), 2);
    assert!(!is_complete("PSQL $$ SELECT 1;\n") && is_complete(script));
    assert!(!is_complete("PSQL $a$ SELECT 1; $$;") && is_complete("PSQL $a$ SELECT 1; $$; $a$;"));
    let error = parse("\nPSQL $a$ SELECT 1;")[0].as_ref().unwrap_err().to_string();
    assert_eq!(
        error,
        "error: this string is never closed\n --> job.sql:2:6\n  |\n2 | PSQL $a$ SELECT 1;\n  |      ^^^\n  hint: Close it with $a$"
    );
}

#[test]
fn sql_that_stands_bare_behind_psql_is_where_the_error_is() {
    let place = |script: &str| parse(script)[0].as_ref().unwrap_err().span().expect("a place").start.column;
    for (script, column) in
        [("PSQL SELECT 1;", 6), ("PSQL pg SELECT 1;", 9), ("PSQL pg;", 8), ("PSQL drop table t;", 6)]
    {
        let error = parse(script)[0].as_ref().unwrap_err().to_string();
        assert!(error.contains("expected SQL between $$ and $$"), "{script}: {error}");
        assert_eq!(place(script), column, "{script}");
    }
    assert!(parse("PSQL show 'SELECT 1';")[0].is_ok(), "an integration may be called so");
}

#[test]
fn every_head_begins_a_statement() {
    for (head, _) in STATEMENT_HEADS {
        // What is wrong, if anything, is behind the head.
        if let Err(error) = &parse(head)[0] {
            let at = error.span().expect("a place").start.column as usize;
            assert!(at > head.len(), "{head}: {error}");
        }
    }
}
