//! Rows as CSV by RFC 4180, as `psql --csv` writes it: a header, NULL as nothing, the empty text as `""`.

/// A line of column names.
pub fn header<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    line(names.into_iter().map(Some))
}

/// A line of cells.
pub fn line<'a>(cells: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut line = String::new();
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            line.push(',');
        }
        if let Some(cell) = cell {
            push_cell(cell, &mut line);
        }
    }
    line.push('\n');
    line
}

/// A whole listing.
pub fn listing(names: &[&str], rows: &[Vec<Option<String>>]) -> String {
    let mut text = header(names.iter().copied());
    text.extend(rows.iter().map(|row| line(row.iter().map(Option::as_deref))));
    text
}

/// Quotes what would be read differently otherwise; a line of `\.` alone ends the data of a COPY.
fn push_cell(cell: &str, line: &mut String) {
    let quoted = cell.is_empty() || cell == "\\." || cell.contains([',', '"', '\n', '\r']);
    if !quoted {
        return line.push_str(cell);
    }
    line.push('"');
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let cells = [Some("a"), None, Some(""), Some("x,y"), Some("say \"hi\""), Some("two\nlines"), Some(" spaced ")];
        assert_eq!(line(cells), "a,,\"\",\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\", spaced \n");
        assert_eq!(header(["id", "a, b"]), "id,\"a, b\"\n");
    }
}
