//! What holds of every decision: the order of what Azure lists does not matter, what is unrelated changes nothing, and a
//! value of a tag matches itself alone.
//!
//! It must not know how a decision comes about.

use std::{collections::BTreeSet, rc::Rc};

use proptest::{collection::vec, prelude::*, sample::select};
use vaultbind_core::{
    decision::Decision,
    expectation::Given,
    id::Scope,
    inventory::{Listed, Sighting},
    policy::{Policy, document},
    resource::{Cluster, Vault},
    result::Outcome,
};

use super::{decided, defaults, estates, files};

pub(crate) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

/// What a rule may ask of clusters.
const OF_CLUSTERS: [&str; 7] = [
    "{}",
    "{ tags: { site: a } }",
    "{ tags: { site: [a, \"b*\"] } }",
    "{ tags: { site: { not: a } } }",
    "{ tags: { zone: null } }",
    "{ location: [eastus, \"west*\"] }",
    "{ resource-group: { not: rg-other } }",
];
/// What a rule may ask of vaults.
const OF_VAULTS: [&str; 9] = [
    "",
    "tags: { site: a }",
    "tags: { site: \"${cluster.tags.site}\" }",
    "tags: { site: \"${cluster.tags.site|a}\", zone: [\"*\", z] }",
    "tags: { site: { not: \"${cluster.tags.zone|z}\" } }",
    "tags: { site: [\"${cluster.tags.site}\", \"${cluster.tags.zone}\", b] }",
    "location: \"${cluster.location}\"",
    "resource-group: \"rg-${cluster.tags.zone|secrets}\", tags: { zone: null }",
    "subscription: \"${cluster.subscription}\", tags: { site: \"a*\" }",
];
const PREFER: [&str; 3] = ["", "same-location", "same-resource-group, same-location"];
const VALUES: [&str; 5] = ["a", "b", "ab", "z", ""];

fn policy() -> impl Strategy<Value = Policy> {
    let rule = (
        select(&OF_CLUSTERS[..]),
        select(&OF_VAULTS[..]),
        select(&PREFER[..]),
    );
    vec(rule, 1..4).prop_map(|rules| {
        let mut text = "version: 1\nrules:\n".to_owned();
        for (number, (clusters, vaults, prefer)) in rules.iter().enumerate() {
            text += &format!("  - name: r{number}\n    clusters: {clusters}\n    vaults: {{ within: [/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-secrets, /subscriptions/{SUBSCRIPTION}/resourceGroups/rg-z], prefer: [{prefer}], {vaults} }}\n");
        }
        document::load(&text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
    })
}

/// Some of the tags `site` and `zone`.
pub(crate) fn tags() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let value = || prop::option::of(select(&VALUES[..]));
    (value(), value()).prop_map(|(site, zone)| {
        let site = site.map(|site| ("site", site));
        site.into_iter()
            .chain(zone.map(|zone| ("zone", zone)))
            .collect()
    })
}

fn vault(name: &'static str) -> impl Strategy<Value = Vault> {
    let group = select(vec!["rg-secrets", "rg-z", "rg-elsewhere"]);
    let location = select(vec!["eastus", "East US", "westus"]);
    let rbac = prop::bool::weighted(0.9);
    (tags(), group, location, rbac).prop_map(move |(tags, group, location, rbac)| Vault {
        location: location.to_owned(),
        rbac,
        ..vault_of(name, group, &tags)
    })
}

pub(crate) fn vault_of(name: &str, group: &str, tags: &[(&str, &str)]) -> Vault {
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
    );
    Vault {
        modified_at: None,
        id: id.parse().unwrap(),
        location: "eastus".to_owned(),
        tags: tags.iter().copied().collect(),
        tenant: TENANT.to_owned(),
        uri: format!("https://{name}.vault.azure.net/"),
        rbac: true,
        purge_protection: true,
        provisioning_state: "Succeeded".to_owned(),
    }
}

fn vaults() -> impl Strategy<Value = Vec<Vault>> {
    const NAMES: [&str; 6] = ["kv-0", "kv-1", "kv-2", "kv-3", "kv-4", "kv-5"];
    prop::sample::subsequence(NAMES.to_vec(), 0..=NAMES.len())
        .prop_flat_map(|names| names.into_iter().map(vault).collect::<Vec<_>>())
}

