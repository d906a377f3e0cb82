//! The part of the table that is about calls to Azure.
//!
//! It must not know what the call was for, but that the directory was asked.

use vaultbind_azure::{Error as CallError, Kind};
use vaultbind_core::result::Code;

use super::{Failed, HOUR, RetryPolicy};
use crate::request::RetryClass;

/// Calls to ARM: what may pass is tried until the deadline, what will not ends at once.
pub(super) fn call(error: &CallError, failed: Failed<'_>) -> RetryPolicy {
    let code = error.code().unwrap_or(Code::CallFailed.word());
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
pub(super) fn directory(error: &CallError, failed: Failed<'_>) -> RetryPolicy {
    const COMMAND: &str = "Set VAULTBIND_PLATFORM_PRINCIPAL_IDS to the output of `az ad sp show --id <app id> --query id -o tsv` \
        for 05cf5e27-931d-47ad-826d-cb9028d8bd7a and 3365d4ea-bb16-4bc9-86dd-f2c8cf6f1f56, comma separated; \
        or give Vaultbind's identity Application.Read.All.";
    match error.kind() {
        Kind::Denied => RetryPolicy::at_once(failed(Code::DirectoryDenied.word(), COMMAND)),
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
