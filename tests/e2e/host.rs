//! Living with the host: its time-outs, storms of events, and what may stand in a log.

mod direct;
mod stop;

use std::time::Duration;

use serde_json::json;
use vaultbind_simulator::{
    ClusterSpec, Estate,
    faults::{Fault, FaultRule},
    functions_host::FunctionsHost,
    journal::Service,
};

use crate::{
    binding,
    town::{Plan, SOON, Town, WEST, write_event},
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

/// Lets one service hang until a call of a function has suffered from it and is answered all the same.
async fn hangs(service: Service, path: &str, function: &str, within: Duration) {
    let town = town().await;
    let hang = FaultRule::new(service, path, Fault::Hang).times(usize::MAX);
    town.simulator.world.faults.add(hang);
    town.grid.publish(&event(&town, "e-1"));
    let suffered = |host: &FunctionsHost| {
        let calls = host.invocations();
        calls
            .iter()
            .position(|it| it.function == function && it.duration > Duration::from_secs(5))
    };
    let has_suffered = |host: &FunctionsHost| suffered(host).is_some();
    town.host.wait_until(SOON, has_suffered).await.unwrap();
    town.simulator.world.faults.clear();
    town.settle().await;
    let calls = town.host.invocations();
    for call in &calls {
        assert!(
            call.status.is_some() && call.duration < within,
            "{service} hangs: {call:?}"
        );
    }
    let later = &calls[suffered(&town.host).unwrap() + 1..];
    assert!(
        later.iter().any(|it| it.function == function),
        "{service} hangs: the call never came again"
    );
    assert_eq!(
        town.only_result()["data"]["outcome"],
        "bound",
        "{service} hangs"
    );
    assert!(town.simulator.broker.dead_letters("requests").is_empty());
}

#[tokio::test]
async fn whatever_does_not_answer_costs_no_invocation_its_time() {
    let (event, reconcile) = (Duration::from_secs(25), Duration::from_secs(45));
    tokio::join!(
        hangs(Service::Arm, "", "reconcile", reconcile),
        hangs(Service::Graph, "", "reconcile", reconcile),
        hangs(Service::ServiceBus, "/results/", "reconcile", reconcile),
        hangs(Service::ServiceBus, "/requests/", "resource-event", event),
        hangs(Service::Identity, "", "resource-event", event),
    );
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
async fn two_resyncs_change_and_tell_nothing_twice() {
    let town = town().await;
    town.publish(&event(&town, "e-1")).await;
    let writes = town.writes().len();
    for _ in 0..2 {
        town.host.tick("resync").await.unwrap();
    }
    town.settle().await;
    town.simulator.broker.forget_duplicates("requests").unwrap();
    town.host.tick_past_due("resync").await.unwrap();
    town.settle().await;
    let looks = town.host.logs().into_iter();
    let looks = looks.filter(|it| it.function == "reconcile" && it.text.contains("bound c1"));
    assert!(looks.count() >= 3, "the cluster is looked at each time");
    assert_eq!(town.only_result()["data"]["changed"], true);
    assert_eq!(town.writes().len(), writes, "{}", town.account());
    assert!(town.simulator.broker.dead_letters("requests").is_empty());
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
    let faults = &town.simulator.world.faults;
    // What goes wrong is logged in other places than what goes well.
    for service in [Service::Arm, Service::Graph, Service::ServiceBus] {
        faults.add(FaultRule::new(service, "", Fault::ExpiredToken));
        faults.add(FaultRule::new(service, "", Fault::ResetBefore).skip(1));
    }
    faults.add(FaultRule::new(
        Service::Identity,
        "",
        Fault::Html { status: 502 },
    ));
    town.publish(&event(&town, "e-1")).await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    assert!(town.simulator.world.faults.rules().is_empty());
    let answers = town.host.logs().into_iter().map(|it| it.text);
    let printed = town.host.stdout().into_iter().chain(town.host.stderr());
    let lines: Vec<String> = printed.chain(answers).collect();
    assert!(
        lines.iter().any(|line| line.contains("\"TRACE\"")),
        "nothing is traced"
    );
    for line in lines {
        // The namespace's own name begins like the simulator's tokens.
        let line = line.replace("sim.servicebus.windows.net", "");
        for word in [
            "sim.",
            town.simulator.identity_header.as_str(),
            "Bearer ",
            "SharedAccessSignature",
            "Metadata\"",
            "\"Metadata",
            "code=",
            "a person",
            "192.0.2.1",
        ] {
            assert!(!line.contains(word), "{word} in {line}");
        }
    }
}
