//! Retry or give up: the one table that says what becomes of a reconcile that came to no end.
//!
//! It must not do anything itself, and must not ask Azure.

mod backoff;

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use vaultbind_azure::{Error as CallError, Kind};
use vaultbind_core::{
    decision::{Decision, Patience},
    id::ClusterId,
    result::{Outcome, reason},
};

use super::{Error, MAX_PATCHES, poll::OperationFailure};
use crate::{
    request::{Origin, Request, RetryClass},
    telemetry::ErrorChain,
};

use backoff::{Backoff, delay};

/// How a class of errors is met.
struct RetryPolicy {
    /// None for waiting that is no failure. It interrupts no class: a change that fails again and again would else be
    /// tried as if for the first time, each time.
    class: Option<RetryClass>,
    backoff: Backoff,
    /// How long the class may last; the request's own deadline holds besides.
    limit: Option<Duration>,
    /// What it becomes when the time is up.
    end: Decision,
}

impl RetryPolicy {
    fn backoff(
        class: impl Into<Option<RetryClass>>,
        asked: Option<Duration>,
        end: Decision,
    ) -> Self {
        Self {
            class: class.into(),
            backoff: Backoff::Doubling(asked),
            limit: None,
            end,
        }
    }

    fn transient(asked: Option<Duration>, end: Decision) -> Self {
        Self::backoff(RetryClass::Transient, asked, end)
    }

    fn steps(
        class: impl Into<Option<RetryClass>>,
        steps: &'static [u64],
        asked: Option<Duration>,
        end: Decision,
    ) -> Self {
        Self {
            class: class.into(),
            backoff: Backoff::Steps(steps, asked),
            limit: None,
            end,
        }
    }

    fn at_once(end: Decision) -> Self {
        Self {
            class: Some(RetryClass::Transient),
            backoff: Backoff::None,
            limit: None,
            end,
        }
    }

