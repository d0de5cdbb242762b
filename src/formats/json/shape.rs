//! Which column an object's keys belong to, with a guess of the order they come in.

use std::collections::HashMap;

use super::cursor::{Cursor, FixedText, Odd, Scan};
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
    /// What came at each place last time.
    guesses: Vec<Guess>,
}

/// What stands at a place of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The key of this column.
    Of(usize),
    /// A key that nobody asks for.
    Unread,
    /// The end of the object.
    End,
}

/// All that stood between two values, a key in it, and what the key is: messages of one producer mostly have the same
/// text there.
#[derive(Debug)]
struct Guess {
    text: FixedText,
    key: Key,
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

    /// Passes over everything up to the next value: brace or comma, key and colon; or over the end of the object.
    /// `place` counts the object's keys.
    #[inline(always)]
    pub fn next(&mut self, cursor: &mut Cursor, place: usize) -> Scan<Key> {
        if let Some(guess) = self.guesses.get(place)
            && cursor.take_text(&guess.text)
        {
            return Ok(guess.key);
        }
        if place > 0 && cursor.peek() == b'}' {
            cursor.expect(b'}')?;
            return Ok(Key::End);
        }
        self.look_up(cursor, place)
    }

    #[cold]
    fn look_up(&mut self, cursor: &mut Cursor, place: usize) -> Scan<Key> {
        let before = cursor.rest();
        let follows = match (place, cursor.peek()) {
            (0, b'{') => cursor.open(b'}'),
            (0, _) => return Err(Odd),
            _ => cursor.more(b'}')?,
        };
        if !follows {
            return Ok(Key::End);
        }
        let key = cursor.plain_string()?;
        let key = self.positions.get(key).map_or(Key::Unread, |column| Key::Of(*column));
        cursor.skip_space();
        cursor.expect(b':')?;
        cursor.skip_space();
        let text = before.get(..before.len() - cursor.rest().len()).ok_or(Odd)?;
        if place == self.guesses.len() && place < GUESSES_MAX {
            self.guesses.push(Guess { text: FixedText::new(text), key });
        } else if let Some(guess) = self.guesses.get_mut(place) {
            guess.text.set(text);
            guess.key = key;
        }
        Ok(key)
    }
}
