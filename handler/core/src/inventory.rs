//! The inventory: what is known of Azure, by id, of one cluster or of a whole estate.
//!
//! It must not judge: an inventory says what was read, `decision` says what it means. What is not in it is not known.

pub mod file;
mod offline;
mod vault_list;
pub(crate) mod written;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    decision::Read,
    id::{ClusterId, ClusterManagerId, Scope, SubscriptionId, VaultId},
    resource::{Cluster, Identities, PrincipalId, Provider, RoleAssignment, Vault},
};

pub use vault_list::{Listed, VaultList, Visibility};

/// Everything that is known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Inventory {
    /// When an estate was captured; what is not in one that a person wrote down does not exist.
    #[serde(with = "time::serde::rfc3339::option")]
    pub captured: Option<OffsetDateTime>,
    /// The directory of a subscription, in lower case.
    pub tenants: BTreeMap<SubscriptionId, String>,
    /// Whether a subscription can be seen at all.
    pub visible: BTreeMap<SubscriptionId, bool>,
    /// The provider's registration in a subscription.
    pub providers: BTreeMap<SubscriptionId, Provider>,
    /// The vaults of a boundary, as it was listed.
    pub listed: BTreeMap<Scope, Listed>,
    /// Clusters; none where there is no such cluster.
    pub clusters: BTreeMap<ClusterId, Option<Cluster>>,
    /// Cluster managers' identities; none where there is no such manager.
    pub managers: BTreeMap<ClusterManagerId, Option<Identities>>,
    /// Vaults that were read live: they win over what is listed.
    pub vaults: BTreeMap<VaultId, Sighting>,
    /// Addresses of vaults (host, lower case) that were searched for, and the id where one was found.
    pub vaults_by_host: BTreeMap<String, Option<VaultId>>,
    /// The vaults of a subscription in the soft-deleted state.
    pub deleted_vaults: BTreeMap<SubscriptionId, Vec<VaultId>>,
    /// What Key Vault says of names, in lower case; they are unique in the cloud.
    pub vault_names: BTreeMap<String, NameState>,
    /// Some vault that is there, where one was searched for.
    pub any_vault: Option<Option<VaultId>>,
    /// The two platform service principals; none in it where the directory does not have them both.
    pub platform_principals: Option<Vec<PrincipalId>>,
    /// Role assignments that reach a vault, for each principal that was asked about.
    pub roles: BTreeMap<VaultId, BTreeMap<PrincipalId, Vec<RoleAssignment>>>,
    /// Clusters that could not be read, and why.
    pub unread: BTreeMap<ClusterId, String>,
    /// What may not be read, of what only tells which roles a move leaves behind.
    #[serde(skip)]
    pub refused: Vec<Read>,
    /// What is in it by assumption: nobody read it.
    #[serde(skip)]
    pub assumed: Vec<Read>,
}

/// What a read of one vault showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sighting {
    /// It is there.
    Found(Vault),
    /// It was not found.
    NotFound,
    /// It may not be read, or its subscription cannot be seen.
    Forbidden,
}

/// What Key Vault says of the name of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NameState {
    /// No vault has it, nor is it kept for a deleted one.
    Free,
    /// Some vault has it, or it is kept for one.
    Taken,
    /// That may not be asked.
    Forbidden,
}

impl Inventory {
    /// Takes in what another one knows; what both know is as the other has it.
    pub fn extend(&mut self, more: Self) {
        self.tenants.extend(more.tenants);
        self.visible.extend(more.visible);
        self.providers.extend(more.providers);
        self.listed.extend(more.listed);
        self.clusters.extend(more.clusters);
        self.managers.extend(more.managers);
        self.vaults.extend(more.vaults);
        self.vaults_by_host.extend(more.vaults_by_host);
        self.deleted_vaults.extend(more.deleted_vaults);
        self.vault_names.extend(more.vault_names);
        if more.any_vault.is_some() {
            self.any_vault = more.any_vault;
        }
        for (vault, rows) in more.roles {
            self.roles.entry(vault).or_default().extend(rows);
        }
        self.unread.extend(more.unread);
        self.refused.extend(more.refused);
        self.assumed.extend(more.assumed);
        if more.platform_principals.is_some() {
            self.platform_principals = more.platform_principals;
        }
    }

    /// The cluster, where it is known and there.
    pub fn cluster(&self, id: &ClusterId) -> Option<&Cluster> {
        self.clusters.get(id)?.as_ref()
    }

    /// The vaults that were read live and are there.
    pub fn found_vaults(&self) -> impl Iterator<Item = &Vault> {
        self.vaults.values().filter_map(|sighting| match sighting {
            Sighting::Found(vault) => Some(vault),
            Sighting::NotFound | Sighting::Forbidden => None,
        })
    }

    /// The role assignments of a principal that reach a vault, where they are known.
    pub fn roles_of(
        &self,
        vault: &VaultId,
        principal: &PrincipalId,
    ) -> Option<&Vec<RoleAssignment>> {
        self.roles.get(vault)?.get(principal)
    }
}

#[cfg(test)]
mod tests;
