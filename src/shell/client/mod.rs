//! The client: a session with a person or a script in front of it, which does what it is told, piece by piece.

mod again;
mod ahead;
mod commands;
mod draft;
mod lent;
pub mod prompt;
mod show;
mod stream;

use std::fs::File;

use tokio::time::Instant;

use self::again::Last;
use crate::console;
use crate::error::{Error, Result};
use crate::log::Line;
use crate::runtime::JobHandle;
use crate::session::{Notice, NoticeKind, Outcome, Prepared, Session};
use crate::shell::command::Expanded;
use crate::shell::editor::History;
use crate::shell::help::{self, Paper};
use crate::shell::input::{Piece, pieces};
use crate::shell::interrupt::Interrupt;
use crate::shell::job_list::job_list;
use crate::shell::jobs::Jobs;
use crate::shell::rates::Progress;
use crate::span::SourceText;
use crate::sql::{Look, Show, Statement, StatementKind, parse_script};

/// Whether there is more to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    Leave,
}

/// What a client says beside results and errors, and what it does when a job fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// A person types: what was done is said.
    pub interactive: bool,
    /// Nothing is said.
    pub quiet: bool,
    /// Warnings have been told before.
    pub warned: bool,
    /// All jobs stop when one fails that is waited for.
    pub fail_fast: bool,
}

/// A session with a person or a script in front of it.
pub struct Client {
    pub session: Session,
    pub interrupt: Interrupt,
    manner: Manner,
    progress: Progress,
    expanded: Expanded,
    timing: bool,
    /// `\watch` repeats a query: what it leaves is printed each time.
    watching: bool,
    /// What `\e`, `\p`, `\g` and `\watch` are about.
    last: Option<Last>,
    /// What was typed at the prompt, where there is one.
    history: Option<History>,
    /// A text that the next prompt begins with.
    draft: Option<String>,
    /// What was typed while rows were printed.
    ahead: String,
    /// Where `\o` sends results.
    output: Option<File>,
    jobs: Jobs,
    /// Jobs that run in the end are stopped with savepoints.
    saves: bool,
    /// A job failed that what follows in the script counts on.
    failed: bool,
    /// Told of every job and query that begins.
    observer: Option<Box<dyn Fn(&JobHandle) + Send>>,
}

impl Client {
    pub fn new(session: Session, interrupt: Interrupt, manner: Manner) -> Self {
        let progress = if manner.quiet { Progress::None } else { Progress::detect() };
        Self {
            session,
            interrupt,
            manner,
            progress,
            expanded: Expanded::Off,
            timing: false,
            watching: false,
            last: None,
            history: None,
            draft: None,
            ahead: String::new(),
            output: None,
            jobs: Jobs::new(progress, manner.fail_fast),
            saves: false,
            failed: false,
            observer: None,
        }
    }

    /// `told` hears of every job and query that begins from now on.
    pub fn observe(&mut self, told: impl Fn(&JobHandle) + Send + 'static) {
        self.observer = Some(Box::new(told));
    }

    /// True where nothing more is to be done: all is to end, or a job failed that the rest of a script counts on.
    pub fn is_over(&self) -> bool {
        self.interrupt.is_ended() || self.failed && !self.manner.interactive
    }

    /// Does everything that stands in a text, in order, up to the first error.
    pub async fn take(&mut self, text: &SourceText) -> Result<Flow> {
        self.take_at_depth(text, 0).await
    }

    /// Does what `-i` names: it may declare and set, and starts nothing.
    pub async fn initialize(&mut self, text: &SourceText) -> Result<()> {
        for statement in parse_script(text) {
            let statement = statement?;
            use StatementKind::{Insert, Query, StatementSet};
            if matches!(statement.kind, Insert(_) | Query(_) | StatementSet(_)) {
                return Err(Error::statement("an init file declares and sets; it starts no query and no job")
                    .with_hint("Use -f for a file that does.")
                    .at(statement.span)
                    .in_text(text));
            }
            self.statement(&statement, text).await?;
        }
        Ok(())
    }

