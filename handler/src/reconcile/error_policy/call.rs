//! The part of the table that is about calls to Azure.
//!
//! It must not know what the call was for, but that the directory was asked.

use vaultbind_azure::{Error as CallError, Kind};
use vaultbind_core::result::Code;

use super::{Failed, HOUR, RetryPolicy};
use crate::request::RetryClass;

/// The codes of what only a person can lift, and what they do. To repeat the call helps nobody.
const FOR_A_PERSON: [(&str, &str); 8] = [
    (
        "ScopeLocked",
        "A read-only lock is on the resource or above it; the message names it. Remove it, or exempt the cluster in the policy.",
    ),
    (
        "ReadOnlyDisabledSubscription",
        "The subscription is disabled, so that nothing in it can be changed. Have whoever owns its billing enable it again.",
    ),
    (
        "RoleDefinitionDoesNotExist",
        "This cloud does not have the role Operator Nexus Key Vault Writer Service Role (Preview). Ask whoever runs Azure Operator Nexus there.",
    ),
    (
        "RequestDisallowedByPolicy",
        "An Azure Policy forbids the change; the message names it. Have whoever owns it exempt the resource.",
    ),
    (
        "RequestDisallowedByAzure",
        "Azure does not allow this in the subscription or region; the message says why.",
    ),
    (
        "DenyAssignmentAuthorizationFailed",
        "A deny assignment forbids the change, whatever roles there are; the message names it. Have whoever owns it exclude Vaultbind's identity.",
    ),
    (
        "RoleAssignmentLimitExceeded",
        "The subscription of the vault has as many role assignments as it may have. Remove some that are not needed.",
    ),
    (
        "InvalidAuthenticationTokenTenant",
        "The subscription belongs to another directory than Vaultbind's identity. Take it out of the policy's scope; an installation there can serve it.",
    ),
];

/// What a person has to do about a refusal of this code, where only a person can.
fn for_a_person(code: Option<&str>) -> Option<&'static str> {
    let is_this =
        |known: &&(&str, &str)| code.is_some_and(|code| code.eq_ignore_ascii_case(known.0));
    FOR_A_PERSON.iter().find(is_this).map(|(_, help)| *help)
}

/// Calls to ARM: what may pass is tried until the deadline, what will not ends at once.
pub(super) fn call(error: &CallError, failed: Failed<'_>) -> RetryPolicy {
    let code = error.code().unwrap_or(Code::CallFailed.word());
    if let Some(help) = for_a_person(error.code()) {
        return RetryPolicy::at_once(failed(code, help));
    }
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
        // Busy clusters are waited for; a conflict of which nothing is known may need a person.
        (Kind::Conflict, Some(_)) => {
            let help = "Azure refuses the change for the state that something is in; the message says more.";
            RetryPolicy::transient(error.retry_after(), failed(code, help)).within(HOUR)
        }
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
