//! A job that is refused as it opens: all that stands against it is told at once, and nothing was made for it.

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::stage::Stage;
use crate::kafka::{PATIENCE, config, unique};

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_not_there_are_told_together_and_no_topic_is_made() {
    let stage = Stage::new().await;
    let topic = unique("never-made");
    let sql = format!(
        "SET 'pipeline.name' = 'refused';
         CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1');
         CREATE TABLE records (n INT) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = '',
           'topic' = '{topic}', 'format' = 'json');
         CREATE TABLE near (n INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://', 'table-name' = 'missing_one');
         CREATE TABLE other (n INT) WITH ('connector' = 'jdbc', 'url' = 'jdbc:postgresql://', 'table-name' = 'missing_other');
         EXECUTE STATEMENT SET BEGIN
           INSERT INTO records SELECT n FROM numbers;
           INSERT INTO near SELECT n FROM numbers;
           INSERT INTO other SELECT n FROM numbers;
         END;"
    );
    let ended = stage.start(&["-e", &sql]).end().await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for table in [
        "table \"near\" (connector \"jdbc\"): \"missing_one\"",
        "table \"other\" (connector \"jdbc\"): \"missing_other\"",
    ] {
        let told = format!("error: job \"refused\" failed: {table} does not exist in PostgreSQL at ");
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("started"), "{}", ended.stderr);
    let consumer: BaseConsumer = config().create().unwrap();
    let metadata = consumer.fetch_metadata(None, PATIENCE).unwrap();
    assert!(metadata.topics().iter().all(|known| known.name() != topic));
    stage.clear().await;
}
