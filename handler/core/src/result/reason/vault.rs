//! Reasons that are about vaults: none, several, or one that is not fit.
//!
//! It must not decide which of them applies.

use super::{list, reason};
use crate::{
    id::{Scope, SubscriptionId, VaultId},
    policy::Rule,
    resource::RoleAssignment,
    result::{Code, Reason},
};

pub(crate) fn no_vault(rule: &Rule) -> Reason {
    reason(
        Code::NoVault,
        format!(
            "rule `{}` finds no vault: none in its `within` has what it asks for",
            rule.name
        ),
        format!(
            "Tag a vault within {} as the rule asks; a template takes its value from the cluster, so check that too.",
            list(&rule.vaults.within)
        ),
    )
}

/// The same where a part of the boundaries cannot be seen: there may be one.
pub(crate) fn no_vault_seen(rule: &Rule) -> Reason {
    reason(
        Code::NoVault,
        format!(
            "rule `{}` finds no vault in what can be seen of its `within`",
            rule.name
        ),
        format!(
            "Give Vaultbind's identity its reader role on all of {}; then look whether a vault there has the tags that the rule asks for.",
            list(&rule.vaults.within)
        ),
    )
}

pub(crate) fn subscription_not_visible(subscription: &SubscriptionId) -> Reason {
    reason(
        Code::SubscriptionNotVisible,
        format!("subscription {subscription} cannot be seen: what is in it is not known"),
        "Give Vaultbind's identity its reader role there, or take the subscription out of the policy.",
    )
}

pub(crate) fn outside_within(vault: &VaultId, rule: &Rule) -> Reason {
    reason(
        Code::OutsideWithin,
        format!(
            "{} has what rule `{}` asks for, but lies outside its `within`",
            vault.name(),
            rule.name
        ),
        format!(
            "Use a vault within {}, or add the resource group of {vault} to `within` if it can be trusted with credentials.",
            list(&rule.vaults.within)
        ),
    )
}

/// How many vaults a message names: the candidates tell of all.
const MOST_NAMES: usize = 10;

fn some(names: &[&str]) -> String {
    let told = names[..names.len().min(MOST_NAMES)].join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

pub(crate) fn ambiguous(names: &[&str], rule: &Rule) -> Reason {
    reason(
        Code::SeveralVaults,
        format!(
            "rule `{}` finds {} vaults that rank equal: {}",
            rule.name,
            names.len(),
            some(names)
        ),
        "Leave one vault with the tags that the rule asks for, or add a preference to `prefer` that tells them apart.",
    )
}

/// Several vaults rank equal, above the one in place.
pub(crate) fn several_above(bound: &VaultId, names: &[&str], rule: &Rule) -> Reason {
    reason(
        Code::SeveralVaults,
        format!(
            "{} vaults rank equal above {} by rule `{}`: {}; the cluster stays where it is",
            names.len(),
            bound.name(),
            rule.name,
            some(names)
        ),
        "Leave one vault with the tags that the rule asks for, or add a preference to `prefer` that tells them apart.",
    )
}

pub(crate) fn boundary_not_visible(scope: &Scope, rule: &Rule) -> Reason {
    reason(
        Code::BoundaryNotVisible,
        format!(
            "{scope}, in `within` of rule `{}`, may not be listed or cannot be seen: it may hold a vault that ranks as high",
            rule.name
        ),
        "Give Vaultbind's identity its reader role there (Microsoft.KeyVault/vaults/read), or take the boundary out of the rule.",
    )
}

pub(crate) fn boundary_not_found(scope: &Scope, rule: &Rule) -> Reason {
    reason(
        Code::BoundaryNotFound,
        format!("{scope}, in `within` of rule `{}`, is not there", rule.name),
        "Nothing to do where it has yet to be made; else correct it in the policy.",
    )
}

pub(crate) fn boundary_unsettled(scope: &Scope, rule: &Rule) -> Reason {
    reason(
        Code::BoundaryUnsettled,
        format!(
            "{scope}, in `within` of rule `{}`, was not found; that counts once a second answer, a minute later, says so too",
            rule.name
        ),
        "Wait for the second answer; if it stays so, look whether the resource group or vault is there.",
    )
}

pub(crate) fn listed_and_not_found(vault: &VaultId) -> Reason {
    reason(
        Code::VaultNotFound,
        format!(
            "{} is listed, but reading it finds nothing: it is on its way, or on its way out",
            vault.name()
        ),
        "Wait until Azure agrees with itself; if it stays so, look at the vault's activity log.",
    )
}

pub(crate) fn vault_not_readable(vault: &VaultId) -> Reason {
    reason(
        Code::VaultNotReadable,
        format!("{vault} may not be read"),
        "Give Vaultbind's identity its reader role (Microsoft.KeyVault/vaults/read) on the scope that holds the vault.",
    )
}

pub(crate) fn access_policies(vault: &VaultId) -> Reason {
    reason(
        Code::AccessPolicies,
        format!(
            "{} is on access policies: roles have no effect on it",
            vault.name()
        ),
        format!(
            "Move the vault to Azure role-based access control, after giving roles to those who use it now: \
             `az keyvault update --name {} --enable-rbac-authorization true`.",
            vault.name()
        ),
    )
}

pub(crate) fn other_tenant(vault: &VaultId) -> Reason {
    reason(
        Code::OtherTenant,
        format!(
            "{} belongs to another directory than the cluster's subscription",
            vault.name()
        ),
        "Use a vault in the directory of the cluster's subscription: writers of another directory cannot reach it.",
    )
}

pub(crate) fn vault_uri_mismatch(vault: &VaultId, uri: &str, expected: &str) -> Reason {
    reason(
        Code::VaultUriMismatch,
        format!(
            "the address of {} is `{uri}`, expected https://{expected}/",
            vault.name()
        ),
        "Check the vault and `VAULTBIND_CLOUD`: an address elsewhere would receive the credentials.",
    )
}

pub(crate) fn no_purge_protection(vault: &VaultId) -> Reason {
    reason(
        Code::NoPurgeProtection,
        format!(
            "{} has no purge protection, which the rule requires",
            vault.name()
        ),
        format!(
            "`az keyvault update --name {} --enable-purge-protection true` (it cannot be undone).",
            vault.name()
        ),
    )
}

pub(crate) fn vault_not_ready(vault: &VaultId, state: &str) -> Reason {
    reason(
        Code::VaultNotReady,
        format!(
            "{} is not ready: its provisioning state is {state}",
            vault.name()
        ),
        "Wait for the vault to be ready, or look at its activity log if it stays so.",
    )
}

pub(crate) fn conditional_role(vault: &VaultId, row: &RoleAssignment) -> Reason {
    reason(
        Code::ConditionalRole,
        format!(
            "the writer holds the role on {} under a condition, so that it may not apply, and a second assignment is not possible: {}",
            vault.name(),
            row.id
        ),
        "Remove the condition, or the assignment: Vaultbind then makes one without a condition.",
    )
}
