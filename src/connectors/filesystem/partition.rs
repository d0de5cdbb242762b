//! Folders that name the values of partition columns: `country=de/day=2020-01-01`.

use std::path::{Component, Path};

/// The folder of NULL.
pub(super) const DEFAULT_NAME: &str = "__DEFAULT_PARTITION__";

/// Characters that a folder's name can't have, or that mean something in it.
fn is_special(c: char) -> bool {
    c.is_ascii_control() || "\"#%'*/:=?\\{[]^".contains(c)
}

/// `key=value`, special characters as `%2F`.
pub(super) fn folder(key: &str, value: &str) -> String {
    format!("{}={}", escape(key), escape(value))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_special(c) {
            true => out.push_str(&format!("%{:02X}", c as u32)),
            false => out.push(c),
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let code = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
        rest = match code {
            Some(code) => {
                out.push(code as char);
                &after[2..]
            }
            None => {
                out.push('%');
                after
            }
        };
    }
    out + rest
}

/// The value that the folders on the way to `file` give `key`, as text.
pub(super) fn value_in(file: &Path, key: &str) -> Option<String> {
    let folders = file.parent()?.components().rev().filter_map(|component| match component {
        Component::Normal(name) => name.to_str()?.split_once('='),
        _ => None,
    });
    let mut found = folders.filter(|(name, _)| unescape(name) == key);
    found.next().map(|(_, value)| unescape(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_as_flink_names_them() {
        assert_eq!(folder("p", "a/b c=d%é:"), "p=a%2Fb c%3Dd%25é%3A");
        let path = Path::new("/data/p=a%2Fb c%3Dd%25é%3A/q=3/part-0");
        assert_eq!(value_in(path, "p").as_deref(), Some("a/b c=d%é:"));
        assert_eq!(value_in(path, "q").as_deref(), Some("3"));
        assert_eq!(value_in(path, "r"), None);
        assert_eq!(unescape("100%"), "100%");
    }
}
