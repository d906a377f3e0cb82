//! Looking at an estate: the decision's reads are answered from it, until there is a decision.
//!
//! It must not answer silently what the estate does not know: what was taken for granted comes back with the decision.

use std::{collections::BTreeSet, sync::Arc};

use super::{Estate, principal_of, registered};
use crate::{
    api_version::ApiVersion,
    decision::{Decision, Read, Subject, decide},
    id::{ClusterId, VaultId},
    inventory::{Candidates, Inventory, VaultSighting},
    policy::Policy,
    resource::{Cluster, Vault, vault_host},
    result::{Outcome, reason},
};

/// More rounds than any decision takes.
const MAX_ROUNDS: usize = 40;

/// What a look at one cluster of an estate showed.
#[derive(Debug, Clone)]
pub struct Look {
    /// What was seen.
    pub inventory: Inventory,
    /// What follows.
    pub decision: Decision,
    /// What was asked for and is not in the estate: nothing was taken to be there.
    pub assumed: Vec<Read>,
}

/// The vaults that a policy has listed: the same for every cluster.
#[derive(Debug, Clone)]
pub struct Listing {
    vaults: Arc<Candidates>,
    is_known: bool,
}

impl Estate {
    /// The vaults of every subscription in which a rule's boundary lies, as a live reading lists them.
    pub fn listing(&self, policy: &Policy) -> Listing {
        let within = policy.rules.iter().flat_map(|rule| &rule.vaults.within);
        let subscriptions: BTreeSet<_> = within.map(|it| it.subscription()).collect();
        let rows = self.vaults.values().filter_map(|it| it.row.as_ref());
        let listed = rows.filter(|row| subscriptions.contains(row.id.subscription()));
        let is_listed = |it| self.subscriptions.get(it).is_some_and(|it| it.is_listed);
        Listing {
            vaults: Arc::new(listed.cloned().collect()),
            is_known: subscriptions.into_iter().all(is_listed),
        }
    }

    /// Decides about a cluster from what the estate holds.
    pub fn look(&self, listing: &Listing, subject: &Subject<'_>) -> Look {
        let mut inventory = Inventory::default();
        let mut assumed = Vec::new();
        let mut decided = decide(subject, &inventory);
        for _ in 0..MAX_ROUNDS {
            let Err(reads) = &decided else {
                break;
            };
            for read in reads {
                if !self.answer(listing, subject.cluster, read, &mut inventory) {
                    assumed.push(read.clone());
                }
            }
            decided = decide(subject, &inventory);
        }
        let not_there = || Decision::ending(Outcome::Gone, reason::not_found(subject.cluster));
        Look {
            inventory,
            decision: decided.unwrap_or_else(|_| not_there()),
            assumed,
        }
    }

    /// Enters what is read into the inventory; says whether the estate knows it.
    pub fn answer(
        &self,
        listing: &Listing,
        cluster: &ClusterId,
        read: &Read,
        inventory: &mut Inventory,
    ) -> bool {
        let own = self.subscriptions.get(cluster.subscription());
        let is_known = match read {
            Read::Provider => {
                let known = own.and_then(|it| it.provider.clone());
                let is_known = known.is_some();
                inventory.provider = Some(known.unwrap_or_else(registered));
                is_known
            }
            Read::Tenant => {
                let known = own.and_then(|it| it.tenant.clone());
                let is_known = known.is_some();
                inventory.tenant = Some(known.unwrap_or_else(|| super::TENANT.to_owned()));
                is_known
            }
            Read::Candidates | Read::CurrentCandidates => {
                inventory.candidates = Some(Arc::clone(&listing.vaults));
                inventory.candidates_are_current = true;
                listing.is_known
            }
            Read::Cluster(version) => {
                let known = self.clusters.get(cluster);
                inventory.cluster = Some(known.map(|it| as_shown(it, *version)));
                known.is_some()
            }
            Read::Vault(id) => self.vault(id, inventory),
            Read::VaultByHost(host) => self.address(host, inventory),
            Read::DeletedVaults(subscription) => {
                let known = self.subscriptions.get(subscription);
                let known = known.and_then(|it| it.deleted_vaults.clone());
                let is_known = known.is_some();
                let deleted = known.unwrap_or_default();
                inventory
                    .deleted_vaults
                    .insert(subscription.clone(), deleted);
                is_known
            }
            Read::PlatformPrincipals => {
                let apps = || Some(["app 1", "app 2"].map(principal_of).to_vec());
                let known = self.platform_apps.clone();
                let is_known = known.is_some();
                inventory.platform_principals = Some(known.unwrap_or_else(apps));
                is_known
            }
            Read::Manager(id, _) => {
                let known = self.managers.get(id);
                inventory.manager = Some(known.cloned().flatten());
                known.is_some()
            }
            Read::Roles(vault, principal) => {
                let key = (vault.clone(), principal.clone());
                let known = self.roles.get(&key);
                inventory
                    .roles
                    .insert(key, known.cloned().unwrap_or_default());
                known.is_some()
            }
        };
        is_known || self.is_whole()
    }

    /// A vault that was listed and not read is taken for what its row shows; one that is not known may not be read.
    fn vault(&self, id: &VaultId, inventory: &mut Inventory) -> bool {
        let seen = self.vaults.get(id);
        let listed = || seen.and_then(|it| it.row.clone()).map(VaultSighting::Live);
        let known = seen.and_then(|it| it.live.clone()).or_else(listed);
        let is_known = known.is_some();
        let unknown = if self.is_whole() {
            VaultSighting::Absent
        } else {
            VaultSighting::Denied
        };
        inventory
            .vaults
            .insert(id.clone(), known.unwrap_or(unknown));
        is_known
    }

    fn address(&self, host: &str, inventory: &mut Inventory) -> bool {
        let has_it = |vault: &&Vault| vault_host(&vault.uri).as_deref() == Some(host);
        let mut rows = self.vaults.values().filter_map(|it| it.row.as_ref());
        let among_rows = || rows.find(has_it).map(|it| it.id.clone());
        let asked = self.addresses.get(host);
        let found = asked.cloned().unwrap_or_else(among_rows);
        let is_known = asked.is_some() || found.is_some();
        inventory.vaults_by_host.insert(host.to_owned(), found);
        is_known
    }
}

/// The cluster as an api-version shows it: an older one lacks the newer properties.
fn as_shown(cluster: &Cluster, version: ApiVersion) -> Cluster {
    let mut cluster = cluster.clone();
    if !version.has_settings() {
        cluster.settings = None;
        cluster.etag = None;
    }
    if !version.shows_providers()
        && let Some(settings) = &mut cluster.settings
    {
        settings.provider = None;
    }
    cluster
}
