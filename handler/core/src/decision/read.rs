//! The reads: what a decision may ask for.
//!
//! It must not read.

use std::fmt;

use crate::{
    api_version::ApiVersion,
    id::{ClusterId, ClusterManagerId, Scope, SubscriptionId, VaultId},
    resource::PrincipalId,
};

/// Something to read before the decision can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The provider's registration in a subscription, and the api-versions it serves.
    Provider(SubscriptionId),
    /// The directory of a subscription.
    Tenant(SubscriptionId),
    /// Whether a subscription can be seen at all.
    Visible(SubscriptionId),
    /// The vaults of a boundary; a list that was kept will do.
    Vaults(Scope),
    /// The same, listed after the request was first sent.
    CurrentVaults(Scope),
    /// The cluster.
    Cluster(ClusterId, ApiVersion),
    /// One vault.
    Vault(VaultId),
    /// The vault that has this address.
    VaultByHost(String),
    /// The deleted vaults of a subscription.
    DeletedVaults(SubscriptionId),
    /// Whether a vault's name is free, as a subscription is told.
    VaultName(SubscriptionId, String),
    /// Any vault that is there.
    AnyVault,
    /// The object ids of the two platform apps.
    PlatformPrincipals,
    /// The identities of the cluster manager.
    Manager(ClusterManagerId, ApiVersion),
    /// The role assignments of a principal that reach a vault.
    Roles(VaultId, PrincipalId),
    /// What only tells which roles a move leaves behind: nothing is decided by it, so that it may be refused.
    LeftBehind(Box<Read>),
}

/// In words: for whoever tells what a decision asked for.
impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(_) => f.write_str("provider"),
            Self::Tenant(_) => f.write_str("tenant"),
            Self::Visible(subscription) => write!(f, "visibility of {subscription}"),
            Self::Vaults(scope) => write!(f, "vaults of {}", scope.short()),
            Self::CurrentVaults(scope) => write!(f, "current vaults of {}", scope.short()),
            Self::Cluster(_, version) => write!(f, "cluster by {version}"),
            Self::Vault(id) => write!(f, "vault {}", id.name()),
            Self::VaultByHost(host) => write!(f, "vault at {host}"),
            Self::DeletedVaults(subscription) => write!(f, "deleted vaults of {subscription}"),
            Self::VaultName(_, name) => write!(f, "name {name}"),
            Self::AnyVault => f.write_str("any vault"),
            Self::PlatformPrincipals => f.write_str("platform principals"),
            Self::Manager(id, _) => write!(f, "manager {}", id.name()),
            Self::Roles(vault, principal) => write!(f, "roles of {principal} on {}", vault.name()),
            Self::LeftBehind(read) => write!(f, "{read} (left behind)"),
        }
    }
}
