//! A terminal that shows no keys and gives them one by one; all else, Ctrl-C and Ctrl-S too, means what it did.
//!
//! Raw mode would take the line ends of what is printed and the signals of keys as well, so `stty` sets these two modes
//! alone. Without it the terminal stays as it is.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::console;

/// The modes of before, while the terminal is quiet.
static BEFORE: Mutex<Option<String>> = Mutex::new(None);

/// So often the modes are given back: Ctrl-C may hit who does so.
const TRIES: usize = 3;

/// Keys are shown no more, and come one by one; false where the terminal can't do so.
pub fn begin() -> bool {
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if before.is_none() {
        let modes = stty(&["-g"]).filter(|modes| !modes.is_empty());
        *before = modes.filter(|_| stty(&["-icanon", "-echo", "min", "1", "time", "0"]).is_some());
        console::echoes(before.is_none());
    }
    before.is_some()
}

/// True while keys come one by one.
pub fn is_begun() -> bool {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// The terminal is as it was before. Does nothing where it is.
pub fn end() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(modes) = before {
        let _restored = (0..TRIES).any(|_| stty(&[&modes]).is_some());
        console::echoes(true);
    }
}

/// What `stty` says of the terminal of standard input; none where it fails.
fn stty(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("stty");
    command.args(arguments).stdin(Stdio::inherit()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_string())
}
