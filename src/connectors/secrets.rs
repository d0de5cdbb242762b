//! What of options and SQL texts may be shown: the values of options that are no secrets by their names, nor by what
//! their names may be a misspelling of.

use std::ops::Range;
use std::sync::LazyLock;

use super::options::COMMON_OPTIONS;
use super::{all, postgres};
use crate::formats;
use crate::settings;

/// What stands in the place of a value, as in Flink.
const MASK: &str = "******";

/// Words that a key has whose value is a secret, whatever else is known of it.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "jaas",
    "token",
    "credential",
    "private",
    "api-key",
    "api_key",
    "apikey",
    "access.key",
    "access-key",
    "accesskey",
    "keystore.key",
    "ssl.key",
];

/// True for keys whose values must never be shown.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// Words that a key has whose value may be a secret, where nobody knows the key.
const SUSPECT_WORDS: &[&str] = &["pw", "psw", "pass", "auth", "cred", "creds", "sasl", "login", "pin", "cert"];

/// True for keys whose values may be shown: options that some connector, a format or the session has, secrets not among
/// them; and others, unless they are near the name of a secret: a key that nobody knows may be a misspelled `password`.
fn is_shown(key: &str) -> bool {
    !is_secret(key) && (is_known(key) || !key.is_empty() && !is_near_secret(key))
}

/// True for options that some connector, a format or the session has, secrets not among them.
fn is_known(key: &str) -> bool {
    COMMON_OPTIONS.iter().any(|spec| spec.matches(key) && !spec.secret)
        || all().iter().any(|connector| connector.shows(key))
        || is_format_option(key)
        || settings::is_known(key)
}

/// True for keys that with a few letters changed would be those of secrets.
fn is_near_secret(key: &str) -> bool {
    let is_near = |part: &str| {
        SUSPECT_WORDS.contains(&part)
            || SECRET_WORDS.iter().any(|word| word.len() > 4 && strsim::damerau_levenshtein(part, word) <= 2)
    };
    key.to_lowercase().split(['.', '-', '_', '#']).any(is_near)
}

/// `json.ignore-parse-errors`, `key.csv.field-delimiter`
fn is_format_option(key: &str) -> bool {
    let key = key.strip_prefix("key.").or_else(|| key.strip_prefix("value.")).unwrap_or(key);
    let Some((name, rest)) = key.split_once('.') else { return false };
    let format = formats::all().iter().find(|format| format.name() == name);
    format.is_some_and(|format| format.options().iter().any(|spec| spec.matches(rest) && !spec.secret))
}

/// The value as it may be shown: `******` for a secret or what may be one; credentials cut out of URLs.
pub fn redact(key: &str, value: &str) -> String {
    match value.is_empty() || is_shown(key) {
        true => redact_urls(value),
        false => MASK.to_string(),
    }
}

/// The same for an option of the session: the value of a key that nobody knows is shown, too, unless the key looks like
/// that of a secret.
pub fn redact_setting(key: &str, value: &str) -> String {
    match hides_setting(key) {
        true if !value.is_empty() => MASK.to_string(),
        _ => redact_urls(value),
    }
}

/// True for keys of the session that are, or with a few letters changed would be, those of secrets.
pub fn hides_setting(key: &str) -> bool {
    is_secret(key) || !settings::is_known(key) && is_near_secret(key)
}

/// `scheme://user:pass@host` loses `user:pass`, and parameters their values unless they are known to be harmless.
fn redact_urls(value: &str) -> String {
    static PARAMETER: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(r"([?&;])([\w.\-]+)=([^&;]*)").expect("a valid pattern"));
    let value = USER_INFO.replace_all(value, format!("$1{MASK}@"));
    let masked =
        PARAMETER.replace_all(&value, |found: &regex::Captures<'_>| match postgres::shows_parameter(&found[2]) {
            true => found[0].to_string(),
            false => format!("{}{}={MASK}", &found[1], &found[2]),
        });
    masked.into_owned()
}

static USER_INFO: LazyLock<regex::Regex> =
    LazyLock::new(|| regex::Regex::new(r"(://)[^/@\s;,']*:[^@\s;,']*@").expect("a valid pattern"));

