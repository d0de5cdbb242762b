//! SUGGEST TABLE: a CREATE TABLE that is ready to run, from a sample of what is there.

mod csv;
mod database;
mod index;
mod proposal;
mod shape;
#[cfg(test)]
mod tests;
mod time;
mod topic;

pub use self::index::field_type;
use self::proposal::Proposal;
use crate::catalog::ObjectName;
use crate::connectors::kafka::inspect::Peek;
use crate::connectors::opensearch::OpenSearch;
use crate::connectors::options::RawOptions;
use crate::connectors::postgres::Jdbc;
use crate::connectors::{Connector, kafka};
use crate::error::{Error, Result};
use crate::session::{Outcome, ServiceKind, Session};
use crate::sql::{Ident, ObjectPath, Subject};

/// Records of a topic that are looked at: the newest, and some of the oldest.
const NEWEST: usize = 200;
const OLDEST: usize = 50;
/// Bytes of a record that are looked at; longer ones are left out.
const KEPT: usize = 64 << 10;

impl Session {
    pub(super) async fn suggest(
        &self,
        name: Option<&ObjectPath>,
        subject: &Subject,
        from: Option<&Ident>,
    ) -> Result<Outcome> {
        let mut proposal = Proposal::default();
        match subject {
            Subject::Topic(topic) => self.suggest_for_topic(&mut proposal, name, topic, from).await?,
            Subject::Table(table) => self.suggest_for_table(&mut proposal, name, table, from).await?,
            Subject::Index(index) => self.suggest_for_index(&mut proposal, name, index, from).await?,
        }
        Ok(Outcome::Text(proposal.text()))
    }

    async fn suggest_for_topic(
        &self,
        proposal: &mut Proposal,
        name: Option<&ObjectPath>,
        topic: &Ident,
        from: Option<&Ident>,
    ) -> Result<()> {
        let brokers = self.brokers(from)?;
        let found = brokers.topic(&topic.value).await.map_err(|e| e.at(topic.span))?;
        let extents = brokers.extents(&found).await?;
        let looks = async {
            let newest = Peek { newest: true, limit: NEWEST, keep: KEPT };
            let mut records = brokers.peek(&found.name, &extents, newest).await?;
            let total: i64 = extents.iter().map(|e| e.end - e.start).sum();
            if total > records.len() as i64 {
                let oldest = Peek { newest: false, limit: OLDEST, keep: KEPT };
                let more = brokers.peek(&found.name, &extents, oldest).await?;
                let known = |r: &kafka::inspect::Record| {
                    records.iter().any(|k| (k.partition, k.offset) == (r.partition, r.offset))
                };
                let more: Vec<_> = more.into_iter().filter(|r| !known(r)).collect();
                records.extend(more);
            }
            Ok::<_, Error>((records, total))
        };
        let (mut records, total) = self.told(&format!("looking at records of topic \"{}\"", found.name), looks).await?;
        proposal.comments.push(format!(
            "From {} of {total} records of topic \"{}\" on {}.",
            records.len(),
            found.name,
            brokers.name()
        ));
        let whole = |r: &kafka::inspect::Record| r.value.as_ref().is_none_or(|value| value.is_whole());
        let long = records.iter().filter(|r| !whole(r)).count();
        if long > 0 && long < records.len() {
            proposal.comments.push(format!("{long} records of more than {} KiB were left out.", KEPT >> 10));
            records.retain(whole);
        }
        proposal.name = self.suggested_name(name, &found.name);
        self.address(proposal, &kafka::Kafka, from)?;
        proposal.option("topic", &found.name);
        topic::propose(proposal, &found.name, &records).map_err(|e| e.at(topic.span))?;
        // Where there is a database, its tables are there to be looked up.
        if self.services().iter().any(|service| service.kind == Some(ServiceKind::Postgres)) {
            topic::add_processing_time(proposal);
        }
        proposal.option("scan.startup.mode", "earliest-offset");
        Ok(())
    }

