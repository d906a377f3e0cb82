//! How the services behave, as far as a test or a scenario may choose.
//! It holds switches alone; what they do is with the service.

use std::time::Duration;

use super::{Azure, key, within};

/// How a PATCH of a cluster ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchMode {
    /// With 200 and the cluster.
    Immediate,
    /// With 202 and an operation that ends with the given look at it, or at the cluster; at least one.
    Polls(u32),
    /// With 202 and an operation that ends after so much simulated time.
    Takes(Duration),
}

/// How a change that ARM took on is followed, and how its end is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationStyle {
    /// By `Azure-AsyncOperation`, and one of the three words for an end.
    Words,
    /// By the same, and this word for a success or a failure.
    OtherWord(String),
    /// By `Location` alone: 202 as long as it goes on, then 200 with the cluster.
    LocationOfCluster,
    /// The same, then 204.
    LocationOfNothing,
}

/// What becomes of a change of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What the platform's own check says.
    Checked,
    /// It fails with this code, whatever the check says.
    Failed(String),
    /// Somebody cancels it.
    Canceled,
    /// It never ends.
    Never,
}

/// When a new role assignment begins to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolePropagation {
    /// After the platform has looked for it in vain so many times.
    Checks(u32),
    /// After so much simulated time.
    Time(Duration),
}

/// What a PUT answers that repeats an existing role assignment under its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatedPut {
    /// 200.
    Ok,
    /// 201.
    Created,
    /// 409 `RoleAssignmentExists`.
    Conflict,
}

/// An api-version that a service does not serve here, as a cloud or a region that lags behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unserved {
    /// The namespace, as in `Microsoft.KeyVault`.
    pub namespace: String,
    /// The api-version; every one where it is empty.
    pub version: String,
    /// The code by which it says so.
    pub code: String,
    /// The region of the resources that it is not served for; everywhere where it is empty.
    pub region: String,
}

/// All switches.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// How a PATCH ends where the cluster has no mode of its own.
    pub patch: PatchMode,
    /// What becomes of changes where the cluster has no ending of its own.
    pub ending: Ending,
    /// Whether the platform checks that the vault exists and the writer may write to it.
    pub check_access: bool,
    /// Whether it checks the older property as well; that it does is not told.
    pub check_archive: bool,
    /// Whether the directory is asked for a principal whose type the caller names; which of both Azure does is not told.
    pub look_up_typed_principals: bool,
    /// When a new role assignment begins to act.
    pub role_propagation: RolePropagation,
    /// What a repeated PUT of a role assignment answers.
    pub repeated_put: RepeatedPut,
    /// How many role assignments fit into the tenant.
    pub assignment_limit: usize,
    /// Whether a PATCH leaves the members of settings that it does not name; which of both Azure does is not told.
    pub settings_merge: bool,
    /// How many rows a page of a list has.
    pub page_size: usize,
    /// The seconds of the `Retry-After` header of a long-running operation.
    pub operation_retry_after: Option<u64>,
    /// How a change that ARM took on is followed.
    pub operation_style: OperationStyle,
    /// What the headers of a 202 point at instead of the operation.
    pub operation_url: Option<String>,
    /// Whether Resource Graph cuts its answers short and gives no token for the rest.
    pub cut_queries: bool,
    /// The api-versions that are not served.
    pub unserved: Vec<Unserved>,
    /// How many looks at a provider show `Registering` after a registration.
    pub registering_for: u32,
    /// Whether every name of a vault is said to be free; an endpoint that does so has been seen.
    pub every_name_is_free: bool,
    /// Whether the name of a deleted vault that can be recovered is said to be taken; what Azure says is not told.
    pub deleted_names_are_taken: bool,
    /// Whether Graph refuses for want of a permission.
    pub graph_forbidden: bool,
    /// Whether changes raise Event Grid events.
    pub emit_events: bool,
    /// What ARM says is left of the quota for reads.
    pub remaining_reads: u32,
    /// What ARM says is left of the quota for writes.
    pub remaining_writes: u32,
    /// What Resource Graph says is left of its quota.
    pub remaining_queries: u32,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            patch: PatchMode::Polls(2),
            ending: Ending::Checked,
            check_access: true,
            check_archive: true,
            look_up_typed_principals: true,
            role_propagation: RolePropagation::Checks(0),
            repeated_put: RepeatedPut::Ok,
            assignment_limit: 4000,
            settings_merge: false,
            page_size: 100,
            operation_retry_after: None,
            operation_style: OperationStyle::Words,
            operation_url: None,
            cut_queries: false,
            unserved: Vec::new(),
            registering_for: 2,
            every_name_is_free: false,
            deleted_names_are_taken: true,
            graph_forbidden: false,
            emit_events: true,
            remaining_reads: 249,
            remaining_writes: 199,
            remaining_queries: 14,
        }
    }
}

impl Azure {
    /// How the next `times` changes of this cluster end, instead of how changes end in general.
    pub fn set_endings(&mut self, cluster_id: &str, ending: Ending, times: usize) {
        self.endings.insert(key(cluster_id), (ending, times));
    }

    /// The ending that is left for a change of this cluster; it counts.
    pub(super) fn take_ending(&mut self, cluster_id: &str) -> Option<Ending> {
        let (ending, left) = self.endings.get_mut(&key(cluster_id))?;
        *left = left.checked_sub(1)?;
        Some(ending.clone())
    }
}

/// A right that Vaultbind's identity lacks.
#[derive(Clone, Debug)]
pub(super) struct Denial {
    pub(super) action: String,
    pub(super) scope_prefix: String,
}

impl Denial {
    pub(super) fn covers(&self, action: &str, scope: &str) -> bool {
        let wanted = self.action.to_ascii_lowercase();
        let action = action.to_ascii_lowercase();
        let covered = match wanted.strip_suffix('*') {
            Some(prefix) => action.starts_with(prefix),
            None => action == wanted,
        };
        covered && within(scope, &self.scope_prefix)
    }
}
