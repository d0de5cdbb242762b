//! The topics of HELP, each under every name it is asked for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::entries::{self, Entry};
use super::markdown::{Block, blocks, inline};
use super::pages::{self, Page, first_sentence};
use crate::connectors;
use crate::connectors::options::stands_for;
use crate::error::{Error, Result, nearest};

const GLOSSARY: &str = "glossary.md";

/// What people ask for, and the topic that answers it.
pub const ALIASES: &[(&str, &str)] = &[
    ("WITH", "SELECT"),
    ("time", "Time attributes"),
    ("time zones", "Zones"),
    ("watermark", "Watermarks"),
    ("late row", "Late rows"),
    ("checkpoint", "checkpoints"),
    ("savepoint", "Savepoints"),
    ("job", "jobs"),
    ("lookup", "Lookup joins"),
    ("restarts", "When a job fails"),
    ("restart strategies", "When a job fails"),
    ("recovery", "When a job fails"),
    ("exactly-once", "What is promised"),
    ("guarantees", "What is promised"),
    ("state", "table.exec.state.ttl"),
    ("millstream.toml", "Integrations"),
    ("configuration", "Integrations"),
    ("null", "Types"),
    ("keys", "Typing"),
    ("errors", "Rows that can't be processed"),
    ("error handling", "error-handling"),
    ("joins", "Lookup joins"),
    ("dead letter", "Dead letters"),
    ("differences", "differences-from-flink"),
    ("flink", "differences-from-flink"),
];

/// What a topic shows.
#[derive(Debug, Clone)]
enum Target {
    Page(usize),
    Section(usize, String),
    /// A page made from code.
    Made(String),
}

/// A topic: how it is written, what it is in a line, what it shows.
#[derive(Debug, Clone)]
struct Topic {
    name: String,
    about: String,
    target: Target,
}

/// The topics, by their names in small letters.
pub struct Index {
    pub pages: Vec<Page>,
    topics: BTreeMap<String, Topic>,
}

/// The topics of this build.
pub static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

impl Index {
    /// What comes first has a name that several things have.
    fn new() -> Self {
        let mut index = Self { pages: pages::all(), topics: BTreeMap::new() };
        let pages = std::mem::take(&mut index.pages);
        for (at, page) in pages.iter().enumerate() {
            for name in page.names() {
                index.add(&name, &page.about(), Target::Page(at));
            }
        }
        for connector in connectors::all() {
            let page = pages.iter().position(|page| connector.names().contains(&page.stem()));
            for (name, at) in connector.names().iter().filter_map(|name| Some((name, page?))) {
                index.add(name, &format!("connector {name}"), Target::Page(at));
            }
        }
        index.add_made(entries::functions());
        index.add_made(entries::clauses());
        index.add_made(entries::options());
        index.add_made(entries::settings());
        index.add_made(entries::commands());
        for (at, page) in pages.iter().enumerate() {
            for head in page.heads() {
                index.add(&head, &page.about(), Target::Page(at));
            }
            index.add(page.stem(), &page.about(), Target::Page(at));
        }
        for (at, page) in pages.iter().enumerate() {
            for section in page.sections() {
                let name = inline(section);
                index.add(&name, &format!("in {}", page.title()), Target::Section(at, section.to_string()));
            }
        }
        for (name, topic) in ALIASES {
            if let Some(Topic { about, target, .. }) = index.topics.get(&key(topic)).cloned() {
                index.add(name, &about, target);
            }
        }
        let words = pages.iter().find(|page| page.path == GLOSSARY).and_then(Page::first_table);
        for row in words.unwrap_or_default() {
            if let [word, means] = row.as_slice() {
                let word = word.trim_matches('*');
                index.add(word, &first_sentence(&inline(means)), Target::Made(format!("# {word}\n\n{means}\n")));
            }
        }
        index.pages = pages;
        index
    }

    fn add_made(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            for name in std::iter::once(&entry.name).chain(&entry.also) {
                self.add(name, &entry.about, Target::Made(entry.page.clone()));
            }
        }
    }

    fn add(&mut self, name: &str, about: &str, target: Target) {
        let topic = || Topic { name: name.to_string(), about: about.to_string(), target };
        self.topics.entry(key(name)).or_insert_with(topic);
    }

    /// Every topic: its name, and what it is in a line.
    pub fn topics(&self) -> impl Iterator<Item = (&str, &str)> {
        self.topics.values().map(|topic| (topic.name.as_str(), topic.about.as_str()))
    }

    /// What there is on a topic.
    ///
    /// # Errors
    /// Nothing is known by that name.
    pub fn find(&self, asked: &str) -> Result<Vec<Block>> {
        let wanted = key(asked);
        if let Some(topic) = self.topics.get(&wanted).or_else(|| self.pattern(&wanted)) {
            return Ok(self.show(&topic.target));
        }
        let begins = |prefix: &str| {
            let from = format!("{prefix} ");
            self.topics.iter().filter(move |(name, _)| name.starts_with(&from)).map(|(_, topic)| topic)
        };
        let longer: Vec<&Topic> = begins(&wanted).collect();
        match longer.as_slice() {
            [one] => return Ok(self.show(&one.target)),
            [] => {}
            several => {
                let names: Vec<&str> = several.iter().map(|topic| topic.name.as_str()).collect();
                return Err(unknown(asked).with_hint(format!("There is help on {}.", names.join(", "))));
            }
        }
        // `help select * from t`: the statement that it begins.
        let mut shorter = wanted.as_str();
        while let Some((front, _)) = shorter.rsplit_once(' ') {
            if let Some(topic) = self.topics.get(front) {
                return Ok(self.show(&topic.target));
            }
            shorter = front;
        }
        let hint = match nearest(&wanted, self.topics.keys().map(String::as_str)).and_then(|n| self.topics.get(n)) {
            Some(topic) => format!("Did you mean \"{}\"?", topic.name),
            None => "help; lists statements, connectors and formats, \\df the functions.".to_string(),
        };
        Err(unknown(asked).with_hint(hint))
    }

    /// A key that an option with a pattern stands for, as `properties.acks`, or one of a format behind `key.` or
    /// `value.`.
    fn pattern(&self, wanted: &str) -> Option<&Topic> {
        let stands = |key: &str| (key.contains(['*', '#'])) && stands_for(key, wanted);
        let pattern = self.topics.iter().filter(|(key, _)| stands(key)).map(|(_, topic)| topic).next();
        pattern.or_else(|| {
            let inner = wanted.strip_prefix("key.").or_else(|| wanted.strip_prefix("value."))?;
            self.topics.get(inner)
        })
    }

    fn show(&self, target: &Target) -> Vec<Block> {
        match target {
            Target::Page(at) => self.pages.get(*at).map_or_else(Vec::new, |page| page.blocks.clone()),
            Target::Section(at, heading) => {
                self.pages.get(*at).map_or_else(Vec::new, |page| page.section(heading).to_vec())
            }
            Target::Made(page) => blocks(page),
        }
    }
}

fn unknown(asked: &str) -> Error {
    Error::statement(format!("there is no help on \"{asked}\""))
}

/// Names are compared without case, quotes, `;` and doubled blanks.
fn key(name: &str) -> String {
    let words = name.trim_end_matches([';', ' ']).split_whitespace();
    let words: Vec<String> = words.map(|word| word.trim_matches(['\'', '`', '"']).to_lowercase()).collect();
    words.join(" ").trim_end_matches("()").to_string()
}
