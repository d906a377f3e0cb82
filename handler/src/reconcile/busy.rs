//! Clusters that are busy: with the change of this request, or with something else.
//!
//! It must not wait, nor say for how long: it says what the cluster is busy with.

use time::OffsetDateTime;
use vaultbind_core::{decision::Decision, result::Code};

use super::Error;
use crate::request::{Origin, Request};

/// A cluster that is busy with the change of this request is looked at again at the change's own pace.
pub(super) fn still_running(request: &Request, error: Error, now: OffsetDateTime) -> Error {
    match (&error, request.progress.runs(now)) {
        (Error::Wait(decision), Some(runs)) if is_busy(decision) => Error::UnderWay {
            runs,
            retry_after: None,
        },
        _ => error,
    }
}

/// Has a sweep found a cluster that needs nothing, and is busy with what this request did not begin?
pub(super) fn is_right_in_a_sweep(request: &Request, error: &Error) -> bool {
    let Error::Wait(decision) = error else {
        return false;
    };
    let progress = &request.progress;
    let is_untouched = progress.changes.is_empty() && !progress.redelivered;
    let is_right = decision.vault.is_some() && decision.plan.is_empty();
    request.origin == Origin::Sweep && is_untouched && is_right && is_busy(decision)
}

fn is_busy(decision: &Decision) -> bool {
    let reason = decision.reason.as_ref();
    reason.is_some_and(|reason| reason.is(Code::ClusterBusy))
}
