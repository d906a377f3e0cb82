//! The vault in place: whether the cluster stays with it, by its own rule and by those that protect it.
//!
//! It must not move a cluster for what may pass in a minute: an unfit vault is never a reason to move.

use super::{
    Decision,
    candidates::{outranking, unread, within},
    considered::{beside, candidate},
    current::CurrentBinding,
    fitness::{unfitness, unreadiness},
    input::Input,
    stop::{Patience, Stop, both},
};
use crate::{
    inventory::Sighting,
    policy::{Rebind, Rule},
    resource::Vault,
    result::{Outcome, reason},
};

/// The vault in place, where the cluster stays with it; none where the rule has to choose one.
pub(super) fn stay<'a>(
    input: &Input<'a>,
    rule: &Rule,
    current: &CurrentBinding,
    decision: &mut Decision,
) -> Result<Option<&'a Vault>, Stop> {
    let Some(vault) = in_place(input, current) else {
        return Ok(None);
    };
    if !is_right(input, rule, vault) {
        return protector(input, rule, vault).map_or(Ok(None), |other| {
            let reason = reason::protected_by_rule(&vault.id, other, rule);
            Err(Stop::End(Outcome::Held, reason))
        });
    }
    if let Err(stop) = fit(input, rule, vault) {
        decision.vault = Some(vault.clone());
        return Err(stop);
    }
    let may_leave = rule.rebind == Rebind::Allow && protector(input, rule, vault).is_none();
    if may_leave && is_outranked(input, rule, vault)? {
        return Ok(None);
    }
    decision.candidates = vec![candidate(vault, "in place")];
    decision
        .candidates
        .extend(beside(input, rule, vault, &within(input, rule)));
    Ok(Some(vault))
}

fn in_place<'a>(input: &Input<'a>, current: &CurrentBinding) -> Option<&'a Vault> {
    let CurrentBinding::Bound(id, _) = current else {
        return None;
    };
    match input.sighting(id) {
        Some(Sighting::Found(vault)) => Some(vault),
        Some(Sighting::NotFound | Sighting::Forbidden) | None => None,
    }
}

/// Is it the cluster's by the rule's boundary and tests? Others that are as good play no part.
fn is_right(input: &Input<'_>, rule: &Rule, vault: &Vault) -> bool {
    rule.vaults.is_within(&vault.id) && rule.vaults.matches(vault, input.cluster)
}

/// Another rule in whose boundary the vault lies, that does not let its clusters go: a slip of a tag must not carry one off.
fn protector<'a>(input: &Input<'a>, rule: &Rule, vault: &Vault) -> Option<&'a Rule> {
    input.policy.rules.iter().find(|other| {
        other.name != rule.name
            && other.rebind != Rebind::Allow
            && other.vaults.is_within(&vault.id)
            && other.vaults.selector.may_match(&vault.into())
    })
}

/// One that is not ready is waited for, one that is not fit is told: to be mended, not to be left.
fn fit(input: &Input<'_>, rule: &Rule, vault: &Vault) -> Result<(), Stop> {
    if let Some(reason) = unreadiness(vault) {
        // What else it shows may be of before the change that is under way.
        return Err(Stop::Wait(Patience::Hour, Outcome::Rejected, reason));
    }
    match unfitness(input, rule, vault) {
        None => Ok(()),
        Some(reason) => Err(Stop::End(Outcome::Rejected, reason)),
    }
}

/// Does one vault alone rank first, strictly above the one in place, and is it fit by a live read?
fn is_outranked(input: &Input<'_>, rule: &Rule, vault: &Vault) -> Result<bool, Stop> {
    match outranking(input, rule, vault).as_slice() {
        [] => Ok(false),
        [one] if unfitness(input, rule, one).is_some() => {
            input.live(one)?;
            Ok(false)
        }
        [one] => {
            // Others that rank as high may have come since.
            both(input.live(one), input.current_list())?;
            Ok(true)
        }
        several => {
            unread(input, several.iter().copied())?;
            Ok(false)
        }
    }
}
