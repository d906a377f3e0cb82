//! The host against handlers made for the purpose: a server inside the test, or the test's own program as a process.

mod process;
mod sessions;
mod support;
mod triggers;

use std::time::Duration;

use serde_json::{Map, json};

use super::*;
use crate::service_bus::message::NewMessage;
use support::{HandlerServer, PATIENCE, app, attached, attached_with, message};

#[tokio::test]
async fn a_message_that_is_answered_well_is_completed_and_its_logs_are_kept() {
    let handler = HandlerServer::start().await;
    handler.answer(200, "{\"Logs\":[\"decided\"]}");
    let host = attached(&handler).await;
    host.broker.send("requests", message("m")).unwrap();
    host.settle(PATIENCE).await.unwrap();
    let call = &handler.calls()[0];
    assert_eq!(
        (call.path.as_str(), &call.body["Metadata"]["DeliveryCount"]),
        ("/reconcile", &json!("1"))
    );
    assert_eq!(
        call.body["Data"]["request"],
        json!("\"{\\\"version\\\":1}\"")
    );
    let logs = host.logs();
    assert_eq!(
        (logs[0].text.as_str(), logs[0].invocation_id.as_str()),
        ("decided", call.header("x-azure-functions-invocationid"))
    );
    let ended = &host.invocations()[0];
    assert_eq!(
        (ended.function.as_str(), ended.status, &ended.error),
        ("reconcile", Some(200), &None)
    );
    assert!(host.broker.dead_letters("requests").is_empty());
}

#[tokio::test]
async fn a_message_that_fails_comes_again_at_once_with_its_count() {
    let handler = HandlerServer::start().await;
    handler.answer(500, "{\"Logs\":[\"lost\"]}");
    handler.answer(200, "[]");
    let host = attached(&handler).await;
    host.broker.send("requests", message("m")).unwrap();
    host.settle(PATIENCE).await.unwrap();
    let counts: Vec<_> = handler
        .calls()
        .iter()
        .map(|call| call.body["Metadata"]["DeliveryCount"].clone())
        .collect();
    assert_eq!(counts, [json!("1"), json!("2"), json!("3")]);
    assert!(host.logs().is_empty(), "the logs of a failure are lost");
    assert!(
        host.invocations()[0]
            .error
            .as_ref()
            .unwrap()
            .contains("500")
    );
}

#[tokio::test]
async fn a_message_that_always_fails_is_a_dead_letter() {
    let handler = HandlerServer::start().await;
    handler.answer_always(503, "");
    let host = attached(&handler).await;
    host.broker.send("requests", message("m")).unwrap();
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(handler.calls().len(), 100);
    assert_eq!(
        host.broker.dead_letters("requests")[0].reason,
        "MaxDeliveryCountExceeded"
    );
}

#[tokio::test]
async fn idle_time_is_skipped_to_what_is_scheduled() {
    let handler = HandlerServer::start().await;
    let host = attached(&handler).await;
    host.set_fast_forward(true);
    let now = host.world.clock.now();
    host.broker
        .send(
            "requests",
            message("m").scheduled(now + Duration::from_secs(1800)),
        )
        .unwrap();
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(handler.calls().len(), 1);
    assert!(host.world.clock.now() >= now + Duration::from_secs(1799));
    host.broker.send("requests", message("m")).unwrap();
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(handler.calls().len(), 2, "the id counts as another by then");
}

#[tokio::test]
async fn in_real_time_what_is_far_off_is_not_waited_for() {
    let handler = HandlerServer::start().await;
    let host = attached(&handler).await;
    let now = host.world.clock.now();
    host.broker
        .send(
            "requests",
            message("m").scheduled(now + Duration::from_secs(1800)),
        )
        .unwrap();
    host.settle(PATIENCE).await.unwrap();
    assert!(handler.calls().is_empty());
    assert_eq!(host.broker.scheduled("requests").len(), 1);
}

#[tokio::test]
async fn an_unsettled_host_says_what_pends() {
    let handler = HandlerServer::start().await;
    handler.answer_always(200, "");
    let host = attached(&handler).await;
    host.broker.send("requests", message("m")).unwrap();
    let error = host
        .settle(Duration::from_millis(300))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("an invocation of reconcile") && error.contains("message m in requests"),
        "{error}"
    );
}

#[tokio::test]
async fn an_empty_answer_hangs_until_the_time_is_up() {
    let handler = HandlerServer::start().await;
    handler.answer(202, "");
    let host = attached_with(
        &handler,
        &[("AzureFunctionsJobHost__functionTimeout", "00:00:00.3")],
    )
    .await;
    host.broker.send("requests", message("m")).unwrap();
    host.settle(PATIENCE).await.unwrap();
    let first = &host.invocations()[0];
    assert!(
        first.error.as_ref().unwrap().contains("Timeout")
            && first.duration >= Duration::from_millis(300),
        "{first:?}"
    );
    assert!(
        host.host_log().iter().any(|line| line.contains("HANGS")),
        "{:?}",
        host.host_log()
    );
    assert_eq!(handler.calls().len(), 2, "the message came again");
}

