//! A job with its doors replaced, and what a run of it took.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use tokio::time::Instant;

use super::doors::{Column, ForgettingSink, PreparedSource, TableInMemory};
use super::event_time::{event_time, not_understood};
use super::file::{RowsFile, deal};
use super::generate::generate;
use super::rows::{Splits, Wanted, count};
use crate::checkpoint::Store;
use crate::connectors::SourceChanges;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result};
use crate::plan::explain::describe;
use crate::plan::stream_plan::{LookupJoinNode, NodeKind, SourceNode, StreamPlan};
use crate::plan::table::{Door, PlannedTable};
use crate::runtime::{Costs, JobConfig, JobMetrics, start};
use crate::session::PlannedJob;
use crate::types::{Field, Schema};
use crate::{allocations, cpu_time};

/// Rows of a table that is looked up, where they are made up.
const LOOKUP_ROWS: u64 = 10_000;

/// What the tables of a job are filled with.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// Of each source.
    pub rows: u64,
    pub given: Vec<GivenRows>,
}

/// A file of rows for a table.
#[derive(Debug, Clone)]
pub struct GivenRows {
    pub table: String,
    pub path: PathBuf,
}

/// Called now and then while a job runs, with the rows that it has read.
pub type Progress<'a> = &'a dyn Fn(u64);

/// A job that can be run again and again.
pub struct Bench {
    pub name: String,
    plan: StreamPlan,
    config: JobConfig,
    /// The rows of the sources together.
    pub rows: u64,
    /// What each table is filled with, for people.
    pub tables: Vec<String>,
}

/// What a run took.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub rows_in: u64,
    pub rows_out: u64,
    pub wall: Duration,
    pub cpu_ns: u64,
    /// Of resident memory before the start, and at most; where the system tells.
    pub memory: Option<(u64, u64)>,
    /// With an account for every node.
    pub costs: Option<MeasuredCosts>,
}

#[derive(Debug, Clone, Default)]
pub struct MeasuredCosts {
    /// Bytes allocated, of all threads.
    pub bytes: u64,
    pub nodes: Vec<MeasuredNode>,
}

/// What a node of the plan took; those without a cost of their own are left out.
#[derive(Debug, Clone)]
pub struct MeasuredNode {
    /// As EXPLAIN has it.
    pub text: String,
    pub rows_in: u64,
    pub rows_out: u64,
    pub cpu_ns: u64,
    pub bytes: u64,
}

impl Bench {
    /// Replaces the doors of a job and prepares the rows of its sources.
    ///
    /// # Errors
    /// Rows that can't be made up, files that don't fit, or a job that reads no table.
    pub fn prepare(job: PlannedJob, options: &BenchOptions) -> Result<Self> {
        let PlannedJob { mut plan, config, tables } = job;
        let doors = Doors { options, tables: &tables, config: &config };
        let (mut rows, mut told) = (0, Vec::new());
        for node in &mut plan.nodes {
            match &mut node.kind {
                NodeKind::Source(source) => {
                    // What stands in the plan itself needs no table.
                    let Some(table) = doors.table(&source.table) else { continue };
                    let (splits, text) = doors.source(table, source)?;
                    rows += count(&splits);
                    told.push(text);
                    let stands_for = source.source.clone();
                    source.source = Arc::new(PreparedSource { stands_for, splits: Arc::new(splits) });
                }
                NodeKind::LookupJoin(join) => {
                    let table = doors.table(&join.table);
                    let table = table.ok_or_else(|| Error::internal("a lookup table that nobody declared"))?;
                    let (in_memory, text) = doors.lookup(table, join)?;
                    told.push(text);
                    join.lookup = Arc::new(in_memory);
                }
                NodeKind::Sink(sink) => {
                    sink.sink = Arc::new(ForgettingSink(sink.sink.clone()));
                    sink.exactly_once = false;
                }
                _ => {}
            }
        }
        for letters in &mut plan.dead_letters {
            letters.sink = Arc::new(ForgettingSink(letters.sink.clone()));
        }
        if rows == 0 {
            return Err(Error::statement(format!(
                "job \"{}\" reads no table: there is nothing to measure",
                config.name
            )));
        }
        told.sort();
        told.dedup();
        Ok(Self { name: config.name.to_string(), plan, config, rows, tables: told })
    }

    pub fn parallelism(&self) -> usize {
        self.config.parallelism
    }

    /// The names of the tables that a job reads or looks up.
    pub fn tables_of(job: &PlannedJob) -> impl Iterator<Item = &str> {
        job.tables.iter().map(|table| table.name.as_str())
    }

