//! The classes of retry: what a request is waiting for, which decides how long it waits.
//!
//! It must not know how a class is met; that is the error policy's table.

use serde::{Deserialize, Serialize};

/// What a request is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryClass {
    /// A call that failed in a way that may pass.
    Transient,
    /// A cluster that is not found, though an event told of it.
    Absent,
    /// An operation that failed, to be tried again.
    FailedOperation,
    /// A role that has yet to have effect.
    RoleSpreads,
    /// A vault that the platform cannot reach for the moment.
    VaultUnavailable,
    /// A right that is missing, or has yet to spread.
    NotAllowed,
    /// What was written and cannot be read back yet.
    NotVisible,
    /// A principal that the directory does not know yet.
    Principal,
    /// A vault or an identity that is not ready.
    NotReady,
    /// A cluster that is shown, though an event told of its deletion.
    StillShown,
    /// A vault in place that is not found, and not known to be deleted.
    Unproven,
    /// A boundary that is not there, as one answer says.
    Unsettled,
    /// A class that another version of the program wrote.
    #[serde(other)]
    Unknown,
}
