//! The rules of one queue, in a time of the tests' own making.

use serde_json::json;
use time::macros::datetime;

use super::*;

const START: OffsetDateTime = datetime!(2026-11-06 08:00:00 UTC);

fn at(seconds: u64) -> OffsetDateTime {
    START + Duration::from_secs(seconds)
}

fn message(id: &str) -> NewMessage {
    NewMessage::json(id, &json!({ "id": id }))
}

fn requests() -> Queue {
    Queue::new(QueueConfig::requests("requests"))
}

fn receive(queue: &mut Queue, now: OffsetDateTime) -> Option<Received> {
    queue.pass_time(now);
    queue.receive(now, Duration::ZERO)
}

#[test]
fn an_empty_queue_hands_out_nothing() {
    assert_eq!(receive(&mut requests(), START), None);
}

#[test]
fn messages_come_in_the_order_sent() {
    let mut queue = requests();
    for id in ["a", "b", "c"] {
        queue.send(START, message(id));
    }
    let ids: Vec<String> = (0..3)
        .map(|_| receive(&mut queue, START).unwrap().message.message_id)
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
}

#[test]
fn a_duplicate_within_the_window_is_dropped_and_beyond_it_is_not() {
    let mut queue = requests();
    assert_eq!(queue.send(at(0), message("a")), SendOutcome::Accepted);
    assert_eq!(queue.send(at(599), message("a")), SendOutcome::Duplicate);
    assert_eq!(queue.send(at(600), message("a")), SendOutcome::Accepted);
    assert_eq!(queue.active().count(), 2);
    assert_eq!(queue.history().len(), 3);
}

#[test]
fn the_window_of_the_results_queue_is_a_day() {
    let mut queue = Queue::new(QueueConfig::results("results"));
    assert_eq!(queue.send(at(0), message("a")), SendOutcome::Accepted);
    assert_eq!(queue.send(at(86_399), message("a")), SendOutcome::Duplicate);
    assert_eq!(queue.send(at(86_400), message("a")), SendOutcome::Accepted);
}

#[test]
fn completing_a_message_does_not_clear_its_id() {
    let mut queue = requests();
    queue.send(at(0), message("a"));
    let received = receive(&mut queue, at(1)).unwrap();
    assert!(queue.complete(received.lock_token).is_some());
    assert_eq!(queue.send(at(2), message("a")), SendOutcome::Duplicate);
}

#[test]
fn a_scheduled_message_is_checked_when_it_is_sent() {
    let mut queue = requests();
    assert_eq!(
        queue.send(at(0), message("a").scheduled(at(30))),
        SendOutcome::Accepted
    );
    assert_eq!(
        queue.send(at(1), message("a").scheduled(at(20))),
        SendOutcome::Duplicate
    );
    assert_eq!(
        queue.next_scheduled(),
        Some(at(30)),
        "the first survives with its own time"
    );
}

#[test]
fn the_window_of_a_scheduled_message_runs_from_its_sending() {
    let mut queue = requests();
    queue.send(at(0), message("a").scheduled(at(1200)));
    assert_eq!(
        queue.send(at(600), message("a").scheduled(at(1200))),
        SendOutcome::Accepted
    );
    queue.pass_time(at(1200));
    assert_eq!(
        queue.active().count(),
        2,
        "beyond the window both are delivered"
    );
}

#[test]
fn a_scheduled_message_is_active_from_its_whole_second_on() {
    let mut queue = requests();
    queue.send(
        at(0),
        message("a").scheduled(at(30) + Duration::from_millis(900)),
    );
    assert_eq!(receive(&mut queue, at(29)), None);
    let received = receive(&mut queue, at(30)).unwrap();
    assert_eq!(received.message.enqueued_at, at(30));
}

#[test]
fn a_schedule_in_the_past_is_active_at_once() {
    let mut queue = requests();
    queue.send(at(10), message("a").scheduled(at(3)));
    assert_eq!(
        receive(&mut queue, at(10)).unwrap().message.enqueued_at,
        at(10)
    );
}

