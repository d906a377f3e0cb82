//! The input of a decision: what is asked about, and what is known of it.
//!
//! It must not judge what is known; where something is not, it says what to read.

use time::Date;

use super::{
    Read,
    stop::{Stop, all, both, known},
};
use crate::{
    api_version::ApiVersion,
    id::{ClusterId, Scope, VaultId},
    inventory::{Inventory, Listed, Sighting},
    policy::{Policy, Rule},
    resource::{Cluster, Provider, Vault},
    result::{Outcome, reason},
};

/// What is asked about: one cluster, and what holds for the whole process.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The cluster.
    pub cluster: &'a ClusterId,
    /// A vault that may not be listed yet.
    pub vault_hint: Option<&'a VaultId>,
    /// Today in UTC, for exemptions.
    pub today: Date,
    /// The suffix of vault addresses in this cloud, such as `vault.azure.net`.
    pub vault_suffix: &'a str,
}

/// Everything that the decision about one cluster rests on.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) policy: &'a Policy,
    pub(super) vault_hint: Option<&'a VaultId>,
    pub(super) today: Date,
    pub(super) vault_suffix: &'a str,
    pub(super) inventory: &'a Inventory,
    pub(super) provider: &'a Provider,
    pub(super) tenant: &'a str,
    /// The api-version that the cluster is read with.
    pub(super) version: ApiVersion,
    pub(super) cluster: &'a Cluster,
}

impl<'a> Input<'a> {
    /// What there has to be of any cluster: first what needs nothing else, then the cluster.
    pub(super) fn of(subject: &Subject<'a>, inventory: &'a Inventory) -> Result<Self, Stop> {
        let subscription = subject.cluster.subscription();
        let provider = inventory.providers.get(subscription);
        let provider = known(provider, || Read::Provider(subscription.clone()));
        let tenant = inventory.tenants.get(subscription);
        let tenant = known(tenant, || Read::Tenant(subscription.clone()));
        let of_subscription = both(provider, tenant);
        let ((provider, tenant), ()) = both(of_subscription, hinted(subject, inventory))?;
        let version = ApiVersion::newest(&provider.cluster_api_versions).ok_or_else(|| {
            let reason = reason::no_known_api_version(subject.cluster);
            Stop::End(Outcome::Failed, reason)
        })?;
        let cluster = inventory.clusters.get(subject.cluster);
        let cluster = known(cluster, || Read::Cluster(subject.cluster.clone(), version))?;
        let absent = || Stop::End(Outcome::Gone, reason::not_found(subject.cluster));
        Ok(Self {
            policy: subject.policy,
            vault_hint: subject.vault_hint,
            today: subject.today,
            vault_suffix: subject.vault_suffix,
            inventory,
            provider,
            tenant,
            version,
            cluster: cluster.as_ref().ok_or_else(absent)?,
        })
    }

    /// The vault as it was read live.
    pub(super) fn sighting(&self, vault: &VaultId) -> Option<&'a Sighting> {
        self.inventory.vaults.get(vault)
    }

    /// The vault, where a live read shows that it is there.
    pub(super) fn found(&self, vault: &VaultId) -> Option<&'a Vault> {
        match self.sighting(vault)? {
            Sighting::Found(vault) => Some(vault),
            Sighting::NotFound | Sighting::Forbidden => None,
        }
    }

    /// A vault has to have been read live, whatever that showed.
    pub(super) fn live(&self, vault: &Vault) -> Result<&'a Sighting, Stop> {
        known(self.sighting(&vault.id), || Read::Vault(vault.id.clone()))
    }

    /// What the boundaries of a rule hold; lists that were kept will do.
    pub(super) fn lists(&self, rule: &Rule) -> Result<Vec<&'a Listed>, Stop> {
        self.listed(rule, false)
    }

    /// The same, as it is listed now: no refusal, first binding or move rests on a list that was begun before the request.
    pub(super) fn current_lists(&self, rule: &Rule) -> Result<Vec<&'a Listed>, Stop> {
        self.listed(rule, true)
    }

    fn listed(&self, rule: &Rule, has_to_be_current: bool) -> Result<Vec<&'a Listed>, Stop> {
        let list = |scope: &Scope| {
            let listed = self.inventory.listed.get(scope);
            let listed = listed.filter(|listed| listed.is_current || !has_to_be_current);
            known(listed, || match has_to_be_current {
                true => Read::CurrentVaults(scope.clone()),
                false => Read::Vaults(scope.clone()),
            })
        };
        all(rule.vaults.within.iter().map(list))
    }

    /// May this vault be read at all?
    pub(super) fn may_read(&self, vault: &VaultId) -> bool {
        self.policy.covers(vault.subscription()) || self.policy.reaches(vault)
    }

    /// The address that a vault of this name has in this cloud.
    pub(super) fn host_of(&self, vault: &VaultId) -> String {
        self.host_named(vault.name())
    }

    /// The same, for whoever has the name alone.
    pub(super) fn host_named(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        format!("{name}.{}", self.vault_suffix)
    }
}

/// The vault that an event named joins those that are listed, be it beside a boundary.
fn hinted(subject: &Subject<'_>, inventory: &Inventory) -> Result<(), Stop> {
    match subject.vault_hint.filter(|hint| {
        subject
            .policy
            .vault_subscriptions
            .contains(hint.subscription())
    }) {
        None => Ok(()),
        Some(hint) => known(inventory.vaults.get(hint), || Read::Vault(hint.clone())).map(|_| ()),
    }
}
