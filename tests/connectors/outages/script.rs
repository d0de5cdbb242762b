//! What the job of these tests says.

use super::scene::Scene;

/// The options with which the job reaches a service, where it goes another way than the test.
#[derive(Default)]
pub struct Ways {
    pub kafka: Option<String>,
    pub jdbc: Option<String>,
    pub opensearch: Option<String>,
    /// More options of the table that is read, each with a comma before it.
    pub source: String,
    /// With checkpoints, and beside the job another one that writes to Kafka alone.
    pub exactly_once: bool,
}

/// What the script says more where it is to be exactly once.
#[derive(Default)]
struct ExactlyOnce {
    before: String,
    topic: String,
    index: String,
    behind: String,
}

impl Scene {
    /// User, password and the rest of PostgreSQL's address: `host:port/database`.
    pub fn postgres_parts(&self) -> (&str, &str, &str) {
        let (login, rest) = self.postgres.strip_prefix("postgresql://").and_then(|u| u.split_once('@')).unwrap();
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        (user, password, rest)
    }

    /// The options of a table of PostgreSQL at this address.
    pub fn jdbc_at(&self, address: &str) -> String {
        let (user, password, _) = self.postgres_parts();
        format!("'url' = 'jdbc:postgresql://{address}', 'username' = '{user}', 'password' = '{password}'")
    }

    fn added(&self, output: &str) -> ExactlyOnce {
        let id = &self.id;
        if !self.ways.exactly_once {
            return ExactlyOnce::default();
        }
        let topic = |prefix: &str| {
            format!(
                ", 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{prefix}',
                 'properties.transaction.timeout.ms' = '900000'"
            )
        };
        let copied = output.replace(&format!("{id}_out"), &self.copied());
        ExactlyOnce {
            before: format!(
                "SET 'execution.checkpointing.interval' = '300 ms';
                 SET 'execution.checkpointing.dir' = 'file://{}';
                 SET 'execution.checkpointing.timeout' = '3 s';
                 SET 'execution.checkpointing.tolerable-failed-checkpoints' = '1';
                 SET 'restart-strategy.type' = 'fixed-delay';
                 SET 'restart-strategy.fixed-delay.attempts' = '1000';
                 SET 'pipeline.name' = '{id}';",
                self.path("state").display()
            ),
            topic: topic(id),
            // An epoch needs several requests.
            index: ", 'sink.bulk-flush.max-actions' = '20'".to_string(),
            behind: format!(
                "SET 'pipeline.name' = '{id}_copied';
                 CREATE TABLE copied (seq BIGINT, payload STRING) WITH ({copied}{});
                 INSERT INTO copied SELECT seq, payload FROM numbers;",
                topic(&self.copied())
            ),
        }
    }

    pub fn sql(&self) -> String {
        let Self { id, kafka, opensearch, ways, client, .. } = self;
        let or = |way: &Option<String>, usual: String| way.clone().unwrap_or(usual);
        let kafka = or(&ways.kafka, format!("'properties.bootstrap.servers' = '{kafka}'"));
        let jdbc = or(&ways.jdbc, self.jdbc_at(self.postgres_parts().2));
        let jdbc = format!("'connector' = 'jdbc', {jdbc}");
        // A node of OpenSearch takes its time to come back on a slow machine; the others are as people leave them.
        let patience = "'connection.max-retry-timeout' = '4 min'";
        let opensearch = or(&ways.opensearch, format!("'hosts' = '{opensearch}'"));
        let topic = |name: &str| format!("'connector' = 'kafka', 'topic' = '{id}_{name}', {kafka}, 'format' = 'json'");
        let (input, output, more) = (topic("in"), topic("out"), &ways.source);
        let added = self.added(&output);
        let ExactlyOnce { before, topic: to_topic, index, behind } = added;
        format!(
            "{before}
             CREATE TABLE numbers (seq BIGINT, host INT, payload STRING, looked AS PROCTIME())
               WITH ({input}, 'scan.startup.mode' = 'earliest-offset', 'scan.client' = '{client}'{more});
             CREATE TABLE hosts (host INT, name STRING)
               WITH ({jdbc}, 'table-name' = '{id}_hosts');
             CREATE TABLE to_topic (seq BIGINT, payload STRING, name STRING) WITH ({output}{to_topic});
             CREATE TABLE upserted (seq BIGINT, payload STRING, PRIMARY KEY (seq) NOT ENFORCED)
               WITH ({jdbc}, 'table-name' = '{id}_upserted');
             CREATE TABLE appended (seq BIGINT, payload STRING)
               WITH ({jdbc}, 'table-name' = '{id}_appended');
             CREATE TABLE to_index (seq BIGINT, payload STRING, PRIMARY KEY (seq) NOT ENFORCED)
               WITH ('connector' = 'opensearch', {opensearch}, 'index' = '{id}', {patience}{index});
             EXECUTE STATEMENT SET BEGIN
               INSERT INTO to_topic SELECT n.seq, n.payload, h.name
                 FROM numbers AS n JOIN hosts FOR SYSTEM_TIME AS OF n.looked AS h ON n.host = h.host;
               INSERT INTO upserted SELECT seq, payload FROM numbers;
               INSERT INTO appended SELECT seq, payload FROM numbers;
               INSERT INTO to_index SELECT seq, payload FROM numbers;
             END;
             {behind}"
        )
    }
}
