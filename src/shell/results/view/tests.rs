//! Screens as text: what is shown for a state, a size and the keys that were pressed.
//!
//! `screens.expected` has them all; `UPDATE_EXPECT=1` writes it anew. Before each line stands how it is drawn: `#` inverse,
//! `_` underlined, `~` dim, `!` as an alarm; what is bold stands between `*`.

use super::content::Content;
use super::draw::Style;
use super::keys::Key;
use super::state::{Asks, Column, INTERVALS, Over, Progress, View};
use crate::changelog::RowKind::{self, Delete, Insert, UpdateAfter, UpdateBefore};
use crate::shell::results::kept_rows::Bound;
use crate::shell::screen_text::width;

const WIDE: Bound = Bound { rows: usize::MAX, bytes: usize::MAX };

fn column(name: &str, ty: &str) -> Column {
    Column { name: name.into(), ty: ty.into(), right: ty == "BIGINT" }
}

fn table(bound: Bound) -> View {
    let columns = vec![column("host", "STRING"), column("readings", "BIGINT"), column("note", "STRING")];
    let mut view = View::new(columns, Content::table(bound, true), 30);
    view.updated = "12:00:30.500".into();
    view.status = ["in 12 rows/s", "(1,234)", "lag 0", "watermark 2021-10-11 13:05:30.001"].map(String::from).into();
    view
}

fn apply(view: &mut View, kind: RowKind, cells: [&str; 3]) {
    view.received += 1;
    view.content.apply(kind, cells.map(str::to_string).into());
}

fn fill(view: &mut View, numbers: std::ops::RangeInclusive<usize>) {
    for n in numbers {
        apply(view, Insert, [&format!("host-{n}"), &(n * 100).to_string(), "fine"]);
    }
}

fn press(view: &mut View, keys: &[Key]) {
    keys.iter().for_each(|key| assert_ne!(view.press(*key), Asks::Leave, "{key:?}"));
}

fn shown(view: &mut View, columns: usize, lines: usize) -> String {
    let drawn = view.draw(columns, lines);
    assert_eq!(drawn.len(), lines);
    let line = |line: super::draw::Drawn| {
        assert!(width(&line.text) <= columns, "{} columns: {}", width(&line.text), line.text);
        let style = match line.style {
            Style::Plain => ' ',
            Style::Inverse => '#',
            Style::Underlined => '_',
            Style::Dim => '~',
            Style::Alarm => '!',
        };
        let text: String =
            line.pieces().iter().map(|(bold, text)| if *bold { format!("*{text}*") } else { text.clone() }).collect();
        format!("{style}{text}\n").trim_end_matches([' ', '\n']).to_string() + "\n"
    };
    drawn.into_iter().map(line).collect()
}

