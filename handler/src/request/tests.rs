use serde_json::json;
use time::macros::datetime;
use vaultbind_core::{
    plan::ChangeKind,
    result::{CauseKind, ChangeRecord, ChangeStatus},
};

use super::*;

const CLUSTER: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c1";
const VAULT: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1";
const NOW: OffsetDateTime = datetime!(2026-02-03 04:05:06.7 UTC);

fn cluster() -> ClusterId {
    CLUSTER.parse().unwrap()
}

fn request() -> Request {
    let subject = Subject::Cluster {
        cluster_id: cluster(),
        vault_hint: None,
    };
    Request::new("r-1".to_owned(), subject, manual(), Origin::Write, NOW)
}

#[test]
fn a_request_comes_back_as_it_was_sent() {
    let mut request = request();
    request.operation = Some("https://management.azure.com/x".to_owned());
    request.progress.enter(RetryClass::Transient, NOW);
    request.progress.note(ChangeRecord {
        kind: ChangeKind::SetArchive,
        target: CLUSTER.to_owned(),
        status: ChangeStatus::Accepted,
        attempt: 1,
    });
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(Request::from_json(&text).unwrap(), request);
    let sweep = Request {
        subject: Subject::Sweep {
            vault_id: Some(VAULT.parse().unwrap()),
            skip_token: Some("t".to_owned()),
        },
        ..request
    };
    let text = serde_json::to_string(&sweep).unwrap();
    assert_eq!(Request::from_json(&text).unwrap(), sweep);
}

#[test]
fn a_request_is_written_under_the_names_that_other_versions_read() {
    let mut request = request();
    request.cause = Cause {
        kind: CauseKind::Event,
        id: Some("e-1".to_owned()),
        operation: Some("Microsoft.NetworkCloud/clusters/write".to_owned()),
        subject: Some(CLUSTER.to_owned()),
        time: Some("2026-02-03T04:05:06Z".to_owned()),
    };
    request.progress.enter(RetryClass::RoleSpreads, NOW);
    let expected = json!({
        "version": 1, "id": "r-1", "kind": "cluster", "clusterId": CLUSTER, "vaultHint": null,
        "cause": {
            "kind": "event", "id": "e-1", "type": "Microsoft.NetworkCloud/clusters/write", "subject": CLUSTER,
            "time": "2026-02-03T04:05:06Z",
        },
        "origin": "write", "attempt": 0, "firstSeen": "2026-02-03T04:05:06.7Z", "operation": null, "traceparent": null,
        "progress": {
            "before": null, "changes": [], "chosen": null, "absent": [], "unmatched": 0, "leftBehind": [], "patches": 0, "class": "role-spreads", "failure": null,
            "since": "2026-02-03T04:05:06.7Z", "tries": 1, "polls": 0, "runningSince": null, "unread": 0, "redelivered": false, "unsent": 0,
        },
    });
    assert_eq!(serde_json::to_value(&request).unwrap(), expected);
    request.subject = Subject::Sweep {
        vault_id: Some(VAULT.parse().unwrap()),
        skip_token: Some("t".to_owned()),
    };
    let sweep = serde_json::to_value(&request).unwrap();
    assert_eq!(
        (&sweep["kind"], &sweep["vaultId"]),
        (&json!("sweep"), &json!(VAULT))
    );
    assert_eq!(sweep["skipToken"], "t");
}

#[test]
fn every_member_but_version_id_kind_and_subject_may_be_missing() {
    let text =
        json!({ "version": 1, "id": "x", "kind": "cluster", "clusterId": CLUSTER }).to_string();
    let request = Request::from_json(&text).unwrap();
    assert_eq!(
        request.subject,
        Subject::Cluster {
            cluster_id: cluster(),
            vault_hint: None
        }
    );
    assert_eq!(
        (request.attempt, request.cause.kind, request.origin),
        (0, CauseKind::Manual, Origin::Write)
    );
    let text = json!({ "version": 1, "id": "x", "kind": "sweep" }).to_string();
    assert_eq!(
        Request::from_json(&text).unwrap().subject,
        Subject::Sweep {
            vault_id: None,
            skip_token: None
        }
    );
}

