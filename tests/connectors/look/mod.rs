//! Statements that look into the services behind the integrations, with all that they print.

mod database;
mod indexes;
mod names;
#[cfg(feature = "tls")]
mod secured;
mod silent;
mod suggestions;
mod topics;

use millstream::catalog::{Config, Substitution};
use millstream::session::Reply;
use millstream::shell::results::{Display, listing_text};
use millstream::{Outcome, Session};

/// A session with an integration per service, each named after it, and what `more` adds to the file.
fn session(more: &str) -> Session {
    let kafka = crate::kafka::broker();
    let config =
        format!("[integrations.kafka]\nconnector = \"kafka\"\n\"properties.bootstrap.servers\" = \"{kafka}\"\n{more}");
    let config = Config::parse("millstream.toml", &config, Substitution::without_variables()).unwrap();
    Session::new().with_integrations(config.integrations)
}

/// What the statements print, as `millstream run` prints it; an error as its text.
async fn printed(session: &mut Session, sql: &str) -> String {
    match session.execute(sql).await {
        Ok(outcomes) => {
            let display = Display::outside(session.settings());
            outcomes.into_iter().map(|outcome| shown(outcome, &display)).collect()
        }
        Err(error) => format!("{error}\n"),
    }
}

fn shown(outcome: Outcome, display: &Display) -> String {
    match outcome {
        Outcome::Listing(listing) => listing_text(&listing, display),
        Outcome::Replies(replies) => {
            let shown = |reply| match reply {
                Reply::Rows(rows) => shown(Outcome::Listing(rows), display),
                Reply::Done(tag) => format!("{tag}\n"),
            };
            replies.into_iter().map(shown).collect()
        }
        Outcome::Text(text) => format!("{text}\n"),
        Outcome::Done => String::new(),
        _ => panic!("no job and no query is expected"),
    }
}

/// Every line of `expected` without what it is indented by in the test.
#[track_caller]
fn assert_printed(printed: &str, expected: &str) {
    let indents = expected.lines().filter(|l| !l.trim().is_empty()).map(|l| l.len() - l.trim_start().len());
    let indent = indents.min().unwrap_or(0);
    let expected: Vec<&str> = expected.lines().map(|l| l.get(indent..).unwrap_or("")).collect();
    let expected = expected.join("\n");
    assert_eq!(printed.trim_end(), expected.trim_end().trim_start_matches('\n'), "\nprinted:\n{printed}");
}