/// A SQL text as it may be quoted: values of options that are secrets or may be, and credentials in addresses, are blotted
/// out, each character by a `*`, so that lines and columns stay where they are.
///
/// The text may be broken: an unclosed quote, a missing one, a value without quotes. What looks like a value is hidden
/// then too.
pub fn mask_text(text: &str) -> String {
    let mut hidden = vec![false; text.len()];
    let mut hide = |range: Range<usize>| hidden[range].fill(true);
    for (at, sign) in text.char_indices() {
        match sign {
            '=' if hides_value(&text[..at]) => {
                value_at(text, at + 1, &[' ', '\t', '\r', '\n']).into_iter().for_each(&mut hide);
            }
            // The `=` is missing: 'password' 'x', 'password': 'x'.
            '\'' | '"' => {
                let key = key_before(&text[..at]);
                let between: &[char] = match is_secret(key) {
                    true => &[' ', '\t', '\r', '\n', ':', ','],
                    false => &[' ', '\t', '\r', '\n', ':'],
                };
                let value = value_at(text, at + 1, between).filter(|value| value.start > at + 2);
                let quoted = |value: &Range<usize>| text[..value.start].ends_with(['\'', '"']);
                if !key.is_empty() && !is_shown(key) && !is_of_hint(&text[..at]) {
                    value.filter(quoted).into_iter().for_each(&mut hide);
                }
            }
            _ => {}
        }
    }
    for found in USER_INFO.find_iter(text) {
        hide(found.start() + "://".len()..found.end() - 1);
    }
    let shown = |(at, c): (usize, char)| if hidden[at] && c != '\n' && c != '\r' { '*' } else { c };
    text.char_indices().map(shown).collect()
}

/// True where what stands before a `=` is a key, or a parameter of a URL, whose value may not be shown.
fn hides_value(before: &str) -> bool {
    let key_end = before.trim_end();
    let unquoted = key_end.strip_suffix(['\'', '"']);
    let key = key_before(unquoted.unwrap_or(key_end));
    if is_secret(key) {
        return true;
    }
    if is_of_hint(before) {
        return false;
    }
    if unquoted.is_some_and(|text| is_of_set(text, key)) {
        return hides_setting(key);
    }
    let lead = unquoted.unwrap_or(key_end).strip_suffix(key).and_then(|rest| rest.chars().next_back());
    match lead {
        Some('?' | '&' | ';') if unquoted.is_none() && key_end.len() == before.len() && !key.is_empty() => {
            !postgres::shows_parameter(key)
        }
        Some('\'' | '"') if !key.is_empty() => !is_shown(key),
        _ => unquoted.is_some() && !is_shown(key),
    }
}

/// True for `SET 'key`, which sets an option of the session.
fn is_of_set(text: &str, key: &str) -> bool {
    let head = text.strip_suffix(key).and_then(|head| head.strip_suffix('\'')).map(str::trim_end).unwrap_or_default();
    let word = head.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    word.eq_ignore_ascii_case("SET")
}

/// True inside of a hint that names tables and times, and no option of a connector.
fn is_of_hint(before: &str) -> bool {
    let Some((head, inside)) = before.rsplit_once('(') else { return false };
    let name = key_before(head.trim_end());
    let is_pairs = inside.chars().all(|c| c.is_alphanumeric() || " \t\r\n_.-'=,".contains(c));
    is_pairs && ["STATE_TTL", "LOOKUP"].iter().any(|hint| hint.eq_ignore_ascii_case(name))
}

/// The key that a text ends with.
fn key_before(text: &str) -> &str {
    let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '#');
    &text[text.trim_end_matches(is_key).len()..]
}

