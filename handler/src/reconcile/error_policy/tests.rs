use std::fmt::Write as _;

use expect_test::expect;
use time::macros::datetime;
use vaultbind_azure::Error as CallError;
use vaultbind_core::result::{Cause, CauseKind};

use super::{
    backoff::{FIRST_STEP, LONGEST_STEP},
    *,
};
use crate::request::Subject;

const NOW: OffsetDateTime = datetime!(2026-02-03 04:05:06 UTC);
const DAY: Duration = Duration::from_secs(24 * 3600);
const DENIED: &str = "KeyVaultAccessDenied";
const CLUSTER: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c1";

fn cluster() -> ClusterId {
    CLUSTER.parse().unwrap()
}

fn request(origin: Origin) -> Request {
    let subject = Subject::Cluster {
        cluster_id: cluster(),
        vault_hint: None,
    };
    let cause = Cause {
        kind: CauseKind::Event,
        id: Some("e-1".to_owned()),
        operation: None,
        subject: None,
        time: None,
    };
    Request::new("r-1".to_owned(), subject, cause, origin, NOW)
}

fn answered(status: u16, code: Option<&str>) -> Error {
    CallError::answered("read the cluster", CLUSTER, status, code, None).into()
}

fn lookup(status: u16) -> Error {
    Error::Directory(CallError::answered("look up", "app", status, None, None).into())
}

fn proof(status: u16) -> Error {
    Error::Proof(CallError::answered("list", CLUSTER, status, None, None).into())
}

fn failure(code: &str, role_is_young: bool) -> Error {
    let failure = OperationFailure {
        code: code.to_owned(),
        message: "no".to_owned(),
    };
    Error::Operation {
        failure,
        role_is_young,
    }
}

fn under_way(runs: u64, retry_after: Option<Duration>) -> Error {
    let runs = Duration::from_secs(runs);
    Error::UnderWay { runs, retry_after }
}

fn waiting(patience: Patience) -> Error {
    let wait = Some(patience);
    let gone = gone(&cluster());
    Error::Wait(Box::new(Decision { wait, ..gone }))
}

/// What becomes of a error that lasts: how often it is tried, for how long, and how it ends.
fn course(error: &Error, origin: Origin, patches: u32) -> String {
    let mut request = request(origin);
    request.progress.patches = patches;
    let mut now = NOW;
    let mut tries = 0;
    loop {
        match retry(error, &mut request, now, DAY) {
            Ok(delay) => {
                assert!(delay > Duration::ZERO, "a hot loop");
                tries += 1;
                request = request.next_attempt();
                now += delay;
            }
            Err(ending) => {
                let lasted = (now - NOW).whole_minutes();
                return format!(
                    "{tries} retries in {lasted} min, then {} {}",
                    ending.outcome,
                    ending.reason.unwrap().code
                );
            }
        }
    }
}

