//! Mistakes in a file: where they are, what they are, and what was probably meant.
//!
//! It must not know what can be wrong.

use std::{fmt, ops::Range};

use serde::Serialize;

use super::node::Node;

/// A stretch of one line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The line, the first being 1.
    pub line: usize,
    /// The column in characters, the first being 1.
    pub column: usize,
    /// How many characters, at least 1.
    pub length: usize,
}

impl Place {
    /// One character.
    pub fn at(line: usize, column: usize) -> Self {
        Self {
            line,
            column,
            length: 1,
        }
    }
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used; it probably does not say what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Problem {
    /// The line of the text that it is about, and below it a mark under what is wrong.
    ///
    /// What would take no column or several is shown as a blank, so that the mark stands right.
    pub fn excerpt(&self, text: &str) -> Option<[String; 2]> {
        let Place {
            line,
            column,
            length,
        } = self.place;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line = text.lines().nth(line.checked_sub(1)?)?;
        let blank = |character: char| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        };
        let before = column.saturating_sub(1);
        let rest = line.chars().count().saturating_sub(before);
        let mark = " ".repeat(before) + &"^".repeat(length.min(rest).max(1));
        Some([line.chars().map(blank).collect(), mark])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{line}:{column}: {}", self.message)?;
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// The mistakes found so far, in a text.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    text: String,
    /// Where each line of the text begins, in bytes.
    lines: Vec<usize>,
}

impl Problems {
    /// Tells which text the places are in.
    pub(super) fn are_in(&mut self, text: &str) {
        let behind_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        self.lines = std::iter::once(0).chain(behind_breaks).collect();
        text.clone_into(&mut self.text);
    }

    pub(crate) fn push(
        &mut self,
        severity: Severity,
        place: Place,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let place = self.within_the_text(place);
        // The parser counts the blanks behind a quoted text as a part of it.
        let length = self.spelled(place).trim_end().chars().count().max(1);
        self.found.push(Problem {
            place: Place { length, ..place },
            severity,
            message: message.into(),
            hint,
        });
    }

    /// What is missing behind the last line, or behind the end of one, is shown at its end: the parser also begins a line
    /// at a carriage return alone.
    fn within_the_text(&self, place: Place) -> Place {
        let number = place.line.min(self.lines.len());
        let start = number
            .checked_sub(1)
            .and_then(|index| self.lines.get(index));
        let Some(start) = start else {
            return place;
        };
        let line = self.text[*start..].lines().next().unwrap_or_default();
        let end = line.chars().count() + 1;
        if place.line == number && place.column <= end {
            place
        } else {
            Place::at(number, end)
        }
    }

    pub(crate) fn add(&mut self, place: Place, message: impl Into<String>) {
        self.push(Severity::Error, place, message, None);
    }

    pub(crate) fn at(&mut self, node: Node<'_>, message: String) {
        self.add(node.place(), message);
    }

    pub(crate) fn hinted(&mut self, node: Node<'_>, message: String, hint: impl Into<String>) {
        self.push(Severity::Error, node.place(), message, Some(hint.into()));
    }

    pub(crate) fn warn(&mut self, place: Place, message: String, hint: impl Into<String>) {
        self.push(Severity::Warning, place, message, Some(hint.into()));
    }

    /// Where a part of a node's text stands; the whole node where the file spells the text with escapes.
    pub(crate) fn part(&self, node: Node<'_>, text: &str, part: Range<usize>) -> Place {
        let whole = node.place();
        let spelled = self.spelled(whole).trim_end();
        let quotes = match spelled.strip_suffix(['"', '\'']) {
            Some(quoted) if quoted.get(1..) == Some(text) => 1,
            _ if spelled == text => 0,
            _ => return whole,
        };
        Place {
            column: whole.column + quotes + text[..part.start].chars().count(),
            length: text[part].chars().count(),
            ..whole
        }
    }

    /// What stands there in the file.
    fn spelled(&self, place: Place) -> &str {
        let start = place
            .line
            .checked_sub(1)
            .and_then(|index| self.lines.get(index));
        let line = start.map_or("", |start| &self.text[*start..]);
        let character = |number: usize| {
            line.char_indices()
                .nth(number)
                .map_or(line.len(), |(at, _)| at)
        };
        let from = place.column.saturating_sub(1);
        &line[character(from)..character(from + place.length)]
    }

    /// Ordered by place.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort();
        self.found
    }
}

/// The word that was probably meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance =
        |other: &&str| strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase());
    let near = known.into_iter().min_by_key(distance)?;
    (distance(&near) <= near.len().div_ceil(3)).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, line: usize, column: usize, length: usize, expected: &str) {
        let problem = Problem {
            place: Place {
                line,
                column,
                length,
            },
            severity: Severity::Error,
            message: String::new(),
            hint: None,
        };
        let excerpt = problem.excerpt(text).map(|lines| lines.join("\n"));
        assert_eq!(excerpt.unwrap_or_default(), expected);
    }

    #[test]
    fn what_is_wrong_is_underlined() {
        check("a: 1\nmode: on", 2, 7, 2, "mode: on\n      ^^");
        check("\u{feff}mode: on", 1, 1, 4, "mode: on\n^^^^");
    }

    #[test]
    fn a_tab_is_one_column_and_the_mark_ends_with_its_line() {
        check("\tä: xy", 1, 5, 9, " ä: xy\n    ^^");
        check("\n", 1, 1, 1, "\n^");
        check("a", 2, 1, 1, "");
    }

    #[test]
    fn the_nearest_word_is_one_that_is_near() {
        assert_eq!(nearest("Enforcd", ["enforce", "audit"]), Some("enforce"));
        assert_eq!(nearest("strict", ["enforce", "audit"]), None);
    }
}
