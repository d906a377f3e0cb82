//! One cell of the fault matrix: a town in which one call fails, and what has to hold of it whatever comes of it.
//!
//! It must not know what comes of the other cells.

use std::time::Duration;

use serde_json::json;
use vaultbind_simulator::{
    ClusterSpec, Estate, ManagerSpec, Simulator, SubscriptionSpec, World,
    faults::Fault,
    journal::{Entry, Service},
    service_bus::{Broker, queue::QueueConfig},
    state::behaviour::PatchMode,
};

use super::calls::{Scene, Target, Trouble};
use super::truth::{assert_words_are_true, assert_written_once};
use crate::{
    binding,
    town::{POLICY, Plan, Town, WEST, write_event},
};

/// For ever.
pub(super) const EVER: usize = usize::MAX;
/// For how many hours requests live.
pub(super) const AN_HOUR: u64 = 1;
pub(super) const A_DAY: u64 = 24;
/// A call that is never answered costs the handler's patience in real time.
const PATIENCE: Duration = Duration::from_secs(240);
/// The most calls in any minute: a binding makes two dozen, and who cannot give a request back gets it every three
/// seconds.
const BUSIEST: usize = 200;

/// What came of a cell.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How the binding ended.
    pub(super) ending: String,
    /// How many calls were struck.
    pub(super) strikes: usize,
    /// How many calls there were in the busiest minute.
    pub(super) busiest: usize,
    /// How long it took until somebody was told.
    pub(super) told: time::Duration,
}

/// How a binding ended. Several requests, or one that was delivered again, may tell of one binding.
fn ending(town: &Town) -> String {
    let results = town.results();
    let mut ends: Vec<&str> = results
        .iter()
        .filter_map(|it| it["data"]["outcome"].as_str())
        .collect();
    ends.dedup_by(|later, earlier| later == earlier && *later == "bound");
    if !town.simulator.broker.dead_letters("requests").is_empty() {
        ends.push("request dead-lettered");
    }
    if !town.grid.dead_letters().is_empty() {
        ends.push("event dead-lettered");
    }
    if ends.is_empty() {
        ends.push("nothing");
    }
    ends.join(", ")
}

/// The estate of a scene, and the policy for it.
fn plan(scene: Scene) -> Plan {
    let west = SubscriptionSpec::new(WEST);
    let west = if scene == Scene::Registration {
        west.unregistered()
    } else {
        west
    };
    let cluster = ClusterSpec::new("c1").tag("site", "a");
    let (writer, estate) = match scene {
        Scene::Binding | Scene::Registration | Scene::Sweep => {
            return Plan::new(binding::estate_in(west));
        }
        Scene::Manager => {
            let manager = ManagerSpec::new("cm1").system_identity();
            let estate = Estate::new().subscription(west).manager(manager);
            ("cluster-manager", estate.cluster(cluster.manager("cm1")))
        }
        Scene::Orphan | Scene::Purged => {
            let archive = json!({
                "vaultUri": "https://kv-old.vault.azure.net/",
                "associatedIdentity": { "identityType": "SystemAssignedIdentity" },
            });
            let estate = Estate::new().subscription(west);
            let estate = estate.vault(binding::vault("kv-old", "none"));
            let cluster = cluster.system_identity().settings(archive);
            let writer = "cluster\n    rebind: when-orphaned";
            (writer, estate.cluster(cluster))
        }
    };
    let mut plan = Plan::new(estate.platform_apps().vault(binding::vault("kv-a", "a")));
    plan.policy = POLICY.replace("platform-apps", writer);
    plan
}

/// A town whose queue and Event Grid give up early: each of their redeliveries costs the handler's patience in real time.
async fn town(target: Target, times: usize, hours: u64) -> Town {
    let attempts = if times == EVER { 2 } else { 6 };
    let plan = plan(target.scene).set("VAULTBIND_DEADLINE_HOURS", &hours.to_string());
    let world = World::new(plan.config.clone(), plan.estate.clone());
    // A change ends at the third look: whoever cannot send the retry lives to see it. Whoever cannot tell is held back in
    // real time, and has put it off all the time before.
    let deliveries = if times == EVER && target.is_telling() {
        2
    } else {
        attempts + 2
    };
    let requests = QueueConfig {
        max_delivery_count: deliveries,
        ..QueueConfig::requests("requests")
    };
    let queues = vec![requests, QueueConfig::results("results")];
    let broker = Broker::with_queues(world.clock.clone(), queues);
    let simulator = Simulator::serve(world, broker).await.unwrap();
    let town = Town::around(simulator, plan).await;
    {
        // The events of our own writes are looked at before the change ends, whenever their stretch does.
        let mut azure = town.simulator.world.azure();
        azure.behaviour.patch = PatchMode::Takes(Duration::from_secs(8));
        azure.behaviour.operation_retry_after = Some(10);
    }
    town.grid
        .configure("resource-event", |it| it.max_attempts = attempts);
    town
}

fn prepare(town: &Town, target: Target, trouble: &Trouble, times: usize) {
    let faults = &town.simulator.world.faults;
    let fault = match trouble {
        Trouble::Fault(fault) => fault.clone(),
        Trouble::Ending(ending) => {
            let cluster = town.cluster_id("c1");
            let mut azure = town.simulator.world.azure();
            return azure.set_endings(&cluster, ending.clone(), times);
        }
    };
    if fault == Fault::Hang && times == EVER && target.is_telling() {
        faults.add(target.struck_by(refused(), 10));
    } else if fault == Fault::Hang
        && times == EVER
        && !target.is_sending()
        && !target.is_asked_once()
    {
        // Most of the hour passes with answers that cost no real time.
        let looks = if target.is_proof() { 5 } else { 10 };
        let tries = if target.is_one_of_two() {
            2 * looks
        } else {
            looks
        };
        faults.add(target.struck_by(Fault::Html { status: 504 }, tries));
    }
    faults.add(target.struck_by(fault, times));
}

