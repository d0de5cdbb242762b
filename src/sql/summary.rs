//! A statement in a few words, for progress and logs.

use std::fmt;

use super::statement::{AlterTable, Insert, ObjectPath, Show, Statement, StatementKind};

/// How many characters a summary takes from a query.
const WIDTH: usize = 60;

impl Statement {
    /// One line that tells this statement from others: `CREATE TABLE CPU_IN`, `INSERT INTO CPU_OUT`, or the first words
    /// of a query. Never an option's value.
    pub fn summary(&self) -> String {
        match &self.kind {
            StatementKind::CreateTable(table) => format!("CREATE TABLE {}", table.name),
            StatementKind::CreateView(view) => format!("CREATE VIEW {}", view.name),
            StatementKind::DropTable { name, .. } => format!("DROP TABLE {name}"),
            StatementKind::DropView { name, .. } => format!("DROP VIEW {name}"),
            StatementKind::AlterTable { name, change: AlterTable::Set(_), .. } => format!("ALTER TABLE {name} SET"),
            StatementKind::AlterTable { name, change: AlterTable::Reset(_), .. } => format!("ALTER TABLE {name} RESET"),
            StatementKind::AlterTable { name, change: AlterTable::Rename(to), .. } => {
                format!("ALTER TABLE {name} RENAME TO {to}")
            }
            StatementKind::AlterViewRename { name, to } => format!("ALTER VIEW {name} RENAME TO {to}"),
            StatementKind::Insert(insert) => summary_of_insert(insert),
            StatementKind::StatementSet(inserts) => {
                let targets = inserts.iter().map(|insert| insert.target.to_string()).collect::<Vec<_>>();
                format!("STATEMENT SET into {}", targets.join(", "))
            }
            StatementKind::Query(_) => first_words(&self.text),
            StatementKind::Set { key, .. } => format!("SET '{}'", key.value),
            StatementKind::ShowSettings => "SET".to_string(),
            StatementKind::ShowSetting { key } => format!("SET '{}'", key.value),
            StatementKind::Reset { key } => format!("RESET '{}'", key.value),
            StatementKind::ResetAll => "RESET".to_string(),
            StatementKind::Show(show) => summary_of_show(show),
            StatementKind::Describe { name } => format!("DESCRIBE {name}"),
            StatementKind::DescribeJob { job } => format!("DESCRIBE JOB '{}'", job.value),
            StatementKind::StopJob { job, .. } => format!("STOP JOB '{}'", job.value),
            StatementKind::Explain { statement, .. } => format!("EXPLAIN {}", statement.summary()),
            StatementKind::UseCatalog(name) => format!("USE CATALOG {}", name.value),
            StatementKind::UseDatabase(name) => format!("USE {name}"),
            StatementKind::Look(look) => look.summary(),
        }
    }
}

fn summary_of_insert(insert: &Insert) -> String {
    format!("INSERT {} {}", if insert.overwrite { "OVERWRITE" } else { "INTO" }, insert.target)
}

fn summary_of_show(show: &Show) -> String {
    match show {
        Show::Catalogs => "SHOW CATALOGS".into(),
        Show::CurrentCatalog => "SHOW CURRENT CATALOG".into(),
        Show::Databases => "SHOW DATABASES".into(),
        Show::CurrentDatabase => "SHOW CURRENT DATABASE".into(),
        Show::Tables { .. } => "SHOW TABLES".into(),
        Show::Views { .. } => "SHOW VIEWS".into(),
        Show::Functions { .. } => "SHOW FUNCTIONS".into(),
        Show::Jobs => "SHOW JOBS".into(),
        Show::Integrations => "SHOW INTEGRATIONS".into(),
        Show::Columns { table, .. } => format!("SHOW COLUMNS FROM {table}"),
        Show::CreateTable(name) => format!("SHOW CREATE TABLE {name}"),
        Show::CreateView(name) => format!("SHOW CREATE VIEW {name}"),
    }
}

/// `text` on one line, cut behind a word where it is too long.
fn first_words(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            return line + " ...";
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(WIDTH));
    }
    line
}

/// As written, without back-ticks: `default_catalog.default_database.t`.
impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            write!(f, "{}{}", if i > 0 { "." } else { "" }, part.value)?;
        }
        Ok(())
    }
}
