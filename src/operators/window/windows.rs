//! The arithmetic of windows: which ones a time belongs to, the slices they are cut into, when they are over.
//!
//! Times are milliseconds on the clock that windows are aligned to: UTC for TIMESTAMP, the session zone for
//! TIMESTAMP_LTZ. A window holds its start and not its end. HOP and CUMULATE windows share *slices*, which no window
//! cuts through: a row is kept once, in its slice, which goes by its end. (Flink, FLIP-145: window table-valued
//! functions; slices: Li et al., "No pane, no gain".)

use std::borrow::Cow;

use chrono_tz::Tz;

use crate::functions::time::{instant_to_local, local_to_instant};
use crate::time::{EventTime, Watermark};

const HOUR: i64 = 3_600_000;

/// What a window function was called with, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub enum WindowKind {
    Tumble {
        size: i64,
        offset: i64,
    },
    Hop {
        slide: i64,
        size: i64,
        offset: i64,
    },
    Cumulate {
        step: i64,
        size: i64,
        offset: i64,
    },
    Session {
        gap: i64,
    },
    /// Windows that rows already have.
    Attached,
}

/// A window: from its start up to, and without, its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub start: i64,
    pub end: i64,
}

impl WindowKind {
    /// The windows of a time: those of a HOP from the latest to the earliest, those of a CUMULATE from the shortest on.
    pub fn windows(self, time: i64) -> impl Iterator<Item = Window> {
        let (first, step, count) = match self {
            Self::Tumble { size, offset } => (aligned(time, size, offset), 0, 1),
            Self::Hop { slide, size, offset } => {
                let last = aligned(time, slide, offset);
                // Windows begin behind `time - size`; where slides leave gaps, there may be none.
                (last, -slide, (last - time + size + slide - 1).max(0) / slide)
            }
            Self::Cumulate { step, size, offset } => {
                let start = aligned(time, size, offset);
                (start, 0, (size - (time - start) + step - 1) / step)
            }
            Self::Session { .. } | Self::Attached => (time, 0, 1),
        };
        (0..count).map(move |i| match self {
            Self::Tumble { size, .. } | Self::Hop { size, .. } => {
                let start = first + i * step;
                Window { start, end: start + size }
            }
            Self::Cumulate { step, .. } => {
                let shortest = (time - first) / step + 1;
                Window { start: first, end: first + (shortest + i) * step }
            }
            Self::Session { gap } => Window { start: time, end: time + gap },
            Self::Attached => Window { start: time, end: time },
        })
    }

    /// The slice of a time; of a session: the session that this time alone makes.
    #[inline]
    pub fn slice(self, time: i64) -> Window {
        let (size, offset) = match self {
            Self::Tumble { size, offset } => (size, offset),
            Self::Hop { slide, offset, .. } => (slide, offset),
            Self::Cumulate { step, size, offset } => {
                let first = aligned(time, size, offset);
                let start = time - (time - first).rem_euclid(step);
                return Window { start, end: start + step };
            }
            Self::Session { gap } => return Window { start: time, end: time + gap },
            Self::Attached => return Window { start: time, end: time },
        };
        let start = aligned(time, size, offset);
        Window { start, end: start + size }
    }

