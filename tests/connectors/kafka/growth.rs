//! Partitions and topics that appear while a table is read.

use rdkafka::admin::NewPartitions;

use super::*;

async fn grow(topic: &str, partitions: usize) {
    let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
    for made in admin.create_partitions(&[NewPartitions::new(topic, partitions)], &AdminOptions::new()).await.unwrap() {
        made.unwrap();
    }
}

fn send_to(topic: &str, partition: i32, value: &str) {
    let producer: BaseProducer = config().create().unwrap();
    producer.send(BaseRecord::<str, str>::to(topic).payload(value).partition(partition)).ok().unwrap();
    producer.flush(PATIENCE).unwrap();
}

fn endless(topic: &str, client: &str) -> TableDescriptor {
    let options = [
        // What appears later is read from its beginning all the same.
        ("scan.startup.mode", "latest-offset"),
        ("scan.bounded.mode", "unbounded"),
        ("scan.topic-partition-discovery.interval", "50 ms"),
        ("scan.client", client),
    ];
    strings(topic, &options)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_added_is_read_from_its_beginning() {
    for client in clients() {
        let topic = topic("grows", 1).await;
        send_to(&topic, 0, "before");
        let mut reader = open(&source(&endless(&topic, &client)), &context()).await.unwrap();
        send_to(&topic, 0, "a");
        assert_eq!(take(&mut reader, 1).await, ["a"]);

        grow(&topic, 3).await;
        send_to(&topic, 1, "b");
        send_to(&topic, 2, "c");
        let mut rows = take(&mut reader, 2).await;
        rows.sort();
        assert_eq!(rows, ["b", "c"]);
        send_to(&topic, 0, "d");
        assert_eq!(take(&mut reader, 1).await, ["d"]);
        let mut positions: Vec<_> =
            reader.positions().into_iter().map(|s| format!("{} {}", s.id, s.position)).collect();
        positions.sort();
        assert_eq!(positions, [format!("{topic}/0 3@0"), format!("{topic}/1 1@0"), format!("{topic}/2 1@0")]);
        assert_eq!(reader.lag(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_comes_to_match_the_pattern_is_read() {
    for client in clients() {
        let suffix = unique("late");
        let admin: AdminClient<DefaultClientContext> = config().create().unwrap();
        let make = async |name: &str| {
            let new = NewTopic::new(name, 1, TopicReplication::Fixed(1));
            admin.create_topics(&[new], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
        };
        make(&format!("a-{suffix}")).await;
        let mut table = endless("", &client);
        table.options.remove("topic");
        table.options.set("topic-pattern", format!(".-{suffix}"), None);
        let mut reader = open(&source(&table), &context()).await.unwrap();
        make(&format!("b-{suffix}")).await;
        send_to(&format!("b-{suffix}"), 0, "late");
        assert_eq!(take(&mut reader, 1).await, ["late"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_new_partition_is_read_by_one_subtask() {
    for client in clients() {
        let topic = topic("shared", 2).await;
        let source = source(&endless(&topic, &client));
        let splits = source.splits(&context()).await.unwrap();
        let mut readers = Vec::new();
        for (subtask, split) in splits.into_iter().enumerate() {
            let context = OpenContext { subtask, parallelism: 2, ..context() };
            readers.push(source.open(vec![split], &context).await.unwrap());
        }
        grow(&topic, 6).await;
        for partition in 2..6 {
            send_to(&topic, partition, &format!("p{partition}"));
        }
        let mut rows = Vec::new();
        for reader in &mut readers {
            rows.extend(take(reader, 2).await);
        }
        rows.sort();
        assert_eq!(rows, ["p2", "p3", "p4", "p5"]);
    }
}
