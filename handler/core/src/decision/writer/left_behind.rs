//! What a rebinding leaves behind: assignments on the old vault, which a person may take away.
//!
//! It must not have them taken away: other clusters may need them, and secrets stay in the old vault.

use super::{manager, platform_principals, roles::role_rows};
use crate::{
    archive::ArchiveProperty,
    decision::{Read, current::CurrentBinding, input::Input, stop::Stop},
    id::VaultId,
    plan::Writer,
    resource::{AssociatedIdentity, PrincipalId},
    result::{Reason, reason},
};

/// Role assignments on the vault that a cluster is moved away from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// The ids of the assignments, of those who wrote to the vault.
    pub roles: Vec<String>,
    /// Why they are not known: a right is missing that the move itself does not need.
    pub unknown: Option<Reason>,
}

/// What a move to this vault leaves behind. It fails no move: what may not be read for it is told.
pub(super) fn left_behind(
    input: &Input<'_>,
    current: &CurrentBinding,
    vault: &VaultId,
    writer: Writer,
    principals: &[PrincipalId],
) -> Result<LeftBehind, Stop> {
    let refused = &input.inventory.refused;
    match rows_left(input, current, vault, writer, principals) {
        Ok(roles) => Ok(LeftBehind {
            roles,
            unknown: None,
        }),
        Err(Stop::Missing(reads)) => match reads.iter().find(|read| refused.contains(read)) {
            Some(read) => Ok(LeftBehind {
                roles: Vec::new(),
                unknown: Some(reason::left_behind_not_visible(read)),
            }),
            None => {
                let reads = reads.into_iter().map(Box::new);
                Err(Stop::Missing(reads.map(Read::LeftBehind).collect()))
            }
        },
        Err(stop) => Err(stop),
    }
}

/// The role assignments on the vault that the cluster is moved away from, of those who wrote to it.
fn rows_left(
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
