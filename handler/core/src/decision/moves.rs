//! Moves: whether a cluster may be bound to a vault, given what it is bound to, and what is told where it stays.
//!
//! It must not move a cluster from a vault whose deletion is not proven, nor past a rule that keeps it.

use super::{
    Decision,
    current::{CurrentBinding, Named},
    input::Input,
    stop::{Patience, Stop},
};
use crate::{
    archive::ArchiveProperty,
    policy::{Rebind, Rule, WriterChoice},
    resource::Vault,
    result::{Code, Outcome, Reason, reason},
};

/// May the cluster be bound to `vault`, given what it is bound to?
pub(super) fn may_move(
    input: &Input<'_>,
    rule: &Rule,
    current: &CurrentBinding,
    vault: &Vault,
) -> Result<(), Stop> {
    let held = |reason| Err(Stop::End(Outcome::Held, reason));
    match current {
        CurrentBinding::Unbound => Ok(()),
        CurrentBinding::Deleted(bound) => may_succeed(input, rule, bound, vault),
        CurrentBinding::Bound { id, .. } if *id == vault.id => Ok(()),
        CurrentBinding::Bound { id, shape, .. }
            if *shape == ArchiveProperty::SecretArchiveSettings && is_stuck(input, rule) =>
        {
            held(reason::settings_take_precedence(
                id.name(),
                &vault.id,
                rule.writer,
            ))
        }
        CurrentBinding::Bound { .. } if rule.rebind == Rebind::Allow => Ok(()),
        CurrentBinding::Bound { id, .. } => {
            held(reason::bound_elsewhere(id, &vault.id, rule.rebind))
        }
        CurrentBinding::NotVisible(bound) => {
            let choice = format!("the policy would choose {}", vault.id);
            Err(not_visible(bound, &choice))
        }
    }
}

/// Does the cluster have settings in place, beside which what the rule's writer would set has no effect?
pub(super) fn is_stuck(input: &Input<'_>, rule: &Rule) -> bool {
    let settings = input.cluster.settings.as_ref();
    let is_older = matches!(
        rule.writer,
        WriterChoice::PlatformApps | WriterChoice::ClusterManager
    );
    is_older && settings.is_some_and(|settings| settings.vault_uri.is_some())
}

/// May the rule choose a vault for the cluster? Else it only says which one it would be.
pub(super) fn may_choose(rule: &Rule, current: &CurrentBinding) -> bool {
    match current {
        CurrentBinding::Unbound => true,
        CurrentBinding::Bound { .. } => rule.rebind == Rebind::Allow,
        CurrentBinding::Deleted(_) => rule.rebind != Rebind::Never,
        CurrentBinding::NotVisible(_) => false,
    }
}

/// A vault that cannot be seen holds its cluster: what may have been a stray answer is looked at again first.
fn not_visible(bound: &Named, choice: &str) -> Stop {
    let reason = reason::bound_vault_not_visible(&bound.told, choice);
    if bound.may_pass {
        Stop::Wait(Patience::TwoMinutes, Outcome::Held, reason)
    } else {
        Stop::End(Outcome::Held, reason)
    }
}

/// May `vault` take the place of one that is deleted?
fn may_succeed(input: &Input<'_>, rule: &Rule, bound: &Named, vault: &Vault) -> Result<(), Stop> {
    let choice = format!("the policy would now choose {}", vault.id);
    let orphaned = |reason| Err(Stop::End(Outcome::Orphaned, reason));
    let mut keepers = keepers(input, rule, bound);
    let keeper =
        keepers.find(|other| rule.rebind == Rebind::Never || !moves_too(input, other, vault));
    if let Some(keeper) = keeper {
        return orphaned(reason::orphan_is_kept(&bound.told, keeper, &choice));
    }
    if rule.rebind == Rebind::Never {
        return orphaned(reason::orphaned(&bound.told, &choice, rule.rebind));
    }
    if is_stuck(input, rule) {
        let why = reason::settings_take_precedence(&bound.told, &vault.id, rule.writer);
        return orphaned(reason::without_successor(&bound.told, rule, &why));
    }
    Ok(())
}

/// The other rules that keep their clusters, and in whose boundary the deleted vault may have lain.
fn keepers<'a>(input: &Input<'a>, rule: &'a Rule, bound: &Named) -> impl Iterator<Item = &'a Rule> {
    let may_have_held = |other: &&Rule| {
        bound.ids.is_empty() || bound.ids.iter().any(|id| other.vaults.is_within(id))
    };
    input.policy.keepers(rule).filter(may_have_held)
}

/// Would this rule move the cluster to the same vault?
fn moves_too(input: &Input<'_>, other: &Rule, vault: &Vault) -> bool {
    other.rebind == Rebind::WhenOrphaned
        && other.vaults.is_within(&vault.id)
        && other.vaults.matches(vault, input.cluster)
}

/// How it stands with a cluster that has a vault, where its rule finds none to choose.
pub(super) fn without_choice(
    input: &Input<'_>,
    rule: &Rule,
    current: &CurrentBinding,
    stop: Stop,
    decision: &mut Decision,
) -> Stop {
    let (patience, outcome, why) = match stop {
        Stop::Missing(reads) => return Stop::Missing(reads),
        Stop::End(outcome, why) => (None, outcome, why),
        Stop::Wait(patience, outcome, why) => (Some(patience), outcome, why),
    };
    let may_choose = may_choose(rule, current);
    let is_hidden = why.is(Code::BoundaryNotVisible);
    if is_hidden && !may_choose {
        decision.warnings.push(why.clone());
    }
    let stopped = |outcome, reason| match patience {
        Some(patience) => Stop::Wait(patience, outcome, reason),
        None => Stop::End(outcome, reason),
    };
    let told = match current {
        CurrentBinding::Unbound => return stopped(outcome, why),
        CurrentBinding::Bound { id, .. } if may_choose => {
            return stopped(outcome, reason::beside_bound(why, id.as_str()));
        }
        CurrentBinding::Deleted(bound)
            if may_choose && is_hidden && keepers(input, rule, bound).next().is_none() =>
        {
            return stopped(outcome, reason::beside_deleted(why, &bound.told));
        }
        CurrentBinding::Deleted(bound) => orphan(input, rule, bound, &why, patience),
        CurrentBinding::Bound { id, .. } => {
            Stop::End(Outcome::Held, reason::bound_without_choice(id, rule, &why))
        }
        CurrentBinding::NotVisible(bound) => not_visible(bound, &why.message),
    };
    decision.vault = None;
    told
}

/// A cluster whose vault is deleted, and whose rule has no successor for it, or none that is ready.
fn orphan(
    input: &Input<'_>,
    rule: &Rule,
    bound: &Named,
    why: &Reason,
    patience: Option<Patience>,
) -> Stop {
    let may_move = rule.rebind != Rebind::Never;
    let patience = patience.filter(|_| may_move);
    let mut keepers = keepers(input, rule, bound);
    // One that would move it to the same vault is asked once that is ready.
    let keeper = keepers.find(|other| patience.is_none() || other.rebind == Rebind::Never);
    if let Some(keeper) = keeper {
        let choice = format!("nothing takes its place: {}", why.message);
        let reason = reason::orphan_is_kept(&bound.told, keeper, &choice);
        return Stop::End(Outcome::Orphaned, reason);
    }
    let reason = reason::without_successor(&bound.told, rule, why);
    match patience {
        Some(patience) => Stop::Wait(patience, Outcome::Orphaned, reason),
        None => Stop::End(Outcome::Orphaned, reason),
    }
}
