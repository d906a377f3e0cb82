use time::{OffsetDateTime, macros::datetime};
use vaultbind_core::{
    api_version::ApiVersion,
    archive::ArchiveSpec,
    decision::Grants,
    id::VaultId,
    plan::{Change, ChangeKind, Writer},
    resource::{PrincipalId, RoleAssignment, Vault},
    result::{Cause, reason},
};

use super::{poll::OperationFailure, *};
use crate::request::{RetryClass, Subject};

const NOW: OffsetDateTime = datetime!(2026-02-03 04:05:06 UTC);
const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";

fn cluster() -> ClusterId {
    let id = format!("{GROUP}/providers/Microsoft.NetworkCloud/clusters/c1");
    id.parse().unwrap()
}

fn request() -> Request {
    let subject = Subject::Cluster {
        cluster_id: cluster(),
        vault_hint: None,
    };
    let cause = Cause {
        kind: CauseKind::Manual,
        id: None,
        operation: None,
        subject: None,
        time: None,
    };
    Request::new("r-1".to_owned(), subject, cause, Origin::Write, NOW)
}

/// A decision by which the archive is to be set, and whose youngest role was given so many seconds ago.
fn binding(role_age: Option<i64>) -> Decision {
    let id = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/kv-a");
    let archive = ArchiveSpec::Legacy {
        vault: id.parse().unwrap(),
    };
    let change = Change::SetArchive {
        cluster: cluster(),
        archive: archive.clone(),
        etag: None,
        version: ApiVersion::newest(&["2024-07-01".to_owned()]).unwrap(),
    };
    let mut decision = Decision::ending(Outcome::Bound, None);
    decision.plan.changes.push(change);
    decision.writer = Some(Grants {
        writer: Writer::PlatformApps,
        reason: "the rule says so",
        principals: Vec::new(),
        archive,
        youngest_role: role_age.map(|age| NOW.unix_timestamp() - age),
        left_behind: Default::default(),
    });
    decision
}

#[test]
fn a_binding_shows_its_archive_and_the_roles_of_its_writers_and_no_role_elsewhere() {
    let id = |vault: &str, name: &str| {
        format!(
            "{GROUP}/providers/Microsoft.KeyVault/vaults/{vault}/providers/Microsoft.Authorization/roleAssignments/{name}"
        )
    };
    let mut decision = binding(None);
    let principal: PrincipalId = "0f0f0f0f-0000-0000-0000-000000000001".parse().unwrap();
    let given = id("kv-a", "0000AAAA-0000-0000-0000-000000000001");
    let grants = decision.writer.as_mut().unwrap();
    let vault = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/kv-a");
    let mut row = RoleAssignment::of_writer(&vault.parse().unwrap(), &principal);
    row.id = given;
    grants.principals = vec![(principal, Some(row))];
    let is_shown = |kind, target: String| {
        let status = ChangeStatus::Unknown;
        result::is_shown(
            &decision,
            &ChangeRecord {
                kind,
                target,
                status,
                attempt: 1,
            },
        )
    };
    let own = id("kv-a", "0000aaaa-0000-0000-0000-000000000001");
    assert!(is_shown(ChangeKind::AssignRole, own));
    let elsewhere = id("kv-b", "0000aaaa-0000-0000-0000-000000000002");
    assert!(!is_shown(ChangeKind::AssignRole, elsewhere));
    assert!(is_shown(ChangeKind::SetArchive, cluster().to_string()));
}

#[test]
fn a_role_is_young_for_an_hour() {
    for (age, expected) in [
        (None, false),
        (Some(0), true),
        (Some(3599), true),
        (Some(3600), false),
    ] {
        let failure = Some(OperationFailure {
            code: "KeyVaultAccessDenied".to_owned(),
            message: "no".to_owned(),
        });
        let judged = may_act(&request(), &binding(age), failure, NOW);
        let Err(Error::Operation { role_is_young, .. }) = judged else {
            panic!("{judged:?}")
        };
        assert_eq!(role_is_young, expected, "{age:?}");
    }
}

#[test]
fn after_three_patches_only_a_young_role_that_is_waited_for_allows_another() {
    let allowed = |patches, age, class: Option<RetryClass>| {
        let mut request = request();
        request.progress.patches = patches;
        if let Some(class) = class {
            request.progress.enter(class, NOW);
        }
        may_act(&request, &binding(age), None, NOW).is_ok()
    };
    let (young, old) = (Some(60), Some(7200));
    assert!(allowed(0, old, None) && allowed(2, old, Some(RetryClass::FailedOperation)));
    assert!(!allowed(3, old, Some(RetryClass::FailedOperation)));
    assert!(!allowed(3, young, Some(RetryClass::FailedOperation)));
    assert!(!allowed(3, old, Some(RetryClass::RoleSpreads)));
    assert!(allowed(3, young, Some(RetryClass::RoleSpreads)));
}

