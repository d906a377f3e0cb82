//! A vault that is not found: what is asked before it counts as deleted, and what holds its cluster where it is.

use serde_json::json;
use vaultbind_simulator::{
    ClusterSpec, Estate, SubscriptionSpec,
    faults::{Fault, FaultRule},
    journal::Service,
    state::behaviour::PatchMode,
};

use crate::{
    binding,
    town::{POLICY, Plan, Town, WEST, write_event},
};

/// A cluster of site `a` that is bound to `kv-x`, and the vault that would take its place, under `when-orphaned`.
async fn town(shape: &str) -> Town {
    let group = format!("/subscriptions/{WEST}/resourceGroups/rg-secrets");
    let cluster = ClusterSpec::new("c1").tag("site", "a");
    let cluster = match shape {
        "secretArchive" => {
            cluster.archive(&format!("{group}/providers/Microsoft.KeyVault/vaults/kv-x"))
        }
        _ => cluster.system_identity().settings(json!({
            "vaultUri": "https://kv-x.vault.azure.net/",
            "associatedIdentity": { "identityType": "SystemAssignedIdentity" },
        })),
    };
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-x", "a"))
        .vault(binding::vault("kv-a", "a"))
        .cluster(cluster);
    let mut plan = Plan::new(estate);
    plan.config.emit_events = false;
    plan.policy = format!(
        "{}    rebind: when-orphaned\n",
        POLICY.replace("writer: platform-apps", "writer: auto")
    );
    let town = plan.open().await;
    town.simulator.world.azure().behaviour.patch = PatchMode::Immediate;
    town
}

fn status(status: u16, code: &str) -> Fault {
    Fault::Status {
        status,
        code: code.to_owned(),
        message: "a fault of the test".to_owned(),
        retry_after: None,
    }
}

async fn look(town: &Town) -> (String, String) {
    let kind = "Microsoft.NetworkCloud/clusters/write";
    town.publish(&write_event("e-1", &town.cluster_id("c1"), kind))
        .await;
    let data = &town.only_result()["data"];
    let code = data["reason"]["code"].as_str().unwrap_or_default();
    let outcome = data["outcome"].as_str().unwrap();
    (outcome.to_owned(), code.to_owned())
}

fn told(outcome: &str, code: &str) -> (String, String) {
    (outcome.to_owned(), code.to_owned())
}

/// Nothing proves that the vault is deleted: the cluster stays as it is.
async fn assert_held(town: &Town, how: &str) {
    let expected = told("held", "BoundVaultNotVisible");
    assert_eq!(look(town).await, expected, "{how}: {}", town.account());
}

/// More often than anything is tried.
const ALWAYS: usize = 10_000;

const SHAPES: [&str; 2] = ["secretArchive", "secretArchiveSettings"];

#[tokio::test]
async fn a_purged_vault_is_known_by_its_name_that_is_free_beside_one_that_is_taken() {
    for shape in SHAPES {
        let town = town(shape).await;
        let vault = town.vault_id("kv-x");
        town.simulator.world.azure().delete(&vault);
        assert_eq!(look(&town).await, told("bound", ""), "{}", town.account());
    }
}

#[tokio::test]
async fn a_stray_answer_moves_nobody() {
    for shape in SHAPES {
        for (code, lies) in [
            ("ResourceNotFound", false),
            ("ResourceGroupNotFound", false),
            ("SubscriptionNotFound", true),
        ] {
            let town = town(shape).await;
            // Every read of the vault, for as long as it is asked for; and once all names seem free.
            let rule = FaultRule::new(Service::Arm, "vaults/kv-x", status(404, code));
            town.simulator.world.faults.add(rule.times(ALWAYS));
            town.simulator.world.azure().behaviour.every_name_is_free = lies;
            assert_held(&town, &format!("{shape}, {code}")).await;
        }
    }
}

#[tokio::test]
async fn one_stray_answer_costs_a_moment() {
    for shape in SHAPES {
        let town = town(shape).await;
        let rule = FaultRule::new(Service::Arm, "vaults/kv-x", status(404, "ResourceNotFound"));
        town.simulator.world.faults.add(rule.times(1));
        assert_eq!(look(&town).await, told("bound", ""), "{}", town.account());
        let data = &town.only_result()["data"];
        assert_eq!(data["vault"]["id"], json!(town.vault_id("kv-x")));
        assert_eq!(data["attempts"], 2);
    }
}

#[tokio::test]
async fn a_proof_that_cannot_be_had_for_ten_minutes_holds_the_cluster() {
    for (shape, call) in SHAPES
        .into_iter()
        .flat_map(|shape| ["deletedVaults", "checkNameAvailability"].map(|call| (shape, call)))
    {
        let town = town(shape).await;
        let vault = town.vault_id("kv-x");
        town.simulator.world.azure().delete(&vault);
        let rule = FaultRule::new(Service::Arm, call, status(500, "InternalServerError"));
        town.simulator.world.faults.add(rule.times(ALWAYS));
        assert_held(&town, &format!("{shape}, {call}")).await;
    }
}

#[tokio::test]
async fn a_missing_right_holds_the_cluster() {
    for action in [
        "Microsoft.KeyVault/deletedVaults/read",
        "Microsoft.KeyVault/checkNameAvailability/read",
    ] {
        let town = town("secretArchive").await;
        let vault = town.vault_id("kv-x");
        if action.contains("checkName") {
            town.simulator.world.azure().delete(&vault);
        } else {
            town.simulator.world.azure().soft_delete_vault(&vault);
        }
        town.simulator
            .world
            .azure()
            .deny(action, &format!("/subscriptions/{WEST}"));
        assert_held(&town, action).await;
        let help = &town.only_result()["data"]["reason"]["help"];
        assert!(help.as_str().unwrap().contains(action), "{help}");
    }
}

#[tokio::test]
async fn what_is_said_of_a_deleted_vaults_name_plays_no_part() {
    for is_taken in [true, false] {
        let town = town("secretArchive").await;
        let vault = town.vault_id("kv-x");
        town.simulator.world.azure().soft_delete_vault(&vault);
        town.simulator
            .world
            .azure()
            .behaviour
            .deleted_names_are_taken = is_taken;
        assert_eq!(look(&town).await, told("bound", ""), "{}", town.account());
    }
}

#[tokio::test]
async fn a_result_tells_the_vault_that_the_cluster_has_from_the_one_that_the_policy_wants() {
    for shape in SHAPES {
        let town = town(shape).await;
        let (old, new) = (town.vault_id("kv-x"), town.vault_id("kv-a"));
        town.simulator.world.azure().soft_delete_vault(&old);
        // What would take its place is not ready: the cluster still has the old one.
        town.simulator.world.azure().set_property(
            &new,
            "provisioningState",
            json!("RegisteringDns"),
        );
        assert_eq!(look(&town).await, told("orphaned", "VaultDeleted"));
        let data = &town.only_result()["data"];
        let current = json!({ "id": old, "uri": "https://kv-x.vault.azure.net/" });
        assert_eq!(data["current"], current, "{shape}: {}", town.account());
        assert_eq!(data["vault"], json!(null));
        assert_eq!(data["warnings"], json!([]));
    }
}
