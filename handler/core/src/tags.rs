//! Tags of clusters and vaults, with Azure's rules: names ignore case, values do not.
//!
//! It must not interpret a value: a tag value is data from outside.

use std::collections::BTreeMap;

/// The tags of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, Tag>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    name: String,
    value: String,
}

impl Tags {
    /// The value of the tag of this name, in whatever case the resource spells the name.
    pub fn get(&self, name: &str) -> Option<&str> {
        // Most names in a policy are in lower case already, and every rule asks for some.
        let is_lower = !name.bytes().any(|it| it.is_ascii_uppercase());
        let tag = if is_lower {
            self.0.get(name)
        } else {
            self.0.get(&name.to_ascii_lowercase())
        };
        tag.map(|tag| tag.value.as_str())
    }

    /// Names, as the resource spells them, and values, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .values()
            .map(|tag| (tag.name.as_str(), tag.value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let tag = |(name, value): (N, V)| {
            let name = name.into();
            (
                name.to_ascii_lowercase(),
                Tag {
                    name,
                    value: value.into(),
                },
            )
        };
        Self(pairs.into_iter().map(tag).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_values_do_not() {
        let tags: Tags = [("Site", "Berlin")].into_iter().collect();
        assert_eq!(tags.get("sITE"), Some("Berlin"));
        assert_ne!(tags.get("site"), Some("berlin"));
        assert_eq!(tags.get("purpose"), None);
    }
}
