//! All of Azure that the decisions are about, in memory: it shows itself, takes changes, and refuses those that must never
//! be made.
//!
//! It must not know which events come.

use std::collections::{BTreeMap, BTreeSet};

use time::macros::date;
use vaultbind_core::{
    archive::ArchiveSpec,
    decision::{Decision, Subject},
    id::{ClusterId, ClusterManagerId, Scope, SubscriptionId, VaultId},
    inventory::{Inventory, Listed, Sighting},
    observation::observe_offline,
    plan::Change,
    policy::Policy,
    resource::{Cluster, Identities, PrincipalId, Provider, Vault},
};

use crate::azure::carry_out;

pub(super) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
pub(super) const TENANT: &str = "99999999-9999-4999-8999-999999999999";

/// All of Azure that decisions are about.
#[derive(Debug, Clone)]
pub(super) struct World(pub(super) Inventory);

pub(super) fn principal(number: usize) -> PrincipalId {
    format!("aaaaaaaa-0000-4000-8000-{number:012}")
        .parse()
        .unwrap()
}

pub(super) fn cluster_id(number: usize) -> ClusterId {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c{number}").parse().unwrap()
}

pub(super) fn manager_id(number: usize) -> ClusterManagerId {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusterManagers/m{number}").parse().unwrap()
}

/// Vaults with an even number lie within the trust boundary.
pub(super) fn vault_id(number: usize) -> VaultId {
    let group = if number.is_multiple_of(2) {
        "rg-secrets"
    } else {
        "rg-elsewhere"
    };
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/kv-{number}").parse().unwrap()
}

pub(super) fn subscription() -> SubscriptionId {
    SUBSCRIPTION.parse().unwrap()
}

impl World {
    /// An estate of these clusters, each with the manager of its number, and these vaults.
    pub(super) fn new(
        clusters: impl IntoIterator<Item = Cluster>,
        managers: impl IntoIterator<Item = Identities>,
        vaults: impl IntoIterator<Item = Vault>,
        is_registered: bool,
    ) -> Self {
        let mut azure = Inventory::default();
        azure.tenants.insert(subscription(), TENANT.to_owned());
        let state = if is_registered {
            "Registered"
        } else {
            "NotRegistered"
        };
        let provider = Provider {
            state: state.to_owned(),
            cluster_api_versions: vec!["2025-02-01".to_owned()],
        };
        azure.providers.insert(subscription(), provider);
        azure.platform_principals = (!is_registered).then(Vec::new);
        let clusters = clusters
            .into_iter()
            .map(|cluster| (cluster.id.clone(), Some(cluster)));
        azure.clusters.extend(clusters);
        let managers = managers.into_iter().enumerate();
        let managers = managers.map(|(number, identities)| (manager_id(number), Some(identities)));
        azure.managers.extend(managers);
        let mut estate = Self(azure);
        vaults.into_iter().for_each(|vault| estate.put(vault));
        estate
    }

    /// A vault appears, or another of its name does.
    pub(super) fn put(&mut self, vault: Vault) {
        let deleted = self.0.deleted_vaults.entry(subscription()).or_default();
        deleted.retain(|id| *id != vault.id);
        let sighting = Sighting::Found(vault.clone());
        self.0.vaults.insert(vault.id, sighting);
        self.list();
    }

    /// A vault is deleted, with the roles on it.
    pub(super) fn delete(&mut self, vault: &VaultId) {
        if self.0.vaults.remove(vault).is_some() {
            let deleted = self.0.deleted_vaults.entry(subscription()).or_default();
            deleted.push(vault.clone());
            self.0.roles.remove(vault);
            self.list();
        }
    }

    /// ARM lists what there is.
    fn list(&mut self) {
        let listed = Listed::current(self.vaults().cloned());
        self.0
            .listed
            .insert(Scope::Subscription(subscription()), listed);
    }

    pub(super) fn vaults(&self) -> impl Iterator<Item = &Vault> {
        self.0.found_vaults()
    }

    pub(super) fn deleted(&self) -> &[VaultId] {
        self.0
            .deleted_vaults
            .get(&subscription())
            .map_or(&[], |ids| ids)
    }

    pub(super) fn cluster(&self, id: &ClusterId) -> &Cluster {
        self.0.cluster(id).unwrap()
    }

    pub(super) fn cluster_mut(&mut self, id: &ClusterId) -> &mut Cluster {
        self.0.clusters.get_mut(id).unwrap().as_mut().unwrap()
    }

    pub(super) fn has_role(&self, vault: &VaultId, principal: &PrincipalId) -> bool {
        let rows = self.0.roles_of(vault, principal);
        rows.is_some_and(|rows| !rows.is_empty())
    }

    /// Who holds the role on which vault.
    pub(super) fn roles(&self) -> BTreeSet<(VaultId, PrincipalId)> {
        let of_vault = |(vault, of): (&VaultId, &BTreeMap<PrincipalId, _>)| -> Vec<_> {
            of.keys()
                .map(|principal| (vault.clone(), principal.clone()))
                .collect()
        };
        self.0.roles.iter().flat_map(of_vault).collect()
    }

    pub(super) fn decide(&self, policy: &Policy, cluster: &ClusterId) -> Decision {
        let subject = Subject {
            policy,
            cluster,
            vault_hint: None,
            today: date!(2026 - 02 - 03),
            vault_suffix: "vault.azure.net",
        };
        observe_offline(&self.0, &subject).decision
    }

    /// Carries a plan out, as far as it may go wrong in ways that must never happen.
    pub(super) fn act(&mut self, decision: &Decision) {
        let bound = decision.vault.as_ref().map(|vault| &vault.id);
        let grants = decision.writer.as_ref().unwrap();
        for change in &decision.plan.changes {
            match change {
                Change::RegisterProvider(_) => {}
                Change::AssignRole {
                    vault, principal, ..
                } => {
                    assert_eq!(
                        Some(vault),
                        bound,
                        "a role on another vault than the chosen one"
                    );
                    assert!(
                        grants
                            .principals
                            .iter()
                            .any(|(granted, _)| granted == principal),
                        "a role for somebody who writes nothing"
                    );
                }
                Change::SetArchive {
                    cluster, archive, ..
                } => self.check_archive(cluster, archive),
            }
        }
        carry_out(&mut self.0, &decision.plan);
    }

    fn check_archive(&self, id: &ClusterId, archive: &ArchiveSpec) {
        let (ArchiveSpec::Legacy { vault } | ArchiveSpec::Settings { vault, .. }) = archive;
        assert!(
            self.fit_for(self.cluster(id)).contains(vault),
            "{id} was pointed at {vault}, which the policy does not have for it"
        );
    }

    /// One delivery of a request: observes, acts, observes again until there is nothing left to do.
    pub(super) fn reconcile(&mut self, policy: &Policy, cluster: &ClusterId) {
        let before = self.roles();
        for _ in 0..4 {
            let decision = self.decide(policy, cluster);
            if decision.is_bound() && !decision.plan.is_empty() {
                self.act(&decision);
            } else {
                let after = self.roles();
                let given: Vec<_> = after.difference(&before).collect();
                self.check_given(policy, cluster, &given);
                return;
            }
        }
        panic!("{cluster} is never right");
    }
}
