//! HELP: the pages of the documentation in the terminal, and pages made from what the code says of itself.
//!
//! A topic is the title of a page, a statement or clause whose syntax stands in one, a heading, a connector, a format,
//! a function, an option of a table or of SET, or a command of the shell. None of them is listed here.

mod entries;
mod index;
mod layout;
mod markdown;
mod pages;
#[cfg(test)]
mod tests;

pub use layout::Paper;

use crate::error::Result;
use crate::shell::command::{BACKSLASH, WORDS};
use crate::{connectors, formats};
use index::INDEX;
use markdown::Block;

/// What there is on a topic, whatever case it is written in.
///
/// # Errors
/// Nothing is known by that name; the hint has the nearest one.
pub fn page(topic: &str, paper: Paper) -> Result<String> {
    Ok(paper.lay_out(&INDEX.find(topic)?))
}

/// Every topic: its name, and what it is in a line.
pub fn topics() -> Vec<(String, String)> {
    INDEX.topics().map(|(name, about)| (name.to_string(), about.to_string())).collect()
}

/// What `help` shows: the commands, the statements, and what else there are pages on.
pub fn overview(paper: Paper) -> String {
    let heading = |text: &str| Block::Heading { level: 2, text: text.to_string() };
    let table = |rows: Vec<Vec<String>>| Block::Table { head: vec![String::new(); 2], rows };
    let code = |text: &str| format!("`{text}`");
    let commands = WORDS.iter().chain(BACKSLASH).map(|(usage, about)| vec![code(usage), about.to_string()]);
    let list = INDEX.pages.iter().find(|page| page.path == "sql/statements.md").and_then(|page| page.first_table());
    let others = INDEX.pages.iter().filter(|page| page.path.starts_with("sql/") && !page.is_of_statements());
    let others: Vec<String> = others.map(|page| page.title().to_string()).collect();
    let connectors: Vec<&str> = connectors::all().iter().filter_map(|c| c.names().first()).copied().collect();
    let formats: Vec<&str> = formats::all().iter().map(|format| format.name()).collect();
    let about = "`help TOPIC;` shows a page: a statement (`help create table;`), a connector (`help kafka;`), a format \
                 (`help json;`), a function (`help abs;`), an option of a table or of SET (`help scan.startup.mode;`).";
    let rows = vec![
        vec!["Connectors".to_string(), connectors.join(", ")],
        vec!["Formats".to_string(), formats.join(", ")],
        vec!["Functions".to_string(), "`\\df` or SHOW FUNCTIONS lists them".to_string()],
        vec!["More".to_string(), others.join(", ")],
    ];
    paper.lay_out(&[
        Block::Paragraph("A statement ends with `;` and may go over several lines.".to_string()),
        heading("Commands"),
        table(commands.collect()),
        heading("Statements"),
        table(list.map_or_else(Vec::new, <[_]>::to_vec)),
        heading("Pages"),
        Block::Paragraph(about.to_string()),
        table(rows),
    ])
}
