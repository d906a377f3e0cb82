use axum::{body::Body, http::Request as HttpRequest};
use serde_json::{Value, json};

use super::*;
use crate::functions::{FUNCTIONS, Function};

fn function(name: &str) -> Function {
    FUNCTIONS
        .into_iter()
        .find(|function| function.name == name)
        .unwrap()
}

/// A call as it was recorded from the real host (request line, headers, chunks of 1,024 bytes), sent to `function`.
fn recorded(name: &str, function: Function) -> HttpRequest<Body> {
    let path = format!(
        "{}/../tests/fixtures/host/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read(path).unwrap();
    let end = text
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = std::str::from_utf8(&text[..end]).unwrap();
    let mut http = HttpRequest::post(format!("/{}", function.name));
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        http = http.header(name, value);
    }
    http.body(Body::from(unchunked(&text[end + 4..]))).unwrap()
}

fn unchunked(mut text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = text
            .windows(2)
            .position(|window| window == b"\r\n")
            .unwrap();
        let length =
            usize::from_str_radix(std::str::from_utf8(&text[..line]).unwrap(), 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&text[line + 2..line + 2 + length]);
        text = &text[line + 4 + length..];
    }
}

fn made(function: Function, body: &Value) -> HttpRequest<Body> {
    HttpRequest::post(format!("/{}", function.name))
        .body(Body::from(body.to_string()))
        .unwrap()
}

async fn read(name: &str, to: &str) -> Invocation {
    let function = function(to);
    Invocation::read(function, recorded(name, function)).await
}

#[tokio::test]
async fn an_event_arrives_as_the_host_sends_it() {
    let events = read("eventgrid.http", "resource-event")
        .await
        .events()
        .unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0]["data"]["operationName"],
        "Microsoft.NetworkCloud/clusters/write"
    );
    let events = read("cloudevent.http", "resource-event")
        .await
        .events()
        .unwrap();
    assert_eq!(events[0]["id"], "ce-1");
}

#[tokio::test]
async fn a_batch_of_events_arrives_as_text_of_an_array() {
    let http = recorded("eventgrid-many.http", function("resource-event"));
    // Recorded with another name of the binding: one in the plural.
    let body = axum::body::to_bytes(http.into_body(), MAX_BODY)
        .await
        .unwrap();
    let mut envelope: Value = serde_json::from_slice(&body).unwrap();
    let events = envelope["Data"].as_object_mut().unwrap();
    let (_, value) = std::mem::take(events).into_iter().next().unwrap();
    assert!(value.is_string());
    events.insert("event".to_owned(), value);
    let function = function("resource-event");
    let events = Invocation::read(function, made(function, &envelope))
        .await
        .events()
        .unwrap();
    assert!(!events.is_empty() && events.iter().all(Value::is_object));
}

#[tokio::test]
async fn an_event_is_unwrapped_however_often_the_extension_wraps_it() {
    let event = json!({ "id": "e-1" });
    let once = event.to_string();
    let twice = Value::String(once.clone()).to_string();
    for wrapped in [
        event.clone(),
        Value::String(once),
        Value::String(twice),
        json!([event]),
    ] {
        let function = function("resource-event");
        let http = made(
            function,
            &json!({ "Data": { "event": wrapped }, "Metadata": {} }),
        );
        assert_eq!(
            Invocation::read(function, http).await.events().unwrap(),
            std::slice::from_ref(&event)
        );
    }
}

#[tokio::test]
async fn a_message_arrives_as_a_string_within_a_string() {
    let invocation = read("servicebus-single.http", "reconcile").await;
    assert!(
        invocation.is_redelivery,
        "it was recorded on its second delivery"
    );
    let body: Value = serde_json::from_str(&invocation.text().unwrap()).unwrap();
    assert_eq!((&body["version"], &body["id"]), (&json!(1), &json!("abc")));
}

#[tokio::test]
async fn a_body_that_spoofs_the_metadata_is_not_believed() {
    let invocation = read("servicebus-spoofed.http", "reconcile").await;
    assert!(
        !invocation.is_redelivery,
        "the delivery count came out of the body"
    );
    let body: Value = serde_json::from_str(&invocation.text().unwrap()).unwrap();
    assert_eq!(body["id"], "abc");
}

#[tokio::test]
async fn the_brokers_own_delivery_count_is_text_of_a_number() {
    for (count, expected) in [
        (json!("1"), false),
        (json!("2"), true),
        (json!("100"), true),
        (json!("\"99\""), false),
        (json!(99), false),
        (json!({}), false),
        (Value::Null, false),
        (json!("-1"), false),
    ] {
        let function = function("reconcile");
        let body =
            json!({ "Data": { "request": "\"x\"" }, "Metadata": { "DeliveryCount": count } });
        let invocation = Invocation::read(function, made(function, &body)).await;
        assert_eq!(invocation.is_redelivery, expected, "{count}");
    }
}

#[tokio::test]
async fn a_plain_text_message_stays_what_it_is() {
    let function = function("reconcile");
    for (wrapped, text) in [
        ("\"hello\"", "hello"),
        ("hello", "hello"),
        ("\"{\\\"a\\\":1}\"", "{\"a\":1}"),
        ("{\"a\":1}", "{\"a\":1}"),
    ] {
        let body = json!({ "Data": { "request": wrapped }, "Metadata": {} });
        assert_eq!(
            Invocation::read(function, made(function, &body))
                .await
                .text()
                .unwrap(),
            text
        );
    }
}

#[tokio::test]
async fn every_recorded_timer_call_is_understood() {
    for name in [
        "timer-first-run.http",
        "timer-scheduled.http",
        "timer-pastdue.http",
        "timer-admin-run.http",
        "timer-unmonitored.http",
    ] {
        let invocation = read(name, "resync").await;
        assert!(invocation.payload.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_bound_or_that_is_no_envelope_is_refused() {
    let function = function("reconcile");
    let large = HttpRequest::post("/reconcile")
        .body(Body::from(vec![b' '; MAX_BODY + 1]))
        .unwrap();
    assert!(matches!(
        Invocation::read(function, large).await.text(),
        Err(EnvelopeError::Body(_))
    ));
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "{\"Data\":1}",
        "{\"Data\":{\"other\":1}}",
        &deep,
        &format!("{{\"Data\":{{\"request\":{deep}"),
    ] {
        let http = HttpRequest::post("/reconcile")
            .body(Body::from(body.to_owned()))
            .unwrap();
        assert!(Invocation::read(function, http).await.text().is_err());
    }
}

#[tokio::test]
async fn a_body_beyond_the_frameworks_default_of_two_mebibytes_is_read() {
    let function = function("resource-event");
    let event = json!({ "id": "e-1", "padding": "x".repeat(5 * 1024 * 1024) });
    let http = made(
        function,
        &json!({ "Data": { "event": event }, "Metadata": { "data": event } }),
    );
    assert_eq!(
        Invocation::read(function, http).await.events().unwrap()[0]["id"],
        "e-1"
    );
}

#[test]
fn a_trace_is_taken_only_in_its_form() {
    assert!(is_traceparent(
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    ));
    for bad in [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c8031\n-b7ad6b7169203331-01",
    ] {
        assert!(!is_traceparent(bad), "{bad}");
    }
}

#[tokio::test]
async fn every_function_finds_its_payload_by_the_name_of_its_binding() {
    for function in FUNCTIONS {
        let body = json!({ "Data": { function.binding: "x" } });
        let invocation = Invocation::read(function, made(function, &body)).await;
        assert_eq!(invocation.text().unwrap(), "x");
    }
}
