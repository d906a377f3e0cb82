//! A trigger on a queue with sessions: turns, places, and what a host leaves behind.

use std::time::Duration;

use serde_json::json;

use super::support::{HandlerServer, PATIENCE, Running, attached, attached_with, start};
use crate::functions_host::StopMode;
use crate::service_bus::message::NewMessage;

const OPTIONS: &str = "AzureFunctionsJobHost__extensions__serviceBus__";

/// Sends a message for each name: its session, and a number.
fn send(host: &Running, names: &[&str]) {
    for name in names {
        let (session, _) = name.split_at(1);
        let message = NewMessage::json(name, &json!({ "version": 1 })).in_session(session);
        host.broker.send("requests", message).unwrap();
    }
}

/// The messages that the handler was called with, in order.
fn called(handler: &HandlerServer) -> Vec<String> {
    let id = |it: &serde_json::Value| {
        it["Metadata"]["MessageId"]
            .as_str()
            .unwrap()
            .replace('"', "")
    };
    handler.calls().iter().map(|it| id(&it.body)).collect()
}

#[tokio::test]
async fn calls_of_one_session_take_turns_and_those_of_others_go_on() {
    let handler = HandlerServer::start().await;
    handler.hold();
    let host = attached(&handler).await;
    send(&host, &["a1", "a2", "b1", "b2", "c1"]);
    host.wait_until(PATIENCE, |_| handler.calls().len() == 3)
        .await
        .unwrap();
    let mut first = called(&handler);
    first.sort();
    assert_eq!(first, ["a1", "b1", "c1"]);
    handler.release();
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(handler.calls().len(), 5);
    let body = &handler.calls()[0].body["Metadata"];
    assert!(body["SessionId"].is_string(), "{body}");
}

#[tokio::test]
async fn a_failure_holds_up_its_own_session_alone() {
    let handler = HandlerServer::start().await;
    let one = [(format!("{OPTIONS}maxConcurrentSessions"), "1")];
    let one: Vec<(&str, &str)> = one
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let host = attached_with(&handler, &one).await;
    handler.answer(500, "");
    send(&host, &["a1", "a2", "b1"]);
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(called(&handler), ["a1", "a1", "a2", "b1"]);
}

#[tokio::test]
async fn a_place_is_taken_for_the_idle_time_after_its_last_call() {
    let handler = HandlerServer::start().await;
    let names = ["maxConcurrentSessions", "sessionIdleTimeout"].map(|it| format!("{OPTIONS}{it}"));
    let settings = [(names[0].as_str(), "1"), (names[1].as_str(), "00:10:00")];
    let host = attached_with(&handler, &settings).await;
    send(&host, &["a1", "b1"]);
    host.wait_until(PATIENCE, |_| handler.calls().len() == 1)
        .await
        .unwrap();
    send(&host, &["a2"]);
    host.wait_until(PATIENCE, |_| handler.calls().len() == 2)
        .await
        .unwrap();
    assert_eq!(called(&handler), ["a1", "a2"], "b waits for the place");
    host.world.clock.advance(Duration::from_secs(600));
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(called(&handler), ["a1", "a2", "b1"]);
}

#[tokio::test]
async fn a_host_that_stops_frees_its_sessions_and_one_that_dies_leaves_them_locked() {
    for (mode, is_free) in [(StopMode::Drain, true), (StopMode::Kill, false)] {
        let handler = HandlerServer::start().await;
        let host = attached(&handler).await;
        send(&host, &["a1"]);
        host.wait_until(PATIENCE, |host| host.invocations().len() == 1)
            .await
            .unwrap();
        let (broker, clock) = (host.broker.clone(), host.world.clock.clone());
        host.into_host().stop(mode.clone()).await.unwrap();
        let next = NewMessage::json("a2", &json!({})).in_session("a");
        broker.send("requests", next).unwrap();
        let accept = |broker: &crate::service_bus::Broker| {
            broker
                .accept_session("requests", Duration::ZERO)
                .unwrap()
                .is_some()
        };
        if is_free {
            let free = broker.wait_until(PATIENCE, accept).await;
            assert!(free.is_ok(), "{mode:?}");
            continue;
        }
        assert!(!accept(&broker), "{mode:?}");
        let left = |broker: &crate::service_bus::Broker| {
            let free = broker.next_free_session("requests");
            free.is_some_and(|at| at - clock.now() <= Duration::from_secs(60))
        };
        broker.wait_until(PATIENCE, left).await.unwrap();
        clock.advance(Duration::from_secs(61));
        assert!(accept(&broker), "its lock has ended");
    }
}

#[tokio::test]
async fn a_trigger_without_sessions_gets_nothing_from_a_queue_with_them() {
    let app = super::support::app(&json!({
        "version": "2.0",
        "customHandler": { "description": { "defaultExecutablePath": "none" } },
    }));
    let function = json!({ "bindings": [{ "type": "serviceBusTrigger", "name": "request",
        "queueName": "requests", "connection": "ServiceBus" }] });
    let file = app.path.join("reconcile/function.json");
    std::fs::write(file, function.to_string()).unwrap();
    let handler = HandlerServer::start().await;
    let host = start(app.path.clone(), &[], |config| {
        config.attach = Some(handler.base.parse().unwrap());
    })
    .await;
    send(&host, &["a1"]);
    let says_why = |line: &String| line.contains("requires sessions");
    host.wait_until(PATIENCE, |host| host.host_log().iter().any(says_why))
        .await
        .unwrap();
    assert!(handler.calls().is_empty());
}