/// Where the value stands that begins behind `from` and characters of `between`: what is in quotes, to the closing one
/// or the end of the text, or a word. What sticks to a closing quote belongs to it.
fn value_at(text: &str, from: usize, between: &[char]) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let start = from + rest.len() - rest.trim_start_matches(between).len();
    let value = &text[start..];
    let word = |text: &str| {
        text.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | '&' | '\'' | '"')).unwrap_or(text.len())
    };
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        return Some(start..start + word(value));
    };
    let inside = &value[1..];
    let mut close = inside.len();
    let mut signs = inside.char_indices().peekable();
    while let Some((at, c)) = signs.next() {
        if c == quote && signs.next_if(|(_, next)| *next == quote).is_none() {
            close = at;
            break;
        }
    }
    let behind = inside.get(close + 1..).unwrap_or("");
    let stuck = behind.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')' | '&')).unwrap_or(behind.len());
    let end = match stuck {
        0 => start + 1 + close,
        stuck => start + 2 + close + stuck,
    };
    Some(start + 1..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_what_may_be_one_are_cut_out() {
        for (key, value, shown) in [
            ("password", "x", MASK),
            ("pasword", "x", MASK),
            ("Pass", "x", MASK),
            ("db.pw", "x", MASK),
            ("properties.sasl.pasword", "x", MASK),
            ("properties.ssl.kye-password", "x", MASK),
            ("conector", "kafka", "kafka"),
            ("topc", "orders", "orders"),
            ("scan.startup.mod", "http://u:p@h", "http://******@h"),
            ("properties.sasl.mechanism", "PLAIN", "PLAIN"),
            ("json.ignore-parse-errors", "true", "true"),
            ("key.csv.field-delimiter", ";", ";"),
            ("fields.a.kind", "sequence", "sequence"),
            ("parallelism.default", "3", "3"),
            ("topic", "x", "x"),
            ("topic", "", ""),
            (
                "url",
                "jdbc:postgresql://h/db?user=a&password=b&x=1",
                "jdbc:postgresql://h/db?user=a&password=******&x=******",
            ),
            (
                "url",
                "jdbc:postgresql://h/db?passwrd=b&sslmode=disable",
                "jdbc:postgresql://h/db?passwrd=******&sslmode=disable",
            ),
            ("hosts", "http://u:p@h:9200", "http://******@h:9200"),
        ] {
            assert_eq!(redact(key, value), shown, "{key}");
        }
    }

    #[test]
    fn a_setting_that_nobody_knows_is_shown_unless_it_looks_like_a_secret() {
        for (key, value, shown) in [
            ("pipline.name", "x", "x"),
            ("pipeline.name", "x", "x"),
            ("a.key-of-mine", "http://u:p@h:9200", "http://******@h:9200"),
            ("password", "x", MASK),
            ("s3.secert-key", "x", MASK),
            ("passwrd", "x", MASK),
            ("passwrd", "", ""),
        ] {
            assert_eq!(redact_setting(key, value), shown, "{key}");
        }
    }

    #[test]
    fn quoted_text_shows_no_secret_and_keeps_its_columns() {
        for (text, masked) in [
            ("WITH ('password' = 'ab''c',\n 'topic' = 't')", "WITH ('password' = '*****',\n 'topic' = 't')"),
            ("'url' = 'http://u:p@h'", "'url' = 'http://***@h'"),
            ("'url' = 'jdbc:p://h/d?password=q&user=1'", "'url' = 'jdbc:p://h/d?password=*&user=1'"),
            ("'url' = 'jdbc:p://h/d?passwrd=q&user=1'", "'url' = 'jdbc:p://h/d?passwrd=*&user=1'"),
            ("'pasword'='s3', 'topic'='t'", "'pasword'='**', 'topic'='t'"),
            ("'password'='s3", "'password'='**"),
            ("'password='s3')", "'password='**')"),
            ("password'='s3')", "password'='**')"),
            ("'pasword='s3')", "'pasword='**')"),
            ("'password' = \"s3\")", "'password' = \"**\")"),
            ("'password' = s3)", "'password' = **)"),
            ("'password' 's3')", "'password' '**')"),
            ("'pasword': 's3')", "'pasword': '**')"),
            ("'password', 's3')", "'password', '**')"),
            ("SET password = s3;", "SET password = **;"),
            ("SET 'nobody.knows' = 'it';", "SET 'nobody.knows' = 'it';"),
            ("SET 'my.pasword' = 's3';", "SET 'my.pasword' = '**';"),
            ("set\n'url.of.it' = 'http://u:p@h'", "set\n'url.of.it' = 'http://***@h'"),
            ("ALTER TABLE t SET ('nobody.knows' = 'it')", "ALTER TABLE t SET ('nobody.knows' = 'it')"),
            ("ALTER TABLE t SET ('api-kye' = 'it')", "ALTER TABLE t SET ('api-kye' = 'it')"),
            ("'password' = 'a's3cr3t'b')", "'password' = '***********)"),
            ("'topic' = 'abc, 'password' = 's3'", "'topic' = 'abc, 'password' = '**'"),
            ("'pasword' = 'abc, 'password' = 's3'", "'pasword' = '*************** = '**'"),
            ("'x' = 'two\nlines'", "'x' = 'two\nlines'"),
            ("'pasword' = 'two\nlines'", "'pasword' = '***\n*****'"),
            ("'conector' = 'kafka', 'topc' = 'orders'", "'conector' = 'kafka', 'topc' = 'orders'"),
            ("'' = 's3'", "'' = '**'"),
            ("/*+ STATE_TTL('a' = '1 d', 'b' = 'soon') */", "/*+ STATE_TTL('a' = '1 d', 'b' = 'soon') */"),
            ("/*+ LOOKUP('table' = 'C') */", "/*+ LOOKUP('table' = 'C') */"),
            ("/*+ STATE_TTL('password' = 's3') */", "/*+ STATE_TTL('password' = '**') */"),
            ("/*+ OPTIONS('pasword' = 's3') */", "/*+ OPTIONS('pasword' = '**') */"),
            ("'pasword' = 'STATE_TTL(a = 1)'", "'pasword' = '****************'"),
            ("WHERE name = 'doc' AND 1 = 2", "WHERE name = 'doc' AND 1 = 2"),
            ("SELECT 'a', 'b' FROM t WHERE x >= 'c'", "SELECT 'a', 'b' FROM t WHERE x >= 'c'"),
        ] {
            assert_eq!(mask_text(text), masked);
        }
    }

    #[test]
    fn any_text_can_be_masked() {
        for text in ["=", "'=", "='", "'='", "ü = 'ü", "'ü'='ü'ü", "'", "\"\"=\"\"", "'a' '", "?a=", "'ä' 'ö'", "'p'  "]
        {
            assert_eq!(mask_text(text).chars().count(), text.chars().count());
        }
    }
}
