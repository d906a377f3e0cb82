//! Bad input: it never kills the process, never loses a good message, and never loops.

use std::time::Duration;

use serde_json::{Map, Value, json};
use vaultbind_simulator::{
    event_grid::Filter,
    faults::{Fault, FaultRule},
    functions_host::{EventForm, FunctionsHost},
    journal::Service,
    service_bus::message::NewMessage,
};

use crate::{
    binding,
    town::{Plan, SOON, Town, WEST, write_event},
};

async fn town() -> Town {
    Plan::new(binding::estate()).open().await
}

fn event(town: &Town, id: &str) -> Value {
    write_event(
        id,
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    )
}

/// Delivers an event past every filter, and returns the status that Event Grid was answered.
async fn deliver(town: &Town, event: &Value) -> Option<u16> {
    town.grid
        .configure("resource-event", |it| it.filter = Filter::none());
    town.publish(event).await;
    town.grid.attempts().last().and_then(|it| it.status)
}

fn assert_bound(town: &Town) {
    let cluster = town.cluster("c1");
    assert_eq!(
        cluster["properties"]["secretArchive"]["keyVaultId"],
        town.vault_id("kv-a"),
        "{}",
        town.account()
    );
}

/// Every line that the handler printed is JSON of its own: nothing forged another.
fn assert_logs_are_whole(town: &Town) {
    for line in town.host.stdout() {
        assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_understood_is_answered_and_logged() {
    let town = town().await;
    let pid = town.host.handler_pid();
    let subject = town.cluster_id("c1");
    let broken = [
        json!({}),
        json!({ "id": "x", "eventType": "Something.Else", "subject": subject, "data": {} }),
        json!({ "id": 7, "eventType": [], "subject": {}, "data": "x" }),
        write_event(
            "x",
            &format!(
                "/subscriptions/{WEST}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm"
            ),
            "Microsoft.Compute/virtualMachines/write",
        ),
        write_event(
            "x",
            &subject.replace(WEST, "33333333-3333-3333-3333-333333333333"),
            "Microsoft.NetworkCloud/clusters/write",
        ),
        write_event("x", "not/an/id", "Microsoft.NetworkCloud/clusters/write"),
        write_event(
            "x",
            &format!("{subject}/../../x"),
            "Microsoft.NetworkCloud/clusters/write",
        ),
        write_event(
            "x",
            &format!("{subject}%2f"),
            "Microsoft.NetworkCloud/clusters/write",
        ),
        write_event(
            "x\n{\"level\":\"FATAL\"}",
            &subject,
            "Microsoft.NetworkCloud/clusters/write",
        ),
        write_event(
            "x",
            "/subscriptions/\u{1b}[31m",
            "Microsoft.NetworkCloud/clusters/write",
        ),
    ];
    for event in broken {
        assert_eq!(
            deliver(&town, &event).await,
            Some(202),
            "Event Grid would repeat it for a day: {event}"
        );
    }
    assert!(town.results().is_empty() && town.writes().is_empty());
    assert!(
        town.host
            .stdout()
            .iter()
            .any(|line| line.contains("\"ERROR\"") && line.contains("no sound resource"))
    );
    assert_logs_are_whole(&town);
    assert_eq!(town.host.handler_pid(), pid, "the process lives on");
    town.publish(&event(&town, "e-1")).await;
    assert_bound(&town);
}

#[tokio::test]
async fn an_event_of_five_megabytes_is_taken() {
    let town = town().await;
    let mut event = event(&town, "e-1");
    event["data"]["padding"] = Value::from("x".repeat(5 * 1024 * 1024));
    assert_eq!(deliver(&town, &event).await, Some(202));
    assert_bound(&town);
}

#[tokio::test]
async fn an_event_is_taken_however_the_extension_wraps_it() {
    for form in [EventForm::Object, EventForm::Text, EventForm::DoublyEncoded] {
        let town = town().await;
        town.host.set_event_form(form);
        town.publish(&event(&town, "e-1")).await;
        assert_bound(&town);
    }
}

#[tokio::test]
async fn metadata_that_lies_is_not_believed() {
    let town = town().await;
    let lies = json!({
        "MessageId": "\"another\"", "DeliveryCount": "\"99\"", "sys": "\"evil\"",
        "clusterId": "\"/subscriptions/evil\"", "request": "\"{}\"", "event": "\"{}\"",
    });
    town.host
        .inject_metadata(lies.as_object().cloned().unwrap_or_else(Map::new));
    town.publish(&event(&town, "e-1")).await;
    assert_bound(&town);
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    // A sweep tells of a cluster that is as it was only where its request was delivered before.
    town.simulator.broker.forget_duplicates("requests").unwrap();
    let looks = town.host.logs().len();
    town.host.tick("resync").await.unwrap();
    town.settle().await;
    assert!(
        town.host.logs().len() > looks + 1,
        "the cluster is looked at"
    );
    assert_eq!(town.results().len(), 1, "a delivery count that lies counts");
}

/// Messages that are no request of ours.
fn broken_requests(cluster: &str) -> Vec<NewMessage> {
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    vec![
        NewMessage {
            body: "not json".into(),
            ..NewMessage::json("b-1", &Value::Null)
        },
        NewMessage::json(
            "b-2",
            &json!({ "version": 2, "id": "x", "kind": "cluster", "clusterId": cluster }),
        ),
        NewMessage::json(
            "b-3",
            &json!({ "version": 1, "kind": "cluster", "clusterId": cluster }),
        ),
        NewMessage::json(
            "b-4",
            &json!({ "version": 1, "id": "x", "kind": "cluster", "clusterId": "/subscriptions/x" }),
        ),
        NewMessage::json(
            "b-5",
            &json!({ "version": 1, "id": "x", "kind": "cluster", "clusterId": cluster, "vaultHint": "kv" }),
        ),
        NewMessage {
            body: deep.into(),
            ..NewMessage::json("b-6", &Value::Null)
        },
    ]
}

#[tokio::test]
async fn a_request_that_cannot_be_understood_is_a_dead_letter_and_holds_nothing_up() {
    let town = town().await;
    let cluster = town.cluster_id("c1");
    let broken = broken_requests(&cluster);
    let count = broken.len();
    for (number, message) in broken.into_iter().enumerate() {
        let message = message.in_session(&number.to_string());
        town.simulator.broker.send("requests", message).unwrap();
    }
    let good = json!({ "version": 1, "id": "good", "kind": "cluster", "clusterId": cluster });
    let good = NewMessage::json("good", &good).in_session("good");
    town.simulator.broker.send("requests", good).unwrap();
    // Were any of its hundreds of deliveries answered after a wait, it would not settle in time.
    town.settle().await;
    assert_bound(&town);
    let calls = town.host.invocations();
    let served = calls.iter().position(|it| it.status == Some(200));
    let refused = calls.iter().rposition(|it| it.status == Some(500));
    assert!(
        served < refused,
        "the good one waited: {served:?}, {refused:?}"
    );
    let dead = town.simulator.broker.dead_letters("requests");
    assert_eq!(dead.len(), count, "{dead:#?}");
    assert!(
        dead.iter()
            .all(|it| it.reason == "MaxDeliveryCountExceeded")
    );
    let died = town
        .host
        .host_log()
        .into_iter()
        .find(|line| line.contains("exit"));
    assert_eq!(died, None, "the process lives on");
    assert!(
        town.host
            .stdout()
            .iter()
            .any(|line| line.contains("\"ERROR\"") && line.contains("no request of ours"))
    );
    assert_logs_are_whole(&town);
}

#[tokio::test]
async fn a_result_is_not_lost_when_the_queue_does_not_take_it_for_a_while() {
    let town = town().await;
    let busy = Fault::Status {
        status: 503,
        code: "ServerBusy".to_owned(),
        message: String::new(),
        retry_after: None,
    };
    town.simulator
        .world
        .faults
        .add(FaultRule::new(Service::ServiceBus, "/results/", busy).times(7));
    town.publish(&event(&town, "e-1")).await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    assert!(town.simulator.broker.dead_letters("requests").is_empty());
}

#[tokio::test]
async fn while_nothing_can_be_sent_a_reconcile_asks_for_redelivery_and_takes_its_time() {
    let town = town().await;
    town.grid.publish(&event(&town, "e-1"));
    let has_written = |_: &_| {
        let mut writes = town.writes().into_iter();
        writes.any(|it| it.method == "PATCH")
    };
    town.host.wait_until(SOON, has_written).await.unwrap();
    town.simulator.broker.deny_sending(true);
    let refused = |host: &FunctionsHost| {
        let mut calls = host.invocations().into_iter();
        calls.find(|it| it.function == "reconcile" && it.status == Some(500))
    };
    let was_refused = |host: &FunctionsHost| refused(host).is_some();
    town.host.wait_until(SOON, was_refused).await.unwrap();
    town.simulator.broker.deny_sending(false);
    town.settle().await;
    let call = refused(&town.host).unwrap();
    assert!(
        call.duration >= Duration::from_secs(20),
        "deliveries burn: {call:?}"
    );
    assert_bound(&town);
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    assert!(town.simulator.broker.dead_letters("requests").is_empty());
}

#[tokio::test]
async fn an_event_whose_request_cannot_be_sent_is_delivered_again() {
    let town = town().await;
    town.simulator.broker.deny_sending(true);
    town.grid.publish(&event(&town, "e-1"));
    let refused = |host: &FunctionsHost| {
        host.invocations()
            .iter()
            .any(|it| it.function == "resource-event" && it.status == Some(500))
    };
    town.host.wait_until(SOON, refused).await.unwrap();
    town.simulator.broker.deny_sending(false);
    town.settle().await;
    let last = town
        .grid
        .attempts()
        .into_iter()
        .rfind(|it| it.event_id == "e-1");
    let last = last.map(|it| (it.number > 1, it.status));
    assert_eq!(last, Some((true, Some(202))), "Event Grid tries again");
    assert_bound(&town);
}

/// A line break with a forged line, and what a terminal obeys: ANSI in both forms, text in another order, hidden text.
pub(crate) const HOSTILE: &str = "a\n{\"level\":\"FATAL\",\"message\":\"forged\"}\r\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{2066}\u{200b}\u{e0041}\u{2028}";

#[track_caller]
pub(crate) fn assert_harmless(lines: &[String]) {
    for line in lines {
        assert!(!line.contains(vaultbind::escape::is_obeyed), "{line:?}");
        assert!(!line.starts_with("{\"level\":\"FATAL\""), "{line}");
    }
}

fn lines(output: &[u8]) -> Vec<String> {
    let text = str::from_utf8(output).unwrap();
    text.split('\n').map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn a_tag_that_forges_a_log_line_forges_none() {
    let town = town().await;
    {
        let mut azure = town.simulator.world.azure();
        let (cluster, vault) = (
            azure.cluster_id("c1").unwrap(),
            azure.vault_id("kv-a").unwrap(),
        );
        azure.set_tag(&cluster, "site", Some(HOSTILE));
        azure.set_tag(&vault, HOSTILE, Some(HOSTILE));
    }
    town.settle().await;
    let outcomes = town.results();
    assert!(
        outcomes
            .iter()
            .any(|it| it["data"]["outcome"] == "unmatched")
    );
    assert_logs_are_whole(&town);
    assert_harmless(&town.host.stdout());
    let told: Vec<String> = town.host.logs().into_iter().map(|it| it.text).collect();
    assert!(
        told.iter().any(|it| it.contains("unmatched c1")),
        "{told:#?}"
    );
    assert_harmless(&told);
    let estate = town.scratch("estate.json", "");
    let capture = format!("capture --output {estate}");
    let offline = format!("explain c1 --estate {estate}");
    for command in [
        "explain c1",
        "explain c1 --output json",
        "plan",
        "plan --output json",
        &capture,
        &offline,
        "apply --yes",
    ] {
        let output = town.command(command.split(' ')).await;
        assert_harmless(&lines(&output.stdout));
        assert_harmless(&lines(&output.stderr));
        assert!(
            !output.stdout.is_empty() || !output.stderr.is_empty(),
            "{command} says nothing"
        );
    }
}

#[tokio::test]
async fn a_policy_that_forges_a_line_of_its_mistakes_forges_none() {
    let town = town().await;
    let hostile = Value::from(HOSTILE).to_string();
    let text = format!(
        "version: 1\n{hostile}: x\nmode: {hostile}\nrules:\n  - name: {hostile}\n    writer: {hostile}\n"
    );
    let policy = town.scratch("hostile.yaml", &text);
    let check = format!("policy check {policy}");
    for command in [check.as_str(), &format!("{check} --output json")] {
        let output = town.command(command.split(' ')).await;
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.len() > 100, "the mistakes are told");
        assert_harmless(&lines(&output.stdout));
        assert_harmless(&lines(&output.stderr));
    }
}
