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
    policy::{Policy, WriterChoice, document},
    result::Outcome,
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
    fn act(&mut self, binding: &Binding) {
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
                } => self.set_archive(cluster, archive),
            }
        }
    }

    fn set_archive(&mut self, id: &ClusterId, archive: &Archive) {
        let (Archive::Legacy { vault } | Archive::Settings { vault, .. }) = archive;
        assert!(
            self.fit_for(&self.clusters[id]).contains(vault),
            "{id} was pointed at {vault}, which the policy does not have for it"
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
        let before = self.roles.clone();
        for _ in 0..4 {
            match self.decide(policy, cluster) {
                Decision::Bind(binding) if !binding.plan.is_empty() => self.act(&binding),
                _ => {
                    let given: Vec<_> = self.roles.difference(&before).collect();
                    self.check_given(policy, cluster, &given);
                    return;
                }
            }
        }
        panic!("{cluster} is never right");
    }
}

/// What has to hold, told by the estate alone and not by the product's decision.
impl Estate {
    /// The vaults that the policy has for a cluster: of its site, within the boundary, and such as can take the role.
    fn fit_for(&self, cluster: &Cluster) -> BTreeSet<VaultId> {
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
    fn check_given(&self, policy: &Policy, id: &ClusterId, given: &[&(VaultId, PrincipalId)]) {
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

/// What somebody else does, or an event that reaches us.
#[derive(Debug, Clone)]
enum Step {
    Event(usize),
    TagCluster(usize, usize),
    TagVault(usize, usize),
    DeleteVault(usize),
    PutVault(usize, usize),
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
        1 => (0_usize..5, 0_usize..3).prop_map(|(vault, site)| Step::PutVault(vault, site)),
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
            Step::PutVault(number, site) => {
                let vault = fit_vault(*number, *site);
                self.deleted.remove(&vault.id);
                self.vaults.insert(vault.id.clone(), vault);
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

/// A vault with nothing wrong.
fn fit_vault(number: usize, site: usize) -> Vault {
    Vault {
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
            let fit = estate.fit_for(&estate.clusters[cluster]);
            match estate.decide(&policy, cluster) {
                Decision::Bind(binding) => {
                    prop_assert!(binding.plan.is_empty(), "{} is left to do", binding.plan);
                    prop_assert_eq!(fit, BTreeSet::from([binding.vault.id.clone()]));
                    prop_assert!(binding.archive.is_shown_by(&estate.clusters[cluster]));
                    for (principal, _) in &binding.principals {
                        prop_assert!(estate.roles.contains(&(binding.vault.id.clone(), principal.clone())));
                    }
                }
                Decision::Refuse(refusal) => {
                    prop_assert!(!refusal.reason.message.is_empty() && !refusal.reason.help.is_empty());
                    let is_so = match refusal.outcome {
                        Outcome::Unmatched => fit.is_empty(),
                        Outcome::Ambiguous => fit.len() > 1,
                        Outcome::Held => fit.len() == 1,
                        Outcome::Rejected | Outcome::Orphaned => true,
                        _ => false,
                    };
                    prop_assert!(is_so, "{cluster} is {} with {fit:?}", refusal.outcome);
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
