//! What holds of every cluster that has a vault: what befalls that vault, lists, tags or other vaults moves it nowhere it
//! must not go.
//!
//! It must not know how a decision comes about.

use std::rc::Rc;

use proptest::{collection::vec, prelude::*, sample::select};
use vaultbind_core::{
    archive::{ArchiveSettings, ArchiveSpec, SecretArchive},
    decision::Decision,
    expectation::Given,
    id::{Scope, VaultId},
    inventory::{Listed, NameState, Sighting, Visibility},
    plan::Change,
    policy::{Policy, Rebind, Rule, document},
    resource::{AssociatedIdentity, Cluster, PrincipalId, Vault},
};

use super::{
    decided,
    properties::{SUBSCRIPTION, given, tags, vault_of},
};

const GROUPS: [&str; 3] = ["rg-a", "rg-b", "rg-c"];
const REBINDS: [&str; 3] = ["never", "when-orphaned", "allow"];

fn scope(group: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}")
}

/// Rules over the site, each with one or two boundaries, its tests and its word on moves.
fn policy() -> impl Strategy<Value = Policy> {
    let clusters = select(vec![
        "{}",
        "{ tags: { site: a } }",
        "{ tags: { zone: { not: z } } }",
    ]);
    let vaults = select(vec![
        "tags: { site: \"${cluster.tags.site}\" }",
        "tags: { site: a }",
        "tags: { zone: { not: z } }",
        "prefer: [same-location]",
        "prefer: [same-location], tags: { site: \"*\" }",
    ]);
    let within = prop::sample::subsequence(GROUPS.to_vec(), 1..=2);
    let rule = (clusters, vaults, within, select(&REBINDS[..]));
    vec(rule, 1..4).prop_map(|rules| {
        let mut text = "version: 1\nrules:\n".to_owned();
        for (number, (clusters, vaults, within, rebind)) in rules.iter().enumerate() {
            let within: Vec<String> = within.iter().map(|group| scope(group)).collect();
            let within = within.join(", ");
            text += &format!("  - {{ name: r{number}, clusters: {clusters}, rebind: {rebind}, vaults: {{ within: [{within}], {vaults} }} }}\n");
        }
        document::load(&text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
    })
}

fn vault(name: &'static str) -> impl Strategy<Value = Vault> {
    let group = select(&GROUPS[..]);
    let location = select(vec!["eastus", "westus"]);
    let flaws = (prop::bool::weighted(0.9), prop::bool::weighted(0.9));
    (tags(), group, location, flaws).prop_map(move |(tags, group, location, (rbac, ready))| Vault {
        location: location.to_owned(),
        rbac,
        provisioning_state: if ready { "Succeeded" } else { "RegisteringDns" }.to_owned(),
        ..vault_of(name, group, &tags)
    })
}

/// A cluster that is bound to `kv-x`, by either property, among some other vaults.
#[derive(Debug, Clone)]
struct Bound {
    policy: Policy,
    given: Given,
    x: VaultId,
}

fn bound() -> impl Strategy<Value = Bound> {
    let others = (vault("kv-0"), vault("kv-1"), vault("kv-2"), 0_usize..4);
    let others = others.prop_map(|(a, b, c, count)| [a, b, c].into_iter().take(count));
    (policy(), tags(), vault("kv-x"), others, any::<bool>()).prop_map(
        |(policy, cluster, x, others, by_settings)| {
            let vaults: Vec<Vault> = others.chain([x.clone()]).collect();
            let mut given = given(&cluster, &vaults);
            point(cluster_mut(&mut given), &x, by_settings);
            let x = x.id;
            Bound { policy, given, x }
        },
    )
}

fn cluster_mut(given: &mut Given) -> &mut Cluster {
    let id = given.cluster.clone();
    let inventory = Rc::make_mut(&mut given.inventory);
    inventory.clusters.get_mut(&id).unwrap().as_mut().unwrap()
}

fn point(cluster: &mut Cluster, x: &Vault, by_settings: bool) {
    if by_settings {
        cluster.identities.system = Some(PrincipalId::made_of("system"));
        cluster.settings = Some(ArchiveSettings {
            vault_uri: Some(x.uri.clone()),
            identity: Some(AssociatedIdentity::System),
            provider: None,
        });
    } else {
        cluster.archive = Some(SecretArchive {
            vault: x.id.to_string(),
            enabled: true,
        });
    }
}

impl Bound {
    fn cluster(&self) -> &Cluster {
        self.given.inventory.cluster(&self.given.cluster).unwrap()
    }

    fn rule(&self) -> Option<&Rule> {
        self.policy.rule_for(self.cluster())
    }

    fn vault(&self) -> &Vault {
        let mut found = self.given.inventory.found_vaults();
        found.find(|vault| vault.id == self.x).unwrap()
    }

    /// Is the vault in place the governing rule's, fit or not?
    fn is_right(&self) -> bool {
        self.rule().is_some_and(|rule| {
            rule.vaults.is_within(&self.x) && rule.vaults.matches(self.vault(), self.cluster())
        })
    }

    fn decide(&self) -> Decision {
        decided(&self.policy, &self.given)
    }

    /// The vaults as they are, but for those that are changed or come besides.
    fn with(&self, vaults: impl IntoIterator<Item = Vault>) -> Self {
        let mut other = self.clone();
        let inventory = Rc::make_mut(&mut other.given.inventory);
        for vault in vaults {
            let sighting = Sighting::Found(vault.clone());
            inventory.vaults.insert(vault.id, sighting);
        }
        let rows: Vec<Vault> = inventory.found_vaults().cloned().collect();
        let whole = Scope::Subscription(SUBSCRIPTION.parse().unwrap());
        inventory.listed.insert(whole, Listed::current(rows));
        other
    }
}

/// The vault that the plan points the cluster at, where it is another one than `x`.
fn moved_to<'a>(decision: &'a Decision, x: &VaultId) -> Option<&'a VaultId> {
    let changes = decision.plan.changes.iter();
    let mut vaults = changes.filter_map(|change| match change {
        Change::SetArchive {
            archive: ArchiveSpec::Legacy { vault } | ArchiveSpec::Settings { vault, .. },
            ..
        } => Some(vault),
        Change::AssignRole { vault, .. } => Some(vault),
        Change::RegisterProvider(_) => None,
    });
    vaults.find(|vault| *vault != x)
}

