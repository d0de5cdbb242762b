//! What a screen shows in bold: cells that changed since it was refreshed before.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::kept_rows::Row;
use super::content::Age;

/// The rows that stand on the screen now, and those that stood there before the last refresh.
#[derive(Default)]
pub struct Marks {
    before: Option<Page>,
    now: Option<Page>,
}

#[derive(Clone)]
struct Page {
    rows: HashMap<u64, Row>,
    age: Age,
}

impl Marks {
    /// The screen is refreshed: what stands there is what changes are seen against.
    pub fn refresh(&mut self) {
        self.before = self.now.clone();
    }

    /// These rows stand on the screen now.
    pub fn shown(&mut self, rows: &[(u64, Row)], age: Option<Age>) {
        self.now = age.map(|age| Page { rows: rows.iter().cloned().collect(), age });
    }

    /// Which cells of a row that stands on the screen have changed.
    pub fn of(&self, number: u64, row: &Row) -> Vec<bool> {
        let none = || vec![false; row.len()];
        let (Some(before), Some(now)) = (&self.before, &self.now) else { return none() };
        if !now.age.same_numbers(before.age) {
            return none();
        }
        match before.rows.get(&number) {
            Some(old) if Arc::ptr_eq(old, row) => none(),
            Some(old) => row.iter().zip(old.iter()).map(|(cell, old)| cell != old).collect(),
            None => vec![now.age.is_new(number, before.age); row.len()],
        }
    }
}
