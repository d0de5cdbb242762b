//! The prompt: what a person types is read and done until they leave.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::ahead::{Next, next};
use super::{Client, Flow};
use crate::console;
use crate::error::{Error, Result};
use crate::log::Line;
use crate::shell::editor::{Editor, Jobs, Outside, Read, Vocabulary, is_whole};
use crate::span::SourceText;

/// So long the signal of a terminal that is gone may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// True where a person can type and see what they type.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}

/// Where the history is kept unless told otherwise.
pub fn default_history() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".millstream_history"))
}

impl Client {
    /// Reads and does until the user leaves. An error is shown, and the next prompt comes.
    ///
    /// # Errors
    /// A terminal that is gone.
    pub async fn talk(&mut self, history: Option<PathBuf>) -> Result<()> {
        let (mut editor, trouble) = Editor::new(history.as_deref(), self.interrupt.clone());
        if let Some(trouble) = trouble {
            console::say(Line::warning("shell", format!("warning: {trouble}")));
        }
        self.history = Some(editor.history());
        let outside = Arc::<Outside>::default();
        loop {
            let vocabulary = Arc::new(Vocabulary::of(&self.session, &outside));
            let jobs = self.jobs.running();
            let read;
            let draft = self.draft.take().map(|draft| match is_whole(&draft) {
                true => Next::Input(draft),
                false => Next::Begun(draft),
            });
            let draft = match draft.or_else(|| next(&mut self.ahead)) {
                Some(Next::Input(text)) => {
                    // As if it had been typed.
                    editor.enter(&text);
                    if self.perform(Read::Text(text)).await {
                        return Ok(());
                    }
                    continue;
                }
                Some(Next::Begun(text)) => Some(text),
                None => None,
            };
            (editor, read) = tokio::select! {
                read = on_thread(editor, vocabulary, jobs, draft) => match read {
                    Ok(read) => read,
                    // A terminal that is gone may say so before the signal does.
                    Err(error) => match tokio::time::timeout(PATIENCE, self.interrupt.ended()).await {
                        Ok(()) => return Ok(()),
                        Err(_) => return Err(error),
                    },
                },
                // The thread that reads is left behind; the terminal is what it was before.
                () = self.interrupt.ended() => {
                    give_back_terminal();
                    return Ok(());
                }
            };
            if self.perform(read).await {
                return Ok(());
            }
        }
    }

    /// Does what was read; true where that is the end.
    async fn perform(&mut self, read: Read) -> bool {
        let flow = match read {
            Read::Text(text) => match self.take(&SourceText::new("input", text)).await {
                Ok(flow) => flow,
                Err(error) => {
                    console::clear_live();
                    console::error(&error);
                    Flow::Continue
                }
            },
            Read::Interrupted => Flow::Continue,
            Read::End => Flow::Leave,
        };
        self.interrupt.is_ended() || flow == Flow::Leave && self.may_leave().await
    }

    /// Asks where jobs would be stopped.
    async fn may_leave(&mut self) -> bool {
        let running = self.jobs.running();
        if running.is_empty() {
            return true;
        }
        let names: Vec<&str> = running.iter().map(|job| &*job.name).collect();
        let are = if names.len() == 1 { "1 job is".to_string() } else { format!("{} jobs are", names.len()) };
        let may_save = running.iter().any(|job| job.savepoint_folder().is_some());
        let choice = if may_save { "[y/N, s: with savepoints]" } else { "[y/N]" };
        let question = format!("{are} running: {}. Stop and leave? {choice}", names.join(", "));
        let answer = tokio::select! {
            // A terminal that doesn't answer is gone.
            answer = tokio::task::spawn_blocking(move || asked(&question, may_save)) => match answer {
                Ok(answer) => answer.unwrap_or(Answer::Leave),
                Err(_) => Answer::Stay,
            },
            () = self.interrupt.ended() => {
                give_back_terminal();
                Answer::Leave
            }
        };
        self.saves = answer == Answer::Save;
        answer != Answer::Stay
    }
}

/// What becomes of jobs that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Stay,
    Leave,
    /// With savepoints.
    Save,
}

/// One key: y, or Ctrl-D once more; s, where there are savepoints.
fn asked(question: &str, may_save: bool) -> std::io::Result<Answer> {
    use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
    console::ask(question)?;
    let answer = loop {
        match read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                let again = key.code == KeyCode::Char('d') && key.modifiers == KeyModifiers::CONTROL;
                break Ok(match key.code {
                    KeyCode::Char('s' | 'S') if may_save => Answer::Save,
                    KeyCode::Char('y' | 'Y') => Answer::Leave,
                    _ if again => Answer::Leave,
                    _ => Answer::Stay,
                });
            }
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    console::screen(match answer {
        Ok(Answer::Stay) => b"no\r\n".as_slice(),
        Ok(Answer::Save) => b"yes, with savepoints\r\n",
        _ => b"yes\r\n",
    });
    console::give_back();
    answer
}

fn give_back_terminal() {
    // Nothing that is pasted from here on is marked.
    console::screen(b"\x1b[?2004l\r\n");
    console::give_back();
}

/// Reading blocks a thread until the user is done.
async fn on_thread(
    mut editor: Editor,
    vocabulary: Arc<Vocabulary>,
    jobs: Jobs,
    draft: Option<String>,
) -> Result<(Editor, Read)> {
    if let Some(draft) = draft {
        editor.begin_with(&draft);
    }
    let read = tokio::task::spawn_blocking(move || {
        let read = editor.read(vocabulary, jobs);
        (editor, read)
    });
    let (editor, read) = read.await.map_err(|e| Error::internal(format!("the line editor failed: {e}")))?;
    Ok((editor, read.map_err(|e| Error::external(format!("the terminal doesn't answer: {e}")))?))
}
