//! Text for a terminal: names in the place of ids, lines of a bounded width, a little colour.
//! It must not know what the text is about.

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;

/// No line that is printed is wider.
pub(super) const WIDTH: usize = 120;

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Colour {
    /// That of an outcome: what is well, what somebody has to see to, what needs nothing.
    pub(super) fn of_outcome(outcome: &str) -> Self {
        match outcome {
            "bound" => Self::Green,
            "planned" => Self::Cyan,
            "failed" => Self::Red,
            "exempt" | "gone" => Self::Dim,
            _ => Self::Yellow,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Bold => 1,
            Self::Dim => 2,
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Cyan => 36,
        }
    }

    /// The text in this colour, or as it is where colours are not wanted.
    pub(super) fn paint(self, text: &str) -> String {
        if text.is_empty() || !is_wanted() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", self.code())
    }
}

/// Colours are for a terminal, and not where `NO_COLOR` is set to anything.
#[expect(
    clippy::disallowed_methods,
    reason = "the demo has no other settings to read this one with"
)]
fn is_wanted() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        !refused && std::io::stdout().is_terminal()
    })
}

/// Prints a line or more.
pub(super) fn say(text: &str) {
    // A reader that has gone, as `head` does, is no reason to stop checking.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The text with names in the place of ARM ids; ids of one name stay whole, for their names do not tell them apart.
pub(super) fn named(text: &str) -> String {
    let (pieces, rest) = around_ids(text);
    let mut short = String::with_capacity(text.len());
    for (before, id) in &pieces {
        let has_namesake = |(_, it): &(&str, &str)| {
            name(it).eq_ignore_ascii_case(name(id)) && !it.eq_ignore_ascii_case(id)
        };
        short.push_str(before);
        short.push_str(if pieces.iter().any(has_namesake) {
            id
        } else {
            name(id)
        });
    }
    short + rest
}

/// The last segment of an id.
fn name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// Each ARM id of a text with what stands before it, and what stands behind the last.
fn around_ids(text: &str) -> (Vec<(&str, &str)>, &str) {
    const START: &str = "/subscriptions/";
    let in_id = |it: char| it.is_ascii_alphanumeric() || "/-_.()*".contains(it);
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(START) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|it| !in_id(it)).unwrap_or(from.len());
        // A full stop ends the sentence, not the id.
        let id = from[..end].trim_end_matches('.');
        pieces.push((before, id));
        rest = &from[id.len()..];
    }
    (pieces, rest)
}

/// The text in lines of at most `width` characters; a word that is longer stays whole.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let is_full = line.chars().count() + 1 + word.chars().count() > width;
        if line.is_empty() {
            line.push_str(word);
        } else if is_full {
            lines.push(word.to_owned());
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines
}

/// The text cut to `width` characters, with dots where something is left out.
pub(super) fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_names_and_the_rest_stays() {
        let text = "bound to `/subscriptions/1/resourceGroups/g/providers/P/vaults/kv-a`; within /subscriptions/1/resourceGroups/g, no more.";
        assert_eq!(named(text), "bound to `kv-a`; within g, no more.");
        assert_eq!(named("at /subscriptions/1."), "at 1.");
        assert_eq!(named("nothing"), "nothing");
    }

    #[test]
    fn ids_of_one_name_are_told_apart() {
        let within = "within /subscriptions/1/resourceGroups/g, /subscriptions/2/resourceGroups/g";
        assert_eq!(named(within), within);
        let twice = "/subscriptions/1/resourceGroups/g or /subscriptions/1/resourcegroups/G.";
        assert_eq!(named(twice), "g or G.");
        let mixed = format!("{within} and /subscriptions/2/resourceGroups/other.");
        assert_eq!(named(&mixed), format!("{within} and other."));
    }

    #[test]
    fn lines_are_no_wider_than_wanted_unless_a_word_is() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a longest b", 3), ["a", "longest", "b"]);
        assert_eq!(shortened("abcdefgh", 6), "abc...");
        assert_eq!(shortened("abcdef", 6), "abcdef");
    }
}
