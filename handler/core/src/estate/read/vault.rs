//! Vaults in a few lines, and how each was seen.
//!
//! It must not judge a vault.

use super::{
    Surroundings, Vaults, given,
    resource::{LOCATION, id_of, reference, tags},
    text, truth,
};
use crate::{
    estate::{TENANT, VaultSeen},
    id::VaultId,
    inventory::VaultSighting,
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
    vaults: &Vaults,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<VaultId> {
    let name = node.string("a vault", problems)?;
    let known = vaults
        .keys()
        .find(|it| it.name().eq_ignore_ascii_case(name));
    match known {
        Some(id) => Some(id.clone()),
        None => reference(node, VaultId::RESOURCE_TYPE, &around.vaults, problems),
    }
}

/// Reads a vault, and how it was seen.
pub(super) fn vault(
    node: Node<'_>,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<(VaultId, VaultSeen)> {
    const READS: &[(&str, Read)] = &[
        ("live", Read::Live),
        ("listed", Read::Listed),
        ("absent", Read::Absent),
        ("denied", Read::Denied),
    ];
    let section = Section::read(node, "a vault", &[KEYS, ROW_KEYS].concat(), problems)?;
    let id: VaultId = id_of(
        &section,
        VaultId::RESOURCE_TYPE,
        &around.vaults,
        None,
        problems,
    )?;
    let shown = fields(&section, &id, around, problems)?;
    let read = match given(&section, "read") {
        None => Read::Live,
        Some(node) => node.keyword("way in which a vault was read", READS, problems)?,
    };
    let row = match given(&section, "as-listed") {
        None if truth(&section, "unlisted", false, problems)? => None,
        None => Some(shown.clone()),
        Some(node) => {
            let section = Section::read(node, "`as-listed`", ROW_KEYS, problems)?;
            Some(fields(&section, &id, around, problems)?)
        }
    };
    let live = match read {
        Read::Live => Some(VaultSighting::Live(shown)),
        Read::Listed => None,
        Read::Absent => Some(VaultSighting::Absent),
        Read::Denied => Some(VaultSighting::Denied),
    };
    Some((id, VaultSeen { row, live }))
}

/// How a vault was seen by itself.
#[derive(Debug, Clone, Copy)]
enum Read {
    Live,
    Listed,
    Absent,
    Denied,
}

fn fields(
    section: &Section<'_>,
    id: &VaultId,
    around: &Surroundings,
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
        id: id.clone(),
        location: location?.unwrap_or(LOCATION).to_owned(),
        tags: tags?,
        tenant: tenant?.unwrap_or(TENANT).to_ascii_lowercase(),
        uri: uri?.map_or_else(|| around.uri(id), ToOwned::to_owned),
        rbac: rbac?,
        purge_protection: purge_protection?,
        provisioning_state: state?.unwrap_or("Succeeded").to_owned(),
    })
}

impl Surroundings {
    /// The address that a vault has by its name.
    pub(super) fn uri(&self, vault: &VaultId) -> String {
        let name = vault.name().to_ascii_lowercase();
        format!("https://{name}.{}/", self.vault_suffix)
    }
}
