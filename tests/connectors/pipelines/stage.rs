//! A test's own names on the real services, and a folder with the job files and the integrations that lead there.

use std::fs;
use std::path::{Path, PathBuf};

use super::topic::Topic;
use crate::kafka::{broker, client, clients, unique};
use crate::opensearch::Index;
use crate::postgres::{Db, server};

/// What the tutorial's PostgreSQL table holds.
pub const THRESHOLDS: [(&str, i64); 7] =
    [("doc", 20), ("grumpy", 30), ("sleepy", 40), ("bashful", 60), ("happy", 70), ("sneezy", 80), ("dopey", 90)];

pub struct Stage {
    folder: tempfile::TempDir,
    id: String,
    /// Who reads Kafka in jobs that are started without a word of it.
    pub client: String,
    pub db: Db,
    pub index: Index,
}

impl Stage {
    /// No topics, no index, and the tutorial's thresholds.
    pub async fn new() -> Self {
        Self::with_client(client()).await
    }

    /// The same, and the client that reads Kafka.
    pub async fn with_client(client: String) -> Self {
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            id: unique("test"),
            client,
            db: Db::new().await,
            index: Index::new("pipelines"),
        };
        stage.db.run("CREATE TABLE limits (hostname varchar, allowed_top int)").await;
        for (host, threshold) in THRESHOLDS {
            stage.db.run(&format!("INSERT INTO limits VALUES ('{host}', {threshold})")).await;
        }
        fs::write(stage.path("generated.toml"), stage.integrations(&stage.client)).unwrap();
        for client in clients() {
            fs::write(stage.config(&client), stage.integrations(&client)).unwrap();
        }
        stage
    }

    /// The file of integrations with which this client reads Kafka.
    pub fn config(&self, client: &str) -> String {
        self.path(&format!("{client}.toml")).display().to_string()
    }

    /// The test's own topic in the place of this one of the job files.
    pub fn topic(&self, name: &str) -> Topic {
        Topic { name: format!("{name}-{}", self.id) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The text of a file of `sql/alerting` with this test's names.
    pub fn job_text(&self, name: &str) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/alerting").join(name);
        self.rename(&fs::read_to_string(file).unwrap())
    }

    /// A text with this test's names.
    pub fn rename(&self, text: &str) -> String {
        let mut text = text
            .replace("'public.cpu_thresholds'", &format!("'{}.limits'", self.db.schema))
            .replace("'public.cpu_load_stats_agg_pg'", &format!("'{}.counts'", self.db.schema))
            .replace("'cpu_high_load'", &format!("'{}'", self.index.name));
        for name in
            ["cpu_load_stats_real", "cpu_load_stats_real_filter", "cpu_load_stats_real_filter_pg", "cpu_load_stats_agg"]
        {
            text = text.replace(&format!("'{name}'"), &format!("'{}'", self.topic(name).name));
        }
        text
    }

    /// Writes a file of this test's own; gives its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    /// What `make up` writes, and the client that reads Kafka.
    fn integrations(&self, client: &str) -> String {
        let server = server();
        let password = server.password.map(|p| format!("password = \"{p}\"\n")).unwrap_or_default();
        format!(
            "[integrations.demo-kafka]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"{}\"\n\
             \"properties.security.protocol\" = \"PLAINTEXT\"\n\"scan.client\" = \"{client}\"\n\n\
             [integrations.demo-postgresql]\nconnector = \"jdbc\"\nurl = \"jdbc:postgresql://{}/{}\"\n\
             username = \"{}\"\n{password}\n\
             [integrations.demo-opensearch]\nconnector = \"opensearch\"\nhosts = \"{}\"\n",
            broker(),
            server.address,
            server.database,
            server.user,
            self.index.host
        )
    }

    /// Removes what is not worth keeping on the services.
    pub async fn clear(self) {
        self.db.drop().await;
    }
}