/// What is not tried again within a delivery.
fn refused() -> Fault {
    Fault::Html { status: 403 }
}

async fn begin(town: &Town, scene: Scene) {
    match scene {
        Scene::Sweep => {
            // A tick that fails is lost: the next one sweeps.
            let _ = town.host.tick("resync").await;
        }
        Scene::Orphan => {
            let old = town.vault_id("kv-old");
            town.simulator.world.azure().soft_delete_vault(&old);
        }
        Scene::Purged => {
            let old = town.vault_id("kv-old");
            town.simulator.world.azure().delete(&old);
        }
        Scene::Binding | Scene::Registration | Scene::Manager => town.grid.publish(&write_event(
            "e-1",
            &town.cluster_id("c1"),
            "Microsoft.NetworkCloud/clusters/write",
        )),
    }
    if let Err(error) = town.host.settle(PATIENCE).await {
        panic!("{error:#}\n{}", town.account());
    }
}

/// Runs a cell and comes back with what came of it.
pub(super) async fn run(target: Target, trouble: Trouble, times: usize, hours: u64) -> Outcome {
    let town = town(target, times, hours).await;
    prepare(&town, target, &trouble, times);
    let began = town.simulator.world.clock.now();
    begin(&town, target.scene).await;
    let what = format!("{} befallen {times} times by {trouble:?}", target.name);
    let calls = calls(&town);
    let outcome = Outcome {
        ending: ending(&town),
        strikes: strikes(&calls, &trouble, times),
        busiest: busiest(&calls),
        told: told(&calls, began),
    };
    assert!(
        outcome.strikes > 0,
        "{what}: never struck\n{}",
        town.account()
    );
    assert_ends_well(&town, &outcome, &what);
    assert_words_are_true(&town, &what);
    if matches!(trouble, Trouble::Fault(Fault::LoseLock)) {
        assert_written_once(&town, &what);
    }
    let took = calls.last().map_or(began, |it| it.at) - began;
    // Whole seconds of the queue, a last look, and what its redeliveries may cost.
    let limit = Duration::from_secs(hours * 3600 + 180);
    assert!(took < limit, "{what}: it took {took}\n{}", town.account());
    assert!(
        outcome.busiest <= BUSIEST,
        "{what}: a hot loop of {} calls a minute\n{}",
        outcome.busiest,
        town.account()
    );
    for invocation in town.host.invocations() {
        // The host's own part, and a machine that is busy, count too.
        let answers = Duration::from_secs(if invocation.function == "reconcile" {
            60
        } else {
            20
        });
        let slack = Duration::from_secs(10);
        assert!(
            invocation.duration < answers + slack,
            "{what}: {invocation:?}"
        );
    }
    outcome
}

fn assert_ends_well(town: &Town, outcome: &Outcome, what: &str) {
    let ending = outcome.ending.as_str();
    assert_ne!(
        ending,
        "nothing",
        "{what}: acknowledged without effect\n{}",
        town.account()
    );
    let is_bound = is_bound(town);
    assert!(
        !ending.contains("bound") || is_bound,
        "{what}: success is claimed falsely\n{}",
        town.account()
    );
    assert!(
        ending.matches("failed").count() <= 1,
        "{what}: one failure is told twice\n{}",
        town.account()
    );
    let azure = town.simulator.world.azure();
    let mut holders: Vec<&str> = azure
        .role_assignments()
        .map(|it| it.principal_id.as_str())
        .collect();
    let count = holders.len();
    holders.sort_unstable();
    holders.dedup();
    assert_eq!(
        holders.len(),
        count,
        "{what}: somebody holds the role twice"
    );
}

fn is_bound(town: &Town) -> bool {
    let cluster = town.cluster("c1");
    let properties = &cluster["properties"];
    let by_id = properties["secretArchive"]["keyVaultId"] == town.vault_id("kv-a");
    let by_uri = properties["secretArchiveSettings"]["vaultUri"] == "https://kv-a.vault.azure.net/";
    (by_id || by_uri) && properties["provisioningState"] == "Succeeded"
}

fn calls(town: &Town) -> Vec<Entry> {
    let entries = town.simulator.world.journal.entries();
    entries
        .into_iter()
        .filter(|it| it.service != Service::Host)
        .collect()
}

fn strikes(calls: &[Entry], trouble: &Trouble, times: usize) -> usize {
    let noted = |note: &str| calls.iter().filter(|it| it.note.starts_with(note)).count();
    match trouble {
        Trouble::Fault(Fault::Hang) => noted("fault: never answered"),
        Trouble::Fault(_) => noted("fault: "),
        Trouble::Ending(_) => {
            let taken = calls
                .iter()
                .filter(|it| it.method == "PATCH" && it.status == 202);
            taken.count().min(times)
        }
    }
}

/// How long it took until a result was sent; else until the last call, whose request is a dead letter.
fn told(calls: &[Entry], began: time::OffsetDateTime) -> time::Duration {
    let is_result = |call: &&Entry| call.path.ends_with("/results/messages") && call.status == 201;
    let told = calls.iter().find(is_result).or(calls.last());
    told.map_or(time::Duration::ZERO, |call| call.at - began)
}

/// How many calls there were in the busiest minute of simulated time.
fn busiest(calls: &[Entry]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, call) in calls.iter().enumerate() {
        while call.at - calls[first].at >= time::Duration::MINUTE {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most
}