#[tokio::test]
async fn calls_at_a_time_are_limited_by_the_host_file() {
    let handler = HandlerServer::start().await;
    handler.hold();
    let host = attached(&handler).await;
    for n in 0..36 {
        host.broker
            .send("requests", message(&n.to_string()))
            .unwrap();
    }
    host.wait_until(PATIENCE, |host| host.in_flight().len() == 32)
        .await
        .unwrap();
    host.broker
        .wait_until(PATIENCE, |broker| broker.messages("requests").len() == 4)
        .await
        .unwrap();
    handler.release();
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(handler.calls().len(), 36);
}

#[tokio::test]
async fn a_body_is_sent_in_the_hosts_chunks() {
    let (base, request) = support::raw_listener().await;
    let host = support::attached_to(&base, &[]).await;
    let body = NewMessage::json("m", &json!({ "text": "x".repeat(3000) })).in_session("m");
    host.broker.send("requests", body).unwrap();
    let request = tokio::time::timeout(PATIENCE, request)
        .await
        .unwrap()
        .unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /reconcile http/1.1\r\n"), "{head}");
    for header in [
        "transfer-encoding: chunked",
        "content-type: application/json; charset=utf-8",
        "user-agent: azure-functions-host/4.1037.0.0",
        "x-azure-functions-hostversion: 4.1037.0.0",
        "x-azure-functions-invocationid: ",
        "traceparent: 00-",
    ] {
        assert!(head.contains(header), "{header} in {head}");
    }
    assert!(!head.contains("content-length"), "{head}");
    let sizes: Vec<&str> = body.split("\r\n").step_by(2).take(3).collect();
    assert_eq!(sizes, ["400", "400", "400"]);
}

#[tokio::test]
async fn a_timer_hands_over_the_previous_run() {
    let handler = HandlerServer::start().await;
    let host = attached(&handler).await;
    host.tick("resync").await.unwrap();
    host.tick("resync").await.unwrap();
    let status = |n: usize| handler.calls()[n].body["Data"]["timer"]["ScheduleStatus"].clone();
    assert_eq!(status(0)["Last"], json!("0001-01-01T00:00:00+00:00"));
    assert_ne!(status(1)["Last"], status(0)["Last"]);
    assert!(host.tick("reconcile").await.is_err() && host.tick("nothing").await.is_err());
}

#[tokio::test]
async fn a_timer_runs_by_its_schedule_where_that_is_wanted() {
    let handler = HandlerServer::start().await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let host = support::start(root, &[], |config| {
        config.attach = Some(handler.base.parse().unwrap());
        config.timers = true;
    });
    let host = host.await;
    for runs in 1..=2 {
        let six_hours = Duration::from_secs(6 * 3600);
        host.world.clock.advance(six_hours);
        host.wait_until(PATIENCE, |host| host.invocations().len() >= runs)
            .await
            .unwrap();
    }
    assert_eq!(host.invocations()[0].function, "resync");
}

#[tokio::test]
async fn a_failed_tick_is_repeated_as_its_file_says_and_counts_as_the_last() {
    let handler = HandlerServer::start().await;
    handler.answer(500, "");
    let host = attached(&handler).await;
    host.set_fast_forward(true);
    let began = host.world.clock.now();
    host.tick("resync").await.unwrap();
    assert_eq!(handler.calls().len(), 2);
    let took = host.world.clock.now() - began;
    assert!(took >= Duration::from_secs(59), "it took {took}");
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(handler.calls().len(), 2);
    host.tick_past_due("resync").await.unwrap();
    let timer = handler.calls()[2].body["Data"]["timer"].clone();
    assert_eq!(timer["IsPastDue"], json!(true));
    assert_ne!(
        timer["ScheduleStatus"]["Last"],
        json!("0001-01-01T00:00:00+00:00")
    );
}

#[tokio::test]
async fn a_tick_that_goes_on_failing_is_given_up_after_its_retries() {
    let handler = HandlerServer::start().await;
    handler.answer_always(500, "");
    let host = attached(&handler).await;
    host.set_fast_forward(true);
    assert!(host.tick("resync").await.is_err());
    assert_eq!(handler.calls().len(), 31);
}

#[tokio::test]
async fn metadata_can_be_made_hostile() {
    let handler = HandlerServer::start().await;
    let host = attached(&handler).await;
    host.inject_metadata(Map::from_iter([(
        "deliverycount".to_owned(),
        json!("\"99\""),
    )]));
    host.broker.send("requests", message("m")).unwrap();
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(
        handler.calls()[0].body["Metadata"]["DeliveryCount"],
        json!("\"99\"")
    );
}

#[tokio::test]
async fn a_host_without_a_usable_host_file_does_not_start() {
    let folder = app(&json!({ "version": "1.0" }));
    let (world, broker) = support::world();
    let error = FunctionsHost::start(HostConfig::new(&folder.path, world, broker))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("version"), "{error:#}");
}
