//! Retry or give up: the one table that says what becomes of a look that came to no end.
//!
//! It must not do anything itself, and must not ask Azure.

mod delay;

use std::time::Duration;

use time::OffsetDateTime;
use vaultbind_azure::{Error as CallError, Kind};
use vaultbind_core::{
    decision::{Patience, Refusal},
    id::ClusterId,
    result::{CauseKind, Outcome, Reason, reason},
};

use super::{MAX_PATCHES, Setback, Verdict, follow::OperationFailure};
use crate::{
    request::{Class, Origin, Request},
    telemetry::ErrorChain,
};

use delay::{Delays, delay};

/// When a cluster without a vault is looked at again, in seconds: the vault may be on its way.
const UNMATCHED_STEPS: [u64; 3] = [60, 300, 900];

/// What becomes of the request.
#[derive(Debug)]
pub enum Next {
    /// Look again after this long.
    Requeue(Duration),
    /// It ends.
    End(Box<Refusal>),
}

/// How a class of setback is met.
struct Treatment {
    /// None for waiting that is no failure. It interrupts no class: a change that fails again and again would else be
    /// tried as if for the first time, each time.
    class: Option<Class>,
    delays: Delays,
    /// How long the class may last; the request's own deadline holds besides.
    limit: Option<Duration>,
    /// What it becomes when the time is up.
    end: Refusal,
}

impl Treatment {
    fn backoff(class: impl Into<Option<Class>>, asked: Option<Duration>, end: Refusal) -> Self {
        Self {
            class: class.into(),
            delays: Delays::Backoff(asked),
            limit: None,
            end,
        }
    }

    fn steps(
        class: impl Into<Option<Class>>,
        steps: &'static [u64],
        asked: Option<Duration>,
        end: Refusal,
    ) -> Self {
        Self {
            class: class.into(),
            delays: Delays::Steps(steps, asked),
            limit: None,
            end,
        }
    }

