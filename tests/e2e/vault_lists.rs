//! How vaults are listed: by ARM, boundary by boundary, and not at all where the vault in place is right.

use serde_json::json;
use vaultbind_simulator::{
    ClusterSpec, Estate, SubscriptionSpec,
    faults::{Fault, FaultRule},
    journal::{Entry, Service},
    state::behaviour::PatchMode,
};

use crate::{
    binding,
    town::{EAST, POLICY, Plan, Town, WEST, write_event},
};

const CLUSTER_WRITE: &str = "Microsoft.NetworkCloud/clusters/write";

/// The calls to ARM so far, tokens and provider left out: what a warm process needs.
fn calls(town: &Town) -> Vec<Entry> {
    let calls = town.simulator.world.journal.entries().into_iter();
    let is_kept = |it: &Entry| {
        it.path.ends_with("/Microsoft.NetworkCloud") || it.path.split('/').count() == 3
    };
    calls
        .filter(|it| it.service == Service::Arm && !is_kept(it))
        .collect()
}

fn lists(calls: &[Entry]) -> usize {
    calls
        .iter()
        .filter(|it| it.path.ends_with("/vaults"))
        .count()
}

async fn look(town: &Town, event: &str, cluster: &str) {
    let event = write_event(event, &town.cluster_id(cluster), CLUSTER_WRITE);
    town.publish(&event).await;
}

fn conflict() -> Fault {
    Fault::Status {
        status: 409,
        code: "Conflict".to_owned(),
        message: "a fault of the test".to_owned(),
        retry_after: None,
    }
}

#[tokio::test]
async fn every_boundary_is_listed_where_it_lies_also_where_one_fails_at_first() {
    let east = format!("\"/subscriptions/{EAST}/resourceGroups/rg-secrets\"");
    for refused in [0, 2] {
        let estate = binding::estate_in(SubscriptionSpec::new(WEST));
        let mut plan = Plan::new(estate.subscription(SubscriptionSpec::new(EAST)));
        plan.config.emit_events = false;
        plan.policy = plan
            .policy
            .replace("within: [", &format!("within: [{east}, "));
        assert!(plan.policy.contains(&east));
        let town = plan.open().await;
        town.simulator.world.azure().behaviour.patch = PatchMode::Immediate;
        let rule = FaultRule::new(
            Service::Arm,
            "rg-secrets/providers/Microsoft.KeyVault/vaults",
            conflict(),
        );
        let rule = rule.at_the_end().times(refused);
        town.simulator.world.faults.add(rule);
        look(&town, "e-1", "c1").await;
        let result = town.only_result();
        assert_eq!(result["data"]["outcome"], "bound", "{}", town.account());
        let lists = lists(&calls(&town));
        assert!(lists >= 2 && lists <= 2 + refused, "{}", town.account());
        let queries = calls(&town);
        let mut queries = queries
            .iter()
            .filter(|it| it.path.contains("ResourceGraph"));
        assert!(queries.next().is_none(), "{}", town.account());
    }
}

/// Clusters of site `a` that are bound to its vault and whose writers have their roles.
async fn settled(shape: &str, rebind: &str) -> Town {
    let vault = format!(
        "/subscriptions/{WEST}/resourceGroups/rg-secrets/providers/Microsoft.KeyVault/vaults/kv-a"
    );
    let mut estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"))
        .vault(binding::vault("kv-b", "a"))
        .grant_platform_apps("kv-a");
    for name in ["c1", "c2"] {
        let cluster = ClusterSpec::new(name).tag("site", "a");
        estate = match shape {
            "secretArchive" => estate.cluster(cluster.archive(&vault)),
            _ => {
                let settings = json!({
                    "vaultUri": "https://kv-a.vault.azure.net/",
                    "associatedIdentity": { "identityType": "SystemAssignedIdentity" },
                });
                let cluster = cluster.system_identity().settings(settings);
                estate.cluster(cluster).grant(name, "kv-a")
            }
        };
    }
    let mut plan = Plan::new(estate);
    plan.config.emit_events = false;
    let policy = POLICY.replace("writer: platform-apps", "writer: auto");
    plan.policy = format!("{policy}    rebind: {rebind}\n");
    plan.open().await
}