/// One cluster, and some vaults that are listed and can be read.
pub(crate) fn given(cluster: &[(&str, &str)], vaults: &[Vault]) -> Given {
    let text = format!(
        "subscriptions: [{{ id: {SUBSCRIPTION}, tenant: {TENANT} }}]\ncluster: {{ name: c1 }}"
    );
    let mut given = Given::load(&text, &defaults()).unwrap();
    let azure = Rc::make_mut(&mut given.inventory);
    let shown = azure.clusters.get_mut(&given.cluster).unwrap();
    shown.as_mut().unwrap().tags = cluster.iter().copied().collect();
    let own = Scope::Subscription(SUBSCRIPTION.parse().unwrap());
    azure.listed.insert(own, Listed::current(vaults.to_vec()));
    for vault in vaults {
        let sighting = Sighting::Found(vault.clone());
        azure.vaults.insert(vault.id.clone(), sighting);
    }
    given
}

fn cluster(given: &Given) -> &Cluster {
    given.inventory.cluster(&given.cluster).unwrap()
}

/// The same with what Azure lists in another order.
fn arranged(given: &Given, keys: &[u8]) -> Given {
    fn arrange<T>(items: &mut [T], keys: &[u8]) {
        let mut keys = keys.iter().cycle();
        items.sort_by_cached_key(|_| keys.next());
    }
    let mut given = given.clone();
    let azure = Rc::make_mut(&mut given.inventory);
    for listed in azure.listed.values_mut() {
        let mut vaults = listed.vaults.all().to_vec();
        arrange(&mut vaults, keys);
        *listed = Listed::seen(vaults, listed.visibility);
    }
    azure
        .deleted_vaults
        .values_mut()
        .for_each(|ids| arrange(ids, keys));
    let roles = azure.roles.values_mut().flat_map(|held| held.values_mut());
    roles.for_each(|rows| arrange(rows, keys));
    given
}

/// Does the vault play no part in the cluster's decision? The rule that governs does not ask for what it is.
fn is_unrelated(policy: &Policy, cluster: &Cluster, vault: &Vault) -> bool {
    policy
        .rule_for(cluster)
        .is_none_or(|rule| !rule.vaults.matches(vault, cluster))
}

