//! Reading a pattern: what is text, what is a star, what is a template.
//!
//! It must not take for text what was meant as a template: such a pattern would match nothing, and nobody would know why.

use std::ops::Range;

use super::{Attribute, ClusterValue, Part, Pattern, Pieces, Spelling, Template};

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mistake}")]
pub struct PatternError {
    /// Where, in bytes from the start of the text.
    pub at: Range<usize>,
    /// What is wrong there.
    pub mistake: Mistake,
}

/// What is wrong in a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// `${` without `}`.
    #[error("`${{` is never closed")]
    Unclosed,
    /// A template names something that there is not.
    #[error("a template cannot take `{}`", .0.escape_debug())]
    UnknownField(String),
    /// A template names a tag that no resource can have.
    #[error("no tag can have the name `{}`", .0.escape_debug())]
    TagName(String),
    /// A default that is meant as a pattern.
    #[error("a default is plain text, without `*`, templates and blanks around it")]
    Default,
    /// Text that was probably meant as a template.
    #[error("`{0}` stands in plain text")]
    Lookalike(&'static str),
}

/// What names the value of a tag in a template, before the tag's name.
pub const CLUSTER_TAGS: &str = "cluster.tags.";
/// What names an attribute in a template, before the attribute.
pub const CLUSTER: &str = "cluster.";

/// What nobody writes into a value unless they mean a template.
pub const LOOKALIKES: [&str; 4] = [CLUSTER_TAGS, "$cluster", "{cluster", "(cluster"];

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Where a template cannot be read, or text looks like one.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let mut pieces = vec![Vec::new()];
        let mut done = 0;
        while let Some(start) = source[done..].find("${").map(|at| done + at) {
            push_text(&mut pieces, source, done..start)?;
            let unclosed = PatternError {
                at: start..source.len(),
                mistake: Mistake::Unclosed,
            };
            let end = start + source[start..].find('}').ok_or(unclosed)?;
            let template = template(&source[start + 2..end]);
            let template = template.map_err(|mistake| PatternError {
                at: start..end + 1,
                mistake,
            })?;
            push(&mut pieces, Part::Template(template));
            done = end + 1;
        }
        push_text(&mut pieces, source, done..source.len())?;
        Ok(Self {
            source: source.to_owned(),
            pieces: Pieces::of(pieces),
            spelling: Spelling::Exact,
        })
    }
}

impl Pieces {
    fn of(pieces: Vec<Vec<Part>>) -> Self {
        let plain = |piece: &Vec<Part>| match piece.as_slice() {
            [] => Some(String::new()),
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        };
        let texts: Option<Vec<String>> = pieces.iter().map(plain).collect();
        texts.map_or(Self::Template(pieces), Self::Plain)
    }
}

fn push(pieces: &mut [Vec<Part>], part: Part) {
    if let Some(piece) = pieces.last_mut() {
        piece.push(part);
    }
}

fn push_text(
    pieces: &mut Vec<Vec<Part>>,
    source: &str,
    range: Range<usize>,
) -> Result<(), PatternError> {
    let text = &source[range.clone()];
    for lookalike in LOOKALIKES {
        if let Some(at) = text.find(lookalike).map(|at| range.start + at) {
            return Err(PatternError {
                at: at..at + lookalike.len(),
                mistake: Mistake::Lookalike(lookalike),
            });
        }
    }
    for (index, text) in text.split('*').enumerate() {
        if index > 0 {
            pieces.push(Vec::new());
        }
        if !text.is_empty() {
            push(pieces, Part::Text(text.to_owned()));
        }
    }
    Ok(())
}

fn template(body: &str) -> Result<Template, Mistake> {
    let (field, default) = match body.split_once('|') {
        Some((field, default)) => (field, Some(default)),
        None => (body, None),
    };
    let is_plain = |text: &str| text.trim() == text && !text.contains('*') && !text.contains("${");
    if !default.is_none_or(is_plain) {
        return Err(Mistake::Default);
    }
    Ok(Template {
        value: cluster_value(field)?,
        default: default.map(ToOwned::to_owned),
    })
}

fn cluster_value(field: &str) -> Result<ClusterValue, Mistake> {
    if let Some(name) = field.strip_prefix(CLUSTER_TAGS) {
        return if is_tag_name(name) {
            Ok(ClusterValue::Tag(name.to_owned()))
        } else {
            Err(Mistake::TagName(name.to_owned()))
        };
    }
    let attribute = field.strip_prefix(CLUSTER).and_then(|word| {
        let known = Attribute::WORDS.iter().find(|(name, _)| *name == word);
        known.map(|(_, attribute)| *attribute)
    });
    attribute
        .map(ClusterValue::Attribute)
        .ok_or_else(|| Mistake::UnknownField(field.to_owned()))
}

/// What Azure refuses in names of tags.
pub const NOT_IN_TAG_NAMES: &str = "<>%&\\?/";

/// The longest name of a tag, in characters.
const LONGEST_TAG_NAME: usize = 512;

/// Can a resource have a tag of this name? Azure refuses some characters in names of tags.
pub fn is_tag_name(name: &str) -> bool {
    let is_allowed =
        |character: char| !character.is_control() && !NOT_IN_TAG_NAMES.contains(character);
    !name.is_empty()
        && name.trim() == name
        && name.chars().count() <= LONGEST_TAG_NAME
        && name.chars().all(is_allowed)
}
