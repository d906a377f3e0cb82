//! What was considered, in words: each vault beside the one that is chosen or in place, and why it is not the one.
//!
//! It must not choose.

use super::{
    fitness::unfitness,
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

/// The vaults that match, those that rank first at the top.
pub(super) fn considered(
    input: &Input<'_>,
    rule: &Rule,
    vaults: &[&Vault],
    first: &[&Vault],
    sees_all: bool,
) -> Vec<Candidate> {
    let Some(best) = first.first() else {
        return Vec::new();
    };
    let at_the_top = first.iter().map(|vault| {
        let unfit = unfitness(input, rule, vault).map(|reason| reason.message);
        let why = match (unfit, first.len()) {
            (None, 1) if sees_all => "chosen".to_owned(),
            (None, 1) => "fit, ranks first of what can be seen".to_owned(),
            (Some(unfit), 1) => unfit,
            (None, _) => "fit, ranks equal with the others".to_owned(),
            (Some(unfit), _) => format!("ranks equal with the others; {unfit}"),
        };
        candidate(vault, why)
    });
    let best_rank = rank(input, rule, best);
    let behind = vaults
        .iter()
        .filter(|vault| rank(input, rule, vault) != best_rank);
    let behind = behind.map(|vault| {
        let behind = ranked_behind(input, rule, vault, best);
        candidate(vault, unless_unfit(input, rule, vault, &behind))
    });
    at_the_top.chain(behind).collect()
}

/// What else the rule has for a cluster whose vault in place is right.
pub(super) fn beside(
    input: &Input<'_>,
    rule: &Rule,
    in_place: &Vault,
    vaults: &[&Vault],
) -> Vec<Candidate> {
    let others = vaults.iter().filter(|vault| vault.id != in_place.id);
    let own = rank(input, rule, in_place);
    let told = |vault: &&Vault| {
        let but = if rank(input, rule, vault) < own {
            ranked_behind(input, rule, vault, in_place)
        } else {
            format!("{} is in place", in_place.id.name())
        };
        candidate(vault, unless_unfit(input, rule, vault, &but))
    };
    others.map(told).collect()
}

fn unless_unfit(input: &Input<'_>, rule: &Rule, vault: &Vault, but: &str) -> String {
    match unfitness(input, rule, vault) {
        Some(reason) => reason.message,
        None => format!("fit, but {but}"),
    }
}

/// A vault that has what the rule asks for, and lies outside its boundary.
pub(super) fn outside(rule: &Rule, vault: &Vault) -> Candidate {
    candidate(vault, reason::outside_within(&vault.id, rule).message)
}
