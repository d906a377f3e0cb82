//! What is done to a seed: bytes go wrong, pieces move, and the words that attackers use come in.
//!
//! It must not know the format of the seeds, beyond what JSON, YAML and URLs have in common.

use proptest::{
    prelude::*,
    sample::{Index, select},
};

/// What readers stumble over: escapes, traversals, other hosts, commands of terminals, forged lines, wrong types, depth.
const WORDS: &[&str] = &[
    "..",
    "/../",
    "/./",
    "//",
    "/",
    "\\",
    "%2f",
    "%2e%2e",
    "%00",
    "?",
    "?api-version=1",
    "#",
    "@",
    ":",
    ";",
    "'",
    "' or '1'='1",
    "|",
    "\"",
    "\\\"",
    "\\u0000",
    "\\ud800",
    "\\n",
    "\n",
    "\r\n",
    "\t",
    "\0",
    " ",
    "\u{a0}",
    "\u{1b}[2J",
    "\u{9b}31m",
    "\u{7f}",
    "\u{202e}",
    "\u{2066}",
    "\u{2028}",
    "\u{200b}",
    "\u{feff}",
    "\u{e9}",
    "\u{130}",
    "\u{212a}",
    "\u{1f511}",
    "{\"level\":\"ERROR\",\"message\":\"forged\"}",
    "http://evil.example/",
    "https://evil.example/",
    "user@",
    "127.0.0.1",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e999",
    "4294967296",
    "18446744073709551616",
    "[]",
    "{}",
    "[",
    "]",
    "{",
    "}",
    ",",
    "- ",
    "  ",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "? ",
    "---\n",
    "...",
    "# ",
    "${cluster.tags.site}",
    "${",
    "*",
    "**",
    "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
    "-9999-01-01T00:00:00Z",
    "2027-02-30",
    "00000000-0000-0000-0000-000000000000",
    "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE",
    "Microsoft.KeyVault/vaults",
    "microsoft.networkcloud/CLUSTERS",
    "/providers/Microsoft.Resources/tags/default",
    "Succeeded",
    "Failed",
];

/// The bytes between which values stand, in every format here.
const BORDERS: &[u8] = b"\"/:,{}[]\n ?&=";

/// One change; places are taken modulo the length of what is changed.
#[derive(Debug, Clone)]
pub(crate) enum Mutation {
    /// A byte becomes another.
    Byte(Index, u8),
    /// A word comes in.
    Insert(Index, &'static str),
    /// What stands between two borders becomes a word.
    Replace(Index, &'static str),
    /// What stands between two borders changes the case of its letters.
    Case(Index),
    /// What stands between two borders becomes what stands elsewhere, perhaps in another seed.
    Copy(Index, Index, Index),
    /// A stretch is left out.
    Remove(Index, u8),
    /// A stretch comes several times.
    Repeat(Index, u8, u8),
    /// What stands between two borders lies this deep in brackets.
    Nest(Index, u16),
    /// The rest is cut off.
    Truncate(Index),
}

pub(crate) fn any_mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    let word = || select(WORDS);
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        3 => (at(), word()).prop_map(|(at, word)| Mutation::Insert(at, word)),
        5 => (at(), word()).prop_map(|(at, word)| Mutation::Replace(at, word)),
        3 => at().prop_map(Mutation::Case),
        5 => (at(), at(), at()).prop_map(|(to, seed, from)| Mutation::Copy(to, seed, from)),
        2 => (at(), 1..=32_u8).prop_map(|(at, length)| Mutation::Remove(at, length)),
        2 => (at(), 1..=64_u8, 1..=32_u8).prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
        1 => (at(), 1..=1000_u16).prop_map(|(at, depth)| Mutation::Nest(at, depth)),
        1 => at().prop_map(Mutation::Truncate),
    ]
}

/// A seed after these changes, one after the other.
pub(crate) fn apply(seeds: &[Vec<u8>], seed: usize, mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = seeds[seed].clone();
    for mutation in mutations {
        // Where nothing is left there is no place for anything.
        if bytes.is_empty() {
            break;
        }
        change(&mut bytes, mutation, seeds);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, mutation: &Mutation, seeds: &[Vec<u8>]) {
    let length = bytes.len();
    let piece = |at: &Index| between_borders(bytes, at.index(length));
    match mutation {
        Mutation::Byte(at, byte) => bytes[at.index(length)] = *byte,
        Mutation::Insert(at, word) => {
            let at = at.index(length + 1);
            bytes.splice(at..at, word.bytes());
        }
        Mutation::Replace(at, word) => {
            bytes.splice(piece(at), word.bytes());
        }
        Mutation::Case(at) => {
            let piece = piece(at);
            for byte in &mut bytes[piece] {
                *byte ^= if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
            }
        }
        Mutation::Copy(to, seed, from) => {
            let seed = &seeds[seed.index(seeds.len())];
            let from = seed[between_borders(seed, from.index(seed.len().max(1)))].to_vec();
            bytes.splice(piece(to), from);
        }
        Mutation::Remove(at, count) => {
            bytes.drain(stretch(at.index(length), *count, length));
        }
        Mutation::Repeat(at, count, times) => {
            let stretch = stretch(at.index(length), *count, length);
            let again = bytes[stretch.clone()].repeat(usize::from(*times));
            bytes.splice(stretch.start..stretch.start, again);
        }
        Mutation::Nest(at, depth) => {
            let (piece, depth) = (piece(at), usize::from(*depth));
            bytes.splice(piece.end..piece.end, "]".repeat(depth).into_bytes());
            bytes.splice(piece.start..piece.start, "[".repeat(depth).into_bytes());
        }
        Mutation::Truncate(at) => bytes.truncate(at.index(length)),
    }
}

fn stretch(at: usize, count: u8, length: usize) -> std::ops::Range<usize> {
    at..(at + usize::from(count)).min(length)
}

/// The place of what stands between the borders around `at`.
fn between_borders(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let is_border = |byte: &u8| BORDERS.contains(byte);
    let start = bytes[..at]
        .iter()
        .rposition(is_border)
        .map_or(0, |it| it + 1);
    let end = bytes[at..]
        .iter()
        .position(is_border)
        .map_or(bytes.len(), |it| at + it);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_borders_is_a_value() {
        let text = br#"{"a":"bc","d":1}"#;
        assert_eq!(between_borders(text, 7), 6..8);
        assert_eq!(between_borders(text, 14), 14..15);
        assert_eq!(between_borders(b"abc", 1), 0..3);
    }

    proptest! {
        #[test]
        fn no_change_fails_whatever_was_changed_before(
            seed in prop::collection::vec(any::<u8>(), 0..64),
            mutations in prop::collection::vec(any_mutation(), 0..32),
        ) {
            apply(&[seed, b"{\"a\":1}".to_vec(), Vec::new()], 0, &mutations);
        }
    }
}