#[test]
fn what_is_no_request_is_refused() {
    for text in [
        "", "null", "[]", "hello", "{}",
        &json!({ "version": 2, "id": "x", "kind": "cluster", "clusterId": CLUSTER }).to_string(),
        &json!({ "version": 1, "id": "", "kind": "cluster", "clusterId": CLUSTER }).to_string(),
        &json!({ "version": 1, "kind": "cluster", "clusterId": CLUSTER }).to_string(),
        &json!({ "version": 1, "id": "x", "kind": "cluster" }).to_string(),
        &json!({ "version": 1, "id": "x", "kind": "other" }).to_string(),
        &json!({ "version": 1, "id": "x", "kind": "cluster", "clusterId": VAULT }).to_string(),
        &json!({ "version": 1, "id": "x", "kind": "cluster", "clusterId": format!("{CLUSTER}/..") }).to_string(),
        &json!({ "version": 1, "id": "x", "kind": "cluster", "clusterId": CLUSTER, "vaultHint": "kv1" }).to_string(),
    ] {
        assert!(Request::from_json(text).is_err(), "{text}");
    }
}

#[test]
fn events_of_one_bucket_are_one_request_that_is_due_after_the_last_of_them() {
    let first = Bucket::at(datetime!(2026-02-03 04:05:05 UTC), 5).unwrap();
    let last = Bucket::at(datetime!(2026-02-03 04:05:09.999 UTC), 5).unwrap();
    let next = Bucket::at(datetime!(2026-02-03 04:05:10 UTC), 5).unwrap();
    let id =
        |bucket, cause| cluster_request_id(&cluster(), None, Origin::Write, Some(bucket), cause);
    assert_eq!(id(first, "e-1"), id(last, "e-2"));
    assert_ne!(id(first, "e-1"), id(next, "e-1"));
    assert_eq!(first.due(), datetime!(2026-02-03 04:05:12 UTC));
}

