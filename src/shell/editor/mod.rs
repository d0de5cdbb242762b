//! The line editor of the shell: input over several lines with history, colours and completion, and lines of others
//! above the prompt.

mod completion;
mod highlighter;
mod history;
mod keys;
mod lines;
mod menu;
mod outside;
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
use reedline::{EditCommand, Reedline, ReedlineMenu, Signal};

use self::completion::Completer;
use self::highlighter::Highlighter;
pub use self::history::History;
use self::keys::{EmptyLine, Keys};
pub use self::lines::push_key;
use self::menu::Proposed;
pub use self::outside::Outside;
pub use self::prompt::Jobs;
use self::prompt::{CONTINUATION, INDICATOR, NAME, Prompt, rows_above_cursor};
use self::room::Room;
use self::validator::Validator;
pub use self::validator::is_whole;
use self::vocabulary::Shared;
pub use self::vocabulary::Vocabulary;
use crate::console;
use crate::log::Line;
use crate::shell::interrupt::Interrupt;

/// Reads what a person types.
pub struct Editor {
    line: Reedline,
    prompt: Prompt,
    history: History,
    vocabulary: Shared,
    room: Arc<Room>,
    /// The terminal doesn't say where its cursor is: lines are read, and the next input begins with this text.
    plain: Option<String>,
    /// It has said so at the last prompt: then one answer that is late changes nothing for good.
    answered: bool,
    interrupt: Interrupt,
}

/// What a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A whole input: one or several statements, a client command, or nothing but blanks and comments.
    Text(String),
    /// Ctrl-C: what was typed is thrown away.
    Interrupted,
    /// Ctrl-D in a line where nothing is typed.
    End,
}

impl Editor {
    /// An editor with the history of a file, or with none that is kept. A file that can't be read or written is told;
    /// then the history is that of this session. Standard input, output and error must be the terminal.
    pub fn new(history: Option<&Path>, interrupt: Interrupt) -> (Self, Option<String>) {
        let history = History::new(history);
        let trouble = history.trouble();
        let (vocabulary, room) = (Shared::default(), Arc::new(Room::default()));
        let line = line(&history, &vocabulary, &room);
        let prompt = Prompt::new(Arc::clone(&room));
        let plain = std::env::var_os("TERM").is_some_and(|term| term == "dumb").then(String::new);
        (Self { line, prompt, history, vocabulary, room, plain, answered: false, interrupt }, trouble)
    }

    /// Waits for an input. Meanwhile what others write through the console appears above the prompt, beside which stands
    /// how many of the jobs run.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn read(&mut self, vocabulary: Arc<Vocabulary>, jobs: Jobs) -> std::io::Result<Read> {
        if let Some(begun) = &mut self.plain {
            return lines::read(std::mem::take(begun), &self.interrupt);
        }
        match self.edit(vocabulary, jobs) {
            // The terminal was asked where its cursor is, and has not answered.
            Err(error) if error.kind() == std::io::ErrorKind::Other => {
                let said = "the terminal doesn't say where its cursor is: lines are read without editing and history";
                console::say(Line::warning("shell", format!("warning: {said}")));
                let begun = self.line.current_buffer_contents().to_string() + &lines::typed_meanwhile()?;
                if !std::mem::take(&mut self.answered) {
                    self.plain = Some(String::new());
                }
                lines::read(begun, &self.interrupt)
            }
            read => {
                self.answered = read.is_ok();
                read
            }
        }
    }

    fn edit(&mut self, vocabulary: Arc<Vocabulary>, jobs: Jobs) -> std::io::Result<Read> {
        self.vocabulary.set(vocabulary);
        self.prompt.count(jobs);
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
                Signal::HostCommand(_) => {
                    // A new one, for the old one would draw its prompt where it stood.
                    self.line = line(&self.history, &self.vocabulary, &self.room);
                    console::screen(b"\n");
                    return Ok(Read::End);
                }
                _ => {}
            }
        }
    }

    /// The next prompt begins with a text.
    pub fn begin_with(&mut self, text: &str) {
        if let Some(begun) = &mut self.plain {
            *begun = text.to_string();
            return;
        }
        self.line.run_edit_commands(&[EditCommand::InsertString(text.to_string())]);
    }

    /// A handle of what was typed.
    pub fn history(&self) -> History {
        self.history.clone()
    }

    /// Shows an input as if it had been typed, and keeps it in the history.
    pub fn enter(&mut self, text: &str) {
        self.history.add(text);
        let lines = text.replace('\n', &format!("\n{CONTINUATION}"));
        console::stdout(format!("{NAME}{INDICATOR}{lines}\n").as_bytes());
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

fn line(history: &History, vocabulary: &Shared, room: &Arc<Room>) -> Reedline {
    let empty = EmptyLine::default();
    Reedline::create()
        .with_history(Box::new(history.clone()))
        .with_completer(Box::new(Completer::new(vocabulary.clone())))
        .with_highlighter(Box::new(Highlighter::new(vocabulary.clone(), empty.clone())))
        .with_validator(Box::new(Validator))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(Proposed::new())))
        // What was typed is left without the jobs beside it.
        .with_transient_prompt(Box::new(Prompt::new(Arc::clone(room))))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_edit_mode(Box::new(Keys::new(empty)))
        .with_ansi_colors(std::env::var_os("NO_COLOR").is_none())
        .use_bracketed_paste(true)
        .with_break_signal(room.stop_signal())
        .with_poll_interval(Duration::from_millis(50))
}
