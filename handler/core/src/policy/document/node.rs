//! Nodes of a YAML document with their places, and the few ways in which the format reads them.
//!
//! It must not know the format's keys; whoever asks for a value names what was expected.

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

use super::problem::{Problems, nearest};

/// The deepest nesting that is read: the format itself has eight levels.
const DEEPEST: usize = 64;

/// Parses YAML; a text that is none has one problem, for a parser does not go on behind it.
pub(super) fn parse<'a>(text: &'a str, problems: &mut Problems) -> Option<Vec<MarkedYaml<'a>>> {
    if let Some(line) = too_deep(text) {
        problems.add(line, 1, format!("nested deeper than {DEEPEST} levels"));
        return None;
    }
    match MarkedYaml::load_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        Ok(documents) => Some(documents),
        Err(error) => {
            let place = error.marker();
            problems.add(
                place.line().max(1),
                place.col() + 1,
                format!("not YAML: {}", error.info()),
            );
            None
        }
    }
}

/// The line in which the nesting becomes too deep for anything that walks it.
fn too_deep(text: &str) -> Option<usize> {
    let mut open: usize = 0;
    for (index, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start_matches([' ', '-', '?', ':', '\t']).len();
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
        }
        if open > DEEPEST || indent > 2 * DEEPEST {
            return Some(index + 1);
        }
    }
    None
}

/// A node with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a>(pub(super) &'a MarkedYaml<'a>);

impl<'a> Node<'a> {
    /// Line and column, both from 1.
    pub(super) fn place(self) -> (usize, usize) {
        (self.0.span.start.line().max(1), self.0.span.start.col() + 1)
    }

    fn scalar(self) -> Option<&'a Scalar<'a>> {
        match &self.0.data {
            YamlData::Value(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(super) fn is_null(self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    pub(super) fn integer(self) -> Option<i64> {
        match self.scalar() {
            Some(Scalar::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// What stands there, in words.
    pub(super) fn shown(self) -> String {
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
    pub(super) fn string(self, what: &str, problems: &mut Problems) -> Option<&'a str> {
        if let Some(Scalar::String(text)) = self.scalar() {
            return Some(text);
        }
        self.expected(what, problems);
        None
    }

    /// Text that is not empty.
    pub(super) fn text(self, what: &str, problems: &mut Problems) -> Option<String> {
        let text = self.string(what, problems)?;
        if text.trim().is_empty() {
            problems.at(self, format!("expected {what}, found empty text"));
            return None;
        }
        Some(text.to_owned())
    }

    /// One of the words that there are.
    pub(super) fn keyword<T: Copy>(
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
    pub(super) fn items(self, what: &str, problems: &mut Problems) -> Option<Vec<Node<'a>>> {
        if let YamlData::Sequence(items) = &self.0.data {
            return Some(items.iter().map(Node).collect());
        }
        self.expected(&format!("a list of {what}"), problems);
        None
    }

    /// What each item of a list means; one that is wrong does not hide the mistakes behind it.
    pub(super) fn each<T>(
        self,
        what: &str,
        problems: &mut Problems,
        read: impl FnMut(Node<'a>, &mut Problems) -> Option<T>,
    ) -> Option<Vec<T>> {
        every(self.items(what, problems)?, problems, read)
    }

    /// The items of a list, or the one value in its place.
    pub(super) fn one_or_more(self) -> Vec<Node<'a>> {
        match &self.0.data {
            YamlData::Sequence(items) => items.iter().map(Node).collect(),
            _ => vec![self],
        }
    }

    /// Key and value of each member of a mapping.
    pub(super) fn members(
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
pub(super) fn every<'a, T>(
    nodes: Vec<Node<'a>>,
    problems: &mut Problems,
    mut read: impl FnMut(Node<'a>, &mut Problems) -> Option<T>,
) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = nodes.into_iter().map(|it| read(it, problems)).collect();
    read.into_iter().collect()
}

/// A mapping whose keys are known beforehand.
#[derive(Debug)]
pub(super) struct Section<'a> {
    what: &'static str,
    node: Node<'a>,
    members: Vec<(&'a str, Node<'a>)>,
}

impl<'a> Section<'a> {
    /// Reads a mapping; a key that is not known is a problem.
    pub(super) fn read(
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
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        self.members
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| *value)
    }

    /// The value of a key that has to be there.
    pub(super) fn required(
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
