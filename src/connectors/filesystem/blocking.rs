//! The door to file I/O, which blocks and so runs on threads of its own.

use std::path::Path;

use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// Starts `work` on a thread that may block; it runs to its end even if nobody waits for it.
pub fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    tokio::task::spawn_blocking(work)
}

/// Does `work` on a thread that may block.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    start(work).await.map_err(|error| broken(&error))?
}

/// The work panicked, or the program is shutting down.
pub fn broken(error: &tokio::task::JoinError) -> Error {
    Error::internal(format!("reading or writing a file did not come to its end: {error}"))
}

/// As [`io_error`] for a file that is written, with what to do where there is no room for it.
pub fn write_error(path: &Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let is_full = matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge);
    let error = io_error("write", path, error);
    match is_full {
        true => error.with_hint(
            "Make room on the disk and start the job again. Unfinished files are removed: no half row is left behind.",
        ),
        false => error,
    }
}

/// `cannot read "data/a.csv": permission denied`
pub fn io_error(what: &str, path: &Path, error: std::io::Error) -> Error {
    let why = error.to_string();
    let why = why.split(" (os error").next().unwrap_or(&why).to_lowercase();
    Error::external(format!("cannot {what} \"{}\": {why}", super::location::shown(path))).with_source(error)
}
