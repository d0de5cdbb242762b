//! Operator scripts: a query, what comes into it and what comes out, as text, in `tests/operators/`.
//!
//! ```text
//! -- What this is about.
//! CREATE TABLE usage (host STRING, v INT) WITH ('connector' = 'datagen');
//! SELECT host, SUM(v) FROM usage GROUP BY host
//! ----
//! > +I doc, 10
//! > +I doc, 5
//! < +I doc, 10
//! < -U doc, 10
//! < +U doc, 15
//! ```
//!
//! The query is planned as any other; its operators are driven by hand, without tasks. What stands above `----` is SQL;
//! below it every line is an event, and `<` lines are what it gives (`UPDATE_EXPECT=1` writes them):
//!
//! - `> +I doc, 10`: a row, all columns of the table as declared. Rows in a run are one batch; a blank line parts
//!   batches. `> t: +I …` where the query reads several tables. A time of day is one of 1970-01-01; text with a comma is
//!   quoted.
//! - `watermark 12:00:29.999`, `idle`: of all tables, or `t: watermark …` of one.
//! - `time 12:01:00`: processing time, which stands still in between; it begins with 00:00:00.
//! - `barrier 1`, `end` (of the data), `stop`.
//! - `restart`: a checkpoint in memory, and new operators that take it back.
//! - `late`: how many rows were late so far.
//!
//! Every script runs twice: straight; and row by row with a restart behind every event. Both give the same. Batches stay
//! whole where their net changes are told, and where a barrier itself changes what comes (it ends a mini-batch) a script
//! restarts only where it says so.
//!
//! Then once more, restarted behind every event with another number of subtasks behind each exchange by key: what is left
//! when all changes are applied is the same.

mod machine;
mod rows;
mod text;

use std::path::{Path, PathBuf};

use self::machine::{Machine, Restarts};
pub use self::rows::{instant_text, lines};
use self::text::{Event, Script};
use crate::error::ErrorKind;

/// What the events of a script give, each with its lines.
async fn run(script: &Script, restarts: bool) -> Vec<Vec<String>> {
    let mut machine = Machine::of(&script.sql).await;
    let (mut told, places) = (Vec::new(), machine.restarts());
    let restarts = restarts && places != Restarts::Nowhere;
    for step in &script.steps {
        match &step.event {
            Event::Rows(rows) if restarts && places == Restarts::BehindRows => {
                for row in rows {
                    machine.apply(&Event::Rows(vec![row.clone()])).await;
                    machine.apply(&Event::Restart).await;
                }
            }
            event => machine.apply(event).await,
        }
        if restarts && machine.runs() {
            machine.apply(&Event::Restart).await;
        }
        told.push(machine.take_told());
    }
    told
}

/// How many subtasks there are behind one restart and the next.
const WIDTHS: [usize; 6] = [3, 2, 5, 1, 7, 4];

/// What is left when the changes are applied, with other numbers of subtasks behind every event; straight: one.
async fn left(script: &Script, rescales: bool) -> Vec<String> {
    let mut machine = Machine::of(&script.sql).await;
    let rows_part = machine.restarts() == Restarts::BehindRows;
    let mut widths = WIDTHS.iter().cycle();
    for step in &script.steps {
        let events = match &step.event {
            Event::Rows(rows) if rescales && rows_part => {
                rows.iter().map(|row| Event::Rows(vec![row.clone()])).collect()
            }
            Event::Restart => Vec::new(),
            event => vec![event.clone()],
        };
        for event in events {
            machine.apply(&event).await;
            if rescales && machine.runs() {
                machine.restart(*widths.next().unwrap()).await;
            }
        }
    }
    machine.left.iter().map(|(key, (row, count))| format!("{count} x {key} {row}")).collect()
}

#[tokio::test]
async fn operators_leave_the_same_at_every_parallelism() {
    let (mut wrong, mut same) = (Vec::new(), 0);
    for path in scripts() {
        let script = Script::parse(&std::fs::read_to_string(&path).expect("a script"));
        if Machine::of(&script.sql).await.restarts() == Restarts::Nowhere {
            continue;
        }
        let (one, many) = (left(&script, false).await, left(&script, true).await);
        match one == many {
            true => same += 1,
            false => wrong.push(format!("{}: it leaves\n{many:#?}instead of\n{one:#?}", path.display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(same >= 30, "only {same} scripts are restarted");
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operators");
    let entries = std::fs::read_dir(folder).expect("the folder of scripts");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "script"));
    paths.sort();
    paths
}

#[tokio::test]
async fn operators_give_what_their_scripts_say() {
    let (paths, mut wrong) = (scripts(), Vec::new());
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("a script");
        let script = Script::parse(&text);
        let straight = script.with_told(&run(&script, false).await);
        if straight != text && std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, &straight).expect("the script can be written");
        } else if straight != text {
            wrong.push(format!("{}: straight it gives\n{straight}", path.display()));
        }
        let restarted = script.with_told(&run(&script, true).await);
        if restarted != straight {
            wrong.push(format!("{}: with restarts it gives\n{restarted}instead of\n{straight}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(paths.len() >= 30, "scripts are gone");
}

#[tokio::test]
async fn state_of_other_queries_is_refused() {
    let (mut machines, mut states) = (Vec::new(), Vec::new());
    for path in scripts() {
        let script = Script::parse(&std::fs::read_to_string(&path).expect("a script"));
        let mut machine = Machine::of(&script.sql).await;
        for step in script.steps.iter().take(2) {
            machine.apply(&step.event).await;
        }
        states.push((path, machine.states().await));
        machines.push(machine);
    }
    let mut refused = 0;
    for ((path, _), machine) in states.iter().zip(&mut machines) {
        for (from, states) in &states {
            for error in machine.offer(states).await {
                assert_eq!(error.kind(), ErrorKind::State, "{} for {}: {error}", from.display(), path.display());
                refused += 1;
            }
        }
    }
    assert!(refused > states.len() * states.len() / 2, "{refused} of {} scripts", states.len());
}

#[tokio::test]
async fn keys_whose_rows_are_all_late_are_not_kept() {
    let sessions = "TABLE(SESSION(TABLE usage PARTITION BY id, DESCRIPTOR(ts), INTERVAL '10' SECOND))";
    for query in [
        format!("SELECT id, COUNT(*) FROM {sessions} GROUP BY window_start, window_end, id"),
        format!("SELECT id, window_end FROM {sessions}"),
    ] {
        let mut script = "CREATE TABLE usage (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH \
                          ('connector' = 'datagen');\n"
            .to_string();
        script.push_str(&format!("{query}\n----\nwatermark 12:00:00\n"));
        (0..500).for_each(|id| script.push_str(&format!("> +I {id}, 11:00:00\n\n")));
        let script = Script::parse(&script);
        let mut machine = Machine::of(&script.sql).await;
        let mut held = Vec::new();
        for step in &script.steps {
            machine.apply(&step.event).await;
            held.push(machine.held());
        }
        assert_eq!(held.get(10), held.last(), "{query}");
    }
}
