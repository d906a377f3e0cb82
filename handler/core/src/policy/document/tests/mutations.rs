//! The policy that is shipped, with one thing made wrong at a time: nothing wrong is accepted, and each mistake is found
//! on its line.

use std::collections::BTreeSet;

use crate::policy::document::load;

pub(super) const SHIPPED: &str = include_str!("../../../../../../policy.yaml");

/// What stands in the policy, and what is written in its place. The mistake is on the line of the change.
const CHANGES: &[(&str, &str)] = &[
    // The policy.
    ("version: 1", "version: 2"),
    ("version: 1", "version: \"1\""),
    ("version: 1", "Version: 1"),
    ("version: 1", "version:1"),
    ("version: 1", "- version: 1"),
    ("mode: enforce", "mode: Enforce"),
    ("mode: enforce", "mode: enforced"),
    ("mode: enforce", "mode: true"),
    ("mode: enforce", "mode:"),
    ("mode: enforce", "mode: [enforce]"),
    ("mode: enforce", "mode: enforce audit"),
    ("mode: enforce", "mod: enforce"),
    ("scope:", "scopes:"),
    ("  subscriptions:", "  subscription:"),
    (
        "- 11111111-1111-1111-1111-111111111111",
        "- 11111111-1111-1111-1111-11111111111",
    ),
    (
        "- 22222222-2222-2222-2222-222222222222",
        "- /subscriptions/22222222-2222-2222-2222-222222222222",
    ),
    ("- 22222222-2222-2222-2222-222222222222", "- \"*\""),
    ("- 22222222-2222-2222-2222-222222222222", "- 22222222"),
    ("- 22222222-2222-2222-2222-222222222222", "-"),
    ("rules:", "rule:"),
    // The rule and its clusters.
    ("- name: by-site", "- nmae: by-site"),
    ("- name: by-site", "- name: by site"),
    ("- name: by-site", "- name: 7"),
    ("- name: by-site", "- name: by-site\n    name: twice"),
    ("    clusters:", "    cluster:"),
    ("    clusters:", "    clusters: all"),
    (
        "      tags:\n        environment",
        "      tag:\n        environment",
    ),
    (
        "      tags:\n        environment",
        "      labels:\n        environment",
    ),
    (
        "environment: [prod, staging]",
        "environment: [prod, staging",
    ),
    (
        "environment: [prod, staging]",
        "environment: [prod, staging}",
    ),
    ("environment: [prod, staging]", "environment: []"),
    (
        "environment: [prod, staging]",
        "environment: {in: [prod, staging]}",
    ),
    (
        "environment: [prod, staging]",
        "environment: {not: [prod, 1]}",
    ),
    (
        "environment: [prod, staging]",
        "environment: [prod, [staging]]",
    ),
    ("site: \"*\"", "site: *"),
    ("site: \"*\"", "site: ${cluster.tags.site}"),
    ("site: \"*\"", "site: \"*"),
    ("site: \"*\"", "site: 7"),
    ("site: \"*\"", "ENVIRONMENT: x"),
    // The vaults.
    ("    vaults:", "    vault:"),
    ("    vaults:", "    vaults: any"),
    ("      within:", "      withing:"),
    (
        "      within:",
        "      within: /subscriptions/11111111-1111-1111-1111-111111111111",
    ),
    (
        "- /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/",
        "- subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/",
    ),
    (
        "- /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/",
        "- /subscriptions/11111111/resourceGroups/",
    ),
    (
        "- /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/",
        "- /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroup/",
    ),
    (
        "- /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/",
        "- /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups//",
    ),
    (
        "22222222-2222-2222-2222-222222222222/resourceGroups/rg-nexus-secrets",
        "22222222-2222-2222-2222-222222222222/resourceGroups/*",
    ),
    (
        "22222222-2222-2222-2222-222222222222/resourceGroups/rg-nexus-secrets",
        "22222222-2222-2222-2222-222222222222/resourceGroups/rg-nexus-secrets/",
    ),
    (
        "22222222-2222-2222-2222-222222222222/resourceGroups/rg-nexus-secrets",
        "22222222-2222-2222-2222-222222222222/resourceGroups/${cluster.resource-group}",
    ),
    (
        "22222222-2222-2222-2222-222222222222/resourceGroups/rg-nexus-secrets",
        "22222222-2222-2222-2222-222222222222/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a",
    ),
    ("purpose: nexus-credentials", "8: nexus-credentials"),
    ("purpose: nexus-credentials", "purpose: {not: null}"),
    (
        "purpose: nexus-credentials",
        "\"pur/pose\": nexus-credentials",
    ),
    (
        "purpose: nexus-credentials",
        "purpose: cluster.tags.purpose",
    ),
    ("${cluster.tags.site}", "${cluster.tags.site"),
    ("${cluster.tags.site}", "$cluster.tags.site"),
    ("${cluster.tags.site}", "${cluster.site}"),
    ("${cluster.tags.site}", "${clusters.tags.site}"),
    ("${cluster.tags.site}", "${cluster.tags.}"),
    ("${cluster.tags.site}", "${cluster.tags.site|*}"),
    (
        "${cluster.tags.site}",
        "${cluster.tags.site|${cluster.name}}",
    ),
    ("${cluster.tags.site}", "{cluster.tags.site}"),
    (
        "prefer: [same-resource-group",
        "prefers: [same-resource-group",
    ),
    ("prefer: [same-resource-group", "prefer: [same-rg"),
    ("prefer: [same-resource-group", "prefer: [same-location"),
    (
        "prefer: [same-resource-group, same-location, same-subscription]",
        "prefer: same-location",
    ),
    ("require: [purge-protection]", "require: purge-protection"),
    (
        "require: [purge-protection]",
        "require: [purge-protection, rbac]",
    ),
    // How it is bound.
    ("writer: auto", "writer: automatic"),
    ("writer: auto", "writer: [cluster, cluster-manager]"),
    ("writer: auto", "write: auto"),
    ("    writer: auto", "   writer: auto"),
    ("    writer: auto", "\twriter: auto"),
    ("rebind: never", "rebind: no"),
    ("rebind: never", "rebind: false"),
    ("rebind: never", "rebind: {never}"),
    ("rebind: never", "rebound: never"),
    ("rebind: never", "rebind: never\n    rebind: allow"),
    ("rebind: never", "rebind: never\nexemption: []"),
];

