//! A captured estate: what Azure showed of clusters, vaults and roles, so that decisions can be made without Azure.
//!
//! It must not hold more than decisions ask for: no secrets, no rack data, no entity tags. `read` and `write` are its file
//! format; whoever captures one takes in inventories.

mod json;
mod look;
pub(crate) mod read;
mod write;

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    api_version::{self, ApiVersion},
    decision::Read,
    id::{ClusterId, ClusterManagerId, SubscriptionId, VaultId},
    inventory::{DeletedVault, Inventory, VaultSighting},
    policy::Policy,
    resource::{Cluster, Identities, PrincipalId, Provider, RoleAssignment, Vault},
};

pub use look::{Listing, Look};
pub use read::{Surroundings, load};

/// The directory of subscriptions that a file does not describe.
pub(crate) const TENANT: &str = "00000000-0000-4000-8000-00000000feed";

/// What Azure showed, or what a person wrote down.
#[derive(Debug, Clone, Default)]
pub struct Estate {
    /// When it was captured; a person's estate has no such time, and what is not in it does not exist.
    pub captured: Option<OffsetDateTime>,
    /// Subscriptions of clusters and vaults.
    pub subscriptions: BTreeMap<SubscriptionId, Subscription>,
    /// The clusters in scope.
    pub clusters: BTreeMap<ClusterId, Cluster>,
    /// Cluster managers; none where there is no such manager.
    pub managers: BTreeMap<ClusterManagerId, Option<Identities>>,
    /// Vaults that were listed or looked at.
    pub vaults: BTreeMap<VaultId, VaultSeen>,
    /// Addresses of vaults that were searched for.
    pub addresses: BTreeMap<String, Option<VaultId>>,
    /// The two platform apps, where they were looked up; none in it where the directory does not have them both.
    pub platform_apps: Option<Option<Vec<PrincipalId>>>,
    /// Role assignments by vault and principal, where they were looked up.
    pub roles: BTreeMap<(VaultId, PrincipalId), Vec<RoleAssignment>>,
    /// Clusters that could not be looked at, and why.
    pub unread: BTreeMap<ClusterId, String>,
}

/// What is known of a subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Its directory.
    pub tenant: Option<String>,
    /// The registration of Microsoft.NetworkCloud.
    pub provider: Option<Provider>,
    /// Its deleted vaults, where they were looked up.
    pub deleted_vaults: Option<Vec<DeletedVault>>,
    /// Were its vaults listed?
    pub is_listed: bool,
}

/// A vault as it was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultSeen {
    /// As Resource Graph lists it, where it does.
    pub row: Option<Vault>,
    /// What a read of its own showed, where it was read.
    pub live: Option<VaultSighting>,
}

impl VaultSeen {
    /// A vault that a live read and Resource Graph show alike.
    pub fn settled(vault: Vault) -> Self {
        Self {
            row: Some(vault.clone()),
            live: Some(VaultSighting::Live(vault)),
        }
    }
}

impl Estate {
    /// Takes in what was read for the decision about one cluster.
    pub fn take_in(&mut self, cluster: &ClusterId, inventory: &Inventory) {
        let own = self.subscription(cluster.subscription());
        own.tenant = inventory.tenant.clone().or(own.tenant.take());
        own.provider = inventory.provider.clone().or(own.provider.take());
        if let Some(Some(seen)) = &inventory.cluster {
            let seen = Cluster {
                etag: None,
                ..seen.clone()
            };
            if let (Some(manager), Some(identities)) = (&seen.manager, &inventory.manager) {
                self.managers.insert(manager.clone(), identities.clone());
            }
            self.clusters.insert(cluster.clone(), seen);
        }
        for row in inventory.candidates.iter().flat_map(|it| it.all()) {
            let seen = self.vaults.entry(row.id.clone()).or_default();
            // Every cluster sees the same rows: they are compared before they are copied.
            if seen.row.as_ref() != Some(row) {
                seen.row = Some(row.clone());
            }
        }
        for (id, sighting) in &inventory.vaults {
            self.vaults.entry(id.clone()).or_default().live = Some(sighting.clone());
        }
        for (subscription, deleted) in &inventory.deleted_vaults {
            self.subscription(subscription).deleted_vaults = Some(deleted.clone());
        }
        self.addresses.extend(inventory.vaults_by_host.clone());
        self.roles.extend(inventory.roles.clone());
        self.platform_apps = inventory
            .platform_principals
            .clone()
            .or(self.platform_apps.take());
    }

    /// Takes in what lists of a subscription's vaults showed.
    pub fn list(
        &mut self,
        id: &SubscriptionId,
        vaults: Vec<Vault>,
        deleted: Option<Vec<DeletedVault>>,
    ) {
        let subscription = self.subscription(id);
        subscription.is_listed = true;
        subscription.deleted_vaults = deleted;
        for row in vaults {
            let seen = self.vaults.entry(row.id.clone()).or_default();
            seen.row = Some(row);
        }
    }

    /// What a decision under another policy could ask for besides what this one has read.
    pub fn beyond(policy: &Policy, inventory: &Inventory) -> Vec<Read> {
        let Some(Some(cluster)) = &inventory.cluster else {
            return Vec::new();
        };
        let mut reads = Vec::new();
        let provider = inventory.provider.as_ref();
        let version = provider.and_then(|it| ApiVersion::newest(&it.cluster_api_versions));
        if let (Some(manager), None, Some(version)) =
            (&cluster.manager, &inventory.manager, version)
        {
            reads.push(Read::Manager(manager.clone(), version));
        }
        if inventory.platform_principals.is_none() {
            reads.push(Read::PlatformPrincipals);
        }
        let bound = cluster
            .archive
            .as_ref()
            .and_then(|it| it.vault.parse::<VaultId>().ok());
        let may_be_read = |it: &VaultId| {
            policy.covers(it.subscription())
                || policy.rules.iter().any(|rule| rule.vaults.is_within(it))
        };
        let unread = bound.filter(|it| !inventory.vaults.contains_key(it));
        reads.extend(unread.filter(may_be_read).map(Read::Vault));
        reads
    }

    /// What is known of a subscription, to be added to.
    pub fn subscription(&mut self, id: &SubscriptionId) -> &mut Subscription {
        self.subscriptions.entry(id.clone()).or_default()
    }

    /// Did a person write it down? Then what is not in it does not exist; else it was not looked at.
    pub fn is_whole(&self) -> bool {
        self.captured.is_none()
    }
}

/// The registration that a subscription has where nothing else is said.
fn registered() -> Provider {
    let versions = api_version::KNOWN.iter().map(ToString::to_string);
    Provider {
        state: "Registered".to_owned(),
        cluster_api_versions: versions.collect(),
    }
}

/// The object id of somebody whom a person's file names without it.
fn principal_of(who: &str) -> PrincipalId {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, who.as_bytes());
    PrincipalId::from(id)
}

#[cfg(test)]
mod tests;
