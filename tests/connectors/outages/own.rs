//! Services that a test has for itself, real processes: to stop, kill, freeze and start again.

use std::path::Path;
use std::process::{Command, Stdio};

/// Services of one name; they end with it.
pub struct Own {
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Kafka,
    /// A second broker beside [`Service::Kafka`].
    Kafka2,
    PostgreSql,
    OpenSearch,
}

impl Service {
    fn word(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Kafka2 => "kafka2",
            Self::PostgreSql => "postgresql",
            Self::OpenSearch => "opensearch",
        }
    }
}

impl Own {
    pub fn new() -> Self {
        Self { name: format!("t{}", &uuid::Uuid::new_v4().simple().to_string()[..8]) }
    }

    /// Starts a service, again where it was before; gives its address.
    pub async fn up(&self, service: Service) -> String {
        self.ctl("up", service).await
    }

    /// Starts the broker once more, with this as the address that clients hear from it.
    pub async fn up_behind(&self, address: &str) {
        self.ctl_with("up", Service::Kafka, &[("MILLSTREAM_OWN_KAFKA_ADVERTISED", address)]).await;
    }

    /// kill -9.
    pub async fn kill(&self, service: Service) {
        self.ctl("kill", service).await;
    }

    /// Asks it to end and waits.
    pub async fn stop(&self, service: Service) {
        self.ctl("stop", service).await;
    }

    /// Connections stay open and nobody answers.
    pub async fn freeze(&self, service: Service) {
        self.ctl("freeze", service).await;
    }

    pub async fn thaw(&self, service: Service) {
        self.ctl("thaw", service).await;
    }

    async fn ctl(&self, action: &str, service: Service) -> String {
        self.ctl_with(action, service, &[]).await
    }

    async fn ctl_with(&self, action: &str, service: Service, variables: &[(&str, &str)]) -> String {
        let mut command = ctl(&self.name, &[action, service.word()]);
        command.envs(variables.iter().copied());
        let what = format!("{command:?}");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{what}: {err}");
        out.lines().last().unwrap_or_default().to_string()
    }
}

fn ctl(name: &str, arguments: &[&str]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/services/ctl");
    let mut command = Command::new(script);
    command.args(["own", name]).args(arguments).stdin(Stdio::null());
    command
}

impl Drop for Own {
    fn drop(&mut self) {
        _ = ctl(&self.name, &["down"]).output();
    }
}