    /// The slices of times, one each. Neighbours as a rule share theirs, so that few are computed.
    pub fn slices(self, times: &[i64]) -> impl Iterator<Item = Window> + '_ {
        let shared = !matches!(self, Self::Session { .. } | Self::Attached);
        let mut last = Window { start: 0, end: 0 };
        times.iter().map(move |&time| {
            if !shared || time < last.start || time >= last.end {
                last = self.slice(time);
            }
            last
        })
    }

    /// Where the window that ends at `end` starts.
    pub fn start_of(self, end: i64) -> i64 {
        match self {
            Self::Tumble { size, .. } | Self::Hop { size, .. } => end - size,
            Self::Cumulate { size, offset, .. } => aligned(end - 1, size, offset),
            Self::Session { gap } => end - gap,
            Self::Attached => end,
        }
    }

    /// The end of the last window that has the slice which ends at `slice`.
    pub fn last_end(self, slice: i64) -> i64 {
        match self {
            Self::Hop { slide, size, .. } => slice + size - slide,
            Self::Cumulate { size, .. } => self.start_of(slice) + size,
            Self::Tumble { .. } | Self::Session { .. } | Self::Attached => slice,
        }
    }

    /// From the end of one window to the end of the next that has the same slice.
    pub fn step(self) -> i64 {
        match self {
            Self::Hop { slide, .. } => slide,
            Self::Cumulate { step, .. } => step,
            Self::Tumble { .. } | Self::Session { .. } | Self::Attached => 0,
        }
    }

    /// True where every slice is a window of its own.
    pub fn is_unshared(self) -> bool {
        match self {
            Self::Hop { slide, size, .. } => slide == size,
            Self::Cumulate { step, size, .. } => step == size,
            _ => true,
        }
    }
}

/// The last time at or before `time` that is `offset` more than a multiple of `size`.
#[inline]
fn aligned(time: i64, size: i64, offset: i64) -> i64 {
    time - (time.wrapping_sub(offset)).rem_euclid(size)
}

/// The clock that windows are aligned to, and how it stands to instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WindowClock(pub Tz);

impl WindowClock {
    /// Clock and instant are the same.
    pub const UTC: Self = Self(Tz::UTC);

    pub fn is_utc(self) -> bool {
        self.0 == Tz::UTC
    }

    pub fn of_instant(self, instant: EventTime) -> i64 {
        instant_to_local(instant, self.0)
    }

