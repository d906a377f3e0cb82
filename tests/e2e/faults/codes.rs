//! The rows of the matrix by code: what Azure says by name, and the calls that it can say it to.
//!
//! It must not run anything.

use vaultbind_simulator::{faults::Fault, journal::Service, state::Ending};

use super::calls::{Named, TARGETS, Target, Trouble};

/// Which calls a code can be the answer of.
#[derive(Debug, Clone, Copy)]
enum Calls {
    /// Every call of ARM.
    Any,
    /// Those of a resource provider that may not be registered.
    Resources,
    /// Whatever is written.
    Writes,
    /// A role assignment.
    Roles,
    /// The change of the cluster, and its end.
    Change,
    /// A query of Resource Graph.
    Queries,
}

use Calls::{Any, Change, Queries, Resources, Roles, Writes};

/// Every code that is known, with its status and the calls that it can be the answer of.
const CODES: [(&str, u16, Calls); 36] = [
    ("ScopeLocked", 409, Writes),
    ("ReadOnlyDisabledSubscription", 409, Writes),
    ("SubscriptionNotRegistered", 409, Resources),
    ("MissingSubscriptionRegistration", 409, Resources),
    ("RoleDefinitionDoesNotExist", 404, Roles),
    ("RequestDisallowedByPolicy", 403, Writes),
    ("RequestDisallowedByAzure", 403, Writes),
    ("DenyAssignmentAuthorizationFailed", 403, Any),
    ("RoleAssignmentLimitExceeded", 400, Roles),
    ("InvalidAuthenticationTokenTenant", 401, Any),
    ("AuthorizationFailed", 403, Any),
    ("LinkedAuthorizationFailed", 403, Writes),
    ("HashConflictOnDifferentRoleAssignmentIds", 400, Roles),
    ("RoleAssignmentUpdateNotPermitted", 400, Roles),
    ("PrincipalNotFound", 400, Roles),
    (
        "BadRequest>NoValidSubscriptionsInQueryRequest",
        400,
        Queries,
    ),
    ("SubscriptionNotFound", 404, Any),
    ("NoRegisteredProviderFound", 400, Any),
    ("InvalidResourceType", 404, Any),
    ("InvalidApiVersionParameter", 400, Any),
    ("KeyVaultUriMissing", 400, Change),
    ("KeyVaultUriInvalid", 400, Change),
    ("KeyVaultIdentityMissing", 400, Change),
    ("KeyVaultIdentityTypeInvalid", 400, Change),
    ("KeyVaultIdentityResourceIdMissing", 400, Change),
    ("KeyVaultIdentityResourceIdInvalid", 400, Change),
    ("KeyVaultNotFound", 400, Change),
    ("KeyVaultAccessDenied", 400, Change),
    ("KeyVaultSecretCreateFailed", 400, Change),
    ("KeyVaultSecretReadFailed", 400, Change),
    ("KeyVaultSecretDeleteFailed", 400, Change),
    ("KeyVaultRequestTimeout", 400, Change),
    ("KeyVaultRequestThrottled", 400, Change),
    ("KeyVaultServiceUnavailable", 400, Change),
    // Of what nothing is known: it is told within the hour too.
    ("CannotDoThisNow", 409, Writes),
    ("ResourceOperationFailure>SomethingElse", 400, Change),
];

impl Calls {
    fn hold(self, target: Target) -> bool {
        let is_arm = target.service == Service::Arm && !target.name.starts_with("reading");
        let is_write = ["PUT", "PATCH"].contains(&target.method) || target.name == "register";
        let is_query = ["sweep's page", "vault by its address"].contains(&target.name);
        let of_arm_itself = ["registration", "register", "subscription", "subscriptions"];
        is_arm
            && match self {
                Any => true,
                Resources => !is_query && !of_arm_itself.contains(&target.name),
                Writes => is_write,
                Roles => target.method == "PUT",
                Change => target.method == "PATCH",
                Queries => is_query,
            }
    }
}

fn answered(code: &'static str, status: u16) -> Named {
    let fault = Fault::Status {
        status,
        code: code.to_owned(),
        message: "an answer of the matrix".to_owned(),
        retry_after: None,
    };
    Named {
        name: code,
        trouble: Trouble::Fault(fault),
        passes: false,
    }
}

/// The same at the end of an operation that Azure took on, with something around it.
fn ended(code: &'static str) -> Named {
    Named {
        name: code,
        trouble: Trouble::Ending(Ending::Failed(format!("ResourceOperationFailure>{code}"))),
        passes: false,
    }
}

/// Every call with every code that it can be answered with.
pub(super) fn rows() -> Vec<(Target, Named)> {
    let mut rows = Vec::new();
    for (code, status, calls) in CODES {
        let targets = TARGETS.into_iter().filter(|target| calls.hold(*target));
        for target in targets {
            rows.push((target, answered(code, status)));
            if matches!(calls, Change) {
                rows.push((target, ended(code)));
            }
        }
    }
    rows
}

/// The name of a row's call: a change that ended so was taken before.
pub(super) fn call(target: Target, trouble: &Named) -> &'static str {
    match trouble.trouble {
        Trouble::Ending(_) => "operation fails",
        Trouble::Fault(_) => target.name,
    }
}
