//! Random estates and policies.
//!
//! It must not know what is decided about them.

use proptest::prelude::*;
use vaultbind_core::{
    archive::{ArchiveSettings, SecretArchive},
    policy::{Policy, document},
    resource::{AssociatedIdentity, Cluster, Identities, ProvisioningState, Vault},
};

use super::world::{SUBSCRIPTION, TENANT, World, cluster_id, manager_id, principal, vault_id};

pub(super) const SITES: [&str; 3] = ["a", "b", "c"];

fn identities() -> impl Strategy<Value = Identities> {
    (any::<bool>(), 0_usize..3, 10_usize..90).prop_map(|(system, users, seed)| {
        let user = |number: usize| {
            let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i{number}");
            (id.parse().unwrap(), Some(principal(seed * 100 + number)))
        };
        Identities { system: system.then(|| principal(seed)), user: (0..users).map(user).collect() }
    })
}

/// A vault with nothing wrong.
pub(super) fn fit_vault(number: usize, site: usize) -> Vault {
    Vault {
        modified_at: None,
        id: vault_id(number),
        location: "eastus".to_owned(),
        tags: [("site", SITES[site])].into_iter().collect(),
        tenant: TENANT.to_owned(),
        uri: format!("https://kv-{number}.vault.azure.net/"),
        rbac: true,
        purge_protection: true,
        provisioning_state: "Succeeded".to_owned(),
    }
}

fn vault(number: usize) -> impl Strategy<Value = Vault> {
    (
        0_usize..3,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.9),
    )
        .prop_map(move |(site, rbac, ours)| Vault {
            tenant: if ours { TENANT } else { "another" }.to_owned(),
            rbac,
            ..fit_vault(number, site)
        })
}

fn cluster(number: usize) -> impl Strategy<Value = Cluster> {
    (
        0_usize..3,
        identities(),
        any::<bool>(),
        prop::option::of(0_usize..5),
        any::<bool>(),
    )
        .prop_map(move |(site, identities, managed, bound, by_settings)| {
            let by_settings = by_settings && identities.system.is_some();
            let settings = bound.filter(|_| by_settings).map(|vault| ArchiveSettings {
                vault_uri: Some(format!("https://kv-{vault}.vault.azure.net/")),
                identity: Some(AssociatedIdentity::System),
                provider: None,
            });
            let archive = bound.filter(|_| !by_settings).map(|vault| SecretArchive {
                vault: vault_id(vault).to_string(),
                enabled: true,
            });
            Cluster {
                modified_at: None,
                id: cluster_id(number),
                location: "eastus".to_owned(),
                tags: [("site", SITES[site])].into_iter().collect(),
                etag: None,
                provisioning_state: ProvisioningState::Succeeded,
                detailed_status: Some("Running".to_owned()),
                identities,
                manager: managed.then(|| manager_id(number)),
                archive,
                settings,
            }
        })
}

pub(super) fn world() -> impl Strategy<Value = World> {
    let clusters = (cluster(0), cluster(1), cluster(2));
    let vaults = (vault(0), vault(1), vault(2), vault(3), vault(4));
    let managers = (identities(), identities(), identities());
    (clusters, vaults, managers, any::<bool>()).prop_map(|(c, v, m, is_registered)| {
        let clusters = [c.0, c.1, c.2];
        let vaults = [v.0, v.1, v.2, v.3, v.4];
        World::new(clusters, [m.0, m.1, m.2], vaults, is_registered)
    })
}

pub(super) fn policy() -> impl Strategy<Value = Policy> {
    let writer = prop::sample::select(vec!["auto", "platform-apps", "cluster-manager", "cluster"]);
    let rebind = prop::sample::select(vec!["never", "when-orphaned", "allow"]);
    (writer, rebind).prop_map(|(writer, rebind)| {
        let text = format!(
            "version: 1\nrules:\n  - name: by-site\n    clusters:\n      tags: {{ site: [a, b] }}\n    vaults:\n      \
             within: [/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-secrets]\n      tags: {{ site: \"${{cluster.tags.site}}\" }}\n    \
             writer: {writer}\n    rebind: {rebind}\n"
        );
        document::load(&text).unwrap()
    })
}
