//! `millstream check`: everything parsed, bound and planned, no service touched.

use std::collections::HashSet;

use super::cascade::Cascade;
use super::script::Script;
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
    let mut report = Report::new(args.strict, args.portable);
    report.notices(session.take_notices(), None);
    for (statement, text) in script.statements() {
        match statement.parsed.and_then(|s| session.check_statement(&s, text)) {
            Ok(()) => report.statements += 1,
            Err(error) => report.wrong(statement.declares, error),
        }
        report.notices(session.take_notices(), Some(text));
    }
    if args.portable {
        report.portability(&session);
    }
    report.end()
}

struct Report {
    strict: bool,
    portable: bool,
    /// What is not portable.
    differences: usize,
    cascade: Cascade,
    statements: usize,
    errors: usize,
    warnings: usize,
    /// Errors that were shown: a table that is wrong is wrong for everyone who reads it, and told of once.
    shown: HashSet<String>,
}

impl Report {
    fn new(strict: bool, portable: bool) -> Self {
        Self {
            strict,
            portable,
            differences: 0,
            cascade: Cascade::default(),
            statements: 0,
            errors: 0,
            warnings: 0,
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
            self.errors += 1;
            console::error(error);
        }
    }

    fn notices(&mut self, notices: Vec<Notice>, text: Option<&SourceText>) {
        for notice in notices {
            match notice.kind {
                NoticeKind::Warning if self.strict => self.error(&notice.as_error(text)),
                NoticeKind::Warning => {
                    self.warnings += 1;
                    console::notice(notice.kind.label(), &notice.as_error(text));
                }
                NoticeKind::WithoutEffect => console::notice(notice.kind.label(), &notice.as_error(text)),
                NoticeKind::Portability if self.portable => {
                    self.differences += 1;
                    console::notice(notice.kind.label(), &notice.as_error(text));
                }
                NoticeKind::Portability | NoticeKind::Said | NoticeKind::Warned => {}
            }
        }
    }

    fn portability(&mut self, session: &Session) {
        self.notices(session.portability(), None);
        let found = match self.differences {
            0 => "no difference".to_string(),
            1 => "1 difference".to_string(),
            n => format!("{n} differences"),
        };
        let checked =
            "table options, settings, hints, reads and lookups were compared, functions and expressions were not";
        let wrong = if self.errors > 0 { ", and statements with errors were not" } else { "" };
        let line = format!("portable: {found} from Flink 2.2 found: {checked}{wrong}");
        console::say(Line::info("millstream", line).with("differences", self.differences));
    }

    fn end(self) -> Exit {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let mut line = format!("{} fine", count(self.statements, "statement"));
        if self.errors > 0 {
            line += &format!(", {}", count(self.errors, "error"));
        }
        if self.warnings > 0 {
            line += &format!(", {}", count(self.warnings, "warning"));
        }
        self.cascade.lines().into_iter().for_each(|line| console::say(Line::info("millstream", line)));
        let line = Line::info("millstream", line).with("statements", self.statements);
        console::say(line.with("errors", self.errors).with("warnings", self.warnings));
        if self.errors > 0 { Exit::Wrong } else { Exit::Fine }
    }
}
