//! Fitness: whether a vault can take credentials at all.
//!
//! It must not ask whose vault it is; `candidates` and `in_place` know.

use super::{
    input::Input,
    stop::{Patience, Stop},
};
use crate::{
    inventory::Sighting,
    policy::{Requirement, Rule},
    resource::{Vault, vault_host},
    result::{Outcome, Reason, reason},
};

/// The vault has to be fit: one that is not ready is waited for, one that is not fit is told, to be mended.
pub(super) fn fit(input: &Input<'_>, rule: &Rule, vault: &Vault) -> Result<(), Stop> {
    if let Some(reason) = unreadiness(input, vault) {
        // What else it shows may be of before the change that is under way.
        return Err(Stop::Wait(Patience::Hour, Outcome::Rejected, reason));
    }
    match unfitness(input, rule, vault) {
        None => Ok(()),
        Some(reason) => Err(Stop::End(Outcome::Rejected, reason)),
    }
}

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
        unreadiness(input, vault)
    }
}

/// Why it cannot take any yet; one that is listed and not found is on its way, or on its way out.
pub(super) fn unreadiness(input: &Input<'_>, vault: &Vault) -> Option<Reason> {
    let state = &vault.provisioning_state;
    match input.sighting(&vault.id) {
        Some(Sighting::NotFound) => Some(reason::listed_and_not_found(&vault.id)),
        Some(Sighting::Forbidden) => None,
        _ if state.eq_ignore_ascii_case("Succeeded") => None,
        _ => Some(reason::vault_not_ready(&vault.id, state)),
    }
}