/// What can befall the vault in place.
#[derive(Debug, Clone, Copy)]
enum Fault {
    AccessPolicies,
    NotReady,
    OtherDirectory,
    OtherAddress,
    Forbidden,
    /// Its read finds nothing, and its name is taken.
    Stray,
    /// The same, and the right to ask is missing.
    StrayAndForbidden,
    Boundaries(Visibility),
}

const FAULTS: [Fault; 10] = [
    Fault::AccessPolicies,
    Fault::NotReady,
    Fault::OtherDirectory,
    Fault::OtherAddress,
    Fault::Forbidden,
    Fault::Stray,
    Fault::StrayAndForbidden,
    Fault::Boundaries(Visibility::AbsentOnce),
    Fault::Boundaries(Visibility::Absent),
    Fault::Boundaries(Visibility::Hidden),
];

impl Bound {
    /// The same, befallen by a fault.
    fn befallen(&self, fault: Fault) -> Self {
        let x = self.vault().clone();
        let changed = match fault {
            Fault::AccessPolicies => Some(Vault { rbac: false, ..x }),
            Fault::NotReady => Some(Vault {
                provisioning_state: "RegisteringDns".to_owned(),
                ..x
            }),
            Fault::OtherDirectory => Some(Vault {
                tenant: "another".to_owned(),
                ..x
            }),
            Fault::OtherAddress => Some(Vault {
                uri: "https://kv-other.vault.azure.net/".to_owned(),
                ..x
            }),
            _ => None,
        };
        if let Some(changed) = changed {
            return self.with([changed]);
        }
        let mut other = self.clone();
        let inventory = Rc::make_mut(&mut other.given.inventory);
        let mut seen = |sighting, name| {
            inventory.vaults.insert(self.x.clone(), sighting);
            inventory.vault_names.insert("kv-x".to_owned(), name);
        };
        match fault {
            Fault::Forbidden => seen(Sighting::Forbidden, NameState::Taken),
            Fault::Stray => seen(Sighting::NotFound, NameState::Taken),
            Fault::StrayAndForbidden => seen(Sighting::NotFound, NameState::Forbidden),
            Fault::Boundaries(visibility) => {
                for rule in &self.policy.rules {
                    for scope in &rule.vaults.within {
                        let listed = Listed::seen([], visibility);
                        inventory.listed.insert(scope.clone(), listed);
                    }
                }
            }
            _ => unreachable!("{fault:?} changes the vault"),
        }
        other
    }

