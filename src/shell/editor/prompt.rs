//! The prompt: what stands before the lines that are typed and beside them, and how many rows of the terminal both take.

use std::borrow::Cow;
use std::sync::Arc;

use reedline::{Color, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus};

use super::room::Room;
use crate::runtime::JobState;
use crate::wrap::columns_of;

pub const NAME: &str = "millstream";
pub const INDICATOR: &str = "> ";
/// Before every further line, as wide as the prompt.
pub const CONTINUATION: &str = "         -> ";

/// Jobs of the session, some of which may have ended.
pub type Jobs = Vec<Arc<JobState>>;

pub struct Prompt {
    room: Arc<Room>,
    /// How many of them run stands at the right.
    jobs: Jobs,
}

impl Prompt {
    pub fn new(room: Arc<Room>) -> Self {
        Self { room, jobs: Jobs::new() }
    }

    pub fn count(&mut self, jobs: Jobs) {
        self.jobs = jobs;
    }
}

impl reedline::Prompt for Prompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(NAME)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        match self.jobs.iter().filter(|job| !job.status().has_ended()).count() {
            0 => Cow::Borrowed(""),
            1 => Cow::Borrowed("1 job"),
            running => Cow::Owned(format!("{running} jobs")),
        }
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        self.room.searching(false);
        Cow::Borrowed(INDICATOR)
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed(CONTINUATION)
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        self.room.searching(true);
        let failing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing in the ",
        };
        Cow::Owned(format!(" ({failing}history: {})> ", search.term))
    }

    fn get_prompt_color(&self) -> Color {
        Color::Green
    }

    fn get_prompt_multiline_color(&self) -> nu_ansi_term::Color {
        nu_ansi_term::Color::Green
    }

    fn get_indicator_color(&self) -> Color {
        Color::Green
    }

    fn get_prompt_right_color(&self) -> Color {
        Color::DarkGrey
    }
}

/// How many rows of a terminal of `width` columns stand between the first row of the prompt and the cursor behind
/// `before`.
pub fn rows_above_cursor(before: &str, width: u16) -> usize {
    let width = usize::from(width.max(1));
    let mut rows = 0;
    let mut column = NAME.len() + INDICATOR.len();
    for c in before.chars() {
        if c == '\n' {
            rows += column.saturating_sub(1) / width + 1;
            column = CONTINUATION.len();
            continue;
        }
        let wide = columns_of(c);
        // A wide character does not stand half in a row.
        if wide == 2 && column % width == width - 1 {
            column += 1;
        }
        column += wide;
    }
    rows + column.saturating_sub(1) / width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_the_terminal_wraps_them() {
        for (before, width, rows) in [
            ("", 80, 0),
            ("SELECT", 80, 0),
            ("SELECT\n", 80, 1),
            ("SELECT\n1,\n2", 80, 2),
            ("12345678", 20, 0),
            ("123456789", 20, 1),
            ("12345678\n12345678\n1", 20, 2),
            ("1234567日", 20, 1),
            ("123456日", 20, 0),
            ("e\u{301}1234567", 20, 0),
            ("\u{1100}\u{1f980}\u{200d}1234", 20, 0),
            ("\u{1100}\u{1f980}\u{200d}12345", 20, 1),
        ] {
            assert_eq!(rows_above_cursor(before, width), rows, "{before:?} in {width}");
        }
    }

    #[test]
    fn further_lines_stand_below_the_first() {
        assert_eq!(CONTINUATION.len(), NAME.len() + INDICATOR.len());
    }
}
