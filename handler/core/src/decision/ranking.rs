//! Ranking: which of several vaults comes first, by what the rule prefers.
//!
//! It must not ask whether a vault is fit.

use super::input::Input;
use crate::{
    policy::{Preference, Rule, attributes::canonical},
    resource::Vault,
};

/// The vaults that rank first; several where they rank equal.
pub(super) fn first_of<'a>(input: &Input<'_>, rule: &Rule, vaults: &[&'a Vault]) -> Vec<&'a Vault> {
    if let [only] = vaults {
        return vec![only];
    }
    let best = vaults.iter().map(|vault| rank(input, rule, vault)).max();
    let ranks_first = |vault: &&&Vault| Some(rank(input, rule, vault)) == best;
    vaults.iter().filter(ranks_first).copied().collect()
}

/// One flag for each preference, in the rule's order: compared as words are.
pub(super) fn rank(input: &Input<'_>, rule: &Rule, vault: &Vault) -> Vec<bool> {
    let cluster = input.cluster;
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

/// What puts a vault behind the chosen one, in words.
pub(super) fn ranked_behind(
    input: &Input<'_>,
    rule: &Rule,
    vault: &Vault,
    chosen: &Vault,
) -> String {
    let ranks = rank(input, rule, chosen)
        .into_iter()
        .zip(rank(input, rule, vault));
    let preference = rule
        .vaults
        .prefer
        .iter()
        .zip(ranks)
        .find(|(_, (first, second))| first != second)
        .map_or("", |(preference, _)| preference.word());
    format!(
        "ranks behind: `{preference}` holds for {} and not for it",
        chosen.id.name()
    )
}