    fn within(self, limit: Duration) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const TEN_MINUTES: Duration = Duration::from_secs(600);

/// How long to wait before the next try after an error, whose class is entered in the request's memory.
///
/// # Errors
/// How it ends, where there is no patience left.
pub fn retry(
    error: &Error,
    request: &mut Request,
    now: OffsetDateTime,
    deadline: Duration,
) -> Result<Duration, Box<Decision>> {
    let policy = retry_policy(error, request);
    if matches!(policy.backoff, Backoff::None) {
        return Err(Box::new(policy.end));
    }
    let tries = match policy.class {
        // Another error in between ends the class, and does not bring the next change forward.
        Some(class @ (RetryClass::RoleSpreads | RetryClass::FailedOperation)) => {
            let tries = request.progress.enter(class, now);
            tries.max(request.progress.patches)
        }
        Some(class) => request.progress.enter(class, now),
        None => request.progress.poll(),
    };
    let left =
        |limit: Duration, since: Option<OffsetDateTime>| limit - (now - since.unwrap_or(now));
    let until_deadline = left(deadline, request.first_seen);
    let left = policy.limit.map_or(until_deadline, |limit| {
        until_deadline.min(left(limit, request.progress.since))
    });
    match Duration::try_from(left) {
        Ok(left) if !left.is_zero() => Ok(delay(policy.backoff, tries, request, left)),
        _ => Err(Box::new(policy.end)),
    }
}

const TOO_LONG: &str = "Look at the cluster's activity log; the next event or sweep looks again.";
const UNSEEN: &str = "Look for another writer in the cluster's activity log.";

/// The table.
fn retry_policy(error: &Error, request: &Request) -> RetryPolicy {
    let failed = |code: &str, help: &str| {
        let message = ErrorChain(error).to_string();
        Decision::ending(Outcome::Failed, reason::call_failed(code, message, help))
    };
    match error {
        Error::Call(error) => call(error, &failed),
        Error::Directory(error) => directory(error, &failed),
        Error::Absent(cluster)
            if matches!(
                request.origin,
                Origin::Delete | Origin::Gone | Origin::Sweep
            ) =>
        {
            RetryPolicy::at_once(gone(cluster))
        }
        // After two minutes it counts as made anew, whatever comes of it then.
        Error::StillShown(_) => RetryPolicy::steps(
            RetryClass::StillShown,
            &[10, 20, 30, 60],
            None,
            failed("StillShown", TOO_LONG),
        ),
        Error::Absent(cluster) => {
            RetryPolicy::steps(RetryClass::Absent, &[10, 20, 30, 60], None, gone(cluster))
                .within(super::READ_LAG)
        }
        Error::Proof(error) => {
            let message = ErrorChain(&Error::Proof(Arc::clone(error))).to_string();
            let end = Decision::ending(Outcome::Held, reason::proof_failed(message));
            RetryPolicy::backoff(RetryClass::Unproven, error.retry_after(), end).within(TEN_MINUTES)
        }
        Error::Wait(decision) => wait(decision),
        Error::UnderWay { retry_after } => RetryPolicy::steps(
            None,
            &[10, 15, 20, 30],
            *retry_after,
            failed("OperationTooLong", TOO_LONG),
        ),
        Error::Operation {
            failure,
            role_is_young,
        } => operation(failure, *role_is_young, request, &failed),
        Error::NotVisible => RetryPolicy::steps(
            RetryClass::NotVisible,
            &[2, 5, 10, 20, 30],
            None,
            failed("NotVisible", UNSEEN),
        ),
        Error::Redelivered => RetryPolicy::steps(None, &[5], None, failed("Redelivered", TOO_LONG)),
        Error::Unsent => RetryPolicy::backoff(RetryClass::Unsent, None, failed("Unsent", TOO_LONG)),
        Error::Changed(_) => RetryPolicy::transient(None, failed("ClusterChanges", UNSEEN)),
        Error::OutOfTime => {
            let end = failed(
                "TooSlow",
                "Azure answered too slowly; the next event or sweep looks again.",
            );
            RetryPolicy::transient(None, end)
        }
    }
}

/// What may pass by itself.
fn wait(decision: &Decision) -> RetryPolicy {
    const STEPS: &[u64] = &[10, 20, 30, 60];
    let end = Decision::clone(decision);
    match decision.wait {
        Some(Patience::Hour) => RetryPolicy::backoff(RetryClass::NotReady, None, end).within(HOUR),
        Some(Patience::TwoMinutes) => {
            RetryPolicy::steps(RetryClass::Unproven, STEPS, None, end).within(super::READ_LAG)
        }
        Some(Patience::SecondAnswer) => {
            RetryPolicy::steps(RetryClass::Unsettled, STEPS, None, end).within(HOUR)
        }
        Some(Patience::Deadline) | None => RetryPolicy::backoff(None, None, end),
    }
}

type Failed<'a> = &'a dyn Fn(&str, &str) -> Decision;

/// A change that Azure took on and did not bring to its end.
fn operation(
    failure: &OperationFailure,
    role_is_young: bool,
    request: &Request,
    failed: Failed<'_>,
) -> RetryPolicy {
    if failure.is_about_access() && role_is_young {
        let help = "The writer holds the role on the vault; check the vault's network rules.";
        return RetryPolicy::backoff(RetryClass::RoleSpreads, None, failed(&failure.code, help))
            .within(HOUR);
    }
    let help =
        "See the cluster's activity log for the operation; the next event or sweep tries again.";
    let end = failed(&failure.code, help);
    if request.progress.patches < MAX_PATCHES {
        RetryPolicy::backoff(RetryClass::FailedOperation, None, end)
    } else {
        RetryPolicy::at_once(end)
    }
}

/// Calls to ARM: what may pass is tried until the deadline, what will not ends at once.
fn call(error: &CallError, failed: Failed<'_>) -> RetryPolicy {
    let code = error.code().unwrap_or("CallFailed");
    match (error.kind(), error.code()) {
        (_, Some("PrincipalNotFound")) => {
            let help = "Check the object ids in VAULTBIND_PLATFORM_PRINCIPAL_IDS: they are those of the service principals, not their app ids.";
            RetryPolicy::backoff(
                RetryClass::Principal,
                error.retry_after(),
                failed(code, help),
            )
            .within(HOUR)
        }
        (Kind::Denied, _) => RetryPolicy::at_once(failed(
            code,
            "Give Vaultbind's identity the right to do this, and check that the condition of its role assignment allows this role and principal.",
        )),
        (Kind::Invalid, _) => RetryPolicy::at_once(failed(
            code,
            "Azure refuses the call as it is; the message says why.",
        )),
        (
            Kind::Throttled
            | Kind::Conflict
            | Kind::PreconditionFailed
            | Kind::NotFound
            | Kind::Unauthenticated
            | Kind::Unavailable
            | Kind::Malformed
            | Kind::Token,
            _,
        ) => {
            let end = failed(
                code,
                "It failed until the deadline; the next event or sweep looks again.",
            );
            RetryPolicy::transient(error.retry_after(), end)
        }
    }
}

/// The lookup of the platform apps in Microsoft Graph.
fn directory(error: &CallError, failed: Failed<'_>) -> RetryPolicy {
    const COMMAND: &str = "Set VAULTBIND_PLATFORM_PRINCIPAL_IDS to the output of `az ad sp show --id <app id> --query id -o tsv` \
        for 05cf5e27-931d-47ad-826d-cb9028d8bd7a and 3365d4ea-bb16-4bc9-86dd-f2c8cf6f1f56, comma separated; \
        or give Vaultbind's identity Application.Read.All.";
    match error.kind() {
        Kind::Denied => RetryPolicy::at_once(failed("DirectoryDenied", COMMAND)),
        Kind::NotFound
        | Kind::Throttled
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::Unauthenticated
        | Kind::Unavailable
        | Kind::Malformed
        | Kind::Invalid
        | Kind::Token => call(error, failed),
    }
}

fn gone(cluster: &ClusterId) -> Decision {
    Decision::ending(Outcome::Gone, reason::not_found(cluster))
}

#[cfg(test)]
mod tests;
