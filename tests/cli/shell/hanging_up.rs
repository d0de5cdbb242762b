//! A terminal that is closed while a shell is in it.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::jobs::tables;
use crate::millstream::root;

/// Nothing takes so long.
const GIVE_UP: Duration = Duration::from_secs(60);

/// What is typed, and what is waited for then.
type Typed<'a> = &'a [(&'a str, &'a str)];

/// Types, closes the terminal and waits for the end of the shell.
fn hang_up(term: &str, typed: Typed) {
    let home = tempfile::tempdir().expect("a folder");
    let pair = native_pty_system().openpty(PtySize { rows: 30, cols: 100, ..PtySize::default() }).expect("a terminal");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(["sql", "--set", "parallelism.default=1", "--history", "/dev/null"]);
    command.cwd(root());
    command.env("HOME", home.path());
    command.env("TERM", term);
    let mut child = pair.slave.spawn_command(command).expect("the binary was built for this test");
    let shell = child.process_id().expect("it runs");
    drop(pair.slave);
    // What does not come is waited for no longer than that: the shell is ended, and so is its output.
    let (done, watched) = mpsc::channel::<()>();
    let mut killer = child.clone_killer();
    #[allow(clippy::disallowed_methods)] // a thread of the test, which ends with it
    std::thread::spawn(move || {
        if watched.recv_timeout(GIVE_UP) == Err(mpsc::RecvTimeoutError::Timeout) {
            // It may have ended.
            let _ = killer.kill();
        }
    });
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let mut keys = pair.master.take_writer().expect("a writer");
    let mut until = |text: &str, keys: &mut dyn Write| {
        let mut seen = String::new();
        let mut bytes = [0; 4096];
        while !seen.contains(text) {
            let read = reader.read(&mut bytes).unwrap_or(0);
            assert!(read > 0, "the shell is gone, and {text:?} did not come: {seen}");
            let new = String::from_utf8_lossy(&bytes[..read]);
            // It asks where the cursor is.
            for _ in new.matches("\x1b[6n") {
                keys.write_all(b"\x1b[1;1R").and_then(|()| keys.flush()).expect("the terminal takes keys");
            }
            seen += &new;
        }
    };
    until("millstream", &mut keys);
    for (text, awaited) in typed {
        keys.write_all(text.as_bytes()).and_then(|()| keys.flush()).expect("the terminal takes keys");
        until(awaited, &mut keys);
    }
    // All ends of the terminal are closed.
    drop((until, keys, pair.master));
    drop(reader);
    let status = child.wait().expect("a child can be waited for");
    assert!(status.success(), "{term}: {typed:?}: {status:?}");
    drop(done);
    // It led a group of processes: nobody is left in it.
    let left = Command::new("kill").args(["-0", "--", &format!("-{shell}")]).output().expect("kill is there");
    assert!(!left.status.success(), "{term}: {typed:?}: a process is left");
}

#[test]
fn a_terminal_that_is_closed_ends_the_shell_and_its_jobs() {
    let tables = format!("{}\r", tables(0).replace('\n', " "));
    let job = ("INSERT INTO nowhere SELECT n FROM s;\r", "Job ID: ");
    let declared = (tables.as_str(), "[INFO] Execute statement succeeded.");
    for term in ["xterm-256color", "dumb"] {
        hang_up(term, &[]);
        hang_up(term, &[declared, job]);
        hang_up(term, &[declared, job, ("SELECT 'half a statement", "statement")]);
        hang_up(term, &[declared, job, ("SELECT n FROM s;\r", "| +I |")]);
    }
    let table = ("SET 'sql-client.execution.result-mode' = 'table';\r", "succeeded.");
    hang_up("xterm-256color", &[declared, job, table, ("SELECT n FROM s;\r", "Q Quit")]);
    // A key that is pressed before the prompt is there is another's.
    let prompt = (job.0, "1 job");
    hang_up("xterm-256color", &[declared, prompt, ("\x04", "Stop and leave?")]);
}
