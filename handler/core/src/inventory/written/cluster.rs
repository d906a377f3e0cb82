//! Clusters in a few lines: what is not said is as it usually is.
//!
//! It must not judge what an archive names: a cluster may show anything.

use super::{
    Defaults, given,
    resource::{LOCATION, id_of, identities, reference, tags},
    text, truth,
    vault::vault_named,
};
use crate::{
    archive::{ArchiveSettings, SecretArchive},
    id::{ClusterId, ClusterManagerId, UserAssignedIdentityId, VaultId},
    inventory::Inventory,
    resource::{AssociatedIdentity, Cluster, Identities, ProvisioningState},
    yaml::{
        node::{Node, Section},
        problem::Problems,
    },
};

const KEYS: &[&str] = &[
    "id",
    "name",
    "in",
    "location",
    "tags",
    "state",
    "status",
    "identities",
    "manager",
    "archive",
    "settings",
    "absent",
];

/// Reads a cluster, none where it is said to be absent; vaults that it names are looked for in the inventory.
pub(crate) fn cluster(
    node: Node<'_>,
    inventory: &Inventory,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<(ClusterId, Option<Cluster>)> {
    let section = Section::read(node, "a cluster", KEYS, problems)?;
    let group = &defaults.clusters;
    let id: ClusterId = id_of(
        &section,
        ClusterId::RESOURCE_TYPE,
        group,
        Some("cluster"),
        problems,
    )?;
    let tags = tags(&section, problems)?;
    let location = text(&section, "location", problems)?.unwrap_or(LOCATION);
    let state = text(&section, "state", problems)?.unwrap_or("Succeeded");
    let status = text(&section, "status", problems)?;
    let identities = match given(&section, "identities") {
        None => Identities::default(),
        Some(node) => identities(node, id.as_str(), group, problems)?,
    };
    let manager = match given(&section, "manager") {
        None => None,
        Some(node) => Some(reference(
            node,
            ClusterManagerId::RESOURCE_TYPE,
            group,
            problems,
        )?),
    };
    let archive = match given(&section, "archive") {
        None => None,
        Some(node) => Some(archive(node, inventory, defaults, problems)?),
    };
    let settings = match given(&section, "settings") {
        None => None,
        Some(node) => Some(settings(node, inventory, defaults, problems)?),
    };
    let is_there = !truth(&section, "absent", false, problems)?;
    let cluster = Cluster {
        id: id.clone(),
        location: location.to_owned(),
        tags,
        etag: None,
        modified_at: None,
        provisioning_state: ProvisioningState::from_text(state),
        detailed_status: status.map(ToOwned::to_owned),
        identities,
        manager,
        archive,
        settings,
    };
    Some((id, is_there.then_some(cluster)))
}

/// `secretArchive`: a vault, or a mapping that says whether it is in use too.
fn archive(
    node: Node<'_>,
    inventory: &Inventory,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<SecretArchive> {
    let (vault, enabled) = if node.as_text().is_some() {
        (node, true)
    } else {
        let section = Section::read(node, "`archive`", &["vault", "enabled"], problems)?;
        let vault = section.required("vault", "name a vault, or give its id", problems)?;
        (vault, truth(&section, "enabled", true, problems)?)
    };
    let shown = vault.string("a vault", problems)?;
    let vault = if shown.is_empty() || shown.starts_with('/') {
        // As it stands there: a cluster may show what is no id.
        shown.to_owned()
    } else {
        vault_named(vault, inventory, defaults, problems)?.to_string()
    };
    Some(SecretArchive { vault, enabled })
}

/// `secretArchiveSettings`: `vault` names one, `vault-uri` is the address as it stands there.
fn settings(
    node: Node<'_>,
    inventory: &Inventory,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<ArchiveSettings> {
    const KEYS: &[&str] = &["vault", "vault-uri", "identity", "provider"];
    let section = Section::read(node, "`settings`", KEYS, problems)?;
    let uri = text(&section, "vault-uri", problems)?;
    let named = match given(&section, "vault") {
        None => None,
        Some(node) => Some(vault_named(node, inventory, defaults, problems)?),
    };
    let uri_of = |id: VaultId| match inventory.shown(&id) {
        Some(vault) => vault.uri.clone(),
        None => defaults.uri(&id),
    };
    let identity = match given(&section, "identity") {
        None => None,
        Some(node) if node.as_text() == Some("system") => Some(AssociatedIdentity::System),
        Some(node) => {
            let kind = UserAssignedIdentityId::RESOURCE_TYPE;
            let id = reference(node, kind, &defaults.clusters, problems)?;
            Some(AssociatedIdentity::User(id))
        }
    };
    Some(ArchiveSettings {
        vault_uri: uri.map(ToOwned::to_owned).or(named.map(uri_of)),
        identity,
        provider: text(&section, "provider", problems)?.map(ToOwned::to_owned),
    })
}
