//! Nodes of a YAML document with their places, and the few ways in which the format reads them.
//!
//! It must not know a format's keys; whoever asks for a value names what was expected.

mod kind;

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

use super::{
    lines::{DEEPEST, line_before, too_deep},
    problem::{Place, Problems, Severity, nearest},
};

pub(crate) use kind::only;

/// Parses YAML; a text that is none has one problem, for a parser does not go on behind it.
pub(crate) fn parse<'a>(text: &'a str, problems: &mut Problems) -> Option<Vec<MarkedYaml<'a>>> {
    if let Some(line) = too_deep(text) {
        problems.add(
            Place::at(line, 1),
            format!("nested deeper than {DEEPEST} levels"),
        );
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    problems.are_in(text);
    match MarkedYaml::load_from_str(text) {
        Ok(documents) => Some(documents),
        Err(error) => {
            let place = error.marker();
            let line = place.line().max(1);
            problems.push(
                Severity::Error,
                Place::at(line, place.col() + 1),
                format!("not YAML: {}", error.info()),
                line_before(text, line, error.info()),
            );
            None
        }
    }
}

/// A node with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a>(pub(crate) &'a MarkedYaml<'a>);

impl<'a> Node<'a> {
    /// Where it stands: a scalar whole, of a mapping its first key, of a list its beginning.
    pub(crate) fn place(self) -> Place {
        let (start, end) = (self.0.span.start, self.0.span.end);
        let at = Place::at(start.line().max(1), start.col() + 1);
        let length = match &self.0.data {
            YamlData::Mapping(members) => {
                let key = members.iter().next().map(|(key, _)| Node(key).place());
                return key.filter(|place| place.line == at.line).unwrap_or(at);
            }
            YamlData::Sequence(_) => 1,
            _ if end.line() == start.line() => end.index().saturating_sub(start.index()),
            _ => 1,
        };
        Place {
            length: length.max(1),
            ..at
        }
    }

