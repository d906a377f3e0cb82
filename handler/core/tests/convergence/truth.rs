//! What has to hold, told by the estate alone.
//!
//! It must not ask the product for its decision.

use std::collections::{BTreeMap, BTreeSet};

use vaultbind_core::{
    archive::{ArchiveSettings, SecretArchive},
    id::{ClusterId, ClusterManagerId, VaultId},
    policy::{Policy, Rebind, WriterChoice},
    resource::{AssociatedIdentity, Cluster, Identities, PrincipalId, Vault},
    result::Outcome,
};

use super::world::{TENANT, World};

impl World {
    /// The vaults that the policy has for a cluster: of its site, within the boundary, and such as can take the role.
    pub(super) fn fit_for(&self, cluster: &Cluster) -> BTreeSet<VaultId> {
        let fit = self.meant_for(cluster);
        let fit = fit.filter(|vault| vault.rbac && vault.tenant == TENANT);
        fit.map(|vault| vault.id.clone()).collect()
    }

    /// The vaults of a cluster's site within the boundary, fit or not.
    pub(super) fn meant_for(&self, cluster: &Cluster) -> impl Iterator<Item = &Vault> {
        let site = cluster.tags.get("site").filter(|site| *site != "c");
        let site = site.map(ToOwned::to_owned);
        self.vaults().filter(move |vault| {
            let is_within = vault.id.as_str().contains("/rg-secrets/");
            is_within && site.is_some() && vault.tags.get("site") == site.as_deref()
        })
    }

    /// Is a cluster such as is said of it, where it is not bound?
    pub(super) fn bears_out(&self, outcome: Outcome, policy: &Policy, id: &ClusterId) -> bool {
        let cluster = self.cluster(id);
        let fit = self.fit_for(cluster);
        let meant = self.meant_for(cluster).count();
        // One that is not fit hides no other: several are several, whatever they are for a minute.
        let only = fit.first().filter(|_| meant == 1);
        let bound = self.bound_to(cluster);
        let is_there = |id: &&VaultId| self.vaults().any(|vault| vault.id == **id);
        let in_place = bound.as_ref().filter(is_there);
        let is_meant = |id: &VaultId| self.meant_for(cluster).any(|vault| vault.id == *id);
        // Whoever is at a vault that is not the policy's stays there, unless the policy lets it go.
        let is_elsewhere = in_place.is_some_and(|id| !is_meant(id));
        let is_right = in_place.is_some_and(is_meant);
        let may_go = policy.rules[0].rebind == Rebind::Allow;
        match outcome {
            Outcome::Unmatched => {
                let is_governed = cluster.tags.get("site").is_some_and(|site| site != "c");
                let is_held = is_governed && is_elsewhere && !may_go;
                meant == 0 && !is_held
            }
            Outcome::Ambiguous => meant > 1 && !is_right && (may_go || !is_elsewhere),
            // Settings win: no writer of the older property moves a cluster that has them.
            Outcome::Held => is_elsewhere && (!may_go || cluster.settings.is_some()),
            Outcome::Rejected if is_right => {
                let is_fit = in_place.is_some_and(|id| fit.contains(id));
                !is_fit || self.nobody_can_write(policy, cluster, true)
            }
            Outcome::Rejected => match only {
                Some(_) => self.nobody_can_write(policy, cluster, false),
                None => fit.is_empty() && meant == 1,
            },
            Outcome::Orphaned => {
                let rule = &policy.rules[0];
                let by_older = matches!(
                    rule.writer,
                    WriterChoice::PlatformApps | WriterChoice::ClusterManager
                );
                let is_stuck = by_older && cluster.settings.is_some();
                let may_move = rule.rebind != Rebind::Never && !is_stuck;
                bound.is_some_and(|vault| self.deleted().contains(&vault))
                    && !(may_move && only.is_some())
            }
            _ => false,
        }
    }

    /// The vault in place, where it is the policy's for the cluster.
    pub(super) fn right_in_place(&self, cluster: &Cluster) -> Option<VaultId> {
        let bound = self.bound_to(cluster)?;
        let is_meant = self.meant_for(cluster).any(|vault| vault.id == bound);
        is_meant.then_some(bound)
    }

    /// The vault that a cluster delivers to, there or deleted.
    fn bound_to(&self, cluster: &Cluster) -> Option<VaultId> {
        let mut known = self.vaults().map(|vault| &vault.id).chain(self.deleted());
        let is_named = |vault: &&VaultId| match &cluster.settings {
            Some(settings) => {
                let uri = format!("https://{}.vault.azure.net/", vault.name());
                settings.vault_uri.as_deref() == Some(uri.as_str())
            }
            None => {
                let archive = cluster.archive.as_ref();
                archive.is_some_and(|archive| archive.enabled && archive.vault == vault.as_str())
            }
        };
        known.find(is_named).cloned()
    }

    /// Has whoever is to write no identity, or several of which none is named?
    fn nobody_can_write(&self, policy: &Policy, cluster: &Cluster, is_in_place: bool) -> bool {
        const NOBODY: &Identities = &Identities {
            system: None,
            user: BTreeMap::new(),
        };
        let own = &cluster.identities;
        let managers = cluster
            .manager
            .as_ref()
            .map(|manager| self.manager(manager));
        let managers = managers.unwrap_or(NOBODY);
        let has_any =
            |identities: &Identities| identities.system.is_some() || !identities.user.is_empty();
        let cannot =
            |identities: &Identities| identities.user.len() != 1 && identities.system.is_none();
        match policy.rules[0].writer {
            // The identity that the settings name stays.
            _ if cluster.settings.is_some() => false,
            WriterChoice::PlatformApps => false,
            WriterChoice::Cluster => cannot(own),
            WriterChoice::ClusterManager => cannot(managers),
            WriterChoice::Auto if !is_in_place && has_any(own) => cannot(own),
            WriterChoice::Auto => has_any(managers) && cannot(managers),
        }
    }

    fn manager(&self, id: &ClusterManagerId) -> &Identities {
        self.0.managers[id].as_ref().unwrap()
    }

    /// Who may write for what a cluster shows, and how many of them need the role.
    fn writers(&self, policy: &Policy, cluster: &Cluster) -> (Vec<PrincipalId>, usize) {
        let all = |identities: &Identities| -> Vec<PrincipalId> {
            let users = identities.user.values().flatten();
            identities.system.iter().chain(users).cloned().collect()
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
        let of_manager = cluster
            .manager
            .as_ref()
            .map(|manager| all(self.manager(manager)));
        let of_manager = of_manager.unwrap_or_default();
        let by_apps = policy.rules[0].writer == WriterChoice::PlatformApps;
        if by_apps || of_manager.is_empty() {
            (apps(), 2)
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
        let cluster = self.cluster(id);
        let (writers, most) = self.writers(policy, cluster);
        assert!(given.len() <= most, "{id}: a role for too many: {given:?}");
        for (vault, principal) in given {
            let uri = format!("https://{}.vault.azure.net/", vault.name());
            let by_settings =
                |settings: &ArchiveSettings| settings.vault_uri.as_deref() == Some(uri.as_str());
            let by_id =
                |archive: &SecretArchive| archive.enabled && archive.vault == vault.as_str();
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

/// The platform's apps, as they are where nothing else is said.
fn apps() -> Vec<PrincipalId> {
    ["app 1", "app 2"].map(PrincipalId::made_of).to_vec()
}
