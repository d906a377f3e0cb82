//! Patterns over values, with globs and templates.
//!
//! A value that comes out of a cluster is data: it is matched literally, never as a glob and never expanded again.

mod cover;
mod parse;

use std::{borrow::Cow, fmt};

use super::attributes::{Attribute, Attributes, canonical};
pub use parse::{
    CLUSTER, CLUSTER_TAGS, LOOKALIKES, Mistake, NOT_IN_TAG_NAMES, PatternError, is_tag_name,
};

/// A pattern over a value: text, `*`, and templates such as `${cluster.tags.<name>}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    /// What stands between the stars, before the first and behind the last: one piece where there is no star.
    pieces: Vec<Vec<Part>>,
    is_template: bool,
    ignores_case: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Template(Template),
}

/// A value of the cluster, and what stands in for one that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Template {
    value: ClusterValue,
    default: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ClusterValue {
    Tag(String),
    Attribute(Attribute),
}

/// Which values a pattern can match for one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnlyValue<'a> {
    /// None: it takes a value that the cluster does not have.
    Nothing,
    /// This one.
    One(Cow<'a, str>),
    /// Any that fit a glob.
    Many,
}

impl Pattern {
    /// The same pattern over an attribute: attributes ignore case and blanks, as ARM does.
    #[must_use]
    pub fn over_attribute(mut self) -> Self {
        self.ignores_case = true;
        for part in self.pieces.iter_mut().flatten() {
            if let Part::Text(text) = part {
                *text = canonical(text).into_owned();
            }
        }
        self
    }

    /// Does the pattern take values from the cluster?
    pub fn is_template(&self) -> bool {
        self.is_template
    }

    /// The tags that a cluster must have for the pattern to match anything.
    pub fn needed_tags(&self) -> impl Iterator<Item = &str> {
        self.parts().filter_map(|part| match part {
            Part::Template(Template {
                value: ClusterValue::Tag(name),
                default: None,
            }) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Has the cluster every value that the pattern takes?
    ///
    /// A missing or empty tag takes the template's default; without one the pattern says nothing about any value.
    pub fn is_defined(&self, cluster: &Attributes<'_>) -> bool {
        !self.is_template || self.parts().all(|it| it.text(cluster).is_some())
    }

    /// Does the value match, templates taking their values from `cluster`?
    pub fn matches(&self, value: &str, cluster: &Attributes<'_>) -> bool {
        self.is_defined(cluster) && self.globs(value, |piece| self.text(piece, cluster))
    }

    /// Does the value match, `text` telling the text of each piece?
    fn globs<'a>(&'a self, value: &str, text: impl Fn(&'a [Part]) -> Cow<'a, str>) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.iter().any(|only| *text(only) == *value);
        };
        let Some(mut rest) = value.strip_prefix(&*text(first)) else {
            return false;
        };
        // The leftmost place for each text is as good as any later one.
        for piece in middle {
            match rest.split_once(&*text(piece)) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(&*text(last))
    }

    /// The only value that can match, where there is just one: with it a vault is found without a search.
    pub fn only_value<'a>(&'a self, cluster: &'a Attributes<'a>) -> OnlyValue<'a> {
        match self.pieces.as_slice() {
            _ if !self.is_defined(cluster) => OnlyValue::Nothing,
            [only] => OnlyValue::One(self.text(only, cluster)),
            _ => OnlyValue::Many,
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.pieces.iter().flatten()
    }

    /// The text of a piece whose values are all there.
    fn text<'a>(&'a self, piece: &'a [Part], cluster: &'a Attributes<'a>) -> Cow<'a, str> {
        let text = |part: &'a Part| match (part, part.text(cluster).unwrap_or_default()) {
            (Part::Template(_), Cow::Borrowed(text)) if self.ignores_case => canonical(text),
            (_, text) => text,
        };
        match piece {
            [] => Cow::Borrowed(""),
            [only] => text(only),
            several => Cow::Owned(several.iter().map(text).collect()),
        }
    }
}

impl Part {
    fn text<'a>(&'a self, cluster: &'a Attributes<'a>) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Template(Template { value, default }) => match value {
                ClusterValue::Tag(name) => cluster
                    .tag(name)
                    .filter(|value| !value.is_empty())
                    .map(Cow::Borrowed),
                ClusterValue::Attribute(attribute) => cluster.attribute(*attribute),
            }
            .or(default.as_deref().map(Cow::Borrowed)),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests;
