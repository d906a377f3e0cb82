//! The candidates of a rule: which vaults it finds, which of them are fit, and which comes first.
//!
//! It must not pick among equals: two vaults that rank the same are an answer for a person.

use super::{
    Decision, Read,
    considered::{equal, ranked, ruled_out},
    current::CurrentBinding,
    fitness::{Unfit, unfitness},
    input::Input,
    ranking::{first_of, rank},
    stop::{Patience, Stop},
};
use crate::{
    inventory::Sighting,
    policy::{Rebind, Rule},
    resource::Vault,
    result::{Outcome, reason},
};

/// The vault that comes first under a rule. Where there is none, a cluster whose vault is deleted is orphaned, and one that
/// is bound elsewhere is held where it is.
pub(super) fn choose<'a>(
    input: &Input<'a>,
    rule: &Rule,
    current: &CurrentBinding,
    decision: &mut Decision,
) -> Result<&'a Vault, Stop> {
    match first(input, rule, decision) {
        Err(stop @ (Stop::End(..) | Stop::Wait(..))) => {
            if *current != CurrentBinding::Unbound {
                // What is told of a choice that only names something rests on a current list too.
                input.current_list()?;
            }
            Err(without_choice(rule, current, stop, decision))
        }
        found => found,
    }
}

/// How it stands with a cluster that has a vault, where its rule finds none to choose.
fn without_choice(
    rule: &Rule,
    current: &CurrentBinding,
    stop: Stop,
    decision: &mut Decision,
) -> Stop {
    let (patience, why) = match &stop {
        Stop::Missing(_) => return stop,
        Stop::End(_, why) => (None, why),
        Stop::Wait(patience, _, why) => (Some(*patience), why),
    };
    let told = match current {
        CurrentBinding::Deleted(bound) => {
            let reason = reason::without_successor(bound, rule, why);
            match patience.filter(|_| rule.rebind != Rebind::Never) {
                Some(patience) => Stop::Wait(patience, Outcome::Orphaned, reason),
                None => Stop::End(Outcome::Orphaned, reason),
            }
        }
        CurrentBinding::Bound(bound, _) if rule.rebind != Rebind::Allow => {
            let reason = reason::bound_without_choice(bound, rule, why);
            Stop::End(Outcome::Held, reason)
        }
        CurrentBinding::NotVisible(bound) => {
            let reason = reason::bound_vault_not_visible(bound, &why.message);
            Stop::End(Outcome::Held, reason)
        }
        CurrentBinding::Bound(..) | CurrentBinding::Unbound => return stop,
    };
    decision.vault = None;
    told
}

/// The one vault that comes first; what was considered is noted either way.
fn first<'a>(input: &Input<'a>, rule: &Rule, decision: &mut Decision) -> Result<&'a Vault, Stop> {
    let matching = matching(input, rule);
    let (within, mut outside): (Vec<&Vault>, Vec<&Vault>) = matching
        .into_iter()
        .partition(|vault| rule.vaults.is_within(&vault.id));
    outside.retain(|vault| is_expected(input, rule, vault));
    let (fit, unfit) = fit_and_unfit(input, rule, &within);
    let first = first_of(input, rule, &fit);
    let told = match first.as_slice() {
        [chosen] => ranked(input, rule, &fit, chosen),
        [] => Vec::new(),
        equals => equal(equals),
    };
    decision.candidates = told;
    decision
        .candidates
        .extend(ruled_out(rule, &unfit, &outside));
    match first.as_slice() {
        [vault] => Ok(vault),
        [] => {
            unread(input, unfit.iter().map(|(vault, _)| *vault))?;
            none_fit(input, rule, &unfit, &outside, decision)
        }
        equals => {
            let best = equals.first().map(|vault| rank(input, rule, vault));
            // One of those could come before them all by now.
            let unfit = unfit.iter().map(|(vault, _)| *vault);
            let above = unfit.filter(|vault| Some(rank(input, rule, vault)) > best);
            unread(input, equals.iter().copied().chain(above))?;
            input.current_list()?;
            let names: Vec<&str> = equals.iter().map(|vault| vault.id.name()).collect();
            let reason = reason::ambiguous(&names, rule);
            Err(Stop::End(Outcome::Ambiguous, reason))
        }
    }
}

/// The vaults that pass the rule's tests, wherever they lie.
fn matching<'a>(input: &Input<'a>, rule: &Rule) -> Vec<&'a Vault> {
    let mut vaults = visible(input, rule);
    vaults.retain(|vault| rule.vaults.matches(vault, input.cluster));
    vaults
}

/// Those of them that lie in the boundary.
pub(super) fn within<'a>(input: &Input<'a>, rule: &Rule) -> Vec<&'a Vault> {
    let mut vaults = matching(input, rule);
    vaults.retain(|vault| rule.vaults.is_within(&vault.id));
    vaults
}

