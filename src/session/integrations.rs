//! SHOW INTEGRATIONS: what is connected to, as its file has it.

use super::{Listing, Session};
use crate::connectors;
use crate::connectors::secrets::redact;

impl Session {
    /// Secrets are blotted out.
    pub(super) fn show_integrations(&self) -> Listing {
        let mut listing = Listing::new(&["integration", "connector", "address", "only for"]);
        for integration in self.integrations.iter() {
            let connector = integration.connector.0.as_str();
            let address = connectors::find(connector, None).ok().and_then(|connector| connector.address_option());
            let setting = integration.settings.iter().find(|setting| Some(setting.key.as_str()) == address);
            let address = setting.map(|setting| redact(&setting.key, &setting.value)).unwrap_or_default();
            let tables = integration.tables.as_deref().unwrap_or_default().join(", ");
            listing
                .push([integration.name.as_str(), connector, &address, &tables].map(|c| Some(c.to_string())).to_vec());
        }
        listing
    }
}
