//! Roles that stay where the cluster is not: the command that removes them names what was read, and nothing else.
//!
//! It must not trust a message: somebody may have put it on the queue by hand.

use serde_json::{Value, json};
use vaultbind_simulator::{
    ClusterSpec, Estate, SubscriptionSpec, service_bus::message::NewMessage, state::WRITER_ROLE,
};

use crate::{
    binding,
    town::{Plan, Town, WEST},
};

const SECRETS_USER: &str = "4633458b-17de-408a-b874-0445c86b69e6";

/// A cluster that is bound to its vault, and another vault beside it.
async fn town() -> Town {
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"))
        .vault(binding::vault("kv-b", "b"))
        .vault(binding::vault("kv-beyond", "b").group("rg-beyond"))
        .cluster(ClusterSpec::new("c1").tag("site", "a"));
    Plan::new(estate).open().await
}

/// Looks at the cluster for a request that claims to have given these roles.
async fn told_of(town: &Town, claimed: &[String]) -> Value {
    let change =
        |id: &String| json!({ "kind": "AssignRole", "target": id, "status": "done", "attempt": 1 });
    let changes: Vec<Value> = claimed.iter().map(change).collect();
    let request = json!({ "version": 1, "id": "r-1", "kind": "cluster", "clusterId": town.cluster_id("c1"),
        "progress": { "changes": changes } });
    let message = NewMessage::json("r-1", &request).in_session("s");
    town.simulator.broker.send("requests", message).unwrap();
    town.settle().await;
    town.results()
        .into_iter()
        .find(|it| it["data"]["cause"]["kind"] == "manual")
        .unwrap()
}

/// The help of the warning, where there is one.
fn command(result: &Value) -> Option<&str> {
    let mut warnings = result["data"]["warnings"].as_array().unwrap().iter();
    let warning = warnings.find(|it| it["code"] == "RolesLeftBehind")?;
    warning["help"].as_str()
}

#[tokio::test]
async fn the_command_names_the_writers_roles_that_are_there_and_nothing_else() {
    let town = town().await;
    let vault = town.vault_id("kv-b");
    let [beyond, shown] = ["kv-beyond", "kv-a"].map(|name| town.vault_id(name));
    let (writers, other, gone, beyond, shown) = {
        let mut azure = town.simulator.world.azure();
        let [first, second] = azure.platform_principals().try_into().unwrap();
        let writers = azure.grant(&first, WRITER_ROLE, &vault);
        let other = azure.grant(&first, SECRETS_USER, &vault);
        let gone = azure.grant(&second, WRITER_ROLE, &vault);
        azure.remove_assignment(&gone);
        let beyond = azure.grant(&first, WRITER_ROLE, &beyond);
        let shown = azure.grant(&first, WRITER_ROLE, &shown);
        (writers, other, gone, beyond, shown)
    };
    let made_up = "/subscriptions/x; rm -rf /".to_owned();
    let claimed = [writers.clone(), other, gone, beyond, shown, made_up];
    let result = told_of(&town, &claimed).await;
    let help = command(&result).unwrap();
    assert!(help.contains(&format!("--ids \"{writers}\"`")), "{help}");
    for id in &claimed[1..] {
        assert!(!help.contains(id.as_str()), "{id} is in {help}");
    }
    assert_eq!(result["data"]["severity"], "warning");
}

#[tokio::test]
async fn where_nothing_is_left_there_is_no_command() {
    let town = town().await;
    let made_up = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/11111111-2222-3333-4444-555555555555",
        town.vault_id("kv-b")
    );
    let result = told_of(&town, &[made_up]).await;
    assert_eq!(command(&result), None);
}
