//! Vaults in a few lines, and how each was seen.
//!
//! It must not judge a vault.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::offline::TENANT,
    Defaults, given, list, once,
    resource::{LOCATION, id_of, reference, tags},
    text, truth,
};
use crate::{
    id::{Scope, SubscriptionId, VaultId},
    inventory::{Inventory, Listed, Sighting},
    resource::Vault,
    yaml::{
        node::{Node, Section},
        problem::Problems,
    },
};

const KEYS: &[&str] = &["id", "name", "in", "read", "unlisted", "as-listed"];
const ROW_KEYS: &[&str] = &[
    "location",
    "tags",
    "tenant",
    "uri",
    "rbac",
    "purge-protection",
    "state",
];

/// A vault by its id, or by the name of one that is there.
pub(crate) fn vault_named(
    node: Node<'_>,
    inventory: &Inventory,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<VaultId> {
    let name = node.string("a vault", problems)?;
    let rows = inventory
        .listed
        .values()
        .flat_map(|listed| listed.vaults.all());
    let known: BTreeSet<&VaultId> = rows
        .map(|row| &row.id)
        .chain(inventory.vaults.keys())
        .collect();
    let is_meant = |id: &&VaultId| id.name().eq_ignore_ascii_case(name);
    match known.into_iter().find(is_meant) {
        Some(id) => Some(id.clone()),
        None => reference(node, VaultId::RESOURCE_TYPE, &defaults.vaults, problems),
    }
}

/// A vault as it was seen: in a list, and by itself.
type WrittenVault = (VaultId, Option<Vault>, Option<Sighting>);

/// Enters the vaults of a section into the inventory.
pub(super) fn vaults(
    section: &Section<'_>,
    inventory: &mut Inventory,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<()> {
    let mut ids = BTreeSet::new();
    let vaults = list(section, "vaults", problems, |node, problems| {
        let vault = vault(node, defaults, problems)?;
        once(&mut ids, &vault.0, node, problems).then_some(vault)
    });
    let mut rows: BTreeMap<SubscriptionId, BTreeMap<VaultId, Option<Vault>>> = BTreeMap::new();
    for (id, row, sighting) in vaults.iter().flatten() {
        let of = rows.entry(id.subscription().clone()).or_default();
        of.insert(id.clone(), row.clone());
        inventory.vaults.remove(id);
        inventory
            .vaults
            .extend(sighting.clone().map(|seen| (id.clone(), seen)));
    }
    for (subscription, rows) in rows {
        let whole = Scope::Subscription(subscription);
        let listed = inventory.listed.entry(whole).or_default();
        let others = listed.vaults.all().iter();
        let others = others.filter(|row| !rows.contains_key(&row.id)).cloned();
        *listed = Listed::current(others.chain(rows.values().flatten().cloned()));
    }
    vaults.map(|_| ())
}

/// Reads a vault, and how it was seen.
fn vault(node: Node<'_>, defaults: &Defaults, problems: &mut Problems) -> Option<WrittenVault> {
    const SHOWN: &[(&str, Shown)] = &[
        ("live", Shown::Live),
        ("listed", Shown::Listed),
        ("absent", Shown::Absent),
        ("denied", Shown::Denied),
    ];
    let section = Section::read(node, "a vault", &[KEYS, ROW_KEYS].concat(), problems)?;
    let id: VaultId = id_of(
        &section,
        VaultId::RESOURCE_TYPE,
        &defaults.vaults,
        None,
        problems,
    )?;
    let shown = fields(&section, &id, defaults, problems)?;
    let read = match given(&section, "read") {
        None => Shown::Live,
        Some(node) => node.keyword("way in which a vault was read", SHOWN, problems)?,
    };
    let row = match given(&section, "as-listed") {
        None if truth(&section, "unlisted", false, problems)? => None,
        None => Some(shown.clone()),
        Some(node) => {
            let section = Section::read(node, "`as-listed`", ROW_KEYS, problems)?;
            Some(fields(&section, &id, defaults, problems)?)
        }
    };
    let sighting = match read {
        Shown::Live => Some(Sighting::Found(shown)),
        Shown::Listed => None,
        Shown::Absent => Some(Sighting::NotFound),
        Shown::Denied => Some(Sighting::Forbidden),
    };
    Some((id, row, sighting))
}

/// How a vault was seen by itself.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Live,
    Listed,
    Absent,
    Denied,
}

fn fields(
    section: &Section<'_>,
    id: &VaultId,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<Vault> {
    let tags = tags(section, problems);
    let location = text(section, "location", problems);
    let tenant = text(section, "tenant", problems);
    let uri = text(section, "uri", problems);
    let state = text(section, "state", problems);
    let rbac = truth(section, "rbac", true, problems);
    let purge_protection = truth(section, "purge-protection", true, problems);
    Some(Vault {
        modified_at: None,
        id: id.clone(),
        location: location?.unwrap_or(LOCATION).to_owned(),
        tags: tags?,
        tenant: tenant?.unwrap_or(TENANT).to_ascii_lowercase(),
        uri: uri?.map_or_else(|| defaults.uri(id), ToOwned::to_owned),
        rbac: rbac?,
        purge_protection: purge_protection?,
        provisioning_state: state?.unwrap_or("Succeeded").to_owned(),
    })
}

impl Defaults {
    /// The address that a vault has by its name.
    pub(super) fn uri(&self, vault: &VaultId) -> String {
        let name = vault.name().to_ascii_lowercase();
        format!("https://{name}.{}/", self.vault_suffix)
    }
}