    async fn take_at_depth(&mut self, text: &SourceText, depth: usize) -> Result<Flow> {
        if depth == 0 {
            self.interrupt.clear();
        }
        let mut pieces = pieces(text).into_iter().peekable();
        while let Some(piece) = pieces.next() {
            // What stands behind a statement that was stopped is not done either.
            if self.interrupt.is_asked() {
                break;
            }
            let flow = match piece {
                Piece::Statement { statement, written, text, terminated } => {
                    let behind = pieces.peek();
                    let is_taken = matches!(behind, Some(Piece::Command(Ok(command))) if command.takes_statement());
                    self.last = Some(Last::new(written, &statement, &text));
                    // Without its `;` it is what the command behind it is about.
                    if terminated || !is_taken {
                        self.statement(&statement?, &text).await?;
                    }
                    Flow::Continue
                }
                Piece::Command(command) => self.command(command?, text, depth).await?,
            };
            if flow == Flow::Leave {
                return Ok(flow);
            }
            if self.is_over() {
                break;
            }
        }
        Ok(if self.is_over() { Flow::Leave } else { Flow::Continue })
    }

    /// Runs one statement and shows what it gives.
    pub async fn statement(&mut self, statement: &Statement, text: &SourceText) -> Result<()> {
        self.prepared(statement, text, None).await
    }

    /// The same by the plan that was made of it.
    pub async fn prepared(
        &mut self,
        statement: &Statement,
        text: &SourceText,
        prepared: Option<Prepared>,
    ) -> Result<()> {
        let started = Instant::now();
        match self.execute(statement, text, prepared).await? {
            Some(outcome) => self.give(statement, outcome, started).await,
            None => Ok(()),
        }
    }

    /// Runs one statement, and tells what was noticed. None where all is to end.
    async fn execute(
        &mut self,
        statement: &Statement,
        text: &SourceText,
        prepared: Option<Prepared>,
    ) -> Result<Option<Outcome>> {
        let is_round = self.watching;
        let executed = async {
            match is_round {
                true => self.session.execute_round(statement, text).await,
                false => self.session.execute_prepared(statement, text, prepared).await,
            }
        };
        let outcome = tokio::select! {
            biased;
            outcome = executed => outcome,
            () = self.interrupt.asked() => match self.interrupt.is_ended() {
                true => return Ok(None),
                false => Err(self.cancelled(statement)),
            },
        };
        self.tell_notices(Some(text));
        outcome.map(Some)
    }

    /// A statement that is waited for no longer: what was asked to stop stops all the same.
    fn cancelled(&self, statement: &Statement) -> Error {
        let StatementKind::StopJob { job, .. } = &statement.kind else { return Error::external("cancelled") };
        match self.session.jobs().find(&job.value) {
            Ok(job) if !job.is_query && !job.state.status().has_ended() => {
                Error::external(format!("not waited for any longer: job {}", job.state.stopping()))
                    .with_hint("SHOW JOBS tells when it has ended.")
            }
            _ => Error::external("cancelled"),
        }
    }

    /// What was noticed and not yet told; `text` is that of the statement.
    pub fn tell_notices(&mut self, text: Option<&SourceText>) {
        let (warned, quiet) = (self.manner.warned, self.manner.quiet);
        let is_told = |notice: &Notice| match notice.kind {
            NoticeKind::Warning => !warned,
            NoticeKind::Said | NoticeKind::Warned => !quiet,
            NoticeKind::WithoutEffect | NoticeKind::Portability => false,
        };
        for notice in self.session.take_notices().into_iter().filter(is_told) {
            console::notice(notice.kind.label(), &notice.as_error(text));
        }
    }

