//! The choice of a vault: which are candidates, which of them are fit, and which comes first.
//!
//! It must not pick among equals: two vaults that rank the same are an answer for a person.

use super::{Case, Refusal, refusal_under};
use crate::{
    id::VaultId,
    inventory::{Inventory, Vault, VaultSighting, vault_host},
    policy::{Preference, Requirement, Rule, attributes::canonical},
    result::{Candidate, Outcome, Reason, VaultReference, reason},
};

/// What a rule finds for a cluster.
#[derive(Debug)]
pub(crate) enum Choice<'a> {
    /// Exactly one vault comes first.
    One(&'a Vault, Vec<Candidate>),
    /// None, or several that rank equal.
    None(Box<Refusal>),
    /// It would be a refusal, but it rests on what Resource Graph alone shows of these vaults, the next to be read.
    Unread(Vec<VaultId>),
    /// The only vaults there are have yet to become ready.
    NotReady(Box<Refusal>),
}

/// Finds the vault that comes first under a rule.
pub(crate) fn choose<'a>(case: &Case<'a>, rule: &Rule) -> Choice<'a> {
    let matching: Vec<&Vault> = visible(case, rule)
        .into_iter()
        .filter(|vault| rule.vaults.matches(vault, case.cluster))
        .collect();
    let (within, outside): (Vec<&Vault>, Vec<&Vault>) = matching
        .into_iter()
        .partition(|vault| rule.vaults.is_within(&vault.id));
    let (fit, unfit) = judge(case, rule, &within);
    let mut candidates: Vec<Candidate> = unfit
        .iter()
        .map(|(vault, it)| candidate(vault, it))
        .collect();
    candidates.extend(
        outside
            .iter()
            .map(|vault| candidate(vault, &reason::outside_within(&vault.id, rule))),
    );
    let first = first_of(case, rule, &fit);
    match first.as_slice() {
        [vault] => return one_among(case, rule, vault, &fit, candidates),
        [] => unread(case, unfit.iter().map(|(vault, _)| *vault)),
        equals => {
            let best = equals.first().map(|vault| rank(case, rule, vault));
            let unfit = unfit.iter().map(|(vault, _)| *vault);
            // One of those could come before them all by now.
            let above = unfit.filter(|vault| Some(rank(case, rule, vault)) > best);
            unread(case, equals.iter().copied().chain(above))
        }
    }
    .unwrap_or_else(|| match first.as_slice() {
        [] => none_fit(rule, &unfit, &outside, candidates),
        equals => several(rule, equals, candidates),
    })
}

/// How many vaults are read live at a time before they are refused.
const ROUND: usize = 10;
/// How many vaults are read live at most before a refusal: a rule's tags fit fewer, and reads count against ARM's quotas.
const MOST_READ: usize = 30;

/// The next of the vaults that were not read live yet: a refusal must not rest on old tags or flags.
fn unread<'a>(case: &Case<'_>, vaults: impl Iterator<Item = &'a Vault>) -> Option<Choice<'a>> {
    let left = MOST_READ.saturating_sub(case.inventory.vaults.len());
    let unread = vaults.filter(|vault| case.sighting(&vault.id).is_none());
    let next = unread.take(ROUND.min(left));
    let next: Vec<VaultId> = next.map(|vault| vault.id.clone()).collect();
    (!next.is_empty()).then_some(Choice::Unread(next))
}

/// The vaults that can be seen and may have the rule's tags: Resource Graph's rows, each replaced by what a live read showed.
fn visible<'a>(case: &Case<'a>, rule: &Rule) -> Vec<&'a Vault> {
    let mut vaults = listed(case, rule);
    // A vault that a live read did not show is out, and one that it showed comes below.
    vaults.retain(|row| matches!(case.sighting(&row.id), None | Some(VaultSighting::Denied)));
    vaults.extend(
        case.inventory
            .vaults
            .values()
            .filter_map(|sighting| match sighting {
                VaultSighting::Live(vault) => Some(vault),
                VaultSighting::Absent | VaultSighting::Denied => None,
            }),
    );
    vaults.sort_by(|a, b| a.id.cmp(&b.id));
    vaults.dedup_by(|a, b| a.id == b.id);
    vaults
}

/// Resource Graph's rows, narrowed by the test that the fewest of them pass where one can be looked up.
fn listed<'a>(case: &Case<'a>, rule: &Rule) -> Vec<&'a Vault> {
    let inventory: &'a Inventory = case.inventory;
    let Some(candidates) = &inventory.candidates else {
        return Vec::new();
    };
    let cluster = case.cluster.into();
    let exact = rule.vaults.selector.exact_tests(&cluster);
    let count = |(name, values): &(&str, Vec<String>)| -> usize {
        let of_value = |value: &String| candidates.with_tag(name, value).len();
        values.iter().map(of_value).sum()
    };
    match exact.min_by_key(count) {
        Some((name, values)) => values
            .iter()
            .flat_map(|value| candidates.with_tag(name, value))
            .collect(),
        None => candidates.all().iter().collect(),
    }
}

type Unfit<'a> = (&'a Vault, Reason);

fn judge<'a>(
    case: &Case<'_>,
    rule: &Rule,
    vaults: &[&'a Vault],
) -> (Vec<&'a Vault>, Vec<Unfit<'a>>) {
    let mut fit = Vec::new();
    let mut unfit = Vec::new();
    for vault in vaults {
        match unfitness(case, rule, vault) {
            None => fit.push(*vault),
            Some(reason) => unfit.push((*vault, reason)),
        }
    }
    (fit, unfit)
}

