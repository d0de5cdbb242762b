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
    /// Takes note of a statement that failed, and gives what is to be told of it: the errors that don't follow from one
    /// that was told, a name that is missing because its declaration failed. `declares` is the name that it would have
    /// declared itself.
    pub fn left_of(&mut self, declares: Option<String>, error: Error) -> Vec<Error> {
        let mut roots: Vec<String> = Vec::new();
        let mut follows = |error: &Error| {
            let root = self.root_of(error);
            let follows = root.is_some();
            roots.extend(root.filter(|root| !roots.contains(root)));
            follows
        };
        let left: Vec<Error> = error.into_each().into_iter().filter(|error| !follows(error)).collect();
        if let Some(name) = declares {
            let root = roots.first().cloned().unwrap_or_else(|| name.clone());
            self.roots.entry(name).or_insert(root);
        }
        for root in roots {
            match self.missed.iter_mut().find(|(name, _)| *name == root) {
                Some((_, count)) => *count += 1,
                None => self.missed.push((root, 1)),
            }
        }
        left
    }

    /// The name whose declaration is wrong, where an error says that a name is missing because of that.
    fn root_of(&self, error: &Error) -> Option<String> {
        let is_missing = |name: &&String| {
            ["table", "view"].iter().any(|kind| error.message() == format!("{kind} \"{name}\" not found"))
        };
        self.roots.get(self.roots.keys().find(is_missing)?).cloned()
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
