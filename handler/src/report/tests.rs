use serde_json::{Value, json};
use time::macros::datetime;
use vaultbind_core::{
    id::ClusterId,
    result::{Cause, CauseKind},
};

use super::*;
use crate::request::{Origin, Subject};

const CLUSTER: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c1";
const NOW: OffsetDateTime = datetime!(2026-02-03 23:05:06 UTC);

fn request(id: &str, cause_id: &str, origin: Origin) -> Request {
    let cluster_id: ClusterId = CLUSTER.parse().unwrap();
    let subject = Subject::Cluster {
        cluster_id,
        vault_hint: None,
    };
    let cause = Cause {
        kind: CauseKind::Event,
        id: Some(cause_id.to_owned()),
        operation: None,
        subject: None,
        time: None,
    };
    Request::new(id.to_owned(), subject, cause, origin, NOW)
}

/// A result with this outcome and code about a vault; what else it says does not go into its id.
fn result(outcome: &str, changed: bool, vault: &str, code: &str) -> BindingResult {
    serde_json::from_value(json!({
        "outcome": outcome, "changed": changed, "severity": "info", "redelivered": false, "mode": "enforce",
        "cluster": { "id": CLUSTER, "name": "c1", "location": null, "detailedStatus": null },
        "vault": { "id": vault, "uri": "https://kv.vault.azure.net/" }, "rule": null, "shape": null,
        "writers": [], "writerReason": null, "changes": [], "leftBehind": [], "before": null, "after": null,
        "reason": { "code": code, "message": "m", "help": "h" }, "warnings": [], "candidates": [],
        "policy": { "digest": "d", "version": 1 }, "cause": { "kind": "event" },
        "attempts": 1, "startedAt": "2026-02-03T04:05:06Z", "durationMs": 1, "requestIds": [],
    }))
    .unwrap()
}

const LATER: OffsetDateTime = datetime!(2026-02-04 00:05:06 UTC);

#[test]
fn a_result_of_an_event_on_the_cluster_has_the_id_of_the_event_and_of_what_it_says() {
    for origin in [Origin::Write, Origin::Delete] {
        let held = result("held", false, "/a", "BoundElsewhere");
        let first = id(&request("r-1", "e-1", origin), &held, NOW);
        // Neither the request nor the day plays a part.
        let repeated = result("held", false, "/A", "BoundElsewhere");
        assert_eq!(id(&request("r-2", "e-1", origin), &repeated, LATER), first);
        for other in [
            result("orphaned", false, "/a", "BoundElsewhere"),
            result("held", false, "/b", "BoundElsewhere"),
            result("held", false, "/a", "ForeignArchive"),
        ] {
            assert_ne!(id(&request("r-1", "e-1", origin), &other, NOW), first);
        }
        assert_ne!(id(&request("r-1", "e-2", origin), &held, NOW), first);
    }
}

#[test]
fn what_a_sweep_or_our_own_write_finds_wrong_has_one_id_a_day() {
    for origin in [Origin::Sweep, Origin::Own] {
        let wrong = result("held", false, "/a", "BoundElsewhere");
        let first = id(&request("r-1", "e-1", origin), &wrong, NOW);
        assert_eq!(id(&request("r-2", "e-2", origin), &wrong, NOW), first);
        assert_ne!(id(&request("r-1", "e-1", origin), &wrong, LATER), first);
        let another = result("held", false, "/b", "BoundElsewhere");
        assert_ne!(id(&request("r-1", "e-1", origin), &another, NOW), first);
    }
}

#[test]
fn a_hint_at_a_change_is_no_repeat_of_the_day_before_it() {
    let told = |request_id: &str, redelivered: bool| {
        let mut wrong = result("failed", false, "/a", "X");
        wrong.redelivered = redelivered;
        id(&request(request_id, "e-1", Origin::Sweep), &wrong, NOW)
    };
    assert_eq!(told("r-1", false), told("r-2", false));
    assert_ne!(told("r-1", true), told("r-2", true));
    assert_ne!(told("r-1", true), told("r-1", false));
}

#[test]
fn what_was_right_in_between_is_told_again() {
    let at = |modified: &[&str]| {
        let mut wrong = result("held", false, "/a", "BoundElsewhere");
        wrong.modified = modified.iter().map(|at| (*at).to_owned()).collect();
        id(&request("r-1", "e-1", Origin::Sweep), &wrong, NOW)
    };
    let first = at(&["1", "", "2"]);
    assert_eq!(at(&["1", "", "2"]), first);
    for since in [["3", "", "2"], ["1", "3", "2"], ["1", "", "3"]] {
        assert_ne!(at(&since), first, "{since:?}");
    }
}

