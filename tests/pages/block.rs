//! What becomes of a fenced block, by its info string.
//!
//! | Info | In a test |
//! | --- | --- |
//! | `sql` | checked behind the `sql` blocks of the page before it; `sql fresh` forgets those |
//! | `sql run` | run to its end behind them; a `text` block below is what it prints |
//! | `sql error` | refused; a `text` block below is what `check` says |
//! | `sql services` | run on the real services, with a `millstream.toml` for them |
//! | `sh` | every command is one that there is: flags, files and make targets |
//! | `sh run`, `sh services` | run in a shell; a `text` block below is what it prints |
//! | `toml` | read as `millstream.toml` |
//! | `json` | read |
//! | `rust` | a doctest of the README |
//! | any with a word of [`EXCEPTIONS`] | not run, and listed |

use super::page::Block;

/// Why a block is not run.
pub const EXCEPTIONS: &[(&str, &str)] = &[
    ("fragment", "a part of a statement"),
    ("picture", "a drawing"),
    ("sample", "rows that are other ones each time"),
    ("foreign", "for another program"),
];

/// What a block is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Check,
    Fresh,
    Run,
    Error,
    Services,
    Commands,
    Shell,
    ShellOnServices,
    Printed,
    Toml,
    Json,
    Rust,
    Exception(&'static str),
}

impl Role {
    /// None for an info string that says nothing a test knows.
    pub fn of(block: &Block) -> Option<Self> {
        let (language, rest) = block.info.split_once(' ').unwrap_or((&block.info, ""));
        if let Some((_, why)) = EXCEPTIONS.iter().find(|(word, _)| *word == rest) {
            return Some(Self::Exception(why));
        }
        Some(match (language, rest) {
            ("sql", "") => Self::Check,
            ("sql", "fresh") => Self::Fresh,
            ("sql", "run") => Self::Run,
            ("sql", "error") => Self::Error,
            ("sql", "services") => Self::Services,
            ("sh", "") => Self::Commands,
            ("sh", "run") => Self::Shell,
            ("sh", "services") => Self::ShellOnServices,
            ("text", "") => Self::Printed,
            ("toml", "") => Self::Toml,
            ("json", "") => Self::Json,
            ("rust", "") => Self::Rust,
            _ => return None,
        })
    }

    /// True where a `text` block may follow that says what it prints.
    pub fn prints(self) -> bool {
        matches!(self, Self::Run | Self::Error | Self::Services | Self::Shell | Self::ShellOnServices)
    }
}
