//! What windows are after a restart: the panes of those that are not over, and how far windows were told.
//!
//! Subtasks that are put together may have told windows up to different times. What the others have told already is told
//! of none anew: the groups of those that are behind are brought up to it first, so that no window of theirs is lost
//! either. From then on rows are late for all of them alike.

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::DataType;

use super::*;
use crate::changelog::StreamElement;
use crate::operators::aggregate::{SavedGroups, numbers};
use crate::state::Snapshot;

impl WindowAggregate {
    fn saved(&self) -> Result<SavedGroups> {
        self.shape.pane.saved([("slice".to_string(), DataType::Int64)])
    }

    pub(super) fn save(&mut self, epoch: Epoch) -> Result<Snapshot> {
        let saved = self.saved()?;
        let mut table = saved.table();
        for (&slice, pane) in &mut self.panes {
            pane.save(&mut table, epoch, slice, |pane, slots| {
                pane.rows(&saved, slots, |slots| vec![Arc::new(Int64Array::from_value(slice, slots.len()))])
            })?;
        }
        Ok(Snapshot::of(self.name()).with_number("progress", self.progress.0).with_table("panes", table))
    }

    pub(super) fn load(&mut self, state: &Snapshot) -> Result<()> {
        let told = |part: &Snapshot| -> Result<Watermark> {
            Ok(Watermark(part.expect("WindowAggregate")?.number("progress")?))
        };
        for part in state.parts() {
            self.progress = self.progress.max(told(part)?);
        }
        for part in state.parts() {
            match told(part)? {
                told if told < self.progress => self.catch_up(part, told)?,
                _ => self.take(part)?,
            }
        }
        Ok(())
    }

    /// Adds groups that are not here yet.
    fn take(&mut self, state: &Snapshot) -> Result<()> {
        let saved = self.saved()?;
        for piece in state.table("panes", &saved.table())?.read() {
            let piece = &piece?;
            let Some(slice) = numbers(piece, 0)?.first() else { continue };
            self.pane(*slice)?.restore(&saved, piece)?;
        }
        Ok(())
    }

