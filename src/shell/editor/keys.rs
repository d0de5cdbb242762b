//! The keys: those of Emacs, and Ctrl-D, which leaves in an empty line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reedline::{
    EditCommand, EditMode, Emacs, KeyCode, KeyModifiers, PromptEditMode, ReedlineEvent, ReedlineRawEvent,
    default_emacs_keybindings,
};

use super::menu;

/// Whether the cursor stands in an empty line behind everything that is typed, as it was drawn last.
#[derive(Debug, Clone, Default)]
pub struct EmptyLine(Arc<AtomicBool>);

impl EmptyLine {
    /// What is drawn, and where the cursor is in it.
    pub fn drawn(&self, typed: &str, cursor: usize) {
        let is_empty = cursor == typed.len() && (typed.is_empty() || typed.ends_with('\n'));
        self.0.store(is_empty, Ordering::SeqCst);
    }
}

/// Keys to what they do.
pub struct Keys {
    emacs: Emacs,
    line: EmptyLine,
}

/// What Ctrl-D asks for in an empty line. The stock editor leaves only where nothing at all is typed.
const LEAVE: &str = "leave";

impl Keys {
    pub fn new(line: EmptyLine) -> Self {
        let mut keys = default_emacs_keybindings();
        let complete = vec![ReedlineEvent::Menu(menu::NAME.to_string()), ReedlineEvent::MenuNext];
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, ReedlineEvent::UntilFound(complete));
        keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
        let newline = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
        keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, newline);
        // The shell has its own command for an editor.
        keys.remove_binding(KeyModifiers::CONTROL, KeyCode::Char('o'));
        Self { emacs: Emacs::new(keys), line }
    }
}

impl EditMode for Keys {
    fn parse_event(&mut self, event: ReedlineRawEvent) -> ReedlineEvent {
        match self.emacs.parse_event(event) {
            ReedlineEvent::CtrlD if self.line.0.load(Ordering::SeqCst) => {
                ReedlineEvent::ExecuteHostCommand(LEAVE.to_string())
            }
            ReedlineEvent::None => ReedlineEvent::None,
            event => {
                // It may not be empty any more when the next key is looked at, which can be before it is drawn.
                self.line.0.store(false, Ordering::SeqCst);
                event
            }
        }
    }

    fn edit_mode(&self) -> PromptEditMode {
        self.emacs.edit_mode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_empty_behind_everything_that_is_typed() {
        for (typed, cursor, is_empty) in [
            ("", 0, true),
            ("SELECT\n", 7, true),
            ("SELECT\n", 0, false),
            ("SELECT\n 1", 9, false),
            ("a\n\nb", 2, false),
        ] {
            let line = EmptyLine::default();
            line.drawn(typed, cursor);
            assert_eq!(line.0.load(Ordering::SeqCst), is_empty, "{typed:?} at {cursor}");
        }
    }
}
