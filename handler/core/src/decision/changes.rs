//! The changes that are lacking between what was seen and what was decided.
//!
//! It must not choose: vault, writer and archive are decided when a plan is made.

use super::{
    input::Input,
    stop::{Patience, Stop},
    writer::Grants,
};
use crate::{
    plan::{Change, Plan},
    policy::Mode,
    resource::{Cluster, ProvisioningState, Vault},
    result::{Outcome, reason},
};

/// The registration of the provider, where it is needed.
pub(super) fn registration(input: &Input<'_>) -> Option<Change> {
    let subscription = input.cluster.id.subscription();
    let is_needed = input.provider.needs_registration();
    is_needed.then(|| Change::RegisterProvider(subscription.clone()))
}

/// All that is to be changed; what follows a registration that the writers come with is planned after it.
pub(super) fn lacking(input: &Input<'_>, grants: &Grants, vault: &Vault) -> Plan {
    let cluster = input.cluster;
    let mut changes: Vec<Change> = registration(input).into_iter().collect();
    if grants.awaits_registration() {
        return Plan { changes };
    }
    let lacking = grants.principals.iter().filter(|(_, row)| row.is_none());
    let role = |principal| Change::assign_role(&vault.id, principal, grants.writer);
    changes.extend(lacking.map(|(principal, _)| role(principal)));
    if !grants.archive.is_in_force(cluster) {
        changes.push(Change::SetArchive {
            cluster: cluster.id.clone(),
            archive: grants.archive.clone(),
            etag: cluster.etag.clone(),
            version: input.version,
        });
    }
    Plan { changes }
}

/// The cluster's present operation has to end before anything can be done or said.
pub(super) fn not_busy(input: &Input<'_>, plan: &Plan) -> Result<(), Stop> {
    // What is only to be told of has no need to wait for its turn.
    let tells_only = input.policy.mode == Mode::Audit && !plan.is_empty();
    if tells_only || !awaits_cluster(plan, input.cluster) {
        return Ok(());
    }
    let cluster = input.cluster;
    let reason = reason::cluster_busy(&cluster.id, &cluster.provisioning_state);
    Err(Stop::Wait(Patience::Deadline, Outcome::Failed, reason))
}

fn awaits_cluster(plan: &Plan, cluster: &Cluster) -> bool {
    let sets = plan.sets_archive();
    match cluster.provisioning_state {
        ProvisioningState::Busy(_) => true,
        ProvisioningState::Unknown(_) => !sets,
        ProvisioningState::Succeeded | ProvisioningState::Failed | ProvisioningState::Canceled => {
            false
        }
    }
}
