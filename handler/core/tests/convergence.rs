//! Convergence: random estates, random events with repeats and losses, decided and acted on in memory.
//!
//! It must not know how a decision comes about; it checks what has to hold whatever comes.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it has to be"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use time::{OffsetDateTime, macros::date};
use vaultbind_core::{
    decision::{Binding, Decision, Question},
    estate::{Estate as Azure, VaultSeen},
    id::{ClusterId, ClusterManagerId, VaultId},
    inventory::{
        ArchiveSettings, AssociatedIdentity, Cluster, DeletedVault, Identities, PrincipalId,
        Provider, ProvisioningState, RoleAssignment, SecretArchive, Vault, WRITER_ROLE,
    },
    plan::{Archive, Change},
    policy::{Policy, document},
};

const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
const TENANT: &str = "99999999-9999-4999-8999-999999999999";
const SITES: [&str; 3] = ["a", "b", "c"];

/// All of Azure that decisions are about.
#[derive(Debug, Clone)]
struct Estate {
    clusters: BTreeMap<ClusterId, Cluster>,
    vaults: BTreeMap<VaultId, Vault>,
    deleted: BTreeSet<VaultId>,
    managers: BTreeMap<ClusterManagerId, Identities>,
    roles: BTreeSet<(VaultId, PrincipalId)>,
    registered: bool,
}

fn principal(number: usize) -> PrincipalId {
    format!("aaaaaaaa-0000-4000-8000-{number:012}")
        .parse()
        .unwrap()
}

fn cluster_id(number: usize) -> ClusterId {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c{number}").parse().unwrap()
}

fn manager_id(number: usize) -> ClusterManagerId {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusterManagers/m{number}").parse().unwrap()
}

/// Vaults with an even number lie within the trust boundary.
fn vault_id(number: usize) -> VaultId {
    let group = if number.is_multiple_of(2) {
        "rg-secrets"
    } else {
        "rg-elsewhere"
    };
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/kv-{number}").parse().unwrap()
}

/// The assignment that gives a principal the role on a vault.
fn role(held: &(VaultId, PrincipalId)) -> ((VaultId, PrincipalId), Vec<RoleAssignment>) {
    let (vault, principal) = held;
    let row = RoleAssignment {
        id: format!("{vault}/providers/Microsoft.Authorization/roleAssignments/x"),
        role: WRITER_ROLE.to_owned(),
        principal: principal.to_string(),
        scope: vault.to_string(),
        conditional: false,
        created_on: Some(OffsetDateTime::UNIX_EPOCH),
    };
    (held.clone(), vec![row])
}

impl Estate {
    /// The same as Azure would show it.
    fn azure(&self) -> Azure {
        let managers = self.managers.iter();
        let vaults = self.vaults.iter();
        let mut azure = Azure {
            clusters: self.clusters.clone(),
            managers: managers
                .map(|(id, it)| (id.clone(), Some(it.clone())))
                .collect(),
            vaults: vaults
                .map(|(id, it)| (id.clone(), VaultSeen::settled(it.clone())))
                .collect(),
            platform_apps: Some(self.registered.then(|| vec![principal(1), principal(2)])),
            roles: self.roles.iter().map(role).collect(),
            ..Azure::default()
        };
        let own = azure.subscription(&SUBSCRIPTION.parse().unwrap());
        own.tenant = Some(TENANT.to_owned());
        let state = if self.registered {
            "Registered"
        } else {
            "NotRegistered"
        };
        own.provider = Some(Provider {
            state: state.to_owned(),
            cluster_api_versions: vec!["2025-02-01".to_owned()],
        });
        let deleted = self.deleted.iter().cloned();
        own.deleted_vaults = Some(deleted.map(|id| DeletedVault { id }).collect());
        azure
    }

    fn decide(&self, policy: &Policy, cluster: &ClusterId) -> Decision {
        let question = Question {
            cluster,
            vault_hint: None,
            today: date!(2026 - 02 - 03),
            vault_suffix: "vault.azure.net",
        };
        let azure = self.azure();
        match azure
            .look(policy, &azure.listing(policy), &question)
            .decision
        {
            Decision::Look(reads) => panic!("the decision never comes: {reads:?}"),
            decision => decision,
        }
    }

