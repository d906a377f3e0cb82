//! Least privilege: what the template's snapshot grants is what every scenario runs with, and no more than they use.

use std::{collections::BTreeSet, sync::Mutex};

use serde_json::Value;
use vaultbind_simulator::state::{Azure, Right, condition::Condition};

use crate::{
    binding,
    town::{EAST, Plan, Town, WEST, root, write_event},
};

/// Role Based Access Control Administrator; only what it is needed for counts, for it could read everything.
const ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

/// The actions that scenarios have used so far.
static USED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn resources() -> Vec<Value> {
    let path = root().join("infra/parameters/smallest.snapshot.json");
    let snapshot: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    snapshot["predictedResources"].as_array().unwrap().clone()
}

/// The actions of the custom role.
fn custom_role() -> Vec<String> {
    let resources = resources();
    let definition = resources
        .iter()
        .find(|it| it["type"] == "Microsoft.Authorization/roleDefinitions")
        .unwrap();
    let actions = definition["properties"]["permissions"][0]["actions"]
        .as_array()
        .unwrap();
    actions
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect()
}

/// The condition under which roles may be assigned.
fn condition() -> String {
    let resources = resources();
    let mut assignments = resources.iter().map(|it| &it["properties"]);
    let administrator = |it: &&Value| {
        it["roleDefinitionId"]
            .as_str()
            .is_some_and(|it| it.ends_with(ADMINISTRATOR))
    };
    let assignment = assignments.find(administrator).unwrap();
    assignment["condition"].as_str().unwrap().to_owned()
}

/// What the template grants in each managed subscription, with this condition.
fn granted(condition: &str) -> Vec<Right> {
    rights(&custom_role(), Some(condition))
}

/// These actions in each subscription, and role assignments where there is a condition for them.
fn rights(actions: &[String], condition: Option<&str>) -> Vec<Right> {
    let condition = condition.map(|it| Condition::parse(it).unwrap());
    let rights = |subscription: &str| {
        let scope = format!("/subscriptions/{subscription}");
        let role = Right {
            actions: actions.to_vec(),
            scope: scope.clone(),
            condition: None,
        };
        let administrator = condition.clone().map(|condition| Right {
            actions: vec!["Microsoft.Authorization/roleAssignments/write".to_owned()],
            scope,
            condition: Some(condition),
        });
        [Some(role), administrator].into_iter().flatten()
    };
    [WEST, EAST].iter().flat_map(|it| rights(it)).collect()
}

/// Gives Vaultbind the rights of the template, and no others.
pub(crate) fn enforce(azure: &mut Azure) {
    azure.enforce_rights(granted(&condition()));
}

/// Takes down which actions were used.
pub(crate) fn take_down(azure: &Azure) {
    USED.lock().unwrap().extend(azure.used_actions());
}

/// The actions that the template grants and that nothing has used.
pub(crate) fn never_used() -> Vec<String> {
    let used = USED.lock().unwrap();
    custom_role()
        .into_iter()
        .filter(|action| !used.contains(action))
        .collect()
}

#[tokio::test]
async fn with_known_principals_a_role_goes_to_them_alone() {
    let town = Plan::new(binding::estate()).open().await;
    let known =
        std::fs::read_to_string(root().join("infra/app/condition-known-principals.txt")).unwrap();
    let with = |principals: &[String]| {
        known.replace("{principals}", &format!("{{{}}}", principals.join(", ")))
    };
    let apps = town.simulator.world.azure().platform_principals();

    // One of the two apps is not named: its role is refused, and the result says so.
    town.simulator
        .world
        .azure()
        .enforce_rights(granted(&with(&apps[..1])));
    let event = |id| {
        write_event(
            id,
            &town.cluster_id("c1"),
            "Microsoft.NetworkCloud/clusters/write",
        )
    };
    town.publish(&event("e-1")).await;
    let refused = town.only_result();
    assert_eq!(
        refused["data"]["reason"]["code"], "AuthorizationFailed",
        "{refused:#}"
    );

    town.simulator
        .world
        .azure()
        .enforce_rights(granted(&with(&apps)));
    town.publish(&event("e-2")).await;
    assert_eq!(
        town.results().last().unwrap()["data"]["outcome"],
        "bound",
        "{}",
        town.account()
    );
}

/// What a command prints.
async fn printed(town: &Town, arguments: &str) -> String {
    let output = town.command(arguments.split(' ')).await;
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_roles_prints_for_a_policy_is_enough_for_it() {
    for (mode, outcome) in [("enforce", "bound"), ("audit", "planned")] {
        let mut plan = Plan::new(binding::estate());
        plan.policy = format!("mode: {mode}\n{}", plan.policy);
        let town = plan.open().await;
        let role: Value = serde_json::from_str(&printed(&town, "roles").await).unwrap();
        let actions: Vec<String> = serde_json::from_value(role["Actions"].clone()).unwrap();
        let condition = printed(&town, "roles --output condition").await;
        let condition = Some(condition.as_str()).filter(|it| !it.is_empty());
        let rights = rights(&actions, condition);
        town.simulator.world.azure().enforce_rights(rights);
        let cluster = town.cluster_id("c1");
        let event = write_event("e-1", &cluster, "Microsoft.NetworkCloud/clusters/write");
        town.publish(&event).await;
        assert_eq!(
            town.only_result()["data"]["outcome"],
            outcome,
            "{actions:?}"
        );
    }
}

#[tokio::test]
async fn for_writers_of_every_kind_roles_prints_the_role_of_the_template() {
    let mut plan = Plan::new(binding::estate());
    plan.policy = plan.policy.replace("writer: platform-apps", "writer: auto");
    let town = plan.open().await;
    let role: Value = serde_json::from_str(&printed(&town, "roles").await).unwrap();
    assert_eq!(role["Actions"], serde_json::json!(custom_role()));
    assert_eq!(
        printed(&town, "roles --output condition").await.trim(),
        condition().trim()
    );
}
