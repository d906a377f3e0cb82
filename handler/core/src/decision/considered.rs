//! What was considered, in words: each vault beside the one that is chosen or in place, and why it is not the one.
//!
//! It must not choose.

use super::{
    fitness::{Unfit, unfitness},
    input::Input,
    ranking::{rank, ranked_behind},
};
use crate::{
    policy::Rule,
    resource::Vault,
    result::{Candidate, reason},
};

pub(super) fn candidate(vault: &Vault, why: impl Into<String>) -> Candidate {
    Candidate {
        id: vault.id.to_string(),
        why: why.into(),
    }
}

/// The fit vaults, where one of them comes first.
pub(super) fn ranked(
    input: &Input<'_>,
    rule: &Rule,
    fit: &[&Vault],
    chosen: &Vault,
) -> Vec<Candidate> {
    let told = |vault: &&Vault| {
        if vault.id == chosen.id {
            candidate(vault, "chosen")
        } else {
            let behind = ranked_behind(input, rule, vault, chosen);
            candidate(vault, format!("fit, but {behind}"))
        }
    };
    fit.iter().map(told).collect()
}

/// What else the rule would find for a cluster whose vault in place is right.
pub(super) fn beside(
    input: &Input<'_>,
    rule: &Rule,
    in_place: &Vault,
    within: &[&Vault],
) -> Vec<Candidate> {
    let others = within.iter().filter(|vault| vault.id != in_place.id);
    let own = rank(input, rule, in_place);
    let told = |vault: &&Vault| {
        let name = in_place.id.name();
        let is_read = input.sighting(&vault.id).is_some();
        let unfit = is_read.then(|| unfitness(input, rule, vault)).flatten();
        // Where a vault lies does not change: that much is true of a row that nobody read live.
        let is_behind = rank(input, rule, vault) < own;
        let behind = is_behind.then(|| ranked_behind(input, rule, vault, in_place));
        let why = match (unfit, behind) {
            (Some(reason), _) => reason.message,
            (None, Some(behind)) if is_read => format!("fit, but {behind}"),
            (None, Some(behind)) => behind,
            (None, None) if is_read => format!("fit, but {name} is in place"),
            (None, None) => format!("not read: {name} is in place"),
        };
        candidate(vault, why)
    };
    others.map(told).collect()
}

/// The fit vaults, where several come first.
pub(super) fn equal(equals: &[&Vault]) -> Vec<Candidate> {
    let told = |vault: &&Vault| candidate(vault, "fit, ranks equal with the others");
    equals.iter().map(told).collect()
}

/// The vaults that match and cannot be chosen.
pub(super) fn ruled_out<'a>(
    rule: &'a Rule,
    unfit: &'a [Unfit<'_>],
    outside: &'a [&Vault],
) -> impl Iterator<Item = Candidate> {
    let unfit = unfit.iter();
    let unfit = unfit.map(|(vault, reason)| candidate(vault, reason.message.clone()));
    let outside = outside.iter();
    let why = |vault: &Vault| reason::outside_within(&vault.id, rule).message;
    unfit.chain(outside.map(move |vault| candidate(vault, why(vault))))
}
