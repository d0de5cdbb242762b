//! The rows of one key in the order in which they came, found by what they begin with.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::error::Result;

/// Rows as bytes. What rows begin with tells them apart: their *identity*, of which several rows may have the same.
#[derive(Debug, Clone)]
pub struct KeptRows {
    rows: Rows,
}

#[derive(Debug, Clone)]
enum Rows {
    /// Looked through one by one.
    Few(Vec<Box<[u8]>>),
    Many(Box<Many>),
}

/// Rows by their number, and the numbers of each identity from the first on.
#[derive(Debug, Clone, Default)]
struct Many {
    next: u64,
    rows: BTreeMap<u64, Box<[u8]>>,
    by_identity: HashMap<Box<[u8]>, VecDeque<u64>>,
}

/// Up to so many rows are looked through one by one.
const FEW: usize = 16;

impl Default for KeptRows {
    fn default() -> Self {
        Self { rows: Rows::Few(Vec::new()) }
    }
}

impl KeptRows {
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Few(rows) => rows.len(),
            Rows::Many(many) => many.rows.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows in order.
    pub fn iter(&self) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match &self.rows {
            Rows::Few(rows) => Box::new(rows.iter().map(AsRef::as_ref)),
            Rows::Many(many) => Box::new(many.rows.values().map(AsRef::as_ref)),
        }
    }

    /// Adds a row at the end. `identities` gives those of rows that are sorted by them from now on.
    pub fn push(
        &mut self,
        row: &[u8],
        identity: &[u8],
        identities: impl Fn(&[Box<[u8]>]) -> Result<Vec<Box<[u8]>>>,
    ) -> Result<()> {
        match &mut self.rows {
            Rows::Few(rows) => {
                rows.push(row.into());
                if rows.len() > FEW {
                    let identities = identities(rows)?;
                    let mut many = Many::default();
                    for (row, identity) in std::mem::take(rows).into_iter().zip(identities) {
                        many.push(row, identity);
                    }
                    self.rows = Rows::Many(Box::new(many));
                }
            }
            Rows::Many(many) => many.push(row.into(), identity.into()),
        }
        Ok(())
    }

    /// Puts a row in the place of the first one with its identity; gives that back, or `None` where there is none.
    pub fn replace(&mut self, identity: &[u8], row: &[u8]) -> Option<Box<[u8]>> {
        let place = match &mut self.rows {
            Rows::Few(rows) => rows.iter_mut().find(|row| row.starts_with(identity)),
            Rows::Many(many) => {
                let number = *many.by_identity.get(identity)?.front()?;
                many.rows.get_mut(&number)
            }
        };
        place.map(|place| std::mem::replace(place, row.into()))
    }

    /// Takes out the first row with this identity; says, too, whether it was the last of all.
    pub fn remove(&mut self, identity: &[u8]) -> Option<(Box<[u8]>, bool)> {
        match &mut self.rows {
            Rows::Few(rows) => {
                let at = rows.iter().position(|row| row.starts_with(identity))?;
                let row = rows.remove(at);
                Some((row, at == rows.len()))
            }
            Rows::Many(many) => {
                let numbers = many.by_identity.get_mut(identity)?;
                let number = numbers.pop_front()?;
                if numbers.is_empty() {
                    many.by_identity.remove(identity);
                }
                let was_last = many.rows.last_key_value().is_some_and(|(last, _)| *last == number);
                let row = many.rows.remove(&number)?;
                if many.rows.is_empty() {
                    self.rows = Rows::Few(Vec::new());
                }
                Some((row, was_last))
            }
        }
    }

    pub fn last(&self) -> Option<&[u8]> {
        match &self.rows {
            Rows::Few(rows) => rows.last().map(AsRef::as_ref),
            Rows::Many(many) => many.rows.last_key_value().map(|(_, row)| row.as_ref()),
        }
    }
}

impl Many {
    fn push(&mut self, row: Box<[u8]>, identity: Box<[u8]>) {
        self.rows.insert(self.next, row);
        self.by_identity.entry(identity).or_default().push_back(self.next);
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first byte is the identity.
    fn identities(rows: &[Box<[u8]>]) -> Result<Vec<Box<[u8]>>> {
        Ok(rows.iter().map(|row| Box::from(&row[..1])).collect())
    }

    fn model_remove(model: &mut Vec<Box<[u8]>>, identity: u8) -> Option<(Box<[u8]>, bool)> {
        let at = model.iter().position(|row| row[0] == identity)?;
        let row = model.remove(at);
        Some((row, at == model.len()))
    }

    #[test]
    fn few_and_many_rows_are_kept_as_a_list_keeps_them() {
        let (mut kept, mut model) = (KeptRows::default(), Vec::<Box<[u8]>>::new());
        let mut seed = 7u32;
        let mut most = 0;
        for step in 0..4000u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let identity = (seed >> 24) as u8 % 23;
            let row = [identity, (step % 251) as u8];
            // It grows for a while, then shrinks, and so on.
            let grows = (step / 200) % 2 == 0;
            match (seed >> 16) % 4 {
                0 => {
                    let place = model.iter_mut().find(|row| row[0] == identity);
                    let replaced = place.map(|place| std::mem::replace(place, row.into()));
                    assert_eq!(kept.replace(&[identity], &row), replaced);
                }
                1 | 2 if grows => {
                    model.push(row.into());
                    kept.push(&row, &row[..1], identities).unwrap();
                }
                _ => assert_eq!(kept.remove(&[identity]), model_remove(&mut model, identity)),
            }
            most = most.max(model.len());
            assert_eq!(kept.last(), model.last().map(|row| &**row));
            assert_eq!(kept.len(), model.len());
            assert!(kept.iter().eq(model.iter().map(|row| &**row)));
        }
        assert!(most > 2 * FEW, "{most}");
    }
}
