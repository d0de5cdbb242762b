//! Where a table's files are: what `'path' = '…'` says.

use std::path::{Path, PathBuf};

use crate::error::{Error, nearest};

/// The absolute path that an option means: `data/a.csv` (from the working directory), `/data`, `file:///data`.
pub fn parse(text: &str) -> Result<PathBuf, String> {
    let text = text.trim();
    let local = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => {
            if !scheme.eq_ignore_ascii_case("file") {
                return Err(format!("file system '{scheme}' is not supported; only local files are"));
            }
            match rest.strip_prefix("//") {
                Some(rest) if rest.starts_with('/') => rest,
                Some(rest) => {
                    let host = rest.split('/').next().unwrap_or(rest);
                    return Err(format!("'{host}' stands where a host would; write 'file:///folder' or a plain path"));
                }
                None => rest,
            }
        }
        _ => text,
    };
    std::path::absolute(local).map_err(|error| format!("'{text}' is no path: {error}"))
}

/// True for `file`, `s3`, `hdfs`; one letter is a drive.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// The path as people know it: from the working directory where it is in there.
pub fn shown(path: &Path) -> String {
    let short = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    short.filter(|s| !s.as_os_str().is_empty()).as_deref().unwrap_or(path).display().to_string()
}

/// "no such file or folder", with the nearest name that is there.
pub fn missing(path: &Path) -> Error {
    let error = Error::external(format!("no such file or folder: \"{}\"", shown(path)));
    let Some(parent) = path.ancestors().skip(1).find(|p| p.exists()) else {
        return error;
    };
    // The first part of the path that is not there.
    let wrong = path.strip_prefix(parent).ok().and_then(|rest| rest.components().next());
    let wrong = wrong.map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
    let names: Vec<String> = std::fs::read_dir(parent)
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    match nearest(&wrong, names.iter().map(String::as_str)) {
        Some(name) => error.with_hint(format!("Did you mean \"{}\"?", shown(&parent.join(name)))),
        None => error.with_hint("Relative paths start at the working directory."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_file_uris_name_local_files() {
        let here = std::env::current_dir().unwrap();
        for (text, expected) in [
            ("/data/in", PathBuf::from("/data/in")),
            ("file:///data/in", PathBuf::from("/data/in")),
            ("file:/data/in", PathBuf::from("/data/in")),
            ("data/in", here.join("data/in")),
            ("./data", here.join("data")),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn other_file_systems_are_refused() {
        assert!(parse("s3://bucket/x").unwrap_err().contains("file system 's3' is not supported"));
        assert!(parse("file://data/in").unwrap_err().contains("'data' stands where a host would"));
    }

    #[test]
    fn a_missing_file_names_the_nearest_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thresholds.csv"), "").unwrap();
        let error = missing(&folder.path().join("threshold.csv"));
        assert!(error.message().starts_with("no such file or folder: "), "{error}");
        assert!(error.hint().unwrap().ends_with("thresholds.csv\"?"), "{error}");
        let error = missing(&folder.path().join("elsewhere/x.csv"));
        assert_eq!(error.hint(), Some("Relative paths start at the working directory."));
    }
}
