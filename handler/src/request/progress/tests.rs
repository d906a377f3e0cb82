use time::macros::datetime;
use vaultbind_core::plan::ChangeKind;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-02-03 04:05:06.7 UTC);

#[test]
fn progress_counts_tries_within_a_class_and_starts_anew_with_another() {
    let mut progress = Progress::default();
    progress.enter(RetryClass::Absent, NOW);
    progress.enter(RetryClass::Absent, NOW + time::Duration::MINUTE);
    assert_eq!(
        (
            progress.tries,
            progress.lasts(RetryClass::Absent),
            progress.lasts(RetryClass::NotReady)
        ),
        (2, Some(NOW), None)
    );
    progress.enter(RetryClass::NotReady, NOW + time::Duration::HOUR);
    assert_eq!(
        (progress.tries, progress.lasts(RetryClass::NotReady)),
        (1, Some(NOW + time::Duration::HOUR))
    );
}

#[test]
fn waiting_for_what_is_under_way_ends_what_has_passed_and_brings_no_change_forward() {
    for (class, ends) in [
        (RetryClass::Absent, true),
        (RetryClass::NotReady, true),
        (RetryClass::Unproven, true),
        (RetryClass::Unsettled, true),
        (RetryClass::FailedOperation, false),
        (RetryClass::RoleSpreads, false),
    ] {
        let mut progress = Progress::default();
        progress.enter(class, NOW);
        progress.poll();
        assert_eq!(progress.lasts(class).is_none(), ends, "{class:?}");
    }
}

#[test]
fn each_boundary_is_absent_since_its_own_first_answer_until_it_is_there() {
    let scope = |group: &str| -> Scope {
        let subscription = "11111111-1111-1111-1111-111111111111";
        format!("/subscriptions/{subscription}/resourceGroups/{group}")
            .parse()
            .unwrap()
    };
    let mut progress = Progress::default();
    let mut look = |seen: &[(&str, Visibility)], minutes| {
        let listed = seen
            .iter()
            .map(|(group, seen)| (scope(group), Listed::seen([], *seen)));
        progress.note_boundaries(&listed.collect(), NOW + minutes * time::Duration::MINUTE);
        ["a", "b"].map(|group| progress.absent_since(&scope(group)))
    };
    let after = |minutes: i32| Some(NOW + minutes * time::Duration::MINUTE);
    assert_eq!(
        look(
            &[("a", Visibility::AbsentOnce), ("b", Visibility::Whole)],
            0
        ),
        [after(0), None]
    );
    assert_eq!(
        look(
            &[("a", Visibility::AbsentOnce), ("b", Visibility::AbsentOnce)],
            1
        ),
        [after(0), after(1)]
    );
    assert_eq!(
        look(&[("a", Visibility::Absent), ("b", Visibility::Whole)], 2),
        [after(0), None]
    );
    assert_eq!(look(&[("a", Visibility::Whole)], 3), [None, None]);
}

#[test]
fn only_what_was_made_counts_as_changed() {
    let mut progress = Progress::default();
    let mut note = |status| {
        progress.note(ChangeRecord {
            kind: ChangeKind::AssignRole,
            target: "t".to_owned(),
            status,
            attempt: 1,
        });
        progress.has_changed()
    };
    assert!(!note(ChangeStatus::Planned));
    assert!(!note(ChangeStatus::Present));
    assert!(!note(ChangeStatus::Failed));
    assert!(!note(ChangeStatus::Unknown));
    assert!(note(ChangeStatus::Accepted));
    assert!(note(ChangeStatus::Done));
    assert_eq!(progress.changes.len(), 1);
}

#[test]
fn what_is_read_back_was_made_or_was_there_and_what_is_not_is_as_it_was() {
    use ChangeStatus::{Accepted, Done, Failed, Present, Unknown};
    let mut progress = Progress::default();
    for (at, status) in [Unknown, Accepted, Failed, Unknown, Failed]
        .into_iter()
        .enumerate()
    {
        progress.note(ChangeRecord {
            kind: ChangeKind::AssignRole,
            target: at.to_string(),
            status,
            attempt: 1,
        });
    }
    progress.confirm(|change| ["0", "1", "2"].contains(&change.target.as_str()));
    let settled = progress.changes.iter().map(|change| change.status);
    let settled: Vec<ChangeStatus> = settled.collect();
    assert_eq!(settled, [Unknown, Done, Present, Unknown, Failed]);
    assert!(
        progress.may_hide_a_change(),
        "nobody knows who made the first"
    );
}

#[test]
fn of_a_change_that_failed_and_is_there_nobody_knows_who_made_it_where_azure_had_taken_it() {
    for (patches, expected) in [(0, ChangeStatus::Present), (1, ChangeStatus::Unknown)] {
        let mut progress = Progress {
            patches,
            ..Progress::default()
        };
        progress.note(ChangeRecord {
            kind: ChangeKind::SetArchive,
            target: "c1".to_owned(),
            status: ChangeStatus::Failed,
            attempt: 1,
        });
        progress.confirm(|_| true);
        assert_eq!(progress.changes[0].status, expected);
    }
}

#[test]
fn what_was_done_stays_done_whatever_becomes_of_a_later_try() {
    let after = |statuses: &[ChangeStatus]| {
        let mut progress = Progress::default();
        for status in statuses {
            progress.note(ChangeRecord {
                kind: ChangeKind::AssignRole,
                target: "/roles/1".to_owned(),
                status: *status,
                attempt: 1,
            });
        }
        progress.changes[0].status
    };
    use ChangeStatus::{Accepted, Done, Failed, Present, Unknown};
    for later in [Unknown, Failed, Present, Accepted] {
        assert_eq!(after(&[Done, Unknown, later]), Done, "{later:?}");
    }
    for later in [Unknown, Failed, Present] {
        assert_eq!(after(&[Accepted, Unknown, later]), Accepted, "{later:?}");
        assert_eq!(after(&[Failed, Unknown, later]), later);
    }
    assert_eq!(after(&[Accepted, Unknown, Done]), Done);
}

#[test]
fn what_an_earlier_attempt_may_have_made_is_not_known_by_a_later_refusal() {
    use ChangeStatus::{Accepted, Done, Failed, Present, Unknown};
    for (later, attempt, expected) in [
        (Failed, 1, Failed),
        (Failed, 2, Unknown),
        (Present, 2, Unknown),
        (Accepted, 2, Accepted),
        (Done, 2, Done),
    ] {
        let mut progress = Progress::default();
        for (status, attempt) in [(Unknown, 1), (later, attempt)] {
            progress.note(ChangeRecord {
                kind: ChangeKind::SetArchive,
                target: "c1".to_owned(),
                status,
                attempt,
            });
        }
        progress.confirm(|_| false);
        assert_eq!(
            progress.changes[0].status, expected,
            "{later:?} at {attempt}"
        );
    }
}
