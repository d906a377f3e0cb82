//! What a rebinding leaves behind: assignments on the old vault, which a person may take away.
//!
//! It must not have them taken away: other clusters may need them, and secrets stay in the old vault.

use super::{manager, platform_principals, roles::role_rows};
use crate::{
    archive::ArchiveProperty,
    decision::{current::CurrentBinding, input::Input, stop::Stop},
    id::VaultId,
    plan::Writer,
    resource::{AssociatedIdentity, PrincipalId},
};

/// The role assignments on the vault that the cluster is moved away from, of those who wrote to it.
pub(super) fn left_behind(
    input: &Input<'_>,
    current: &CurrentBinding,
    vault: &VaultId,
    writer: Writer,
    principals: &[PrincipalId],
) -> Result<Vec<String>, Stop> {
    let CurrentBinding::Bound { id: old, shape, .. } = current else {
        return Ok(Vec::new());
    };
    if old == vault {
        return Ok(Vec::new());
    }
    let wrote = match (shape, writer) {
        (ArchiveProperty::SecretArchiveSettings, _) => in_place(input),
        (ArchiveProperty::SecretArchive, Writer::PlatformApps | Writer::ClusterManager) => {
            principals.to_vec()
        }
        (ArchiveProperty::SecretArchive, Writer::Cluster) => legacy_writers(input)?,
    };
    let rows = role_rows(input, old, wrote)?;
    // What is inherited was not given for this vault.
    let own = rows.into_iter().filter_map(|(_, row)| row);
    let own = own.filter(|row| row.scope.eq_ignore_ascii_case(old.as_str()));
    Ok(own.map(|row| row.id.clone()).collect())
}

fn in_place(input: &Input<'_>) -> Vec<PrincipalId> {
    let identities = &input.cluster.identities;
    let identity = input
        .cluster
        .settings
        .as_ref()
        .and_then(|settings| settings.identity.as_ref());
    let principal = match identity {
        Some(AssociatedIdentity::System) => identities.system.clone(),
        Some(AssociatedIdentity::User(id)) => identities.user.get(id).cloned().flatten(),
        None => None,
    };
    principal.into_iter().collect()
}

/// Who writes where the cluster shows the older property: the manager where it has an identity, else the apps.
fn legacy_writers(input: &Input<'_>) -> Result<Vec<PrincipalId>, Stop> {
    let manager = manager(input)?;
    let of_manager = manager.system.iter().chain(manager.user.values().flatten());
    let of_manager: Vec<PrincipalId> = of_manager.cloned().collect();
    if of_manager.is_empty() {
        return platform_principals(input);
    }
    Ok(of_manager)
}
