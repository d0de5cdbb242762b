//! SHOW INDEXES, PEEK INDEX and DESCRIBE INDEX.

use super::shown::{self, SHOWN, one_line};
use super::suggest::field_type;
use super::topics::numbered;
use crate::connectors::kafka::inspect::Kept;
use crate::connectors::opensearch::OpenSearch;
use crate::connectors::opensearch::inspect::{Document, Indexes};
use crate::connectors::opensearch::mapping::Field;
use crate::error::Result;
use crate::session::show::fits;
use crate::session::{Listing, Outcome, Session};
use crate::sql::{Ident, LikePattern};

impl Session {
    pub(super) fn search_service(&self, from: Option<&Ident>) -> Result<Indexes> {
        let (owner, options) = self.service(&OpenSearch, from)?;
        Indexes::new(&owner, &options, self.look_context()).map_err(|e| e.at(from.map(|i| i.span)))
    }

    pub(super) async fn show_indexes(
        &self,
        from: Option<&Ident>,
        all: bool,
        like: &Option<LikePattern>,
    ) -> Result<Outcome> {
        let service = self.search_service(from)?;
        let doing = format!("asking {} for its indexes", service.name());
        let indexes = self.told(&doing, service.list(all)).await?;
        let mut listing = numbered(&["index", "health", "status", "documents", "size"], &[3]);
        for index in indexes.into_iter().filter(|index| fits(like, &index.name)) {
            listing.push(vec![Some(index.name), index.health, index.status, index.documents, index.size]);
        }
        Ok(Outcome::Listing(listing))
    }

    pub(super) async fn peek_index(&self, index: &Ident, from: Option<&Ident>, limit: usize) -> Result<Outcome> {
        let service = self.search_service(from)?;
        let doing = format!("reading documents of index \"{}\"", index.value);
        let looked = self.told(&doing, service.documents(&index.value, limit)).await;
        let documents = looked.map_err(|e| e.at(index.span))?;
        // A pattern or an alias stands for others.
        let says_index = documents.iter().any(|document| document.index != index.value);
        let names = ["_index", "_id", "_source"];
        let mut listing = numbered(if says_index { &names } else { &names[1..] }, &[]).marking_nulls();
        for Document { index, id, source } in documents {
            let source = source.map(|source| Kept::new(one_line(&source).as_bytes(), SHOWN));
            let cells = [Some(one_line(&id)), source.as_ref().map(shown::bytes)];
            listing.push(says_index.then_some(Some(index)).into_iter().chain(cells).collect());
        }
        Ok(Outcome::Listing(listing))
    }

    pub(super) async fn describe_index(&self, index: &Ident, from: Option<&Ident>) -> Result<Outcome> {
        let service = self.search_service(from)?;
        let doing = format!("asking {} for a mapping", service.name());
        let fields = self.told(&doing, service.fields(&index.value)).await.map_err(|e| e.at(index.span))?;
        let mut listing = numbered(&["field", "type", "Flink SQL"], &[]);
        list(&mut listing, "", &fields);
        Ok(Outcome::Listing(listing))
    }
}

/// Each field, and below it those within it and the other ways in which it is indexed, which no document holds.
fn list(listing: &mut Listing, above: &str, fields: &[Field]) {
    for field in fields {
        let path = format!("{above}{}", field.name);
        listing.push(vec![Some(one_line(&path)), Some(field.ty.clone()), field_type(field)]);
        list(listing, &format!("{path}."), &field.fields);
        for other in &field.others {
            listing.push(vec![Some(one_line(&format!("{path}.{}", other.name))), Some(other.ty.clone()), None]);
        }
    }
}
