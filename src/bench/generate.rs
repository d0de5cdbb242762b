//! Made-up rows of a table, the same ones each time.
//!
//! Values are drawn from a stock for each column, of a size that fits its type and name; then rows repeat, but for
//! their times, which go on rising. Keys come in turn, so that rows of one key are neither rare nor in a row.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::take;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::rows::{FIRST_MS, Part, Splits, TimeForm, Wanted};
use crate::changelog::RowKind;
use crate::connectors::SourceChanges;
use crate::connectors::datagen::sample;
use crate::connectors::options::RawOptions;
use crate::error::Result;
use crate::types::{Field, TypeKind};

/// Rows behind which all splits together begin anew. Those of a generator come again only where memory ends: how many
/// different values they have is what its options say.
const CYCLE_ROWS: usize = 1 << 20;

/// Rows that tell how much one takes.
const SAMPLE_ROWS: usize = 1 << 10;

/// What rows may take in memory.
struct Limits {
    /// Those behind which all splits together begin anew.
    cycle_bytes: usize,
    /// The times of all rows, where nobody has said how many rows there are.
    time_bytes: u64,
}

const LIMITS: Limits = Limits { cycle_bytes: 256 << 20, time_bytes: 512 << 20 };

/// Keys of a table whose rows change, for each split.
const CHANGING_KEYS: usize = 1_000;

/// Values in the stock of a number.
const NUMBERS: usize = 1 << 16;

const SEED: u64 = 0x6d69_6c6c;

/// Which rows come one after another.
#[derive(Clone, Copy)]
struct Order {
    changes: SourceChanges,
    cycle: usize,
    keys: usize,
    /// What comes once: the rows that the first updates replace.
    begins: bool,
}

/// The values of one column.
struct Stock {
    values: ArrayRef,
    in_turn: bool,
}

/// The columns of a batch; those of times are made when they are needed.
type Columns = Vec<Option<ArrayRef>>;

/// Rows that come again and again.
struct Cycle {
    /// What comes once, and what comes again.
    orders: [Order; 2],
    /// The batches of each split in these orders.
    splits: Vec<[Vec<Columns>; 2]>,
}

/// The rows of every split.
pub fn generate(wanted: &Wanted) -> Result<Splits> {
    generate_within(wanted, &LIMITS)
}

fn generate_within(wanted: &Wanted, limits: &Limits) -> Result<Splits> {
    let mut wanted = wanted.clone();
    if wanted.may_be_fewer {
        wanted.rows = wanted.rows.min(limits.time_bytes / wanted.time_bytes().max(1)).max(1);
    }
    let at_most = if wanted.datagen.is_some() { u32::MAX as usize } else { CYCLE_ROWS };
    let in_all = usize::try_from(wanted.rows).unwrap_or(usize::MAX).clamp(1, at_most);
    let row_bytes = Cycle::of(&wanted, in_all.min(SAMPLE_ROWS))?.row_bytes().max(1);
    let most = (limits.cycle_bytes / row_bytes).max(wanted.batch_rows * wanted.splits);
    let Cycle { orders, splits } = Cycle::of(&wanted, in_all.min(most))?;
    splits.into_iter().enumerate().map(|(split, batches)| rows_of(&wanted, split, orders, batches)).collect()
}

impl Cycle {
    /// One of so many rows in all splits.
    fn of(wanted: &Wanted, in_all: usize) -> Result<Self> {
        let mut rows = in_all.div_ceil(wanted.splits);
        let changing = wanted.changes != SourceChanges::Inserts;
        let keys = if changing { CHANGING_KEYS.min(rows) } else { rows };
        rows -= rows % keys;
        let again = Order { changes: wanted.changes, cycle: rows, keys, begins: false };
        let orders = [Order { begins: true, ..again }, again];
        let batches = |order: Order| order.batches(wanted.batch_rows);
        let mut splits = vec![orders.map(|order| vec![Columns::new(); batches(order).count()]); wanted.splits];
        for (i, field) in wanted.schema.fields.iter().enumerate() {
            // A stock is gone before the next one is made: that of a generator is as large as all that is taken from it.
            let stock = match wanted.time_form(i) {
                Some(_) => None,
                None => Some(stock(wanted, i, field, keys * wanted.splits)?),
            };
            for (split, of_split) in splits.iter_mut().enumerate() {
                let places = stock.as_ref().map(|stock| stock.places(i, split, wanted.splits, again));
                for (order, of_order) in orders.into_iter().zip(of_split) {
                    for (rows, columns) in batches(order).zip(of_order) {
                        let column = stock.as_ref().zip(places.as_ref()).map(|(stock, places)| {
                            let places = rows.map(|row| places[order.at(row).0 as usize]);
                            take(&stock.values, &UInt32Array::from_iter_values(places), None)
                        });
                        columns.push(column.transpose()?);
                    }
                }
            }
        }
        Ok(Self { orders, splits })
    }