proptest! {
    #[test]
    fn the_order_of_the_inventory_does_not_matter(
        policy in policy(), cluster in tags(), vaults in vaults(), keys in vec(any::<u8>(), 7)
    ) {
        let given = given(&cluster, &vaults);
        prop_assert_eq!(decided(&policy, &arranged(&given, &keys)), decided(&policy, &given));
    }

    #[test]
    fn what_is_bound_has_a_vault_and_all_else_a_reason_in_any_estate(
        policy in policy(), cluster in tags(), vaults in vaults()
    ) {
        check_is_whole(&decided(&policy, &given(&cluster, &vaults)));
    }

    #[test]
    fn a_vault_that_is_unrelated_changes_nothing(
        policy in policy(), cluster in tags(), vaults in vaults(), other in vault("kv-other")
    ) {
        let before = given(&cluster, &vaults);
        if is_unrelated(&policy, self::cluster(&before), &other) {
            let vaults: Vec<Vault> = vaults.into_iter().chain([other]).collect();
            prop_assert_eq!(decided(&policy, &given(&cluster, &vaults)), decided(&policy, &before));
        }
    }

    /// The index is only a short cut: the decision is that of looking at every vault.
    #[test]
    fn the_vault_that_is_chosen_is_one_that_the_rule_asks_for_and_none_is_missed(
        policy in policy(), cluster in tags(), vaults in vaults()
    ) {
        let given = given(&cluster, &vaults);
        let cluster = self::cluster(&given);
        let rule = policy.rule_for(cluster);
        let asked_for = |vault: &&Vault| {
            rule.is_some_and(|rule| rule.vaults.is_within(&vault.id) && rule.vaults.matches(vault, cluster))
        };
        let expected: BTreeSet<String> = vaults.iter().filter(asked_for).map(|vault| vault.id.to_string()).collect();
        let decision = decided(&policy, &given);
        let considered: BTreeSet<String> = decision.candidates.into_iter().map(|candidate| candidate.id).collect();
        if decision.outcome == Outcome::Ambiguous {
            // Of the fit ones, those that rank equal are told.
            prop_assert!(considered.is_subset(&expected) && considered.len() > 1);
        } else {
            prop_assert_eq!(considered, expected);
        }
    }

    #[test]
    fn a_value_of_a_tag_matches_itself_alone(
        value in hostile(), other in hostile(), (before, after) in select(vec![("", ""), ("kv-", ""), ("", "-x")])
    ) {
        prop_assume!(value != other);
        let policy = policy_with(&format!("tags: {{ site: \"{before}${{cluster.tags.site}}{after}\" }}"));
        let tagged = |name, value: &str| {
            vault_of(name, "rg-secrets", &[("site", &format!("{before}{value}{after}"))])
        };
        let vaults = [tagged("kv-itself", &value), tagged("kv-other", &other)];
        let chosen = |vaults: &[Vault]| chosen(&decided(&policy, &given(&[("site", &value)], vaults)));
        prop_assert_eq!(chosen(&vaults), Some("kv-itself".to_owned()));
        prop_assert_eq!(chosen(&vaults[1..]), None);
    }

    #[test]
    fn a_value_of_a_tag_names_no_place_but_its_own(value in hostile()) {
        let policy = policy_with("resource-group: \"rg-${cluster.tags.site}\"");
        let vaults = [vault_of("kv-a", "rg-secrets", &[])];
        prop_assert_eq!(chosen(&decided(&policy, &given(&[("site", &value)], &vaults))), None);
    }
}

/// A policy of one rule that asks this of vaults.
fn policy_with(vaults: &str) -> Policy {
    let text = format!(
        "version: 1\nrules:\n  - name: r\n    vaults: {{ within: [/subscriptions/{SUBSCRIPTION}], {vaults} }}\n"
    );
    document::load(&text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

/// The name of the vault that is chosen.
fn chosen(decision: &Decision) -> Option<String> {
    let vault = decision.vault.as_ref().filter(|_| decision.is_bound())?;
    Some(vault.id.name().to_owned())
}

/// Values that would mean something if they were taken for more than data.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab*?${}'\"\\\\\n|. ]{1,6}",
        select(vec![
            "*",
            "**",
            "${cluster.tags.site}",
            "${cluster.name}",
            "' or true or '",
            "a|b",
            "\n",
            "null",
            "{not: a}"
        ])
        .prop_map(str::to_owned),
    ]
}

#[test]
fn the_order_of_the_inventory_does_not_matter_in_any_case() {
    for (name, path) in files() {
        for (policy, given) in estates(&std::fs::read_to_string(path).unwrap()) {
            let decision = decided(&policy, &given);
            for keys in [[2, 1, 0], [1, 2, 0], [0, 2, 1]] {
                let arranged = arranged(&given, &keys);
                assert_eq!(decided(&policy, &arranged), decision, "{name}: {given:?}");
            }
        }
    }
}

/// A record can hold what makes no sense; none that is decided does.
fn check_is_whole(decision: &Decision) {
    if decision.is_bound() {
        let is_whole = decision.rule.is_some() && decision.vault.is_some();
        assert!(is_whole && decision.writer.is_some(), "{decision:?}");
        assert!(
            decision.reason.is_none() && decision.wait.is_none(),
            "{decision:?}"
        );
    } else {
        assert!(decision.reason.is_some(), "{decision:?}");
        assert!(decision.writer.is_none(), "{decision:?}");
        let plans = decision.plan.is_empty() || decision.wait.is_some();
        assert!(plans, "it changes something: {decision:?}");
    }
}

#[test]
fn what_is_bound_has_a_vault_and_all_else_a_reason_in_every_case() {
    for (_, path) in files() {
        for (policy, given) in estates(&std::fs::read_to_string(path).unwrap()) {
            check_is_whole(&decided(&policy, &given));
        }
    }
}
