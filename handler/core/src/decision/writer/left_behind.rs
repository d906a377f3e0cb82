//! What a rebinding leaves behind: assignments on the old vault, which a person may take away.
//!
//! It must not have them taken away: other clusters may need them, and secrets stay in the old vault.

use super::{manager, platform_principals, roles::role_rows};
use crate::{
    decision::{Case, Decision, current::Current},
    id::VaultId,
    inventory::{AssociatedIdentity, PrincipalId},
    plan::{Shape, Writer},
};

/// The role assignments on the vault that the cluster is moved away from, of those who wrote to it.
pub(super) fn left_behind(
    case: &Case<'_>,
    current: &Current,
    vault: &VaultId,
    writer: Writer,
    principals: &[PrincipalId],
) -> Result<Vec<String>, Decision> {
    let Current::Bound(old, shape) = current else {
        return Ok(Vec::new());
    };
    if old == vault {
        return Ok(Vec::new());
    }
    let wrote = match (shape, writer) {
        (Shape::SecretArchiveSettings, _) => in_place(case),
        (Shape::SecretArchive, Writer::PlatformApps | Writer::ClusterManager) => {
            principals.to_vec()
        }
        (Shape::SecretArchive, Writer::Cluster) => legacy_writers(case)?,
    };
    let rows = role_rows(case, old, wrote)?;
    // What is inherited was not given for this vault.
    let own = rows.into_iter().filter_map(|(_, row)| row);
    let own = own.filter(|row| row.scope.eq_ignore_ascii_case(old.as_str()));
    Ok(own.map(|row| row.id.clone()).collect())
}

fn in_place(case: &Case<'_>) -> Vec<PrincipalId> {
    let identities = &case.cluster.identities;
    let identity = case
        .cluster
        .settings
        .as_ref()
        .and_then(|it| it.identity.as_ref());
    let principal = match identity {
        Some(AssociatedIdentity::System) => identities.system.clone(),
        Some(AssociatedIdentity::User(id)) => identities.user.get(id).cloned().flatten(),
        None => None,
    };
    principal.into_iter().collect()
}

/// Who writes where the cluster shows the older property: the manager where it has an identity, else the apps.
fn legacy_writers(case: &Case<'_>) -> Result<Vec<PrincipalId>, Decision> {
    let manager = manager(case)?;
    let of_manager = manager.system.iter().chain(manager.user.values().flatten());
    let of_manager: Vec<PrincipalId> = of_manager.cloned().collect();
    if of_manager.is_empty() {
        return Ok(platform_principals(case)?.unwrap_or_default());
    }
    Ok(of_manager)
}
