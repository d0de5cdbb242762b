//! Whether what stands in the tables in the end is what should.

use std::collections::BTreeMap;

use super::query::Expected;
use super::query::Tables;

/// What comes to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows that stay.
    Inserts,
    /// Changes, by so many columns of a key in front, or (0) of whole rows.
    Changes(usize),
}

/// The rows that are left of what was `told`, `+I a, 1` for each; in order.
pub fn left(kind: Kind, told: &[&str]) -> Result<Vec<String>, String> {
    let changes: Vec<(&str, &str)> = told.iter().filter_map(|line| line.split_once(' ')).collect();
    match kind {
        Kind::Inserts | Kind::Changes(0) => applied(&changes),
        Kind::Changes(key) => Ok(upserted(&changes, key)),
    }
}

/// What is wrong with a table; `told` has `+I a, 1` for each row. `once`: it is written exactly once.
pub fn wrong(expected: Expected, told: &[&str], tables: &Tables, once: bool) -> Option<String> {
    match expected {
        Expected::Inserts(rows) => wrong_rows(Kind::Inserts, &rows(tables), told, once),
        Expected::Changes(key, rows) => {
            let mut wanted = rows(tables);
            wanted.sort();
            wrong_rows(Kind::Changes(key), &wanted, told, once)
        }
        Expected::Some(limit) => wrong_count(limit, told, tables, once),
    }
}

/// The same where these rows should be left, in order.
pub fn wrong_rows(kind: Kind, wanted: &[String], told: &[&str], once: bool) -> Option<String> {
    let changes: Vec<(&str, &str)> = told.iter().filter_map(|line| line.split_once(' ')).collect();
    match kind {
        Kind::Inserts => {
            if let Some((kind, row)) = changes.iter().find(|(kind, _)| *kind != "+I") {
                return Some(format!("{kind} {row} is no insert"));
            }
            let (found, wanted) = (counts(changes.iter().map(|(_, row)| *row)), counts(wanted.iter()));
            let differs = |row: &&String| {
                let (found, wanted) = (found.get(*row).copied().unwrap_or(0), wanted.get(*row).copied().unwrap_or(0));
                if once { found != wanted } else { found < wanted || (wanted == 0 && found > 0) }
            };
            let row = found.keys().chain(wanted.keys()).find(differs)?;
            let times = |of: &BTreeMap<String, u64>| of.get(row).copied().unwrap_or(0);
            Some(format!("({row}) is there {} times, not {}", times(&found), times(&wanted)))
        }
        Kind::Changes(0) if !once => None,
        Kind::Changes(_) => match left(kind, told) {
            Ok(left) => (left != wanted).then(|| format!("{left:?} is left, not {wanted:?}")),
            Err(wrong) => Some(wrong),
        },
    }
}

/// What is wrong where so many rows of the table `a` should be there.
fn wrong_count(limit: usize, told: &[&str], tables: &Tables, once: bool) -> Option<String> {
    let rows: Vec<&str> = told.iter().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
    let all: Vec<String> = tables["a"].iter().flatten().map(|row| format!("{}, {}", row.k, row.v.unwrap())).collect();
    let (found, there) = (counts(rows.iter()), counts(all.iter()));
    let wanted = limit.min(all.len());
    if rows.len() < wanted || (once && rows.len() > wanted) {
        return Some(format!("{} rows, not {wanted}", rows.len()));
    }
    let foreign = found.iter().find(|(row, n)| **n > there.get(*row).copied().unwrap_or(0));
    foreign.filter(|_| once).map(|(row, n)| format!("({row}) is there {n} times"))
}

fn counts(rows: impl Iterator<Item = impl ToString>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    rows.for_each(|row| *counts.entry(row.to_string()).or_default() += 1);
    counts
}

/// The rows that are left, in order.
pub fn applied(changes: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let mut left: BTreeMap<&str, i64> = BTreeMap::new();
    for (kind, row) in changes {
        *left.entry(row).or_default() += if matches!(*kind, "+I" | "+U") { 1 } else { -1 };
    }
    if let Some((row, count)) = left.iter().find(|(_, count)| **count < 0) {
        return Err(format!("({row}) is there {count} times"));
    }
    Ok(left.into_iter().flat_map(|(row, count)| vec![row.to_string(); count as usize]).collect())
}

/// The last row of every key, in order.
fn upserted(changes: &[(&str, &str)], key: usize) -> Vec<String> {
    let mut last: BTreeMap<Vec<&str>, &str> = BTreeMap::new();
    for (kind, row) in changes {
        let key: Vec<&str> = row.split(", ").take(key).collect();
        match *kind {
            "+I" | "+U" => drop(last.insert(key, row)),
            "-D" => drop(last.remove(&key)),
            _ => {}
        }
    }
    let mut left: Vec<String> = last.into_values().map(str::to_string).collect();
    left.sort();
    left
}
