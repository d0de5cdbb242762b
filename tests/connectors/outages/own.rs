//! Services that a test has for itself, real processes: to stop, kill, freeze and start again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use tokio::sync::oneshot;

/// Services of one name; they end with it.
pub struct Own {
    name: String,
    front: Option<Front>,
}

/// What stands before the broker.
struct Front {
    /// The broker says it is here.
    address: String,
    /// Where the broker really is.
    leads_to: Mutex<Option<oneshot::Sender<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Kafka,
    /// A broker that one comes to without a password or, at another port, over TLS with one.
    KafkaSecured,
    /// A second broker beside [`Service::Kafka`].
    Kafka2,
    PostgreSql,
    OpenSearch,
}

impl Service {
    fn word(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::KafkaSecured => "kafka-secured",
            Self::Kafka2 => "kafka2",
            Self::PostgreSql => "postgresql",
            Self::OpenSearch => "opensearch",
        }
    }
}

impl Own {
    pub fn new() -> Self {
        Self { name: format!("t{}", &uuid::Uuid::new_v4().simple().to_string()[..8]), front: None }
    }

    /// The same with a broker whose clients come by this address; one with TLS has only clients with TLS come so.
    pub fn behind(address: String, leads_to: oneshot::Sender<String>) -> Self {
        let mut own = Self::new();
        own.front = Some(Front { address, leads_to: Mutex::new(Some(leads_to)) });
        own
    }

    /// Starts a service, again where it was before; gives its address.
    pub async fn up(&self, service: Service) -> String {
        let printed = self.ctl("up", service).await;
        let (address, with_tls) = printed.split_once(' ').unwrap_or((&printed, &printed));
        let front = self.front.as_ref().filter(|_| [Service::Kafka, Service::KafkaSecured].contains(&service));
        if let Some(leads_to) = front.and_then(|front| front.leads_to.lock().unwrap().take()) {
            leads_to.send(with_tls.to_string()).unwrap();
        }
        address.to_string()
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
        let mut command = ctl(&self.name, &[action, service.word()]);
        command.envs(self.front.iter().map(|front| ("MILLSTREAM_OWN_KAFKA_ADVERTISED", &front.address)));
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
