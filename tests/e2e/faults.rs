//! The fault matrix: every call of a fresh binding, befallen by every fault, once, a few times and for ever.
//!
//! Once and a few times it converges, or ends in one result that says why; for ever it ends by the deadline, is never
//! acknowledged without effect, and never becomes a hot loop. The table stands in `tests/README.md`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use vaultbind_simulator::{
    Simulator, SubscriptionSpec, World,
    faults::{Fault, FaultRule},
    journal::Service,
    service_bus::{Broker, queue::QueueConfig},
};

use crate::{
    binding,
    town::{Plan, Town, WEST, root, write_event},
};

/// A call: its name, whom it goes to, and how it is known.
#[derive(Debug, Clone, Copy)]
struct Target {
    name: &'static str,
    service: Service,
    method: &'static str,
    path: &'static str,
}

const fn target(
    name: &'static str,
    service: Service,
    method: &'static str,
    path: &'static str,
) -> Target {
    Target {
        name,
        service,
        method,
        path,
    }
}

const TARGETS: [Target; 14] = [
    target("token", Service::Identity, "GET", ""),
    target(
        "registration",
        Service::Arm,
        "GET",
        "/providers/Microsoft.NetworkCloud",
    ),
    target("register", Service::Arm, "POST", "/register"),
    target("Resource Graph", Service::Arm, "POST", "ResourceGraph"),
    target("cluster", Service::Arm, "GET", "/clusters/"),
    target("vault", Service::Arm, "GET", "/vaults/kv-a"),
    target("Graph", Service::Graph, "GET", ""),
    target("role list", Service::Arm, "GET", "/roleAssignments"),
    target("role assignment", Service::Arm, "PUT", "/roleAssignments"),
    target("PATCH", Service::Arm, "PATCH", "/clusters/"),
    target("operation", Service::Arm, "GET", "/operationStatuses/"),
    target("send request", Service::ServiceBus, "POST", "/requests/"),
    target("send result", Service::ServiceBus, "POST", "/results/"),
    target("any call to ARM", Service::Arm, "GET", ""),
];

fn status(status: u16, retry_after: Option<u64>) -> Fault {
    Fault::Status {
        status,
        code: format!("Injected{status}"),
        message: "a fault of the matrix".to_owned(),
        retry_after,
    }
}

/// The faults that pass, and those that are a refusal.
fn faults() -> Vec<(&'static str, Fault, bool)> {
    vec![
        ("429", status(429, None), true),
        ("429, come back in 40 s", status(429, Some(40)), true),
        ("500", status(500, None), true),
        ("502 with a page", Fault::Html { status: 502 }, true),
        ("503", status(503, None), true),
        ("reset before", Fault::ResetBefore, true),
        ("reset after", Fault::ResetAfter, true),
        ("body cut short", Fault::Truncate, true),
        ("token expired", Fault::ExpiredToken, true),
        ("409", status(409, None), true),
        ("412", status(412, None), true),
        ("400", status(400, None), false),
        ("403", status(403, None), false),
        ("404", status(404, None), false),
    ]
}

/// How many towns there are at a time: most of them wait.
const TOWNS: usize = 8;

/// Times that a fault befalls its call.
const TIMES: [(&str, usize); 3] = [("once", 1), ("4 times", 4), ("for ever", usize::MAX)];

/// How a binding ended.
fn ending(town: &Town) -> String {
    let results = town.results();
    let outcomes: Vec<&str> = results
        .iter()
        .filter_map(|it| it["data"]["outcome"].as_str())
        .collect();
    let dead = town.simulator.broker.dead_letters("requests").len();
    let undelivered = town.grid.dead_letters().len();
    match (outcomes.as_slice(), dead, undelivered) {
        ([], 0, 0) => "nothing".to_owned(),
        ([], 0, _) => "event dead-lettered".to_owned(),
        ([], _, _) => "request dead-lettered".to_owned(),
        ([one], ..) => (*one).to_owned(),
        (several, ..) => several.join(" and "),
    }
}

fn is_bound(town: &Town) -> bool {
    let cluster = town.cluster("c1");
    let properties = &cluster["properties"];
    properties["secretArchive"]["keyVaultId"] == town.vault_id("kv-a")
        && properties["provisioningState"] == "Succeeded"
}

