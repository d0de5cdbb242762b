//! `millstream check`: everything parsed, bound and planned, no service touched.

use std::collections::HashSet;

use super::cascade::Cascade;
use super::script::{Script, statements_of};
use super::{CheckArgs, Exit};
use crate::console;
use crate::error::Error;
use crate::log::Line;
use crate::session::{Notice, NoticeKind, Session};
use crate::span::SourceText;

/// Prints every error, and what else there is to say.
pub async fn check(args: CheckArgs) -> Exit {
    let prepared = Script::read(&args.script).and_then(|script| {
        let session = script.session()?.with_state(args.state.planned());
        Ok((script, session))
    });
    let (script, mut session) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            console::error(&error);
            return Exit::Wrong;
        }
    };
    let mut report = Report::new(&args, script.texts.len());
    report.notices(session.take_notices(), None);
    for (at, text) in script.texts.iter().enumerate() {
        if args.each && at > 0 {
            report.end_session(&session);
            session = match script.session() {
                Ok(session) => session.with_state(args.state.planned()),
                Err(error) => {
                    console::error(&error);
                    return Exit::Wrong;
                }
            };
            // What there is to say of --set was said.
            session.take_notices();
        }
        let jobs = session.planned_jobs().len();
        for statement in statements_of(text) {
            match statement.parsed.and_then(|s| session.check_statement(&s, text)) {
                Ok(()) => report.now.statements += 1,
                Err(error) => report.wrong(statement.declares, error),
            }
            report.notices(session.take_notices(), Some(text));
        }
        report.end_text(text, session.planned_jobs().get(jobs..).unwrap_or_default());
    }
    report.end_session(&session);
    report.end()
}

/// What was found.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    statements: usize,
    errors: usize,
    warnings: usize,
    /// Options without effect that were not told of.
    notes: usize,
}

struct Report {
    strict: bool,
    portable: bool,
    verbose: bool,
    /// Files and texts of the command.
    texts: usize,
    /// What is not portable.
    differences: usize,
    cascade: Cascade,
    /// In the text that is read now.
    now: Found,
    all: Found,
    /// Errors that were shown: a table that is wrong is wrong for everyone who reads it, and told of once.
    shown: HashSet<String>,
}

impl Report {
    fn new(args: &CheckArgs, texts: usize) -> Self {
        Self {
            strict: args.strict,
            portable: args.portable,
            verbose: args.verbose,
            texts,
            differences: 0,
            cascade: Cascade::default(),
            now: Found::default(),
            all: Found::default(),
            shown: HashSet::new(),
        }
    }

    /// A statement that failed; not told of where it only needs a table that is wrong itself.
    fn wrong(&mut self, declares: Option<String>, error: Error) {
        for error in self.cascade.left_of(declares, error) {
            self.error(&error);
        }
    }

    fn error(&mut self, error: &Error) {
        if self.shown.insert(error.to_string()) {
            self.now.errors += 1;
            console::error(error);
        }
    }

    fn notices(&mut self, notices: Vec<Notice>, text: Option<&SourceText>) {
        for notice in notices {
            match notice.kind {
                NoticeKind::Warning if self.strict => self.error(&notice.as_error(text)),
                NoticeKind::Warning => {
                    self.now.warnings += 1;
                    console::notice(notice.kind.label(), &notice.as_error(text));
                }
                NoticeKind::WithoutEffect if self.verbose || self.texts == 1 => {
                    console::notice(notice.kind.label(), &notice.as_error(text));
                }
                NoticeKind::WithoutEffect => self.now.notes += 1,
                NoticeKind::Portability if self.portable => {
                    self.differences += 1;
                    console::notice(notice.kind.label(), &notice.as_error(text));
                }
                NoticeKind::Portability | NoticeKind::Said | NoticeKind::Warned => {}
            }
        }
    }

    /// Of several texts each has a line.
    fn end_text(&mut self, text: &SourceText, jobs: &[String]) {
        let found = self.take_now();
        if self.texts > 1 {
            say(format!("{}: {}", text.name, found.told()), found, Some(&text.name));
        }
        if self.verbose {
            jobs.iter().for_each(|job| console::say(Line::info("millstream", format!("  job {job}"))));
        }
    }

    /// What was found since it was asked last, which counts from now on.
    fn take_now(&mut self) -> Found {
        let (found, all) = (std::mem::take(&mut self.now), &mut self.all);
        all.statements += found.statements;
        all.errors += found.errors;
        all.warnings += found.warnings;
        all.notes += found.notes;
        found
    }

    fn end_session(&mut self, session: &Session) {
        let cascade = std::mem::take(&mut self.cascade);
        cascade.lines().into_iter().for_each(|line| console::say(Line::info("millstream", line)));
        if self.portable {
            self.notices(session.portability(), None);
        }
        self.take_now();
    }

    fn portability(&self) {
        let found = match self.differences {
            0 => "no difference".to_string(),
            1 => "1 difference".to_string(),
            n => format!("{n} differences"),
        };
        let checked =
            "table options, settings, hints, reads and lookups were compared, functions and expressions were not";
        let wrong = if self.all.errors > 0 { ", and statements with errors were not" } else { "" };
        let line = format!("portable: {found} from Flink 2.2 found: {checked}{wrong}");
        console::say(Line::info("millstream", line).with("differences", self.differences));
    }

    fn end(self) -> Exit {
        if self.portable {
            self.portability();
        }
        let of = if self.texts > 1 { "in all: " } else { "" };
        say(format!("{of}{}", self.all.told()), self.all, None);
        if self.all.errors > 0 { Exit::Wrong } else { Exit::Fine }
    }
}

impl Found {
    /// `3 statements fine, 1 error`
    fn told(&self) -> String {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let mut line = format!("{} fine", count(self.statements, "statement"));
        for (n, what) in [(self.errors, "error"), (self.warnings, "warning")] {
            line += &if n > 0 { format!(", {}", count(n, what)) } else { String::new() };
        }
        if self.notes > 0 {
            line += &format!(", {} (-v shows them)", count(self.notes, "note"));
        }
        line
    }
}

fn say(line: String, found: Found, file: Option<&str>) {
    let line = Line::info("millstream", line).with("file", file.map(str::to_string));
    let line = line.with("statements", found.statements).with("errors", found.errors);
    console::say(line.with("warnings", found.warnings));
}