    /// What a row takes, but for its times.
    fn row_bytes(&self) -> usize {
        let bytes = |column: &ArrayRef| {
            let data = column.to_data();
            data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
        };
        let again = self.splits.iter().flat_map(|[_, again]| again).flatten().flatten();
        let [_, Order { cycle, .. }] = self.orders;
        again.map(bytes).sum::<usize>().div_ceil((cycle * self.splits.len()).max(1))
    }
}

impl Stock {
    /// Where a split has the value of each row of a cycle.
    fn places(&self, column: usize, split: usize, splits: usize, order: Order) -> Vec<u32> {
        let size = self.values.len();
        let mut rng = StdRng::seed_from_u64(SEED ^ ((column as u64) << 32 | split as u64));
        let place = |row: usize| match self.in_turn {
            true => ((row % order.keys) * splits + split) % size,
            false => rng.random_range(0..size),
        };
        (0..order.cycle).map(place).map(|place| place as u32).collect()
    }
}

impl Wanted {
    /// What the times of a row take.
    fn time_bytes(&self) -> u64 {
        let bytes = |i: usize| match self.time_form(i) {
            None => 0,
            Some(TimeForm::Text(_)) => 32,
            Some(_) => 8,
        };
        (0..self.schema.len()).map(bytes).sum()
    }

    /// How a column tells the time of its row, where it does.
    fn time_form(&self, column: usize) -> Option<TimeForm> {
        match self.event_time {
            Some((at, form)) if at == column => Some(form),
            _ if self.key.contains(&column) => None,
            _ => self.schema.fields[column].ty.kind.is_timestamp().then_some(TimeForm::Timestamp),
        }
    }
}

/// The values of a column, as the table's own options or its type and name have them.
fn stock(wanted: &Wanted, at: usize, field: &Field, keys: usize) -> Result<Stock> {
    // What a query leaves out changes nothing of what it reads.
    let seed = SEED + wanted.table.index_of(&field.name).unwrap_or(at) as u64;
    if let Some(options) = &wanted.datagen {
        let prefix = format!("fields.{}.", field.name);
        let own = options.iter().filter(|(key, _)| key.starts_with(&prefix));
        let own: RawOptions = own.chain([("connector", "datagen")]).collect();
        return Ok(Stock { values: sample(field, &own, keys, FIRST_MS, seed)?, in_turn: true });
    }
    let (mut size, in_key) = (NUMBERS, wanted.key.contains(&at));
    let mut options: Vec<(&str, String)> = Vec::new();
    let many = field.name.to_ascii_lowercase().ends_with("id");
    match &field.ty.kind {
        TypeKind::Varchar(limit) => {
            options.push(("length", limit.min(&12).to_string()));
            let is_text = |field: &&Field| field.ty.kind.is_string();
            let is_first = wanted.table.fields.iter().find(is_text).is_some_and(|first| first.name == field.name);
            size = if in_key {
                keys
            } else if many {
                NUMBERS
            } else if is_first {
                1_000
            } else {
                10
            };
        }
        TypeKind::TinyInt | TypeKind::SmallInt | TypeKind::Int | TypeKind::BigInt | TypeKind::Decimal { .. }
            if in_key =>
        {
            let most = match &field.ty.kind {
                TypeKind::TinyInt => i8::MAX.into(),
                TypeKind::SmallInt => i16::MAX.into(),
                TypeKind::Decimal { precision, scale } => 10i64.saturating_pow(u32::from(precision - scale)) - 1,
                _ => i64::MAX,
            };
            size = keys.min(usize::try_from(most).unwrap_or(usize::MAX)).max(1);
            options.extend([("kind", "sequence".to_string()), ("start", "0".to_string())]);
            options.push(("end", (size - 1).to_string()));
        }
        kind if kind.is_numeric() => {
            let wide = matches!(kind, TypeKind::Int | TypeKind::BigInt);
            let most = if many && wide {
                99_999
            } else if kind.is_integer() {
                99
            } else {
                100
            };
            options.extend([("min", "0".to_string()), ("max", most.to_string())]);
        }
        TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) => options.push(("max-past", "1 d".to_string())),
        TypeKind::Char(_) | TypeKind::Binary(_) | TypeKind::Varbinary(_) => size = 1_000,
        TypeKind::Boolean => size = 64,
        _ => size = 1 << 10,
    }
    let options = options.into_iter().map(|(key, value)| (format!("fields.{}.{key}", field.name), value));
    let options = options.chain([("connector".to_string(), "datagen".to_string())]).collect();
    Ok(Stock { values: sample(field, &options, size, FIRST_MS, seed)?, in_turn: in_key })
}

