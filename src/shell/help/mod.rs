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

/// A name that is longer has a shorter one beside it.
const SHORT: usize = 30;

/// The pages, by the names that are short: statements, and what stands in the overview.
pub fn pages() -> Vec<(String, String)> {
    let names = |page: &pages::Page| match page.is_of_statements() {
        true => page.names().into_iter().filter(|name| name.len() <= SHORT).collect(),
        false => vec![page.stem().to_string()],
    };
    let pages = INDEX.pages.iter().flat_map(|page| names(page).into_iter().map(|name| (name, page.about())));
    let mut pages: Vec<(String, String)> = pages.collect();
    pages.sort_unstable_by_key(|(name, _)| name.to_lowercase());
    pages
}

/// What `help` shows: the commands, the statements, and what else there are pages on.
pub fn overview(paper: Paper) -> String {
    let heading = |text: &str| Block::Heading { level: 2, text: text.to_string() };
    let table = |rows: Vec<Vec<String>>| Block::Table { head: vec![String::new(); 2], rows };
    let code = |text: &str| format!("`{text}`");
    let commands = WORDS.iter().chain(BACKSLASH).map(|(usage, about)| vec![code(usage), about.to_string()]);
    let list = INDEX.pages.iter().find(|page| page.path == "sql/statements.md").and_then(|page| page.first_table());
    let pages = |folder: &str| {
        let pages = INDEX.pages.iter().filter(move |page| page.folder() == folder);
        Block::Names(pages.map(|page| page.stem().to_string()).collect())
    };
    let names = |names: Vec<&str>| Block::Names(names.into_iter().map(str::to_string).collect());
    let connectors = connectors::all().iter().filter_map(|c| c.names().first()).copied().collect();
    let formats = formats::all().iter().map(|format| format.name()).collect();
    let about = "`help TOPIC;` shows a page: one of these, a statement (`help create table;`), a function (`help abs;`), \
                 an option of a table or of SET (`help scan.startup.mode;`). `\\df` lists the functions, SET the options \
                 that are set.";
    paper.lay_out(&[
        Block::Paragraph("A statement ends with `;` and may go over several lines.".to_string()),
        heading("Commands"),
        table(commands.collect()),
        heading("Statements"),
        table(list.map_or_else(Vec::new, <[_]>::to_vec)),
        heading("Pages"),
        Block::Paragraph(about.to_string()),
        heading("Connectors"),
        names(connectors),
        heading("Formats"),
        names(formats),
        heading("SQL"),
        pages("sql"),
        heading("The shell, jobs and their operation"),
        pages(""),
    ])
}
