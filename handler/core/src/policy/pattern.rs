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
    pieces: Pieces,
    spelling: Spelling,
}

/// How a value has to be spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// As it stands there: values of tags are told apart by case.
    Exact,
    /// In any case: what is ruled out is ruled out however it is written.
    AnyCase,
    /// In any case and with blanks, as ARM takes the names of places.
    Place,
}

impl Spelling {
    /// The one way in which texts are compared.
    fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Exact => Cow::Borrowed(text),
            Self::AnyCase => Cow::Owned(text.to_lowercase()),
            Self::Place => canonical(text),
        }
    }
}

/// What stands between the stars, before the first and behind the last: one piece where there is no star.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pieces {
    /// The same for every cluster.
    Plain(Vec<String>),
    /// Put together anew for each cluster.
    Template(Vec<Vec<Part>>),
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
pub enum OnlyValue {
    /// None: it takes a value that the cluster does not have.
    Nothing,
    /// This one.
    One(String),
    /// Any that fit a glob.
    Many,
}

impl Pattern {
    /// The same pattern over an attribute: attributes ignore case and blanks, as ARM does.
    #[must_use]
    pub fn over_attribute(self) -> Self {
        self.spelled(Spelling::Place)
    }

    /// The same pattern, that takes a value in whatever case it is written: as a negation has it, so that a slip of the pen
    /// opens no door.
    #[must_use]
    pub fn in_any_case(self) -> Self {
        match self.spelling {
            Spelling::Exact => self.spelled(Spelling::AnyCase),
            Spelling::AnyCase | Spelling::Place => self,
        }
    }

    fn spelled(mut self, spelling: Spelling) -> Self {
        self.spelling = spelling;
        if let Pieces::Plain(texts) = &mut self.pieces {
            for text in texts {
                *text = spelling.of(text).into_owned();
            }
        }
        self
    }

    /// Does the pattern take values from the cluster?
    pub fn is_template(&self) -> bool {
        matches!(self.pieces, Pieces::Template(_))
    }

    /// The tags of the cluster that the pattern takes.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.templates()
            .filter_map(|template| match &template.value {
                ClusterValue::Tag(name) => Some(name.as_str()),
                ClusterValue::Attribute(_) => None,
            })
    }

    /// The tags that a cluster must have for the pattern to match anything.
    pub fn needed_tags(&self) -> impl Iterator<Item = &str> {
        self.templates().filter_map(|template| match template {
            Template {
                value: ClusterValue::Tag(name),
                default: None,
            } => Some(name.as_str()),
            _ => None,
        })
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let pieces = match &self.pieces {
            Pieces::Plain(_) => &[],
            Pieces::Template(pieces) => pieces.as_slice(),
        };
        pieces.iter().flatten().filter_map(|part| match part {
            Part::Template(template) => Some(template),
            Part::Text(_) => None,
        })
    }

    /// Has the cluster every value that the pattern takes?
    ///
    /// A missing or empty tag takes the template's default; without one the pattern says nothing about any value.
    pub fn is_defined(&self, cluster: &Attributes<'_>) -> bool {
        self.texts(cluster).is_some()
    }

    /// Does the value match, templates taking their values from `cluster`?
    pub fn matches(&self, value: &str, cluster: &Attributes<'_>) -> bool {
        self.texts(cluster)
            .is_some_and(|texts| globs(&texts, &self.spelling.of(value)))
    }

    /// The only value that can match, where there is just one: with it a vault is found without a search.
    pub fn only_value(&self, cluster: &Attributes<'_>) -> OnlyValue {
        match self.texts(cluster).as_deref() {
            None => OnlyValue::Nothing,
            Some([only]) => OnlyValue::One(only.clone()),
            Some(_) => OnlyValue::Many,
        }
    }

    /// The text of each piece; none where the cluster lacks a value.
    fn texts(&self, cluster: &Attributes<'_>) -> Option<Cow<'_, [String]>> {
        let pieces = match &self.pieces {
            Pieces::Plain(texts) => return Some(Cow::Borrowed(texts)),
            Pieces::Template(pieces) => pieces,
        };
        let text = |piece: &Vec<Part>| -> Option<String> {
            let text: Option<String> = piece.iter().map(|part| part.text(cluster)).collect();
            text.map(|text| self.spelling.of(&text).into_owned())
        };
        let texts: Option<Vec<String>> = pieces.iter().map(text).collect();
        texts.map(Cow::Owned)
    }
}

/// Does the value consist of these texts with anything between them?
fn globs(texts: &[String], value: &str) -> bool {
    let [first, middle @ .., last] = texts else {
        return texts.iter().any(|only| only == value);
    };
    let Some(mut rest) = value.strip_prefix(first.as_str()) else {
        return false;
    };
    // The leftmost place for each text is as good as any later one.
    for text in middle {
        match rest.split_once(text.as_str()) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
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
