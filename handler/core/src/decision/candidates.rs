//! The candidates of a rule: which vaults its boundaries hold for a cluster, and which of them comes first.
//!
//! It must not pick among equals, nor the next behind: what a vault is for a minute must not decide for years.

use super::{
    Decision,
    considered::{considered, outside},
    current::CurrentBinding,
    fitness::{fit, unfitness, unreadiness},
    input::Input,
    moves::{may_choose, without_choice},
    ranking::{first_of, rank},
    stop::{Patience, Stop},
    unseen, writer,
};
use crate::{
    id::Scope,
    inventory::{Listed, Sighting, Visibility},
    policy::Rule,
    resource::Vault,
    result::{Outcome, reason},
};

/// The vault that comes first under a rule, and can take the credentials. Where there is none, a cluster whose vault is
/// deleted is orphaned, and one that is bound elsewhere is held where it is.
pub(super) fn choose<'a>(
    input: &Input<'a>,
    rule: &Rule,
    current: &CurrentBinding,
    decision: &mut Decision,
) -> Result<&'a Vault, Stop> {
    // Who writes can be asked for beside the lists.
    let lists = input
        .current_lists(rule)
        .map_err(|stop| stop.beside(&writer::ask_ahead(input, rule, current)))?;
    let absent = boundaries(rule, &lists, Visibility::Absent);
    let absent = absent.map(|scope| reason::boundary_not_found(scope, rule));
    decision.warnings.extend(absent);
    if !may_choose(rule, current) {
        let unsettled = boundaries(rule, &lists, Visibility::AbsentOnce);
        let unsettled = unsettled.map(|scope| reason::boundary_unsettled(scope, rule));
        decision.warnings.extend(unsettled);
    }
    let mut vaults = within(input, rule, &lists);
    // A list may still show what is proven to be deleted.
    vaults.retain(|vault| !current.is_gone(&vault.id));
    match first(input, rule, &lists, &vaults, decision) {
        Err(Stop::Missing(reads)) => Err(Stop::Missing(reads)),
        Err(stop) => {
            let stop = until_settled(rule, &lists, stop);
            Err(without_choice(input, rule, current, stop, decision))
        }
        found => found,
    }
}

/// The boundaries of a rule that could be seen so far.
pub(super) fn boundaries<'r>(
    rule: &'r Rule,
    lists: &[&Listed],
    visibility: Visibility,
) -> impl Iterator<Item = &'r Scope> {
    let seen = rule.vaults.within.iter().zip(lists);
    seen.filter(move |(_, list)| list.visibility == visibility)
        .map(|(scope, _)| scope)
}

/// A boundary of the rule that may not be listed: it may hold what ranks as high.
pub(super) fn hidden<'r>(rule: &'r Rule, lists: &[&Listed]) -> Option<&'r Scope> {
    boundaries(rule, lists, Visibility::Hidden).next()
}

/// Nothing is refused while a boundary may only seem not to be there.
fn until_settled(rule: &Rule, lists: &[&Listed], stop: Stop) -> Stop {
    let mut unsettled = boundaries(rule, lists, Visibility::AbsentOnce);
    match unsettled.next() {
        None => stop,
        Some(_) => stop.after(Patience::SecondAnswer),
    }
}

/// The same for what is refused once a vault is chosen.
pub(super) fn refused(
    input: &Input<'_>,
    rule: &Rule,
    current: &CurrentBinding,
    vault: &Vault,
    stop: Stop,
) -> Stop {
    let may_choose = may_choose(rule, current) && !current.is_to(vault);
    match input.current_lists(rule) {
        Ok(lists) if may_choose => until_settled(rule, &lists, stop),
        _ => stop,
    }
}

/// Nothing is bound or moved while a boundary may only seem not to be there.
pub(super) fn settled(
    input: &Input<'_>,
    rule: &Rule,
    current: &CurrentBinding,
    vault: &Vault,
) -> Result<(), Stop> {
    if current.is_to(vault) {
        return Ok(());
    }
    let lists = input.current_lists(rule)?;
    match boundaries(rule, &lists, Visibility::AbsentOnce).next() {
        None => Ok(()),
        Some(scope) => {
            let reason = reason::boundary_unsettled(scope, rule);
            Err(Stop::Wait(Patience::SecondAnswer, Outcome::Failed, reason))
        }
    }
}