    /// What the clock shows at each of these instants.
    pub fn of_instants(self, instants: &[EventTime]) -> Cow<'_, [i64]> {
        if self.is_utc() {
            return Cow::Borrowed(instants);
        }
        // Where the clock stands as far from the instant at the beginning of an hour as at its end, it does so all along.
        let (mut hour, mut apart) = (0..0, 0);
        let local = |&instant: &EventTime| {
            if !hour.contains(&instant) {
                let first = instant - instant.rem_euclid(HOUR);
                let behind = first.saturating_add(HOUR);
                apart = self.of_instant(first) - first;
                hour = if self.of_instant(behind) - behind == apart { first..behind } else { 0..0 };
            }
            if hour.is_empty() { self.of_instant(instant) } else { instant + apart }
        };
        Cow::Owned(instants.iter().map(local).collect())
    }

    /// The first instant at which the clock shows `local`.
    pub fn to_instant(self, local: i64) -> EventTime {
        local_to_instant(local, self.0)
    }

    /// The instant at which everything up to `local` is over: of a clock that is shown twice the second one, of one that
    /// is skipped the end of the gap.
    fn passes(self, local: i64) -> EventTime {
        let first = self.to_instant(local);
        if self.is_utc() {
            return first;
        }
        match self.to_instant(local.saturating_add(HOUR)).saturating_sub(first) {
            0 => first - first % HOUR,
            apart if apart > HOUR => first + apart - HOUR,
            _ => first,
        }
    }

    /// The watermark, or the processing time, with which a window is over.
    pub fn fires_at(self, end: i64) -> EventTime {
        self.passes(end.saturating_sub(1))
    }

    /// The same for people: the window's end as an instant.
    pub fn closes_at(self, end: i64) -> EventTime {
        self.fires_at(end).saturating_add(1)
    }

    /// True where a window is over: nothing can be added to it any more.
    #[inline]
    pub fn is_over(self, end: i64, progress: Watermark) -> bool {
        progress != Watermark::MIN && (progress == Watermark::MAX || progress.0 >= self.fires_at(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(kind: WindowKind, time: i64) -> Vec<(i64, i64)> {
        kind.windows(time).map(|w| (w.start, w.end)).collect()
    }

    #[test]
    fn times_before_1970_and_offsets_are_aligned_downwards() {
        let kind = WindowKind::Tumble { size: 10, offset: 0 };
        assert_eq!(ends(kind, -1), [(-10, 0)]);
        assert_eq!(ends(kind, 0), [(0, 10)]);
        assert_eq!(ends(WindowKind::Tumble { size: 10, offset: -3 }, 0), [(-3, 7)]);
        assert_eq!(ends(WindowKind::Tumble { size: 10, offset: 7 }, 0), [(-3, 7)]);
    }

    #[test]
    fn hops_go_from_the_latest_and_may_leave_gaps() {
        assert_eq!(ends(WindowKind::Hop { slide: 5, size: 10, offset: 0 }, 12), [(10, 20), (5, 15)]);
        assert_eq!(ends(WindowKind::Hop { slide: 10, size: 4, offset: 0 }, 13), [(10, 14)]);
        assert_eq!(ends(WindowKind::Hop { slide: 10, size: 4, offset: 0 }, 14), []);
        assert_eq!(ends(WindowKind::Hop { slide: 4, size: 10, offset: 0 }, 9), [(8, 18), (4, 14), (0, 10)]);
    }

    #[test]
    fn cumulating_windows_begin_together() {
        let kind = WindowKind::Cumulate { step: 5, size: 15, offset: 0 };
        assert_eq!(ends(kind, 7), [(0, 10), (0, 15)]);
        assert_eq!(kind.slice(7), Window { start: 5, end: 10 });
        assert_eq!((kind.last_end(10), kind.start_of(10), kind.start_of(15)), (15, 0, 0));
    }

    #[test]
    fn a_slice_belongs_to_as_many_windows_as_slides_fit() {
        let kind = WindowKind::Hop { slide: 5, size: 15, offset: 0 };
        assert_eq!(kind.slice(12), Window { start: 10, end: 15 });
        assert_eq!((kind.last_end(15), kind.start_of(15)), (25, 0));
    }

    #[test]
    fn a_clock_that_is_shown_twice_is_over_the_second_time() {
        let clock = WindowClock(Tz::America__New_York);
        let at = |text: &str| text.parse::<chrono::NaiveDateTime>().unwrap().and_utc().timestamp_millis();
        // The hour from one to two came twice on 2021-11-07, and the one from two to three not on 2021-03-14.
        assert_eq!(clock.fires_at(at("2021-11-07T02:00:00")), at("2021-11-07T07:00:00") - 1);
        assert_eq!(clock.fires_at(at("2021-03-14T03:00:00")), at("2021-03-14T07:00:00"));
        assert_eq!(WindowClock::UTC.fires_at(10), 9);
    }

    #[test]
    fn instants_of_a_column_are_shown_as_each_by_itself() {
        let at = |text: &str| text.parse::<chrono::NaiveDateTime>().unwrap().and_utc().timestamp_millis();
        for zone in
            [Tz::UTC, Tz::America__New_York, Tz::Asia__Kathmandu, Tz::Australia__Lord_Howe, Tz::Africa__Monrovia]
        {
            let clock = WindowClock(zone);
            let mut instants = vec![at("1900-01-01T00:00:00"), at("1972-01-07T00:44:29"), at("1972-01-07T00:44:30")];
            instants.extend((0..366 * 48).map(|i| at("2021-01-01T00:00:00") + i * HOUR / 2 - 1));
            let each: Vec<i64> = instants.iter().map(|instant| clock.of_instant(*instant)).collect();
            assert_eq!(clock.of_instants(&instants), each, "{zone}");
        }
    }

    #[test]
    fn nothing_is_over_before_the_first_watermark_and_all_behind_the_last() {
        assert!(!WindowClock::UTC.is_over(i64::MIN + 1, Watermark::MIN));
        assert!(WindowClock::UTC.is_over(i64::MAX, Watermark::MAX));
        assert!(WindowClock::UTC.is_over(10, Watermark(9)) && !WindowClock::UTC.is_over(10, Watermark(8)));
    }
}
