//! Whether what stands in the tables in the end is what should.

use std::collections::BTreeMap;

use super::query::Expected;
use super::query::Tables;

/// What is wrong with a table; `told` has `+I a, 1` for each row. `once`: it is written exactly once.
pub fn wrong(expected: Expected, told: &[&str], tables: &Tables, once: bool) -> Option<String> {
    let changes: Vec<(&str, &str)> = told.iter().filter_map(|line| line.split_once(' ')).collect();
    match expected {
        Expected::Inserts(rows) => {
            if let Some((kind, row)) = changes.iter().find(|(kind, _)| *kind != "+I") {
                return Some(format!("{kind} {row} is no insert"));
            }
            let (found, wanted) = (counts(changes.iter().map(|(_, row)| *row)), counts(rows(tables).iter()));
            let differs = |row: &&String| {
                let (found, wanted) = (found.get(*row).copied().unwrap_or(0), wanted.get(*row).copied().unwrap_or(0));
                if once { found != wanted } else { found < wanted || (wanted == 0 && found > 0) }
            };
            let row = found.keys().chain(wanted.keys()).find(differs)?;
            let times = |of: &BTreeMap<String, u64>| of.get(row).copied().unwrap_or(0);
            Some(format!("({row}) is there {} times, not {}", times(&found), times(&wanted)))
        }
        Expected::Changes(0, _) if !once => None,
        Expected::Changes(key, rows) => {
            let left = match key {
                0 => match applied(&changes) {
                    Ok(left) => left,
                    Err(wrong) => return Some(wrong),
                },
                _ => upserted(&changes, key),
            };
            let mut wanted = rows(tables);
            wanted.sort();
            (left != wanted).then(|| format!("{left:?} is left, not {wanted:?}"))
        }
        Expected::Some(limit) => {
            let all: Vec<String> =
                tables["a"].iter().flatten().map(|row| format!("{}, {}", row.k, row.v.unwrap())).collect();
            let (found, there) = (counts(changes.iter().map(|(_, row)| *row)), counts(all.iter()));
            let wanted = limit.min(all.len());
            if changes.len() < wanted || (once && changes.len() > wanted) {
                return Some(format!("{} rows, not {wanted}", changes.len()));
            }
            let foreign = found.iter().find(|(row, n)| **n > there.get(*row).copied().unwrap_or(0));
            foreign.filter(|_| once).map(|(row, n)| format!("({row}) is there {n} times"))
        }
    }
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
