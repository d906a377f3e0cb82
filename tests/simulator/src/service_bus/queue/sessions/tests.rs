//! The rules of sessions, in a time of the tests' own making.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::macros::datetime;

use super::super::super::BrokerError;
use super::super::super::message::{NewMessage, Received, Session};
use super::super::{Queue, QueueConfig};

const START: OffsetDateTime = datetime!(2026-11-06 08:00:00 UTC);

fn at(seconds: u64) -> OffsetDateTime {
    START + Duration::from_secs(seconds)
}

/// A queue with these messages: each is named by its session and a number.
fn queue(messages: &[&str]) -> Queue {
    let mut queue = Queue::new(QueueConfig::requests("requests"));
    for name in messages {
        let (session, _) = name.split_at(1);
        queue.send(
            START,
            NewMessage::json(name, &json!({})).in_session(session),
        );
    }
    queue
}

fn accept(queue: &mut Queue, now: OffsetDateTime) -> Option<Session> {
    queue.pass_time(now);
    queue.accept_session(now + Duration::from_secs(60))
}

fn receive(queue: &mut Queue, session: &Session, now: OffsetDateTime) -> Option<Received> {
    queue.pass_time(now);
    queue.receive_from(session).unwrap()
}

fn name(received: &Option<Received>) -> Option<(&str, u32)> {
    let message = &received.as_ref()?.message;
    Some((message.message_id.as_str(), message.delivery_count))
}

#[test]
fn a_session_has_one_receiver_and_the_others_go_on() {
    let mut queue = queue(&["a1", "a2", "b1"]);
    let first = accept(&mut queue, START).unwrap();
    let second = accept(&mut queue, START).unwrap();
    assert_eq!((first.id.as_str(), second.id.as_str()), ("a", "b"));
    assert_eq!(accept(&mut queue, START), None);
    assert_eq!(name(&receive(&mut queue, &first, START)), Some(("a1", 1)));
    assert_eq!(name(&receive(&mut queue, &second, START)), Some(("b1", 1)));
}

#[test]
fn what_is_abandoned_comes_first_again() {
    let mut queue = queue(&["a1", "a2"]);
    let session = accept(&mut queue, START).unwrap();
    let received = receive(&mut queue, &session, START).unwrap();
    queue.abandon(START, received.lock_token);
    assert_eq!(name(&receive(&mut queue, &session, START)), Some(("a1", 2)));
}

#[test]
fn a_closed_session_is_free_at_once_and_counts_nothing() {
    let mut queue = queue(&["a1"]);
    let session = accept(&mut queue, START).unwrap();
    let received = receive(&mut queue, &session, START).unwrap();
    assert!(queue.close_session(&session).is_some());
    assert_eq!(queue.complete(received.lock_token), None);
    let again = accept(&mut queue, START).unwrap();
    assert_eq!(name(&receive(&mut queue, &again, START)), Some(("a1", 1)));
    assert_eq!(queue.close_session(&session), None, "it is another's now");
}

#[test]
fn a_session_whose_lock_ends_is_free_and_counts() {
    let mut queue = queue(&["a1", "a2"]);
    let session = accept(&mut queue, START).unwrap();
    let received = receive(&mut queue, &session, START).unwrap();
    assert_eq!(accept(&mut queue, at(59)), None);
    assert_eq!(queue.next_free_session(), Some(at(60)));
    let again = accept(&mut queue, at(60)).unwrap();
    assert_eq!(queue.complete(received.lock_token), None);
    assert_eq!(name(&receive(&mut queue, &again, at(60))), Some(("a1", 2)));
    assert_eq!(
        queue.receive_from(&session),
        Err(BrokerError::LockLost),
        "the first receiver has lost it"
    );
}

#[test]
fn a_receiver_that_goes_on_keeps_its_session_as_long_as_it_renews_the_lock_and_no_longer() {
    let mut queue = queue(&["a1", "a2", "a3"]);
    let session = accept(&mut queue, START).unwrap();
    let first = receive(&mut queue, &session, at(50)).unwrap();
    queue.complete(first.lock_token);
    assert!(queue.hold_session(&session, at(110)).is_some());
    assert_eq!(
        name(&receive(&mut queue, &session, at(100))),
        Some(("a2", 1))
    );
    assert_eq!(accept(&mut queue, at(109)), None, "messages renew nothing");
    assert!(accept(&mut queue, at(110)).is_some());
}
