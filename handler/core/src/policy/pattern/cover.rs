//! What one pattern matches beside another, for every value at once.
//!
//! It must not claim what it cannot prove: "no" means that nothing is known.

use super::{Pattern, Pieces, Spelling, globs};

/// Stands for whatever a star takes: a character that no policy has in its patterns.
const ANYTHING: char = '\0';

impl Pattern {
    /// Does the pattern match whatever `other` matches?
    pub fn covers(&self, other: &Self) -> bool {
        // A text in which each star became one unknown character is matched only if a star takes that character,
        // and a star that takes it takes anything in its place.
        let stars = other.plain().map(|texts| texts.join(&ANYTHING.to_string()));
        let is_narrower = self.spelling == Spelling::Exact && other.spelling != Spelling::Exact;
        let covers = || stars.is_some_and(|text| self.matches_text(&text));
        // What takes one case only misses the others, but for one that takes everything.
        self == other || self.covers_all() && other.plain().is_some() || !is_narrower && covers()
    }

    /// Is it sure that no value matches both?
    pub fn excludes(&self, other: &Self) -> bool {
        let misses = |one: &Self, other: &Self| match one.plain() {
            Some([text]) => other.plain().is_some() && !other.matches_text(text),
            _ => false,
        };
        if self.spelling == other.spelling {
            return misses(self, other) || misses(other, self);
        }
        // Where one of them takes any case, so does what they have in common.
        let (one, other) = (self.clone().in_any_case(), other.clone().in_any_case());
        misses(&one, &other) || misses(&other, &one)
    }

    /// Does the pattern match every value that there can be?
    pub fn covers_all(&self) -> bool {
        self.plain()
            .is_some_and(|texts| texts.len() > 1 && texts.iter().all(String::is_empty))
    }

    /// Does the value match whatever the cluster is? Not where the pattern has a template.
    pub(in crate::policy) fn matches_text(&self, value: &str) -> bool {
        let is_met = |texts| globs(texts, &self.spelling.of(value));
        self.plain().is_some_and(is_met)
    }

    /// The text of each piece; none where the pattern has a template, or the character that nobody has.
    fn plain(&self) -> Option<&[String]> {
        match &self.pieces {
            Pieces::Plain(texts) if !texts.iter().any(|text| text.contains(ANYTHING)) => {
                Some(texts)
            }
            Pieces::Plain(_) | Pieces::Template(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn a_pattern_covers_what_it_surely_matches() {
        for (wide, narrow) in [
            ("*", "*"),
            ("*", "a*"),
            ("*", ""),
            ("a*", "abc"),
            ("a*", "ab*"),
            ("a*c", "ab*bc"),
            ("*b*", "a*b*c"),
            ("**", "*"),
            ("${cluster.name}", "${cluster.name}"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
    }

    #[test]
    fn a_pattern_does_not_cover_what_it_may_miss() {
        for (wide, narrow) in [
            ("ab*", "a*"),
            ("a", "*"),
            ("", "*"),
            ("a*b*c", "*b*"),
            ("\0", "*"),
            ("\0*", "*"),
            ("*", "${cluster.name}"),
            ("${cluster.name}", "a"),
        ] {
            assert!(!pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
    }

    #[test]
    fn only_a_text_can_be_sure_to_be_excluded() {
        assert!(pattern("a").excludes(&pattern("b*")));
        assert!(pattern("b*").excludes(&pattern("a")));
        assert!(!pattern("a").excludes(&pattern("*")));
        assert!(!pattern("a*").excludes(&pattern("b*")));
        assert!(!pattern("a").excludes(&pattern("${cluster.name}")));
    }

    #[test]
    fn a_pattern_in_any_case_covers_more_and_excludes_less() {
        let any = |text| pattern(text).in_any_case();
        assert!(any("Prod").covers(&pattern("pROD")) && any("p*").covers(&any("PR*")));
        assert!(!pattern("prod").covers(&any("prod")) && pattern("*").covers(&any("prod")));
        assert!(any("prod").excludes(&pattern("test*")) && pattern("b").excludes(&any("A")));
        assert!(!any("prod").excludes(&pattern("PROD*")) && !pattern("PROD").excludes(&any("p*")));
    }

    #[test]
    fn only_stars_alone_cover_every_value() {
        assert!(pattern("*").covers_all() && pattern("**").covers_all());
        assert!(!pattern("").covers_all() && !pattern("a*").covers_all());
    }
}
