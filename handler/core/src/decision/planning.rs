//! Planning: the changes that are lacking between what was seen and what was decided.
//!
//! It must not choose: vault, writer and archive are decided when a plan is made.

use uuid::Uuid;

use super::{Case, writer::Assignment};
use crate::{
    id::VaultId,
    inventory::{Cluster, PrincipalId, ProvisioningState, Vault, WRITER_ROLE},
    plan::{Change, Plan},
};

/// All that is to be changed.
pub(super) fn plan(case: &Case<'_>, assignment: &Assignment, vault: &Vault) -> Plan {
    let cluster = case.cluster;
    let mut changes: Vec<Change> = case.registration().into_iter().collect();
    let lacking = assignment
        .principals
        .iter()
        .filter(|(_, row)| row.is_none());
    changes.extend(lacking.map(|(principal, _)| Change::AssignRole {
        vault: vault.id.clone(),
        principal: principal.clone(),
        writer: assignment.writer,
        name: role_assignment_name(&vault.id, principal),
    }));
    let undone = matches!(
        cluster.provisioning_state,
        ProvisioningState::Failed | ProvisioningState::Canceled
    );
    // A right value that a failed operation left behind is not in force: it is set again.
    if undone || !assignment.archive.is_shown_by(cluster) {
        changes.push(Change::SetArchive {
            cluster: cluster.id.clone(),
            archive: assignment.archive.clone(),
            etag: cluster.etag.clone(),
            version: case.version,
        });
    }
    Plan { changes }
}

/// Must the cluster's present operation end before anything can be done or said?
pub(super) fn awaits_cluster(plan: &Plan, cluster: &Cluster) -> bool {
    let sets = plan
        .changes
        .iter()
        .any(|it| matches!(it, Change::SetArchive { .. }));
    match cluster.provisioning_state {
        ProvisioningState::Busy(_) => true,
        ProvisioningState::Unknown(_) => !sets,
        ProvisioningState::Succeeded | ProvisioningState::Failed | ProvisioningState::Canceled => {
            false
        }
    }
}

/// The name of the role assignment: derived from what it grants, so that a second attempt meets the first.
fn role_assignment_name(vault: &VaultId, principal: &PrincipalId) -> Uuid {
    let grants = format!("{}|{WRITER_ROLE}|{principal}", vault.key());
    Uuid::new_v5(&Uuid::NAMESPACE_URL, grants.as_bytes())
}
