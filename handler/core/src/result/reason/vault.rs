//! Reasons that are about vaults: none, several, or one that is not fit.
//!
//! It must not decide which of them applies.

use super::{NO_VAULT, OUTSIDE_WITHIN, VAULT_NOT_READY, list, reason};
use crate::{id::VaultId, policy::Rule, resource::RoleAssignment, result::Reason};

pub(crate) fn no_vault(rule: &Rule) -> Reason {
    reason(
        NO_VAULT,
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

pub(crate) fn outside_within(vault: &VaultId, rule: &Rule) -> Reason {
    reason(
        OUTSIDE_WITHIN,
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

pub(crate) fn ambiguous(names: &[&str], rule: &Rule) -> Reason {
    reason(
        "SeveralVaults",
        format!(
            "rule `{}` finds {} vaults that rank equal: {}",
            rule.name,
            names.len(),
            names.join(", ")
        ),
        "Leave one vault with the tags that the rule asks for, or add a preference to `prefer` that tells them apart.",
    )
}

pub(crate) fn no_fit_vault(count: usize, rule: &Rule) -> Reason {
    reason(
        "NoFitVault",
        format!(
            "rule `{}` finds {count} vaults and none of them is fit",
            rule.name
        ),
        "See `candidates` for what is wrong with each, and mend one of them.",
    )
}

pub(crate) fn vault_not_readable(vault: &VaultId) -> Reason {
    reason(
        "VaultNotReadable",
        format!("{vault} may not be read"),
        "Give Vaultbind's identity its reader role on the scope that holds the vault.",
    )
}

pub(crate) fn access_policies(vault: &VaultId) -> Reason {
    reason(
        "AccessPolicies",
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
        "OtherTenant",
        format!(
            "{} belongs to another directory than the cluster's subscription",
            vault.name()
        ),
        "Use a vault in the directory of the cluster's subscription: writers of another directory cannot reach it.",
    )
}

pub(crate) fn vault_uri_mismatch(vault: &VaultId, uri: &str, expected: &str) -> Reason {
    reason(
        "VaultUriMismatch",
        format!(
            "the address of {} is `{uri}`, expected https://{expected}/",
            vault.name()
        ),
        "Check the vault and `VAULTBIND_CLOUD`: an address elsewhere would receive the credentials.",
    )
}

pub(crate) fn no_purge_protection(vault: &VaultId) -> Reason {
    reason(
        "NoPurgeProtection",
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
        VAULT_NOT_READY,
        format!(
            "{} is not ready: its provisioning state is {state}",
            vault.name()
        ),
        "Wait for the vault to be ready, or look at its activity log if it stays so.",
    )
}

pub(crate) fn conditional_role(vault: &VaultId, row: &RoleAssignment) -> Reason {
    reason(
        "ConditionalRole",
        format!(
            "the writer holds the role on {} under a condition, so that it may not apply, and a second assignment is not possible: {}",
            vault.name(),
            row.id
        ),
        "Remove the condition, or the assignment: Vaultbind then makes one without a condition.",
    )
}
