//! Scripts: comments, commands after `> ` with input after `| `, and what came of each command.
//!
//! It must not know what a command does.

use super::stage::Stage;

/// A command with its input lines.
#[derive(Debug, Default)]
pub(super) struct Command {
    /// The words after `> `.
    pub words: Vec<String>,
    /// The lines after `| `.
    pub input: String,
    /// Does the next command come at the same time?
    pub goes_on: bool,
}

impl Command {
    /// The value of `name=…`.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.words
            .iter()
            .find_map(|word| word.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    }

    /// Every `name=value` whose name is none of these.
    pub(super) fn others<'a>(
        &'a self,
        known: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.words
            .iter()
            .filter_map(|word| word.split_once('='))
            .filter(|(name, _)| !known.contains(name))
    }

    /// Is the bare word there?
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|it| it == word)
    }

    /// The word at this place, which has to be there.
    pub(super) fn word(&self, at: usize) -> &str {
        self.words
            .get(at)
            .unwrap_or_else(|| panic!("`{}` lacks a word", self.words.join(" ")))
    }
}

/// Runs a script and returns its text with what came of each command.
pub(super) async fn run(text: &str) -> String {
    let mut stage = Stage::new().await;
    let mut written = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(words) = line.strip_prefix("> ") else {
            // What came of a command is written anew; comments and blank lines stay.
            // A blank line stays before a command or a comment, where a person put it.
            let is_kept =
                line.is_empty() && lines.peek().is_none_or(|it| it.starts_with(['#', '>']));
            if line.starts_with('#') || is_kept && !written.ends_with("\n\n") {
                written.push_str(line);
                written.push('\n');
            }
            continue;
        };
        let mut command = Command {
            words: words.split_whitespace().map(ToOwned::to_owned).collect(),
            ..Command::default()
        };
        command.goes_on = command.words.last().is_some_and(|it| it == "&");
        written.push_str(line);
        written.push('\n');
        while let Some(input) = lines.next_if(|it| it.starts_with('|')) {
            command.input.push_str(
                input
                    .strip_prefix("| ")
                    .or(input.strip_prefix('|'))
                    .unwrap_or_default(),
            );
            command.input.push('\n');
            written.push_str(input);
            written.push('\n');
        }
        for line in stage.play(&command).await {
            if !line.is_empty() {
                written.push_str("  ");
            }
            written.push_str(&line);
            written.push('\n');
        }
    }
    stage.close();
    written
}