    /// Adds groups whose windows were told up to an earlier time.
    fn catch_up(&mut self, state: &Snapshot, told: Watermark) -> Result<()> {
        let mut behind = Self::new(self.shape.clone(), self.late.clone());
        behind.progress = told;
        behind.take(state)?;
        behind.firing = Some(Firing { to: self.progress, last: None, window: None });
        let mut out = Output::new();
        loop {
            let progress = behind.fire(&mut out)?;
            self.untold.extend(out.drain().filter_map(|element| match element {
                StreamElement::Batch(batch) => Some(batch),
                _ => None,
            }));
            if progress == Progress::Done {
                return self.take(&behind.save(Epoch(0))?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array as Counts, StringArray, TimestampMillisecondArray};
    use arrow::datatypes::{Field, Int64Type, Schema, TimeUnit, TimestampMillisecondType};

    use super::*;
    use crate::functions::aggregate::find;
    use crate::operators::AggregateCall;
    use crate::state::{key_groups, subtask_of};

    const SLIDE: i64 = 10;

    fn input() -> SchemaRef {
        let time = DataType::Timestamp(TimeUnit::Millisecond, None);
        Arc::new(Schema::new(vec![Field::new("k", DataType::Utf8, true), Field::new("end", time, false)]))
    }

    /// COUNT(*) by k in windows of 30 ms, every 10 ms.
    fn hop() -> WindowAggregate {
        let function = find("COUNT").unwrap();
        let types = function.signature(&[]).unwrap();
        let count = AggregateCall { function, types, arguments: vec![], distinct: false, filter: None };
        let mut fields: Vec<Field> = input().fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(Field::new("count", DataType::Int64, false));
        let shape = WindowAggregateShape {
            kind: WindowKind::Hop { slide: SLIDE, size: 3 * SLIDE, offset: 0 },
            clock: WindowClock::UTC,
            processing_time: false,
            slice: 1,
            input: WindowInput::Rows,
            earliest_first: false,
            pane: PaneShape::try_new(input(), vec![0], vec![count], false).unwrap(),
            output: vec![WindowOutput::Key(0), WindowOutput::Window(WindowPart::End), WindowOutput::Result(0)],
            schema: Arc::new(Schema::new(fields)),
        };
        WindowAggregate::new(shape, LateRows::default())
    }

    fn add(operator: &mut WindowAggregate, key: &str, slice: i64) {
        let (keys, ends) = (StringArray::from(vec![key]), TimestampMillisecondArray::from(vec![slice]));
        let rows = RecordBatch::try_new(input(), vec![Arc::new(keys), Arc::new(ends)]).unwrap();
        let told = operator.process(0, ChangelogBatch::inserts(rows), &mut Output::new()).unwrap();
        assert_eq!(told, Progress::Done);
    }

    /// `key window count`
    fn told(out: &mut Output) -> Vec<String> {
        let batches = out.drain().filter_map(|element| match element {
            StreamElement::Batch(batch) => Some(batch.rows().clone()),
            _ => None,
        });
        let line = |rows: &RecordBatch, row: usize| {
            let (keys, ends) = (rows.column(0).as_string::<i32>(), rows.column(1));
            let (ends, counts): (_, &Counts) =
                (ends.as_primitive::<TimestampMillisecondType>(), rows.column(2).as_primitive::<Int64Type>());
            format!("{} {} {}", keys.value(row), ends.value(row), counts.value(row))
        };
        batches.flat_map(|rows| (0..rows.num_rows()).map(|row| line(&rows, row)).collect::<Vec<_>>()).collect()
    }

    fn watermark(operator: &mut WindowAggregate, to: i64) -> Vec<String> {
        let mut out = Output::new();
        assert_eq!(operator.on_watermark(Watermark(to), &mut out).unwrap(), Progress::Done);
        told(&mut out)
    }

    /// A key that the first and one that the second of two subtasks has.
    fn keys() -> [String; 2] {
        let all = StringArray::from_iter_values((0..50).map(|i| format!("k{i}")));
        let rows = RecordBatch::try_from_iter([("k", Arc::new(all.clone()) as ArrayRef)]).unwrap();
        let groups = key_groups(&rows, &[0]).unwrap();
        [0, 1].map(|subtask| {
            all.value(groups.iter().position(|group| subtask_of(*group, 2) == subtask).unwrap()).to_string()
        })
    }

    #[test]
    fn no_window_is_told_twice_or_lost_when_subtasks_that_have_told_up_to_different_times_become_one() {
        let [a, b] = keys();
        let (mut first, mut second) = (hop(), hop());
        add(&mut first, &a, 10);
        add(&mut second, &b, 10);
        assert_eq!(watermark(&mut first, 9), [format!("{a} 10 1")]);
        assert_eq!(watermark(&mut second, 19), [format!("{b} 10 1"), format!("{b} 20 1")]);
        let states = [first, second].map(|mut operator| operator.snapshot(Epoch(1)).unwrap());
        let mut one = hop();
        one.restore(&Snapshot::rescaled(&states, 0, 1).unwrap()).unwrap();
        let mut out = Output::new();
        assert_eq!(one.flush(&mut out).unwrap(), Progress::Done);
        assert_eq!(told(&mut out), [format!("{a} 20 1")], "what the first one was behind");
        // Late for the windows up to 20, for both alike.
        add(&mut one, &a, 20);
        let mut last = watermark(&mut one, 29);
        last.sort();
        let mut expected = [format!("{a} 30 2"), format!("{b} 30 1")];
        expected.sort();
        assert_eq!(last, expected);
        assert_eq!(watermark(&mut one, 100), [format!("{a} 40 1")]);
    }

    #[test]
    fn only_panes_that_changed_are_given_anew() {
        let mut operator = hop();
        add(&mut operator, "a", 10);
        add(&mut operator, "a", 20);
        let ids = |operator: &mut WindowAggregate, epoch: u64| {
            let snapshot = operator.snapshot(Epoch(epoch)).unwrap();
            let table = snapshot.tables()["panes"].clone();
            table.pieces().iter().map(|piece| piece.id().unwrap()).collect::<Vec<_>>()
        };
        let first = ids(&mut operator, 1);
        add(&mut operator, "a", 20);
        let second = ids(&mut operator, 2);
        assert_eq!((first[0], first.len()), (second[0], 2));
        assert_ne!(first[1], second[1]);
        assert_ne!(first[0].group, first[1].group);
    }
}
