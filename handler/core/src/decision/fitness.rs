//! Fitness: whether a vault can take credentials at all.
//!
//! It must not ask whose vault it is; `candidates` and `in_place` know.

use super::input::Input;
use crate::{
    inventory::Sighting,
    policy::{Requirement, Rule},
    resource::{Vault, vault_host},
    result::{Reason, reason},
};

/// A vault that cannot take credentials, and why.
pub(super) type Unfit<'a> = (&'a Vault, Reason);

/// Why a vault cannot take credentials at all.
pub(super) fn unfitness(input: &Input<'_>, rule: &Rule, vault: &Vault) -> Option<Reason> {
    let requires = |wanted| rule.vaults.require.contains(&wanted);
    let expected_host = input.host_of(&vault.id);
    if matches!(input.sighting(&vault.id), Some(Sighting::Forbidden)) {
        Some(reason::vault_not_readable(&vault.id))
    } else if !vault.rbac {
        Some(reason::access_policies(&vault.id))
    } else if !input.tenant.eq_ignore_ascii_case(&vault.tenant) {
        Some(reason::other_tenant(&vault.id))
    } else if vault_host(&vault.uri).as_ref() != Some(&expected_host) {
        Some(reason::vault_uri_mismatch(
            &vault.id,
            &vault.uri,
            &expected_host,
        ))
    } else if requires(Requirement::PurgeProtection) && !vault.purge_protection {
        Some(reason::no_purge_protection(&vault.id))
    } else {
        unreadiness(vault)
    }
}

/// Why it cannot take any yet.
pub(super) fn unreadiness(vault: &Vault) -> Option<Reason> {
    let state = &vault.provisioning_state;
    let is_ready = state.eq_ignore_ascii_case("Succeeded");
    (!is_ready).then(|| reason::vault_not_ready(&vault.id, state))
}
