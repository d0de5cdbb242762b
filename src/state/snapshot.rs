//! A snapshot: what one operator must find again after a restart.

use std::collections::BTreeMap;

use super::table::StateTable;
use crate::error::{Error, Result};

/// Named numbers and tables of the operator that gave them. An operator without state gives an empty one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    pub(super) operator: String,
    pub(super) numbers: BTreeMap<String, i64>,
    pub(super) tables: BTreeMap<String, StateTable>,
    /// Of several subtasks whose numbers differ: what each has given. Then there is nothing else.
    pub(super) parts: Vec<Snapshot>,
}

impl Snapshot {
    /// Of the operator of this name.
    pub fn of(operator: &str) -> Self {
        Self { operator: operator.to_string(), ..Self::default() }
    }

    pub fn with_number(mut self, name: &str, number: i64) -> Self {
        self.numbers.insert(name.to_string(), number);
        self
    }

    pub fn with_table(mut self, name: &str, table: StateTable) -> Self {
        self.tables.insert(name.to_string(), table);
        self
    }

    /// The operator that gave it.
    pub fn operator(&self) -> &str {
        &self.operator
    }

    pub fn numbers(&self) -> &BTreeMap<String, i64> {
        &self.numbers
    }

    pub fn tables(&self) -> &BTreeMap<String, StateTable> {
        &self.tables
    }

    /// True where there is nothing to find again.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.tables.is_empty() && self.parts.is_empty()
    }

    /// Itself, or where it was put together of subtasks whose numbers differ, what came of each.
    pub fn parts(&self) -> &[Self] {
        match self.parts.is_empty() {
            true => std::slice::from_ref(self),
            false => &self.parts,
        }
    }

    /// Refuses what another operator has given.
    pub fn expect(&self, operator: &str) -> Result<&Self> {
        if self.operator == operator {
            return Ok(self);
        }
        let whose = if self.operator.is_empty() { "no operator" } else { &self.operator };
        Err(Error::state(format!("the state for {operator} is that of {whose}")))
    }

    pub fn number(&self, name: &str) -> Result<i64> {
        self.numbers.get(name).copied().ok_or_else(|| self.missing(name))
    }

    /// The table of that name; its columns must be those of `expected`.
    pub fn table(&self, name: &str, expected: &StateTable) -> Result<&StateTable> {
        self.tables.get(name).ok_or_else(|| self.missing(name))?.checked(&self.operator, expected)
    }

    fn missing(&self, name: &str) -> Error {
        Error::state(format!("the state of {} has no {name}", self.operator))
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn state_of_something_else_is_refused() {
        let groups = || {
            let columns = [("host".to_string(), DataType::Utf8), ("rows".to_string(), DataType::Int64)];
            StateTable::new(columns).keyed(vec![0])
        };
        let snapshot = Snapshot::of("GroupAggregate").with_number("progress", -1).with_table("groups", groups());
        assert!(snapshot.expect("GroupAggregate").is_ok());
        assert_eq!(snapshot.number("progress").unwrap(), -1);
        assert!(snapshot.table("groups", &groups()).is_ok());
        let other = StateTable::new([("host".to_string(), DataType::Utf8)]);
        let by_rows = groups().keyed(vec![1]);
        for error in [
            snapshot.table("groups", &by_rows).unwrap_err(),
            snapshot.expect("WindowAggregate").unwrap_err(),
            snapshot.number("seen").unwrap_err(),
            snapshot.table("panes", &groups()).unwrap_err(),
            snapshot.table("groups", &other).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::State, "{error}");
        }
    }
}
