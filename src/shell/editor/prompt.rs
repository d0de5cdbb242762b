//! The prompt: what stands before the lines that are typed, and how many rows of the terminal both take.

use std::borrow::Cow;
use std::sync::Arc;

use reedline::{Color, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus};

use super::room::Room;
use crate::shell::display_width::is_wide;

const NAME: &str = "millstream";
const INDICATOR: &str = "> ";
/// Before every further line, as wide as the prompt.
const CONTINUATION: &str = "         -> ";

pub struct Prompt {
    room: Arc<Room>,
}

impl Prompt {
    pub fn new(room: Arc<Room>) -> Self {
        Self { room }
    }
}

impl reedline::Prompt for Prompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(NAME)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
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
        let wide = char_width(c);
        // A wide character does not stand half in a row.
        if wide == 2 && column % width == width - 1 {
            column += 1;
        }
        column += wide;
    }
    rows + column.saturating_sub(1) / width
}

fn char_width(c: char) -> usize {
    match c as u32 {
        // Combining marks, joiners, variation selectors.
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        wide if is_wide(wide) => 2,
        _ => 1,
    }
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
        ] {
            assert_eq!(rows_above_cursor(before, width), rows, "{before:?} in {width}");
        }
    }

    #[test]
    fn further_lines_stand_below_the_first() {
        assert_eq!(CONTINUATION.len(), NAME.len() + INDICATOR.len());
    }
}
