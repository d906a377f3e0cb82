//! Printing: lines on stdout and stderr, JSON, tables, colours.
//!
//! It must not let anything from outside move the cursor, change colours or begin a line: all of it goes through
//! `plain`.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::escape::{self, is_obeyed};

/// Right as it is.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// To be changed, or to be waited for.
pub(super) const NOTE: Style = AnsiColor::Yellow.on_default();
/// Wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// What a section is about.
pub(super) const HEAD: Style = Style::new().bold();
/// No colour.
pub(super) const PLAIN: Style = Style::new();

/// One line of output, in pieces with a style each.
#[derive(Debug, Default)]
pub(super) struct Line(Vec<(Style, String)>);

impl Line {
    /// A line that begins with this piece.
    pub(super) fn of(style: Style, text: impl Into<String>) -> Self {
        Self(vec![(style, text.into())])
    }

    /// The line with one piece more.
    #[must_use]
    pub(super) fn and(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    fn painted(&self) -> String {
        let piece = |(style, text): &(Style, String)| format!("{style}{}{style:#}", plain(text));
        self.0.iter().map(piece).collect()
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::of(PLAIN, text)
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::of(PLAIN, text)
    }
}

impl From<&String> for Line {
    fn from(text: &String) -> Self {
        Self::of(PLAIN, text)
    }
}

/// Prints a line of output.
pub(super) fn line(text: impl Into<Line>) {
    // Colours go to a terminal alone, and not where NO_COLOR is set.
    write(&mut anstream::stdout(), &text.into());
}

/// Prints an empty line and the head of a section.
pub(super) fn section(title: &str) {
    line("");
    line(Line::of(HEAD, title));
}

/// Prints a text of several lines.
pub(super) fn text(text: &str) {
    text.lines().for_each(line);
}

/// Prints one line on stderr; the host takes the last ones for the reason of a failed start.
pub(super) fn error(text: impl Into<Line>) {
    write(&mut anstream::stderr(), &text.into());
}

/// Prints JSON: what its strings hold of a terminal's language is escaped as JSON does it.
pub(super) fn json(value: &Value) {
    for line in format!("{value:#}").lines() {
        self::line(escape::in_json(line).into_owned());
    }
}

/// The first line that could not be written.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// Prints a script of our own, byte for byte: nothing from outside may be in it.
pub(super) fn script(text: &[u8]) {
    note(io::stdout().write_all(text));
}

fn write(stream: &mut impl Write, line: &Line) {
    note(writeln!(stream, "{}", line.painted()));
}

fn note(written: io::Result<()>) {
    if let Err(error) = written {
        // Whoever closed the other end of the pipe has read enough.
        if error.kind() != io::ErrorKind::BrokenPipe {
            UNWRITTEN.get_or_init(|| error);
        }
    }
}

/// What kept output from being written, such as a full disk.
pub(super) fn failure() -> Option<&'static io::Error> {
    UNWRITTEN.get()
}

/// Tags and names are data from outside: what a terminal would obey is shown instead.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The colour of an outcome's word.
pub(super) fn outcome(word: &str) -> Style {
    match word {
        "bound" => GOOD,
        "exempt" | "gone" => PLAIN,
        "to change" | "waiting" | "planned" => NOTE,
        _ => BAD,
    }
}

/// How many of something, in words.
pub(super) fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        several => format!("{several} {what}s"),
    }
}

/// How many columns a text takes once it is printed.
fn width(text: &str) -> usize {
    plain(text).chars().count()
}

/// Prints lines of cells in columns; the first line holds the headings.
pub(super) fn table<const COLUMNS: usize>(lines: &[[(Style, String); COLUMNS]]) {
    let widest = |column: usize| lines.iter().map(|line| width(&line[column].1)).max();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| widest(column).unwrap_or_default());
    for cells in lines {
        let last = cells.iter().rposition(|(_, text)| !text.is_empty());
        let mut row = Line::default();
        for (at, (style, text)) in cells
            .iter()
            .enumerate()
            .take(last.map_or(0, |index| index + 1))
        {
            row = row.and(*style, text.clone());
            if Some(at) != last {
                row = row.and(PLAIN, " ".repeat(widths[at] - width(text) + 2));
            }
        }
        line(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(
            plain("a\u{1b}[2Jb\rc\u{7f}\nd\u{9b}1m\u{202e}\tä"),
            "a\\u{1b}[2Jb\\rc\\u{7f}\\nd\\u{9b}1m\\u{202e}\\tä"
        );
    }

    #[test]
    fn only_our_own_pieces_are_painted() {
        let line = Line::of(GOOD, "bound\u{1b}[31m").and(PLAIN, " c1");
        assert_eq!(line.painted(), "\u{1b}[32mbound\\u{1b}[31m\u{1b}[0m c1");
    }
}
