use super::super::{is_complete, split};
use super::parse;

fn texts(script: &str) -> Vec<&str> {
    split(script).iter().map(|fragment| fragment.text).collect()
}

#[test]
fn semicolons_cut_only_between_statements() {
    for (script, expected) in [
        ("", &[][..]),
        (" ; ;\n; ", &[]),
        ("-- nothing\n/* here; */ // either;", &[]),
        ("a; b", &["a", "b"]),
        ("a;b;", &["a", "b"]),
        ("\u{feff}a;", &["a"]),
        ("SELECT 'x;y''z;' ; b", &["SELECT 'x;y''z;'", "b"]),
        ("SELECT `x;y``z;` ; b", &["SELECT `x;y``z;`", "b"]),
        ("SELECT e'x\\';y' ; b", &["SELECT e'x\\';y'", "b"]),
        ("a -- ;\n b // ;\n c /* ; */ d; e", &["a -- ;\n b // ;\n c /* ; */ d", "e"]),
        ("a /*+ OPTIONS('k'=';') */; b", &["a /*+ OPTIONS('k'=';') */", "b"]),
        ("-- lead\n a -- tail\n; b", &["a", "b"]),
        ("/* a /* not nested */ b; c", &["b", "c"]),
        (
            "EXECUTE STATEMENT SET BEGIN INSERT a; INSERT b; END; c",
            &["EXECUTE STATEMENT SET BEGIN INSERT a; INSERT b; END", "c"],
        ),
        ("begin statement set; insert a;\nend; c", &["begin statement set; insert a;\nend", "c"]),
        (
            "EXPLAIN STATEMENT SET BEGIN INSERT a SELECT CASE WHEN x THEN 1 END; END; c",
            &["EXPLAIN STATEMENT SET BEGIN INSERT a SELECT CASE WHEN x THEN 1 END; END", "c"],
        ),
        ("EXECUTE STATEMENT SET; INSERT a; c", &["EXECUTE STATEMENT SET", "INSERT a", "c"]),
        ("SELECT statement set; c", &["SELECT statement set", "c"]),
    ] {
        assert_eq!(texts(script), expected, "{script}");
    }
}

#[test]
fn spans_are_the_files() {
    let script = "a;\n  bb\n c ; d";
    let spans = split(script).iter().map(|f| (f.span.start.to_string(), f.span.end.to_string())).collect::<Vec<_>>();
    let expected = [("1:1", "1:2"), ("2:3", "3:3"), ("3:6", "3:7")];
    assert_eq!(spans, expected.map(|(start, end)| (start.to_string(), end.to_string())));
    for fragment in split(script) {
        assert_eq!(&script[fragment.offset..][..fragment.text.len()], fragment.text);
    }
}

#[test]
fn a_shell_knows_when_to_read_on() {
    for complete in ["SELECT 1;", "a; b;  -- done\n", "BEGIN STATEMENT SET; INSERT a; END;", "SELECT ';';"] {
        assert!(is_complete(complete), "{complete}");
    }
    for open in ["", "-- x", "SELECT 1", "SELECT ';", "SELECT 1; /* ", "BEGIN STATEMENT SET; INSERT a;", "a; b", ";"] {
        assert!(!is_complete(open), "{open}");
    }
}

#[test]
fn a_broken_statement_leaves_the_others() {
    let outcomes = parse("SELECT 1; SELECT FROM; SELECT 2; CREATE TABEL x; SELECT 3");
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
}

#[test]
fn statements_keep_their_text_and_place() {
    let outcomes = parse("  SELECT 1 -- one\n + 1 ;\nSET");
    let first = outcomes[0].as_ref().unwrap();
    assert_eq!(first.text, "SELECT 1 -- one\n + 1");
    assert_eq!((first.span.start.to_string(), first.span.end.to_string()), ("1:3".into(), "2:5".into()));
    assert_eq!(outcomes[1].as_ref().unwrap().span.start.to_string(), "3:1");
}
