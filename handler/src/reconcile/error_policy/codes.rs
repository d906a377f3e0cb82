//! Azure's codes: what each means, wherever it is answered, and what a person does about it.
//!
//! It must not know the call, nor how long anything is waited for.

use vaultbind_core::result::Code;

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Only a person can lift it: to repeat the call helps nobody.
    ForAPerson,
    /// A right is missing, or has yet to spread.
    MissingRight,
    /// The platform's writer has no access to the vault, or not yet.
    NoAccess,
    /// The platform's writer cannot reach the vault for the moment.
    VaultUnavailable,
    /// It passes, most often within minutes.
    Passing,
    /// The directory does not know the principal, or not yet.
    UnknownPrincipal,
}

/// A code that is known.
#[derive(Debug)]
pub struct Known {
    /// The code, as Azure spells it.
    pub code: &'static str,
    /// The code of ours by which it is told, where Azure's own misleads.
    pub told_as: Option<Code>,
    /// What it means.
    pub meaning: Meaning,
    /// What a person does about it.
    pub help: &'static str,
}

const ADDRESS: &str = "The platform does not take the vault's address: check that the vault's cloud is the cluster's, and look at the cluster's activity log.";
const IDENTITY: &str = "The platform cannot use the identity that the cluster's settings name: check that it is assigned to the cluster, or name another with `identity:` in the rule.";
const RIGHT: &str = "Give Vaultbind's identity the right that the message names, and check that the condition of its role assignment allows this role and principal.";
const ACCESS: &str = "The writer holds the role on the vault: check the vault's network rules, that the role has no condition, and that VAULTBIND_PLATFORM_PRINCIPAL_IDS, where it is set, has the object ids of the platform's apps.";
const BUSY: &str = "The platform could not reach the vault for an hour; check the vault's network rules and its health.";
const UNREGISTERED: &str = "Register the resource provider that the message names in the subscription: `az provider register`.";
const UNSEEN: &str = "Give Vaultbind's identity its reader role on the subscriptions of the policy, or take those out of it that it cannot see.";
const VERSION: &str =
    "This cloud or region serves no api-version that this Vaultbind knows; look for a newer one.";
const NAME: &str = "Remove the role assignment of that name on the vault, or give the writer its role there by hand.";

const fn known(code: &'static str, meaning: Meaning, help: &'static str) -> Known {
    Known {
        code,
        told_as: None,
        meaning,
        help,
    }
}

const fn for_a_person(code: &'static str, help: &'static str) -> Known {
    known(code, Meaning::ForAPerson, help)
}

