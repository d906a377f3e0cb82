//! What people do while a cluster is looked at: every change at every moment, with entity tags and without.
//!
//! Whatever comes of it: what a person set is left alone, but for the one moment that SECURITY.md names, and the last word is
//! right. The table stands in `tests/README.md`.

use std::{fmt::Write as _, sync::Arc};

use serde_json::json;
use tokio::sync::Semaphore;
use vaultbind_simulator::{
    ClusterSpec, Estate, SubscriptionSpec, World,
    faults::{Fault, FaultRule},
    journal::Service,
    state::Azure,
};

use crate::{
    binding,
    town::{Plan, Town, WEST, root, write_event},
};

/// How many towns there are at a time.
const TOWNS: usize = 16;

/// Something that a person does.
type Deed = (&'static str, fn(&mut Azure));

const DEEDS: [Deed; 6] = [
    ("points the cluster at kv-b", |azure| {
        let (cluster, vault) = (id(azure, "c1"), azure.vault_id("kv-b").unwrap());
        let archive = json!({ "keyVaultId": vault, "useKeyVault": "True" });
        azure.set_property(&cluster, "secretArchive", archive);
    }),
    ("tags the cluster for kv-b", |azure| {
        let cluster = id(azure, "c1");
        azure.set_tag(&cluster, "site", Some("b"));
    }),
    ("takes the vault's tag away", |azure| {
        let vault = azure.vault_id("kv-a").unwrap();
        azure.set_tag(&vault, "site", None);
    }),
    ("deletes the vault", |azure| {
        if let Some(vault) = azure.vault_id("kv-a") {
            azure.soft_delete_vault(&vault);
        }
    }),
    ("takes the roles away", |azure| {
        let roles = azure.role_assignments().map(|it| it.id.clone());
        for role in roles.collect::<Vec<_>>() {
            azure.remove_assignment(&role);
        }
    }),
    ("deletes the cluster", |azure| {
        if let Some(cluster) = azure.cluster_id("c1") {
            azure.delete(&cluster);
        }
    }),
];

/// Right before which call it happens: its name, and how many such calls pass first.
type Moment = (&'static str, Service, &'static str, &'static str, usize);

const MOMENTS: [Moment; 7] = [
    (
        "the cluster is read",
        Service::Arm,
        "GET",
        "/clusters/c1",
        0,
    ),
    ("the vault is read", Service::Arm, "GET", "/vaults/kv-a", 0),
    (
        "the roles are given",
        Service::Arm,
        "PUT",
        "/roleassignments/",
        0,
    ),
    ("the PATCH", Service::Arm, "PATCH", "/clusters/c1", 0),
    (
        "its operation is polled",
        Service::Arm,
        "GET",
        "/operationstatuses/",
        0,
    ),
    (
        "the roles are read back",
        Service::Arm,
        "GET",
        "/roleassignments",
        2,
    ),
    (
        "the result is sent",
        Service::ServiceBus,
        "POST",
        "/results/",
        0,
    ),
];

fn id(azure: &Azure, cluster: &str) -> String {
    azure.cluster_id(cluster).unwrap_or_default()
}

/// What came of one deed at one moment.
struct Cell {
    /// The words in their order, and where the cluster is in the end.
    told: String,
    /// Did a PATCH of ours take effect after the person had pointed the cluster elsewhere?
    overwritten: bool,
}

async fn cell(deed: Deed, moment: Moment, etags: bool) -> Cell {
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"))
        .vault(binding::vault("kv-b", "b"))
        .cluster(ClusterSpec::new("c1").tag("site", "a"));
    let town = Plan::new(estate).open().await;
    if !etags {
        let mut azure = town.simulator.world.azure();
        azure.subscription_mut(WEST).unwrap().cluster_api_versions = vec!["2024-07-01".to_owned()];
    }
    let cluster = town.cluster_id("c1");
    let (_, service, method, path, skip) = moment;
    let rule = FaultRule::new(service, path, Fault::Hang)
        .method(method)
        .skip(skip);
    let world: World = town.simulator.world.clone();
    let act = move || deed.1(&mut world.azure());
    town.simulator.world.faults.interfere(rule, Arc::new(act));
    town.publish(&write_event(
        "e-1",
        &cluster,
        "Microsoft.NetworkCloud/clusters/write",
    ))
    .await;
    let at = archive(&town, &cluster);
    let overwritten = deed.0.starts_with("points") && at.as_deref() != Some("kv-b");
    assert_last_word_is_right(&town, at.as_deref());
    Cell {
        told: format!(
            "{}; {}",
            words(&town),
            at.map_or_else(|| "unbound".to_owned(), |it| format!("at {it}"))
        ),
        overwritten,
    }
}

/// The vault that the cluster is at; none where it is unbound or gone.
fn archive(town: &Town, cluster: &str) -> Option<String> {
    let azure = town.simulator.world.azure();
    let vault = azure.resource(cluster)?["properties"]["secretArchive"]["keyVaultId"].as_str()?;
    Some(vault.rsplit('/').next()?.to_owned())
}

/// The outcomes in the order in which they were told.
fn words(town: &Town) -> String {
    let results = town.results();
    let mut words: Vec<&str> = results
        .iter()
        .map(|it| it["data"]["outcome"].as_str().unwrap())
        .collect();
    words.dedup();
    words.join(", ")
}

#[track_caller]
fn assert_last_word_is_right(town: &Town, at: Option<&str>) {
    let results = town.results();
    let last = &results.last().unwrap()["data"];
    let is_bound = last["outcome"] == "bound";
    let told: Option<&str> = last["current"]["id"]
        .as_str()
        .and_then(|id| id.rsplit('/').next());
    let is_gone = last["outcome"] == "gone";
    // What stands beside a refusal is of that decision, never of an earlier one of the same look.
    for data in results.iter().map(|it| &it["data"]) {
        let has_none = ["unmatched", "ambiguous", "gone"].map(|it| data["outcome"] == it);
        let has_none = has_none.contains(&true);
        assert!(!has_none || data["vault"].is_null(), "{data:#}");
        // Nor is a role left behind that the cluster needs where it is.
        let at = data["after"]["keyVaultId"].as_str().unwrap_or("nowhere");
        let mut left = data["leftBehind"].as_array().unwrap().iter();
        let is_at = |it: &serde_json::Value| it.as_str().unwrap().starts_with(at);
        assert!(!left.any(is_at), "{data:#}");
    }
    assert!(
        is_gone || told == at || !is_bound,
        "told {told:?}, is {at:?}: {last:#}\n{}",
        town.account()
    );
}

async fn table() -> (String, Vec<String>) {
    let towns = Arc::new(Semaphore::new(TOWNS));
    let mut rows = Vec::new();
    for deed in DEEDS {
        for moment in MOMENTS {
            let cells = [true, false].map(|etags| {
                let towns = Arc::clone(&towns);
                tokio::spawn(async move {
                    let _one = towns.acquire().await.unwrap();
                    cell(deed, moment, etags).await
                })
            });
            rows.push((deed.0, moment.0, cells));
        }
    }
    let mut text = String::from(
        "| somebody | right before | with entity tags | without |\n|---|---|---|---|\n",
    );
    let mut overwritten = Vec::new();
    for (deed, moment, [with, without]) in rows {
        let (with, without) = (with.await.unwrap(), without.await.unwrap());
        writeln!(
            text,
            "| {deed} | {moment} | {} | {} |",
            with.told, without.told
        )
        .unwrap();
        for (cell, how) in [(with, "with"), (without, "without")] {
            if cell.overwritten {
                overwritten.push(format!("{moment}, {how} entity tags"));
            }
        }
    }
    (text, overwritten)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_do_at_any_moment_is_left_alone_and_told() {
    let (table, overwritten) = table().await;
    assert_eq!(overwritten, ["the PATCH, without entity tags"]);
    let path = root().join("tests/README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once("<!-- people -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of people -->").unwrap();
    let expected = format!("{before}<!-- people -->\n{table}<!-- end of people -->{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(
            readme == expected,
            "UPDATE_EXPECT=1 writes it anew:\n{table}"
        );
    }
}

#[tokio::test]
async fn what_was_done_is_told_also_where_it_was_undone_and_may_not_be_done_again() {
    let estate = binding::estate_in(SubscriptionSpec::new(WEST));
    let mut plan = Plan::new(estate);
    plan.config.emit_events = false;
    let town = plan.open().await;
    // While the change is under way somebody takes the roles, and the right to give them.
    let (world, undo) = (town.simulator.world.clone(), DEEDS[4].1);
    let poll = FaultRule::new(Service::Arm, "/operationstatuses/", Fault::Hang);
    let act = move || {
        undo(&mut world.azure());
        let refused = FaultRule::new(
            Service::Arm,
            "/roleassignments/",
            Fault::Html { status: 403 },
        );
        world.faults.add(refused.method("PUT").times(usize::MAX));
    };
    town.simulator.world.faults.interfere(poll, Arc::new(act));
    let event = write_event(
        "e-1",
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    );
    town.publish(&event).await;
    let result = &town.only_result()["data"];
    assert_eq!(result["outcome"], "failed", "{result:#}");
    assert_eq!(result["changed"], true);
    let changes = result["changes"].as_array().unwrap();
    let roles = changes.iter().filter(|it| it["kind"] == "AssignRole");
    let statuses: Vec<&str> = roles.map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["done", "done"], "a later refusal undoes nothing");
}