/// The vaults within that rank first, where they rank strictly above this one, fit or not.
pub(super) fn outranking<'a>(input: &Input<'a>, rule: &Rule, vault: &Vault) -> Vec<&'a Vault> {
    let mut within = within(input, rule);
    let rank_of = |vault: &Vault| rank(input, rule, vault);
    let best = within.iter().map(|other| rank_of(other)).max();
    let best = best.filter(|best| *best > rank_of(vault));
    within.retain(|other| Some(rank_of(other)) == best);
    within
}

/// Could somebody expect a vault outside the boundary to be chosen? The one whose event led here, where the rule has tests
/// that it passes; of all others nobody spoke.
fn is_expected(input: &Input<'_>, rule: &Rule, vault: &Vault) -> bool {
    input.vault_hint == Some(&vault.id) && !rule.vaults.selector.is_empty()
}

/// How many vaults are read live at a time before they are refused.
const ROUND: usize = 10;
/// How many vaults are read live at most before a refusal: a rule's tags fit fewer, and reads count against ARM's quotas.
const MOST_READ: usize = 30;

/// The next of the vaults that were not read live yet: a refusal must not rest on old tags or flags.
pub(super) fn unread<'a>(
    input: &Input<'_>,
    vaults: impl Iterator<Item = &'a Vault>,
) -> Result<(), Stop> {
    let left = MOST_READ.saturating_sub(input.inventory.vaults.len());
    let unread = vaults.filter(|vault| input.sighting(&vault.id).is_none());
    let next = unread.take(ROUND.min(left));
    let next: Vec<Read> = next.map(|vault| Read::Vault(vault.id.clone())).collect();
    if next.is_empty() {
        return Ok(());
    }
    Err(Stop::Missing(next))
}

/// The vaults that can be seen and may have the rule's tags: Resource Graph's rows, each replaced by what a live read showed.
fn visible<'a>(input: &Input<'a>, rule: &Rule) -> Vec<&'a Vault> {
    let mut vaults = listed(input, rule);
    // A vault that a live read did not show is out, and one that it showed comes below.
    vaults.retain(|row| matches!(input.sighting(&row.id), None | Some(Sighting::Forbidden)));
    vaults.extend(input.inventory.found_vaults());
    vaults.sort_by(|a, b| a.id.cmp(&b.id));
    vaults.dedup_by(|a, b| a.id == b.id);
    vaults
}

/// Resource Graph's rows, narrowed by the test that the fewest of them pass where one can be looked up.
fn listed<'a>(input: &Input<'a>, rule: &Rule) -> Vec<&'a Vault> {
    let lists = &input.listed;
    let cluster = input.cluster.into();
    let exact = rule.vaults.selector.exact_tests(&cluster);
    let count = |(name, values): &(&str, Vec<String>)| -> usize {
        lists
            .iter()
            .map(|list| list.count_with_tag(name, values))
            .sum()
    };
    let mut found = Vec::new();
    match exact.min_by_key(count) {
        Some((name, values)) => {
            let of_tag = lists.iter().map(|list| list.with_tag(name, &values));
            of_tag.for_each(|vaults| found.extend(vaults));
        }
        None => lists.iter().for_each(|list| found.extend(list.all())),
    }
    found
}

fn fit_and_unfit<'a>(
    input: &Input<'_>,
    rule: &Rule,
    vaults: &[&'a Vault],
) -> (Vec<&'a Vault>, Vec<Unfit<'a>>) {
    let mut fit = Vec::new();
    let mut unfit = Vec::new();
    for vault in vaults {
        match unfitness(input, rule, vault) {
            None => fit.push(*vault),
            Some(reason) => unfit.push((*vault, reason)),
        }
    }
    (fit, unfit)
}

/// What becomes of a cluster for which no vault is fit.
fn none_fit<T>(
    input: &Input<'_>,
    rule: &Rule,
    unfit: &[Unfit<'_>],
    outside: &[&Vault],
    decision: &mut Decision,
) -> Result<T, Stop> {
    let reason = match unfit {
        [] => {
            input.current_list()?;
            let reason = match outside.first() {
                Some(vault) => reason::outside_within(&vault.id, rule),
                None => reason::no_vault(rule),
            };
            return Err(Stop::End(Outcome::Unmatched, reason));
        }
        [(only, reason)] => {
            decision.vault = Some((*only).clone());
            reason.clone()
        }
        several => reason::no_fit_vault(several.len(), rule),
    };
    let is_unready = |(_, why): &Unfit<'_>| why.code == reason::VAULT_NOT_READY;
    if unfit.iter().any(is_unready) {
        return Err(Stop::Wait(Patience::Hour, Outcome::Rejected, reason));
    }
    input.current_list()?;
    Err(Stop::End(Outcome::Rejected, reason))
}
