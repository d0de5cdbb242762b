//! The English names of months, weekdays and eras.

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) const QUARTERS: [&str; 4] = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"];

/// The first three letters, the whole, or the first letter: three, four and five letters in a pattern.
pub(super) fn form(name: &'static str, letters: usize) -> &'static str {
    match letters {
        5 => &name[..1],
        4 => name,
        _ => &name[..3],
    }
}

/// The name that `text` begins with in the given form, its index and its length. Case counts.
pub(super) fn find(text: &str, names: &[&'static str], letters: usize) -> Option<(usize, usize)> {
    let name = |i: usize| form(names[i], letters);
    (0..names.len()).filter(|&i| text.starts_with(name(i))).map(|i| (i, name(i).len())).max_by_key(|(_, len)| *len)
}

/// The one of `names` that `text` begins with, and its length.
pub(super) fn find_exact(text: &str, names: &[&str]) -> Option<(usize, usize)> {
    names.iter().position(|name| text.starts_with(name)).map(|i| (i, names[i].len()))
}

pub(super) fn eras(letters: usize) -> &'static [&'static str] {
    match letters {
        4 => &["Before Christ", "Anno Domini"],
        5 => &["B", "A"],
        _ => &["BC", "AD"],
    }
}

pub(super) fn quarters(letters: usize) -> &'static [&'static str] {
    match letters {
        3 => &["Q1", "Q2", "Q3", "Q4"],
        4 => &QUARTERS,
        _ => &["1", "2", "3", "4"],
    }
}

/// Seconds east of UTC of the zone names that people write most.
pub(super) fn offset_of_abbreviation(name: &str) -> Option<i64> {
    let hours = match name.to_ascii_uppercase().as_str() {
        "UTC" | "GMT" | "WET" => 0,
        "CET" | "BST" | "WEST" => 1,
        "CEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "JST" | "KST" => 9,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    Some(hours * 3600)
}
