//! Who may name whom within `handler/src`: each module those below it, nobody one above.
//!
//! It must not judge what they do with each other.

use std::collections::BTreeSet;

use crate::files;

/// From below to above; modules of one layer do not name each other.
const LAYERS: [&[&str]; 11] = [
    &["admission", "clock", "config", "deadline", "escape"],
    &["caches"],
    &["context", "telemetry"],
    &["request"],
    &["event", "queue"],
    &["reconcile"],
    &["report", "sweep"],
    &["functions"],
    &["serve"],
    &["cli"],
    &["fuzz", "lib", "main"],
];

fn layer(module: &str) -> usize {
    let layer = LAYERS.iter().position(|it| it.contains(&module));
    layer.unwrap_or_else(|| panic!("`{module}` has no layer"))
}

/// The modules at the root of the package that a source names.
fn named(source: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for behind in source.split("crate::").skip(1) {
        match behind.strip_prefix('{') {
            None => {
                names.insert(word(behind));
            }
            Some(group) => {
                let mut depth = 0;
                let mut begins = true;
                for (at, it) in group.char_indices() {
                    match it {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        it if begins && it.is_alphabetic() => {
                            names.insert(word(&group[at..]));
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn word(text: &str) -> &str {
    let end = text.find(|it: char| !it.is_alphanumeric() && it != '_');
    &text[..end.unwrap_or(text.len())]
}

#[test]
fn nothing_in_the_handler_names_what_is_above_it() {
    let mut names = 0;
    for (file, source) in files("rs") {
        let Some(path) = file.strip_prefix("handler/src/") else {
            continue;
        };
        let own = path.split(['/', '.']).next().unwrap();
        for module in named(&source).into_iter().filter(|it| *it != own) {
            names += 1;
            assert!(layer(module) < layer(own), "{file} names `{module}`");
        }
    }
    assert!(names > 80, "only {names} names are found");
}
