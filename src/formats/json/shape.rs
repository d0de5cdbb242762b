//! Which column an object's keys belong to, with a guess of the order they come in.

use std::collections::HashMap;

use super::cursor::{Cursor, Odd, Scan};
use crate::types::{SqlType, TypeKind};

/// How deep into a column's values objects are looked at by name.
#[derive(Debug)]
pub(super) enum Shape {
    Leaf,
    /// The items of an ARRAY.
    Array(Box<Shape>),
    /// The values of a MAP.
    Map(Box<Shape>),
    Row(Keys),
}

/// The fields of an object.
#[derive(Debug)]
pub(super) struct Keys {
    /// Names of the fields, in the order of the columns.
    pub names: Vec<String>,
    pub shapes: Vec<Shape>,
    positions: HashMap<Vec<u8>, usize>,
    /// What came at each place last time: the key with quotes and colon, and its column.
    guesses: Vec<(Vec<u8>, Option<usize>)>,
}

/// Places behind this are looked up, not guessed.
const GUESSES_MAX: usize = 256;

impl Shape {
    pub fn of(ty: &SqlType) -> Self {
        match &ty.kind {
            TypeKind::Array(element) => Self::Array(Box::new(Self::of(element))),
            TypeKind::Map(_, value) => Self::Map(Box::new(Self::of(value))),
            TypeKind::Multiset(_) => Self::Map(Box::new(Self::Leaf)),
            TypeKind::Row(fields) => Self::Row(Keys::new(fields.iter().map(|f| (f.name.as_str(), &f.ty)))),
            _ => Self::Leaf,
        }
    }
}

impl Keys {
    pub fn new<'a>(fields: impl Iterator<Item = (&'a str, &'a SqlType)>) -> Self {
        let (names, shapes): (Vec<String>, Vec<Shape>) =
            fields.map(|(name, ty)| (name.to_string(), Shape::of(ty))).unzip();
        let positions = names.iter().enumerate().map(|(i, name)| (name.as_bytes().to_vec(), i)).collect();
        Self { names, shapes, positions, guesses: Vec::new() }
    }

    /// Reads a key and its colon: the column it names, if any. `place` counts the object's keys.
    #[inline(always)]
    pub fn next(&mut self, cursor: &mut Cursor, place: usize) -> Scan<Option<usize>> {
        if let Some((text, column)) = self.guesses.get(place)
            && cursor.take(text)
        {
            return Ok(*column);
        }
        self.look_up(cursor, place)
    }

    #[cold]
    fn look_up(&mut self, cursor: &mut Cursor, place: usize) -> Scan<Option<usize>> {
        let before = cursor.rest();
        let key = cursor.plain_string()?;
        let column = self.positions.get(key).copied();
        cursor.skip_space();
        cursor.expect(b':')?;
        let text = before.get(..before.len() - cursor.rest().len()).ok_or(Odd)?;
        if place < GUESSES_MAX {
            let guess = (text.to_vec(), column);
            if let Some(known) = self.guesses.get_mut(place) {
                *known = guess;
            } else if place == self.guesses.len() {
                self.guesses.push(guess);
            }
        }
        Ok(column)
    }
}