/// The one vault that ranks first; what was considered is noted either way.
fn first<'a>(
    input: &Input<'a>,
    rule: &Rule,
    lists: &[&Listed],
    vaults: &[&'a Vault],
    decision: &mut Decision,
) -> Result<&'a Vault, Stop> {
    let first = first_of(input, rule, vaults);
    let hidden = hidden(rule, lists);
    decision.candidates = considered(input, rule, vaults, &first, hidden.is_none());
    let expected = expected_outside(input, rule);
    decision
        .candidates
        .extend(expected.map(|vault| outside(rule, vault)));
    if let Some(scope) = hidden {
        let reason = reason::boundary_not_visible(scope, rule);
        return Err(Stop::End(Outcome::Failed, reason));
    }
    match first.as_slice() {
        [] => {
            let unseen = unseen::of_rule(input.inventory, rule)?;
            let reason = match expected {
                Some(vault) => reason::outside_within(&vault.id, rule),
                None if unseen.is_empty() => reason::no_vault(rule),
                None => reason::no_vault_seen(rule),
            };
            decision.warnings.extend(unseen);
            Err(Stop::End(Outcome::Unmatched, reason))
        }
        [one] => {
            if unfitness(input, rule, one).is_some() {
                // Nothing is refused for what a list said.
                input.live(one)?;
                decision.vault = Some(Vault::clone(one));
                fit(input, rule, one)?;
            }
            Ok(one)
        }
        several => Err(ambiguous(input, rule, several)),
    }
}

/// Several rank first, fit or not; where one of them is not ready, it may become another thing by itself.
fn ambiguous(input: &Input<'_>, rule: &Rule, several: &[&Vault]) -> Stop {
    let names: Vec<&str> = several.iter().map(|vault| vault.id.name()).collect();
    let stop = Stop::End(Outcome::Ambiguous, reason::ambiguous(&names, rule));
    let mut several = several.iter();
    if several.any(|vault| unreadiness(input, vault).is_some()) {
        stop.after(Patience::Hour)
    } else {
        stop
    }
}

/// The vaults of a rule's boundaries that pass its tests, fit or not, in the order of their ids.
pub(super) fn within<'a>(input: &Input<'a>, rule: &Rule, lists: &[&'a Listed]) -> Vec<&'a Vault> {
    let mut vaults = listed(input, rule, lists);
    // What a live read showed comes in its place; one that it did not find may be listed too early or too late.
    vaults.retain(|row| !matches!(input.sighting(&row.id), Some(Sighting::Found(_))));
    vaults.extend(input.inventory.found_vaults());
    vaults.retain(|vault| {
        rule.vaults.is_within(&vault.id) && rule.vaults.matches(vault, input.cluster)
    });
    vaults.sort_by(|a, b| a.id.cmp(&b.id));
    vaults.dedup_by(|a, b| a.id == b.id);
    vaults
}

/// Of these vaults those that rank first, where they rank strictly above this one, fit or not.
pub(super) fn outranking<'a>(
    input: &Input<'_>,
    rule: &Rule,
    vault: &Vault,
    vaults: &[&'a Vault],
) -> Vec<&'a Vault> {
    let own = rank(input, rule, vault);
    let mut first = first_of(input, rule, vaults);
    first.retain(|other| rank(input, rule, other) > own);
    first
}

/// A vault outside the boundary that somebody could expect to be chosen: the one whose event led here, where the rule has
/// tests that it passes; of all others nobody spoke.
fn expected_outside<'a>(input: &Input<'a>, rule: &Rule) -> Option<&'a Vault> {
    let hint = input.vault_hint.and_then(|hint| input.found(hint));
    hint.filter(|vault| {
        let is_asked_for =
            !rule.vaults.selector.is_empty() && rule.vaults.matches(vault, input.cluster);
        is_asked_for && !rule.vaults.is_within(&vault.id)
    })
}

/// The rows of the lists, narrowed by the test that the fewest of them pass where one can be looked up.
fn listed<'a>(input: &Input<'a>, rule: &Rule, lists: &[&'a Listed]) -> Vec<&'a Vault> {
    let cluster = input.cluster.into();
    let exact = rule.vaults.selector.exact_tests(&cluster);
    let lists = || lists.iter().map(|list| &list.vaults);
    let count = |(name, values): &(&str, Vec<String>)| -> usize {
        lists().map(|list| list.count_with_tag(name, values)).sum()
    };
    let mut found = Vec::new();
    match exact.min_by_key(count) {
        Some((name, values)) => {
            let of_tag = lists().map(|list| list.with_tag(name, &values));
            of_tag.for_each(|vaults| found.extend(vaults));
        }
        None => lists().for_each(|list| found.extend(list.all())),
    }
    found
}
