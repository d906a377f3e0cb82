//! Polling: how an operation stands that Azure has under way.
//!
//! It must not wait for it: an operation that still runs is a request for later.

use std::{fmt, time::Duration};

use time::OffsetDateTime;
use vaultbind_azure::{
    Error as CallError, ErrorDetail, Kind,
    arm::{Operation, OperationStatus, OperationUrl},
};
use vaultbind_core::{
    id::ClusterId,
    result::{ChangeStatus, Code},
};

use super::{
    Error, READ_LAG,
    error_policy::codes::{Meaning, judged},
};
use crate::{
    context::Context,
    request::{Progress, Request, RetryClass},
    telemetry::ErrorChain,
};

/// How many polls may say nothing that is known, before the cluster's own state counts.
const MOST_UNREAD: u32 = 10;

/// How an operation failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFailure {
    /// Azure's code.
    pub code: String,
    /// Azure's message.
    pub message: String,
}

impl OperationFailure {
    /// The failure that a request remembers; it knows none of an operation that nobody followed to its end.
    pub fn last(progress: &Progress) -> Self {
        let left_behind = || {
            let message = "the cluster's last operation did not succeed";
            (Code::OperationFailed.word().to_owned(), message.to_owned())
        };
        let (code, message) = progress.failure.clone().unwrap_or_else(left_behind);
        Self { code, message }
    }

    /// What Azure says of an operation that failed: the code by which it is judged, and all that it says.
    fn of(said: &ErrorDetail) -> Self {
        let outermost = said.codes.first().map(String::as_str);
        let judged = judged(&said.codes).map(|(code, _)| code);
        let code = judged.or(outermost);
        let message = said.message.as_deref().unwrap_or("no reason given");
        let message = match said.codes.len() {
            0 | 1 => message.to_owned(),
            _ => format!("{message} ({})", said.codes.join(", ")),
        };
        Self {
            code: code.unwrap_or(Code::OperationFailed.word()).to_owned(),
            message,
        }
    }

    /// The same, of a change that was refused.
    pub fn of_call(error: &CallError) -> Self {
        let code = judged(error.codes()).map(|(code, _)| code).or(error.code());
        Self {
            code: code.unwrap_or(Code::CallFailed.word()).to_owned(),
            message: error.to_string(),
        }
    }

    /// Says the platform that its writer has no access to the vault?
    pub fn is_about_access(&self) -> bool {
        let known = judged(std::slice::from_ref(&self.code));
        known.is_some_and(|(_, known)| known.meaning == Meaning::NoAccess)
    }

    /// Has the request remember it.
    pub fn note(&self, progress: &mut Progress) {
        progress.failure = Some((self.code.clone(), self.message.clone()));
    }
}

impl fmt::Display for OperationFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// Polls the operation that the request carries; a failure comes back, for the decision has to be known to judge it.
///
/// # Errors
/// Where the operation still runs or could not be polled.
pub async fn poll(
    context: &Context,
    request: &mut Request,
    cluster: &ClusterId,
) -> Result<Option<OperationFailure>, Error> {
    let Some(text) = request.operation.clone() else {
        return Ok(None);
    };
    let url = OperationUrl::accept(&text, context.arm.endpoint(), cluster)
        .filter(|_| context.policy.covers(cluster.subscription()));
    let Some(url) = url else {
        tracing::warn!(
            "the operation's URL is not one to follow, the cluster's state is followed instead"
        );
        request.operation = None;
        return Ok(None);
    };
    let now = context.clock.now();
    match ask(context, &url).await? {
        Some(operation) => settle(request, operation, now),
        None => {
            follow_cluster(request, now);
            Ok(None)
        }
    }
}

/// What the operation's address says; none where it shows nothing to us.
async fn ask(context: &Context, url: &OperationUrl) -> Result<Option<Operation>, Error> {
    match context.arm.operation(url).await {
        Ok(operation) => Ok(Some(operation)),
        Err(error) if error.kind() == Kind::Malformed => Ok(Some(Operation {
            status: OperationStatus::Unread,
            retry_after: error.retry_after(),
        })),
        // What is over may be forgotten, and what may not be read goes on: a refusal of the poll is none of the change.
        Err(error) if is_refused(&error) => {
            tracing::warn!(error = %ErrorChain(&error), "the operation is not shown, the cluster's state is followed instead");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What the operation's answer makes of the request.
fn settle(
    request: &mut Request,
    operation: Operation,
    now: OffsetDateTime,
) -> Result<Option<OperationFailure>, Error> {
    let failure = match operation.status {
        OperationStatus::Running => {
            request.progress.unread = 0;
            return Err(under_way(request, operation.retry_after, now));
        }
        OperationStatus::Unread if request.progress.unread < MOST_UNREAD => {
            request.progress.unread += 1;
            return Err(under_way(request, operation.retry_after, now));
        }
        OperationStatus::Unread | OperationStatus::Over => {
            tracing::info!("the operation does not say how it ended, the cluster's state does");
            follow_cluster(request, now);
            return Ok(None);
        }
        OperationStatus::Succeeded => {
            follow_cluster(request, now);
            request.progress.settle(ChangeStatus::Done);
            return Ok(None);
        }
        OperationStatus::Failed(said) => OperationFailure::of(&said),
        OperationStatus::Canceled => OperationFailure {
            code: Code::OperationCanceled.word().to_owned(),
            message: "the operation was canceled".to_owned(),
        },
    };
    request.operation = None;
    failure.note(&mut request.progress);
    request.progress.settle(ChangeStatus::Failed);
    Ok(Some(failure))
}

fn under_way(request: &Request, retry_after: Option<Duration>, now: OffsetDateTime) -> Error {
    Error::UnderWay {
        runs: request.progress.runs(now).unwrap_or_default(),
        retry_after,
    }
}

/// The failure of a change whose end only the cluster can show, and which it does not show once reads lag no more.
pub(super) fn unshown(request: &mut Request, now: OffsetDateTime) -> Option<OperationFailure> {
    let progress = &mut request.progress;
    let lags = progress.lasts(RetryClass::NotVisible);
    let lags = lags.is_some_and(|since| now - since < READ_LAG);
    progress.runs(now).filter(|_| !lags)?;
    progress.settle(ChangeStatus::Failed);
    Some(OperationFailure::last(progress))
}

/// The operation tells no more: the cluster's own state counts, which may lag behind.
fn follow_cluster(request: &mut Request, now: OffsetDateTime) {
    request.operation = None;
    request.progress.failure = None;
    request.progress.enter(RetryClass::NotVisible, now);
}

/// Does Azure refuse the poll as such?
fn is_refused(error: &CallError) -> bool {
    match error.kind() {
        Kind::NotFound
        | Kind::Denied
        | Kind::Invalid
        | Kind::Conflict
        | Kind::PreconditionFailed => true,
        Kind::Throttled
        | Kind::Unauthenticated
        | Kind::Unavailable
        | Kind::Malformed
        | Kind::Token => false,
    }
}