    fn at_once(end: Refusal) -> Self {
        Self {
            class: Some(Class::Transient),
            delays: Delays::None,
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

/// Judges a setback and enters its class in the request's memory.
pub fn judge(
    setback: &Setback,
    request: &mut Request,
    now: OffsetDateTime,
    deadline: Duration,
) -> Next {
    let treatment = treatment(setback, request);
    if matches!(treatment.delays, Delays::None) {
        return Next::End(Box::new(treatment.end));
    }
    let tries = match treatment.class {
        // Another setback in between ends the class, and does not bring the next change forward.
        Some(class @ (Class::RoleSpreads | Class::FailedOperation)) => {
            let tries = request.progress.enter(class, now);
            tries.max(request.progress.patches)
        }
        Some(class) => request.progress.enter(class, now),
        None => request.progress.poll(),
    };
    let left =
        |limit: Duration, since: Option<OffsetDateTime>| limit - (now - since.unwrap_or(now));
    let until_deadline = left(deadline, request.first_seen);
    let left = treatment.limit.map_or(until_deadline, |limit| {
        until_deadline.min(left(limit, request.progress.since))
    });
    match Duration::try_from(left) {
        Ok(left) if !left.is_zero() => Next::Requeue(delay(treatment.delays, tries, request, left)),
        _ => Next::End(Box::new(treatment.end)),
    }
}

/// What becomes of a verdict: reported, and looked at again where an event may come too early for its vault.
pub fn rest(
    verdict: Verdict,
    request: &mut Request,
    now: OffsetDateTime,
) -> (Option<Verdict>, Option<Duration>) {
    let lacks_vault = matches!(&verdict, Verdict::Refused(it)
        if [reason::NO_VAULT, reason::OUTSIDE_WITHIN].contains(&it.reason.code.as_str()));
    let by_event = request.cause.kind == CauseKind::Event && !request.origin.is_quiet();
    if !lacks_vault || !by_event {
        return (Some(verdict), None);
    }
    let looks = request.progress.enter(Class::Unmatched, now) as usize;
    let again = UNMATCHED_STEPS
        .get(looks - 1)
        .map(|seconds| Duration::from_secs(*seconds));
    // Later looks tell only of another outcome.
    let is_first = looks == 1 || request.progress.redelivered;
    (is_first.then_some(verdict), again)
}

/// The table.
fn treatment(setback: &Setback, request: &Request) -> Treatment {
    const TOO_LONG: &str =
        "Look at the cluster's activity log; the next event or sweep looks again.";
    const UNSEEN: &str =
        "What was written is not what Azure shows; look for another writer in the activity log.";
    let failed = |code: &str, help: &str| {
        let message = ErrorChain(setback).to_string();
        refusal(Outcome::Failed, reason::call_failed(code, message, help))
    };
    match setback {
        Setback::Call(error) => call(error, &failed),
        Setback::Directory(error) => directory(error, &failed),
        Setback::Absent(cluster) if matches!(request.origin, Origin::Delete | Origin::Sweep) => {
            Treatment::at_once(gone(cluster))
        }
        Setback::Absent(cluster) => {
            Treatment::steps(Class::Absent, &[10, 20, 30, 60], None, gone(cluster))
                .within(super::READ_LAG)
        }
        Setback::Wait(wait) => {
            let end = wait.refusal.clone();
            match wait.patience {
                Patience::Hour => Treatment::backoff(Class::NotReady, None, end).within(HOUR),
                Patience::Deadline => Treatment::backoff(None, None, end),
            }
        }
        Setback::UnderWay { retry_after } => Treatment::steps(
            None,
            &[10, 15, 20, 30],
            *retry_after,
            failed("OperationTooLong", TOO_LONG),
        ),
        Setback::Operation {
            failure,
            role_is_young,
        } => operation(failure, *role_is_young, request, &failed),
        Setback::NotVisible => Treatment::steps(
            Class::NotVisible,
            &[2, 5, 10, 20, 30],
            None,
            failed("NotVisible", UNSEEN),
        ),
        Setback::OutOfTime => {
            let end = failed(
                "TooSlow",
                "Azure answered too slowly; the next event or sweep looks again.",
            );
            Treatment::backoff(Class::Transient, None, end)
        }
    }
}

type Failed<'a> = &'a dyn Fn(&str, &str) -> Refusal;

/// A change that Azure took on and did not bring to its end.
fn operation(
    failure: &OperationFailure,
    role_is_young: bool,
    request: &Request,
    failed: Failed<'_>,
) -> Treatment {
    if failure.is_about_access() && role_is_young {
        let help = "The writer holds the role on the vault; check the vault's network rules.";
        return Treatment::backoff(Class::RoleSpreads, None, failed(&failure.code, help))
            .within(HOUR);
    }
    let help =
        "See the cluster's activity log for the operation; the next event or sweep tries again.";
    let end = failed(&failure.code, help);
    if request.progress.patches < MAX_PATCHES {
        Treatment::backoff(Class::FailedOperation, None, end)
    } else {
        Treatment::at_once(end)
    }
}

/// Calls to ARM: what may pass is tried until the deadline, what will not ends at once.
fn call(error: &CallError, failed: Failed<'_>) -> Treatment {
    let code = error.code().unwrap_or("CallFailed");
    match (error.kind(), error.code()) {
        (_, Some("PrincipalNotFound")) => {
            let help = "Check the object ids in VAULTBIND_PLATFORM_PRINCIPAL_IDS: they are those of the service principals, not their app ids.";
            Treatment::backoff(Class::Principal, error.retry_after(), failed(code, help))
                .within(HOUR)
        }
        (Kind::Denied, _) => Treatment::at_once(failed(
            code,
            "Give Vaultbind's identity the right to do this, and check that the condition of its role assignment allows this role and principal.",
        )),
        (Kind::Invalid, _) => Treatment::at_once(failed(
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
            Treatment::backoff(Class::Transient, error.retry_after(), end)
        }
    }
}

/// The look-up of the platform apps in Microsoft Graph.
fn directory(error: &CallError, failed: Failed<'_>) -> Treatment {
    const COMMAND: &str = "Set VAULTBIND_PLATFORM_PRINCIPAL_IDS to the output of `az ad sp show --id <app id> --query id -o tsv` \
        for 05cf5e27-931d-47ad-826d-cb9028d8bd7a and 3365d4ea-bb16-4bc9-86dd-f2c8cf6f1f56, comma separated; \
        or give Vaultbind's identity Application.Read.All.";
    match error.kind() {
        Kind::Denied => Treatment::at_once(failed("DirectoryDenied", COMMAND)),
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

fn gone(cluster: &ClusterId) -> Refusal {
    refusal(Outcome::Gone, reason::not_found(cluster))
}

fn refusal(outcome: Outcome, reason: Reason) -> Refusal {
    Refusal {
        outcome,
        reason,
        rule: None,
        vault: None,
        candidates: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