    /// Carries a binding out, as far as it may go wrong in ways that must never happen.
    fn act(&mut self, policy: &Policy, binding: &Binding) {
        for change in &binding.plan.changes {
            match change {
                Change::RegisterProvider(_) => self.registered = true,
                Change::AssignRole {
                    vault, principal, ..
                } => {
                    assert_eq!(
                        *vault, binding.vault.id,
                        "a role on another vault than the chosen one"
                    );
                    assert!(
                        binding.principals.iter().any(|(it, _)| it == principal),
                        "a role for somebody who writes nothing"
                    );
                    self.roles.insert((vault.clone(), principal.clone()));
                }
                Change::SetArchive {
                    cluster, archive, ..
                } => self.set_archive(policy, cluster, archive),
            }
        }
    }

    fn set_archive(&mut self, policy: &Policy, id: &ClusterId, archive: &Archive) {
        let (Archive::Legacy { vault } | Archive::Settings { vault, .. }) = archive;
        let rule = policy.rule_for(&self.clusters[id]).unwrap();
        assert!(
            rule.vaults.is_within(vault),
            "{id} was pointed at {vault}, outside the trust boundary"
        );
        assert!(
            self.vaults[vault].rbac,
            "{id} was pointed at a vault on access policies"
        );
        let cluster = self.clusters.get_mut(id).unwrap();
        match archive {
            Archive::Legacy { vault } => {
                cluster.archive = Some(SecretArchive {
                    vault: vault.to_string(),
                    enabled: true,
                })
            }
            Archive::Settings {
                vault_uri,
                identity,
                ..
            } => {
                cluster.settings = Some(ArchiveSettings {
                    vault_uri: Some(vault_uri.clone()),
                    identity: Some(identity.clone()),
                    provider: None,
                });
            }
        }
        cluster.provisioning_state = ProvisioningState::Succeeded;
    }

    /// One delivery of a request: looks, acts, looks again until there is nothing left to do.
    fn reconcile(&mut self, policy: &Policy, cluster: &ClusterId) {
        for _ in 0..4 {
            match self.decide(policy, cluster) {
                Decision::Bind(binding) if !binding.plan.is_empty() => self.act(policy, &binding),
                _ => return,
            }
        }
        panic!("{cluster} is never right");
    }
}

/// What somebody else does, or an event that reaches us.
#[derive(Debug, Clone)]
enum Step {
    Event(usize),
    TagCluster(usize, usize),
    TagVault(usize, usize),
    DeleteVault(usize),
    TakeRoles,
    SwitchOff(usize),
    FailCluster(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..3).prop_map(Step::Event),
        1 => (0_usize..3, 0_usize..3).prop_map(|(cluster, site)| Step::TagCluster(cluster, site)),
        1 => (0_usize..5, 0_usize..3).prop_map(|(vault, site)| Step::TagVault(vault, site)),
        1 => (0_usize..5).prop_map(Step::DeleteVault),
        1 => Just(Step::TakeRoles),
        1 => (0_usize..3).prop_map(Step::SwitchOff),
        1 => (0_usize..3).prop_map(Step::FailCluster),
    ]
}

impl Estate {
    fn play(&mut self, policy: &Policy, step: &Step) {
        match step {
            Step::Event(number) => self.reconcile(policy, &cluster_id(*number)),
            Step::TagCluster(number, site) => {
                let tags = [("site", SITES[*site])].into_iter().collect();
                self.clusters.get_mut(&cluster_id(*number)).unwrap().tags = tags;
            }
            Step::TagVault(number, site) => {
                if let Some(vault) = self.vaults.get_mut(&vault_id(*number)) {
                    vault.tags = [("site", SITES[*site])].into_iter().collect();
                }
            }
            Step::DeleteVault(number) => {
                if self.vaults.remove(&vault_id(*number)).is_some() {
                    self.deleted.insert(vault_id(*number));
                    self.roles.retain(|(vault, _)| *vault != vault_id(*number));
                }
            }
            Step::TakeRoles => self.roles.clear(),
            Step::SwitchOff(number) => {
                if let Some(archive) =
                    &mut self.clusters.get_mut(&cluster_id(*number)).unwrap().archive
                {
                    archive.enabled = false;
                }
            }
            Step::FailCluster(number) => {
                self.clusters
                    .get_mut(&cluster_id(*number))
                    .unwrap()
                    .provisioning_state = ProvisioningState::Failed;
            }
        }
    }
}

