//! `${VAR}` and `${file:path}` in the values of `millstream.toml`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Gives a variable's value, if it is set.
type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where the parts of values come from that the file itself doesn't hold.
#[derive(Clone)]
pub struct Substitution {
    /// What relative paths are relative to.
    folder: PathBuf,
    variable: Arc<Variables>,
}

impl Substitution {
    /// From the process environment, and files relative to `folder`.
    pub fn from_environment(folder: PathBuf) -> Self {
        Self::new(folder, |name| std::env::var(name).ok())
    }

    pub fn new(folder: PathBuf, variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { folder, variable: Arc::new(variable) }
    }

    /// Knows no variable.
    pub fn without_variables() -> Self {
        Self::new(PathBuf::new(), |_| None)
    }

    /// The value with every `${...}` replaced; `$${` stands for `${`. Of a file its line end is left out.
    ///
    /// # Errors
    /// A variable that is not set, a file that can't be read, a `${` without `}`. None holds a value.
    pub fn expand(&self, value: &str) -> Result<String> {
        let mut out = String::with_capacity(value.len());
        let mut rest = value;
        while let Some(start) = rest.find("${") {
            let before = &rest[..start];
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            out.push_str(before);
            let inner = &rest[start + 2..];
            let end = inner.find('}').ok_or_else(|| {
                Error::statement("a \"${\" has no \"}\"").with_hint("Write $${ where the two characters are meant.")
            })?;
            out.push_str(&self.part(inner[..end].trim())?);
            rest = &inner[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn part(&self, name: &str) -> Result<String> {
        let Some(path) = name.strip_prefix("file:") else {
            return (self.variable)(name)
                .ok_or_else(|| Error::statement(format!("the environment variable \"{name}\" is not set")));
        };
        let path = self.folder.join(path.trim());
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Error::statement(format!("cannot read the file \"{}\": {e}", path.display())))?;
        Ok(text.strip_suffix('\n').map(|t| t.strip_suffix('\r').unwrap_or(t)).unwrap_or(&text).to_string())
    }
}

impl std::fmt::Debug for Substitution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Substitution({})", self.folder.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_files_are_put_in() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pg"), "from-file\r\n").unwrap();
        let substitution =
            Substitution::new(folder.path().to_path_buf(), |name| (name == "A").then(|| "x${B}".to_string()));
        for (value, expected) in [
            ("plain $5 } {", "plain $5 } {"),
            ("a${A}b${ A }", "ax${B}bx${B}"),
            ("${file:pg}", "from-file"),
            ("$${A}", "${A}"),
            ("$$${A}", "$${A}"),
        ] {
            assert_eq!(substitution.expand(value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (value, message) in [
            ("secret${NO}", "the environment variable \"NO\" is not set"),
            ("secret${file:/no/such}", "cannot read the file \"/no/such\": No such file or directory (os error 2)"),
            ("secret${A", "a \"${\" has no \"}\""),
        ] {
            assert_eq!(Substitution::without_variables().expand(value).unwrap_err().message(), message);
        }
    }
}
