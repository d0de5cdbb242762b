//! The client: a session with a person or a script in front of it, which does what it is told, piece by piece.

mod commands;
mod draft;
pub mod prompt;
mod stream;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use tokio::time::Instant;

use crate::console;
use crate::error::{Error, Result};
use crate::log::Line;
use crate::runtime::JobHandle;
use crate::session::{Listing, NoticeKind, Outcome, Query, Session};
use crate::shell::command::Command;
use crate::shell::help::{self, Paper};
use crate::shell::input::{Piece, pieces};
use crate::shell::interrupt::Interrupt;
use crate::shell::jobs::Jobs;
use crate::shell::rates::{Progress, tell_troubles};
use crate::shell::results::{Display, show_listing, show_query};
use crate::span::SourceText;
use crate::sql::{Statement, StatementKind, parse_script};

/// Whether there is more to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Continue,
    Leave,
}

/// A session with a person or a script in front of it.
pub struct Client {
    pub session: Session,
    pub interrupt: Interrupt,
    /// A person types: what was done is said.
    interactive: bool,
    expanded: bool,
    timing: bool,
    /// `\watch` repeats a query: it is printed, whatever the result mode.
    watching: bool,
    /// What was typed last, for `\e`.
    typed: Option<String>,
    /// What `\watch` runs again.
    last: Option<(Statement, SourceText)>,
    /// A text that the next prompt begins with.
    draft: Option<String>,
    /// Where `\o` sends results.
    output: Option<File>,
    jobs: Jobs,
    /// A job failed that what follows in the script counts on.
    failed: bool,
}

impl Client {
    pub fn new(session: Session, interrupt: Interrupt, interactive: bool) -> Self {
        Self {
            session,
            interrupt,
            interactive,
            expanded: false,
            timing: false,
            watching: false,
            typed: None,
            last: None,
            draft: None,
            output: None,
            jobs: Jobs::new(),
            failed: false,
        }
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
                return Ok(if self.interrupt.is_ended() { Flow::Leave } else { Flow::Continue });
            }
            let flow = match piece {
                Piece::Statement { statement, text, terminated } => {
                    let statement = statement?;
                    let watched =
                        matches!(pieces.peek(), Some(Piece::Command(Ok(Command::Watch(_) | Command::Edit(None)))));
                    self.last = Some((statement.clone(), text.clone()));
                    // Without its `;` it is what the command behind it is about.
                    if terminated || !watched {
                        self.statement(&statement, &text).await?;
                    }
                    Flow::Continue
                }
                Piece::Command(command) => self.command(command?, depth).await?,
            };
            if flow == Flow::Leave || (self.failed && !self.interactive) {
                return Ok(Flow::Leave);
            }
        }
        Ok(Flow::Continue)
    }

    /// Runs one statement and shows what it gives.
    async fn statement(&mut self, statement: &Statement, text: &SourceText) -> Result<()> {
        let started = Instant::now();
        let outcome = tokio::select! {
            outcome = self.session.execute_statement(statement, text) => outcome,
            () = self.interrupt.asked() => Err(Error::external("cancelled")),
        };
        for notice in self.session.take_notices().into_iter().filter(|notice| notice.kind == NoticeKind::Warning) {
            console::notice("warning", &notice.as_error(Some(text)));
        }
        self.show(outcome?).await?;
        if self.timing {
            self.write(&format!("Time: {:.3} ms\n", started.elapsed().as_secs_f64() * 1_000.0))?;
        }
        Ok(())
    }

    async fn show(&mut self, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Done => self.tell("[INFO] Execute statement succeeded."),
            Outcome::Listing(listing) => self.listing(&listing)?,
            Outcome::Text(text) => self.write(&format!("{}\n", text.trim_end()))?,
            Outcome::Job(job) => self.start(job).await?,
            Outcome::Query(query) => self.query(query).await?,
        }
        Ok(())
    }

    async fn query(&mut self, query: Query) -> Result<()> {
        let (name, metrics) = (query.job.name.clone(), query.job.metrics.clone());
        let (display, settings) = (self.display(), self.session.settings());
        match &mut self.output {
            Some(file) => show_query(query, settings, &display, &self.interrupt, file).await?,
            None => show_query(query, settings, &display, &self.interrupt, &mut console::Stream::Stdout).await?,
        };
        if self.interactive {
            tell_troubles(&name, &metrics);
        }
        Ok(())
    }

    fn listing(&mut self, listing: &Listing) -> Result<()> {
        let display = self.display();
        match &mut self.output {
            Some(file) => show_listing(listing, &display, file),
            None => show_listing(listing, &display, &mut console::Stream::Stdout),
        }
    }

    /// How results are shown now.
    fn display(&self) -> Display {
        let settings = self.session.settings();
        let on_terminal = self.interactive && self.output.is_none();
        let display = if on_terminal { Display::on_terminal(settings) } else { Display::outside(settings) };
        let interactive = display.interactive && !self.watching;
        Display { expanded: self.expanded, interactive, ..display }
    }

    /// `\o`: results go there from now on.
    fn redirect(&mut self, file: Option<PathBuf>) -> Result<()> {
        self.output = match file {
            None => None,
            Some(path) => {
                let file = File::create(&path);
                Some(file.map_err(|e| Error::external(format!("cannot write \"{}\": {e}", path.display())))?)
            }
        };
        Ok(())
    }

    /// Results, where they go now.
    fn write(&mut self, text: &str) -> Result<()> {
        match &mut self.output {
            Some(file) => {
                file.write_all(text.as_bytes()).map_err(|e| Error::external(format!("cannot write results: {e}")))
            }
            None => {
                console::stdout(text.as_bytes());
                Ok(())
            }
        }
    }

    /// What was done, for a person who types.
    fn tell(&self, what: &str) {
        if self.interactive {
            console::say(Line::info("shell", what));
        }
    }

    fn help(&mut self, topic: Option<&str>) -> Result<()> {
        let on_screen = self.interactive && self.output.is_none();
        let paper = Paper {
            width: if on_screen { console::terminal_width() } else { 80 },
            bold: on_screen && std::env::var_os("NO_COLOR").is_none(),
        };
        let text = match topic {
            Some(topic) => help::page(topic, paper)?,
            None => help::overview(paper),
        };
        self.write(&text)
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
        if self.interactive {
            let said = "[INFO] Submitting SQL update statement to the cluster...\n\
                        [INFO] SQL update statement has been successfully submitted to the cluster:";
            console::stdout(format!("{}\nJob ID: {}\n\n", console::on_terminal(said), job.id).as_bytes());
        }
        self.jobs.add(job);
        if self.session.settings().bool("table.dml-sync") {
            let fine = self.jobs.wait_last(&self.interrupt, Progress::detect()).await;
            self.failed |= !fine;
            if fine && !self.interrupt.is_asked() {
                self.tell("[INFO] Complete execution of the SQL update statement.");
            }
        }
        Ok(())
    }

    /// Waits for the jobs of a script, and stops those of a person. False where a job failed.
    pub async fn end(&mut self) -> bool {
        if self.interactive && !self.jobs.running().is_empty() {
            self.interrupt.end();
            self.tell("stopping: rows in flight are written; Ctrl-C ends at once");
            self.jobs.stop_all();
        }
        let fine = self.jobs.wait_all(&self.interrupt, Progress::detect()).await && !self.failed;
        // A person has seen what failed.
        fine || self.interactive
    }
}