fn identities() -> impl Strategy<Value = Identities> {
    (any::<bool>(), 0_usize..3, 10_usize..90).prop_map(|(system, users, seed)| {
        let user = |number: usize| {
            let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i{number}");
            (id.parse().unwrap(), Some(principal(seed * 100 + number)))
        };
        Identities { system: system.then(|| principal(seed)), user: (0..users).map(user).collect() }
    })
}

fn vault(number: usize) -> impl Strategy<Value = Vault> {
    (
        0_usize..3,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.9),
    )
        .prop_map(move |(site, rbac, ours)| Vault {
            id: vault_id(number),
            location: "eastus".to_owned(),
            tags: [("site", SITES[site])].into_iter().collect(),
            tenant: if ours { TENANT } else { "another" }.to_owned(),
            uri: format!("https://kv-{number}.vault.azure.net/"),
            rbac,
            purge_protection: true,
            provisioning_state: "Succeeded".to_owned(),
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
            let archive = bound.filter(|_| !by_settings).map(|it| SecretArchive {
                vault: vault_id(it).to_string(),
                enabled: true,
            });
            Cluster {
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

fn estate() -> impl Strategy<Value = Estate> {
    let clusters = (cluster(0), cluster(1), cluster(2));
    let vaults = (vault(0), vault(1), vault(2), vault(3), vault(4));
    let managers = (identities(), identities(), identities());
    (clusters, vaults, managers, any::<bool>()).prop_map(|(c, v, m, registered)| Estate {
        clusters: [c.0, c.1, c.2]
            .into_iter()
            .map(|it| (it.id.clone(), it))
            .collect(),
        vaults: [v.0, v.1, v.2, v.3, v.4]
            .into_iter()
            .map(|it| (it.id.clone(), it))
            .collect(),
        deleted: BTreeSet::new(),
        managers: [m.0, m.1, m.2]
            .into_iter()
            .enumerate()
            .map(|(number, it)| (manager_id(number), it))
            .collect(),
        roles: BTreeSet::new(),
        registered,
    })
}

fn policy() -> impl Strategy<Value = Policy> {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Whatever happened, and whichever events were lost: after one sweep every cluster is where the policy says, or
    /// has a reason why not, and there is nothing left to do.
    #[test]
    fn one_sweep_after_the_last_event_leaves_nothing_to_do(
        policy in policy(), start in estate(), steps in prop::collection::vec(step(), 0..24),
    ) {
        let mut estate = start;
        for step in &steps {
            estate.play(&policy, step);
        }
        let clusters: Vec<ClusterId> = estate.clusters.keys().cloned().collect();
        for cluster in &clusters {
            estate.reconcile(&policy, cluster);
        }
        for cluster in &clusters {
            match estate.decide(&policy, cluster) {
                Decision::Bind(binding) => {
                    prop_assert!(binding.plan.is_empty(), "{} is left to do", binding.plan);
                    prop_assert!(binding.archive.is_shown_by(&estate.clusters[cluster]));
                    for (principal, _) in &binding.principals {
                        prop_assert!(estate.roles.contains(&(binding.vault.id.clone(), principal.clone())));
                    }
                }
                Decision::Refuse(refusal) => {
                    prop_assert!(!refusal.reason.message.is_empty() && !refusal.reason.help.is_empty());
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    /// A decision is a function: the same estate gives the same decision, in whatever order it was read.
    #[test]
    fn deciding_twice_decides_the_same(policy in policy(), estate in estate()) {
        for cluster in estate.clusters.keys() {
            prop_assert_eq!(estate.decide(&policy, cluster), estate.decide(&policy, cluster));
        }
    }
}