#[test]
fn a_word_that_tells_of_more_changes_is_no_repeat() {
    let told = |changes: &[(&str, &str, u32)]| {
        let mut bound = result("bound", true, "/a", "");
        let change = |(target, status, attempt): &(&str, &str, u32)| json!({ "kind": "AssignRole", "target": target, "status": status, "attempt": attempt });
        let changes = changes.iter().map(change).collect();
        bound.changes = serde_json::from_value(Value::Array(changes)).unwrap();
        [Origin::Write, Origin::Sweep].map(|origin| id(&request("r-1", "e-1", origin), &bound, NOW))
    };
    let one = told(&[("/r/1", "done", 1)]);
    assert_eq!(told(&[("/R/1", "accepted", 1)]), one);
    assert_eq!(told(&[("/r/2", "unknown", 1), ("/r/1", "done", 1)]), one);
    let two = told(&[("/r/1", "done", 1), ("/r/2", "done", 1)]);
    assert_eq!(told(&[("/r/2", "done", 1), ("/r/1", "done", 1)]), two);
    for other in [two, told(&[("/r/1", "done", 2)]), told(&[])] {
        assert_ne!(other[0], one[0]);
        assert_ne!(other[1], one[1]);
    }
}

#[test]
fn what_a_sweep_changed_or_found_right_has_the_id_of_its_request() {
    for found in [
        result("bound", true, "/a", ""),
        result("failed", true, "/a", "Code"),
        result("bound", false, "/a", ""),
    ] {
        let first = id(&request("r-1", "e-1", Origin::Sweep), &found, NOW);
        assert_eq!(
            id(&request("r-1", "e-2", Origin::Sweep), &found, LATER),
            first
        );
        assert_ne!(
            id(&request("r-2", "e-1", Origin::Sweep), &found, NOW),
            first
        );
    }
}

#[test]
fn a_sweep_or_our_own_write_tells_only_of_what_changed_or_is_wrong() {
    let told = |origin, outcome, changed| {
        let request = request("r-1", "e-1", origin);
        is_worth_a_message(&request, &result(outcome, changed, "/a", "Code"))
    };
    for outcome in Outcome::ALL {
        let word = outcome.word();
        let is_right = ["bound", "exempt", "gone"].contains(&word);
        for origin in [Origin::Sweep, Origin::Own] {
            assert_eq!(told(origin, word, false), !is_right, "{word}");
            assert!(told(origin, word, true), "{word}");
        }
        assert!(told(Origin::Write, word, false), "{word}");
        assert!(told(Origin::Delete, word, false), "{word}");
    }
    let mut right = result("bound", false, "/a", "");
    right.redelivered = true;
    let swept = request("r-1", "e-1", Origin::Sweep);
    assert!(is_worth_a_message(&swept, &right));
}

#[test]
fn a_cluster_that_was_pointed_elsewhere_again_is_told_of_again() {
    let at = |vault: &str| {
        let mut held = result("held", false, "/a", "BoundElsewhere");
        let current = json!({ "id": vault, "uri": null });
        held.current = serde_json::from_value(current).unwrap();
        id(&request("r-1", "e-1", Origin::Sweep), &held, NOW)
    };
    assert_eq!(at("/b"), at("/B"));
    assert_ne!(at("/b"), at("/c"));
}

#[test]
fn the_schema_that_a_message_names_is_in_the_published_one() {
    let published: Value = serde_json::from_str(&schema()).unwrap();
    let named = event::data_schema();
    let (name, pointer) = named.split_once('#').unwrap();
    assert_eq!(published["$id"], name);
    assert!(published.pointer(pointer).is_some(), "{pointer}");
}

#[test]
fn a_result_that_is_too_large_is_cut_and_says_so() {
    let sized = |candidates: usize, changes: usize, most: usize| {
        let mut large = result("ambiguous", false, "/a", "SeveralVaults");
        let candidate =
            |number: usize| json!({ "id": format!("/v/{number}"), "why": "x".repeat(100) });
        let change = |number: usize| json!({ "kind": "AssignRole", "target": format!("/r/{number}"), "status": "done" });
        let candidates = (0..candidates).map(candidate).collect();
        large.candidates = serde_json::from_value(Value::Array(candidates)).unwrap();
        let changes = (0..changes).map(change).collect();
        large.changes = serde_json::from_value(Value::Array(changes)).unwrap();
        let mut event = ResultEvent {
            specversion: "1.0".to_owned(),
            id: String::new(),
            source: String::new(),
            r#type: String::new(),
            subject: String::new(),
            time: String::new(),
            datacontenttype: String::new(),
            dataschema: String::new(),
            traceparent: None,
            data: large,
        };
        let text = size::written(&mut event, most).unwrap();
        assert!(text.len() <= most || event.data.candidates.is_empty());
        (
            event.data.candidates.len(),
            event.data.changes.len(),
            event.data.truncated,
        )
    };
    assert_eq!(sized(50, 3, size::MOST_BYTES), (50, 3, false));
    let (candidates, changes, truncated) = sized(5000, 3, size::MOST_BYTES);
    assert!(candidates > 500 && changes == 3 && truncated);
    let (candidates, changes, truncated) = sized(10, 9000, size::MOST_BYTES);
    assert!(candidates == 10 && changes > 500 && truncated);
    assert_eq!(sized(50, 3, 10), (0, 0, true), "nothing is left to cut");
}
