//! The Event Grid webhook and the admin API.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::support::{HandlerServer, PATIENCE, Running, attached};
use crate::functions_host::{EventForm, FunctionsHost, StopMode};

fn request(host: &FunctionsHost, method: Method, path: &str) -> RequestBuilder {
    crate::loopback::client()
        .unwrap()
        .request(method, format!("http://{}{path}", host.address()))
}

const WEBHOOK: &str = "/runtime/webhooks/eventgrid?functionName=resource-event";

/// Posts as Event Grid does, and returns status and body.
async fn post(host: &FunctionsHost, path: &str, kind: &str, body: &str) -> (u16, String) {
    let request = request(host, Method::POST, path)
        .header("aeg-event-type", kind)
        .body(body.to_owned());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn notify(host: &FunctionsHost, body: &Value) -> u16 {
    post(host, WEBHOOK, "Notification", &body.to_string())
        .await
        .0
}

async fn running() -> (Running, HandlerServer) {
    let handler = HandlerServer::start().await;
    (attached(&handler).await, handler)
}

#[tokio::test]
async fn each_event_of_a_delivery_is_a_call_of_its_own_at_the_same_time() {
    let (host, handler) = running().await;
    handler.hold();
    let events: Vec<Value> = (0..30).map(|n| json!({ "id": n.to_string() })).collect();
    let delivery = async { notify(&host, &json!(events)).await };
    let release = async {
        host.wait_until(PATIENCE, |_| handler.calls().len() == 30)
            .await
            .unwrap();
        handler.release();
    };
    assert_eq!(tokio::join!(delivery, release).0, 202);
    assert_eq!(handler.calls()[0].path, "/resource-event");
}

#[tokio::test]
async fn one_failure_fails_the_delivery() {
    let (host, handler) = running().await;
    handler.answer(500, "");
    let (status, body) = post(
        &host,
        WEBHOOK,
        "Notification",
        "[{\"id\":\"1\"},{\"id\":\"2\"}]",
    )
    .await;
    assert_eq!(status, 500);
    assert!(body.contains("resource-event"), "{body}");
    assert_eq!(handler.calls().len(), 2);
}

#[tokio::test]
async fn a_single_object_is_an_event_and_an_empty_array_is_none() {
    let (host, handler) = running().await;
    assert_eq!(
        notify(&host, &json!({ "id": "1", "data": { "a": 1 } })).await,
        202
    );
    assert_eq!(
        handler.calls()[0].body["Data"]["event"],
        json!({ "id": "1", "data": { "a": 1 } })
    );
    assert_eq!(
        handler.calls()[0].body["Metadata"]["data"],
        json!({ "a": 1 })
    );
    assert_eq!(notify(&host, &json!([])).await, 202);
    assert_eq!(handler.calls().len(), 1);
}

#[tokio::test]
async fn what_holds_no_events_is_an_error() {
    let (host, handler) = running().await;
    for body in ["5", "[\"x\"]", "nonsense", ""] {
        assert_eq!(
            post(&host, WEBHOOK, "Notification", body).await.0,
            500,
            "{body}"
        );
    }
    assert!(handler.calls().is_empty());
}

#[tokio::test]
async fn functions_are_found_by_their_exact_name_under_any_case_of_the_path() {
    let (host, _handler) = running().await;
    let path = |name: &str| format!("/Runtime/WEBHOOKS/EventGrid?functionName={name}");
    assert_eq!(
        post(&host, &path("resource-event"), "Notification", "[]")
            .await
            .0,
        202
    );
    for name in ["Resource-Event", "reconcile", "nothing", ""] {
        assert_eq!(
            post(&host, &path(name), "Notification", "[]").await.0,
            404,
            "{name}"
        );
    }
}

#[tokio::test]
async fn handshakes_never_reach_the_handler() {
    let (host, handler) = running().await;
    let event = "[{\"data\":{\"validationCode\":\"c-1\"}}]";
    let answer = post(&host, WEBHOOK, "SubscriptionValidation", event).await;
    assert_eq!(answer, (200, "{\"validationResponse\":\"c-1\"}".to_owned()));
    let options = request(&host, Method::OPTIONS, WEBHOOK)
        .header("webhook-request-origin", "eventgrid.azure.net");
    let options = options.send().await.unwrap();
    assert_eq!(
        options.headers()["webhook-allowed-origin"],
        "eventgrid.azure.net"
    );
    assert_eq!(post(&host, WEBHOOK, "Unsubscribe", "[]").await.0, 202);
    assert_eq!(post(&host, WEBHOOK, "Other", "[]").await.0, 400);
    assert_eq!(
        request(&host, Method::POST, WEBHOOK)
            .body("[]")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        400
    );
    assert!(handler.calls().is_empty());
}

#[tokio::test]
async fn an_event_of_the_world_reaches_the_function_by_way_of_event_grid() {
    let (host, handler) = running().await;
    handler.answer(500, "");
    host.set_fast_forward(true);
    let event = json!({ "id": "e", "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "data": { "operationName": "Microsoft.NetworkCloud/clusters/write" } });
    host.world.events.send(event.clone()).unwrap();
    host.settle(PATIENCE).await.unwrap();
    assert_eq!(
        handler.calls().len(),
        2,
        "it was tried again after ten seconds that nobody waited for"
    );
    assert_eq!(handler.calls()[1].body["Data"]["event"], event);
    assert_eq!(host.grid.attempts().len(), 2);
}

#[tokio::test]
async fn events_can_come_as_text() {
    let (host, handler) = running().await;
    host.set_event_form(EventForm::Text);
    notify(&host, &json!([{ "id": "1" }])).await;
    assert_eq!(
        handler.calls()[0].body["Data"]["event"],
        json!("{\"id\":\"1\"}")
    );
}

#[tokio::test]
async fn a_timer_runs_by_hand() {
    let (host, handler) = running().await;
    let run = |name: &str| {
        post(
            &host,
            match name {
                "resync" => "/admin/functions/resync",
                "reconcile" => "/admin/functions/reconcile",
                _ => "/admin/functions/x",
            },
            "",
            "{}",
        )
    };
    assert_eq!(run("resync").await.0, 202);
    host.wait_until(PATIENCE, |host| host.invocations().len() == 1)
        .await
        .unwrap();
    assert_eq!(handler.calls()[0].body["Metadata"]["timer"], json!("\"\""));
    assert_eq!(run("reconcile").await.0, 400);
    assert_eq!(run("nothing").await.0, 404);
}

#[tokio::test]
async fn a_host_that_stops_lets_what_is_under_way_end() {
    let (host, handler) = running().await;
    handler.hold();
    let (address, host) = (host.address(), host.into_host());
    let client = crate::loopback::client().unwrap();
    let post = || {
        client
            .post(format!("http://{address}{WEBHOOK}"))
            .header("aeg-event-type", "Notification")
            .body("[{}]")
            .send()
    };
    let first = tokio::spawn(post());
    host.wait_until(PATIENCE, |host| !host.in_flight().is_empty())
        .await
        .unwrap();
    let stopping = tokio::spawn(host.stop(StopMode::Drain));
    let refused = async {
        while post().await.unwrap().status().as_u16() != 503 {}
        handler.release();
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    assert_eq!(first.await.unwrap().unwrap().status().as_u16(), 202);
    stopping.await.unwrap().unwrap();
}
