//! The vaults that Resource Graph shows, found by tag without looking at each of them.
//!
//! It must not judge a vault; its order is that of the ids, whatever order the rows came in.

use std::collections::HashMap;

use crate::resource::{Vault, vault_host};

/// The vaults in the policy's trust boundaries, as one reading of Resource Graph showed them.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    vaults: Vec<Vault>,
    /// Tag name in lower case, then value, then places in `vaults`.
    by_tag: HashMap<String, HashMap<String, Vec<usize>>>,
    by_host: HashMap<String, usize>,
}

impl Candidates {
    /// Every vault, ordered by id.
    pub fn all(&self) -> &[Vault] {
        &self.vaults
    }

    /// The vaults that have the tag with this value; the name ignores case.
    pub fn with_tag(&self, name: &str, value: &str) -> impl ExactSizeIterator<Item = &Vault> {
        let values = self.by_tag.get(&name.to_ascii_lowercase());
        let places = values
            .and_then(|it| it.get(value))
            .map(Vec::as_slice)
            .unwrap_or_default();
        places.iter().map(|place| &self.vaults[*place])
    }

    /// The vault with this address (host, lower case).
    pub fn with_host(&self, host: &str) -> Option<&Vault> {
        self.by_host.get(host).map(|place| &self.vaults[*place])
    }
}

impl FromIterator<Vault> for Candidates {
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
        let candidates: Candidates = rows.into_iter().collect();
        let names: Vec<&str> = candidates
            .with_tag("SITE", "a")
            .map(|it| it.id.name())
            .collect();
        assert_eq!(names, ["kv-a", "kv-b"]);
        assert_eq!(candidates.with_tag("site", "b").count(), 0);
        assert_eq!(candidates.with_tag("rack", "a").count(), 0);
        assert_eq!(candidates.all().len(), 3);
        let by_host = candidates.with_host("kv-c.vault.azure.net");
        assert_eq!(by_host.map(|it| it.id.name()), Some("kv-c"));
    }
}
