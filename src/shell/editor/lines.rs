//! Lines of a terminal that doesn't say where its cursor is: its own editing, no history, no completion.

use std::io::{BufRead, Write};
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal;

use super::Read;
use super::prompt::{CONTINUATION, INDICATOR, NAME};
use crate::shell::input::is_complete;
use crate::shell::interrupt::Interrupt;

/// Reads lines until they are an input. What `begun` holds stands before them.
///
/// # Errors
/// Where the terminal is gone.
pub fn read(begun: String, interrupt: &Interrupt) -> std::io::Result<Read> {
    interrupt.clear();
    let mut typed = begun;
    show(&format!("{NAME}{INDICATOR}{}", typed.replace('\n', &format!("\n{CONTINUATION}"))))?;
    loop {
        if typed.ends_with('\n') && is_complete(&typed) {
            typed.truncate(typed.trim_end_matches('\n').len());
            return Ok(Read::Text(typed));
        }
        let mut line = Vec::new();
        let read = std::io::stdin().lock().read_until(b'\n', &mut line)?;
        if interrupt.is_ended() {
            return Ok(Read::End);
        }
        // Ctrl-C throws away what was typed before; the terminal has done so with what stood in the line.
        if interrupt.is_asked() {
            interrupt.clear();
            typed.clear();
        }
        if read == 0 {
            return Ok(Read::End);
        }
        typed += &without_answers(&String::from_utf8_lossy(&line));
        if !typed.ends_with('\n') {
            typed.push('\n');
        }
        if !is_complete(&typed) {
            show(CONTINUATION)?;
        }
    }
}

/// The line without late answers of the terminal: ESC, `[`, row, `;`, column, `R`.
fn without_answers(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut text = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let behind = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        match behind.strip_prefix('R') {
            Some(rest) if behind.len() < part.len() => text += rest,
            _ => text += part,
        }
    }
    text
}

fn show(text: &str) -> std::io::Result<()> {
    let mut terminal = std::io::stderr().lock();
    terminal.write_all(text.as_bytes())?;
    terminal.flush()
}

/// What was typed while the terminal was asked where its cursor is.
///
/// # Errors
/// Where the terminal is gone.
pub fn typed_meanwhile() -> std::io::Result<String> {
    terminal::enable_raw_mode()?;
    let mut typed = String::new();
    while event::poll(Duration::ZERO)? {
        match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => typed.clear(),
                KeyCode::Backspace => _ = typed.pop(),
                _ => push_key(&mut typed, key),
            },
            Event::Paste(text) => typed += &text.replace("\r\n", "\n").replace('\r', "\n"),
            _ => {}
        }
    }
    terminal::disable_raw_mode()?;
    Ok(typed)
}

/// Adds what a key writes, if it writes anything.
pub fn push_key(text: &mut String, key: KeyEvent) {
    match key.code {
        // A line end that came before the keys did one by one.
        KeyCode::Char('j') if key.modifiers.contains(KeyModifiers::CONTROL) => text.push('\n'),
        KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {}
        KeyCode::Char(c) => text.push(c),
        KeyCode::Enter => text.push('\n'),
        KeyCode::Tab => text.push(' '),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::without_answers;

    #[test]
    fn answers_that_come_late_are_no_part_of_a_statement() {
        assert_eq!(without_answers("SEL\x1b[24;13RECT 1;\x1b[1;1R\n"), "SELECT 1;\n");
        assert_eq!(without_answers("SELECT 'R;1';\n"), "SELECT 'R;1';\n");
    }
}
