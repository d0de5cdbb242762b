//! An operator, driven by hand.

use std::hint::black_box;

use millstream::ChangelogBatch;
use millstream::operators::{Operator, Output, Progress};

/// Gives it a batch, and takes all that comes of it.
pub fn push(operator: &mut dyn Operator, batch: ChangelogBatch, out: &mut Output) {
    let mut progress = operator.process(0, batch, out).expect("rows");
    loop {
        black_box(out.drain().count());
        if progress == Progress::Done {
            return;
        }
        progress = operator.resume(out).expect("rows");
    }
}