#[test]
fn requests_of_another_kind_or_with_another_hint_are_not_coalesced() {
    let bucket = Bucket::at(NOW, 5);
    let vault: VaultId = VAULT.parse().unwrap();
    let mut ids: Vec<String> = [
        Origin::Write,
        Origin::Own,
        Origin::Delete,
        Origin::Gone,
        Origin::Sweep,
    ]
    .into_iter()
    .flat_map(|origin| {
        [None, Some(&vault)].map(|hint| cluster_request_id(&cluster(), hint, origin, bucket, "e"))
    })
    .collect();
    ids.push(sweep_request_id(&vault, bucket, "e"));
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn a_quiet_request_never_takes_the_place_of_a_loud_one() {
    let bucket = Bucket::at(NOW, 5);
    let id = |origin| cluster_request_id(&cluster(), None, origin, bucket, "e");
    assert_eq!(id(Origin::Notified), id(Origin::Own));
    for loud in [Origin::Write, Origin::Delete] {
        for quiet in [Origin::Own, Origin::Notified, Origin::Gone, Origin::Sweep] {
            assert!(!loud.is_quiet() && quiet.is_quiet());
            assert_ne!(id(loud), id(quiet), "{loud:?} {quiet:?}");
        }
    }
}

#[test]
fn a_cluster_that_is_shown_two_minutes_after_its_deletion_was_made_anew() {
    let lag = Duration::from_secs(120);
    for (told, anew) in [
        (Origin::Delete, Origin::Write),
        (Origin::Gone, Origin::Notified),
        (Origin::Sweep, Origin::Sweep),
    ] {
        let mut request = request();
        request.origin = told;
        request.note_made_anew(NOW + lag, lag);
        assert_eq!(request.origin, told, "it was never seen");
        request.progress.enter(RetryClass::StillShown, NOW);
        request.note_made_anew(NOW + lag - time::Duration::SECOND, lag);
        assert_eq!(request.origin, told);
        request.note_made_anew(NOW + lag, lag);
        assert_eq!(request.origin, anew);
    }
}

#[test]
fn the_case_of_an_id_plays_no_part() {
    let upper: ClusterId = CLUSTER
        .to_uppercase()
        .replace("/SUBSCRIPTIONS", "/subscriptions")
        .parse()
        .unwrap();
    let bucket = Bucket::at(NOW, 5);
    assert_eq!(
        cluster_request_id(&upper, None, Origin::Write, bucket, ""),
        cluster_request_id(&cluster(), None, Origin::Write, bucket, ""),
    );
}

#[test]
fn with_coalescing_off_each_event_has_a_request_of_its_own() {
    assert!(Bucket::at(NOW, 0).is_none());
    let id = |cause| cluster_request_id(&cluster(), None, Origin::Write, None, cause);
    assert_eq!(id("e-1"), id("e-1"));
    assert_ne!(id("e-1"), id("e-2"));
}

#[test]
fn a_retry_has_the_number_of_its_attempt_and_a_page_hangs_on_the_first_pages_id() {
    let mut request = request();
    assert_eq!(request.message_id(), "r-1");
    request.attempt = 3;
    assert_eq!(request.message_id(), "r-1:3");
    let second = page_request_id("resync:2026-02-03T04:05Z", "token-1");
    let third = page_request_id(&second, "token-2");
    assert!(second.starts_with("resync:2026-02-03T04:05Z/"));
    assert!(third.starts_with("resync:2026-02-03T04:05Z/"));
    assert_eq!(third.matches('/').count(), 1);
    assert_ne!(second, third);
}

#[test]
fn counts_that_somebody_forged_do_not_overflow() {
    let mut progress = Progress {
        class: Some(RetryClass::Transient),
        since: Some(NOW),
        tries: u32::MAX,
        ..Progress::default()
    };
    progress.enter(RetryClass::Transient, NOW);
    assert_eq!(progress.tries, u32::MAX);
    let last = Request {
        attempt: u32::MAX,
        ..request()
    };
    assert_eq!(last.next_attempt().attempt, u32::MAX);
}

#[test]
fn a_class_that_another_version_wrote_is_no_mistake() {
    let progress: Progress = serde_json::from_value(json!({ "class": "from-tomorrow" })).unwrap();
    assert_eq!(progress.class, Some(RetryClass::Unknown));
}

#[test]
fn requests_for_one_cluster_share_a_session_and_pages_of_one_sweep_another() {
    let id = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/C1";
    let request = |body: serde_json::Value| Request::from_json(&body.to_string());
    let cluster = |id: &str, request_id: &str| {
        let body = json!({ "version": 1, "id": request_id, "kind": "cluster", "clusterId": id });
        request(body).unwrap().session_id()
    };
    assert_eq!(cluster(id, "a"), cluster(&id.to_lowercase(), "b"));
    assert_ne!(cluster(id, "a"), cluster(&id.replace("C1", "C2"), "a"));
    let page = |id: &str| {
        let page = request(json!({ "version": 1, "id": id, "kind": "sweep" }));
        page.map(|page| page.session_id()).ok()
    };
    assert_eq!(page("sweep"), Some("sweep".to_owned()));
    assert_eq!(page("sweep/page"), page("sweep"));
    assert_eq!(page("/page"), None, "no session has an empty id");
}

#[test]
fn a_request_whose_cause_would_fill_a_result_is_none() {
    let with = |length: usize| {
        let cause = json!({ "kind": "event", "subject": "x".repeat(length) });
        let body = json!({ "version": 1, "id": "x", "kind": "cluster", "clusterId": CLUSTER, "cause": cause });
        Request::from_json(&body.to_string()).is_ok()
    };
    assert!(with(4096) && !with(4097));
}
