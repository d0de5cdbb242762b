//! Values of one column as this connector makes them, the same ones each time.

use arrow::array::ArrayRef;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::OPTIONS;
use super::fields::FieldOptions;
use super::generator::{Moment, of_column};
use crate::connectors::options::{Options, RawOptions};
use crate::error::Result;
use crate::formats::column::Column;
use crate::types::Field;

/// So many values of a column, by the options `fields.<its name>.…`, or fewer where a sequence ends. Times are those of
/// `now_ms`.
///
/// # Errors
/// Options that don't fit the column.
pub fn sample(field: &Field, options: &RawOptions, count: usize, now_ms: i64, seed: u64) -> Result<ArrayRef> {
    let options = Options::check(format!("column \"{}\"", field.name), options, OPTIONS)?;
    let generator = of_column(&mut FieldOptions::new(&options), field)?;
    let count = generator.rows().map_or(count, |rows| usize::try_from(rows).unwrap_or(usize::MAX).min(count));
    let (mut rng, mut column) = (StdRng::seed_from_u64(seed), Column::new(&field.ty)?);
    for row in 0..count {
        generator.push(&mut column, &Moment { row: row as u64, now_ms }, &mut rng)?;
    }
    column.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SqlType, TypeKind};

    #[test]
    fn the_same_seed_gives_the_same_values_and_a_sequence_may_end() {
        let field = Field::new("n", SqlType::nullable(TypeKind::Int));
        let of = |pairs: &[(&str, &str)], seed| {
            let options = pairs.iter().copied().chain([("connector", "datagen")]).collect();
            sample(&field, &options, 5, 0, seed).unwrap()
        };
        assert_eq!(&of(&[], 1), &of(&[], 1));
        assert_ne!(&of(&[], 1), &of(&[], 2));
        let sequence = [("fields.n.kind", "sequence"), ("fields.n.start", "7"), ("fields.n.end", "9")];
        assert_eq!(of(&sequence, 1).len(), 3);
    }
}
