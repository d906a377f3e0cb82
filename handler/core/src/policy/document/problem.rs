//! Mistakes in a policy file: where they are, what they are, and what was probably meant.
//!
//! It must not know what can be wrong.

use std::fmt;

use super::node::Node;

/// A mistake in a policy file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line, the first being 1.
    pub line: usize,
    /// The column in characters, the first being 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, line: usize, column: usize, message: impl Into<String>) {
        self.0.push(Problem {
            line,
            column,
            message: message.into(),
            hint: None,
        });
    }

    pub(super) fn at(&mut self, node: Node<'_>, message: String) {
        let (line, column) = node.place();
        self.add(line, column, message);
    }

    pub(super) fn hinted(&mut self, node: Node<'_>, message: String, hint: impl Into<String>) {
        let (line, column) = node.place();
        self.0.push(Problem {
            line,
            column,
            message,
            hint: Some(hint.into()),
        });
    }

    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.0.sort();
        self.0
    }
}

/// The word that was probably meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |it: &&str| strsim::damerau_levenshtein(&word.to_lowercase(), it);
    let near = known.into_iter().min_by_key(distance)?;
    (distance(&near) <= near.len().div_ceil(3)).then_some(near)
}
