//! A table that the session doesn't know and a service does: where its declaration may come from.

use std::time::Duration;

use tokio::time::timeout;

use super::names::ServiceKind;
use crate::error::Error;
use crate::session::Session;
use crate::sql::{is_reserved, spelled};

/// An error isn't held back for longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

impl Session {
    /// The error with a hint, where it says that a table is missing whose name is one of a service's.
    pub(in crate::session) async fn with_suggestion(&self, error: Error) -> Error {
        let name = error.message().strip_prefix("table \"").and_then(|rest| rest.strip_suffix("\" not found"));
        let Some(name) = name.filter(|_| error.each().count() == 1).map(str::to_string) else { return error };
        for service in self.services() {
            let named = |known: &String| match service.kind {
                Some(ServiceKind::Kafka) => *known == name,
                // With its schema.
                Some(ServiceKind::Postgres) => known.rsplit('.').next() == Some(name.as_str()),
                Some(ServiceKind::OpenSearch) | None => false,
            };
            let asks = matches!(service.kind, Some(ServiceKind::Kafka | ServiceKind::Postgres));
            let names = async { if asks { service.names().await } else { Ok(Vec::new()) } };
            let Ok(Ok(names)) = timeout(PATIENCE, names).await else { continue };
            let Some((known, kind)) = names.into_iter().find(named).zip(service.kind) else { continue };
            let hint = error.hint().map(|hint| format!("{hint}\n")).filter(|hint| hint.starts_with("Did you mean"));
            let is_plain = known.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
            let shown = if is_plain && !is_reserved(&known) { known.clone() } else { spelled(&known) };
            let (hint, noun) = (hint.unwrap_or_default(), kind.noun());
            return error.with_hint(format!(
                "{hint}\"{known}\" is a {noun} of the integration '{}', and no table is declared for it yet. Its CREATE \
                 TABLE is proposed by: SUGGEST TABLE FOR {} {shown};",
                service.integration,
                noun.to_uppercase(),
            ));
        }
        error
    }
}