/// The rows alone, without what is around them.
fn rows(view: &mut View, columns: usize, lines: usize) -> Vec<String> {
    let text = shown(view, columns, lines);
    text.lines().skip(3).take(lines - 4).map(|line| line.trim().to_string()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn screens_are_as_they_were_looked_at() {
    let mut all = String::new();
    let mut add = |name: &str, screen: String| all += &format!("== {name}\n{screen}\n");

    let mut view = table(WIDE);
    add("nothing yet", shown(&mut view, 80, 10));
    fill(&mut view, 1..=3);
    apply(&mut view, Insert, ["日本-4", "7", "tab\there, \u{1b}[31mred, and a note that is too long to show"]);
    apply(&mut view, Insert, ["<NULL>", "<NULL>", "e\u{301}te\u{301}"]);
    add("five rows", shown(&mut view, 80, 10));
    apply(&mut view, UpdateBefore, ["host-2", "200", "fine"]);
    apply(&mut view, UpdateAfter, ["host-2", "201", "changed in place"]);
    apply(&mut view, Delete, ["host-1", "100", "fine"]);
    press(&mut view, &[Key::Down, Key::Down]);
    add("one updated, one deleted, one chosen", shown(&mut view, 80, 10));
    add("40 columns", shown(&mut view, 40, 10));
    press(&mut view, &[Key::Right]);
    add("40 columns, one to the right", shown(&mut view, 40, 10));
    press(&mut view, &[Key::Down, Key::Open]);
    add("an open row in 40 columns", shown(&mut view, 40, 10));
    press(&mut view, &[Key::Down, Key::Down]);
    add("scrolled", shown(&mut view, 40, 10));
    press(&mut view, &[Key::Quit, Key::Help]);
    add("help", shown(&mut view, 80, 20));
    add("help in 40 columns", shown(&mut view, 40, 10));
    press(&mut view, &[Key::Escape, Key::Pause]);
    add("paused", shown(&mut view, 80, 10));
    apply(&mut view, UpdateBefore, ["host-3", "300", "fine"]);
    apply(&mut view, UpdateAfter, ["host-3", "301", "fine"]);
    fill(&mut view, 5..=5);
    add("paused, and rows come", shown(&mut view, 80, 10));
    view.alarm = Some("job \"late\" failed: division by zero".into());
    add("another job fails", shown(&mut view, 80, 10));
    add("another job fails, in 40 columns", shown(&mut view, 40, 10));
    press(&mut view, &[Key::Pause]);
    view.marks.refresh();
    add("going on, with what changed meanwhile", shown(&mut view, 80, 10));
    press(&mut view, &[Key::Right]);
    add("the same in 40 columns, one to the right", shown(&mut view, 40, 10));
    view.marks.refresh();
    add("refreshed again", shown(&mut view, 80, 10));
    press(&mut view, &[Key::Left]);
    view.progress = Progress::Finished;
    fill(&mut view, 10..=30);
    view.draw(80, 10);
    view.marks.refresh();
    add("finished, on a page", shown(&mut view, 80, 10));
    press(&mut view, &[Key::End]);
    add("the last page", shown(&mut view, 80, 10));
    press(&mut view, &[Key::GoTo, Key::Digit('2')]);
    add("a page is typed", shown(&mut view, 80, 10));
    press(&mut view, &[Key::Digit('0'), Key::Enter]);
    add("there is no such page", shown(&mut view, 80, 10));
    for size in [(1, 1), (5, 3), (20, 4), (200, 60)] {
        add(&format!("{} columns, {} lines", size.0, size.1), shown(&mut view, size.0, size.1));
    }

    let mut view = table(Bound { rows: 4, ..WIDE });
    fill(&mut view, 1..=9);
    add("only four rows are kept", shown(&mut view, 100, 10));

    let mut view = table(WIDE);
    view.content = Content::changes();
    view.columns.insert(0, column("op", ""));
    fill(&mut view, 1..=1_003);
    apply(&mut view, UpdateBefore, ["host-2", "200", "fine"]);
    apply(&mut view, UpdateAfter, ["host-2", "201", "fine"]);
    add("the newest changes", shown(&mut view, 100, 10));

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/shell/results/view/screens.expected");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &all).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    let different = expected.lines().zip(all.lines()).find(|(expected, actual)| expected != actual);
    assert!(expected == all, "{different:?}\n{all}");
}

#[test]
fn the_page_of_result_modes_shows_screens_that_there_are() {
    let page = include_str!("../../../../docs/sql/result-modes.md");
    let mut view = table(WIDE);
    fill(&mut view, 1..=5);
    apply(&mut view, UpdateBefore, ["host-2", "200", "fine"]);
    apply(&mut view, UpdateAfter, ["host-2", "201", "changed in place"]);
    apply(&mut view, Delete, ["host-1", "100", "fine"]);
    let documented = |view: &mut View| {
        let screen = shown(view, 80, 8).lines().map(|line| format!("{}\n", &line[1..])).collect::<String>();
        assert!(page.contains(&format!("```text sample\n{screen}```")), "docs/sql/result-modes.md lacks\n{screen}");
    };
    documented(&mut view);
    press(&mut view, &[Key::Pause]);
    apply(&mut view, UpdateBefore, ["host-3", "300", "fine"]);
    apply(&mut view, UpdateAfter, ["host-3", "301", "fine"]);
    fill(&mut view, 6..=6);
    documented(&mut view);
}

#[test]
fn a_service_that_is_away_is_told_of_at_any_width() {
    let mut view = table(WIDE);
    let parts = ["(waiting for PostgreSQL at db:5432: no answer for 5 s)", "in 0 rows/s", "(0)", "watermark -"];
    view.status = parts.map(String::from).into();
    let told = |view: &mut View, columns| shown(view, columns, 10).lines().nth(1).unwrap_or_default().to_string();
    assert_eq!(told(&mut view, 100), format!("~{}", parts.join("  ")));
    assert_eq!(told(&mut view, 70), "~(waiting for PostgreSQL at db:5432: no answer for 5 s)  in 0 rows/s  …");
    assert_eq!(told(&mut view, 40), "~(waiting for PostgreSQL at db:5432: no …");
}

#[test]
fn the_last_rows_are_followed_until_another_page_is_asked_for() {
    let mut view = table(WIDE);
    fill(&mut view, 1..=10);
    let hosts = |view: &mut View| -> Vec<String> {
        rows(view, 80, 7)
            .iter()
            .map(|row| row.split([' ', '#']).find(|word| !word.is_empty()).unwrap().to_string())
            .collect()
    };
    assert_eq!(hosts(&mut view), ["host-8", "host-9", "host-10"]);
    fill(&mut view, 11..=11);
    assert_eq!(hosts(&mut view), ["host-9", "host-10", "host-11"]);
    press(&mut view, &[Key::PageUp]);
    assert_eq!(hosts(&mut view), ["host-6", "host-7", "host-8"]);
    fill(&mut view, 12..=12);
    assert_eq!(hosts(&mut view), ["host-6", "host-7", "host-8"]);
    press(&mut view, &[Key::PageDown, Key::PageDown, Key::PageDown]);
    assert_eq!(hosts(&mut view), ["host-12"]);
    press(&mut view, &[Key::GoTo, Key::Digit('2'), Key::Enter]);
    assert_eq!(hosts(&mut view), ["host-4", "host-5", "host-6"]);
    press(&mut view, &[Key::Home]);
    assert_eq!(hosts(&mut view), ["host-1", "host-2", "host-3"]);
    press(&mut view, &[Key::End]);
    fill(&mut view, 13..=13);
    assert_eq!(hosts(&mut view), ["host-11", "host-12", "host-13"]);
}

#[test]
fn what_is_chosen_stays_when_older_rows_go_and_the_terminal_shrinks() {
    let mut view = table(Bound { rows: 10, ..WIDE });
    fill(&mut view, 1..=10);
    view.draw(80, 9);
    press(&mut view, &[Key::Up, Key::Up]);
    let chosen = |view: &mut View, lines| {
        let text = shown(view, 80, lines);
        text.lines().skip(3).find(|line| line.starts_with('#')).map(|line| line[1..8].trim().to_string())
    };
    assert_eq!(chosen(&mut view, 9).as_deref(), Some("host-9"));
    fill(&mut view, 11..=14);
    assert_eq!(chosen(&mut view, 9).as_deref(), Some("host-9"));
    assert_eq!(chosen(&mut view, 5).as_deref(), Some("host-9"));
    fill(&mut view, 15..=30);
    assert_eq!(chosen(&mut view, 9), None, "it is gone");
}

#[test]
fn the_interval_and_pause_have_ends() {
    let mut view = table(WIDE);
    assert_eq!(INTERVALS[view.interval].0, "1 s");
    press(&mut view, &[Key::Slower; 9]);
    assert_eq!(INTERVALS[view.interval].0, "-");
    press(&mut view, &[Key::Faster; 9]);
    assert_eq!(INTERVALS[view.interval].0, "100 ms");
    press(&mut view, &[Key::Pause]);
    assert_eq!(view.behind(), Some(0));
    press(&mut view, &[Key::Pause]);
    assert_eq!(view.behind(), None);
    press(&mut view, &[Key::Pause]);
    view.progress = Progress::Finished;
    press(&mut view, &[Key::Pause, Key::Pause]);
    assert_eq!(view.behind(), None, "nothing more comes");
}

#[test]
fn a_paused_screen_stands_still_and_a_refreshed_one_shows_what_is_there() {
    let mut view = table(Bound { rows: 5, ..WIDE });
    fill(&mut view, 1..=5);
    let before = rows(&mut view, 80, 10);
    press(&mut view, &[Key::Pause]);
    fill(&mut view, 6..=8);
    apply(&mut view, Delete, ["host-5", "500", "fine"]);
    assert_eq!((rows(&mut view, 80, 10), view.behind()), (before, Some(4)));
    press(&mut view, &[Key::Refresh]);
    let now: Vec<String> = [4, 6, 7, 8].iter().map(|n| format!("host-{n}      {n}00 fine")).collect();
    assert_eq!((rows(&mut view, 80, 10), view.behind()), (now.clone(), Some(0)));
    press(&mut view, &[Key::Pause]);
    assert_eq!((rows(&mut view, 80, 10), view.behind()), (now, None));
}

#[test]
fn what_changed_since_the_last_refresh_is_bold() {
    let mut view = table(WIDE);
    let bold = |view: &mut View| -> Vec<String> {
        view.marks.refresh();
        let drawn = view.draw(80, 9);
        let pieces = drawn.iter().flat_map(|line| line.pieces());
        pieces.filter(|(bold, _)| *bold).map(|(_, text)| text.trim().to_string()).collect()
    };
    assert!(bold(&mut view).is_empty());
    fill(&mut view, 1..=3);
    assert!(bold(&mut view).is_empty(), "the first rows are not compared with nothing");
    apply(&mut view, UpdateBefore, ["host-2", "200", "fine"]);
    apply(&mut view, UpdateAfter, ["host-2", "205", "fine"]);
    assert_eq!(bold(&mut view), ["205"]);
    assert!(bold(&mut view).is_empty());
    apply(&mut view, Delete, ["host-1", "100", "fine"]);
    assert!(bold(&mut view).is_empty(), "rows that moved up have not changed");
    fill(&mut view, 4..=4);
    assert_eq!(bold(&mut view), ["host-4", "400", "fine"]);
    fill(&mut view, 5..=20);
    view.draw(80, 9);
    assert_eq!(bold(&mut view), Vec::<String>::new());
    press(&mut view, &[Key::PageUp]);
    assert!(bold(&mut view).is_empty(), "rows of another page are not new");
    // Rows get other numbers when so many have gone.
    for n in 100..2_000 {
        apply(&mut view, Insert, [&format!("host-{n}"), "1", "fine"]);
        apply(&mut view, Delete, [&format!("host-{n}"), "1", "fine"]);
    }
    assert!(bold(&mut view).is_empty());
}

#[test]
fn q_leaves_what_lies_over_the_rows_first_and_ctrl_c_everything() {
    let mut view = table(WIDE);
    press(&mut view, &[Key::Open, Key::Up, Key::Down, Key::Enter]);
    assert_eq!(view.over, Over::Nothing, "there is no row to open");
    press(&mut view, &[Key::Help, Key::Quit, Key::GoTo, Key::Escape]);
    assert_eq!(view.press(Key::Quit), Asks::Leave);
    press(&mut view, &[Key::Help]);
    assert_eq!(view.press(Key::Interrupt), Asks::Leave);
}

#[test]
fn left_and_right_end_where_the_columns_end() {
    let columns = (1..=12).map(|n| column(&format!("column_number_{n}"), "BIGINT")).collect();
    let mut view = View::new(columns, Content::table(WIDE, false), 30);
    view.content.apply(Insert, (1..=12).map(|n| n.to_string()).collect());
    view.draw(40, 10);
    press(&mut view, &[Key::Right; 50]);
    let text = shown(&mut view, 40, 10);
    assert!(text.contains("column_number_12") && text.contains('‹') && !text.contains('›'), "{text}");
    press(&mut view, &[Key::Left; 50]);
    assert_eq!(view.left, 0);
}