/// Why a vault cannot take credentials at all.
fn unfitness(case: &Case<'_>, rule: &Rule, vault: &Vault) -> Option<Reason> {
    let requires = |wanted| rule.vaults.require.contains(&wanted);
    let expected_host = format!(
        "{}.{}",
        vault.id.name().to_ascii_lowercase(),
        case.question.vault_suffix
    );
    if matches!(case.sighting(&vault.id), Some(VaultSighting::Denied)) {
        Some(reason::vault_not_readable(&vault.id))
    } else if !vault.rbac {
        Some(reason::access_policies(&vault.id))
    } else if case.inventory.tenant.as_ref() != Some(&vault.tenant) {
        Some(reason::other_tenant(&vault.id))
    } else if vault_host(&vault.uri).as_ref() != Some(&expected_host) {
        Some(reason::vault_uri_mismatch(
            &vault.id,
            &vault.uri,
            &expected_host,
        ))
    } else if requires(Requirement::PurgeProtection) && !vault.purge_protection {
        Some(reason::no_purge_protection(&vault.id))
    } else if !vault.provisioning_state.eq_ignore_ascii_case("Succeeded") {
        Some(reason::vault_not_ready(
            &vault.id,
            &vault.provisioning_state,
        ))
    } else {
        None
    }
}

/// The vaults that rank first; several where they rank equal.
fn first_of<'a>(case: &Case<'_>, rule: &Rule, fit: &[&'a Vault]) -> Vec<&'a Vault> {
    if let [only] = fit {
        return vec![only];
    }
    let best = fit.iter().map(|vault| rank(case, rule, vault)).max();
    let ranks_first = |vault: &&&Vault| Some(rank(case, rule, vault)) == best;
    fit.iter().filter(ranks_first).copied().collect()
}

/// One flag for each preference, in the rule's order: compared as words are.
fn rank(case: &Case<'_>, rule: &Rule, vault: &Vault) -> Vec<bool> {
    let cluster = case.cluster;
    let same_subscription = vault.id.subscription() == cluster.id.subscription();
    let holds = |preference: &Preference| match preference {
        Preference::SameSubscription => same_subscription,
        Preference::SameResourceGroup => {
            same_subscription
                && vault
                    .id
                    .resource_group()
                    .eq_ignore_ascii_case(cluster.id.resource_group())
        }
        Preference::SameLocation => canonical(&vault.location) == canonical(&cluster.location),
    };
    rule.vaults.prefer.iter().map(holds).collect()
}

fn candidate(vault: &Vault, reason: &Reason) -> Candidate {
    Candidate {
        id: vault.id.to_string(),
        why: reason.message.clone(),
    }
}

fn one_among<'a>(
    case: &Case<'_>,
    rule: &Rule,
    chosen: &'a Vault,
    fit: &[&Vault],
    rest: Vec<Candidate>,
) -> Choice<'a> {
    let why = |vault: &Vault| {
        if vault.id == chosen.id {
            "chosen".to_owned()
        } else {
            ranked_behind(case, rule, vault, chosen)
        }
    };
    let mut candidates: Vec<Candidate> = fit
        .iter()
        .map(|vault| Candidate {
            id: vault.id.to_string(),
            why: why(vault),
        })
        .collect();
    candidates.extend(rest);
    Choice::One(chosen, candidates)
}

fn ranked_behind(case: &Case<'_>, rule: &Rule, vault: &Vault, chosen: &Vault) -> String {
    let ranks = rank(case, rule, chosen)
        .into_iter()
        .zip(rank(case, rule, vault));
    let preference = rule
        .vaults
        .prefer
        .iter()
        .zip(ranks)
        .find(|(_, (first, second))| first != second)
        .map_or("", |(preference, _)| preference.word());
    format!(
        "fit, but ranks behind: `{preference}` holds for {} and not for it",
        chosen.id.name()
    )
}

fn several<'a>(rule: &Rule, equals: &[&Vault], rest: Vec<Candidate>) -> Choice<'a> {
    let names: Vec<&str> = equals.iter().map(|vault| vault.id.name()).collect();
    let mut candidates: Vec<Candidate> = equals
        .iter()
        .map(|vault| Candidate {
            id: vault.id.to_string(),
            why: "fit, ranks equal with the others".to_owned(),
        })
        .collect();
    candidates.extend(rest);
    Choice::None(Box::new(Refusal {
        candidates,
        ..refusal_under(rule, Outcome::Ambiguous, reason::ambiguous(&names, rule))
    }))
}

fn none_fit<'a>(
    rule: &Rule,
    unfit: &[Unfit<'_>],
    outside: &[&Vault],
    candidates: Vec<Candidate>,
) -> Choice<'a> {
    let Some((vault, first)) = unfit.first() else {
        let reason = match outside.first() {
            Some(vault) => reason::outside_within(&vault.id, rule),
            None => reason::no_vault(rule),
        };
        return Choice::None(Box::new(Refusal {
            candidates,
            ..refusal_under(rule, Outcome::Unmatched, reason)
        }));
    };
    let unready = unfit
        .iter()
        .any(|(_, it)| it.code == reason::VAULT_NOT_READY);
    let reason = if unfit.len() == 1 {
        first.clone()
    } else {
        reason::no_fit_vault(unfit.len(), rule)
    };
    let vault = (unfit.len() == 1).then(|| VaultReference::of(vault));
    let refusal = Box::new(Refusal {
        vault,
        candidates,
        ..refusal_under(rule, Outcome::Rejected, reason)
    });
    if unready {
        Choice::NotReady(refusal)
    } else {
        Choice::None(refusal)
    }
}