    fn scalar(self) -> Option<&'a Scalar<'a>> {
        match &self.0.data {
            YamlData::Value(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn is_null(self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    pub(crate) fn integer(self) -> Option<i64> {
        match self.scalar() {
            Some(Scalar::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    pub(crate) fn is_mapping(self) -> bool {
        matches!(self.0.data, YamlData::Mapping(_))
    }

    /// Every text in it, however deep, but no key.
    pub(crate) fn texts(self) -> Vec<(Self, &'a str)> {
        match &self.0.data {
            YamlData::Value(Scalar::String(text)) => vec![(self, text)],
            YamlData::Sequence(items) => items.iter().flat_map(|node| Node(node).texts()).collect(),
            YamlData::Mapping(members) => members
                .iter()
                .flat_map(|(_, value)| Node(value).texts())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What stands there, in words.
    pub(crate) fn shown(self) -> String {
        match &self.0.data {
            YamlData::Value(Scalar::Null) => "empty".to_owned(),
            YamlData::Value(Scalar::Boolean(value)) => format!("the truth value `{value}`"),
            YamlData::Value(Scalar::Integer(value)) => format!("the number `{value}`"),
            YamlData::Value(Scalar::FloatingPoint(value)) => format!("the number `{value}`"),
            YamlData::Value(Scalar::String(value)) => format!("`{}`", value.escape_debug()),
            YamlData::Sequence(_) => "a list".to_owned(),
            YamlData::Mapping(_) => "a mapping".to_owned(),
            _ => "something else".to_owned(),
        }
    }

    fn expected(self, what: &str, problems: &mut Problems) {
        let message = format!("expected {what}, found {}", self.shown());
        match self.scalar() {
            // What YAML takes for a number or a truth value was often meant as text.
            Some(Scalar::Boolean(_) | Scalar::Integer(_) | Scalar::FloatingPoint(_)) => {
                problems.hinted(self, message, "put it in quotes where text is meant");
            }
            _ => problems.at(self, message),
        }
    }

    /// Text, even if empty.
    pub(crate) fn string(self, what: &str, problems: &mut Problems) -> Option<&'a str> {
        let text = self.as_text();
        if text.is_none() {
            self.expected(what, problems);
        }
        text
    }

    /// Text that is not empty.
    pub(crate) fn text(self, what: &str, problems: &mut Problems) -> Option<String> {
        let text = self.string(what, problems)?;
        if text.trim().is_empty() {
            problems.at(self, format!("expected {what}, found empty text"));
            return None;
        }
        Some(text.to_owned())
    }

    /// One of the words that there are.
    pub(crate) fn keyword<T: Copy>(
        self,
        what: &str,
        words: &[(&'static str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let text = self.string(what, problems)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = match nearest(text, all.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("it is one of {}", all.join(", ")),
        };
        problems.hinted(
            self,
            format!("`{}` is no {what}", text.escape_debug()),
            hint,
        );
        None
    }

    /// The items of a list.
    pub(crate) fn items(self, what: &str, problems: &mut Problems) -> Option<Vec<Node<'a>>> {
        if let YamlData::Sequence(items) = &self.0.data {
            return Some(items.iter().map(Node).collect());
        }
        self.expected(&format!("a list of {what}"), problems);
        None
    }

    /// What each item of a list means; one that is wrong does not hide the mistakes behind it.
    pub(crate) fn each<T>(
        self,
        what: &str,
        problems: &mut Problems,
        read: impl FnMut(Node<'a>, &mut Problems) -> Option<T>,
    ) -> Option<Vec<T>> {
        every(self.items(what, problems)?, problems, read)
    }

    /// The items of a list, or the one value in its place.
    pub(crate) fn one_or_more(self) -> Vec<Node<'a>> {
        match &self.0.data {
            YamlData::Sequence(items) => items.iter().map(Node).collect(),
            _ => vec![self],
        }
    }

    /// Key and value of each member of a mapping.
    pub(crate) fn members(
        self,
        what: &str,
        problems: &mut Problems,
    ) -> Option<Vec<(Node<'a>, Node<'a>)>> {
        if let YamlData::Mapping(members) = &self.0.data {
            return Some(
                members
                    .iter()
                    .map(|(key, value)| (Node(key), Node(value)))
                    .collect(),
            );
        }
        self.expected(what, problems);
        None
    }
}

/// Reads every node before it gives up on any of them.
pub(crate) fn every<'a, T>(
    nodes: Vec<Node<'a>>,
    problems: &mut Problems,
    mut read: impl FnMut(Node<'a>, &mut Problems) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = nodes.into_iter().map(|node| read(node, problems)).collect();
    read.into_iter().collect()
}

/// A mapping whose keys are known beforehand.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    what: &'static str,
    node: Node<'a>,
    members: Vec<(&'a str, Node<'a>)>,
}

impl<'a> Section<'a> {
    /// Reads a mapping; a key that is not known is a problem.
    pub(crate) fn read(
        node: Node<'a>,
        what: &'static str,
        keys: &[&str],
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut members = Vec::new();
        for (key, value) in node.members(&format!("{what}: a mapping"), problems)? {
            let Some(name) = key.string("a key", problems) else {
                continue;
            };
            if keys.contains(&name) {
                members.push((name, value));
                continue;
            }
            let message = format!("unknown key `{}` in {what}", name.escape_debug());
            let hint = match nearest(name, keys.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("there are {}", keys.join(", ")),
            };
            problems.hinted(key, message, hint);
        }
        Some(Self {
            what,
            node,
            members,
        })
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        self.members
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| *value)
    }

    /// The value of a key that has to be there.
    pub(crate) fn required(
        &self,
        key: &str,
        hint: &str,
        problems: &mut Problems,
    ) -> Option<Node<'a>> {
        let value = self.get(key);
        if value.is_none() {
            problems.hinted(
                self.node,
                format!("`{key}` is missing in {}", self.what),
                hint,
            );
        }
        value
    }
}
