use expect_test::{Expect, expect};
use proptest::prelude::*;
use time::macros::{date, datetime};

use super::{
    file::{Defaults, load},
    offline::registered,
    *,
};
use crate::{
    decision::Subject,
    fixtures,
    observation::{Observation, observe_offline},
    policy::{Policy, document},
};

fn policy() -> Policy {
    document::load(fixtures::BY_SITE).unwrap()
}

fn defaults() -> Defaults {
    Defaults::of(&policy(), "vault.azure.net")
}

fn observed(estate: &Inventory, cluster: &str) -> Observation {
    let mut ids = estate.clusters.keys();
    let cluster = ids.find(|id| id.name() == cluster).unwrap();
    let subject = Subject {
        policy: &policy(),
        cluster,
        vault_hint: None,
        today: date!(2026 - 11 - 23),
        vault_suffix: "vault.azure.net",
    };
    observe_offline(estate, &subject)
}

#[test]
fn a_few_lines_are_an_estate() {
    let text = "version: 1
vaults:
  - { name: kv-a, tags: { site: a } }
  - { name: kv-b, tags: { site: b }, rbac: false }
clusters:
  - { name: c1, tags: { Site: a }, identities: [system] }
  - { name: c2, tags: { site: b }, archive: kv-b }
";
    let estate = load(text, &defaults()).unwrap();
    let decision = observed(&estate, "c1").decision;
    assert_eq!(decision.vault.unwrap().id, fixtures::vault_id("kv-a"));
    let writer = decision.writer.unwrap().writer;
    assert_eq!(writer, crate::plan::Writer::Cluster);
    let reason = observed(&estate, "c2").decision.reason.unwrap();
    assert_eq!(reason.code, "AccessPolicies");
    assert!(observed(&estate, "c1").inventory.assumed.is_empty());
}

#[test]
fn whoever_holds_a_role_is_named_by_whose_identity_it_is() {
    let text = "version: 1
vaults: [{ name: kv-a }]
managers: [{ name: m1, identities: [id-m] }]
clusters: [{ name: c1, identities: [system, id-a] }]
roles:
  - { vault: kv-a, principal: app-2 }
  - { vault: kv-a, principal: c1.system }
  - { vault: kv-a, principal: c1.id-a }
  - { vault: kv-a, principal: M1.ID-M, assignments: [{ conditional: true }] }
";
    let estate = load(text, &defaults()).unwrap();
    let holders: Vec<&PrincipalId> = estate.roles[&fixtures::vault_id("kv-a")].keys().collect();
    assert_eq!(holders.len(), 4);
    assert!(holders.contains(&&PrincipalId::made_of("app 2")));
    let system = estate.clusters.values().flatten().next().unwrap();
    assert!(holders.contains(&system.identities.system.as_ref().unwrap()));
    for nobody in ["c1.id-b", "c2.system", "app-3", "app-0", "me"] {
        let text = text.replace("app-2", nobody);
        let problems = load(&text, &defaults()).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let message = format!("`{nobody}` is nobody of the estate");
        assert_eq!(problems[0].message, message);
    }
}

#[test]
fn what_a_captured_estate_does_not_know_is_said() {
    let mut estate = captured();
    let cluster = fixtures::cluster("c1", &[("site", "a")]);
    estate.clusters.insert(cluster.id.clone(), Some(cluster));
    let mut vault = fixtures::vault("kv-a", &[("site", "a")]);
    let own = vault.id.subscription().clone();
    // A GUID is the same in capitals.
    let tenant = "AAAAAAAA-0000-4000-8000-00000000000A";
    vault.tenant = tenant.to_ascii_lowercase();
    estate.tenants.insert(own.clone(), tenant.to_owned());
    estate.providers.insert(own.clone(), registered());
    estate
        .listed
        .insert(Scope::Subscription(own), Listed::current([vault]));
    let observed = observed(&estate, "c1");
    assert!(observed.decision.is_bound());
    let assumed = observed.inventory.assumed.iter();
    let assumed: Vec<String> = assumed.map(ToString::to_string).collect();
    assert_eq!(assumed.len(), 3, "{assumed:?}");
    assert_eq!(assumed[0], "platform principals");
    assert!(assumed[1].starts_with("roles of "), "{assumed:?}");
}