    /// The same, its vault deleted for sure.
    fn deleted(&self) -> Self {
        let mut other = self.clone();
        let inventory = Rc::make_mut(&mut other.given.inventory);
        inventory.vaults.insert(self.x.clone(), Sighting::NotFound);
        let own = SUBSCRIPTION.parse().unwrap();
        inventory.deleted_vaults.insert(own, vec![self.x.clone()]);
        other
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, max_global_rejects: 1 << 20, ..ProptestConfig::default() })]

    /// Whatever vault comes besides: one that does not rank strictly above the one in place plays no part.
    #[test]
    fn an_unrelated_or_an_equal_vault_changes_nothing_for_a_cluster_whose_vault_is_right(
        bound in bound(), other in vault("kv-other"), is_equal in any::<bool>()
    ) {
        prop_assume!(bound.is_right());
        let x = bound.vault().clone();
        let equal = Vault { location: x.location.clone(), tags: x.tags, ..other.clone() };
        let rule = bound.rule().unwrap();
        let is_unrelated = !rule.vaults.is_within(&other.id) || !rule.vaults.matches(&other, bound.cluster());
        prop_assume!(is_equal || is_unrelated);
        let with = bound.with([if is_equal { equal } else { other }]);
        let (before, after) = (bound.decide(), with.decide());
        let ranks_above = moved_to(&before, &bound.x).is_some();
        // What the cluster leaves its vault for may have an equal now; then it stays.
        if !ranks_above {
            prop_assert_eq!(moved_to(&after, &bound.x), None);
            prop_assert_eq!(after.outcome, before.outcome);
            prop_assert_eq!(after.vault, before.vault);
            prop_assert_eq!(after.plan, before.plan);
            prop_assert_eq!(after.reason, before.reason);
        }
    }

    #[test]
    fn no_fault_of_the_vault_in_place_moves_a_cluster(bound in bound(), fault in select(&FAULTS[..])) {
        prop_assume!(bound.is_right());
        let befallen = bound.befallen(fault);
        let (before, decision) = (bound.decide(), befallen.decide());
        let would_leave = moved_to(&before, &bound.x);
        let moved = moved_to(&decision, &bound.x);
        // Under `allow` it may leave for one that ranks above, as without the fault, but never because of it.
        prop_assert!(moved.is_none() || moved == would_leave, "{fault:?}: {decision:?}");
        let is_of_vault = !matches!(fault, Fault::Boundaries(_));
        prop_assert!(moved.is_none() || !is_of_vault, "{fault:?}: {decision:?}");
    }

    #[test]
    fn a_deleted_vault_is_left_under_when_orphaned_and_allow_alone(bound in bound()) {
        let decision = bound.deleted().decide();
        if moved_to(&decision, &bound.x).is_some() {
            prop_assert_ne!(bound.rule().unwrap().rebind, Rebind::Never);
        }
    }

    /// Whoever a list that was kept lacks, decides as much as all others: only to stay may rest on it.
    #[test]
    fn nothing_but_to_stay_rests_on_a_list_of_before(bound in bound(), is_bound in any::<bool>(), lacks in vec(any::<bool>(), 4)) {
        let mut fresh = bound.clone();
        if !is_bound {
            let cluster = cluster_mut(&mut fresh.given);
            (cluster.archive, cluster.settings) = (None, None);
        }
        let mut kept = fresh.clone();
        let ids = fresh.given.inventory.found_vaults().map(|vault| vault.id.clone());
        kept.given.uncached = ids.zip(lacks).filter(|(_, lacks)| *lacks).map(|(id, _)| id).collect();
        let (now, before) = (fresh.decide(), kept.decide());
        let stays = is_bound && bound.is_right() && before.vault.as_ref().is_some_and(|vault| vault.id == bound.x);
        if !stays {
            prop_assert_eq!(before, now);
        }
    }

    /// Tags of the cluster, and of every vault but the one in place, are anybody's: they carry no cluster out of the boundary
    /// of a rule that keeps what it has there.
    #[test]
    fn no_tag_carries_a_cluster_out_of_a_boundary_that_keeps_it(
        bound in bound(), slip in tags(), lures in (vault("kv-lure-0"), vault("kv-lure-1")), is_deleted in any::<bool>()
    ) {
        let keeps = |rule: &&Rule| {
            let passes = rule.vaults.matches(bound.vault(), bound.cluster());
            rule.rebind == Rebind::Never && rule.vaults.is_within(&bound.x) && passes
        };
        prop_assume!(bound.policy.rules.iter().any(|rule| keeps(&rule)));
        let mut slipped = bound.with([lures.0, lures.1]);
        cluster_mut(&mut slipped.given).tags = slip.iter().copied().collect();
        let slipped = if is_deleted { slipped.deleted() } else { slipped };
        let decision = slipped.decide();
        prop_assert_eq!(moved_to(&decision, &bound.x), None, "{:?}", decision);
    }
}
