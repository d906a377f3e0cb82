//! Least privilege: what the template's snapshot grants is what every scenario runs with, and no more than they use.

use std::{collections::BTreeSet, sync::Mutex};

use serde_json::Value;
use vaultbind_simulator::state::{Azure, Right, condition::Condition};

use crate::{
    binding,
    town::{EAST, Plan, WEST, root, write_event},
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
    let condition = Condition::parse(condition).unwrap();
    let rights = |subscription: &str| {
        let scope = format!("/subscriptions/{subscription}");
        let assign = vec!["Microsoft.Authorization/roleAssignments/write".to_owned()];
        [
            Right {
                actions: custom_role(),
                scope: scope.clone(),
                condition: None,
            },
            Right {
                actions: assign,
                scope,
                condition: Some(condition.clone()),
            },
        ]
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
