//! Crashes: the handler is killed at any point of a binding, and redelivery brings it to the same end.

use std::sync::Arc;

use tokio::sync::Semaphore;
use vaultbind_simulator::{
    faults::{Fault, FaultRule},
    journal::Service,
    state::WRITER_ROLE,
};

use crate::{
    binding,
    town::{Plan, SOON, Town, write_event},
};

/// How many towns there are at a time.
const TOWNS: usize = 8;
const SERVICES: [Service; 4] = [
    Service::Identity,
    Service::Arm,
    Service::Graph,
    Service::ServiceBus,
];

async fn bind(town: &Town) {
    town.publish(&write_event(
        "e-1",
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    ))
    .await;
}

/// The one state that every way must lead to.
fn assert_bound(town: &Town, how: &str) {
    let cluster = town.cluster("c1");
    let properties = &cluster["properties"];
    assert_eq!(
        properties["secretArchive"]["keyVaultId"],
        town.vault_id("kv-a"),
        "{how}\n{}",
        town.account()
    );
    assert_eq!(properties["secretArchive"]["useKeyVault"], "True", "{how}");
    assert_eq!(
        properties["provisioningState"],
        "Succeeded",
        "{how}\n{}",
        town.account()
    );
    let azure = town.simulator.world.azure();
    let mut holders: Vec<String> = azure
        .role_assignments()
        .filter(|it| it.role.ends_with(WRITER_ROLE))
        .map(|it| it.principal_id.clone())
        .collect();
    holders.sort();
    let mut apps = azure.platform_principals();
    apps.sort();
    assert_eq!(holders, apps, "{how}: one assignment for each principal");
    drop(azure);
    let results = town.results();
    assert!(
        results.iter().any(|it| it["data"]["outcome"] == "bound"),
        "{how}: no result\n{}",
        town.account()
    );
    let wrong = results.iter().find(|it| it["data"]["outcome"] != "bound");
    assert!(wrong.is_none(), "{how}: {wrong:#?}");
    assert!(
        town.simulator.broker.dead_letters("requests").is_empty(),
        "{how}"
    );
}

/// How many calls of a fresh binding go to each service.
async fn calls() -> Vec<(Service, usize)> {
    let town = Plan::new(binding::estate()).open().await;
    bind(&town).await;
    assert_bound(&town, "without a crash");
    let journal = town.simulator.world.journal.entries();
    SERVICES
        .into_iter()
        .map(|service| {
            (
                service,
                journal.iter().filter(|it| it.service == service).count(),
            )
        })
        .collect()
}

async fn killed_at(service: Service, call: usize, before: bool) {
    let town = Plan::new(binding::estate()).open().await;
    let kill = FaultRule::new(service, "", Fault::KillHandler { before });
    town.simulator.world.faults.add(kill.skip(call));
    bind(&town).await;
    let when = if before { "before" } else { "after" };
    let how = format!("killed {when} call {call} to {service}");
    let journal = town.simulator.world.journal.entries();
    let calls = journal.iter().filter(|it| it.service == service).count();
    // How many there are varies a little: calls side by side may ask for one token or for two.
    let was_struck = call == 0 || calls > call;
    assert_eq!(
        (town.simulator.world.faults.rules().is_empty(), kills(&town)),
        (was_struck, usize::from(was_struck)),
        "{how}: of {calls} calls\n{}",
        town.account()
    );
    assert_bound(&town, &how);
}

/// How often the host saw the handler die of SIGKILL.
fn kills(town: &Town) -> usize {
    let log = town.host.host_log();
    log.iter().filter(|line| line.contains("signal: 9")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_any_call_ends_in_the_same_state() {
    let towns = Arc::new(Semaphore::new(TOWNS));
    let mut runs = Vec::new();
    for (service, count) in calls().await {
        assert!(count > 0, "{service} is never called");
        for call in 0..count {
            for before in [true, false] {
                let towns = Arc::clone(&towns);
                runs.push(tokio::spawn(async move {
                    let _one = towns.acquire().await.unwrap();
                    killed_at(service, call, before).await;
                }));
            }
        }
    }
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test]
async fn a_handler_that_is_killed_while_idle_is_started_again() {
    let town = Plan::new(binding::estate()).open().await;
    let pid = town.host.handler_pid();
    town.host.kill_handler().unwrap();
    town.host
        .wait_until(SOON, |host| {
            host.handler_pid().is_some_and(|now| Some(now) != pid)
        })
        .await
        .unwrap();
    bind(&town).await;
    assert_bound(&town, "killed while idle");
}

#[tokio::test]
async fn two_handlers_that_overlap_do_not_get_in_each_others_way() {
    let town = Plan::new(binding::estate()).open().await;
    let pid = town.host.handler_pid();
    // The first handler stays in the middle: its write is never answered.
    let stuck = FaultRule::new(Service::Arm, "roleAssignments", Fault::Hang).method("PUT");
    town.simulator.world.faults.add(stuck);
    town.grid.publish(&write_event(
        "e-1",
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    ));
    let is_stuck = |_: &_| town.simulator.world.faults.rules().is_empty();
    town.host.wait_until(SOON, is_stuck).await.unwrap();
    assert!(town.host.in_flight().contains(&"reconcile".to_owned()));
    town.host.restart(SOON).await.unwrap();
    assert_ne!(town.host.handler_pid(), pid);
    town.settle().await;
    assert_bound(&town, "restarted in the middle");
}
