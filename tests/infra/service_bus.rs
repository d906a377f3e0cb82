//! The queues, or the topic, as the messages need them.

use serde_json::Value;

use crate::{Snapshot, read};

#[test]
fn the_queues_are_as_the_messages_need_them() {
    for snapshot in Snapshot::all() {
        let settings = snapshot.settings();
        let queue = "Microsoft.ServiceBus/namespaces/queues";
        let requests = &snapshot
            .named(queue, &format!("/{}", settings["VAULTBIND_REQUESTS_QUEUE"]))["properties"];
        assert_eq!(requests["requiresDuplicateDetection"], true);
        assert_eq!(requests["duplicateDetectionHistoryTimeWindow"], "PT10M");
        assert_eq!(requests["maxDeliveryCount"], 100);
        assert_eq!(requests["requiresSession"], true);
        assert_eq!(requests["lockDuration"], "PT1M");
        assert_eq!(requests["deadLetteringOnMessageExpiration"], true);
        let is_topic = snapshot.name == "three-subscriptions";
        let kind = if is_topic {
            "Microsoft.ServiceBus/namespaces/topics"
        } else {
            queue
        };
        let end = format!("/{}", settings["VAULTBIND_RESULTS_QUEUE"]);
        let results = &snapshot.named(kind, &end)["properties"];
        assert_eq!(results["requiresDuplicateDetection"], true);
        assert_eq!(results["duplicateDetectionHistoryTimeWindow"], "P1D");
        assert!(results["requiresSession"] != true, "consumers share it");
        assert_eq!(snapshot.of_type(queue).len(), if is_topic { 1 } else { 2 });
    }
}

#[test]
fn a_session_is_held_for_longer_than_the_longest_invocation_and_a_place_not_for_long_after_it() {
    let json = |file: &str| serde_json::from_str::<Value>(&read(file)).unwrap();
    let host = json("host.json");
    assert_eq!(
        host["functionTimeout"], "00:02:00",
        "shorter than the hour for which the lock is renewed"
    );
    let options = &host["extensions"]["serviceBus"];
    // It counts once for a session, however many messages follow each other in it; a host that dies renews nothing.
    assert_eq!(options["maxAutoLockRenewalDuration"], "01:00:00");
    // Places by idle time are the sessions that a host serves in a second; unset, it would be one in two seconds.
    assert_eq!(options["maxConcurrentSessions"], 32);
    assert_eq!(options["sessionIdleTimeout"], "00:00:00.5000000");
    assert_eq!(
        json("reconcile/function.json")["bindings"][0]["isSessionsEnabled"],
        true
    );
}

#[test]
fn every_consumer_of_the_topic_gets_its_own_subscription() {
    let snapshot = Snapshot::read("three-subscriptions");
    let subscriptions = snapshot.of_type("Microsoft.ServiceBus/namespaces/topics/subscriptions");
    let names: Vec<&str> = subscriptions
        .iter()
        .map(|it| it["name"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(names, ["ticketing", "dashboard"]);
    for it in subscriptions {
        assert_eq!(it["properties"]["deadLetteringOnMessageExpiration"], true);
    }
}
