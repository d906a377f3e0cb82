//! Living with the host: signals, its absence, its time-outs, storms of events, and what may stand in a log.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use vaultbind_simulator::{
    ClusterSpec, Estate,
    faults::{Fault, FaultRule},
    journal::Service,
};

use crate::{
    binding,
    town::{POLICY, Plan, SOON, Town, WEST, write_event, write_policy},
};

fn event(town: &Town, id: &str) -> serde_json::Value {
    write_event(
        id,
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    )
}

async fn town() -> Town {
    Plan::new(binding::estate()).open().await
}

fn has_begun(town: &Town, method: &str, path: &str) -> bool {
    town.simulator
        .world
        .journal
        .entries()
        .iter()
        .any(|it| it.method == method && it.path.contains(path))
}

#[tokio::test]
async fn after_sigterm_what_is_in_flight_is_finished_and_another_process_starts() {
    let town = town().await;
    let pid = town.host.handler_pid();
    town.grid.publish(&event(&town, "e-1"));
    town.host
        .wait_until(SOON, |_| has_begun(&town, "PUT", "roleAssignments"))
        .await
        .unwrap();
    town.host.terminate_handler("TERM").unwrap();
    town.settle().await;
    assert_ne!(town.host.handler_pid(), pid, "{:#?}", town.host.host_log());
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    let failed: Vec<_> = town
        .host
        .invocations()
        .into_iter()
        .filter(|it| it.error.is_some())
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(
        town.host.host_log().iter().any(|line| line.contains("143")),
        "{:#?}",
        town.host.host_log()
    );
}

#[tokio::test]
async fn after_sigint_it_ends_with_0() {
    let town = town().await;
    town.host.terminate_handler("INT").unwrap();
    town.host
        .wait_until(SOON, |host| host.handler_pid().is_none())
        .await
        .unwrap();
    assert!(
        town.host
            .stdout()
            .iter()
            .any(|line| line.contains("Interrupt")),
        "{:#?}",
        town.host.stdout()
    );
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

#[tokio::test]
async fn an_azure_that_does_not_answer_costs_no_invocation_its_time() {
    let town = town().await;
    town.simulator
        .world
        .faults
        .add(FaultRule::new(Service::Arm, "/clusters/", Fault::Hang));
    town.publish(&event(&town, "e-1")).await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    for invocation in town.host.invocations() {
        assert!(
            invocation.error.is_none() && invocation.duration < Duration::from_secs(45),
            "{invocation:?}"
        );
    }
}

#[tokio::test]
async fn a_storm_of_events_on_one_cluster_is_one_reconcile() {
    let mut plan = Plan::new(binding::estate()).set("VAULTBIND_COALESCE_SECONDS", "300");
    plan.config.emit_events = false;
    let town = plan.open().await;
    for number in 0..50 {
        town.grid.publish(&event(&town, &format!("e-{number}")));
    }
    town.settle().await;
    let first = town.simulator.broker.sent("requests");
    let taken = first.iter().filter(|it| {
        it.outcome == vaultbind_simulator::service_bus::message::SendOutcome::Accepted
    });
    let roots = taken.filter(|it| !it.message_id.contains(':'));
    assert_eq!(roots.count(), 1, "one request for fifty events");
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
}

#[tokio::test]
async fn a_sweep_goes_page_by_page_and_looks_at_every_cluster_once() {
    let mut estate = Estate::new().platform_apps().subscription(WEST);
    for number in 0..250 {
        estate = estate.cluster(ClusterSpec::new(&format!("c{number}")));
    }
    let town = Plan::new(estate).open().await;
    town.host.tick("resync").await.unwrap();
    town.settle().await;
    let looked = town.results();
    let mut names: Vec<&str> = looked
        .iter()
        .filter_map(|it| it["data"]["cluster"]["name"].as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        (looked.len(), names.len()),
        (250, 250),
        "each is told of once: no rule governs it"
    );
    let pages = town
        .host
        .logs()
        .into_iter()
        .filter(|it| it.text.contains("requested a look at"));
    assert_eq!(pages.count(), 3);
}

#[tokio::test]
async fn every_answer_carries_the_decision_and_every_call_is_answered() {
    let town = town().await;
    town.publish(&event(&town, "e-1")).await;
    let logs: Vec<String> = town.host.logs().into_iter().map(|it| it.text).collect();
    assert!(
        logs.iter().any(|it| it.starts_with("requested a look at ")),
        "{logs:#?}"
    );
    assert!(
        logs.iter().any(|it| it.starts_with("bound c1 to kv-a (")),
        "{logs:#?}"
    );
    for invocation in town.host.invocations() {
        assert_eq!(invocation.status, Some(200), "{invocation:?}");
    }
    assert_eq!(
        town.host.stderr(),
        Vec::<String>::new(),
        "the host takes each line there for an error"
    );
}

#[tokio::test]
async fn a_redelivered_request_reports_even_where_a_sweep_would_not() {
    let town = town().await;
    town.publish(&event(&town, "e-1")).await;
    assert_eq!(town.results().len(), 1);
    // A sweep's request whose first delivery is lost on the way to the handler's answer.
    town.simulator.world.faults.add(FaultRule::new(
        Service::Arm,
        "/clusters/",
        Fault::KillHandler { before: true },
    ));
    town.simulator.broker.forget_duplicates("requests").unwrap();
    town.host.tick("resync").await.unwrap();
    town.settle().await;
    let results = town.results();
    assert_eq!(results.len(), 2, "{results:#?}");
    assert_eq!(
        (
            &results[1]["data"]["outcome"],
            &results[1]["data"]["changed"]
        ),
        (&json!("bound"), &json!(false))
    );
}

#[tokio::test]
async fn no_log_line_holds_a_secret() {
    let town = Plan::new(binding::estate())
        .set("VAULTBIND_LOG", "trace")
        .open()
        .await;
    town.publish(&event(&town, "e-1")).await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    let secret = &town.simulator.identity_header;
    for line in town.host.stdout().into_iter().chain(town.host.stderr()) {
        for word in [
            "sim.",
            secret.as_str(),
            "SharedAccessSignature",
            "code=",
            "a person",
            "192.0.2.1",
        ] {
            let is_address = word == "sim." && line.contains("sim.servicebus.windows.net");
            assert!(is_address || !line.contains(word), "{word} in {line}");
        }
    }
}
