//! Errors that only follow from a CREATE TABLE or CREATE VIEW that is wrong itself: counted, not repeated.

use std::collections::HashMap;

use crate::error::Error;

/// Names whose declaration failed, and how many statements could not be checked because of each.
#[derive(Default)]
pub struct Cascade {
    /// From each missing name to the one whose declaration is wrong: views on a missing table are missing too.
    roots: HashMap<String, String>,
    /// In the order in which they were first missed.
    missed: Vec<(String, usize)>,
}

impl Cascade {
    /// Takes note of a statement that failed, and says whether it did so only because a name is missing whose
    /// declaration failed before. `declares` is the name that it would have declared itself.
    pub fn follows(&mut self, declares: Option<String>, error: &Error) -> bool {
        let said = |name: &&String| {
            ["table", "view"].iter().any(|kind| error.message() == format!("{kind} \"{name}\" not found"))
        };
        let root = self.roots.keys().find(said).and_then(|name| self.roots.get(name)).cloned();
        if let Some(name) = declares {
            let root = root.clone().unwrap_or_else(|| name.clone());
            self.roots.entry(name).or_insert(root);
        }
        let Some(root) = root else { return false };
        match self.missed.iter_mut().find(|(name, _)| *name == root) {
            Some((_, count)) => *count += 1,
            None => self.missed.push((root, 1)),
        }
        true
    }

    /// `14 statements were not checked: they need "src", whose CREATE statement is wrong`
    pub fn lines(&self) -> Vec<String> {
        let line = |(name, count): &(String, usize)| match count {
            1 => format!("1 statement was not checked: it needs \"{name}\", whose CREATE statement is wrong"),
            n => format!("{n} statements were not checked: they need \"{name}\", whose CREATE statement is wrong"),
        };
        self.missed.iter().map(line).collect()
    }
}