#[test]
fn a_redelivery_writes_nothing_and_comes_again_soon() {
    let mut request = request();
    request.is_redelivery = true;
    let judged = may_act(&request, &binding(None), None, NOW);
    let Err(error @ Error::Redelivered) = judged else {
        panic!("{judged:?}")
    };
    let deadline = Duration::from_secs(3600);
    let again = error_policy::retry(&error, &mut request, NOW, deadline).unwrap();
    assert!(again <= Duration::from_secs(10), "{again:?}");
    let over = NOW + deadline;
    let end = error_policy::retry(&error, &mut request, over, deadline).unwrap_err();
    assert_eq!(end.reason.unwrap().code, "Redelivered");
}

#[test]
fn a_role_is_recognised_by_the_request_that_it_says_it_is_of() {
    let second = time::Duration::SECOND;
    let told = |description: Option<&str>, is_ours: bool, age: time::Duration| {
        let mut request = request();
        request.attempt = 2;
        let mut decision = binding(None);
        let vault: VaultId = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/kv-a")
            .parse()
            .unwrap();
        let principal = PrincipalId::made_of("app");
        let mut row = RoleAssignment::of_writer(&vault, &principal);
        if is_ours {
            let change = Change::assign_role(&vault, &principal, Writer::PlatformApps);
            row.id = change.target().to_uppercase();
        }
        row.description = description.map(ToOwned::to_owned);
        row.created_on = Some(NOW + age);
        decision.writer.as_mut().unwrap().principals = vec![(principal, Some(row))];
        decision.vault = Some(vault_of(&vault));
        own_roles::recognise(&mut request, &decision);
        let made = request.progress.changes;
        made.first().map(|change| (change.status, change.attempt))
    };
    let done = |attempt| Some((ChangeStatus::Done, attempt));
    let first = Some("Vaultbind, request r-1");
    assert_eq!(told(first, true, second), done(1));
    assert_eq!(
        told(Some("Vaultbind, request r-1:2"), true, second),
        done(3)
    );
    for other in [
        None,
        Some("r-1"),
        Some("Vaultbind, request r-1:3"),
        Some("Vaultbind, request r-10"),
        Some("Vaultbind, request r-1:x"),
    ] {
        assert_eq!(told(other, true, second), None, "{other:?}");
    }
    assert_eq!(told(first, false, second), None);
    assert_eq!(told(first, true, -second), None, "before the request");
}

fn vault_of(id: &VaultId) -> Vault {
    Vault {
        modified_at: None,
        id: id.clone(),
        location: "westeurope".to_owned(),
        tags: Default::default(),
        tenant: String::new(),
        uri: "https://kv-a.vault.azure.net/".to_owned(),
        rbac: true,
        purge_protection: true,
        provisioning_state: "Succeeded".to_owned(),
    }
}

#[test]
fn what_was_written_a_moment_ago_is_not_written_again() {
    for (seconds, expected) in [(0, false), (119, false), (120, true)] {
        let mut request = request();
        let written = NOW - time::Duration::seconds(seconds);
        request.progress.enter(RetryClass::NotVisible, written);
        let judged = may_act(&request, &binding(None), None, NOW);
        assert_eq!(judged.is_ok(), expected, "{seconds}");
    }
}

fn request_of_event(origin: Origin) -> Request {
    let mut request = request();
    request.cause.kind = CauseKind::Event;
    request.origin = origin;
    request
}

fn unmatched(code: Code) -> Reason {
    reason::call_failed(code.word(), "none".to_owned(), "tag one")
}

fn after(seconds: u64) -> Action {
    Action::Requeue(Duration::from_secs(seconds))
}

#[test]
fn a_look_alike_vault_outside_of_within_keeps_nobody_from_looking_again() {
    let reason = unmatched(Code::OutsideWithin);
    let (is_told, action) = follow_up(Some(&reason), &mut request_of_event(Origin::Write));
    assert!(is_told && action == after(60));
}

#[test]
fn a_cluster_without_a_vault_is_reported_once_and_looked_at_three_times_more() {
    let mut request = request_of_event(Origin::Write);
    let reason = unmatched(Code::NoVault);
    let looks = [(); 4].map(|()| follow_up(Some(&reason), &mut request));
    assert_eq!(
        looks,
        [
            (true, after(60)),
            (false, after(300)),
            (false, after(900)),
            (false, Action::AwaitChange)
        ]
    );
    let bound = follow_up(None, &mut request);
    assert_eq!(bound, (true, Action::AwaitChange));
}

#[test]
fn a_sweep_does_not_look_again_for_a_vault() {
    let reason = unmatched(Code::NoVault);
    let swept = follow_up(Some(&reason), &mut request_of_event(Origin::Sweep));
    assert_eq!(swept, (true, Action::AwaitChange));
}
