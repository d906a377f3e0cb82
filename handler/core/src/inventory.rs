//! What was observed in Azure: clusters, vaults, role assignments, the provider's registration, with every gap stated.
//!
//! It must not judge: an inventory says what was read, `decision` says what it means.

mod candidates;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    id::{SubscriptionId, VaultId},
    resource::{Cluster, Identities, PrincipalId, Provider, RoleAssignment, Vault},
};

pub use candidates::Candidates;

/// What is known of one vault that was looked at by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultSighting {
    /// It is there.
    Live(Vault),
    /// A live read did not find it.
    Absent,
    /// It may not be read.
    Denied,
}

/// Everything that was observed for one reconcile; `None` is what was not looked at yet.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The cluster; the inner `None` says that it does not exist.
    pub cluster: Option<Option<Cluster>>,
    /// The directory of the cluster's subscription, in lower case.
    pub tenant: Option<String>,
    /// The provider's registration in the cluster's subscription.
    pub provider: Option<Provider>,
    /// The vaults that Resource Graph shows in the policy's trust boundaries.
    pub candidates: Option<Arc<Candidates>>,
    /// Were the candidates read after the request was first sent? No refusal may rest on older ones.
    pub candidates_are_current: bool,
    /// Vaults that were read live: they win over what Resource Graph shows.
    pub vaults: BTreeMap<VaultId, VaultSighting>,
    /// Addresses of vaults (host, lower case) that were searched for, and the id where one was found.
    pub vaults_by_host: BTreeMap<String, Option<VaultId>>,
    /// The vaults among the deleted ones, searched per subscription.
    pub deleted_vaults: BTreeMap<SubscriptionId, Vec<DeletedVault>>,
    /// The two platform service principals; the inner `None` says that the directory does not have them both.
    pub platform_principals: Option<Option<Vec<PrincipalId>>>,
    /// The identities of the cluster's manager; the inner `None` says that the manager does not exist.
    pub manager: Option<Option<Identities>>,
    /// Role assignments that reach a vault, for each principal that was asked about.
    pub roles: BTreeMap<(VaultId, PrincipalId), Vec<RoleAssignment>>,
}

/// A vault in the soft-deleted state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedVault {
    /// The id that the vault had.
    pub id: VaultId,
}
