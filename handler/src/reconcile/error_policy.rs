//! Retry or give up: the one table that says what becomes of a reconcile that came to no end.
//!
//! It must not do anything itself, and must not ask Azure.

mod backoff;
mod call;
pub mod codes;

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use vaultbind_core::{
    decision::{Decision, Patience},
    id::ClusterId,
    result::{Code, Outcome, reason},
};

use super::{Error, MAX_PATCHES, poll::OperationFailure};
use crate::{
    request::{Origin, Request, RetryClass},
    telemetry::ErrorChain,
};

use backoff::{Backoff, delay};
use call::{call, directory};
use codes::{Meaning, judged};

/// How a class of errors is met.
struct RetryPolicy {
    /// None for waiting that is no failure. It interrupts no class: a change that fails again and again would else be
    /// tried as if for the first time, each time.
    class: Option<RetryClass>,
    backoff: Backoff,
    /// How long the class may last; the request's own deadline holds besides.
    limit: Option<Duration>,
    /// Does the limit count from the request's first sight, whatever was waited for before?
    of_request: bool,
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
            of_request: false,
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
            of_request: false,
            end,
        }
    }

    fn at_once(end: Decision) -> Self {
        Self {
            class: Some(RetryClass::Transient),
            backoff: Backoff::None,
            limit: None,
            of_request: false,
            end,
        }
    }

    fn within(self, limit: Duration) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// For as long as roles may take to spread after a deployment.
    fn while_rights_spread(self) -> Self {
        Self {
            of_request: true,
            ..self.within(RIGHTS_SPREAD)
        }
    }
}

/// How long a right that is missing may be on its way, from the first sight of a request.
pub const RIGHTS_SPREAD: Duration = Duration::from_secs(900);
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
        // Whatever else is waited for goes on meanwhile.
        None if matches!(error, Error::Unsent { .. }) => {
            request.progress.unsent = request.progress.unsent.saturating_add(1);
            request.progress.unsent
        }
        // Another error in between ends the class, and does not bring the next change forward.
        Some(
            class @ (RetryClass::RoleSpreads
            | RetryClass::VaultUnavailable
            | RetryClass::FailedOperation),
        ) => {
            let tries = request.progress.enter(class, now);
            tries.max(request.progress.patches)
        }
        Some(class) => request.progress.enter(class, now),
        None => request.progress.poll(),
    };
    let left =
        |limit: Duration, since: Option<OffsetDateTime>| limit - (now - since.unwrap_or(now));
    let until_deadline = left(deadline, request.first_seen);
    let since = match policy.of_request {
        true => request.first_seen,
        false => request.progress.since,
    };
    let left = policy.limit.map_or(until_deadline, |limit| {
        until_deadline.min(left(limit, since))
    });
    match Duration::try_from(left) {
        Ok(left) if !left.is_zero() => Ok(delay(policy.backoff, tries, request, left)),
        _ => Err(Box::new(policy.end)),
    }
}

/// The same while somebody waits for the answer: who lacks a right is told at once.
///
/// # Errors
/// How it ends, where there is no patience left.
pub fn retry_for_a_person(
    error: &Error,
    request: &mut Request,
    now: OffsetDateTime,
    patience: Duration,
) -> Result<Duration, Box<Decision>> {
    let policy = retry_policy(error, request);
    if policy.of_request {
        return Err(Box::new(policy.end));
    }
    retry(error, request, now, patience)
}

const TOO_LONG: &str = "Look at the cluster's activity log; the next event or sweep looks again.";
const OPERATION_FAILED: &str =
    "See the cluster's activity log for the operation; the next event or sweep tries again.";
const UNSEEN: &str = "Look for another writer in the cluster's activity log.";

