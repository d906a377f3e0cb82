//! A captured estate: what it is good for, what it holds, and what it does not.

use serde_json::{Value, json};
use vaultbind_simulator::Estate;

use super::{Desk, at, estate, policy, text};
use crate::{
    binding::vault,
    town::{POLICY, WEST},
};

#[tokio::test]
async fn a_captured_estate_is_what_a_policy_is_tested_on() {
    let desk = Desk::new(estate(), &policy()).await;
    let cases = desk.policy.with_extension("tests.yaml");
    let captured = cases.with_file_name(format!("{}.json", std::process::id()));
    desk.prints(&["capture", "--output", captured.to_str().unwrap()])
        .await;
    let text = format!(
        "version: 1
estate: {}
cases:
  - name: what is right stays so
    cluster: c-right
    expect: {{ outcome: bound, vault: kv-a, writer: platform-apps }}
  - name: what is busy is waited for
    cluster: c-busy
    expect: {{ outcome: waiting, reason: ClusterBusy }}
  - name: a new cluster joins the others
    cluster: {{ name: c-new, tags: {{ site: f }} }}
    expect: {{ outcome: bound, vault: kv-f }}
",
        captured.file_name().unwrap().to_str().unwrap()
    );
    std::fs::write(&cases, text).unwrap();
    let shown = desk.run(&["policy", "test"]).await;
    let shown = self::text(&shown.stdout) + &self::text(&shown.stderr);
    assert!(
        shown.ends_with("\n3 cases: 3 passed, 0 failed\n"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_captured_estate_holds_no_secret_and_no_rack() {
    let desk = Desk::new(estate(), &policy()).await;
    desk.azure(|azure| {
        let cluster = azure.cluster_id("c-fresh").unwrap();
        let rack = json!({
            "rackSerialNumber": "RACK-4711",
            "bareMetalMachineConfigurationData": [{ "bmcCredentials": { "username": "root", "password": "calvin" } }],
        });
        azure.set_property(&cluster, "aggregatorOrSingleRackDefinition", rack);
        let secret = json!({ "applicationId": "app-of-the-safe", "password": "hunter2" });
        azure.set_property(&cluster, "clusterServicePrincipal", secret);
        let vault = azure.vault_id("kv-a").unwrap();
        let access = json!([{ "objectId": "one-of-the-safe", "permissions": { "secrets": ["get"] } }]);
        azure.set_property(&vault, "accessPolicies", access);
    });
    let captured = desk.prints(&["capture"]).await;
    for word in [
        "RACK",
        "calvin",
        "hunter2",
        "of-the-safe",
        "etag",
        "systemData",
        "networkFabric",
    ] {
        assert!(!captured.contains(word), "{word} was captured");
    }
    let mut keys = std::collections::BTreeSet::new();
    collect_keys(&serde_json::from_str(&captured).unwrap(), &mut keys);
    let expected = "anyVault archive captured clusterApiVersions clusters conditional createdOn deletedVaults detailedStatus \
        enabled found id identities identity inventory listed location manager managers platformPrincipals principal \
        provider providers provisioningState purgeProtection purpose rbac role roles scope settings site state system \
        tags tenant tenants unread uri user vault vaultNames vaultUri vaults vaultsByHost version visible";
    let unexpected: Vec<&String> = keys
        .iter()
        .filter(|it| !expected.split_whitespace().any(|word| word == it.as_str()))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    assert_eq!(
        without_time(&captured),
        without_time(&desk.prints(&["capture"]).await)
    );
}

fn without_time(captured: &str) -> Vec<&str> {
    captured
        .lines()
        .filter(|it| !it.contains("\"captured\""))
        .collect()
}

fn collect_keys(value: &Value, keys: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            // Ids and addresses are keys too.
            let names = members.keys().filter(|it| !it.contains(['/', '-', '.']));
            keys.extend(names.cloned());
            members.values().for_each(|it| collect_keys(it, keys));
        }
        Value::Array(items) => items.iter().for_each(|it| collect_keys(it, keys)),
        _ => {}
    }
}

#[tokio::test]
async fn what_another_policy_asks_and_nobody_captured_is_said() {
    let desk = Desk::new(estate(), &policy()).await;
    let file = desk.file("estate.json");
    desk.prints(&["capture", "--output", &file]).await;
    let other = policy()
        .replace("'**/c-exempt'", "'**/nobody'")
        .replace("rg-secrets", "rg-elsewhere");
    let other = other.replace("purpose: nexus-credentials, ", "");
    std::fs::write(&desk.policy, other).unwrap();
    let shown = desk
        .prints(&["plan", "--cluster", "c-exempt", "--estate", &file])
        .await;
    let (_, assumed) = shown
        .split_once("not in the estate, and taken not to be there")
        .unwrap();
    assert_eq!(assumed.matches("\n  roles of ").count(), 2, "{shown}");
}

#[tokio::test]
async fn what_this_policy_has_no_need_of_may_be_out_of_reach() {
    let estate = Estate::new().platform_apps().subscription(WEST);
    let estate = estate.vault(vault("kv-a", "a"));
    let estate = estate.cluster(at("a", "c1").system_identity());
    let policy = POLICY.replace("writer: platform-apps", "writer: cluster");
    let desk = Desk::new(estate, &policy).await;
    desk.azure(|azure| azure.behaviour.graph_forbidden = true);
    let file = desk.file("estate.json");
    desk.prints(&["capture", "--output", &file]).await;
    let live = desk.prints(&["plan"]).await;
    assert_eq!(live, desk.prints(&["plan", "--estate", &file]).await);
    assert!(live.contains("give cluster ("), "{live}");

    // Another policy asks for the apps, which nobody could look up.
    std::fs::write(&desk.policy, POLICY).unwrap();
    let shown = desk.prints(&["plan", "--estate", &file]).await;
    assert!(shown.contains("\n  platform principals\n"), "{shown}");
}
