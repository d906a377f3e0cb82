//! Patterns over tag values, with globs and templates, and globs over resource ids.
//!
//! A value that comes out of a tag is data: it is matched literally, never as a glob and never expanded again.

use std::fmt;

use crate::inventory::Cluster;

/// A pattern over a tag value: text, `*`, and `${cluster.tags.<name>}` with an optional default after `|`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Star,
    ClusterTag {
        name: String,
        default: Option<String>,
    },
}

/// Which values a pattern can match for one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnlyValue {
    /// None: it takes its value from a tag that the cluster does not have.
    Nothing,
    /// This one.
    One(String),
    /// Any that fit a glob.
    Many,
}

/// Why a text is not a pattern; the position is in bytes from its start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `${` without `}`.
    #[error("`${{` is never closed")]
    Unclosed {
        /// Where `${` stands.
        at: usize,
    },
    /// A template names something that there is not.
    #[error("a template cannot take `{field}`")]
    UnknownField {
        /// Where `${` stands.
        at: usize,
        /// What it names.
        field: String,
    },
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Where a template is not closed or names an unknown field.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(start) = rest.find("${") {
            let at = source.len() - rest.len() + start;
            push_glob(&mut parts, &rest[..start]);
            let body = &rest[start + 2..];
            let end = body.find('}').ok_or(PatternError::Unclosed { at })?;
            parts.push(template(&body[..end], at)?);
            rest = &body[end + 1..];
        }
        push_glob(&mut parts, rest);
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }

    /// Does the pattern take values from the cluster?
    pub fn is_template(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::ClusterTag { .. }))
    }

    /// Does the value match, templates taking their values from `cluster`?
    ///
    /// A missing or empty tag takes the template's default; without one nothing matches.
    pub fn matches(&self, value: &str, cluster: &Cluster) -> bool {
        self.expand(cluster)
            .is_some_and(|tokens| glob_matches(&tokens, value))
    }

    /// The only value that can match, where there is just one: with it a vault is found without a search.
    pub fn only_value(&self, cluster: &Cluster) -> OnlyValue {
        match self.expand(cluster) {
            None => OnlyValue::Nothing,
            Some(tokens) => {
                let text = |token: &Token<'_>| match token {
                    Token::Text(text) => Some((*text).to_owned()),
                    Token::Star => None,
                };
                let texts: Option<String> = tokens.iter().map(text).collect();
                texts.map_or(OnlyValue::Many, OnlyValue::One)
            }
        }
    }

    fn expand<'a>(&'a self, cluster: &'a Cluster) -> Option<Vec<Token<'a>>> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(Token::Text(text)),
                Part::Star => Some(Token::Star),
                Part::ClusterTag { name, default } => cluster
                    .tags
                    .get(name)
                    .filter(|value| !value.is_empty())
                    .or(default.as_deref())
                    .map(Token::Text),
            })
            .collect()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

fn push_glob(parts: &mut Vec<Part>, text: &str) {
    for (index, piece) in text.split('*').enumerate() {
        if index > 0 && parts.last() != Some(&Part::Star) {
            parts.push(Part::Star);
        }
        if !piece.is_empty() {
            parts.push(Part::Text(piece.to_owned()));
        }
    }
}

fn template(body: &str, at: usize) -> Result<Part, PatternError> {
    let (field, default) = match body.split_once('|') {
        Some((field, default)) => (field, Some(default.to_owned())),
        None => (body, None),
    };
    match field.strip_prefix("cluster.tags.") {
        Some(name) if !name.is_empty() => Ok(Part::ClusterTag {
            name: name.to_owned(),
            default,
        }),
        _ => Err(PatternError::UnknownField {
            at,
            field: field.to_owned(),
        }),
    }
}

enum Token<'a> {
    Text(&'a str),
    Star,
}

/// Matches greedily from the left: the leftmost place for each text is as good as any later one.
fn glob_matches(tokens: &[Token<'_>], value: &str) -> bool {
    let mut literals: Vec<String> = vec![String::new()];
    for token in tokens {
        match (token, literals.last_mut()) {
            (Token::Text(text), Some(literal)) => literal.push_str(text),
            _ => literals.push(String::new()),
        }
    }
    let [first, middle @ .., last] = literals.as_slice() else {
        return literals.iter().any(|literal| literal == value);
    };
    let Some(mut rest) = value.strip_prefix(first.as_str()) else {
        return false;
    };
    for literal in middle {
        match rest.find(literal.as_str()) {
            Some(at) => rest = &rest[at + literal.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

/// A glob over resource ids: case does not count, `*` stays within a segment, `**` crosses segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdGlob {
    source: String,
    key: Vec<char>,
}

impl IdGlob {
    /// A glob; any text is one.
    pub fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            key: source.to_ascii_lowercase().chars().collect(),
        }
    }

    /// Does the id match as a whole?
    pub fn matches(&self, id: &str) -> bool {
        let id: Vec<char> = id.to_ascii_lowercase().chars().collect();
        let mut reached = vec![false; id.len() + 1];
        reached[0] = true;
        let mut at = 0;
        while at < self.key.len() {
            let crosses = self.key[at..].starts_with(&['*', '*']);
            if crosses || self.key[at] == '*' {
                spread(&mut reached, &id, crosses);
            } else {
                step(&mut reached, &id, self.key[at]);
            }
            at += if crosses { 2 } else { 1 };
        }
        reached[id.len()]
    }
}

impl fmt::Display for IdGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// A star: from each place that was reached, on over as many characters as it may take.
fn spread(reached: &mut [bool], id: &[char], crosses: bool) {
    for at in 0..id.len() {
        if reached[at] && (crosses || id[at] != '/') {
            reached[at + 1] = true;
        }
    }
}

/// A character: each place that was reached moves on by one where the id has that character.
fn step(reached: &mut [bool], id: &[char], wanted: char) {
    for at in (0..id.len()).rev() {
        reached[at + 1] = reached[at] && id[at] == wanted;
    }
    reached[0] = false;
}

#[cfg(test)]
mod tests;
