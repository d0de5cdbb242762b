//! The table `millstream_epochs` in the database: who runs a job, and which epoch of it was published last, for each
//! way in by itself.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Row, Statement};

use super::link::{Connection, Link};
use crate::changelog::Epoch;
use crate::connectors::options::DELIVERY_GUARANTEE;
use crate::connectors::{Marker, TargetContext};
use crate::error::{Error, Result};

/// Its name; the search path says where it is.
pub const NAME: &str = "millstream_epochs";
const COLUMNS: &str = "job text, target text, lineage text NOT NULL, attempt bigint NOT NULL, published_lineage text, \
     published_attempt bigint, epoch bigint, published_at timestamptz, PRIMARY KEY (job, target)";

/// The table, with what each statement on it is about: one job, one target and one start. Two users of a database, or two
/// spellings of its address, are two targets, which may see the same table.
#[derive(Debug)]
pub struct EpochsTable {
    /// `public.millstream_epochs`
    sql: String,
    job: String,
    /// The name of the target.
    target: String,
    lineage: String,
    attempt: i64,
}

/// What the marker of an epoch came upon.
#[derive(Debug, PartialEq, Eq)]
pub enum Marked {
    /// The epoch is ours to publish, in this transaction.
    Now,
    /// It was published before, says this marker.
    Before(Marker),
}

impl EpochsTable {
    /// Finds the table on the search path, or creates it in the first schema of that.
    ///
    /// # Errors
    /// Where the role may not: with the statements for somebody who may.
    pub async fn open(link: &Link, connection: &Connection, context: &TargetContext) -> Result<Self> {
        let client = &connection.client;
        let failed = |e| link.error(e).context(format!("cannot look for table {NAME}"));
        let mut found = find(client).await.map_err(failed)?;
        if found.sql.is_none() {
            let create = found.create();
            let created = client.batch_execute(&create).await;
            // Another job may have been faster.
            found.sql = find(client).await.map_err(failed)?.sql;
            match (created, &found.sql) {
                (_, Some(_)) => {}
                (Err(error), None) => return Err(refused(link, error, &found, &create)),
                (Ok(()), None) => return Err(Error::external(format!("table {NAME} is gone again")).retriable()),
            }
        }
        let sql = found.sql.unwrap_or_default();
        let attempt = i64::try_from(context.attempt).unwrap_or(i64::MAX);
        let (job, target) = (context.job.to_string(), link.session_name());
        check_usable(&sql, link, client, &found.role).await?;
        Ok(Self { sql, job, target, lineage: context.lineage.clone(), attempt })
    }

    /// Asks whether it could be opened, and leaves nothing behind; the connection is of no further use.
    ///
    /// # Errors
    /// As of [`EpochsTable::open`].
    pub async fn check(link: &Link, connection: &Connection) -> Result<()> {
        let client = &connection.client;
        let found = find(client).await.map_err(|e| link.error(e).context(format!("cannot look for table {NAME}")))?;
        let Some(sql) = &found.sql else {
            let create = found.create();
            return match client.batch_execute(&format!("BEGIN; {create}; ROLLBACK")).await {
                Err(error) if is_refusal(&error) => Err(refused(link, error, &found, &create)),
                // Another job may be creating it: then there it is when this one opens.
                _ => Ok(()),
            };
        };
        check_usable(sql, link, client, &found.role).await
    }

    /// What was published, as it is seen now.
    pub async fn look(&self, client: &Client) -> Result<Option<Marker>, tokio_postgres::Error> {
        let row = client.query_opt(&self.read(), &[&self.job, &self.target]).await?;
        row.as_ref().map_or(Ok(None), marker)
    }

