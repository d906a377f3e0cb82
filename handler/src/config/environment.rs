//! The environment of the process: the one place that reads it.
//!
//! It must not know what a setting means; an empty one counts as not set.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

/// What the environment says.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// The variables that are text.
    pub(super) variables: BTreeMap<String, String>,
    /// The names of those that are none.
    pub(super) unreadable: Vec<String>,
}

impl Environment {
    /// Reads all of it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one reader of the environment"
    )]
    pub(super) fn read() -> Self {
        Self::of(std::env::vars_os())
    }

    fn of(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            // Nobody here asks for a name that is no text.
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) if value.trim().is_empty() => {}
                Ok(value) => drop(environment.variables.insert(name, value)),
                Err(_) => environment.unreadable.push(name),
            }
        }
        environment
    }

    /// Is the variable there, and no text?
    pub(super) fn is_unreadable(&self, name: &str) -> bool {
        self.unreadable.iter().any(|unreadable| unreadable == name)
    }

    /// A setting that is text and says something.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let text = self.variables.get(name).map(|value| value.trim());
        text.filter(|text| !text.is_empty())
    }
}

/// A path, which need not be text.
#[expect(
    clippy::disallowed_methods,
    reason = "the one reader of the environment"
)]
pub(super) fn path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os(name)?;
    let is_empty = path.to_str().is_some_and(|text| text.trim().is_empty());
    (!is_empty).then(|| path.into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn what_is_empty_is_not_there_and_what_is_no_text_is_told() {
        let text = |text: &str| OsString::from(text);
        let no_text = || OsString::from_vec(vec![0xff]);
        let environment = Environment::of(
            [
                (text("A"), text(" a ")),
                (text("B"), text("")),
                (text("C"), text(" \t")),
                (text("D"), no_text()),
                (no_text(), text("e")),
            ]
            .into_iter(),
        );
        assert_eq!(environment.text("A"), Some("a"));
        assert_eq!(environment.variables.len(), 1);
        assert_eq!(environment.unreadable, ["D"]);
    }
}
