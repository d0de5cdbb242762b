//! Every block of README, ARCHITECTURE, CONTRIBUTING and docs/: checked or run, and if neither, listed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use super::block::{EXCEPTIONS, Role};
use super::command::{as_check, commands};
use super::page::{Block, blocks};
use super::reader::{Ran, Reader};
use super::tutorial::integrations;

/// Pages that another test runs from their first block to their last.
const RUN_ELSEWHERE: &[(&str, &str)] = &[("docs/tutorial.md", "tutorial.rs runs it on the services")];

/// So long may a service take until what was written can be read.
const PATIENCE: Duration = Duration::from_secs(60);

/// Addresses for tables that leave theirs blank; nobody is there.
const NOWHERE: &str = r#"
[integrations.kafka]
connector = "kafka"
"properties.bootstrap.servers" = "127.0.0.1:1"
[integrations.postgresql]
connector = "jdbc"
url = "jdbc:postgresql://127.0.0.1:1/d"
username = "u"
password = "p"
[integrations.opensearch]
connector = "opensearch"
hosts = "http://127.0.0.1:1"
"#;

struct Page {
    name: String,
    path: PathBuf,
    blocks: Vec<(Block, Option<Role>)>,
}

#[test]
fn every_block_of_the_documentation_is_checked_or_run() {
    let mut faults = Faults::default();
    let mut listed = String::new();
    for page in pages() {
        if let Some((name, why)) = RUN_ELSEWHERE.iter().find(|(name, _)| *name == page.name) {
            listed += &format!("{name}: {why}\n");
            continue;
        }
        for (block, role) in &page.blocks {
            if let Some(Role::Exception(why)) = role {
                listed += &format!("{}: {}: {why}\n", page.name, block.info);
            }
        }
        page.walk(false, NOWHERE, &mut faults);
    }
    println!("Blocks that are not run here:\n{listed}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages/not_run.expected");
    if blessing() {
        fs::write(&path, &listed).expect("the list can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected != listed {
        faults.0.push(format!("tests/pages/not_run.expected lists other blocks:\n{expected}\nnow:\n{listed}"));
    }
    faults.none();
}

#[test]
fn blocks_for_the_services_do_what_the_page_says() {
    let mut faults = Faults::default();
    let mine = |(_, role): &(Block, Option<Role>)| matches!(role, Some(Role::Services | Role::ShellOnServices));
    for page in pages().into_iter().filter(|page| page.blocks.iter().any(mine)) {
        page.walk(true, &integrations(), &mut faults);
    }
    faults.none();
}

#[test]
fn every_page_is_in_the_index_and_every_link_leads_somewhere() {
    let mut faults = Faults::default();
    let (root, pages) = (Path::new(env!("CARGO_MANIFEST_DIR")), pages());
    let mut indexed: Vec<PathBuf> = Vec::new();
    for page in &pages {
        let folder = page.path.parent().expect("a page is in a folder");
        let text = fs::read_to_string(&page.path).expect("the page is there");
        for link in links(&text) {
            match folder.join(link).canonicalize() {
                Ok(found) if matches!(page.name.as_str(), "docs/README.md" | "docs/design/README.md") => {
                    indexed.push(found);
                }
                Ok(_) => {}
                Err(_) => faults.0.push(format!("{}: nothing is at \"{link}\"", page.name)),
            }
        }
    }
    for page in pages.iter().filter(|page| page.name.starts_with("docs/")) {
        let path = page.path.canonicalize().expect("the page is there");
        if page.path != root.join("docs/README.md") && !indexed.contains(&path) {
            faults.0.push(format!("{} is not in the index of its folder", page.name));
        }
    }
    faults.none();
}

/// Where the links of a page lead to within the project.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    let outside = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    let targets = outside.flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
    let within = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    within.filter_map(|target| target.split('#').next())
}

/// What is wrong with the pages.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn none(&self) {
        assert!(self.0.is_empty(), "{}\n(UPDATE_EXPECT=1 accepts what is printed now)", self.0.join("\n"));
    }
}

fn blessing() -> bool {
    env::var_os("UPDATE_EXPECT").is_some()
}

fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root.join(name)).into();
    find(&root.join("docs"), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("the page is there");
        let blocks = blocks(&text).into_iter().map(|block| {
            let role = Role::of(&block);
            (block, role)
        });
        let name = path.strip_prefix(root).expect("a page of the project").display().to_string();
        Page { name, path: path.clone(), blocks: blocks.collect() }
    };
    paths.into_iter().map(read).collect()
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => find(&path, found),
            false if path.extension().is_some_and(|e| e == "md") => found.push(path),
            false => {}
        }
    }
}

impl Page {
    /// Does what the blocks say, in order; either those for the services or the others.
    fn walk(&self, on_services: bool, integrations: &str, faults: &mut Faults) {
        let mut reader = Reader::new(integrations);
        let mut printed = Vec::new();
        for (index, (block, role)) in self.blocks.iter().enumerate() {
            let below = self.blocks.get(index + 1).filter(|(_, role)| *role == Some(Role::Printed)).map(|(b, _)| b);
            let expected = below.map(|below| below.text.as_str());
            let Some(role) = *role else {
                faults.0.push(format!("{}:{}: no test knows what \"{}\" is", self.name, block.line, block.info));
                continue;
            };
            if role == Role::Fresh {
                reader.forget();
            }
            let done = match on_services {
                true => on_the_services(&reader, role, block, expected),
                false => self.on_its_own(&reader, role, block, index),
            };
            if matches!(role, Role::Check | Role::Fresh) {
                reader.declare(&block.text);
            }
            match done {
                Ok(Some(out)) if below.is_some_and(|below| !same(&below.text, &out)) => {
                    let says = below.map_or("", |below| &below.text);
                    let line = block.line;
                    faults.0.push(format!("{}:{line}: it prints\n{out}\nthe page says\n{says}", self.name));
                    printed.extend(below.map(|below| (below, out)));
                }
                Ok(_) => {}
                Err(fault) => faults.0.push(format!("{}:{}: {fault}", self.name, block.line)),
            }
        }
        if blessing() && !printed.is_empty() {
            self.bless(&printed);
            faults.0.retain(|fault| !fault.contains(": it prints\n"));
        }
    }

