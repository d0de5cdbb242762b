//! The menu of proposals, which is not there where there are none.

use reedline::{ColumnarMenu, Completer, Editor, InputMode, Menu, MenuBuilder, MenuEvent, Painter, Suggestion};

pub const NAME: &str = "completion";

/// The stock menu, which without proposals would say so in capitals and take the next Enter.
pub struct Proposed(ColumnarMenu);

impl Proposed {
    pub fn new() -> Self {
        Self(ColumnarMenu::default().with_name(NAME).with_marker("> ").with_input_mode(InputMode::FullBuffer))
    }
}

impl Menu for Proposed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn indicator(&self) -> &str {
        self.0.indicator()
    }

    fn is_active(&self) -> bool {
        self.0.is_active() && !self.0.get_values().is_empty()
    }

    fn menu_event(&mut self, event: MenuEvent) {
        self.0.menu_event(event);
    }

    fn can_quick_complete(&self) -> bool {
        self.0.can_quick_complete()
    }

    fn can_partially_complete(
        &mut self,
        values_updated: bool,
        editor: &mut Editor,
        completer: &mut dyn Completer,
    ) -> bool {
        self.0.can_partially_complete(values_updated, editor, completer)
    }

    fn update_values(&mut self, editor: &mut Editor, completer: &mut dyn Completer) {
        self.0.update_values(editor, completer);
    }

    fn update_working_details(&mut self, editor: &mut Editor, completer: &mut dyn Completer, painter: &Painter) {
        self.0.update_working_details(editor, completer, painter);
    }

    fn replace_in_buffer(&self, editor: &mut Editor) {
        self.0.replace_in_buffer(editor);
    }

    fn menu_required_lines(&self, terminal_columns: u16) -> u16 {
        self.0.menu_required_lines(terminal_columns)
    }

    fn menu_string(&self, available_lines: u16, use_ansi_coloring: bool) -> String {
        // What was typed since the menu came may have left nothing to propose.
        if self.0.get_values().is_empty() {
            String::new()
        } else {
            self.0.menu_string(available_lines, use_ansi_coloring)
        }
    }

    fn min_rows(&self) -> u16 {
        self.0.min_rows()
    }

    fn get_values(&self) -> &[Suggestion] {
        self.0.get_values()
    }

    fn set_cursor_pos(&mut self, at: (u16, u16)) {
        self.0.set_cursor_pos(at);
    }
}