    async fn suggest_for_table(
        &self,
        proposal: &mut Proposal,
        name: Option<&ObjectPath>,
        table: &Ident,
        from: Option<&Ident>,
    ) -> Result<()> {
        let asked = self.database(from)?;
        let doing = format!("asking {} for a definition", asked.name());
        let found = self.told(&doing, asked.definition(&table.value)).await.map_err(|e| e.at(table.span))?;
        let (kind, place) = (&found.kind, asked.name());
        proposal
            .comments
            .push(format!("From the definition of {kind} \"{}.{}\" in {place}.", found.schema, found.name));
        proposal.name = self.suggested_name(name, &found.name);
        self.address(proposal, &Jdbc, from)?;
        database::propose(proposal, &found);
        Ok(())
    }

    async fn suggest_for_index(
        &self,
        proposal: &mut Proposal,
        name: Option<&ObjectPath>,
        index: &Ident,
        from: Option<&Ident>,
    ) -> Result<()> {
        let service = self.search_service(from)?;
        let doing = format!("asking {} for a mapping", service.name());
        let fields = self.told(&doing, service.fields(&index.value)).await.map_err(|e| e.at(index.span))?;
        proposal.comments.push(format!("From the mapping of index \"{}\" in {}.", index.value, service.name()));
        proposal.name = self.suggested_name(name, &index.value);
        self.address(proposal, &OpenSearch, from)?;
        index::propose(proposal, &fields);
        if proposal.columns.is_empty() {
            let error = Error::external(format!("the mapping of index \"{}\" has no fields yet", index.value));
            return Err(error.with_hint("Index a document first, or write CREATE TABLE by hand.").at(index.span));
        }
        proposal.option("index", &index.value);
        Ok(())
    }

    /// The name as it was given, or one made of what it is for that no table has.
    fn suggested_name(&self, given: Option<&ObjectPath>, of: &str) -> String {
        if let Some(path) = given {
            return path.parts.iter().map(|part| proposal::name(&part.value)).collect::<Vec<_>>().join(".");
        }
        let stem = proposal::table_name(of);
        let is_taken = |name: &str| self.catalog.find(&ObjectName::local(name)).is_some();
        let mut name = stem.clone();
        let mut number = 1;
        while is_taken(&name) {
            number += 1;
            name = format!("{stem}_{number}");
        }
        proposal::name(&name)
    }

    /// The connector and where it connects to: the integration by name, or the address of the table that was named.
    fn address(&self, proposal: &mut Proposal, connector: &dyn Connector, from: Option<&Ident>) -> Result<()> {
        let declared = match from.filter(|name| !self.integrations.has(&name.value)) {
            Some(name) => self.service(connector, Some(name)).map(|(_, options)| Some(options))?,
            None => None,
        };
        let usual = connector.names().first().copied().unwrap_or_default();
        let named = |options: &RawOptions| options.get("connector").unwrap_or(usual).replace("upsert-", "");
        match declared {
            Some(options) => {
                proposal.option("connector", named(&options));
                let address = connector.address_option().unwrap_or_default();
                match options.get("integration") {
                    Some(integration) => proposal.option("integration", integration),
                    None => proposal.option(address, options.get(address).unwrap_or_default()),
                }
            }
            None => {
                let asked = from.map(|name| (name.value.as_str(), name.span));
                let (integration, options) = self.integrations.of_service(connector, asked)?;
                proposal.option("connector", named(&options));
                proposal.option("integration", integration);
                if let Some(only) = self.integrations.only_for(integration) {
                    let name = proposal.name.replace('`', "");
                    if !only.contains(&name) {
                        let message =
                            format!("Add \"{name}\" to the \"tables\" of integration \"{integration}\" first.");
                        proposal.comments.push(message);
                    }
                }
            }
        }
        Ok(())
    }
}
