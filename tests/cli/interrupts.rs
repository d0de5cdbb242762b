//! Ctrl-C once more: what can't end by itself ends at once.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::millstream::{command, signal};

const ENDLESS: &str = "CREATE TABLE endless (n BIGINT) WITH ('connector' = 'datagen');";

/// A process whose results nobody reads: it is stuck in the middle of writing them.
fn stuck(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    let child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary was built for this test");
    let begun = Instant::now();
    while !writes_into_a_full_pipe(&child) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{arguments:?} does not fill its pipe");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn writes_into_a_full_pipe(child: &Child) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{}/task", child.id())).into_iter().flatten().flatten();
    let waits = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("wchan")).ok());
    waits.into_iter().any(|waits| waits.ends_with("pipe_write"))
}

#[cfg(target_os = "linux")]
#[test]
fn the_second_ctrl_c_ends_at_once_with_status_130() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("job.sql");
    let job = format!(
        "{ENDLESS} CREATE TABLE printed (n BIGINT) WITH ('connector' = 'print'); INSERT INTO printed SELECT n FROM endless;"
    );
    std::fs::write(&file, &job).expect("a job");
    let file = file.to_str().expect("a path that is text");
    let query = format!("{ENDLESS} SELECT n FROM endless;");
    for arguments in [
        ["run", "-e", &job].as_slice(),
        &["run", "-e", &query],
        &["run", file],
        &["sql", "-e", &job],
        &["sql", "-e", &query],
        &["sql", "-f", file],
    ] {
        let mut child = stuck(arguments);
        // One that comes before the last was taken is none.
        let begun = Instant::now();
        let status = loop {
            signal(&child, "INT");
            std::thread::sleep(Duration::from_millis(20));
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{arguments:?} does not end");
        };
        assert_eq!(status.code(), Some(130), "{arguments:?}");
    }
}
