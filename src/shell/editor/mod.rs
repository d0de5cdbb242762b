//! The line editor of the shell: input over several lines with history, colours and completion, and lines of others
//! above the prompt.

mod completion;
mod highlighter;
mod history;
mod prompt;
mod room;
mod validator;
pub mod vocabulary;
pub mod words;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossterm::terminal;
use reedline::{
    ColumnarMenu, EditCommand, Emacs, InputMode, KeyCode, KeyModifiers, MenuBuilder, Reedline, ReedlineEvent,
    ReedlineMenu, Signal, default_emacs_keybindings,
};

use self::completion::Completer;
use self::highlighter::Highlighter;
use self::history::History;
use self::prompt::{Prompt, rows_above_cursor};
use self::room::Room;
use self::validator::Validator;
use self::vocabulary::Shared;
pub use self::vocabulary::Vocabulary;
use crate::console;
use crate::log::Line;

/// Reads what a person types.
pub struct Editor {
    line: Reedline,
    prompt: Prompt,
    history: History,
    vocabulary: Shared,
    room: Arc<Room>,
}

/// What a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A whole input: one or several statements, a client command, or nothing but blanks and comments.
    Text(String),
    /// Ctrl-C: what was typed is thrown away.
    Interrupted,
    /// Ctrl-D where nothing is typed.
    End,
}

impl Editor {
    /// An editor with the history of a file, or with none that is kept. A file that can't be read or written is told;
    /// then the history is that of this session. Standard input, output and error must be the terminal.
    pub fn new(history: Option<&Path>) -> (Self, Option<String>) {
        let history = History::new(history);
        let trouble = history.trouble();
        let (vocabulary, room) = (Shared::default(), Arc::new(Room::default()));
        let line = line(&history, &vocabulary, &room);
        (Self { line, prompt: Prompt::new(Arc::clone(&room)), history, vocabulary, room }, trouble)
    }

    /// Waits for an input. Meanwhile what others write through the console appears above the prompt.
    ///
    /// # Errors
    /// Where the terminal is gone or doesn't answer.
    pub fn read(&mut self, vocabulary: Arc<Vocabulary>) -> std::io::Result<Read> {
        self.vocabulary.set(vocabulary);
        self.history.refresh();
        if let Some(trouble) = self.history.trouble() {
            console::say(Line::warning("shell", trouble));
        }
        console::above_prompt(Some(Arc::clone(&self.room) as Arc<dyn console::Prompt>));
        let _gone = PromptGone;
        loop {
            match self.line.read_line(&self.prompt)? {
                Signal::Success(text) => return Ok(Read::Text(text)),
                Signal::CtrlC => return Ok(Read::Interrupted),
                Signal::CtrlD => return Ok(Read::End),
                Signal::ExternalBreak(_) => self.make_room()?,
                _ => {}
            }
        }
    }

    /// The next prompt begins with a text.
    pub fn begin_with(&mut self, text: &str) {
        self.line.run_edit_commands(&[EditCommand::InsertString(text.to_string())]);
    }

    /// Writes what waits above the prompt, which is drawn anew below it with what is typed.
    fn make_room(&mut self) -> std::io::Result<()> {
        let lines = console::take_above_prompt();
        if lines.is_empty() {
            return Ok(());
        }
        let (typed, cursor) = (self.line.current_buffer_contents().to_string(), self.line.current_insertion_point());
        // A new one, for the old one would draw its prompt where it stood.
        self.line = line(&self.history, &self.vocabulary, &self.room);
        self.line.run_edit_commands(&[
            EditCommand::InsertString(typed.clone()),
            EditCommand::MoveToPosition { position: cursor, select: false },
        ]);
        // From here on keys are not echoed.
        terminal::enable_raw_mode()?;
        let (width, _) = terminal::size()?;
        let mut out = b"\r".to_vec();
        match rows_above_cursor(typed.get(..cursor).unwrap_or(&typed), width) {
            0 => {}
            rows => out.extend(format!("\x1b[{rows}A").bytes()),
        }
        out.extend(b"\x1b[J");
        for byte in lines {
            match byte {
                b'\n' => out.extend(b"\r\n"),
                byte => out.push(byte),
            }
        }
        let mut terminal = std::io::stderr().lock();
        terminal.write_all(&out)?;
        terminal.flush()
    }
}

/// Gives the terminal back to everybody.
struct PromptGone;

impl Drop for PromptGone {
    fn drop(&mut self) {
        console::above_prompt(None);
    }
}

const MENU: &str = "completion";

fn line(history: &History, vocabulary: &Shared, room: &Room) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let complete = vec![ReedlineEvent::Menu(MENU.to_string()), ReedlineEvent::MenuNext];
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, ReedlineEvent::UntilFound(complete));
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    let newline = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, newline);
    // The shell has its own command for an editor.
    keys.remove_binding(KeyModifiers::CONTROL, KeyCode::Char('o'));
    let menu = ColumnarMenu::default().with_name(MENU).with_marker("> ").with_input_mode(InputMode::FullBuffer);
    Reedline::create()
        .with_history(Box::new(history.clone()))
        .with_completer(Box::new(Completer::new(vocabulary.clone())))
        .with_highlighter(Box::new(Highlighter::new(vocabulary.clone())))
        .with_validator(Box::new(Validator))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_ansi_colors(std::env::var_os("NO_COLOR").is_none())
        .use_bracketed_paste(true)
        .with_break_signal(room.stop_signal())
        .with_poll_interval(Duration::from_millis(50))
}
