//! Tags of clusters and vaults, with Azure's rules: names ignore case, values do not.
//!
//! It must not interpret a value: a tag value is data from outside.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The tags of one resource: few, in the order of their names, and cheap to copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Arc<[Tag]>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    name: String,
    value: String,
}

impl Tags {
    /// The value of the tag of this name, in whatever case the resource spells the name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let tag = self
            .0
            .iter()
            .find(|tag| tag.name.eq_ignore_ascii_case(name));
        tag.map(|tag| tag.value.as_str())
    }

    /// Names, as the resource spells them, and values, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|tag| (tag.name.as_str(), tag.value.as_str()))
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let pairs = BTreeMap::<String, String>::deserialize(from)?;
        Ok(pairs.into_iter().collect())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let tag = |(name, value): (N, V)| {
            let (name, value) = (name.into(), value.into());
            (name.to_ascii_lowercase(), Tag { name, value })
        };
        let by_name: BTreeMap<String, Tag> = pairs.into_iter().map(tag).collect();
        Self(by_name.into_values().collect())
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

    #[test]
    fn they_are_ordered_by_name_and_of_one_name_the_last_counts() {
        let pairs = [("b", "1"), ("A", "2"), ("B", "3")];
        let tags: Tags = pairs.into_iter().collect();
        assert_eq!(Vec::from_iter(tags.iter()), [("A", "2"), ("B", "3")]);
    }
}
