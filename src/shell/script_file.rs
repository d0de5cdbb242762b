//! A file of statements.

use std::path::Path;

use crate::error::{Error, Result, did_you_mean};
use crate::span::SourceText;

/// Reads a file of statements.
///
/// # Errors
/// A file that can't be read, with one that was probably meant, or that is not UTF-8, with the place.
pub fn read_script(path: &Path) -> Result<SourceText> {
    let bytes = std::fs::read(path).map_err(|e| {
        let error = Error::statement(format!("cannot read \"{}\": {}", path.display(), plain(&e)));
        match nearest_file(path) {
            Some(hint) if e.kind() == std::io::ErrorKind::NotFound => error.with_hint(hint),
            _ => error,
        }
    })?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&e.as_bytes()[..at]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        let place = format!("line {line}, column {column} (byte {at})");
        Error::statement(format!("\"{}\" is not UTF-8: {place} is wrong", path.display()))
            .with_hint("Save it as UTF-8.")
    })?;
    Ok(SourceText::new(path.display().to_string(), text))
}

fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_string(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_string(),
        _ => error.to_string(),
    }
}

fn nearest_file(path: &std::path::Path) -> Option<String> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let names: Vec<String> =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    did_you_mean(path.file_name()?.to_str()?, names.iter().map(String::as_str))
}
