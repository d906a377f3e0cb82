//! The order in which a cluster is moved to another vault, which the sorted lines of a scenario cannot show.

use serde_json::{Value, json};
use vaultbind_simulator::{
    ClusterSpec, Estate, ManagerSpec, SubscriptionSpec, VaultSpec,
    journal::{Entry, Service},
    state::behaviour::PatchMode,
};

use crate::{
    binding,
    town::{POLICY, Plan, Town, WEST, write_event},
};

/// A cluster that is bound to `kv-old`, whose site's vault is `kv-a`, under a rule with this writer.
fn plan(writer: &str) -> Plan {
    let old = format!(
        "/subscriptions/{WEST}/resourceGroups/rg-secrets/providers/Microsoft.KeyVault/vaults/kv-old"
    );
    let cluster = ClusterSpec::new("c1").tag("site", "a");
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"))
        .vault(VaultSpec::new("kv-old"));
    let estate = match writer {
        "platform-apps" => estate
            .cluster(cluster.archive(&old))
            .grant_platform_apps("kv-old"),
        "cluster-manager" => estate
            .manager(ManagerSpec::new("cm1").system_identity())
            .cluster(cluster.manager("cm1").archive(&old))
            .grant("cm1", "kv-old"),
        "cluster" => {
            let settings = json!({
                "vaultUri": "https://kv-old.vault.azure.net/",
                "associatedIdentity": { "identityType": "SystemAssignedIdentity" },
            });
            estate
                .cluster(cluster.system_identity().settings(settings))
                .grant("c1", "kv-old")
        }
        other => panic!("there is no writer `{other}`"),
    };
    let mut plan = Plan::new(estate);
    let policy = POLICY.replace("writer: platform-apps", &format!("writer: {writer}"));
    plan.policy = format!("{policy}    rebind: allow\n");
    plan
}

/// What a call is, in a word, where the order has something to say about it.
fn step(town: &Town, call: &Entry) -> Option<&'static str> {
    let is_at = |id: &str| call.path.eq_ignore_ascii_case(id);
    let on_vault = call.path.starts_with(&town.vault_id("kv-a"));
    match (call.service, call.method.as_str(), call.status) {
        (Service::Arm, "PUT", 201) if on_vault => Some("role on the new vault"),
        (Service::Arm, "PATCH", 200 | 202) => Some("patch"),
        (Service::Arm, "GET", 200) if is_at(&town.cluster_id("c1")) => Some("cluster read"),
        (Service::ServiceBus, "POST", 201) if call.path.starts_with("/results/") => Some("result"),
        _ => None,
    }
}

#[tokio::test]
async fn a_cluster_moves_once_its_new_vault_is_ready_and_is_read_back_before_it_is_bound() {
    let writers = ["platform-apps", "cluster", "cluster-manager"];
    let modes = [PatchMode::Polls(2), PatchMode::Immediate];
    for (writer, mode) in writers
        .into_iter()
        .flat_map(|it| modes.map(|mode| (it, mode)))
    {
        let town = plan(writer).open().await;
        town.simulator.world.azure().behaviour.patch = mode;
        // Without this check of the writer's access a wrong order would end well, and the steps alone show it.
        town.simulator.world.azure().behaviour.check_access = false;
        let event = write_event(
            "e-1",
            &town.cluster_id("c1"),
            "Microsoft.NetworkCloud/clusters/write",
        );
        town.publish(&event).await;
        let result = town.only_result();
        assert_eq!(result["data"]["outcome"], "bound", "{}", town.account());
        assert_eq!(result["data"]["writers"][0]["kind"], Value::from(writer));
        let calls = town.simulator.world.journal.entries();
        let mut steps: Vec<&str> = calls.iter().filter_map(|it| step(&town, it)).collect();
        steps.dedup();
        // What follows the result is the look at our own write.
        let end = steps.iter().position(|it| *it == "result").unwrap();
        let expected = [
            "cluster read",
            "role on the new vault",
            "patch",
            "cluster read",
            "result",
        ];
        assert_eq!(
            steps[..=end],
            expected,
            "{writer}, {mode:?}: {}",
            town.account()
        );
    }
}
