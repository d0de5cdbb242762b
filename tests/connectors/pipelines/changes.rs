//! Changes of a database's table as Debezium tells them, grouped into a topic of upserts, and that topic read again:
//! its consumers, PostgreSQL behind it and an independent count agree, before and after it is compacted.

use std::collections::BTreeMap;

use super::postgres_trouble::jdbc;
use super::stage::Stage;
use super::topic::{Topic, TopicRecord};
use crate::kafka::{broker, clients};
use crate::postgres::server;

/// A row of the table whose changes are told.
#[derive(Clone, Copy)]
struct Order {
    shop: u64,
    amount: u64,
}

/// A made-up history: messages by key, and the rows that are there in the end.
fn history() -> (Vec<(String, Option<String>)>, BTreeMap<u64, Order>) {
    let (mut messages, mut rows) = (Vec::new(), BTreeMap::<u64, Order>::new());
    let json =
        |id: u64, order: Order| format!("{{\"id\":{id},\"shop\":\"shop{}\",\"amount\":{}}}", order.shop, order.amount);
    for step in 0..3000_u64 {
        let id = step * 37 % 200;
        let new = Order { shop: (step * step / 7 + id) % 12, amount: step % 101 };
        let source = "\"source\":{\"db\":\"shop\",\"table\":\"orders\"},\"ts_ms\":1700000000000";
        let message = match rows.get(&id).copied() {
            None => {
                rows.insert(id, new);
                format!("{{\"before\":null,\"after\":{},{source},\"op\":\"c\"}}", json(id, new))
            }
            // Those of the last shops are all deleted in the end.
            Some(old) if step % 5 == 0 || (step > 2500 && old.shop > 8) => {
                rows.remove(&id);
                messages.push((
                    id.to_string(),
                    Some(format!("{{\"before\":{},\"after\":null,{source},\"op\":\"d\"}}", json(id, old))),
                ));
                // What Debezium sends behind a deletion, so that the topic may be compacted.
                messages.push((id.to_string(), None));
                continue;
            }
            Some(old) => {
                let new = if step > 2500 { Order { shop: new.shop % 9, ..new } } else { new };
                rows.insert(id, new);
                format!("{{\"before\":{},\"after\":{},{source},\"op\":\"u\"}}", json(id, old), json(id, new))
            }
        };
        messages.push((id.to_string(), Some(message)));
    }
    rows.retain(|id, order| {
        let gone = order.shop > 8;
        if gone {
            messages.push((id.to_string(), Some(format!("{{\"before\":{},\"op\":\"d\"}}", json(*id, *order)))));
        }
        !gone
    });
    (messages, rows)
}

fn declared(stage: &Stage, totals: &Topic) -> String {
    format!(
        "CREATE TABLE totals (shop STRING, n BIGINT, total BIGINT, PRIMARY KEY (shop) NOT ENFORCED) WITH (\
         'connector' = 'upsert-kafka', 'topic' = '{}', 'properties.bootstrap.servers' = '{}', \
         'key.format' = 'json', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY', \
         'scan.bounded.mode' = 'latest-offset', 'scan.client' = '{}');\n",
        totals.name,
        broker(),
        stage.client
    )
}

