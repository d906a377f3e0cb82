//! What ids of one type look like, and whether a glob can match any of them.
//!
//! It must not call a glob sound because it looks like an id: an exemption that matches nothing exempts nothing.

use std::iter::repeat_n;

use super::Token;
use crate::id::ClusterId;

/// What ids of one type look like, letter by letter and in lower case.
#[derive(Debug, Clone)]
pub struct Shape {
    noun: &'static str,
    resource_type: &'static str,
    letters: Vec<Letter>,
}

/// One place of an id.
#[derive(Debug, Clone, Copy)]
struct Letter {
    takes: Takes,
    /// May the place be left out?
    optional: bool,
}

/// The letters that may stand at a place.
#[derive(Debug, Clone, Copy)]
enum Takes {
    This(char),
    /// A digit of a GUID.
    Hex,
    /// A letter or a digit of a name.
    Alphanumeric,
    /// What may stand within a name.
    OfName,
    /// What may stand within the name of a resource group.
    OfGroup,
    /// The same, at its end.
    EndOfGroup,
}

impl Takes {
    fn takes(self, letter: char) -> bool {
        match self {
            Self::This(this) => letter == this,
            Self::Hex => letter.is_ascii_hexdigit(),
            Self::Alphanumeric => letter.is_ascii_alphanumeric(),
            Self::OfName => letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'),
            Self::OfGroup => Self::EndOfGroup.takes(letter) || letter == '.',
            Self::EndOfGroup => letter.is_alphanumeric() || matches!(letter, '-' | '_' | '(' | ')'),
        }
    }
}

/// The longest name of a resource group (Azure's naming rules).
const LONGEST_GROUP: usize = 90;
/// The longest name of a cluster (Microsoft.NetworkCloud specification).
const LONGEST_CLUSTER: usize = 30;

impl Shape {
    /// The ids of clusters.
    pub fn cluster() -> Self {
        let mut shape = Self::named("cluster", ClusterId::RESOURCE_TYPE);
        shape.one(Takes::Alphanumeric);
        shape.up_to(LONGEST_CLUSTER - 2, Takes::OfName);
        shape.one(Takes::Alphanumeric);
        shape
    }

    /// What it is an id of.
    pub fn noun(&self) -> &'static str {
        self.noun
    }

    /// The shape as people write it.
    pub fn written(&self) -> String {
        let resource_type = self.resource_type;
        format!("/subscriptions/<GUID>/resourceGroups/<name>/providers/{resource_type}/<name>")
    }

    /// All but the name.
    fn named(noun: &'static str, resource_type: &'static str) -> Self {
        let mut shape = Self {
            noun,
            resource_type,
            letters: Vec::new(),
        };
        shape.text("/subscriptions/");
        for (number, digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
            if number > 0 {
                shape.text("-");
            }
            (0..digits).for_each(|_| shape.one(Takes::Hex));
        }
        shape.text("/resourceGroups/");
        shape.up_to(LONGEST_GROUP - 1, Takes::OfGroup);
        shape.one(Takes::EndOfGroup);
        shape.text(&format!("/providers/{resource_type}/"));
        shape
    }

    fn text(&mut self, text: &str) {
        let lower = text.chars().map(|letter| letter.to_ascii_lowercase());
        lower.for_each(|letter| self.one(Takes::This(letter)));
    }

    fn one(&mut self, takes: Takes) {
        self.letters.push(Letter {
            takes,
            optional: false,
        });
    }

    fn up_to(&mut self, most: usize, takes: Takes) {
        let letter = Letter {
            takes,
            optional: true,
        };
        self.letters.extend(repeat_n(letter, most));
    }

    /// Is there an id of this shape that the tokens match as a whole?
    ///
    /// A shape has an end, so a text that goes on beyond it is given up there: no glob takes long.
    pub(super) fn meets(&self, tokens: &[Token]) -> bool {
        // Which places of the shape the tokens so far can have led to; the last one is its end.
        let mut reached = vec![false; self.letters.len() + 1];
        reached[0] = true;
        self.leave_out(&mut reached);
        for token in tokens {
            match token {
                Token::Text(text) => {
                    for letter in text.chars() {
                        reached = self.behind(&reached, letter);
                        if !reached.contains(&true) {
                            return false;
                        }
                    }
                }
                Token::Star => self.spread(&mut reached, |place| !place.takes.takes('/')),
                Token::Stars => self.spread(&mut reached, |_| true),
            }
        }
        reached.last() == Some(&true)
    }

    /// Behind the letter, from each place that takes it.
    fn behind(&self, reached: &[bool], letter: char) -> Vec<bool> {
        let steps = self.letters.iter().zip(reached);
        let mut behind = vec![false];
        behind.extend(steps.map(|(place, is_reached)| *is_reached && place.takes.takes(letter)));
        self.leave_out(&mut behind);
        behind
    }

    /// Over the letters that may be left out.
    fn leave_out(&self, reached: &mut [bool]) {
        self.spread(reached, |place| place.optional);
    }

    /// From each place on over the letters that can be passed.
    fn spread(&self, reached: &mut [bool], passes: impl Fn(&Letter) -> bool) {
        for (at, letter) in self.letters.iter().enumerate() {
            if reached[at] && passes(letter) {
                reached[at + 1] = true;
            }
        }
    }
}

#[cfg(test)]
mod tests;
