//! Acting: carries out a plan, each step safe to repeat.
//!
//! It must not choose: what is to be done, and in which order, is the plan's. Nothing else in the product writes to Azure.

use std::time::Duration;

use futures::future::join_all;
use vaultbind_azure::{
    Error as CallError, Kind,
    arm::{AssignAnswer, PatchAnswer},
};
use vaultbind_core::{
    observation::Observation,
    plan::{Change, ChangeKind},
    result::{ChangeRecord, ChangeStatus},
};

use super::{
    Error,
    error_policy::codes::{Meaning, judged},
    guard::role_is_young,
    own_roles,
    poll::OperationFailure,
};
use crate::{
    context::Context,
    request::{Request, RetryClass},
};

/// What a change leaves to be polled: the operation's URL, and when.
#[derive(Debug)]
struct Pending {
    operation: Option<String>,
    retry_after: Option<Duration>,
}

type Made = Result<(ChangeStatus, Option<Pending>), CallError>;

/// Carries out the plan of what was observed: registration, then the roles side by side, then the archive.
///
/// # Errors
/// Where a change failed or is under way; what was done is noted in the request either way.
pub async fn act(
    context: &Context,
    request: &mut Request,
    seen: &Observation,
) -> Result<(), Error> {
    for kind in [
        ChangeKind::RegisterProvider,
        ChangeKind::AssignRole,
        ChangeKind::SetArchive,
    ] {
        let changes = seen.decision.plan.changes.iter();
        let mut stage: Vec<Change> = changes
            .filter(|change| change.kind() == kind)
            .cloned()
            .collect();
        check_unchanged(context, &stage, seen).await?;
        // A name may be taken for good by an assignment that is none of ours: there are others.
        while !stage.is_empty() {
            stage = carry_out(context, request, seen, &stage).await?;
        }
    }
    Ok(())
}

/// Makes changes of one kind side by side; comes back with those that are to be made under another name.
async fn carry_out(
    context: &Context,
    request: &mut Request,
    seen: &Observation,
    stage: &[Change],
) -> Result<Vec<Change>, Error> {
    let attempt = request.attempts();
    let description = own_roles::description(request);
    // A reconcile may be cut off before the answers come.
    for change in stage {
        let sent = ChangeRecord::of(change, ChangeStatus::Unknown, attempt);
        request.progress.note(sent);
    }
    let made = stage
        .iter()
        .map(|change| make(context, change, &description));
    let made = join_all(made).await;
    // Each change is noted before the first failure ends the stage: one must not hide the others.
    for (change, made) in stage.iter().zip(&made) {
        note(request, change, made, attempt);
    }
    let mut renamed = Vec::new();
    for (change, made) in stage.iter().zip(made) {
        let made = match made {
            Err(error) if is_of_the_name(&error) => {
                renamed.push(change.renamed().ok_or(error)?);
                continue;
            }
            made => made.map_err(|error| refused(context, request, seen, change, error))?,
        };
        if let Some(pending) = made.1 {
            return Err(under_way(context, request, pending));
        }
    }
    Ok(renamed)
}

/// Notes what became of a change.
fn note(request: &mut Request, change: &Change, made: &Made, attempt: u32) {
    let status = made.as_ref().map_or_else(unmade, |(status, _)| *status);
    let progress = &mut request.progress;
    progress.note(ChangeRecord::of(change, status, attempt));
    // A PATCH that ARM refused was no try: only one that it took, or whose vault it tried, can fail for want of a role.
    let was_tried = made.as_ref().map_or_else(is_of_the_vault, |_| true);
    let was_taken = change.kind() == ChangeKind::SetArchive && was_tried;
    progress.patches = progress.patches.saturating_add(u32::from(was_taken));
}

/// What is left to wait for once ARM has taken the change.
fn under_way(context: &Context, request: &mut Request, pending: Pending) -> Error {
    let now = context.clock.now();
    if pending.operation.is_none() {
        // The cluster's state is followed, which may lag behind: the change is not made again meanwhile.
        request.progress.enter(RetryClass::NotVisible, now);
    }
    request.operation = pending.operation;
    request.progress.begin_to_run(now);
    Error::UnderWay {
        runs: Duration::ZERO,
        retry_after: pending.retry_after,
    }
}