    /// Runs the job from its beginning to its end. `with_costs` keeps an account for every node, which takes time.
    ///
    /// # Errors
    /// The job's failure.
    pub async fn run(&self, with_costs: bool, progress: Progress<'_>) -> Result<Measured> {
        let costs = with_costs.then(|| Arc::new(Costs::new(self.plan.nodes.len())));
        let mut config = JobConfig { costs: costs.clone(), ..self.config.clone() };
        if let Some(checkpoints) = &mut config.checkpoints {
            // What a run has kept is not for the next one.
            checkpoints.store = Store::memory();
        }
        let plan = self.plan.clone();
        let memory_before = memory::begin();
        let allocated = allocations::of_process();
        let counted = with_costs.then(allocations::Counted::begin);
        let (began, cpu) = (Instant::now(), cpu_time::of_process());
        let mut job = start(plan, config);
        let metrics = job.metrics.clone();
        let ended = loop {
            tokio::select! {
                biased;
                ended = job.wait() => break ended,
                () = tokio::time::sleep(Duration::from_millis(200)) => progress(metrics.rows_in()),
            }
        };
        let (wall, cpu_ns) = (began.elapsed(), cpu_time::of_process().saturating_sub(cpu));
        drop(counted);
        ended.map_err(|error| error.context(format!("job \"{}\"", self.name)))?;
        let bytes = allocations::of_process().saturating_sub(allocated);
        let costs = costs.map(|costs| MeasuredCosts { bytes, nodes: self.nodes(&costs, &metrics) });
        let memory = memory_before.zip(memory::peak());
        Ok(Measured { rows_in: metrics.rows_in(), rows_out: metrics.rows_out(), wall, cpu_ns, memory, costs })
    }

    fn nodes(&self, costs: &Costs, metrics: &JobMetrics) -> Vec<MeasuredNode> {
        let mut sources = metrics.sources.iter();
        let nodes = self.plan.nodes.iter().zip(costs.nodes()).map(|(node, cost)| MeasuredNode {
            text: describe(node),
            rows_in: match &node.kind {
                NodeKind::Source(_) => sources.next().map_or(0, |source| source.door.rows.load(Relaxed)),
                _ => cost.rows_in.load(Relaxed),
            },
            rows_out: cost.rows_out.load(Relaxed),
            cpu_ns: cost.cpu_ns.load(Relaxed),
            bytes: cost.bytes.load(Relaxed),
        });
        nodes.collect()
    }
}

/// What doors are replaced with.
struct Doors<'a> {
    options: &'a BenchOptions,
    tables: &'a [Arc<PlannedTable>],
    config: &'a JobConfig,
}

