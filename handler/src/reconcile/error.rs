//! Why a reconcile came to no end.
//!
//! It must not say what becomes of it; that is the error policy's table.

use std::time::Duration;

use vaultbind_azure::Error as CallError;
use vaultbind_core::{
    decision::Patience,
    id::ClusterId,
    result::{Outcome, Reason},
};

use super::poll::OperationFailure;

/// How a request ends that comes to no end by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// Why, and what to do.
    pub reason: Reason,
}

/// Why a reconcile came to no end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to Azure failed.
    #[error("a call to Azure failed")]
    Call(#[source] CallError),
    /// A platform app could not be found in the directory.
    #[error("cannot find the platform apps in the directory")]
    Directory(#[source] CallError),
    /// The cluster was not found.
    #[error("{0} was not found")]
    Absent(ClusterId),
    /// Something has to pass first.
    #[error("{}", .1.reason.message)]
    Wait(Patience, Box<Ending>),
    /// A change is under way.
    #[error("the change is under way")]
    UnderWay {
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
    /// It took longer than an invocation may.
    #[error("the look took too long")]
    OutOfTime,
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}
