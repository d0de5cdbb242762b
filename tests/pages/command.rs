//! The commands of a `sh` block, each as words, as a shell would cut them.

/// The commands of a text, without comments, redirections and variables in front.
pub fn commands(text: &str) -> Vec<Vec<String>> {
    text.replace("\\\n", " ").lines().flat_map(cut).filter(|words| !words.is_empty()).collect()
}

/// One line at `&&`, `|` and `;`.
fn cut(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word, mut quote) = (vec![], vec![], None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#', None) if word.is_none() => break,
            ('&' | '|' | ';', None) => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands.into_iter().map(plain).collect()
}

/// Without `NAME=value` in front and without what stands behind `>` or `<`.
fn plain(words: Vec<String>) -> Vec<String> {
    let is_variable = |word: &String| word.split_once('=').is_some_and(|(name, _)| is_name(name));
    let redirection = |word: &String| word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['>', '<']);
    let end = words.iter().position(redirection).unwrap_or(words.len());
    words.into_iter().take(end).skip_while(is_variable).collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
}

/// The same command line as `check`, for one that would run; None where there is nothing to check.
pub fn as_check(words: &[String]) -> Option<Vec<String>> {
    let mut rest = words.iter().map(String::as_str).skip(1);
    let (mut checked, mut flags) = (vec![], vec![]);
    while let Some(word) = rest.next() {
        match word {
            "run" | "explain" | "check" | "bench" if checked.is_empty() => checked.push("check"),
            "completions" | "savepoint" | "checkpoints" if checked.is_empty() => return None,
            "--rows" | "--source" | "--runs" | "--compare" | "--against" => _ = rest.next(),
            "--metrics" | "--name" | "--log-format" | "--memory" | "--state" | "--from" => _ = rest.next(),
            "-q" | "--quiet" | "--trace-startup" | "--fail-fast" | "--portable" | "--strict" | "--fresh" => {}
            word if checked.is_empty() => flags.push(word),
            word => checked.push(word),
        }
    }
    (!checked.is_empty() && flags.is_empty()).then(|| checked.into_iter().map(str::to_string).collect())
}

#[test]
fn commands_are_cut_as_a_shell_cuts_them() {
    let text = "A=b millstream run -e \"SELECT 'x' # y\" > out  # a comment\ncargo build && export P='a b'\nmillstream \\\n  check f\n\n# nothing\n";
    let found = commands(text);
    let expected: [&[&str]; 4] = [
        &["millstream", "run", "-e", "SELECT 'x' # y"],
        &["cargo", "build"],
        &["export", "P=a b"],
        &["millstream", "check", "f"],
    ];
    assert_eq!(found.iter().filter(|c| !c.is_empty()).collect::<Vec<_>>(), expected);
}

#[test]
fn what_runs_is_checked_with_the_same_files() {
    let words = |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
    let line = words("millstream run -q --name j --metrics :9 --state s a.sql --set k=v");
    assert_eq!(as_check(&line), Some(words("check a.sql --set k=v")));
    assert_eq!(as_check(&words("millstream completions bash")), None);
}
