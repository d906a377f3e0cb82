//! The surface over HTTP.

use std::time::Duration;

use super::*;
use crate::service_bus::message::NewMessage;

async fn surface() -> (Surface, Control, reqwest::Client) {
    let world = crate::test_support::world();
    let broker = Broker::new(world.clock.clone());
    let event_grid = Some(EventGrid::start(world.clone()).unwrap());
    let surface = Surface {
        world,
        broker,
        event_grid,
        host: None,
    };
    let control = Control::start(surface.clone(), 0).await.unwrap();
    (surface, control, crate::loopback::client().unwrap())
}

async fn read(control: &Control, client: &reqwest::Client, path: &str) -> Value {
    let response = client
        .get(format!("http://{}{path}", control.address()))
        .send()
        .await
        .unwrap();
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn results_and_requests_are_shown() {
    let (surface, control, client) = surface().await;
    assert_eq!(read(&control, &client, "/results").await, json!([]));
    surface
        .broker
        .send(
            "results",
            NewMessage::json("r", &json!({ "outcome": "bound" })),
        )
        .unwrap();
    let later = surface.world.clock.now() + Duration::from_secs(60);
    surface
        .broker
        .send(
            "requests",
            NewMessage::json("q", &json!({}))
                .in_session("s")
                .scheduled(later),
        )
        .unwrap();
    let results = read(&control, &client, "/results").await;
    assert_eq!(
        (&results[0]["messageId"], &results[0]["body"]["outcome"]),
        (&json!("r"), &json!("bound"))
    );
    let requests = read(&control, &client, "/requests").await;
    assert_eq!(
        (&requests["scheduled"][0]["messageId"], &requests["active"]),
        (&json!("q"), &json!([]))
    );
}

#[tokio::test]
async fn faults_are_put_in_and_taken_away() {
    let (surface, control, client) = surface().await;
    let url = format!("http://{}/faults", control.address());
    let example = PAGE
        .lines()
        .find_map(|line| line.strip_prefix("POST   /faults            add one: "))
        .unwrap();
    let add = client
        .post(&url)
        .header("content-type", "application/json")
        .body(example)
        .send()
        .await
        .unwrap();
    assert_eq!(add.status().as_u16(), 201);
    assert_eq!(surface.world.faults.rules().len(), 1);
    assert_eq!(
        read(&control, &client, "/faults").await[0]["pathContains"],
        json!("/clusters/")
    );
    assert_eq!(
        client.delete(&url).send().await.unwrap().status().as_u16(),
        204
    );
    assert!(surface.world.faults.rules().is_empty());
}

#[tokio::test]
async fn the_journal_is_shown_from_an_entry_on() {
    let (surface, control, client) = surface().await;
    for path in ["/a", "/b"] {
        surface
            .world
            .journal
            .record(crate::journal::Service::Arm, "GET", path, "", 200, None, "");
    }
    let entries = read(&control, &client, "/journal?since=1").await;
    assert_eq!(
        (entries.as_array().unwrap().len(), &entries[0]["path"]),
        (1, &json!("/b"))
    );
    assert_eq!(
        read(&control, &client, "/journal")
            .await
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn dead_letters_are_shown_by_queue() {
    let (surface, control, client) = surface().await;
    surface
        .broker
        .send(
            "requests",
            NewMessage::json("m", &json!({})).in_session("s"),
        )
        .unwrap();
    let session = surface
        .broker
        .accept_session("requests", Duration::ZERO)
        .unwrap()
        .unwrap();
    let next = || surface.broker.receive_from("requests", &session);
    while let Some(received) = next().unwrap() {
        surface
            .broker
            .abandon("requests", received.lock_token)
            .unwrap();
    }
    let letters = read(&control, &client, "/dead-letters").await;
    assert_eq!(
        letters["queues"]["requests"][0]["reason"],
        json!("MaxDeliveryCountExceeded")
    );
    assert_eq!(letters["events"], json!([]));
}

#[tokio::test]
async fn the_page_lists_what_there_is() {
    let (_surface, control, client) = surface().await;
    let page = client
        .get(format!("http://{}/", control.address()))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("/journal") && page.contains("/tick/resync"),
        "{page}"
    );
    let tick = client
        .post(format!("http://{}/tick/resync", control.address()))
        .send()
        .await
        .unwrap();
    assert_eq!(tick.status().as_u16(), 404, "there is no host");
}
