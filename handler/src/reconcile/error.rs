//! Why a reconcile came to no end.
//!
//! It must not say what becomes of it; that is the error policy's table.

use std::{sync::Arc, time::Duration};

use vaultbind_azure::Error as CallError;
use vaultbind_core::{decision::Decision, id::ClusterId};

use super::poll::OperationFailure;

/// Why a reconcile came to no end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to Azure failed.
    #[error("a call to Azure failed")]
    Call(#[source] Arc<CallError>),
    /// A call failed that would have told whether a vault is deleted.
    #[error("the vault is not found, and whether it is deleted cannot be asked")]
    Proof(#[source] Arc<CallError>),
    /// A platform app could not be found in the directory.
    #[error("cannot find the platform apps in the directory")]
    Directory(#[source] Arc<CallError>),
    /// The cluster was not found.
    #[error("{0} was not found")]
    Absent(ClusterId),
    /// The cluster is shown, though an event told of its deletion: reads lag.
    #[error("{0} was deleted and is still shown")]
    StillShown(ClusterId),
    /// Somebody changed the cluster between the look and the change.
    #[error("{0} was changed meanwhile")]
    Changed(ClusterId),
    /// There is something to change, and an earlier delivery of the request broke off, which may have changed it.
    #[error("an earlier delivery of the request broke off")]
    Redelivered,
    /// Something has to pass first.
    #[error("{}", .0.reason.as_ref().map_or("it has to wait", |reason| reason.message.as_str()))]
    Wait(Box<Decision>),
    /// It ends so unless a right that is missing comes: roles take their time to spread.
    #[error("{}", .0.reason.as_ref().map_or("a right is missing", |reason| reason.message.as_str()))]
    NotAllowed(Box<Decision>),
    /// A change is under way.
    #[error("the change is under way")]
    UnderWay {
        /// For how long.
        runs: Duration,
        /// When Azure asks to be asked again.
        retry_after: Option<Duration>,
    },
    /// The change that was under way failed.
    #[error("the change failed: {}", .failure)]
    Operation {
        /// How it failed.
        failure: OperationFailure,
        /// Is a role that the writer needs so young that it may not have effect yet?
        role_is_young: bool,
    },
    /// What was written cannot be read back yet.
    #[error("what was written cannot be read back yet")]
    NotVisible,
    /// What came of it cannot be told.
    #[error("the result cannot be sent")]
    Unsent {
        /// When the queue asks to be asked again.
        retry_after: Option<Duration>,
    },
    /// It took longer than an invocation may.
    #[error("the look took too long")]
    OutOfTime,
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(Arc::new(error))
    }
}