    /// Without a service; gives what was printed, where something was run.
    fn on_its_own(&self, reader: &Reader, role: Role, block: &Block, index: usize) -> Result<Option<String>, String> {
        match role {
            Role::Check | Role::Fresh => fine(reader.sql(&["check", "--strict"], &block.text)).map(|_| None),
            Role::Run => fine(reader.sql(&["run", "-q", "--set", "parallelism.default=1"], &block.text)).map(Some),
            Role::Services => fine(reader.sql(&["check", "--strict"], &block.text)).map(|_| None),
            Role::Error => {
                let ran = reader.sql(&["check"], &block.text);
                match ran.fine {
                    true => Err("nothing is wrong with it".to_string()),
                    false => Ok(Some(refused(&ran.err))),
                }
            }
            Role::Shell => fine(reader.shell(&block.text)).map(Some),
            Role::Commands => commands(&block.text).iter().try_for_each(|c| exists(reader, c)).map(|()| None),
            Role::Toml => fine(reader.configuration(&block.text)).map(|_| None),
            Role::Json => {
                let mut values = serde_json::Deserializer::from_str(&block.text).into_iter::<serde_json::Value>();
                values.try_for_each(|value| value.map(drop)).map(|()| None).map_err(|e| e.to_string())
            }
            Role::Rust if self.name == "README.md" => Ok(None),
            Role::Rust => Err("only the README's Rust blocks are tests".to_string()),
            Role::Printed => match index.checked_sub(1).and_then(|i| self.blocks.get(i)) {
                Some((_, Some(before))) if before.prints() => Ok(None),
                _ => Err("nothing before it prints this".to_string()),
            },
            Role::ShellOnServices | Role::Exception(_) => Ok(None),
        }
    }

    /// Writes what was printed into the page.
    fn bless(&self, printed: &[(&Block, String)]) {
        let text = fs::read_to_string(&self.path).expect("the page is there");
        let mut lines: Vec<&str> = text.lines().collect();
        for (block, out) in printed.iter().rev() {
            lines.splice(block.line..block.line + block.text.lines().count(), out.trim_end().lines());
        }
        fs::write(&self.path, lines.join("\n") + "\n").expect("the page can be written");
    }
}

/// Runs what is for the services, again and again where what it reads may take a moment to be there.
fn on_the_services(
    reader: &Reader,
    role: Role,
    block: &Block,
    expected: Option<&str>,
) -> Result<Option<String>, String> {
    let start = Instant::now();
    loop {
        let ran = match role {
            Role::Services => reader.sql(&["run", "-q", "--set", "parallelism.default=1"], &block.text),
            Role::ShellOnServices => reader.shell(&block.text),
            _ => return Ok(None),
        };
        let enough = expected.is_none_or(|expected| same(expected, &ran.out)) || blessing();
        if ran.fine && enough || start.elapsed() > PATIENCE || expected.is_none() {
            return fine(ran).map(Some);
        }
    }
}

/// What a command printed, if it ended well.
fn fine(ran: Ran) -> Result<String, String> {
    if ran.fine { Ok(ran.out) } else { Err(format!("it fails:\n{}{}", ran.out, ran.err)) }
}

/// What `check` says of the page, without what it says of each file and in all.
fn refused(err: &str) -> String {
    let counts = |line: &&str| line.contains(" statement fine") || line.contains(" statements fine");
    err.lines().filter(|line| !counts(line)).collect::<Vec<_>>().join("\n")
}

/// Rows may come in any order, and blanks at the ends of lines don't show.
fn same(one: &str, other: &str) -> bool {
    let lines = |text: &str| {
        let mut lines: Vec<String> = text.trim_end().lines().map(|line| line.trim_end().to_string()).collect();
        lines.sort();
        lines
    };
    lines(one) == lines(other)
}

/// Whether there is such a command: its flags, its files, its target.
fn exists(reader: &Reader, words: &[String]) -> Result<(), String> {
    let words: Vec<String> = match words {
        [cargo, run, dashes, rest @ ..] if cargo == "cargo" && run == "run" && dashes == "--" => {
            ["millstream".to_string()].into_iter().chain(rest.iter().cloned()).collect()
        }
        words => words.to_vec(),
    };
    match words.first().map(String::as_str) {
        Some("millstream") => {
            millstream::cli::accepts(words.iter().map(String::as_str))?;
            let checked = as_check(&words).unwrap_or_default();
            let checked: Vec<&str> = checked.iter().map(String::as_str).collect();
            if checked.is_empty() { Ok(()) } else { fine(reader.millstream(&checked)).map(drop) }
        }
        Some("make") => fine(reader.shell(&format!("make -n {} >/dev/null", words[1..].join(" ")))).map(drop),
        Some("cargo") if words.get(1).is_some_and(|w| ["build", "test", "bench", "fmt"].contains(&w.as_str())) => {
            Ok(())
        }
        Some("export" | "cd" | "head") => Ok(()),
        _ => {
            let known: Vec<&str> = EXCEPTIONS.iter().map(|(word, _)| *word).collect();
            Err(format!("no test knows the command {words:?}; exceptions are {known:?}"))
        }
    }
}