/// The table.
fn retry_policy(error: &Error, request: &Request) -> RetryPolicy {
    let failed = |code: &str, help: &str| {
        let message = ErrorChain(error).to_string();
        Decision::ending(Outcome::Failed, reason::call_failed(code, message, help))
    };
    let own = |code: Code, help: &str| failed(code.word(), help);
    match error {
        Error::Call(error) => call(error, &failed),
        Error::Directory(error) => directory(error, &failed),
        Error::Absent(cluster) => absent(cluster, request.origin),
        // After two minutes it counts as made anew, whatever comes of it then.
        Error::StillShown(_) => RetryPolicy::steps(
            RetryClass::StillShown,
            &[10, 20, 30, 60],
            None,
            own(Code::StillShown, TOO_LONG),
        ),
        Error::Proof(error) => {
            let message = ErrorChain(&Error::Proof(Arc::clone(error))).to_string();
            let end = Decision::ending(Outcome::Held, reason::proof_failed(message));
            RetryPolicy::backoff(RetryClass::Unproven, error.retry_after(), end).within(TEN_MINUTES)
        }
        Error::Wait(decision) => wait(decision),
        Error::NotAllowed(decision) => {
            let end = Decision::clone(decision);
            RetryPolicy::backoff(RetryClass::NotAllowed, None, end).while_rights_spread()
        }
        Error::UnderWay { runs, retry_after } => RetryPolicy {
            backoff: Backoff::Third(*runs, *retry_after),
            ..RetryPolicy::backoff(None, None, own(Code::OperationTooLong, TOO_LONG))
        },
        Error::Operation {
            failure,
            role_is_young,
        } => operation(failure, *role_is_young, request, &failed),
        Error::NotVisible => RetryPolicy::steps(
            RetryClass::NotVisible,
            &[2, 5, 10, 20, 30],
            None,
            own(Code::NotVisible, UNSEEN),
        ),
        Error::Redelivered => {
            RetryPolicy::steps(None, &[5], None, own(Code::Redelivered, TOO_LONG))
        }
        Error::Unsent { retry_after } => {
            RetryPolicy::backoff(None, *retry_after, Decision::ending(Outcome::Failed, None))
        }
        Error::Changed(_) => RetryPolicy::transient(None, own(Code::ClusterChanges, UNSEEN)),
        Error::OutOfTime => {
            let end = own(
                Code::TooSlow,
                "Azure answered too slowly; the next event or sweep looks again.",
            );
            RetryPolicy::transient(None, end)
        }
    }
}

/// A cluster that is not found: after an event told of it, reads may lag.
fn absent(cluster: &ClusterId, origin: Origin) -> RetryPolicy {
    match origin {
        Origin::Delete | Origin::Gone | Origin::Sweep => RetryPolicy::at_once(gone(cluster)),
        Origin::Write | Origin::Own | Origin::Notified => {
            RetryPolicy::steps(RetryClass::Absent, &[10, 20, 30, 60], None, gone(cluster))
                .within(super::READ_LAG)
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

/// A change that Azure took on and did not bring to its end, or refused for what the platform says of the vault.
fn operation(
    failure: &OperationFailure,
    role_is_young: bool,
    request: &Request,
    failed: Failed<'_>,
) -> RetryPolicy {
    let known = judged(std::slice::from_ref(&failure.code)).map(|(_, known)| known);
    let (meaning, help) = known.map_or((None, OPERATION_FAILED), |known| {
        (Some(known.meaning), known.help)
    });
    let end = failed(&failure.code, help);
    let again = |class| RetryPolicy::backoff(class, None, end.clone());
    match meaning {
        Some(Meaning::ForAPerson) => RetryPolicy::at_once(end),
        Some(Meaning::NoAccess) if role_is_young => again(RetryClass::RoleSpreads).within(HOUR),
        Some(Meaning::VaultUnavailable) => again(RetryClass::VaultUnavailable).within(HOUR),
        _ if request.progress.patches < MAX_PATCHES => again(RetryClass::FailedOperation),
        _ => RetryPolicy::at_once(end),
    }
}

fn gone(cluster: &ClusterId) -> Decision {
    Decision::ending(Outcome::Gone, reason::not_found(cluster))
}

#[cfg(test)]
mod tests;
