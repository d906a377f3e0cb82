//! The protocol over real sockets, as a sender and a receiver see it.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde_json::json;

use super::*;
use crate::service_bus::message::SendOutcome;
use crate::service_bus::queue::QueueConfig;

struct Endpoint {
    base: String,
    broker: Broker,
    world: World,
    token: String,
    client: Client,
}

async fn endpoint() -> Endpoint {
    let world = crate::test_support::world();
    let short = QueueConfig {
        max_delivery_count: 2,
        requires_session: false,
        ..QueueConfig::requests("requests")
    };
    let broker = Broker::with_queues(
        world.clock.clone(),
        vec![short, QueueConfig::results("results")],
    );
    let base = crate::test_support::serve(router(world.clone(), broker.clone())).await;
    let (token, _) = world.tokens.issue(AUDIENCE, "client");
    Endpoint {
        base,
        broker,
        world,
        token,
        client: crate::loopback::client().unwrap(),
    }
}

impl Endpoint {
    fn call(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().unwrap();
        self.client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
    }

    fn send(&self, properties: &str) -> RequestBuilder {
        self.call("POST", "/requests/messages")
            .header("BrokerProperties", properties)
            .body("{\"a\":1}")
    }

    async fn status(&self, request: RequestBuilder) -> u16 {
        request.send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn a_queue_with_sessions_takes_no_message_without_one() {
    let e = endpoint().await;
    let broker = Broker::new(e.world.clock.clone());
    let base = crate::test_support::serve(router(e.world.clone(), broker.clone())).await;
    let send = |properties: &str| {
        let url = format!("{base}/requests/messages");
        let request = e.client.post(url).bearer_auth(&e.token);
        e.status(request.header("BrokerProperties", properties).body("{}"))
    };
    assert_eq!(send("{\"MessageId\":\"m\"}").await, 405);
    assert!(broker.sent("requests").is_empty());
    let with = "{\"MessageId\":\"m\",\"SessionId\":\"s\"}";
    assert_eq!(send(with).await, 201);
    assert_eq!(broker.messages("requests")[0].session(), Some("s"));
}

#[tokio::test]
async fn a_sent_message_keeps_its_properties() {
    let e = endpoint().await;
    let send = e
        .send("{\"MessageId\":\"m-1\",\"Label\":\"order\",\"CorrelationId\":\"c\",\"Odd\":1}")
        .header("content-type", "application/cloudevents+json")
        .header("outcome", "\"bound\"")
        .header("tries", "3");
    assert_eq!(e.status(send).await, 201);
    let message = e.broker.messages("requests").remove(0);
    assert_eq!(
        (message.message_id.as_str(), message.text().as_str()),
        ("m-1", "{\"a\":1}")
    );
    assert_eq!(
        message.sent.content_type.as_deref(),
        Some("application/cloudevents+json")
    );
    assert_eq!(message.sent.properties.label.as_deref(), Some("order"));
    assert_eq!(
        Value::Object(message.sent.custom),
        json!({ "outcome": "bound", "tries": 3 })
    );
}

#[tokio::test]
async fn a_duplicate_is_answered_201_and_dropped() {
    let e = endpoint().await;
    assert_eq!(e.status(e.send("{\"MessageId\":\"m\"}")).await, 201);
    assert_eq!(e.status(e.send("{\"MessageId\":\"m\"}")).await, 201);
    assert_eq!(e.broker.messages("requests").len(), 1);
    let outcomes: Vec<SendOutcome> = e
        .broker
        .sent("requests")
        .iter()
        .map(|s| s.outcome)
        .collect();
    assert_eq!(outcomes, [SendOutcome::Accepted, SendOutcome::Duplicate]);
}

#[tokio::test]
async fn a_schedule_is_understood_in_the_senders_time() {
    let e = endpoint().await;
    e.world.clock.advance(Duration::from_secs(3600));
    let real = e.world.clock.now() - e.world.clock.offset();
    let at = broker_properties::rfc1123(real + Duration::from_secs(30));
    let send = e.send(&json!({ "MessageId": "m", "ScheduledEnqueueTimeUtc": at }).to_string());
    assert_eq!(e.status(send).await, 201);
    assert_eq!(e.broker.messages("requests").len(), 0);
    let waits = e.broker.scheduled("requests")[0].enqueued_at - e.world.clock.now();
    assert!(
        waits > time::Duration::seconds(25) && waits <= time::Duration::seconds(30),
        "{waits}"
    );
}

#[tokio::test]
async fn bad_properties_are_refused() {
    let e = endpoint().await;
    for properties in [
        "nonsense",
        "{\"ScheduledEnqueueTimeUtc\":\"2026-11-06T08:49:37Z\"}",
        "{\"TimeToLive\":\"x\"}",
    ] {
        assert_eq!(e.status(e.send(properties)).await, 400, "{properties}");
    }
    assert!(e.broker.sent("requests").is_empty());
}

#[tokio::test]
async fn strangers_are_refused() {
    let e = endpoint().await;
    let url = format!("{}/requests/messages", e.base);
    let (arm, _) = e
        .world
        .tokens
        .issue("https://management.azure.com", "client");
    let sas = "SharedAccessSignature sr=x&sig=y&se=9999999999&skn=RootManageSharedAccessKey";
    assert_eq!(e.status(e.client.post(&url)).await, 401);
    assert_eq!(
        e.status(e.client.post(&url).header("authorization", sas))
            .await,
        401
    );
    assert_eq!(e.status(e.client.post(&url).bearer_auth(arm)).await, 401);
    assert!(e.broker.sent("requests").is_empty());
}

#[tokio::test]
async fn a_sender_without_the_right_is_refused_until_it_has_it() {
    let e = endpoint().await;
    e.broker.deny_sending(true);
    assert_eq!(e.status(e.send("{}")).await, 403);
    e.broker.deny_sending(false);
    assert_eq!(e.status(e.send("{}")).await, 201);
}

#[tokio::test]
async fn an_unknown_queue_is_not_found() {
    let e = endpoint().await;
    assert_eq!(
        e.status(e.call("POST", "/nowhere/messages").body("{}"))
            .await,
        404
    );
    assert_eq!(
        e.status(e.call("POST", "/nowhere/messages/head?timeout=0"))
            .await,
        404
    );
    assert_eq!(e.status(e.call("POST", "/requests")).await, 404);
}

#[tokio::test]
async fn the_size_limit_counts_headers() {
    let e = endpoint().await;
    let fits = e
        .call("POST", "/requests/messages")
        .body("x".repeat(LARGEST_MESSAGE - 2048));
    assert_eq!(e.status(fits).await, 201);
    let heavy = e
        .call("POST", "/requests/messages")
        .header("note", "y".repeat(4096));
    assert_eq!(
        e.status(heavy.body("x".repeat(LARGEST_MESSAGE - 2048)))
            .await,
        403
    );
    let large = e
        .call("POST", "/requests/messages")
        .body("x".repeat(LARGEST_MESSAGE * 12));
    assert_eq!(e.status(large).await, 403);
}

#[tokio::test]
async fn peek_lock_locks_and_the_location_settles() {
    let e = endpoint().await;
    e.status(e.send("{\"MessageId\":\"m\"}")).await;
    let head = "/requests/messages/head?timeout=0";
    let first = e.call("POST", head).send().await.unwrap();
    assert_eq!(first.status().as_u16(), 201);
    let properties: Value =
        serde_json::from_str(first.headers()["brokerproperties"].to_str().unwrap()).unwrap();
    assert_eq!(
        (&properties["MessageId"], &properties["DeliveryCount"]),
        (&json!("m"), &json!(1))
    );
    let location = first.headers()["location"]
        .to_str()
        .unwrap()
        .strip_prefix(&e.base)
        .unwrap()
        .to_owned();
    assert_eq!(first.text().await.unwrap(), "{\"a\":1}");
    assert_eq!(e.status(e.call("POST", head)).await, 204, "it is locked");
    assert_eq!(e.status(e.call("POST", &location)).await, 200, "renewed");
    assert_eq!(e.status(e.call("PUT", &location)).await, 200, "unlocked");
    assert_eq!(
        e.status(e.call("DELETE", &location)).await,
        410,
        "the lock is gone"
    );
    assert_eq!(
        e.status(e.call("DELETE", head)).await,
        200,
        "received and deleted"
    );
    assert_eq!(e.status(e.call("DELETE", head)).await, 204);
}

#[tokio::test]
async fn unlocking_too_often_makes_a_dead_letter() {
    let e = endpoint().await;
    e.status(e.send("{}")).await;
    for _ in 0..2 {
        let received = e
            .call("POST", "/requests/messages/head?timeout=0")
            .send()
            .await
            .unwrap();
        let location = received.headers()["location"].to_str().unwrap();
        let path = location.strip_prefix(&e.base).unwrap();
        assert_eq!(e.status(e.call("PUT", path)).await, 200);
    }
    assert_eq!(
        e.status(e.call("POST", "/requests/messages/head?timeout=0"))
            .await,
        204
    );
    assert_eq!(
        e.broker.dead_letters("requests")[0].reason,
        "MaxDeliveryCountExceeded"
    );
}

#[tokio::test]
async fn a_receiver_waits_for_a_message() {
    let e = endpoint().await;
    let receive = e
        .call("DELETE", "/requests/messages/head?timeout=20")
        .send();
    let send = async {
        e.broker
            .send("requests", NewMessage::json("m", &json!({})))
            .unwrap();
    };
    let (received, ()) = tokio::join!(receive, send);
    assert_eq!(received.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn a_batch_is_several_messages() {
    let e = endpoint().await;
    let body = json!([{ "Body": "one", "BrokerProperties": { "MessageId": "1" }, "UserProperties": { "k": "v" } }, { "Body": "two" }]);
    let send = e
        .call("POST", "/requests/messages")
        .header("content-type", BATCH)
        .body(body.to_string());
    assert_eq!(e.status(send).await, 201);
    let messages = e.broker.messages("requests");
    assert_eq!(
        (
            messages[0].text().as_str(),
            messages[0].message_id.as_str(),
            messages[1].text().as_str()
        ),
        ("one", "1", "two")
    );
    assert_eq!(messages[0].sent.custom["k"], json!("v"));
}
