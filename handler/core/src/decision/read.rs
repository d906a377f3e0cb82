//! The reads: what a decision may ask for.
//!
//! It must not read.

use std::fmt;

use crate::{
    api_version::ApiVersion,
    id::{ClusterId, ClusterManagerId, SubscriptionId, VaultId},
    resource::PrincipalId,
};

/// Something to read before the decision can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The provider's registration in a subscription, and the api-versions it serves.
    Provider(SubscriptionId),
    /// The directory of a subscription.
    Tenant(SubscriptionId),
    /// The vaults of a subscription; a list that was kept will do.
    Vaults(SubscriptionId),
    /// The same, listed after the request was first sent.
    CurrentVaults(SubscriptionId),
    /// The cluster.
    Cluster(ClusterId, ApiVersion),
    /// One vault.
    Vault(VaultId),
    /// The vault that has this address.
    VaultByHost(String),
    /// The deleted vaults of a subscription.
    DeletedVaults(SubscriptionId),
    /// The object ids of the two platform apps.
    PlatformPrincipals,
    /// The identities of the cluster manager.
    Manager(ClusterManagerId, ApiVersion),
    /// The role assignments of a principal that reach a vault.
    Roles(VaultId, PrincipalId),
}

/// In words: for whoever tells what a decision asked for.
impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(_) => f.write_str("provider"),
            Self::Tenant(_) => f.write_str("tenant"),
            Self::Vaults(_) => f.write_str("candidates"),
            Self::CurrentVaults(_) => f.write_str("current candidates"),
            Self::Cluster(_, version) => write!(f, "cluster by {version}"),
            Self::Vault(id) => write!(f, "vault {}", id.name()),
            Self::VaultByHost(host) => write!(f, "vault at {host}"),
            Self::DeletedVaults(subscription) => write!(f, "deleted vaults of {subscription}"),
            Self::PlatformPrincipals => f.write_str("platform principals"),
            Self::Manager(id, _) => write!(f, "manager {}", id.name()),
            Self::Roles(vault, principal) => write!(f, "roles of {principal} on {}", vault.name()),
        }
    }
}