fn rows_of(wanted: &Wanted, split: usize, orders: [Order; 2], batches: [Vec<Columns>; 2]) -> Result<Vec<Part>> {
    let ([first, again], [of_first, of_again]) = (orders, batches);
    let mut writer = PartWriter { wanted, split, left: wanted.rows_of(split), parts: Vec::new() };
    writer.add(first, 0, &of_first)?;
    let mut pass = 0;
    while writer.left > 0 {
        writer.add(again, pass * again.cycle as i64, &of_again)?;
        pass += 1;
    }
    Ok(writer.parts)
}

impl Order {
    fn len(self) -> usize {
        match (self.changes, self.begins) {
            (SourceChanges::All, true) => self.keys,
            (SourceChanges::All, false) => 2 * self.cycle,
            (_, true) => 0,
            (_, false) => self.cycle,
        }
    }

    /// The rows of each batch.
    fn batches(self, batch_rows: usize) -> impl Iterator<Item = Range<usize>> {
        // Both halves of an update stay together.
        let most = (batch_rows / 2 * 2).max(2);
        (0..self.len()).step_by(most).map(move |start| start..self.len().min(start + most))
    }

    /// A position in the cycle, a number that rises with time, and what the row does. Where all changes are told each row
    /// replaces the one before of its key.
    fn at(self, i: usize) -> (u32, i64, RowKind) {
        let Self { cycle, keys, .. } = self;
        match (self.changes, self.begins) {
            (SourceChanges::Inserts, _) => (i as u32, i as i64, RowKind::Insert),
            (SourceChanges::Upserts, _) => (i as u32, i as i64, RowKind::UpdateAfter),
            (SourceChanges::All, true) => ((cycle - keys + i) as u32, i as i64 - keys as i64, RowKind::Insert),
            (SourceChanges::All, false) if i.is_multiple_of(2) => {
                let row = i / 2;
                (((row + cycle - keys) % cycle) as u32, row as i64 - keys as i64, RowKind::UpdateBefore)
            }
            (SourceChanges::All, false) => ((i / 2) as u32, (i / 2) as i64, RowKind::UpdateAfter),
        }
    }
}

/// Puts the rows of a split together.
struct PartWriter<'a> {
    wanted: &'a Wanted,
    split: usize,
    left: usize,
    parts: Vec<Part>,
}