#[track_caller]
fn mistakes(text: &str, expected: &Expect) {
    let problems = load(text, &defaults()).unwrap_err();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn mistakes_have_their_place() {
    mistakes("", &expect!["1:1: the file is empty"]);
    mistakes(
        "version: 2",
        &expect!["1:10: version is the number `2`, only 1 is known"],
    );
    mistakes(
        "version: 1
vaults:
  - { nam: kv-a }
  - { name: k }
  - { name: kv-c, rbac: maybe, tags: { site: 1 } }
clusters:
  - { name: c1, in: everywhere }
  - { name: c2 }
  - { name: C2 }
roles:
  - { vault: kv-a, principal: me }
",
        &expect![[r#"
            3:7: `name` is missing in a vault; give its `name`, or its whole `id`
            3:7: unknown key `nam` in a vault; did you mean `name`?
            4:13: `k`: not an ARM resource id: not a name of a Microsoft.KeyVault/vaults
            5:25: expected true or false, found `maybe`
            5:46: expected the value of a tag, found the number `1`; put it in quotes where text is meant
            7:21: not an ARM resource id: it does not begin with a slash
            9:7: another one is /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-clusters/providers/Microsoft.NetworkCloud/clusters/C2 already
            11:31: `me` is nobody of the estate; write an object id, `app-1` or `app-2` for the platform's apps, or the name of a cluster or a manager with `.system` or the name of its identity behind it"#]],
    );
}

proptest! {
    /// A tag may hold anything; what is written of it is read as the same.
    #[test]
    fn tags_come_back_as_they_were(name in "[^\u{0}]{1,40}", value in any::<String>()) {
        let mut estate = captured();
        let cluster = fixtures::cluster("c1", &[(name.as_str(), value.as_str())]);
        estate.clusters.insert(cluster.id.clone(), Some(cluster));
        let text = estate.to_json();
        prop_assert!(!text.chars().any(|letter| letter < ' ' && letter != '\n'));
        prop_assert_eq!(load(&text, &defaults()).unwrap(), estate);
    }
}

fn captured() -> Inventory {
    Inventory {
        captured: Some(datetime!(2026-11-23 12:00 UTC)),
        ..Inventory::default()
    }
}

#[test]
fn a_captured_file_of_another_version_or_with_a_mistake_is_refused_with_a_word() {
    mistakes(
        r#"{ "version": 1, "captured": "2026-11-23T12:00:00Z", "clusters": [] }"#,
        &expect![
            "1:1: captured as version 1, only version 2 is read; capture it anew with `vaultbind capture`"
        ],
    );
    mistakes(
        r#"{ "version": 3, "inventory": {} }"#,
        &expect![
            "1:1: captured as version 3, only version 2 is read; capture it anew with `vaultbind capture`"
        ],
    );
    mistakes(
        "{\n  \"version\": 2,\n  \"inventory\": { \"clustres\": {} }\n}",
        &expect![
            "3:27: no captured estate: unknown field `clustres`, expected one of `captured`, `tenants`, `visible`, `providers`, `listed`, `clusters`, `managers`, `vaults`, `vaultsByHost`, `deletedVaults`, `vaultNames`, `anyVault`, `platformPrincipals`, `roles`, `unread`; capture it anew with `vaultbind capture`"
        ],
    );
    mistakes(
        "\u{feff}{ \"version\": 2, \"inventory\": { \"clusters\": {} }",
        &expect![
            "1:47: no captured estate: EOF while parsing an object; capture it anew with `vaultbind capture`"
        ],
    );
    let mut estate = captured();
    let elsewhere = Listed::current([fixtures::vault("kv-a", &[])]);
    let other: SubscriptionId = "22222222-2222-2222-2222-222222222222".parse().unwrap();
    estate.listed.insert(Scope::Subscription(other), elsewhere);
    mistakes(
        &estate.to_json(),
        &expect![
            "1:1: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-secrets/providers/Microsoft.KeyVault/vaults/kv-a stands under another id; capture it anew with `vaultbind capture`"
        ],
    );
    let mut estate = captured();
    let other = fixtures::cluster("c2", &[]);
    estate
        .clusters
        .insert(fixtures::cluster_id("c1"), Some(other));
    mistakes(
        &estate.to_json(),
        &expect![
            "1:1: /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-sites/providers/Microsoft.NetworkCloud/clusters/c2 stands under another id; capture it anew with `vaultbind capture`"
        ],
    );
}