    /// Waits until no transaction of an earlier start is under way, shuts out all of them, and says what was published.
    ///
    /// # Errors
    /// Of the database; or, as a result, that a later start of the job has been here.
    pub async fn fence(&self, client: &Client) -> Result<Result<Option<Marker>>, tokio_postgres::Error> {
        let Self { sql, job, target, lineage, attempt } = self;
        client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        let insert = format!(
            "INSERT INTO {sql} (job, target, lineage, attempt) VALUES ($1, $2, $3, $4) ON CONFLICT (job, target) DO NOTHING"
        );
        client.execute(&insert, &[job, target, lineage, attempt]).await?;
        let row = client.query_one(&format!("{} FOR UPDATE", self.read()), &[job, target]).await?;
        let (by, number): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        if by == *lineage && number > *attempt {
            client.batch_execute("ROLLBACK").await?;
            return Ok(Err(self.overtaken(number)));
        }
        let update = format!("UPDATE {sql} SET lineage = $3, attempt = $4 WHERE job = $1 AND target = $2");
        client.execute(&update, &[job, target, lineage, attempt]).await?;
        client.batch_execute("COMMIT").await?;
        Ok(Ok(marker(&row)?))
    }

    /// The query of the row, by job and target.
    fn read(&self) -> String {
        format!(
            "SELECT lineage, attempt, published_lineage, published_attempt, epoch FROM {} WHERE job = $1 AND target = $2",
            self.sql
        )
    }

    /// The statement for [`EpochsTable::mark`].
    pub async fn prepare(&self, client: &Client) -> Result<Statement, tokio_postgres::Error> {
        // An epoch of another lineage has a number of its own.
        let update = format!(
            "UPDATE {} SET published_lineage = $3, published_attempt = $4, epoch = $5, published_at = now() \
             WHERE job = $1 AND target = $2 AND lineage = $3 AND attempt = $4 \
             AND (published_lineage IS DISTINCT FROM $3 OR epoch < $5)",
            self.sql
        );
        client.prepare(&update).await
    }

    /// Says in the open transaction that an epoch is published. From here on a later start waits in its fence for the end
    /// of the transaction.
    ///
    /// # Errors
    /// Of the database; or, as a result, that the job isn't ours any longer.
    pub async fn mark(
        &self,
        client: &Client,
        statement: &Statement,
        epoch: Epoch,
    ) -> Result<Result<Marked>, tokio_postgres::Error> {
        let Self { sql, job, target, lineage, attempt } = self;
        let number = i64::try_from(epoch.0).unwrap_or(i64::MAX);
        if client.execute(statement, &[job, target, lineage, attempt, &number]).await? == 1 {
            return Ok(Ok(Marked::Now));
        }
        let Some(row) = client.query_opt(&self.read(), &[job, target]).await? else {
            let gone = format!("the row of job \"{job}\" is gone from table {sql}");
            return Ok(Err(Error::external(gone).with_hint("Start the job again.")));
        };
        let (by, start): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        if by != *lineage || start != *attempt {
            return Ok(Err(self.overtaken(start)));
        }
        Ok(match marker(&row)? {
            Some(marker) if marker.epoch == epoch => Ok(Marked::Before(marker)),
            Some(marker) => Err(marker.is_past(epoch)),
            None => Err(Error::internal("a marker that can't be moved")),
        })
    }

    fn overtaken(&self, start: i64) -> Error {
        Error::external(format!("another process runs the job \"{}\"", self.job))
            .with_detail(format!(
                "Table {} names start {start} of the job as the one that writes; this is start {}.",
                self.sql, self.attempt
            ))
            .with_hint("Stop one of them; or give the jobs names of their own with SET 'pipeline.name' = '…'.")
    }
}

const WHY: &str = "Rows are written exactly once with the help of this table, which holds the last epoch of each job.";

fn marker(row: &Row) -> Result<Option<Marker>, tokio_postgres::Error> {
    let lineage: Option<String> = row.try_get("published_lineage")?;
    let (attempt, epoch): (Option<i64>, Option<i64>) = (row.try_get("published_attempt")?, row.try_get("epoch")?);
    let number = |number: Option<i64>| u64::try_from(number.unwrap_or(0)).unwrap_or(0);
    Ok(lineage.map(|lineage| Marker { lineage, attempt: number(attempt), epoch: Epoch(number(epoch)) }))
}

