//! Globs over resource ids.
//!
//! It must not tell upper from lower case: ARM does not either.

use std::fmt;

/// A glob over resource ids: case does not count, `*` stays within a segment, `**` crosses segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdGlob {
    source: String,
    key: Vec<char>,
}

/// What every id begins with.
const START: &str = "/subscriptions/";

impl IdGlob {
    /// A glob; any text is one.
    pub fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            key: source.to_ascii_lowercase().chars().collect(),
        }
    }

    /// Is there any id that it could match? Where its text before the first star is not how ids begin there is none.
    pub fn can_match(&self) -> bool {
        let lower = self.source.to_ascii_lowercase();
        let (literal, has_star) = match lower.split_once('*') {
            Some((literal, _)) => (literal, true),
            None => (lower.as_str(), false),
        };
        literal.starts_with(START) || (has_star && START.starts_with(literal))
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
    }

    #[test]
    fn a_glob_that_begins_as_no_id_does_can_match_none() {
        for good in ["**/c1", "*", "/Subscriptions/*/x", "/sub*", "/**"] {
            assert!(IdGlob::new(good).can_match(), "{good}");
        }
        for bad in [
            "c1",
            "lab-*",
            "/sub",
            "resourceGroups/**",
            "/resourceGroups/lab/**",
        ] {
            assert!(!IdGlob::new(bad).can_match(), "{bad}");
        }
    }
}
