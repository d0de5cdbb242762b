//! What statements give, shown where results go now.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use super::Client;
use crate::console;
use crate::error::{Error, Result};
use crate::log::Line;
use crate::session::{Listing, Outcome, Query, Reply};
use crate::shell::command::Expanded;
use crate::shell::rates::{Progress, tell_troubles};
use crate::shell::results::{Display, ResultMode, listing_text, show_query};
use crate::shell::screen_text::plain;

impl Client {
    pub(super) async fn show(&mut self, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Done => self.tell("[INFO] Execute statement succeeded."),
            Outcome::Listing(listing) => self.listing(&listing).await?,
            Outcome::Text(text) => {
                // What comes from a service may hold what a terminal obeys.
                let shown = |line: &str| line.split('\t').map(plain).collect::<Vec<_>>().join("\t");
                let on_terminal = self.manner.interactive && self.output.is_none();
                let line = |line: &str| if on_terminal { shown(line) } else { line.to_string() };
                let lines = text.trim_end().split('\n').map(|text| line(text) + "\n");
                self.page(lines.collect()).await?;
            }
            Outcome::Replies(replies) => {
                for reply in replies {
                    match reply {
                        Reply::Rows(rows) => self.listing(&rows).await?,
                        Reply::Done(tag) => self.done(&tag)?,
                    }
                }
            }
            Outcome::Job(job) => self.start(job).await?,
            Outcome::Query(query) => self.query(query).await?,
        }
        Ok(())
    }

    /// What a database has done. It is no part of results that a program reads.
    fn done(&mut self, tag: &str) -> Result<()> {
        match self.display().mode {
            ResultMode::Csv | ResultMode::Json if self.manner.quiet => {}
            ResultMode::Csv | ResultMode::Json => console::say(Line::info("postgres", tag)),
            _ => self.write(&format!("{tag}\n"))?,
        }
        Ok(())
    }

    async fn query(&mut self, query: Query) -> Result<()> {
        self.begun(&query.job);
        let (name, metrics) = (query.job.name.clone(), query.job.metrics.clone());
        let (display, settings) = (self.display(), self.session.settings());
        // A round of `\watch` has somebody who listens, and so has a screen.
        let keys = if self.watching || display.covers() { None } else { self.listen() };
        let shown = match &mut self.output {
            Some(file) => show_query(query, settings, &display, &self.interrupt, file).await,
            None => show_query(query, settings, &display, &self.interrupt, &mut console::Stream::Stdout).await,
        };
        self.heard(keys);
        shown?;
        if self.progress != Progress::None {
            tell_troubles(&name, &metrics);
        }
        Ok(())
    }

    /// What SHOW, DESCRIBE and the commands list: page by page where it is longer than the screen.
    pub(super) async fn listing(&mut self, listing: &Listing) -> Result<()> {
        let text = listing_text(listing, &self.display());
        self.page(text).await
    }

    /// What describes one table: columns beside each other, whatever `\x` says, as in psql.
    pub(super) async fn table_of(&mut self, listings: impl Iterator<Item = Listing>) -> Result<()> {
        let display = Display { expanded: Expanded::Off, ..self.display() };
        let texts: String = listings.map(|listing| listing_text(&listing, &display)).collect();
        self.page(texts).await
    }

    /// How results are shown now.
    fn display(&self) -> Display {
        let settings = self.session.settings();
        let on_terminal = self.manner.interactive && self.output.is_none();
        let display = if on_terminal { Display::on_terminal(settings) } else { Display::outside(settings) };
        let interactive = display.interactive && !self.watching;
        let live = self.progress == Progress::Live;
        Display { expanded: self.expanded, live, interactive, at_end: self.watching, ..display }
    }

    /// True where a person sees tables, which are to fit their terminal.
    pub(super) fn draws_tables(&self) -> bool {
        let mode = self.display().mode;
        let is_table = matches!(mode, ResultMode::Table | ResultMode::Changelog | ResultMode::Tableau);
        self.manner.interactive && self.output.is_none() && self.expanded != Expanded::On && is_table
    }

    /// `\o`: results go there from now on.
    pub(super) fn redirect(&mut self, file: Option<PathBuf>) -> Result<()> {
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
    pub(super) fn write(&mut self, text: &str) -> Result<()> {
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
}
