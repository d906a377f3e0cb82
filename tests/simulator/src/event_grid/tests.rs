//! Delivery to a real endpoint, in simulator time.

use std::collections::VecDeque;

use axum::Router;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::json;

use super::*;

/// An endpoint that answers with these statuses in turn, then with 202.
#[derive(Clone, Default)]
struct Endpoint {
    answers: Arc<Mutex<VecDeque<u16>>>,
    bodies: Arc<Mutex<Vec<Value>>>,
}

async fn take(Extract(endpoint): Extract<Endpoint>, body: String) -> StatusCode {
    endpoint
        .bodies
        .lock()
        .unwrap()
        .push(serde_json::from_str(&body).unwrap());
    let status = endpoint.answers.lock().unwrap().pop_front().unwrap_or(202);
    StatusCode::from_u16(status).unwrap()
}

async fn grid(answers: &[u16]) -> (EventGrid, Endpoint, World) {
    let endpoint = Endpoint {
        answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
        ..Endpoint::default()
    };
    let base = crate::test_support::serve(
        Router::new()
            .route("/", post(take))
            .with_state(endpoint.clone()),
    )
    .await;
    let world = crate::test_support::world();
    let grid = EventGrid::start(world.clone()).unwrap();
    grid.subscribe(Subscription::new("s", base.parse().unwrap()));
    (grid, endpoint, world)
}

fn event(id: &str) -> Value {
    json!({ "id": id, "topic": "/subscriptions/s", "subject": "/subscriptions/s/x", "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2026-02-03T04:05:06Z", "data": { "operationName": "microsoft.networkcloud/clusters/WRITE" } })
}

/// Waits for as many attempts, skipping the time in between.
async fn attempts(grid: &EventGrid, world: &World, count: usize) -> Vec<Attempt> {
    let wait = async {
        let mut changes = grid.changes();
        while grid.attempts().len() < count || grid.in_flight() > 0 {
            if grid.in_flight() == 0
                && let Some(due) = grid.next_retry()
            {
                world.clock.advance_to(due);
            }
            let _ = tokio::time::timeout(LOOK_EVERY, changes.changed()).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap();
    grid.attempts()
}

#[tokio::test]
async fn an_event_of_the_world_is_delivered_as_an_array_of_one() {
    let (grid, endpoint, world) = grid(&[]).await;
    world.events.send(event("e")).unwrap();
    assert_eq!(attempts(&grid, &world, 1).await[0].status, Some(202));
    assert_eq!(*endpoint.bodies.lock().unwrap(), [json!([event("e")])]);
}

#[tokio::test]
async fn what_the_filter_leaves_out_is_not_delivered() {
    let (grid, endpoint, world) = grid(&[]).await;
    let mut other = event("other");
    other["data"]["operationName"] = json!("Microsoft.Compute/virtualMachines/write");
    grid.publish(&other);
    let mut failed = event("failed");
    failed["eventType"] = json!("Microsoft.Resources.ResourceWriteFailure");
    grid.publish(&failed);
    grid.publish(&event("e"));
    attempts(&grid, &world, 1).await;
    assert_eq!(endpoint.bodies.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_failure_is_tried_again_by_the_schedule() {
    let (grid, _, world) = grid(&[500, 503, 404]).await;
    grid.publish(&event("e"));
    let attempts = attempts(&grid, &world, 4).await;
    let pauses: Vec<i64> = attempts
        .windows(2)
        .map(|pair| (pair[1].at - pair[0].at).whole_seconds())
        .collect();
    assert_eq!(pauses, [10, 30, 60]);
    assert_eq!(attempts[3].status, Some(202));
    assert!(grid.dead_letters().is_empty());
}

#[tokio::test]
async fn a_client_error_is_never_tried_again() {
    for status in [400, 401, 403, 413] {
        let (grid, _, world) = grid(&[status]).await;
        grid.publish(&event("e"));
        attempts(&grid, &world, 1).await;
        assert_eq!(grid.next_retry(), None);
        assert_eq!(grid.dead_letters()[0].status, Some(status));
    }
}

#[tokio::test]
async fn an_event_is_given_up_after_a_day() {
    let (grid, _, world) = grid(&[500; 40]).await;
    grid.publish(&event("e"));
    let tries = attempts(&grid, &world, 11).await;
    assert_eq!(tries.len(), 11);
    assert_eq!(grid.dead_letters()[0].reason, "TimeToLiveExceeded");
}

#[tokio::test]
async fn attempts_have_a_limit() {
    let (grid, _, world) = grid(&[500; 40]).await;
    grid.configure("s", |subscription| subscription.max_attempts = 2);
    grid.publish(&event("e"));
    attempts(&grid, &world, 2).await;
    assert_eq!(grid.dead_letters()[0].reason, "MaxDeliveryAttemptsExceeded");
}

#[tokio::test]
async fn a_subscription_may_want_cloud_events() {
    let (grid, endpoint, world) = grid(&[]).await;
    grid.configure("s", |subscription| {
        subscription.schema = Schema::CloudEvents
    });
    grid.publish(&event("e"));
    attempts(&grid, &world, 1).await;
    let body = endpoint.bodies.lock().unwrap()[0].clone();
    assert_eq!(
        (&body["specversion"], &body["source"], &body["type"]),
        (
            &json!("1.0"),
            &event("e")["topic"],
            &event("e")["eventType"]
        )
    );
}

#[tokio::test]
async fn events_are_duplicated_dropped_and_reordered_on_demand() {
    let (grid, endpoint, world) = grid(&[]).await;
    grid.set_mischief(Mischief {
        duplicate: 100,
        ..Mischief::default()
    });
    grid.publish(&event("twice"));
    attempts(&grid, &world, 2).await;
    grid.set_mischief(Mischief {
        drop: 100,
        ..Mischief::default()
    });
    grid.publish(&event("lost"));
    grid.set_mischief(Mischief {
        seed: 7,
        reorder: 100,
        ..Mischief::default()
    });
    let ids: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    ids.iter().for_each(|id| grid.publish(&event(id)));
    attempts(&grid, &world, 10).await;
    let bodies = endpoint.bodies.lock().unwrap().clone();
    let came: Vec<&str> = bodies[2..]
        .iter()
        .map(|body| body[0]["id"].as_str().unwrap())
        .collect();
    let mut sorted = came.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ids, "all came, and no lost one");
    assert_ne!(came, sorted, "and in another order");
}
