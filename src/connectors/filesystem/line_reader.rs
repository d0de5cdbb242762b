//! Cuts a file into records: one per line, and in CSV a line feed inside quotes belongs to the cell.

use std::io::{BufRead, ErrorKind, Result};

use crate::connectors::options::RawOptions;

/// Which line feeds don't end a record.
#[derive(Debug, Clone, Copy)]
pub struct Quoting {
    quote: u8,
    /// A quote opens a cell only at the start of a record or behind this.
    delimiter: u8,
    escape: Option<u8>,
}

impl Quoting {
    /// The quoting of a CSV table with these options, which the format has checked.
    pub fn of(quote: u8, options: &RawOptions) -> Self {
        let character = |key| match options.get(key)? {
            "\\t" => Some(b'\t'),
            "\\u0001" => Some(1),
            text => text.bytes().next(),
        };
        let delimiter = character("csv.field-delimiter").unwrap_or(b',');
        Self { quote, delimiter, escape: character("csv.escape-character") }
    }
}

/// Reads records, and knows where in the file it stands.
#[derive(Debug)]
pub struct LineReader<R> {
    input: R,
    quoting: Option<Quoting>,
    offset: u64,
    /// The bytes of the current record, its line feed included.
    record: Vec<u8>,
}

/// Where the scan of a record stands between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    CellStart,
    Plain,
    Quoted,
}

impl<R: BufRead> LineReader<R> {
    /// Reads on from `offset`, where `input` stands.
    pub fn new(input: R, offset: u64, quoting: Option<Quoting>) -> Self {
        Self { input, quoting, offset, record: Vec::new() }
    }

    /// Bytes of the file read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record without its line end; `None` at the end of the file.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        self.record.clear();
        let mut at = At::CellStart;
        loop {
            let start = self.record.len();
            if !append_line(&mut self.input, &mut self.record)? {
                break;
            }
            match &self.quoting {
                Some(quoting) => at = quoting.scan(at, &self.record[start..]),
                None => break,
            }
            if at != At::Quoted {
                break;
            }
        }
        self.offset += self.record.len() as u64;
        if self.record.is_empty() {
            return Ok(None);
        }
        let line = self.record.strip_suffix(b"\n").unwrap_or(&self.record);
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

/// Appends what is left of the line, with its line feed; false at the end of the input. What `read_until` of the standard
/// library does, whose search looks at a word at a time.
fn append_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool> {
    let start = line.len();
    loop {
        let there = match input.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            there => there?,
        };
        let end = memchr::memchr(b'\n', there).map(|at| at + 1);
        let taken = end.unwrap_or(there.len());
        line.extend_from_slice(&there[..taken]);
        input.consume(taken);
        if end.is_some() || taken == 0 {
            return Ok(line.len() > start);
        }
    }
}

impl Quoting {
    /// Follows the quotes through one more line.
    fn scan(&self, mut at: At, line: &[u8]) -> At {
        if at != At::Quoted && memchr::memchr(self.quote, line).is_none() {
            return At::Plain;
        }
        let mut bytes = line.iter().copied();
        while let Some(byte) = bytes.next() {
            at = match at {
                _ if Some(byte) == self.escape && byte != self.quote => {
                    bytes.next();
                    if at == At::Quoted { At::Quoted } else { At::Plain }
                }
                At::CellStart if byte == self.quote => At::Quoted,
                // A doubled quote closes and opens again.
                At::Quoted if byte == self.quote => At::CellStart,
                At::Quoted => At::Quoted,
                _ if byte == self.delimiter => At::CellStart,
                _ => At::Plain,
            };
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str, quoting: Option<Quoting>) -> Vec<String> {
        let mut reader = LineReader::new(text.as_bytes(), 0, quoting);
        let mut records = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            records.push(String::from_utf8(record.to_vec()).unwrap());
        }
        assert_eq!(reader.offset(), text.len() as u64);
        records
    }

    #[test]
    fn a_last_line_without_line_feed_counts_and_crlf_ends_a_line() {
        assert_eq!(records("a\r\nb\n\nc", None), ["a", "b", "", "c"]);
        assert_eq!(records("a\n", None), ["a"]);
        assert_eq!(records("", None), Vec::<String>::new());
    }

    #[test]
    fn a_line_feed_between_quotes_belongs_to_the_cell() {
        let plain = Quoting { quote: b'"', delimiter: b',', escape: None };
        let escaped = Quoting { escape: Some(b'\\'), ..plain };
        for (text, quoting, expected) in [
            ("1,\"a\nb\"\n2,c", plain, vec!["1,\"a\nb\"", "2,c"]),
            ("\"a\"\"\nb\",1\r\n2", plain, vec!["\"a\"\"\nb\",1", "2"]),
            ("5\" disk,x\n6,y", plain, vec!["5\" disk,x", "6,y"]),
            ("\"a\n\n\nb\"", plain, vec!["\"a\n\n\nb\""]),
            ("\"\"\n\"\"", plain, vec!["\"\"", "\"\""]),
            ("1,\"a\\\"\nb\"\n2", escaped, vec!["1,\"a\\\"\nb\"", "2"]),
        ] {
            assert_eq!(records(text, Some(quoting)), expected, "{text:?}");
        }
    }
}
