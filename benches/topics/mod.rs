//! Topics that a benchmark makes and deletes.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::types::RDKafkaErrorCode;

pub type Failure = Box<dyn std::error::Error>;

/// Who makes and deletes topics of a cluster.
pub struct Admin(AdminClient<DefaultClientContext>);

impl Admin {
    pub fn connect(broker: &str) -> Result<Self, Failure> {
        Ok(Self(ClientConfig::new().set("bootstrap.servers", broker).create()?))
    }

    pub fn create(&self, names: &[&str], partitions: i32) -> Result<(), Failure> {
        let new = names.iter().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)));
        let new: Vec<NewTopic> = new.collect();
        for made in wait(self.0.create_topics(&new, &AdminOptions::new()))?? {
            made.map_err(|(topic, code)| format!("cannot create topic {topic}: {code}"))?;
        }
        Ok(())
    }

    /// Deletes the topics of these names that are there.
    pub fn delete(&self, names: &[&str]) -> Result<(), Failure> {
        for gone in wait(self.0.delete_topics(names, &AdminOptions::new()))?? {
            match gone {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((topic, code)) => return Err(format!("cannot delete topic {topic}: {code}").into()),
            }
        }
        Ok(())
    }
}

/// The result of a call that librdkafka's own thread completes.
fn wait<T>(call: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(call))
}
