//! What has to hold, told by the estate alone.
//!
//! It must not ask the product for its decision.

use std::collections::BTreeSet;

use vaultbind_core::{
    id::{ClusterId, VaultId},
    inventory::{
        ArchiveSettings, AssociatedIdentity, Cluster, Identities, PrincipalId, SecretArchive, Vault,
    },
    policy::{Policy, WriterChoice},
};

use super::estate::{Estate, TENANT, principal};

impl Estate {
    /// The vaults that the policy has for a cluster: of its site, within the boundary, and such as can take the role.
    pub(super) fn fit_for(&self, cluster: &Cluster) -> BTreeSet<VaultId> {
        let site = cluster.tags.get("site").filter(|it| *it != "c");
        let is_fit = |it: &&Vault| {
            let is_within = it.id.as_str().contains("/rg-secrets/");
            let is_of_the_site = site.is_some() && it.tags.get("site") == site;
            is_within && is_of_the_site && it.rbac && it.tenant == TENANT
        };
        let fit = self.vaults.values().filter(is_fit);
        fit.map(|it| it.id.clone()).collect()
    }

    /// Who may write for what a cluster shows, and how many of them need the role.
    fn writers(&self, policy: &Policy, cluster: &Cluster) -> (Vec<PrincipalId>, usize) {
        let all = |it: &Identities| -> Vec<PrincipalId> {
            let users = it.user.values().flatten();
            it.system.iter().chain(users).cloned().collect()
        };
        if let Some(settings) = &cluster.settings {
            let own = &cluster.identities;
            let writer = match settings.identity.as_ref() {
                Some(AssociatedIdentity::System) => own.system.clone(),
                Some(AssociatedIdentity::User(id)) => own.user[id].clone(),
                None => None,
            };
            return (writer.into_iter().collect(), 1);
        }
        let of_manager = cluster.manager.as_ref().map(|it| all(&self.managers[it]));
        let of_manager = of_manager.unwrap_or_default();
        let by_apps = policy.rules[0].writer == WriterChoice::PlatformApps;
        if by_apps || of_manager.is_empty() {
            (vec![principal(1), principal(2)], 2)
        } else {
            (of_manager, 1)
        }
    }

    /// Whoever was given the role needs it: the cluster is at that vault now, and it is its writer.
    pub(super) fn check_given(
        &self,
        policy: &Policy,
        id: &ClusterId,
        given: &[&(VaultId, PrincipalId)],
    ) {
        let cluster = &self.clusters[id];
        let (writers, most) = self.writers(policy, cluster);
        assert!(given.len() <= most, "{id}: a role for too many: {given:?}");
        for (vault, principal) in given {
            let uri = format!("https://{}.vault.azure.net/", vault.name());
            let by_settings = |it: &ArchiveSettings| it.vault_uri.as_deref() == Some(uri.as_str());
            let by_id = |it: &SecretArchive| it.enabled && it.vault == vault.as_str();
            let is_there = match &cluster.settings {
                Some(settings) => by_settings(settings),
                None => cluster.archive.as_ref().is_some_and(by_id),
            };
            assert!(is_there, "{id}: a role on {vault}, where it does not write");
            assert!(
                writers.contains(principal),
                "{id}: a role on {vault} for {principal}, who does not write"
            );
        }
    }
}
