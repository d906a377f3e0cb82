use expect_test::{Expect, expect};
use proptest::prelude::*;
use time::macros::{date, datetime};

use super::*;
use crate::{
    decision::Subject,
    fixtures,
    policy::{Policy, document},
};

fn policy() -> Policy {
    document::load(fixtures::BY_SITE).unwrap()
}

fn around() -> Surroundings {
    Surroundings::of(&policy(), "vault.azure.net")
}

fn look(estate: &Estate, cluster: &str) -> Look {
    let mut ids = estate.clusters.keys();
    let cluster = ids.find(|it| it.name() == cluster).unwrap();
    let subject = Subject {
        policy: &policy(),
        cluster,
        vault_hint: None,
        today: date!(2026 - 11 - 23),
        vault_suffix: "vault.azure.net",
    };
    estate.look(&estate.listing(&policy()), &subject)
}

#[test]
fn a_few_lines_are_an_estate() {
    let text = "version: 1
vaults:
  - { name: kv-a, tags: { site: a } }
  - { name: kv-b, tags: { site: a }, rbac: false }
clusters:
  - { name: c1, tags: { Site: a }, identities: [system] }
  - { name: c2, tags: { site: a }, archive: kv-b }
";
    let estate = load(text, &around()).unwrap();
    let decision = look(&estate, "c1").decision;
    assert_eq!(decision.vault.unwrap().id, fixtures::vault_id("kv-a"));
    let writer = decision.writer.unwrap().writer;
    assert_eq!(writer, crate::plan::Writer::Cluster);
    let reason = look(&estate, "c2").decision.reason.unwrap();
    assert_eq!(reason.code, "BoundElsewhere");
    assert!(look(&estate, "c1").assumed.is_empty());
}

#[test]
fn what_a_captured_estate_does_not_know_is_said() {
    let mut estate = Estate {
        captured: Some(datetime!(2026-11-23 12:00 UTC)),
        ..Estate::default()
    };
    let cluster = fixtures::cluster("c1", &[("site", "a")]);
    estate.clusters.insert(cluster.id.clone(), cluster);
    let vault = fixtures::vault("kv-a", &[("site", "a")]);
    let own = estate.subscription(vault.id.subscription());
    own.tenant = Some(vault.tenant.clone());
    own.provider = Some(registered());
    own.is_listed = true;
    let id = vault.id.clone();
    estate.vaults.insert(id, VaultSeen::settled(vault));
    let look = look(&estate, "c1");
    assert!(look.decision.is_bound());
    let assumed: Vec<String> = look.assumed.iter().map(ToString::to_string).collect();
    assert_eq!(assumed.len(), 3, "{assumed:?}");
    assert_eq!(assumed[0], "platform principals");
    assert!(assumed[1].starts_with("roles of "), "{assumed:?}");
}

#[track_caller]
fn mistakes(text: &str, expected: &Expect) {
    let problems = load(text, &around()).unwrap_err();
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
            11:31: not an ARM resource id: an object id is a GUID"#]],
    );
}

proptest! {
    /// A tag may hold anything; what is written of it is read as the same, and prints alike.
    #[test]
    fn tags_come_back_as_they_were(name in "[^\u{0}]{1,40}", value in any::<String>()) {
        let mut estate = Estate {
            captured: Some(datetime!(2026-11-23 12:00 UTC)),
            ..Estate::default()
        };
        let cluster = fixtures::cluster("c1", &[(name.as_str(), value.as_str())]);
        estate.clusters.insert(cluster.id.clone(), cluster.clone());
        let text = estate.to_json();
        prop_assert!(!text.chars().any(|it| it.is_control() && it != '\n'));
        let read = load(&text, &around()).unwrap();
        prop_assert_eq!(&read.clusters[&cluster.id].tags, &cluster.tags);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&json["clusters"][0]["tags"][&name], &serde_json::json!(value));
    }
}