impl PartWriter<'_> {
    /// Adds rows in this order, as far as any are left, with the columns of their batches.
    fn add(&mut self, order: Order, numbers_from: i64, batches: &[Columns]) -> Result<()> {
        for (rows, columns) in order.batches(self.wanted.batch_rows).zip(batches) {
            let rows: Vec<_> = rows.take(self.left).map(|row| order.at(row)).collect();
            if rows.is_empty() {
                break;
            }
            let columns = columns.iter().enumerate().map(|(i, column)| match (column, self.wanted.time_form(i)) {
                (Some(column), _) => Ok(column.slice(0, rows.len())),
                (None, form) => {
                    let (form, ty) = (form.unwrap_or(TimeForm::Timestamp), self.wanted.arrow.field(i).data_type());
                    let numbers = rows.iter().map(|(_, number, _)| numbers_from + number);
                    let moments: Vec<i64> = numbers.map(|n| self.wanted.moment(form, self.split, n)).collect();
                    form.column(&moments, ty)
                }
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let kinds = rows.iter().map(|(.., kind)| *kind);
            let kinds = (self.wanted.changes != SourceChanges::Inserts).then(|| kinds.collect());
            self.parts.push(Part { rows: self.wanted.batch(columns, rows.len())?, kinds });
            self.left -= rows.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::bench::rows::count;
    use crate::types::{Schema, SqlType};

    /// Rows of some whole numbers and some times.
    fn wide(numbers: usize, times: usize, rows: u64, may_be_fewer: bool) -> Wanted {
        let kinds =
            std::iter::repeat_n(TypeKind::BigInt, numbers).chain(std::iter::repeat_n(TypeKind::TimestampLtz(3), times));
        let fields = kinds.enumerate().map(|(i, kind)| Field::new(format!("c{i}"), SqlType::not_null(kind)));
        let schema = Schema::new(fields.collect());
        Wanted {
            table: schema.clone(),
            arrow: schema.arrow(),
            schema,
            key: Vec::new(),
            changes: SourceChanges::Inserts,
            rows,
            splits: 2,
            batch_rows: 100,
            event_time: None,
            datagen: None,
            may_be_fewer,
        }
    }

    /// The bytes of all columns; those that several batches share count once.
    fn bytes(splits: &Splits) -> usize {
        let mut known = HashSet::new();
        let columns = splits.iter().flatten().flat_map(|part| part.rows.columns());
        let buffers = columns.flat_map(|column| column.to_data().buffers().to_vec());
        buffers.filter(|buffer| known.insert(buffer.as_ptr())).map(|buffer| buffer.len()).sum()
    }

    #[test]
    fn rows_that_are_wide_come_again_sooner() {
        let limits = Limits { cycle_bytes: 1 << 20, time_bytes: 1 << 20 };
        for (numbers, expected) in [(200, 600_000..=1_400_000), (10, 780_000..=800_000)] {
            let splits = generate_within(&wide(numbers, 0, 10_000, false), &limits).unwrap();
            assert_eq!(count(&splits), 10_000);
            assert!(expected.contains(&bytes(&splits)), "{numbers}: {}", bytes(&splits));
        }
    }

    #[test]
    fn rows_of_many_times_are_fewer_unless_somebody_asks() {
        let limits = Limits { cycle_bytes: 1 << 20, time_bytes: 1 << 20 };
        let rows = |may_be_fewer| count(&generate_within(&wide(1, 20, 10_000, may_be_fewer), &limits).unwrap());
        assert_eq!(rows(true), (1 << 20) / (20 * 8));
        assert_eq!(rows(false), 10_000);
    }

    #[test]
    fn a_generator_gives_as_many_different_values_as_its_options_say() {
        let options = [
            ("fields.c0.min", "1"),
            ("fields.c0.max", "1000000"),
            ("fields.c1.kind", "sequence"),
            ("fields.c1.start", "1"),
            ("fields.c1.end", "300000"),
        ];
        let datagen = options.into_iter().chain([("connector", "datagen")]).collect();
        let splits = generate(&Wanted { datagen: Some(datagen), ..wide(2, 0, 300_000, false) }).unwrap();
        let different = |column: usize| {
            let parts = splits.iter().flatten().map(|part| part.rows.column(column).as_primitive::<Int64Type>());
            parts.flat_map(|column| column.values().to_vec()).collect::<HashSet<i64>>().len()
        };
        // Of 300,000 draws from a million: 1 - e^-0.3 of it.
        assert!((257_000..262_000).contains(&different(0)), "{}", different(0));
        assert_eq!(different(1), 300_000);
    }
}