/// Where the table is, where it would be, and who we are.
struct Found {
    sql: Option<String>,
    schema: String,
    role: String,
}

async fn find(client: &Client) -> Result<Found, tokio_postgres::Error> {
    let find = format!(
        "SELECT (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = pg_catalog.to_regclass('{NAME}')), \
         pg_catalog.quote_ident(current_schema()), pg_catalog.quote_ident(current_user)"
    );
    let row = client.query_one(&find, &[]).await?;
    let schema: Option<String> = row.try_get(1)?;
    Ok(Found { sql: row.try_get(0)?, schema: schema.unwrap_or_else(|| "public".into()), role: row.try_get(2)? })
}

fn grant(table: &str, role: &str) -> String {
    format!("GRANT SELECT, INSERT, UPDATE ON {table} TO {role};")
}

/// Refuses a table of the form that knew one row of each job, and one that the role may not use.
async fn check_usable(sql: &str, link: &Link, client: &Client, role: &str) -> Result<()> {
    check_form(sql, link, client).await?;
    check_rights(sql, link, client, role).await
}

async fn check_form(sql: &str, link: &Link, client: &Client) -> Result<()> {
    let columns = "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute \
         WHERE attrelid = pg_catalog.to_regclass($1::text) AND attname = 'target' AND NOT attisdropped)";
    let row = client.query_one(columns, &[&sql]).await.and_then(|row| row.try_get(0));
    match row.map_err(|e| link.error(e).context(format!("cannot look at table {sql}")))? {
        true => Ok(()),
        false => {
            let target = link.session_name().replace('\'', "''");
            Err(Error::state(format!("table {sql} is that of an earlier Millstream"))
                .with_detail("It has no column \"target\", by which the ways in to a database are told apart.")
                .with_hint(format!(
                    "Stop the jobs that write there; then its owner runs: ALTER TABLE {sql} ADD COLUMN target text NOT \
                     NULL DEFAULT '{target}', DROP CONSTRAINT {NAME}_pkey, ADD PRIMARY KEY (job, target);"
                )))
        }
    }
}

async fn check_rights(sql: &str, link: &Link, client: &Client, role: &str) -> Result<()> {
    let rights = "SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege($1::text, r)) \
         FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) r";
    let row = client.query_one(rights, &[&sql]).await.and_then(|row| row.try_get(0));
    match row.map_err(|e| link.error(e).context(format!("cannot look at table {sql}")))? {
        true => Ok(()),
        false => Err(Error::external(format!("{} doesn't let us use table {sql}", link.name()))
            .with_detail(WHY)
            .with_hint(format!("Its owner runs: {}", grant(sql, role)))),
    }
}

impl Found {
    /// The statement that makes it.
    fn create(&self) -> String {
        format!("CREATE TABLE IF NOT EXISTS {}.{NAME} ({COLUMNS})", self.schema)
    }
}

/// The role may not create it, or there is no schema for it.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    let may_not = [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::INVALID_SCHEMA_NAME];
    error.code().is_some_and(|code| may_not.contains(code))
}

/// The table can't be created.
fn refused(link: &Link, error: tokio_postgres::Error, found: &Found, create: &str) -> Error {
    let is_refused = is_refusal(&error);
    let name = format!("{}.{NAME}", found.schema);
    let error = link.error(error).context(format!("cannot create table {name} in {}", link.name()));
    if !is_refused {
        return error;
    }
    let create = create.replace(" IF NOT EXISTS", "");
    error.with_detail(WHY).with_hint(format!(
        "Somebody who may runs: {create}; {} Or the table asks for less, with '{}' = 'at-least-once'.",
        grant(&name, &found.role),
        DELIVERY_GUARANTEE.key
    ))
}