#[test]
fn an_abandoned_message_comes_again_at_once_and_counts() {
    let mut queue = requests();
    queue.send(START, message("a"));
    queue.send(START, message("b"));
    let first = receive(&mut queue, START).unwrap();
    assert_eq!(first.message.delivery_count, 1);
    assert!(queue.abandon(START, first.lock_token).is_some());
    let again = receive(&mut queue, START).unwrap();
    assert_eq!(
        (
            again.message.message_id.as_str(),
            again.message.delivery_count
        ),
        ("a", 2)
    );
    assert_ne!(again.lock_token, first.lock_token);
}

#[test]
fn a_lock_that_is_lost_settles_nothing() {
    let mut queue = requests();
    queue.send(at(0), message("a"));
    let first = receive(&mut queue, at(0)).unwrap();
    let again = receive(&mut queue, at(60)).unwrap();
    assert_eq!(again.message.delivery_count, 2);
    assert_eq!(queue.complete(first.lock_token), None);
    assert_eq!(queue.abandon(at(60), first.lock_token), None);
    assert!(queue.complete(again.lock_token).is_some());
}

#[test]
fn a_renewed_lock_holds_on() {
    let mut queue = requests();
    queue.send(at(0), message("a"));
    let received = receive(&mut queue, at(0)).unwrap();
    assert!(queue.lock_until(received.lock_token, at(119)).is_some());
    assert_eq!(receive(&mut queue, at(118)), None);
    assert!(receive(&mut queue, at(119)).is_some());
}

#[test]
fn a_message_handed_out_too_often_is_a_dead_letter() {
    let mut queue = Queue::new(QueueConfig {
        max_delivery_count: 3,
        ..QueueConfig::requests("r")
    });
    queue.send(START, message("a"));
    for delivery in 1..=3 {
        let received = receive(&mut queue, START).unwrap();
        assert_eq!(received.message.delivery_count, delivery);
        queue.abandon(START, received.lock_token);
    }
    assert_eq!(receive(&mut queue, START), None);
    let dead = queue.dead_letters();
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (dead[0].reason.as_str(), dead[0].message.delivery_count),
        ("MaxDeliveryCountExceeded", 3)
    );
}

#[test]
fn the_requests_queue_allows_a_hundred_deliveries() {
    let mut queue = requests();
    queue.send(START, message("a"));
    let deliveries = std::iter::from_fn(|| {
        let received = receive(&mut queue, START)?;
        queue.abandon(START, received.lock_token)
    });
    assert_eq!(deliveries.count(), 100);
    assert_eq!(queue.dead_letters().len(), 1);
}

#[test]
fn a_message_that_outlives_its_time_is_a_dead_letter() {
    let mut queue = requests();
    let mut short = message("a").scheduled(at(100));
    short.properties.time_to_live = Some(Duration::from_secs(5));
    queue.send(at(0), short);
    queue.pass_time(at(104));
    assert_eq!(
        queue.active().count(),
        1,
        "its life begins when it is enqueued"
    );
    queue.pass_time(at(105));
    assert_eq!(queue.active().count(), 0);
    assert_eq!(queue.dead_letters()[0].reason, "TTLExpiredException");
}

#[test]
fn a_message_without_an_id_gets_one_and_is_never_a_duplicate() {
    let mut queue = requests();
    let nameless = || NewMessage {
        body: "{}".into(),
        ..NewMessage::default()
    };
    assert_eq!(queue.send(START, nameless()), SendOutcome::Accepted);
    assert_eq!(queue.send(START, nameless()), SendOutcome::Accepted);
    let ids: Vec<&str> = queue.active().map(|m| m.message_id.as_str()).collect();
    assert!(
        ids.iter().all(|id| id.len() == 32) && ids[0] != ids[1],
        "{ids:?}"
    );
}

#[test]
fn the_partition_key_is_part_of_the_id() {
    let mut queue = requests();
    let mut other = message("a");
    other.properties.partition_key = Some("p".to_owned());
    assert_eq!(queue.send(START, message("a")), SendOutcome::Accepted);
    assert_eq!(queue.send(START, other), SendOutcome::Accepted);
}
