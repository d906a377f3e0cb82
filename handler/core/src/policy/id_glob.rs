//! Globs over resource ids.
//!
//! It must not tell upper from lower case: ARM does not either.

mod shape;

use std::fmt;

pub use shape::Shape;

/// A glob over resource ids: case does not count, `*` stays within a segment, `**` crosses segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdGlob {
    source: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Text in lower case.
    Text(String),
    /// Anything within a segment.
    Star,
    /// Anything.
    Stars,
}

impl IdGlob {
    /// A glob; any text is one.
    pub fn new(source: &str) -> Self {
        let lower = source.to_ascii_lowercase();
        let mut tokens = Vec::new();
        let mut rest = lower.as_str();
        while !rest.is_empty() {
            let behind = rest.trim_start_matches('*');
            let length = match rest.len() - behind.len() {
                0 => rest.find('*').unwrap_or(rest.len()),
                stars => stars,
            };
            let (token, behind) = rest.split_at(length);
            tokens.push(match token {
                "*" => Token::Star,
                // A star more beside two takes nothing that they do not take.
                _ if token.starts_with('*') => Token::Stars,
                text => Token::Text(text.to_owned()),
            });
            rest = behind;
        }
        Self {
            source: source.to_owned(),
            tokens,
        }
    }

    /// Is there any id of this shape that it could match?
    pub fn can_match(&self, shape: &Shape) -> bool {
        shape.meets(&self.tokens)
    }

    /// Does the id match as a whole?
    pub fn matches(&self, id: &str) -> bool {
        let id = id.to_ascii_lowercase();
        // The places, in rising order, up to which the tokens so far can have matched.
        let mut reached = vec![0];
        for token in &self.tokens {
            reached = match token {
                Token::Text(text) => behind(&reached, id.as_bytes(), text.as_bytes()),
                Token::Star => spread(&reached, id.as_bytes(), false),
                Token::Stars => spread(&reached, id.as_bytes(), true),
            };
            if reached.is_empty() {
                return false;
            }
        }
        reached.last() == Some(&id.len())
    }
}

impl fmt::Display for IdGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// Behind the text, from each place at which it stands.
fn behind(reached: &[usize], id: &[u8], text: &[u8]) -> Vec<usize> {
    let stands = |at: &&usize| id[**at..].starts_with(text);
    reached
        .iter()
        .filter(stands)
        .map(|at| at + text.len())
        .collect()
}

/// From each place on over as much as a star takes.
fn spread(reached: &[usize], id: &[u8], crosses: bool) -> Vec<usize> {
    let mut spread = Vec::new();
    let mut next = 0;
    for &at in reached {
        let slash = id[at..].iter().position(|byte| *byte == b'/' && !crosses);
        let end = slash.map_or(id.len(), |length| at + length);
        spread.extend(at.max(next)..=end);
        next = next.max(end + 1);
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stays_within_a_segment_and_two_cross() {
        let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-nexus-1";
        assert!(IdGlob::new("**/id-nexus-*").matches(id));
        assert!(IdGlob::new("**/ID-NEXUS-1").matches(id));
        assert!(IdGlob::new(id).matches(&id.to_uppercase()));
        assert!(IdGlob::new("/subscriptions/*/resourceGroups/rg/**").matches(id));
        assert!(!IdGlob::new("/subscriptions/*/id-nexus-1").matches(id));
        assert!(!IdGlob::new("id-nexus-*").matches(id));
        assert!(!IdGlob::new("**/id-nexus-").matches(id));
        assert!(IdGlob::new("**").matches(id) && IdGlob::new("***").matches(id));
        assert!(IdGlob::new("/*s/s/**/*-nexus-*1").matches(id));
        assert!(!IdGlob::new("/subscriptions/*").matches(id));
        assert!(!IdGlob::new("").matches(id) && IdGlob::new("").matches(""));
    }
}