/// Every code that is known.
pub const KNOWN: &[Known] = &[
    for_a_person(
        "ScopeLocked",
        "A read-only lock is on the resource or above it; the message names it. Remove it, or exempt the cluster in the policy.",
    ),
    for_a_person(
        "ReadOnlyDisabledSubscription",
        "The subscription is disabled, so that nothing in it can be changed. Have whoever owns its billing enable it again.",
    ),
    for_a_person(
        "RoleDefinitionDoesNotExist",
        "This cloud does not have the role Operator Nexus Key Vault Writer Service Role (Preview). Ask whoever runs Azure Operator Nexus there.",
    ),
    for_a_person(
        "RequestDisallowedByPolicy",
        "An Azure Policy forbids the change; the message names it. Have whoever owns it exempt the resource.",
    ),
    for_a_person(
        "RequestDisallowedByAzure",
        "Azure does not allow this in the subscription or region; the message says why.",
    ),
    for_a_person(
        "DenyAssignmentAuthorizationFailed",
        "A deny assignment forbids the change, whatever roles there are; the message names it. Have whoever owns it exclude Vaultbind's identity.",
    ),
    for_a_person(
        "RoleAssignmentLimitExceeded",
        "The subscription of the vault has as many role assignments as it may have. Remove some that are not needed.",
    ),
    for_a_person(
        "InvalidAuthenticationTokenTenant",
        "The subscription belongs to another directory than Vaultbind's identity. Take it out of the policy's scope; an installation there can serve it.",
    ),
    for_a_person("HashConflictOnDifferentRoleAssignmentIds", NAME),
    for_a_person("RoleAssignmentUpdateNotPermitted", NAME),
    for_a_person("KeyVaultUriMissing", ADDRESS),
    for_a_person("KeyVaultUriInvalid", ADDRESS),
    for_a_person("KeyVaultIdentityMissing", IDENTITY),
    for_a_person("KeyVaultIdentityTypeInvalid", IDENTITY),
    for_a_person("KeyVaultIdentityResourceIdMissing", IDENTITY),
    for_a_person("KeyVaultIdentityResourceIdInvalid", IDENTITY),
    known("AuthorizationFailed", Meaning::MissingRight, RIGHT),
    known("LinkedAuthorizationFailed", Meaning::MissingRight, RIGHT),
    // Of the caller's sight, not of what is there: the list of subscriptions lags, or it is another directory's.
    Known {
        told_as: Some(Code::SubscriptionNotVisible),
        ..known("SubscriptionNotFound", Meaning::MissingRight, UNSEEN)
    },
    Known {
        told_as: Some(Code::SubscriptionNotVisible),
        ..known(
            "NoValidSubscriptionsInQueryRequest",
            Meaning::MissingRight,
            UNSEEN,
        )
    },
    known("NoRegisteredProviderFound", Meaning::Passing, VERSION),
    known("InvalidResourceType", Meaning::Passing, VERSION),
    known("InvalidApiVersionParameter", Meaning::Passing, VERSION),
    known("KeyVaultAccessDenied", Meaning::NoAccess, ACCESS),
    known("KeyVaultSecretCreateFailed", Meaning::NoAccess, ACCESS),
    known("KeyVaultSecretReadFailed", Meaning::NoAccess, ACCESS),
    known("KeyVaultSecretDeleteFailed", Meaning::NoAccess, ACCESS),
    known("KeyVaultRequestTimeout", Meaning::VaultUnavailable, BUSY),
    known("KeyVaultRequestThrottled", Meaning::VaultUnavailable, BUSY),
    known(
        "KeyVaultServiceUnavailable",
        Meaning::VaultUnavailable,
        BUSY,
    ),
    known("SubscriptionNotRegistered", Meaning::Passing, UNREGISTERED),
    known(
        "MissingSubscriptionRegistration",
        Meaning::Passing,
        UNREGISTERED,
    ),
    known(
        "PrincipalNotFound",
        Meaning::UnknownPrincipal,
        "Check the object ids in VAULTBIND_PLATFORM_PRINCIPAL_IDS: they are those of the service principals, not their app ids.",
    ),
];

/// The one of these codes, the outermost first, by which an answer is judged: the innermost that is known, and of several
/// the one that a person can lift.
pub fn judged(codes: &[String]) -> Option<(&str, &'static Known)> {
    let known = |code: &String| {
        KNOWN
            .iter()
            .find(|known| known.code.eq_ignore_ascii_case(code))
    };
    let mut found = codes.iter().rev().filter_map(|code| {
        let known = known(code)?;
        match known.told_as {
            Some(own) => Some((own.word(), known)),
            None => Some((code.as_str(), known)),
        }
    });
    let innermost = found.clone().next();
    let of_person = found.find(|(_, known)| known.meaning == Meaning::ForAPerson);
    of_person.or(innermost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(codes: &[&str]) -> Option<String> {
        let codes: Vec<String> = codes.iter().map(|&code| code.to_owned()).collect();
        judged(&codes).map(|(code, _)| code.to_owned())
    }

    #[test]
    fn the_innermost_code_that_is_known_counts_and_of_several_the_one_for_a_person() {
        for (codes, judged) in [
            (&[][..], None),
            (&["BadRequest"], None),
            (
                &["ResourceOperationFailure", "KeyVaultAccessDenied", "Inner"],
                Some("KeyVaultAccessDenied"),
            ),
            (
                &["AuthorizationFailed", "KeyVaultAccessDenied"],
                Some("KeyVaultAccessDenied"),
            ),
            (
                &["ScopeLocked", "KeyVaultAccessDenied"],
                Some("ScopeLocked"),
            ),
            (&["scopelocked"], Some("scopelocked")),
        ] {
            assert_eq!(code_of(codes).as_deref(), judged, "{codes:?}");
        }
    }

    #[test]
    fn each_code_is_known_once() {
        let mut codes: Vec<String> = KNOWN
            .iter()
            .map(|known| known.code.to_lowercase())
            .collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }
}
