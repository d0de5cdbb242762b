//! Event time, watermarks, and the one door to the clock.

mod clock;
mod watermark;

pub use clock::{Clock, FirstLook, ManualClock, SystemClock};
pub use watermark::{EventTime, Watermark};
