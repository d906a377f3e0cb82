//! Polling: how an operation stands that Azure has under way.
//!
//! It must not wait for it: an operation that still runs is a request for later.

use std::fmt;

use vaultbind_azure::{
    Kind,
    arm::{Operation, OperationStatus, OperationUrl},
};
use vaultbind_core::{
    id::ClusterId,
    result::{ChangeStatus, Code},
};

use super::Error;
use crate::{
    context::Context,
    request::{Progress, Request, RetryClass},
    telemetry::ErrorChain,
};

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

    /// Says the failure that the writer has no access to the vault?
    pub fn is_about_access(&self) -> bool {
        const ACCESS_CODES: [&str; 4] = [
            "KeyVaultAccessDenied",
            "KeyVaultSecretCreateFailed",
            "KeyVaultSecretReadFailed",
            "KeyVaultSecretDeleteFailed",
        ];
        ACCESS_CODES
            .iter()
            .any(|code| self.code.eq_ignore_ascii_case(code))
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
    let operation = match context.arm.operation(&url).await {
        Ok(operation) => operation,
        // What is over may be forgotten, and what may not be read goes on: the cluster's state is followed instead.
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Denied) => {
            tracing::info!(error = %ErrorChain(&error), "the operation is not shown");
            Operation {
                status: OperationStatus::Succeeded,
                retry_after: None,
            }
        }
        Err(error) => return Err(error.into()),
    };
    let failure = match operation.status {
        OperationStatus::Running => {
            return Err(Error::UnderWay {
                retry_after: operation.retry_after,
            });
        }
        OperationStatus::Succeeded => {
            request
                .progress
                .enter(RetryClass::NotVisible, context.clock.now());
            None
        }
        OperationStatus::Failed { code, message } => Some(OperationFailure { code, message }),
        OperationStatus::Canceled => Some(OperationFailure {
            code: Code::OperationCanceled.word().to_owned(),
            message: "the operation was canceled".to_owned(),
        }),
    };
    request.operation = None;
    request.progress.failure = failure
        .clone()
        .map(|failure| (failure.code, failure.message));
    request.progress.settle(if failure.is_none() {
        ChangeStatus::Done
    } else {
        ChangeStatus::Failed
    });
    Ok(failure)
}
