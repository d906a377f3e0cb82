//! How the handler ends: at a signal, with work in flight, and when its host is gone.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use vaultbind_simulator::{
    event_grid::Filter,
    faults::{Fault, FaultRule},
    functions_host::FunctionsHost,
    journal::Service,
};

use super::{event, town};
use crate::{
    binding,
    town::{POLICY, Plan, SOON, Town, write_policy},
};

fn has_begun(town: &Town, method: &str, path: &str) -> bool {
    town.simulator
        .world
        .journal
        .entries()
        .iter()
        .any(|it| it.method == method && it.path.contains(path))
}

/// Whether the host has seen the handler end like this.
fn has_ended(host: &FunctionsHost, with: &str) -> bool {
    host.host_log().iter().any(|line| line.contains(with))
}

/// A results queue that asks for two seconds, for which the reconcile stays in flight.
fn busy_results() -> FaultRule {
    let busy = Fault::Status {
        status: 503,
        code: "ServerBusy".to_owned(),
        message: String::new(),
        retry_after: Some(2),
    };
    FaultRule::new(Service::ServiceBus, "/results/", busy)
}

#[tokio::test]
async fn after_sigterm_what_is_in_flight_is_finished_and_another_process_starts() {
    let mut plan = Plan::new(binding::estate());
    // Its own writes would come back while no process is there, and a redelivery always reports.
    plan.config.emit_events = false;
    let town = plan.open().await;
    let pid = town.host.handler_pid();
    town.simulator.world.faults.add(busy_results());
    town.grid.publish(&event(&town, "e-1"));
    town.host
        .wait_until(SOON, |_| has_begun(&town, "POST", "/results/"))
        .await
        .unwrap();
    town.host.terminate_handler("TERM").unwrap();
    town.host
        .wait_until(SOON, |host| {
            host.stdout()
                .iter()
                .any(|line| line.contains("\"stopping\""))
        })
        .await
        .unwrap();
    // What comes meanwhile is still taken: a refused connection would burn a delivery.
    town.grid
        .configure("resource-event", |it| it.filter = Filter::none());
    town.publish(&json!({ "id": "late", "eventType": "Something.Else", "data": {} }))
        .await;
    town.host
        .wait_until(SOON, |host| {
            has_ended(host, "code 200") && host.handler_pid().is_some_and(|now| Some(now) != pid)
        })
        .await
        .unwrap();
    let late = town
        .grid
        .attempts()
        .into_iter()
        .find(|it| it.event_id == "late");
    assert_eq!(late.and_then(|it| it.status), Some(202));
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    let failed: Vec<_> = town
        .host
        .invocations()
        .into_iter()
        .filter(|it| it.error.is_some())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn after_sigterm_what_does_not_answer_holds_nothing_up() {
    let town = town().await;
    // Without a token an event is in flight for longer than the process goes on.
    let hang = FaultRule::new(Service::Identity, "", Fault::Hang).times(usize::MAX);
    town.simulator.world.faults.add(hang);
    town.grid.publish(&event(&town, "e-1"));
    town.host
        .wait_until(SOON, |_| has_begun(&town, "GET", ""))
        .await
        .unwrap();
    town.host.terminate_handler("TERM").unwrap();
    town.host
        .wait_until(SOON, |host| has_ended(host, "code 200"))
        .await
        .unwrap();
    let calls = town.host.invocations();
    assert!(
        calls.iter().all(|it| it.status.is_none()),
        "it ended for want of calls: {calls:#?}"
    );
    town.simulator.world.faults.clear();
    town.settle().await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    assert!(town.simulator.broker.dead_letters("requests").is_empty());
}

#[tokio::test]
async fn an_idle_process_ends_at_once_after_sigterm_and_another_starts() {
    let town = town().await;
    let pid = town.host.handler_pid();
    town.host.terminate_handler("TERM").unwrap();
    town.host
        .wait_until(Duration::from_secs(3), |host| {
            has_ended(host, "code 200") && host.handler_pid().is_some_and(|now| Some(now) != pid)
        })
        .await
        .unwrap();
    town.publish(&event(&town, "e-1")).await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
}

#[tokio::test]
async fn a_host_that_asks_its_handler_to_stop_again_and_again_goes_on() {
    let town = town().await;
    for number in 1..=4 {
        let pid = town.host.handler_pid();
        town.host.terminate_handler("TERM").unwrap();
        town.host
            .wait_until(SOON, |host| {
                host.handler_pid().is_some_and(|now| Some(now) != pid)
            })
            .await
            .unwrap();
        town.host.ready(SOON).await.unwrap();
        let log = town.host.host_log();
        let restarts = log.iter().filter(|line| line.contains("code 200"));
        assert_eq!(restarts.count(), number, "{log:#?}");
    }
    town.publish(&event(&town, "e-1")).await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
}

#[tokio::test]
async fn after_sigint_it_ends_with_0() {
    let town = town().await;
    town.host.terminate_handler("INT").unwrap();
    town.host
        .wait_until(Duration::from_secs(5), |host| {
            has_ended(host, "exited with code 0")
        })
        .await
        .unwrap();
    assert_eq!(town.host.handler_pid(), None);
}

#[tokio::test]
async fn when_its_parent_is_gone_it_ends_itself() {
    let policy = write_policy(POLICY);
    // The shell starts it, and is gone once it is told so.
    let script = format!(
        "{} serve 2>/dev/null & read end",
        env!("CARGO_BIN_EXE_vaultbind")
    );
    let mut shell = tokio::process::Command::new("sh")
        .args(["-c", &script])
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", "0")
        .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", "w")
        .env(
            "ServiceBus__fullyQualifiedNamespace",
            "sb-x.servicebus.windows.net",
        )
        .env("VAULTBIND_POLICY", &policy)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().unwrap().contains("ready") {}
    drop(shell.stdin.take());
    shell.wait().await.unwrap();
    let mut last_words = String::new();
    let ending = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            last_words = line;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ending)
        .await
        .expect("it outlives its host");
    assert!(last_words.contains("Orphaned"), "{last_words}");
}
