//! SHOW TOPICS, SHOW GROUPS, DESCRIBE TOPIC and PEEK.

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use super::{assert_printed, printed, session};
use crate::kafka::{PATIENCE, config, topic, unique};

/// A record by its key, value and header.
type Sent<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, Option<(&'a str, Option<&'a [u8]>)>);

/// Sends records to a partition, the first at `second` seconds since the epoch, each the next second.
pub fn send(topic: &str, partition: i32, second: i64, records: &[Sent<'_>]) {
    let producer: BaseProducer = config().create().unwrap();
    for (i, (key, value, header)) in records.iter().enumerate() {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition).timestamp(1000 * (second + i as i64));
        record.key = *key;
        record.payload = *value;
        if let Some((key, value)) = header {
            record = record.headers(OwnedHeaders::new().insert(Header { key, value: *value }));
        }
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

pub fn values<'a>(values: &[&'a str]) -> Vec<Sent<'a>> {
    values.iter().map(|value| (None, Some(value.as_bytes()), None)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_listed_by_pattern() {
    let name = topic("look-list", 3).await;
    let mut session = session("");
    let listed =
        printed(&mut session, &format!("SHOW TOPICS FROM kafka LIKE '{name}'; SHOW TOPICS LIKE 'LOOK-none%'")).await;
    let blank = " ".repeat(name.len() - 5);
    let dashes = "-".repeat(name.len() + 2);
    assert_printed(
        &listed,
        &format!(
            "+{dashes}+------------+----------+\n\
             | {blank}topic | partitions | replicas |\n\
             +{dashes}+------------+----------+\n\
             | {name} |          3 |        1 |\n\
             +{dashes}+------------+----------+\n\
             1 row in set\nEmpty set"
        ),
    );
    let internal = printed(&mut session, "SHOW TOPICS LIKE '\\_\\_%'; SHOW TOPICS LIKE '__consumer_offsets'").await;
    assert_printed(&internal, "Empty set\nEmpty set");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_records_are_peeked_at() {
    let name = topic("look-peek", 2).await;
    send(&name, 0, 10, &values(&["old", "{\n  \"a\": 1\n}"]));
    send(&name, 1, 11, &[(Some(b"k"), Some(b""), Some(("trace", Some(b"x1")))), (Some(b"k"), None, Some(("n", None)))]);
    send(&name, 0, 20, &[(None, Some(&[0, 255]), None)]);
    let mut session = session("");
    let shown = printed(&mut session, &format!("PEEK {name} FROM kafka LIMIT 4")).await;
    assert_printed(
        &shown,
        "
        +-----------+--------+-------------------------+--------+------------+------------+
        | partition | offset |                    time |    key |      value |    headers |
        +-----------+--------+-------------------------+--------+------------+------------+
        |         0 |      1 | 1970-01-01 00:00:11.000 | <NULL> | { \"a\": 1 } |         {} |
        |         1 |      0 | 1970-01-01 00:00:11.000 |      k |            | {trace=x1} |
        |         1 |      1 | 1970-01-01 00:00:12.000 |      k |     <NULL> | {n=<NULL>} |
        |         0 |      2 | 1970-01-01 00:00:20.000 | <NULL> |     0x00FF |         {} |
        +-----------+--------+-------------------------+--------+------------+------------+
        4 rows in set",
    );
    let sql =
        format!("SET 'table.local-time-zone' = 'Asia/Tokyo'; PEEK TOPIC `{name}` PARTITION 0 FROM BEGINNING LIMIT 1");
    assert_printed(
        &printed(&mut session, &sql).await,
        "
        +-----------+--------+-------------------------+--------+-------+---------+
        | partition | offset |                    time |    key | value | headers |
        +-----------+--------+-------------------------+--------+-------+---------+
        |         0 |      0 | 1970-01-01 09:00:10.000 | <NULL> |   old |      {} |
        +-----------+--------+-------------------------+--------+-------+---------+
        1 row in set",
    );
    session.set("sql-client.execution.result-mode", "json").unwrap();
    let shown = printed(&mut session, &format!("PEEK {name} PARTITION 1 LIMIT 1")).await;
    let expected =
        r#"{"partition":1,"offset":1,"time":"1970-01-01 09:00:12.000","key":"k","value":null,"headers":"{n=<NULL>}"}"#;
    assert_printed(&shown, expected);
    let error = printed(&mut session, &format!("PEEK {name} PARTITION 2")).await;
    assert!(error.contains("has no partition 2\n --> sql:1:"), "{error}");
    assert!(error.contains("hint: Its partitions are 0 to 1."), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_record_is_cut_and_a_topic_is_never_read_whole() {
    let name = topic("look-huge", 1).await;
    let huge = "x".repeat(500_000);
    send(&name, 0, 1, &values(&vec![huge.as_str(); 40]));
    let shown = printed(&mut session(""), &format!("PEEK {name} LIMIT 1")).await;
    assert!(shown.contains(&format!("{}… (500000 bytes)", "x".repeat(1000))), "{}", &shown[..300]);
    assert_eq!(shown.lines().count(), 6);
    assert!(shown.len() < 8_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_behind_offsets_without_one_are_found() {
    let name = topic("look-gaps", 1).await;
    let producer: BaseProducer = config().set("transactional.id", unique("look")).create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    // Every transaction leaves an offset for its marker; the aborted ones nothing but that.
    for round in 0..30 {
        producer.begin_transaction().unwrap();
        let value = round.to_string();
        producer
            .send(BaseRecord::<str, str>::to(&name).payload(&value).timestamp(1000 * (round + 1)))
            .map_err(|(e, _)| e)
            .unwrap();
        producer.flush(PATIENCE).unwrap();
        match round < 3 {
            true => producer.commit_transaction(PATIENCE).unwrap(),
            false => producer.abort_transaction(PATIENCE).unwrap(),
        }
    }
    let shown = printed(&mut session(""), &format!("PEEK {name} LIMIT 2")).await;
    assert_printed(
        &shown,
        "
        +-----------+--------+-------------------------+--------+-------+---------+
        | partition | offset |                    time |    key | value | headers |
        +-----------+--------+-------------------------+--------+-------+---------+
        |         0 |      2 | 1970-01-01 00:00:02.000 | <NULL> |     1 |      {} |
        |         0 |      4 | 1970-01-01 00:00:03.000 | <NULL> |     2 |      {} |
        +-----------+--------+-------------------------+--------+-------+---------+
        2 rows in set",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_described_with_the_lag_of_a_group() {
    let name = topic("look-describe", 2).await;
    send(&name, 0, 10, &values(&["a", "b", "c"]));
    let group = unique("look-group");
    let consumer: BaseConsumer = config().set("group.id", &group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&name, 0, Offset::Offset(1)).unwrap();
    consumer.commit(&list, CommitMode::Sync).unwrap();
    let mut session = session("");
    let leader = {
        let metadata = consumer.fetch_metadata(Some(&name), PATIENCE).unwrap();
        metadata.topics()[0].partitions()[0].leader()
    };
    let shown = printed(&mut session, &format!("DESCRIBE TOPIC {name} GROUP '{group}'")).await;
    assert_printed(
        &shown.replace(&format!("|      {leader} |        {leader} |       {leader} |"), "|      L |        L |       L |"),
        "
        +-----------+--------+----------+---------+----------+--------+---------+-------------------------+-----------+-----+
        | partition | leader | replicas | in sync | earliest | latest | records |           newest record | committed | lag |
        +-----------+--------+----------+---------+----------+--------+---------+-------------------------+-----------+-----+
        |         0 |      L |        L |       L |        0 |      3 |       3 | 1970-01-01 00:00:12.000 |         1 |   2 |
        |         1 |      L |        L |       L |        0 |      0 |       0 |                         |           |     |
        +-----------+--------+----------+---------+----------+--------+---------+-------------------------+-----------+-----+
        2 rows in set",
    );
    let groups = printed(&mut session, &format!("SHOW GROUPS LIKE '{group}'")).await;
    assert!(groups.contains(&format!("| {group} | Empty |       0 |")), "{groups}");
    let error = printed(&mut session, &format!("DESCRIBE TOPIC {name} FROM kafka GROUP {group}x")).await;
    assert!(error.contains(&format!("consumer group \"{group}x\" doesn't exist on Kafka at ")), "{error}");
    assert!(error.contains(&format!("hint: Did you mean \"{group}\"?")), "{error}");
    // Nobody joined it by looking.
    let after = printed(&mut session, "SHOW GROUPS LIKE 'millstream-look'").await;
    assert_printed(&after, "Empty set");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_topic_is_not_made() {
    let name = topic("look-known", 1).await;
    let mut session = session("");
    for sql in ["PEEK {}", "DESCRIBE TOPIC {}"] {
        let error = printed(&mut session, &sql.replace("{}", &format!("{name}x"))).await;
        assert!(error.starts_with(&format!("error: topic \"{name}x\" doesn't exist on Kafka at ")), "{error}");
        assert!(error.contains(" ^^^^^^^^^^") && error.contains(&format!("hint: Did you mean \"{name}\"?")), "{error}");
    }
    let listed = printed(&mut session, &format!("SHOW TOPICS LIKE '{name}%'; PEEK {name}")).await;
    assert!(listed.contains("1 row in set\nEmpty set"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_table_lends_its_brokers() {
    let name = topic("look-table", 1).await;
    let mut session = millstream::Session::new();
    let sql = format!(
        "CREATE TABLE t (a STRING) WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json', \
         'properties.bootstrap.servers' = '{}', 'json.ignore-parse-errors' = 'true');
         SHOW TOPICS FROM t LIKE '{name}'",
        crate::kafka::broker()
    );
    assert!(printed(&mut session, &sql).await.contains("1 row in set"));
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_away_are_named_and_waited_for_no_longer_than_said() {
    let away = "[integrations.away]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"127.0.0.1:1\"\n\
                \"connection.max-retry-timeout\" = \"1 s\"\n";
    let mut session = session(away);
    for sql in ["SHOW TOPICS FROM away", "PEEK x FROM away", "SHOW GROUPS IN away", "DESCRIBE TOPIC x FROM away"] {
        let error = printed(&mut session, sql).await;
        assert!(error.starts_with("error: gave up on Kafka at 127.0.0.1:1 after "), "{error}");
        assert!(error.contains("Connection refused"), "{error}");
    }
    let error = printed(&mut session, "SHOW TOPICS").await;
    assert!(error.starts_with("error: several integrations are for the connector 'kafka': "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_is_dropped_ends() {
    let away = "[integrations.away]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"127.0.0.1:1\"\n";
    let mut session = session(away);
    let look = session.execute("SHOW TOPICS FROM away");
    let dropped = tokio::time::timeout(std::time::Duration::from_millis(300), look).await;
    assert!(dropped.is_err(), "it waits for brokers that are away");
    assert!(!printed(&mut session, "SHOW TOPICS FROM kafka").await.contains("error"));
}