#[tokio::test]
async fn a_right_cluster_costs_no_write_and_no_list_but_under_allow() {
    for (shape, reads) in [("secretArchive", 4), ("secretArchiveSettings", 3)] {
        for rebind in ["never", "when-orphaned", "allow"] {
            let town = settled(shape, rebind).await;
            look(&town, "e-1", "c1").await;
            let cold = calls(&town);
            look(&town, "e-2", "c2").await;
            let all = calls(&town);
            let warm = &all[cold.len()..];
            let outcomes = town
                .results()
                .into_iter()
                .map(|it| it["data"]["outcome"].clone());
            assert_eq!(
                Vec::from_iter(outcomes),
                ["bound", "bound"],
                "{}",
                town.account()
            );
            assert!(town.writes().is_empty(), "{}", town.account());
            assert_eq!(warm.len(), reads, "{shape}, {rebind}: {warm:#?}");
            let expected = usize::from(rebind == "allow");
            assert_eq!(lists(&cold), expected, "{shape}, {rebind}: {cold:#?}");
        }
    }
}

/// How many of the calls came one after the other: those that were under way together count once.
fn steps(calls: &[Entry]) -> usize {
    let mut steps: Vec<&str> = Vec::new();
    for entry in calls {
        let step = match (entry.method.as_str(), entry.path.as_str()) {
            ("PUT", _) => "assign",
            ("PATCH", _) => "patch",
            (_, path) if path.ends_with("/roleAssignments") || path.contains("/vaults/") => {
                "vault and roles"
            }
            (_, path) if path.ends_with("/vaults") => "list",
            _ => "cluster",
        };
        // Reading back is the cluster and the roles side by side.
        let reads_back = steps.contains(&"patch") && step != "patch";
        let step = if reads_back { "read back" } else { step };
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    steps.len()
}

#[tokio::test]
async fn a_fresh_binding_takes_ten_calls_in_five_steps_and_one_more_for_its_list() {
    let mut plan = Plan::new(binding::estate_in(SubscriptionSpec::new(WEST)));
    plan.config.emit_events = false;
    let town = plan.open().await;
    town.simulator.world.azure().behaviour.patch = PatchMode::Immediate;
    look(&town, "e-1", "c1").await;
    let own = calls(&town);
    assert_eq!(lists(&own), 1, "{}", town.account());
    assert_eq!(own.len(), 11, "{}", town.account());
    assert_eq!(steps(&own), 6, "{}", town.account());
}

/// Two boundaries, of which each has a moment: one answer about the one says nothing about the other.
#[tokio::test]
async fn a_boundary_that_is_prepared_ahead_makes_no_stray_answer_of_another_count() {
    let [more, ahead] = ["rg-more", "rg-ahead"]
        .map(|group| format!("\"/subscriptions/{WEST}/resourceGroups/{group}\""));
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"))
        .vault(binding::vault("kv-b", "a").group("rg-more"))
        .cluster(ClusterSpec::new("c1").tag("site", "a"));
    let mut plan = Plan::new(estate);
    plan.config.emit_events = false;
    plan.policy = plan
        .policy
        .replace("within: [", &format!("within: [{more}, {ahead}, "));
    let town = plan.open().await;
    town.simulator.world.azure().behaviour.patch = PatchMode::Immediate;
    town.simulator
        .world
        .azure()
        .remove_resource_group(WEST, "rg-ahead");
    let absent = Fault::Status {
        status: 404,
        code: "ResourceGroupNotFound".to_owned(),
        message: "a fault of the test".to_owned(),
        retry_after: None,
    };
    // By then the group that is prepared ahead has been asked for often enough.
    let rule = FaultRule::new(
        Service::Arm,
        "rg-more/providers/Microsoft.KeyVault/vaults",
        absent,
    );
    town.simulator
        .world
        .faults
        .add(rule.at_the_end().skip(3).times(1));
    look(&town, "e-1", "c1").await;
    let data = &town.only_result()["data"];
    assert_eq!(data["outcome"], "ambiguous", "{}", town.account());
    assert!(town.writes().is_empty(), "{}", town.account());
}

#[tokio::test]
async fn a_404_of_another_code_is_no_absence() {
    for code in ["InvalidResourceType", ""] {
        let mut plan = Plan::new(binding::estate_in(SubscriptionSpec::new(WEST)));
        plan.config.emit_events = false;
        let town = plan.open().await;
        town.simulator.world.azure().behaviour.patch = PatchMode::Immediate;
        let odd = Fault::Status {
            status: 404,
            code: code.to_owned(),
            message: "a fault of the test".to_owned(),
            retry_after: None,
        };
        let rule = FaultRule::new(
            Service::Arm,
            "rg-secrets/providers/Microsoft.KeyVault/vaults",
            odd,
        );
        // For longer than a second answer takes.
        town.simulator.world.faults.add(rule.at_the_end().times(9));
        look(&town, "e-1", "c1").await;
        let data = &town.only_result()["data"];
        assert_eq!(data["outcome"], "bound", "{}", town.account());
    }
}
