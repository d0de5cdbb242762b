//! The connector `jdbc` against a real PostgreSQL, found by the environment variable `MILLSTREAM_TEST_POSTGRES`
//! (`postgresql://user:password@host:port/database`, the password only where the server wants one).

#![allow(clippy::disallowed_methods)] // tests spawn on their own runtime

mod address;
mod bad_input;
mod broken_scan;
mod exactly_once;
mod lookup;
mod outage;
mod provider;
mod rejects;
mod scan;
mod sink;
#[cfg(feature = "tls")]
mod tls;
mod types;

use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millstream::connectors::{
    Connector, OpenContext, Reporter, ScanRequest, Source, SourceEvent, TableDescriptor, find,
};
use millstream::types::{Field, Schema, SqlType, TypeKind};
use tokio_postgres::{Client, NoTls};

/// Where the server is.
pub struct Server {
    /// `host:port`
    pub address: String,
    pub user: String,
    pub password: Option<String>,
    pub database: String,
}

pub fn server() -> Server {
    let url = std::env::var("MILLSTREAM_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "these tests need a PostgreSQL: start one with `make up` and set MILLSTREAM_TEST_POSTGRES to \
             postgresql://user:password@host:port/database"
        )
    });
    Server::of(&url)
}

impl Server {
    pub fn of(url: &str) -> Self {
        let rest = url.strip_prefix("postgresql://").expect("the address starts with postgresql://");
        let (login, rest) = rest.split_once('@').expect("the address has a user");
        let (address, database) = rest.split_once('/').expect("the address has a database");
        let (user, password) =
            login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password.into())));
        Self { address: address.into(), user: user.into(), password, database: database.into() }
    }
}

/// A schema of a test's own.
pub struct Db {
    client: Client,
    pub schema: String,
}

impl Db {
    pub async fn new() -> Self {
        let server = server();
        let (host, port) = server.address.split_once(':').expect("the address has a port");
        let mut config = tokio_postgres::Config::new();
        config.host(host).port(port.parse().unwrap()).user(&server.user).dbname(&server.database);
        if let Some(password) = &server.password {
            config.password(password);
        }
        let (client, connection) = config.connect(NoTls).await.expect("PostgreSQL answers");
        tokio::spawn(connection);
        let schema = format!("test_{}", uuid::Uuid::new_v4().simple());
        client.batch_execute(&format!("CREATE SCHEMA {schema}; SET search_path = {schema}, public")).await.unwrap();
        Self { client, schema }
    }

    pub async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// The rows of a query as text, `NULL` for NULL, columns separated by `|`.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        let messages = self.client.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let rows = messages.into_iter().filter_map(|m| match m {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_string()).collect::<Vec<_>>().join("|"))
            }
            _ => None,
        });
        rows.collect()
    }

    /// `name` in our schema as a table with these columns; `key` counts the leading columns of its PRIMARY KEY.
    fn table(&self, name: &str, columns: &[(&str, TypeKind)], key: usize) -> TableDescriptor {
        Self::descriptor(name, &format!("{}.{name}", self.schema), columns, key)
    }

    fn descriptor(name: &str, table_name: &str, columns: &[(&str, TypeKind)], key: usize) -> TableDescriptor {
        let server = server();
        let mut options = vec![
            ("connector", "jdbc".to_string()),
            ("url", format!("jdbc:postgresql://{}/{}", server.address, server.database)),
            ("username", server.user),
            ("table-name", table_name.to_string()),
        ];
        options.extend(server.password.map(|password| ("password", password)));
        let columns =
            columns.iter().enumerate().map(|(i, (name, kind))| Field::new(*name, SqlType::new(kind.clone(), i >= key)));
        TableDescriptor {
            name: name.into(),
            columns: columns.collect::<Schema>(),
            metadata: vec![],
            primary_key: (0..key).collect(),
            partition_keys: vec![],
            options: options.into_iter().collect(),
            zone: chrono_tz::Europe::Berlin,
        }
    }

    pub async fn drop(self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.schema)).await;
    }
}

fn jdbc() -> &'static dyn Connector {
    find("jdbc", None).expect("the connector is registered")
}

fn with(mut table: TableDescriptor, options: &[(&str, &str)]) -> TableDescriptor {
    for (key, value) in options {
        table.options.set(*key, *value, None);
    }
    table
}

/// The table at the same database by another address: other hosts, parameters behind them.
fn by(table: TableDescriptor, hosts: &str, parameters: &str) -> TableDescriptor {
    let url = format!("jdbc:postgresql://{hosts}/{}?{parameters}", server().database);
    with(table, &[("url", &url)])
}

/// What a query answers over the connection of this table.
async fn asked(table: &TableDescriptor, sql: &str) -> millstream::Result<Vec<String>> {
    read(&*jdbc().source(&with(table.clone(), &[("table-name", &format!("({sql}) AS q"))]))?).await
}

/// A port on which nothing listens.
async fn free_port() -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A context that keeps what people are told.
fn context() -> (OpenContext, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = told.clone();
    let reporter = Reporter::new(move |line| keep.lock().unwrap().push(line.to_string()));
    (OpenContext { reporter, ..OpenContext::for_test() }, told)
}

/// Rows as text: columns separated by `|`.
fn text(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join("|"))
        .collect()
}

/// All rows of all splits, as text.
async fn read(source: &dyn Source) -> millstream::Result<Vec<String>> {
    let context = OpenContext::for_test();
    let splits = source.splits(&context).await?;
    let mut reader = source.open(splits, &context).await?;
    let mut rows = Vec::new();
    loop {
        match reader.next().await? {
            SourceEvent::Rows { rows: batch, .. } => rows.extend(text(&batch)),
            SourceEvent::SplitStart(_) | SourceEvent::SplitEnd(_) => {}
            SourceEvent::End => return Ok(rows),
        }
    }
}

fn request(projection: &[usize]) -> ScanRequest {
    ScanRequest { projection: projection.to_vec(), ..ScanRequest::default() }
}

fn string() -> TypeKind {
    SqlType::string().kind
}
