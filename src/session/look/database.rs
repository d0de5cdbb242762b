//! SHOW TABLES FROM, DESCRIBE TABLE and PSQL.

use super::shown::one_line;
use super::told;
use super::topics::numbered;
use crate::connectors::postgres::Jdbc;
use crate::connectors::postgres::inspect::{Database, Remark};
use crate::error::{Error, Result};
use crate::session::show::fits;
use crate::session::{Listing, Notice, NoticeKind, Outcome, Reply, Session};
use crate::span::{Location, Span};
use crate::sql::{Ident, LikePattern, Quoted};

impl Session {
    pub(super) fn database(&self, from: Option<&Ident>) -> Result<Database> {
        let (owner, options) = self.service(&Jdbc, from)?;
        Database::new(&owner, &options, self.look_context()).map_err(|e| e.at(from.map(|i| i.span)))
    }

    pub(super) async fn show_tables_of(&self, from: &Ident, like: &Option<LikePattern>) -> Result<Outcome> {
        let database = self.database(Some(from))?;
        let doing = format!("asking {} for its tables", database.name());
        let relations = self.told(&doing, database.relations()).await?;
        let mut listing = numbered(&["schema", "table", "type", "rows (estimate)"], &[3]);
        for relation in relations.into_iter().filter(|r| fits(like, &r.name)) {
            let rows = relation.rows.map(|rows| rows.to_string());
            listing.push(vec![Some(relation.schema), Some(relation.name), Some(relation.kind), rows]);
        }
        Ok(Outcome::Listing(listing))
    }

    pub(super) async fn describe_table_of(&self, table: &Ident, from: Option<&Ident>) -> Result<Outcome> {
        let database = self.database(from)?;
        let doing = format!("asking {} for a definition", database.name());
        let found = self.told(&doing, database.definition(&table.value)).await.map_err(|e| e.at(table.span))?;
        let mut kind = found.kind.clone();
        if let Some(first) = kind.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let mut listing = numbered(&["column", "type", "null", "default", "Flink SQL"], &[]);
        for column in found.columns {
            let null = if column.nullable { "TRUE" } else { "FALSE" };
            let cells =
                [Some(column.name), Some(column.ty), Some(null.to_string()), column.default, Some(column.flink)];
            listing.push(cells.to_vec());
        }
        let title = Reply::Done(format!("{kind} \"{}.{}\"", found.schema, found.name));
        let mut replies = vec![title, Reply::Rows(listing)];
        if !found.indexes.is_empty() {
            replies.push(Reply::Done("Indexes:".to_string()));
            replies.extend(found.indexes.iter().map(|index| Reply::Done(format!("    {}", one_line(index)))));
        }
        Ok(Outcome::Replies(replies))
    }

    /// Sends SQL over the connection that the session keeps to the database.
    pub(super) async fn psql(&mut self, on: Option<&Ident>, sql: &Quoted) -> Result<Outcome> {
        if sql.text.value.trim_start().starts_with('\\') {
            let from = on.map_or_else(|| "integration".to_string(), |on| on.value.clone());
            return Err(Error::statement("PSQL sends SQL; commands of psql are none")
                .with_hint(format!("SHOW TABLES FROM `{from}` is \\dt, DESCRIBE TABLE name FROM `{from}` is \\d name."))
                .at(sql.text.span));
        }
        let (owner, _) = self.service(&Jdbc, on)?;
        let database = self.database(on)?;
        let (name, reporter) = (database.name(), self.reporter.clone());
        let kept = self.conversations.entry(format!("{owner}, {name}"));
        let conversation = kept.or_insert_with(|| database.conversation());
        let doing = format!("{name} is at work");
        // Connecting says for itself what it waits for.
        let open = conversation.open().await;
        let answers = match open {
            Ok(()) => told(&reporter, || doing, conversation.send(&sql.text.value)).await,
            Err(error) => Err(error.into()),
        };
        self.notices.extend(conversation.take_remarks().into_iter().map(notice));
        let answers = answers.map_err(|refused| {
            let place = refused.position.and_then(|position| place(sql, position));
            refused.error.at(place.unwrap_or(sql.text.span))
        })?;
        let mut replies = Vec::new();
        for answer in answers {
            let (kept, all) = (answer.rows.len(), answer.count);
            if answer.columns.is_some() && (kept as u64) < all {
                let message = format!("only the first {kept} of {all} rows are shown");
                let hint = Some("LIMIT and OFFSET give others.".to_string());
                self.notices.push(Notice { kind: NoticeKind::Warned, message, hint, span: None, text: None });
            }
            let rows = answer.columns.map(|columns| Listing { columns, rows: answer.rows, marks_nulls: true });
            replies.extend(rows.map(Reply::Rows));
            replies.extend(answer.tag.map(Reply::Done));
        }
        Ok(Outcome::Replies(replies))
    }
}

fn notice(remark: Remark) -> Notice {
    let kind = if remark.severity == "WARNING" { NoticeKind::Warned } else { NoticeKind::Said };
    let detail = remark.detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    Notice { kind, message: format!("{}{detail}", remark.message), hint: remark.hint, span: None, text: None }
}

/// Where a character of what was sent (from 1) stands in the statement.
fn place(sql: &Quoted, position: usize) -> Option<Span> {
    let written: Vec<char> = sql.written.chars().collect();
    let at = match written.first()? {
        '$' => {
            let opening = written.iter().enumerate().filter(|(_, c)| **c == '$').nth(1)?.0 + 1;
            opening + position.checked_sub(1)?
        }
        '\'' => {
            // A doubled quote is one character.
            let (mut at, mut left) = (1, position.checked_sub(1)?);
            while left > 0 {
                at += if written.get(at) == Some(&'\'') { 2 } else { 1 };
                left -= 1;
            }
            at
        }
        _ => return None,
    };
    let is_word = |c: &&char| c.is_alphanumeric() || **c == '_';
    let width = written.get(at..)?.iter().take_while(is_word).count().max(1);
    let mut start = sql.text.span.start;
    for c in written.get(..at)? {
        start = match c {
            '\n' => Location::new(start.line + 1, 1),
            _ => Location::new(start.line, start.column + 1),
        };
    }
    Some(Span::on_line(start.line, start.column, width as u32))
}