type Row = (&'static str, Error, Origin, u32);

fn rows() -> Vec<Row> {
    use Origin::{Delete, Sweep, Write};
    let invalid = || answered(400, Some("InvalidRequestContent"));
    vec![
        ("429", answered(429, None), Write, 0),
        ("500", answered(500, None), Write, 0),
        ("401", answered(401, None), Write, 0),
        ("409", answered(409, None), Write, 0),
        ("409 of an unknown code", answered(409, Some("X")), Write, 0),
        ("a lock", answered(409, Some("ScopeLocked")), Write, 0),
        (
            "no such role",
            answered(404, Some("roledefinitiondoesnotexist")),
            Write,
            0,
        ),
        (
            "a right",
            answered(403, Some("AuthorizationFailed")),
            Write,
            0,
        ),
        (
            "unregistered",
            answered(409, Some("MissingSubscriptionRegistration")),
            Write,
            0,
        ),
        ("412", answered(412, None), Write, 0),
        ("400", invalid(), Write, 0),
        ("403", answered(403, None), Write, 0),
        (
            "no principal",
            answered(400, Some("PrincipalNotFound")),
            Write,
            0,
        ),
        ("Graph 403", lookup(403), Write, 0),
        ("Graph 503", lookup(503), Write, 0),
        ("absent after a write", Error::Absent(cluster()), Write, 0),
        ("absent after a delete", Error::Absent(cluster()), Delete, 0),
        ("absent in a sweep", Error::Absent(cluster()), Sweep, 0),
        ("still shown", Error::StillShown(cluster()), Delete, 0),
        ("cluster busy", waiting(Patience::Deadline), Write, 0),
        ("vault not ready", waiting(Patience::Hour), Write, 0),
        ("not found", waiting(Patience::TwoMinutes), Write, 0),
        ("proof fails", proof(500), Write, 0),
        ("boundary", waiting(Patience::SecondAnswer), Write, 0),
        ("under way", under_way(90, None), Write, 1),
        ("not visible", Error::NotVisible, Write, 1),
        ("changed meanwhile", Error::Changed(cluster()), Write, 0),
        ("too slow", Error::OutOfTime, Write, 0),
    ]
}

/// The rows of changes that failed.
fn failures() -> Vec<Row> {
    use Origin::Write;
    vec![
        ("no access, young role", failure(DENIED, true), Write, 3),
        ("no access, old role", failure(DENIED, false), Write, 3),
        (
            "vault throttles",
            failure("KeyVaultRequestThrottled", false),
            Write,
            3,
        ),
        (
            "bad identity",
            failure("KeyVaultIdentityMissing", true),
            Write,
            1,
        ),
        ("third PATCH failed", failure("Other", true), Write, 3),
    ]
}

#[test]
fn every_error_is_retried_or_given_up_as_the_table_says() {
    let mut table = String::new();
    for (name, error, origin, patches) in rows().iter().chain(&failures()) {
        writeln!(table, "{name}: {}", course(error, *origin, *patches)).unwrap();
    }
    expect![[r#"
        429: 75 retries in 1440 min, then failed CallFailed
        500: 75 retries in 1440 min, then failed CallFailed
        401: 75 retries in 1440 min, then failed CallFailed
        409: 75 retries in 1440 min, then failed CallFailed
        409 of an unknown code: 12 retries in 60 min, then failed X
        a lock: 0 retries in 0 min, then failed ScopeLocked
        no such role: 0 retries in 0 min, then failed roledefinitiondoesnotexist
        a right: 10 retries in 15 min, then failed AuthorizationFailed
        unregistered: 12 retries in 60 min, then failed MissingSubscriptionRegistration
        412: 75 retries in 1440 min, then failed CallFailed
        400: 0 retries in 0 min, then failed InvalidRequestContent
        403: 0 retries in 0 min, then failed CallFailed
        no principal: 12 retries in 60 min, then failed PrincipalNotFound
        Graph 403: 0 retries in 0 min, then failed DirectoryDenied
        Graph 503: 75 retries in 1440 min, then failed CallFailed
        absent after a write: 4 retries in 2 min, then gone ClusterNotFound
        absent after a delete: 0 retries in 0 min, then gone ClusterNotFound
        absent in a sweep: 0 retries in 0 min, then gone ClusterNotFound
        still shown: 1442 retries in 1440 min, then failed StillShown
        cluster busy: 75 retries in 1440 min, then gone ClusterNotFound
        vault not ready: 12 retries in 60 min, then gone ClusterNotFound
        not found: 4 retries in 2 min, then gone ClusterNotFound
        proof fails: 9 retries in 10 min, then held BoundVaultNotVisible
        boundary: 62 retries in 60 min, then gone ClusterNotFound
        under way: 2880 retries in 1440 min, then failed OperationTooLong
        not visible: 2883 retries in 1440 min, then failed NotVisible
        changed meanwhile: 75 retries in 1440 min, then failed ClusterChanges
        too slow: 75 retries in 1440 min, then failed TooSlow
        no access, young role: 12 retries in 60 min, then failed KeyVaultAccessDenied
        no access, old role: 0 retries in 0 min, then failed KeyVaultAccessDenied
        vault throttles: 12 retries in 60 min, then failed KeyVaultRequestThrottled
        bad identity: 0 retries in 0 min, then failed KeyVaultIdentityMissing
        third PATCH failed: 0 retries in 0 min, then failed Other
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_service_is_never_asked_before_the_time_it_names() {
    let asked = Duration::from_secs(777);
    for error in [
        CallError::answered("read", CLUSTER, 429, None, Some(asked)).into(),
        under_way(0, Some(asked)),
        under_way(600, Some(asked)),
    ] {
        let Ok(delay) = retry(&error, &mut request(Origin::Write), NOW, DAY) else {
            panic!("ended")
        };
        let is_spread = matches!(error, Error::Call(_));
        let latest = asked + Duration::from_secs(30);
        assert!(
            delay == asked || is_spread && delay > asked && delay <= latest,
            "{delay:?}"
        );
    }
}

#[test]
fn throttled_looks_come_back_at_different_seconds() {
    let asked = Some(Duration::from_secs(40));
    let error = || CallError::answered("read", CLUSTER, 429, None, asked).into();
    let mut delays = Vec::new();
    for number in 0..10 {
        let mut request = request(Origin::Write);
        request.id = format!("r-{number}");
        let delay = retry(&error(), &mut request, NOW, DAY);
        delays.push(delay.unwrap_or_default().as_secs());
    }
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() >= 6 && delays[0] >= 40, "{delays:?}");
}

/// When an operation is found out that ends after so long, in whole seconds as the queue has them.
fn found_out(takes: u64) -> u64 {
    let mut now = 0;
    while now < takes {
        let mut request = request(Origin::Write);
        let Ok(delay) = retry(&under_way(now, None), &mut request, NOW, DAY) else {
            panic!("ended")
        };
        now += delay.as_secs_f64().ceil() as u64;
    }
    now
}

#[test]
fn an_operation_is_known_to_have_ended_after_a_third_more_than_it_took() {
    for takes in 1..2000 {
        let found = found_out(takes);
        assert!(found <= takes + takes.div_ceil(3) + 2, "{takes}: {found}");
        assert!(found - takes <= 30, "{takes}: {found}");
    }
}

#[test]
fn the_same_code_means_the_same_in_an_answer_and_in_an_operation_that_failed() {
    for known in codes::KNOWN {
        let mut ends = [answered(400, Some(known.code)), failure(known.code, true)]
            .map(|error| course(&error, Origin::Write, 3));
        let is_of_platform = matches!(
            known.meaning,
            Meaning::ForAPerson | Meaning::VaultUnavailable | Meaning::NoAccess
        );
        if is_of_platform {
            assert_eq!(ends[0], ends[1], "{}", known.code);
        }
        ends.sort_unstable();
        let minutes = |end: &String| {
            let text = end.split(" in ").nth(1).unwrap();
            text.split(' ').next().unwrap().parse::<u32>().unwrap()
        };
        assert!(
            ends.iter().all(|end| minutes(end) <= 61),
            "{}: {ends:?}",
            known.code
        );
    }
}

#[test]
fn each_delay_lies_between_half_and_all_of_its_step() {
    let mut request = request(Origin::Write);
    let mut step = FIRST_STEP;
    let mut now = NOW;
    for _ in 0..30 {
        let Ok(delay) = retry(&answered(500, None), &mut request, now, DAY) else {
            break;
        };
        assert!(delay >= step / 2 && delay <= step, "{delay:?} of {step:?}");
        step = (step * 2).min(LONGEST_STEP);
        request = request.next_attempt();
        now += delay;
    }
    assert_eq!(step, LONGEST_STEP);
}

#[test]
fn a_failed_operation_is_tried_again_until_the_third_patch() {
    let mut request = request(Origin::Write);
    for (patches, retried) in [(1, true), (2, true), (3, false)] {
        request.progress.patches = patches;
        let next = retry(&failure("Other", true), &mut request, NOW, DAY);
        assert_eq!(next.is_ok(), retried, "{patches}");
    }
}

#[test]
fn a_change_that_fails_for_want_of_access_again_and_again_is_tried_ever_more_seldom() {
    let mut request = request(Origin::Write);
    let (mut now, mut changes) = (NOW, 0);
    // Each try is a change that Azure works at for two polls before it says that it failed.
    let ended = loop {
        for _ in 0..2 {
            let Ok(delay) = retry(&under_way(0, None), &mut request, now, DAY) else {
                panic!("ended while Azure works at it")
            };
            now += delay;
        }
        changes += 1;
        request.progress.polls = 0;
        match retry(
            &failure("KeyVaultAccessDenied", true),
            &mut request,
            now,
            DAY,
        ) {
            Ok(delay) => now += delay,
            Err(ending) => break ending,
        }
        request = request.next_attempt();
    };
    assert_eq!(ended.reason.unwrap().code, "KeyVaultAccessDenied");
    let took = now - NOW;
    assert!(
        changes < 15 && took < Duration::from_secs(5400),
        "{changes} changes in {took}"
    );
}

#[test]
fn changes_that_collide_with_others_in_between_are_made_no_sooner() {
    let mut request = request(Origin::Write);
    let mut delays = Vec::new();
    for patches in 1..=8 {
        request.progress.patches = patches;
        let busy = answered(409, Some("AnotherOperationInProgress"));
        for error in [busy, failure("KeyVaultAccessDenied", true)] {
            let Ok(delay) = retry(&error, &mut request, NOW, DAY) else {
                panic!("ended at change {patches}")
            };
            delays.push(delay);
            request = request.next_attempt();
        }
    }
    let after_the_last = delays.last().unwrap();
    assert!(*after_the_last >= FIRST_STEP * 64, "{delays:?}");
}
