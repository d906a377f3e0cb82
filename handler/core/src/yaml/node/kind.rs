//! Of which kind a node is: for formats that allow a short form and a long one.
//!
//! It must not say that a node is wrong but where one kind alone will do.

use saphyr::{MarkedYaml, Scalar, YamlData};

use super::{Node, Section};
use crate::yaml::{Place, problem::Problems};

/// The one document of a file.
pub(crate) fn only<'a>(
    documents: &'a [MarkedYaml<'a>],
    problems: &mut Problems,
) -> Option<Node<'a>> {
    let message = match documents {
        [root] => return Some(Node(root)),
        [] => "the file is empty",
        _ => "the file holds more than one document",
    };
    problems.add(Place::at(1, 1), message);
    None
}

impl<'a> Node<'a> {
    /// Its text, where it is text.
    pub(crate) fn as_text(self) -> Option<&'a str> {
        match &self.0.data {
            YamlData::Value(Scalar::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self.0.data, YamlData::Sequence(_))
    }

    /// `true` or `false`.
    pub(crate) fn truth(self, problems: &mut Problems) -> Option<bool> {
        if let YamlData::Value(Scalar::Boolean(value)) = self.0.data {
            return Some(value);
        }
        problems.at(
            self,
            format!("expected true or false, found {}", self.shown()),
        );
        None
    }
}

impl<'a> Section<'a> {
    /// The whole mapping.
    pub(crate) fn node(&self) -> Node<'a> {
        self.node
    }
}