/// Reads the topic back into a table of PostgreSQL's; gives what stands there.
async fn read_back(stage: &Stage, totals: &Topic, table: &str) -> Vec<String> {
    stage.db.run(&format!("CREATE TABLE {table} (shop text PRIMARY KEY, n bigint NOT NULL, total bigint)")).await;
    let target = jdbc(stage, &server().address, "", table, "");
    let text = format!(
        "SET 'parallelism.default' = '2';\n{}CREATE TABLE {table} (shop STRING, n BIGINT NOT NULL, total BIGINT, \
         PRIMARY KEY (shop) NOT ENFORCED) WITH ({target});\n\
         INSERT INTO {table} SELECT shop, COALESCE(n, 0), total FROM totals;",
        declared(stage, totals)
    );
    let ended = stage.start(&[&stage.write(&format!("{table}.sql"), &text)]).end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    stage.db.rows(&format!("SELECT * FROM {table} ORDER BY shop")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_grouped_into_a_topic_of_upserts_and_read_again() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let orders = stage.topic("orders").create(2).await;
        let totals = stage.topic("totals").create(3).await;
        let (messages, rows) = history();
        orders.send_or_delete(messages);
        let text = format!(
            "SET 'parallelism.default' = '2';\n\
             CREATE TABLE orders (id BIGINT, shop STRING, amount BIGINT, origin STRING METADATA FROM 'value.source.table' \
             VIRTUAL, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'kafka', 'topic' = '{}', \
             'properties.bootstrap.servers' = '{}', 'format' = 'debezium-json', \
             'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'scan.client' = '{}');\n{}\
             INSERT INTO totals SELECT shop, COUNT(*), SUM(amount) FROM orders \
             WHERE COALESCE(origin, 'orders') = 'orders' GROUP BY shop;",
            orders.name,
            broker(),
            stage.client,
            declared(&stage, &totals)
        );
        let ended = stage.start(&[&stage.write("grouped.sql", &text)]).end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");

        let mut expected: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for order in rows.values() {
            let group = expected.entry(format!("shop{}", order.shop)).or_default();
            *group = (group.0 + 1, group.1 + order.amount);
        }
        assert!(expected.len() == 9, "three of twelve are gone");

        // What a consumer of the topic sees: the last value of every key.
        let records = totals.records();
        let mut last: BTreeMap<String, TopicRecord> = BTreeMap::new();
        for record in &records {
            let before = last.insert(record.key.clone().expect("every record has a key"), record.clone());
            assert!(before.is_none_or(|before| before.partition == record.partition), "a key stays in its partition");
        }
        let values: BTreeMap<String, Option<String>> =
            last.iter().map(|(key, r)| (key.clone(), r.value.clone())).collect();
        let of = |shop: &str| expected.get(shop).map(|(n, total)| format!("{{\"n\":{n},\"total\":{total}}}"));
        let shops = (0..12).map(|i| format!("shop{i}"));
        let wanted: BTreeMap<_, _> = shops.map(|shop| (format!("{{\"shop\":\"{shop}\"}}"), of(&shop))).collect();
        assert_eq!(values, wanted);
        let is_update = |pair: &[TopicRecord]| pair[0].key == pair[1].key && pair[0].value.is_none();
        assert!(records.windows(2).filter(|pair| is_update(pair)).count() < 100, "updates are no deletions");

        let rows: Vec<String> = expected.iter().map(|(shop, (n, total))| format!("{shop}|{n}|{total}")).collect();
        assert_eq!(read_back(&stage, &totals, "read_back").await, rows);

        // As compaction leaves it, and with deletions of keys that were never there.
        let compacted = stage.topic("compacted").create(2).await;
        compacted.send_or_delete(values.into_iter().chain([("{\"shop\":\"never\"}".to_string(), None)]));
        assert_eq!(read_back(&stage, &compacted, "of_compacted").await, rows);
        stage.clear().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_upserts_is_a_changelog_whose_bad_records_are_skipped() {
    for client in clients() {
        let stage = Stage::with_client(client).await;
        let states = stage.topic("states").create(1).await;
        states.send_or_delete([
            ("{\"host\":\"doc\"}", Some("{\"host\":\"doc\",\"load\":1}")),
            ("{\"host\":\"doc\"}", Some("{\"host\":\"doc\",\"load\":2}")),
            ("{\"host\":\"happy\"}", Some("{\"host\":\"happy\",\"load\":7}")),
            ("{\"host\":\"happy\"}", Some("{\"host\":\"happy\",\"load\":7}")),
            ("{\"host\":\"happy\"}", Some("broken")),
            ("broken", Some("{\"host\":\"happy\",\"load\":8}")),
            ("{\"host\":\"doc\"}", None),
            ("{\"host\":\"sleepy\"}", None),
        ]);
        let select = |more: &str, query: &str| {
            format!(
                "SET 'parallelism.default' = '1';\nCREATE TABLE states (host STRING, load INT NOT NULL, `at` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL, \
                 WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND, PRIMARY KEY (host) NOT ENFORCED) WITH (\
                 'connector' = 'upsert-kafka', 'topic' = '{}', 'properties.bootstrap.servers' = '{}', \
                 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset', 'scan.client' = '{}'{more});\n{query}",
                states.name,
                broker(),
                stage.client
            )
        };
        let skip = ", 'error-handling.mode' = 'skip'";
        let rows = |said: &str| -> Vec<String> {
            let cells = said.lines().filter(|line| line.starts_with("| ") && !line.contains(" op "));
            cells
                .map(|line| line.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" "))
                .collect()
        };
        let ended = stage.start(&["-q", "-e", &select(skip, "SELECT host, load FROM states;")]).end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(rows(&ended.stdout), ["+I doc 1", "-U doc 1", "+U doc 2", "+I happy 7", "-D doc 2"]);
        let above = "SELECT host, load FROM states WHERE load > 1;";
        let ended = stage.start(&["-q", "-e", &select(skip, above)]).end().await;
        assert_eq!(rows(&ended.stdout), ["+I doc 2", "+I happy 7", "-D doc 2"]);

        // Nothing but the key is kept: a record with it again is no change.
        let counted = "SELECT COUNT(*) FROM states;";
        let ended = stage.start(&["-q", "-e", &select(skip, counted)]).end().await;
        assert_eq!(rows(&ended.stdout), ["+I 1", "-U 1", "+U 2", "-U 2", "+U 1"]);

        let ended = stage.start(&["-q", "-e", &select("", "SELECT host, load FROM states;")]).end().await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("partition 0, offset 4"), "{ended:?}");
        stage.clear().await;
    }
}
