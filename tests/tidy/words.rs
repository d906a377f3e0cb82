//! One word for one thing: words that were given up for the field's own do not come back into the handler's code.
//!
//! It must not read comments or texts: there the words are English.

use crate::files;

/// A word that was given up, and what says it now.
const RETIRED: [(&str, &str); 27] = [
    ("ArchivePatch", "ArchiveSpec"),
    ("Choice", "the Result of a vault"),
    ("Course", "ApplyStatus"),
    ("Delays", "Backoff"),
    ("Ending", "Decision"),
    ("Estate", "Inventory"),
    ("Listing", "VaultList"),
    ("Look", "Observation"),
    ("Looks", "Observation"),
    ("Pacer", "Admission"),
    ("Pass", "Permit"),
    ("Picture", "Observation"),
    ("Question", "Subject"),
    ("Refusal", "Decision"),
    ("Setback", "reconcile::Error"),
    ("Sight", "Observation"),
    ("Surroundings", "Defaults"),
    ("Tally", "Summary"),
    ("Treatment", "RetryPolicy"),
    ("VaultSeen", "Sighting"),
    ("VaultSighting", "Sighting"),
    ("Verdict", "Decision, or CaseResult"),
    ("give_back", "abandon"),
    ("it", "the thing's name"),
    ("judge", "retry, or what is judged"),
    ("put_off", "requeue"),
    ("use_up", "wait_out"),
];

/// The code of a source, blanks in place of comments and of what stands in quotes.
fn code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => quoted(rest, '"'),
            'r' if rest.starts_with("r#\"") => rest.find("\"#").map_or(rest.len(), |at| at + 2),
            '\'' if is_character(rest) => quoted(rest, '\''),
            other => {
                code.push(other);
                rest = &rest[other.len_utf8()..];
                continue;
            }
        };
        code.push(' ');
        rest = &rest[length..];
    }
    code
}

/// How long a text in quotes is, both quotes counted.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '\\' if !is_escaped => is_escaped = true,
            end if end == quote && !is_escaped => return at + 1,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// A character in quotes, and no lifetime?
fn is_character(text: &str) -> bool {
    let mut behind = text.chars().skip(1);
    behind.next() == Some('\\') || behind.next() == Some('\'')
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character: char| !character.is_alphanumeric() && character != '_')
}

#[test]
fn no_word_that_was_given_up_comes_back_into_the_handler() {
    let mut count = 0;
    for (file, source) in files("rs") {
        if !file.starts_with("handler/") {
            continue;
        }
        for word in words(&code(&source)) {
            count += 1;
            let retired = RETIRED.iter().find(|(retired, _)| *retired == word);
            if let Some((_, instead)) = retired {
                panic!("{file} says `{word}`; say {instead}");
            }
        }
    }
    assert!(count > 10_000, "only {count} words are found");
}

#[test]
fn words_in_comments_and_in_quotes_are_not_code() {
    let source = "fn a<'b>() { \"Look \\\" it\"; r#\"Look\"#; '\\''; 'c'; Some(1) } // Look";
    let code = code(source);
    let found: Vec<&str> = words(&code).filter(|word| !word.is_empty()).collect();
    assert_eq!(found, ["fn", "a", "b", "Some", "1"]);
}
