//! The vault in place: whether the cluster stays with it, by its own rule and by those that protect it.
//!
//! It must not move a cluster for what may pass in a minute: an unfit vault is never a reason to move.

use super::{
    Decision,
    candidates::{boundaries, hidden, outranking, within},
    considered::{beside, candidate},
    current::CurrentBinding,
    fitness::{fit, unfitness},
    input::Input,
    moves::is_stuck,
    stop::{Stop, both},
};
use crate::{
    inventory::Visibility,
    policy::{Rebind, Rule},
    resource::Vault,
    result::{Outcome, reason},
};

/// The vault in place, where the cluster stays with it; none where the rule has to choose one.
pub(super) fn stay<'a>(
    input: &Input<'a>,
    rule: &'a Rule,
    current: &CurrentBinding,
    decision: &mut Decision,
) -> Result<Option<&'a Vault>, Stop> {
    let Some(vault) = current.vault(input) else {
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
    decision.candidates = vec![candidate(vault, "in place")];
    // One that was moved with its group is pointed at where it is now, whatever else there is.
    let may_leave = rule.rebind == Rebind::Allow
        && !current.was_moved()
        && !is_stuck(input, rule)
        && protector(input, rule, vault).is_none();
    if may_leave && is_outranked(input, rule, vault, decision)? {
        return Ok(None);
    }
    Ok(Some(vault))
}

/// Is it the cluster's by the rule's boundary and tests? Others that are as good play no part.
fn is_right(input: &Input<'_>, rule: &Rule, vault: &Vault) -> bool {
    rule.vaults.is_within(&vault.id) && rule.vaults.matches(vault, input.cluster)
}

/// Another rule in whose boundary the vault lies, that does not let its clusters go: a slip of a tag must not carry one off.
fn protector<'a>(input: &Input<'a>, rule: &'a Rule, vault: &Vault) -> Option<&'a Rule> {
    let passes = |other: &Rule| {
        let cluster = input.cluster.into();
        other.vaults.selector.may_match(&vault.into(), &cluster)
    };
    let mut keepers = input.policy.keepers(rule);
    keepers.find(|other| other.vaults.is_within(&vault.id) && passes(other))
}

/// Does one vault alone rank first, strictly above the one in place, and is it fit by a live read?
fn is_outranked(
    input: &Input<'_>,
    rule: &Rule,
    vault: &Vault,
    decision: &mut Decision,
) -> Result<bool, Stop> {
    let lists = input.lists(rule)?;
    let vaults = within(input, rule, &lists);
    let others = beside(input, rule, vault, &vaults);
    decision.candidates.extend(others);
    let absent = boundaries(rule, &lists, Visibility::Absent);
    let absent = absent.map(|scope| reason::boundary_not_found(scope, rule));
    decision.warnings.extend(absent);
    if let Some(scope) = hidden(rule, &lists) {
        let reason = reason::boundary_not_visible(scope, rule);
        decision.warnings.push(reason);
        return Ok(false);
    }
    match outranking(input, rule, vault, &vaults).as_slice() {
        [] => Ok(false),
        [one] if unfitness(input, rule, one).is_some() => {
            input.live(one)?;
            Ok(false)
        }
        [one] => {
            // Others that rank as high may have come since.
            both(input.live(one), input.current_lists(rule))?;
            Ok(true)
        }
        several => {
            let names: Vec<&str> = several.iter().map(|vault| vault.id.name()).collect();
            let reason = reason::several_above(&vault.id, &names, rule);
            decision.warnings.push(reason);
            Ok(false)
        }
    }
}