    /// Shows what a statement gave.
    async fn give(&mut self, statement: &Statement, outcome: Outcome, started: Instant) -> Result<()> {
        let is_suggested =
            matches!(&statement.kind, StatementKind::Look(look) if matches!(**look, Look::Suggest { .. }));
        let proposal = match &outcome {
            Outcome::Text(text) if is_suggested && self.manner.interactive => Some(text.trim_end().to_string()),
            _ => None,
        };
        match outcome {
            Outcome::Listing(_) if matches!(statement.kind, StatementKind::Show(Show::Jobs)) && self.draws_tables() => {
                self.listing(&job_list(&self.session, console::terminal_width())).await?;
            }
            outcome => self.show(outcome).await?,
        }
        if let Some(proposal) = proposal {
            self.last = Some(Last::proposed(proposal));
            self.tell("\\g runs it as it is; \\e opens it in your editor, and what you save is run.");
        }
        if self.timing {
            self.write(&format!("Time: {:.3} ms\n", started.elapsed().as_secs_f64() * 1_000.0))?;
        }
        Ok(())
    }

    fn begun(&self, job: &JobHandle) {
        if let Some(told) = &self.observer {
            told(job);
        }
    }

    /// What was done, for a person who types.
    fn tell(&self, what: &str) {
        if self.manner.interactive {
            console::say(Line::info("shell", what));
        }
    }

    async fn help(&mut self, topic: Option<&str>) -> Result<()> {
        let on_screen = self.manner.interactive && self.output.is_none();
        let paper = Paper {
            width: if on_screen { console::terminal_width() } else { 80 },
            bold: on_screen && std::env::var_os("NO_COLOR").is_none(),
        };
        let text = match topic {
            Some(topic) => help::page(topic, paper)?,
            None => help::overview(paper),
        };
        self.page(text).await
    }

    /// What is said first.
    pub fn welcome(&self) {
        let version = env!("CARGO_PKG_VERSION");
        let mut lines = vec![format!("Millstream {version}. Type \"help;\" for help, \"\\q\" to leave.")];
        let integrations: Vec<&str> = self.session.integrations().names().collect();
        if !integrations.is_empty() {
            lines.push(format!("Integrations: {}.", integrations.join(", ")));
        }
        console::stdout(format!("{}\n\n", console::on_terminal(&lines.join("\n"))).as_bytes());
    }

    /// A job of the session begins; with `table.dml-sync` what follows waits for its end, as in Flink's client.
    async fn start(&mut self, job: JobHandle) -> Result<()> {
        if self.manner.interactive {
            let said = "[INFO] Submitting SQL update statement to the cluster...\n\
                        [INFO] SQL update statement has been successfully submitted to the cluster:";
            console::stdout(format!("{}\nJob ID: {}\n\n", console::on_terminal(said), job.id).as_bytes());
        }
        self.begun(&job);
        self.jobs.add(job);
        if self.session.settings().bool("table.dml-sync") {
            let fine = self.jobs.wait_last(&self.interrupt).await;
            self.failed |= !fine;
            if fine && !self.interrupt.is_asked() {
                self.tell("[INFO] Complete execution of the SQL update statement.");
            }
        }
        Ok(())
    }

    /// Shows the error that ended a script, if one did, and waits for its jobs; they and those of a person are asked to
    /// stop. False where a job failed.
    pub async fn end(&mut self, error: Option<&Error>) -> bool {
        console::clear_live();
        let mut savepoints = Vec::new();
        if let Some(error) = error {
            console::error(error);
            self.jobs.stop_all();
        } else if self.manner.interactive {
            if self.saves {
                savepoints = self.jobs.end_with_savepoints().await;
            }
            // Who leaves has asked for the end.
            self.interrupt.clear();
            if !self.interrupt.is_ended() {
                self.interrupt.end();
            }
        }
        let fine = self.jobs.wait_all(&self.interrupt).await;
        for (job, savepoint) in savepoints {
            match savepoint.await {
                Ok(path) => self.tell(&format!("savepoint of job {job}: {}", path.display())),
                Err(error) => console::error(&error.context(format!("no savepoint of job \"{job}\""))),
            }
        }
        // A person has seen what failed.
        fine || self.manner.interactive
    }
}