/// A town whose queue and Event Grid give up early: each of their redeliveries costs the handler's patience in real time.
async fn town(target: Target, attempts: u32) -> Town {
    let west = SubscriptionSpec::new(WEST);
    let west = if target.name.starts_with("regist") {
        west.unregistered()
    } else {
        west
    };
    let plan = Plan::new(binding::estate_in(west)).set("VAULTBIND_DEADLINE_HOURS", "1");
    let world = World::new(plan.config.clone(), plan.estate.clone());
    let requests = QueueConfig {
        max_delivery_count: attempts + 1,
        ..QueueConfig::requests("requests")
    };
    let broker = Broker::with_queues(
        world.clock.clone(),
        vec![requests, QueueConfig::results("results")],
    );
    let simulator = Simulator::serve(world, broker).await.unwrap();
    let town = Town::around(simulator, plan).await;
    town.grid
        .configure("resource-event", |it| it.max_attempts = attempts);
    town
}

/// For ever is for ever: one fault of each kind tells how it ends.
fn is_left_out(fault: &str, times: usize) -> bool {
    times == usize::MAX && !["503", "403", "409"].contains(&fault)
}

async fn run(target: Target, fault: Fault, times: usize) -> String {
    let town = town(target, if times == usize::MAX { 2 } else { 6 }).await;
    town.simulator.world.faults.add(
        FaultRule::new(target.service, target.path, fault)
            .method(target.method)
            .times(times),
    );
    town.publish(&write_event(
        "e-1",
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    ))
    .await;
    let ended = ending(&town);
    assert_ne!(
        ended,
        "nothing",
        "{}: acknowledged without effect\n{}",
        target.name,
        town.account()
    );
    assert!(
        !ended.ends_with("bound") || is_bound(&town),
        "{}: success is claimed falsely\n{}",
        target.name,
        town.account()
    );
    let calls = town.simulator.world.journal.entries().len();
    // An hour of backoff, polls each half minute, and what the redeliveries of a send that fails may cost.
    assert!(calls < 4000, "{}: a hot loop of {calls} calls", target.name);
    for invocation in town.host.invocations() {
        assert!(
            invocation.duration < Duration::from_secs(60),
            "{}: {invocation:?}",
            target.name
        );
    }
    ended
}

/// One line a target and fault, with what came of it once, a few times and for ever.
async fn matrix() -> BTreeMap<(usize, usize), [String; 3]> {
    let towns = Arc::new(Semaphore::new(TOWNS));
    let mut runs = Vec::new();
    for (row, target) in TARGETS.into_iter().enumerate() {
        for (column, (name, fault, _)) in faults().into_iter().enumerate() {
            for (place, (_, times)) in TIMES.into_iter().enumerate() {
                if is_left_out(name, times) {
                    continue;
                }
                let (towns, fault) = (Arc::clone(&towns), fault.clone());
                let run = async move {
                    let _one = towns.acquire().await.unwrap();
                    run(target, fault, times).await
                };
                runs.push((row, column, place, tokio::spawn(run)));
            }
        }
    }
    let mut cells: BTreeMap<(usize, usize), [String; 3]> = BTreeMap::new();
    for row in 0..TARGETS.len() {
        for column in 0..faults().len() {
            cells.insert((row, column), ["", "", ""].map(|_| "not tried".to_owned()));
        }
    }
    for (row, column, place, run) in runs {
        cells.entry((row, column)).or_default()[place] = run.await.unwrap();
    }
    cells
}

fn table(cells: &BTreeMap<(usize, usize), [String; 3]>) -> String {
    let mut text =
        String::from("| call | fault | once | 4 times | for ever |\n|---|---|---|---|---|\n");
    for ((row, column), ends) in cells {
        let (target, fault) = (TARGETS[*row].name, faults()[*column].0);
        text.push_str(&format!("| {target} | {fault} | {} |\n", ends.join(" | ")));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_fail_in_every_way() {
    let cells = matrix().await;
    for ((row, column), [once, few, _]) in &cells {
        let (name, _, passes) = faults()[*column].clone();
        let what = format!("{} befallen by {name}", TARGETS[*row].name);
        if passes {
            assert_eq!((once.as_str(), few.as_str()), ("bound", "bound"), "{what}");
        }
    }
    let path = root().join("tests/README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once("<!-- fault matrix -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let expected = format!(
        "{before}<!-- fault matrix -->\n{}<!-- end -->{after}",
        table(&cells)
    );
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(
            readme == expected,
            "UPDATE_EXPECT=1 writes tests/README.md anew"
        );
    }
}
