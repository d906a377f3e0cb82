//! All of Azure that the decisions are about, in memory: it shows itself, takes changes, and refuses those that must never
//! be made.
//!
//! It must not know which events come.

use std::collections::{BTreeMap, BTreeSet};

use time::{OffsetDateTime, macros::date};
use vaultbind_core::{
    archive::ArchiveSpec,
    decision::{Decision, Subject},
    id::{ClusterId, ClusterManagerId, SubscriptionId, VaultId},
    inventory::{Inventory, Listed, Sighting},
    observation::observe_offline,
    plan::Change,
    policy::Policy,
    resource::{Cluster, Identities, PrincipalId, Provider, RoleAssignment, Vault, WRITER_ROLE},
};

use crate::patched::patch;

pub(super) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
pub(super) const TENANT: &str = "99999999-9999-4999-8999-999999999999";

/// All of Azure that decisions are about.
#[derive(Debug, Clone)]
pub(super) struct Estate {
    pub(super) clusters: BTreeMap<ClusterId, Cluster>,
    pub(super) vaults: BTreeMap<VaultId, Vault>,
    pub(super) deleted: BTreeSet<VaultId>,
    pub(super) managers: BTreeMap<ClusterManagerId, Identities>,
    pub(super) roles: BTreeSet<(VaultId, PrincipalId)>,
    pub(super) registered: bool,
}

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

/// The assignment that gives a principal the role on a vault.
fn role((vault, principal): &(VaultId, PrincipalId)) -> RoleAssignment {
    RoleAssignment {
        id: format!("{vault}/providers/Microsoft.Authorization/roleAssignments/x"),
        role: WRITER_ROLE.to_owned(),
        principal: principal.to_string(),
        scope: vault.to_string(),
        conditional: false,
        created_on: Some(OffsetDateTime::UNIX_EPOCH),
    }
}

impl Estate {
    /// The same as Azure would show it.
    pub(super) fn azure(&self) -> Inventory {
        let own: SubscriptionId = SUBSCRIPTION.parse().unwrap();
        let state = if self.registered {
            "Registered"
        } else {
            "NotRegistered"
        };
        let provider = Provider {
            state: state.to_owned(),
            cluster_api_versions: vec!["2025-02-01".to_owned()],
        };
        let mut azure = Inventory::default();
        azure.tenants.insert(own.clone(), TENANT.to_owned());
        azure.providers.insert(own.clone(), provider);
        let listed = Listed::current(self.vaults.values().cloned());
        azure.listed.insert(own.clone(), listed);
        let deleted = self.deleted.iter().cloned().collect();
        azure.deleted_vaults.insert(own, deleted);
        for (id, it) in &self.clusters {
            azure.clusters.insert(id.clone(), Some(it.clone()));
        }
        for (id, it) in &self.managers {
            azure.managers.insert(id.clone(), Some(it.clone()));
        }
        for (id, it) in &self.vaults {
            let sighting = Sighting::Found(it.clone());
            azure.vaults.insert(id.clone(), sighting);
        }
        for held in &self.roles {
            let of = azure.roles.entry(held.0.clone()).or_default();
            of.insert(held.1.clone(), vec![role(held)]);
        }
        let apps = self.registered.then(|| vec![principal(1), principal(2)]);
        azure.platform_principals = Some(apps.unwrap_or_default());
        azure
    }

    pub(super) fn decide(&self, policy: &Policy, cluster: &ClusterId) -> Decision {
        let subject = Subject {
            policy,
            cluster,
            vault_hint: None,
            today: date!(2026 - 02 - 03),
            vault_suffix: "vault.azure.net",
        };
        observe_offline(&self.azure(), &subject).decision
    }

    /// Carries a binding out, as far as it may go wrong in ways that must never happen.
    pub(super) fn act(&mut self, decision: &Decision) {
        let bound = decision.vault.as_ref().map(|it| &it.id);
        let grants = decision.writer.as_ref().unwrap();
        for change in &decision.plan.changes {
            match change {
                Change::RegisterProvider(_) => self.registered = true,
                Change::AssignRole {
                    vault, principal, ..
                } => {
                    assert_eq!(
                        Some(vault),
                        bound,
                        "a role on another vault than the chosen one"
                    );
                    assert!(
                        grants.principals.iter().any(|(it, _)| it == principal),
                        "a role for somebody who writes nothing"
                    );
                    self.roles.insert((vault.clone(), principal.clone()));
                }
                Change::SetArchive {
                    cluster, archive, ..
                } => self.set_archive(cluster, archive),
            }
        }
    }

    fn set_archive(&mut self, id: &ClusterId, archive: &ArchiveSpec) {
        let (ArchiveSpec::Legacy { vault } | ArchiveSpec::Settings { vault, .. }) = archive;
        assert!(
            self.fit_for(&self.clusters[id]).contains(vault),
            "{id} was pointed at {vault}, which the policy does not have for it"
        );
        patch(self.clusters.get_mut(id).unwrap(), archive);
    }

    /// One delivery of a request: looks, acts, looks again until there is nothing left to do.
    pub(super) fn reconcile(&mut self, policy: &Policy, cluster: &ClusterId) {
        let before = self.roles.clone();
        for _ in 0..4 {
            let decision = self.decide(policy, cluster);
            if decision.is_bound() && !decision.plan.is_empty() {
                self.act(&decision);
            } else {
                let given: Vec<_> = self.roles.difference(&before).collect();
                self.check_given(policy, cluster, &given);
                return;
            }
        }
        panic!("{cluster} is never right");
    }
}
