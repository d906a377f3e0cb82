//! Mistakes in a file: where they are, what they are, and what was probably meant.
//!
//! It must not know what can be wrong.

use std::fmt;

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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{line}:{column}: {}", self.message)?;
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        place: Place,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.0.push(Problem {
            place,
            severity,
            message: message.into(),
            hint,
        });
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

    /// Ordered by place.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.0.sort();
        self.0
    }
}

/// The word that was probably meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance =
        |it: &&str| strsim::damerau_levenshtein(&word.to_lowercase(), &it.to_lowercase());
    let near = known.into_iter().min_by_key(distance)?;
    (distance(&near) <= near.len().div_ceil(3)).then_some(near)
}
