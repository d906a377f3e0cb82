//! The vaults of a boundary, found by tag without testing each of them.
//!
//! It must not judge a vault; its order is that of the ids, whatever order the rows came in.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    id::{Scope, VaultId},
    resource::{Vault, vault_host},
};

/// What the list of a boundary showed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listed {
    /// The vaults, shared by everybody who decides; none where the boundary is not there or cannot be seen.
    pub vaults: Arc<VaultList>,
    /// How far the boundary could be seen.
    #[serde(default, skip_serializing_if = "Visibility::is_whole")]
    pub visibility: Visibility,
    /// Was it listed after the request was first sent? No refusal, first binding or move rests on an older list.
    #[serde(skip, default = "current")]
    pub is_current: bool,
}

/// How far a boundary could be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Visibility {
    /// It was listed.
    #[default]
    Whole,
    /// One answer says that it is not there; a second one has yet to say so too.
    AbsentOnce,
    /// It is not there: sites are prepared ahead.
    Absent,
    /// It may not be listed, or its subscription cannot be seen.
    Hidden,
}

impl Visibility {
    fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}

/// What somebody captured or wrote down has not changed since.
fn current() -> bool {
    true
}

impl Listed {
    /// A list that nothing has changed since.
    pub fn current(vaults: impl IntoIterator<Item = Vault>) -> Self {
        Self::seen(vaults, Visibility::Whole)
    }

    /// The same of a boundary that could be seen only so far.
    pub fn seen(vaults: impl IntoIterator<Item = Vault>, visibility: Visibility) -> Self {
        Self {
            vaults: Arc::new(vaults.into_iter().collect()),
            visibility,
            is_current: true,
        }
    }

    /// The part of it that lies in a smaller scope.
    pub fn part(&self, scope: &Scope) -> Self {
        let rows = self.vaults.all().iter();
        let rows = rows.filter(|row| scope.contains(&row.id)).cloned();
        Self {
            is_current: self.is_current,
            ..Self::seen(rows, self.visibility)
        }
    }
}

impl Serialize for VaultList {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.all().serialize(to)
    }
}

impl<'de> Deserialize<'de> for VaultList {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::<Vault>::deserialize(from).map(|vaults| vaults.into_iter().collect())
    }
}

/// The vaults that one list showed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VaultList {
    vaults: Vec<Vault>,
    /// Tag name in lower case, then value, then places in `vaults`.
    by_tag: HashMap<String, HashMap<String, Vec<usize>>>,
    by_host: HashMap<String, usize>,
}

impl VaultList {
    /// Every vault, ordered by id.
    pub fn all(&self) -> &[Vault] {
        &self.vaults
    }

    /// The vault of this id.
    pub fn get(&self, id: &VaultId) -> Option<&Vault> {
        let place = self.vaults.binary_search_by(|vault| vault.id.cmp(id));
        place.ok().map(|place| &self.vaults[place])
    }

    /// The vaults that have the tag with any of these values; the name ignores case.
    pub fn with_tag(&self, name: &str, values: &[String]) -> impl Iterator<Item = &Vault> {
        let places = self.places(name, values).flatten();
        places.map(|place| &self.vaults[*place])
    }

    /// How many there are of them.
    pub fn count_with_tag(&self, name: &str, values: &[String]) -> usize {
        self.places(name, values).map(<[usize]>::len).sum()
    }

    fn places(&self, name: &str, values: &[String]) -> impl Iterator<Item = &[usize]> {
        let of_name = self.by_tag.get(&name.to_ascii_lowercase());
        let of_value = move |value: &String| of_name?.get(value).map(Vec::as_slice);
        values.iter().filter_map(of_value)
    }

    /// The vault with this address (host, lower case).
    pub fn with_host(&self, host: &str) -> Option<&Vault> {
        self.by_host.get(host).map(|place| &self.vaults[*place])
    }
}

impl FromIterator<Vault> for VaultList {
    fn from_iter<I: IntoIterator<Item = Vault>>(rows: I) -> Self {
        let mut vaults: Vec<Vault> = rows.into_iter().collect();
        vaults.sort_by(|a, b| a.id.cmp(&b.id));
        vaults.dedup_by(|a, b| a.id == b.id);
        let mut by_tag: HashMap<String, HashMap<String, Vec<usize>>> = HashMap::new();
        let mut by_host = HashMap::new();
        for (place, vault) in vaults.iter().enumerate() {
            if let Some(host) = vault_host(&vault.uri) {
                by_host.insert(host, place);
            }
            for (name, value) in vault.tags.iter() {
                let values = by_tag.entry(name.to_ascii_lowercase()).or_default();
                values.entry(value.to_owned()).or_default().push(place);
            }
        }
        Self {
            vaults,
            by_tag,
            by_host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn a_vault_is_found_by_any_of_its_tags() {
        let rows = [
            fixtures::vault("kv-b", &[("site", "a"), ("purpose", "nexus")]),
            fixtures::vault("kv-a", &[("Site", "a")]),
            fixtures::vault("kv-c", &[("site", "A")]),
        ];
        let list: VaultList = rows.into_iter().collect();
        let names: Vec<&str> = list
            .with_tag("SITE", &["a".to_owned()])
            .map(|vault| vault.id.name())
            .collect();
        assert_eq!(names, ["kv-a", "kv-b"]);
        assert_eq!(list.count_with_tag("site", &["b".to_owned()]), 0);
        assert_eq!(list.count_with_tag("rack", &["a".to_owned()]), 0);
        assert_eq!(list.all().len(), 3);
        let by_id = |name| {
            list.get(&fixtures::vault_id(name))
                .map(|vault| vault.id.name())
        };
        assert_eq!((by_id("KV-B"), by_id("kv-d")), (Some("kv-b"), None));
        let by_host = list.with_host("kv-c.vault.azure.net");
        assert_eq!(by_host.map(|vault| vault.id.name()), Some("kv-c"));
    }
}
