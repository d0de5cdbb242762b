//! What the jobs of a script are called where people have to tell them apart: short, and no two alike.

use std::path::Path;
use std::sync::Arc;

use crate::session::PlannedJob;
use crate::span::Location;

/// A name has so many characters at most, but for what tells it apart.
const LONGEST: usize = 48;

/// Where the job of a script stands.
#[derive(Debug, Clone)]
pub struct Place {
    pub text: Arc<str>,
    pub at: Location,
}

/// Renames the jobs; those that would be called alike have their place behind the name.
pub fn tell_apart(jobs: &mut [(PlannedJob, Place)]) {
    let named: Vec<(&str, &Place)> = jobs.iter().map(|(job, place)| (&*job.config.name, place)).collect();
    let names = told_apart(&named);
    for ((job, _), name) in jobs.iter_mut().zip(names) {
        job.config.name = name.into();
    }
}

fn told_apart(jobs: &[(&str, &Place)]) -> Vec<String> {
    let texts = |a: &Place| jobs.iter().any(|(_, b)| a.text != b.text);
    let short: Vec<String> = jobs.iter().map(|(name, _)| short(name)).collect();
    let with = |suffix: &dyn Fn(&Place) -> String, names: Vec<String>| -> Vec<String> {
        let alike = |i: usize| names.iter().filter(|name| **name == names[i]).count() > 1;
        let of = |i: usize| if alike(i) { format!("{} ({})", short[i], suffix(jobs[i].1)) } else { names[i].clone() };
        (0..names.len()).map(of).collect()
    };
    let file = |place: &Place| Path::new(&*place.text).file_name().map(|name| name.to_string_lossy().into_owned());
    let line = |place: &Place| match file(place).filter(|_| texts(place)) {
        Some(file) => format!("{file}, line {}", place.at.line),
        None => format!("line {}", place.at.line),
    };
    let exact = |place: &Place| format!("{}, column {}", line(place), place.at.column);
    with(&exact, with(&line, short.clone()))
}

/// Without the catalog that everything is in, and cut.
fn short(name: &str) -> String {
    let name = name.replace("default_catalog.default_database.", "");
    match name.chars().count() > LONGEST {
        true => name.chars().take(LONGEST - 1).chain(['…']).collect(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, line: u32, column: u32) -> Place {
        Place { text: text.into(), at: Location::new(line, column) }
    }

    fn names(jobs: &[(&str, Place)]) -> Vec<String> {
        told_apart(&jobs.iter().map(|(name, place)| (*name, place)).collect::<Vec<_>>())
    }

    #[test]
    fn jobs_of_one_name_have_their_lines() {
        let jobs =
            [("collect", place("a.sql", 3, 1)), ("job", place("a.sql", 5, 1)), ("collect", place("a.sql", 7, 1))];
        assert_eq!(names(&jobs), ["collect (line 3)", "job", "collect (line 7)"]);
        let jobs = [("collect", place("-e", 1, 90)), ("collect", place("-e", 1, 120)), ("collect", place("-e", 2, 1))];
        assert_eq!(names(&jobs), ["collect (line 1, column 90)", "collect (line 1, column 120)", "collect (line 2)"]);
        let jobs = [("collect", place("sql/a.sql", 3, 1)), ("collect", place("sql/b.sql", 3, 1))];
        assert_eq!(names(&jobs), ["collect (a.sql, line 3)", "collect (b.sql, line 3)"]);
    }

    #[test]
    fn a_long_name_is_cut_and_what_is_cut_alike_has_its_line() {
        let full = |last: &str| {
            let tables = ["the_first_table_of_all", "the_second_table_of_all", last];
            format!("insert-into_{}", tables.map(|t| format!("default_catalog.default_database.{t}")).join(","))
        };
        let (one, two) = (full("x"), full("y"));
        assert_eq!(names(&[(&one, place("a.sql", 3, 1))]), ["insert-into_the_first_table_of_all,the_second_t…"]);
        let both = [(one.as_str(), place("a.sql", 3, 1)), (two.as_str(), place("a.sql", 9, 1))];
        let named = names(&both);
        assert_eq!(named[1], "insert-into_the_first_table_of_all,the_second_t… (line 9)");
        assert_ne!(named[0], named[1]);
    }
}
