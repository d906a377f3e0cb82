//! What loads and was probably not meant.
//!
//! It must not warn of what may be right: a rule is called unreachable only where that is certain.

use time::Date;

use super::Draft;
use crate::{
    id::Scope,
    policy::{Policy, Rebind, Rule, pattern::Pattern, selector::Selector},
    yaml::{
        node::Node,
        problem::{Problems, nearest},
    },
};

pub(super) fn warn(draft: &Draft, today: Date, problems: &mut Problems) {
    let policy = &draft.policy;
    for (index, (rule, place)) in policy.rules.iter().zip(&draft.rules).enumerate() {
        if let Some((why, hint)) = never_governs(policy, rule, &policy.rules[..index]) {
            let message = format!("rule `{}` never governs a cluster: {why}", rule.name);
            problems.warn(*place, message, hint);
        }
    }
    for (rule, place) in policy.rules.iter().zip(&draft.rules) {
        if let Some(keeper) = keeper(policy, rule) {
            let (name, rebind) = (&rule.name, keeper.rebind);
            let message = format!(
                "`rebind: allow` of rule `{name}` moves no cluster from a vault that lies in `within` of rule `{}` and passes its tests, for that rule keeps its clusters (`rebind: {rebind}`)",
                keeper.name
            );
            let hint = "give each rule a boundary of its own, or allow it in both";
            problems.warn(*place, message, hint);
        }
    }
    for (exemption, place) in policy.exemptions.iter().zip(&draft.exemptions) {
        if exemption.until < today {
            let (owner, until) = (&exemption.owner, exemption.until);
            let message = format!("the exemption of {owner} has expired on {until}");
            let hint = "its clusters are treated as all others are; remove it, or set a later day";
            problems.warn(*place, message, hint);
        }
    }
}

/// Another rule that does not let its clusters go, in whose boundary lies what this one has clusters leave.
fn keeper<'a>(policy: &'a Policy, rule: &'a Rule) -> Option<&'a Rule> {
    let meet = |one: &Scope, other: &Scope| one.covers(other) || other.covers(one);
    let meets = |other: &&Rule| {
        let mut of_rule = rule.vaults.within.iter();
        of_rule.any(|one| other.vaults.within.iter().any(|theirs| meet(one, theirs)))
    };
    let mut keepers = policy.keepers(rule);
    keepers.find(meets).filter(|_| rule.rebind == Rebind::Allow)
}

fn never_governs(policy: &Policy, rule: &Rule, earlier: &[Rule]) -> Option<(String, String)> {
    if let Some(first) = earlier
        .iter()
        .find(|other| other.clusters.covers(&rule.clusters))
    {
        let why = format!(
            "rule `{}` before it governs all that it matches",
            first.name
        );
        let hint = format!("move it before `{}`, or remove it", first.name);
        return Some((why, hint));
    }
    let scope = policy.scope.as_ref()?;
    let is_outside = !scope
        .iter()
        .any(|subscription| rule.clusters.can_match_in(subscription));
    is_outside.then(|| {
        let why = "`scope` leaves out every subscription that it matches";
        let hint = "add the subscription to `scope`, or remove the rule";
        (why.to_owned(), hint.to_owned())
    })
}

/// Warns of templates that take a tag which the rule's clusters need not have: for such a cluster there is no vault.
pub(super) fn warn_of_missing_tags(vaults: Node<'_>, clusters: &Selector, problems: &mut Problems) {
    for (node, text) in vaults.texts() {
        let Ok(pattern) = Pattern::parse(text) else {
            continue;
        };
        let needed = pattern.needed_tags();
        for tag in needed.filter(|tag| !clusters.requires_tag(tag)) {
            let message = format!("clusters without the tag `{tag}` find no vault");
            let there = clusters.tags.iter().map(|(name, _)| name.as_str());
            let hint = match nearest(tag, there) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!(
                    "ask for it in `clusters`, as `{tag}: \"*\"`, or give a default: ${{cluster.tags.{tag}|none}}"
                ),
            };
            problems.warn(node.place(), message, hint);
        }
    }
}
