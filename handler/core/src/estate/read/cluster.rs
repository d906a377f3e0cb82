//! Clusters in a few lines: what is not said is as it usually is.
//!
//! It must not judge what an archive names: a cluster may show anything.

use super::{
    Surroundings, Vaults, given,
    resource::{LOCATION, id_of, identities, reference, tags},
    text, truth,
    vault::vault_named,
};
use crate::{
    archive::{ArchiveSettings, SecretArchive},
    estate::{Estate, VaultSeen},
    id::{ClusterId, ClusterManagerId, UserAssignedIdentityId, VaultId},
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
];

/// Reads a cluster; vaults and managers that it names are looked for in the estate.
pub(crate) fn cluster(
    node: Node<'_>,
    estate: &Estate,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<Cluster> {
    let section = Section::read(node, "a cluster", KEYS, problems)?;
    let usual = estate.is_whole().then_some("cluster");
    let group = &around.clusters;
    let id: ClusterId = id_of(&section, ClusterId::RESOURCE_TYPE, group, usual, problems)?;
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
        Some(node) => Some(archive(node, &estate.vaults, around, problems)?),
    };
    let settings = match given(&section, "settings") {
        None => None,
        Some(node) => Some(settings(node, &estate.vaults, around, problems)?),
    };
    Some(Cluster {
        id,
        location: location.to_owned(),
        tags,
        etag: None,
        provisioning_state: ProvisioningState::from_text(state),
        detailed_status: status.map(ToOwned::to_owned),
        identities,
        manager,
        archive,
        settings,
    })
}

/// `secretArchive`: a vault, or a mapping that says whether it is in use too.
fn archive(
    node: Node<'_>,
    vaults: &Vaults,
    around: &Surroundings,
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
        vault_named(vault, vaults, around, problems)?.to_string()
    };
    Some(SecretArchive { vault, enabled })
}

/// `secretArchiveSettings`: `vault` names one, `vault-uri` is the address as it stands there.
fn settings(
    node: Node<'_>,
    vaults: &Vaults,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<ArchiveSettings> {
    const KEYS: &[&str] = &["vault", "vault-uri", "identity", "provider"];
    let section = Section::read(node, "`settings`", KEYS, problems)?;
    let uri = text(&section, "vault-uri", problems)?;
    let named = match given(&section, "vault") {
        None => None,
        Some(node) => Some(vault_named(node, vaults, around, problems)?),
    };
    let uri_of = |id: VaultId| match vaults.get(&id) {
        Some(VaultSeen { row: Some(row), .. }) => row.uri.clone(),
        _ => around.uri(&id),
    };
    let identity = match given(&section, "identity") {
        None => None,
        Some(node) if node.as_text() == Some("system") => Some(AssociatedIdentity::System),
        Some(node) => {
            let kind = UserAssignedIdentityId::RESOURCE_TYPE;
            let id = reference(node, kind, &around.clusters, problems)?;
            Some(AssociatedIdentity::User(id))
        }
    };
    Some(ArchiveSettings {
        vault_uri: uri.map(ToOwned::to_owned).or(named.map(uri_of)),
        identity,
        provider: text(&section, "provider", problems)?.map(ToOwned::to_owned),
    })
}