impl Doors<'_> {
    fn table(&self, name: &str) -> Option<&PlannedTable> {
        self.tables.iter().find(|table| table.name == name).map(Arc::as_ref)
    }

    /// The file that is given for a table.
    fn given(&self, table: &PlannedTable) -> Option<&PathBuf> {
        self.options.given.iter().find(|given| given.table == table.name).map(|given| &given.path)
    }

    /// The rows of a source, and how they were made.
    fn source(&self, table: &PlannedTable, node: &SourceNode) -> Result<(Splits, String)> {
        let schema = schema_of(table, &node.scan_schema)?;
        let first = |column: &str| {
            let start = raw_options(table).get(&format!("fields.{column}.start")).map(str::trim);
            start.and_then(|start| start.parse().ok()).unwrap_or(0)
        };
        let time = event_time(node, &schema, self.options.rows, first);
        let key = table.primary_key.iter().filter_map(|name| schema.index_of(name)).collect();
        let splits = node.source.parallelism().unwrap_or(self.config.parallelism).max(1);
        let wanted = Wanted {
            table: table.scan_schema(),
            arrow: node.scan_schema.clone(),
            key,
            changes: node.source.changes(),
            rows: self.options.rows,
            splits,
            batch_rows: self.config.batch_rows.max(1),
            event_time: time.told,
            datagen: datagen_options(table),
            schema,
        };
        let name = &table.name;
        let Some(path) = self.given(table) else {
            if node.watermark.is_some() && time.told.is_none() && !time.columns.is_empty() {
                return Err(not_understood(name, node));
            }
            return Ok((generate(&wanted)?, format!("{name} (made up)")));
        };
        let rows = RowsFile {
            path,
            table: name,
            schema: &wanted.schema,
            arrow: &wanted.arrow,
            options: raw_options(table),
            zone: zone_of(table),
            most: self.options.rows,
        };
        let rows = rows.read()?;
        let (splits, once) = deal(&rows, &wanted, &time.columns)?;
        let times = match (once, wanted.changes) {
            (false, _) => "",
            (true, SourceChanges::All) => ", once: its rows change",
            (true, _) => ", once: its event time is a text",
        };
        Ok((splits, format!("{name} ({}{times})", path.display())))
    }

    /// The rows of a table that is looked up, and how they were made.
    fn lookup(&self, table: &PlannedTable, join: &LookupJoinNode) -> Result<(TableInMemory, String)> {
        let all = table.scan_schema();
        let (request, name) = (&join.request, &table.name);
        let stands_for = join.lookup.clone();
        if let Some(path) = self.given(table) {
            let asked_or_key =
                |column: &usize| request.projection.contains(column) || request.key_columns.contains(column);
            let needed: Vec<usize> = (0..all.len()).filter(asked_or_key).collect();
            let place = |column: &usize| needed.binary_search(column).unwrap_or_default();
            let schema = all.project(&needed);
            let rows = RowsFile {
                path,
                table: name,
                schema: &schema,
                arrow: &schema.arrow(),
                options: raw_options(table),
                zone: zone_of(table),
                most: u64::MAX,
            };
            let keys = Some(request.key_columns.iter().map(place).collect());
            let columns = request.projection.iter().map(|column| Column::OfRows(place(column))).collect();
            let rows = rows.read()?;
            let in_memory = TableInMemory { stands_for, rows, keys, columns, schema: join.right_schema.clone() };
            return Ok((in_memory, format!("{name} ({})", path.display())));
        }
        let schema = all.project(&request.projection);
        let columns = request.projection.iter().enumerate().map(|(i, column)| {
            let key = request.key_columns.iter().position(|key| key == column);
            key.map_or(Column::OfRows(i), Column::OfKey)
        });
        let wanted = Wanted {
            table: all,
            arrow: schema.arrow(),
            schema,
            key: Vec::new(),
            changes: SourceChanges::Inserts,
            rows: LOOKUP_ROWS,
            splits: 1,
            batch_rows: LOOKUP_ROWS as usize,
            event_time: None,
            datagen: None,
        };
        let mut parts = generate(&wanted)?.into_iter().flatten();
        let rows = parts.next().ok_or_else(|| Error::internal("a lookup table without rows"))?.rows;
        let in_memory = TableInMemory {
            stands_for,
            rows,
            keys: None,
            columns: columns.collect(),
            schema: join.right_schema.clone(),
        };
        Ok((in_memory, format!("{name} (made up)")))
    }
}

/// The SQL types of the columns that are read.
fn schema_of(table: &PlannedTable, arrow: &SchemaRef) -> Result<Schema> {
    let all = table.scan_schema();
    let field = |field: &Arc<arrow::datatypes::Field>| {
        let known = all.fields.iter().find(|known| known.name == *field.name());
        let known = known.ok_or_else(|| Error::internal(format!("column \"{}\" got lost", field.name())))?;
        Ok(Field::new(&known.name, known.ty.clone().with_nullable(field.is_nullable())))
    };
    arrow.fields().iter().map(field).collect::<Result<Vec<_>>>().map(Schema::new)
}

fn raw_options(table: &PlannedTable) -> &RawOptions {
    static NONE: std::sync::LazyLock<RawOptions> = std::sync::LazyLock::new(RawOptions::new);
    match &table.door {
        Door::Connector { descriptor, .. } => &descriptor.options,
        Door::Registered { .. } => &NONE,
    }
}

fn zone_of(table: &PlannedTable) -> chrono_tz::Tz {
    match &table.door {
        Door::Connector { descriptor, .. } => descriptor.zone,
        Door::Registered { .. } => chrono_tz::Tz::UTC,
    }
}

/// The options of a table of the connector `datagen`.
fn datagen_options(table: &PlannedTable) -> Option<RawOptions> {
    let options = raw_options(table);
    (options.get("connector") == Some("datagen")).then(|| options.clone())
}

/// Resident memory of this process, as Linux tells it.
mod memory {
    /// Begins to look for the highest, and tells what it is now.
    pub fn begin() -> Option<u64> {
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
        read("VmRSS:")
    }

    /// The highest since [`begin`].
    pub fn peak() -> Option<u64> {
        read("VmHWM:")
    }

    fn read(name: &str) -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }
}