/// A mutated policy and the lines that the change covers.
fn mutated(from: &str, to: &str) -> (String, std::ops::RangeInclusive<usize>) {
    let at = SHIPPED
        .find(from)
        .unwrap_or_else(|| panic!("the policy has no `{from}`"));
    let line = SHIPPED[..at].matches('\n').count() + 1;
    let text = format!("{}{to}{}", &SHIPPED[..at], &SHIPPED[at + from.len()..]);
    (text, line..=line + to.matches('\n').count())
}

#[test]
fn each_of_many_mutations_of_the_shipped_policy_is_found_on_its_line() {
    assert!(load(SHIPPED).is_ok());
    let mut missed = Vec::new();
    for (from, to) in CHANGES {
        let (text, lines) = mutated(from, to);
        let errors = load(&text).err().unwrap_or_default();
        // Where it is no YAML, the parser stumbles behind the mistake, and the hint names the line before.
        let hinted = format!("in line {}", lines.start());
        let is_hinted = |hint: &String| hint.ends_with(&hinted);
        if !errors.iter().any(|error| {
            lines.contains(&error.place.line) || error.hint.as_ref().is_some_and(is_hinted)
        }) {
            missed.push(format!("{from:?} became {to:?} in {lines:?}: {errors:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    let different: BTreeSet<_> = CHANGES.iter().collect();
    assert!(different.len() >= 40 && different.len() == CHANGES.len());
}

/// Each change, and the policy that it makes.
pub(super) fn refused() -> impl Iterator<Item = (String, String)> {
    let change =
        |(from, to): &(&str, &str)| (format!("{from:?} became {to:?}"), mutated(from, to).0);
    CHANGES.iter().map(change)
}