/// Is the assignment's name taken by another, so that it can never be this one's?
fn is_of_the_name(error: &CallError) -> bool {
    error.says("RoleAssignmentUpdateNotPermitted")
        || error.says("HashConflictOnDifferentRoleAssignmentIds")
}

/// Says the platform that its writer cannot use the vault? Then the change is judged like one that it took and that failed.
fn is_of_the_vault(error: &CallError) -> bool {
    let meaning = judged(error.codes()).map(|(_, known)| known.meaning);
    matches!(meaning, Some(Meaning::NoAccess | Meaning::VaultUnavailable))
}

/// What a change comes to that failed.
fn refused(
    context: &Context,
    request: &mut Request,
    seen: &Observation,
    change: &Change,
    error: CallError,
) -> Error {
    if change.kind() != ChangeKind::SetArchive || !is_of_the_vault(&error) {
        return error.into();
    }
    let failure = OperationFailure::of_call(&error);
    failure.note(&mut request.progress);
    let gives_roles = |change: &Change| change.kind() == ChangeKind::AssignRole;
    let role_is_young = role_is_young(&seen.decision, context.clock.now())
        || seen.decision.plan.changes.iter().any(gives_roles);
    Error::Operation {
        failure,
        role_is_young,
    }
}

/// Without an entity tag Azure refuses no change that rests on an older state: the cluster is read again right before.
/// What happens between that answer and the change is still overwritten.
async fn check_unchanged(
    context: &Context,
    stage: &[Change],
    seen: &Observation,
) -> Result<(), Error> {
    for change in stage {
        let Change::SetArchive {
            cluster,
            etag: None,
            version,
            ..
        } = change
        else {
            continue;
        };
        let now = context.arm.cluster(cluster, version.as_str()).await?;
        if seen.cluster() != Some(&now) {
            return Err(Error::Changed(cluster.clone()));
        }
    }
    Ok(())
}

async fn make(context: &Context, change: &Change, description: &str) -> Made {
    let arm = &context.arm;
    match change {
        Change::RegisterProvider(subscription) => {
            arm.register(subscription).await?;
            Ok((ChangeStatus::Done, None))
        }
        Change::AssignRole {
            vault,
            name,
            principal,
            ..
        } => match arm.assign_role(vault, name, principal, description).await {
            Ok(AssignAnswer::Created) => Ok((ChangeStatus::Done, None)),
            Ok(AssignAnswer::Present) => Ok((ChangeStatus::Present, None)),
            Err(error) if is_present(&error) => Ok((ChangeStatus::Present, None)),
            Err(error) => {
                if error.says("PrincipalNotFound") {
                    context.caches.forget_platform_principals();
                }
                Err(error)
            }
        },
        Change::SetArchive {
            cluster,
            archive,
            etag,
            version,
        } => {
            match arm
                .set_archive(cluster, version.as_str(), etag.as_deref(), archive)
                .await?
            {
                PatchAnswer::Done => Ok((ChangeStatus::Done, None)),
                PatchAnswer::Accepted {
                    operation,
                    retry_after,
                } => {
                    let operation = operation.map(|url| url.to_string());
                    Ok((
                        ChangeStatus::Accepted,
                        Some(Pending {
                            operation,
                            retry_after,
                        }),
                    ))
                }
            }
        }
    }
}

/// What a failed call leaves of its change: a refusal leaves none, a lost answer may.
fn unmade(error: &CallError) -> ChangeStatus {
    match error.kind() {
        Kind::Unavailable | Kind::Malformed => ChangeStatus::Unknown,
        Kind::Throttled
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::NotFound
        | Kind::Denied
        | Kind::Unauthenticated
        | Kind::Invalid
        | Kind::Token => ChangeStatus::Failed,
    }
}

/// Somebody else made the assignment since we observed; the reading back confirms it.
fn is_present(error: &CallError) -> bool {
    error.kind() == Kind::Conflict && error.says("RoleAssignmentExists")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_that_is_there_already_is_no_failure_and_other_conflicts_are() {
        let answered = |status, code| CallError::answered("assign", "kv-a", status, code, None);
        assert!(is_present(&answered(409, Some("RoleAssignmentExists"))));
        for (status, code) in [
            (409, Some("RoleAssignmentUpdateNotPermitted")),
            (409, None),
            (400, Some("RoleAssignmentExists")),
        ] {
            assert!(!is_present(&answered(status, code)), "{status} {code:?}");
        }
    }
}
