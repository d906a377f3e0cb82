//! The file format of a policy: YAML text in, a policy or every mistake with its place out.
//!
//! It must not know files or Azure, and gives no default but those that the format names.

mod format;
mod glob;
mod identity;
mod rule;
pub mod schema;
mod selector;
mod warnings;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use time::{Date, macros::format_description};

use super::{Exemption, Mode, Policy, Rule};
use crate::{
    id::SubscriptionId,
    yaml::{
        Place, Problem, Severity,
        node::{self, Node, every},
        problem::Problems,
    },
};

/// The largest file that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Reads a policy.
///
/// # Errors
/// Every mistake in the text, ordered by place.
pub fn load(text: &str) -> Result<Policy, Vec<Problem>> {
    let mut problems = Problems::default();
    let draft = document(text, &mut problems);
    let mut errors = problems.into_sorted();
    errors.retain(|problem| problem.severity == Severity::Error);
    match draft {
        Some(draft) if errors.is_empty() => Ok(draft.policy),
        _ => Err(errors),
    }
}

/// Every mistake in a policy, and what loads but was probably not meant, ordered by place.
pub fn check(text: &str, today: Date) -> Vec<Problem> {
    let mut problems = Problems::default();
    if let Some(draft) = document(text, &mut problems) {
        warnings::warn(&draft, today, &mut problems);
    }
    problems.into_sorted()
}

/// What could be read of a policy, and where it stands. What could not be read is left out or has its default, and an
/// error says so: only a draft without errors is a policy.
#[derive(Debug)]
struct Draft {
    policy: Policy,
    /// The name of each rule.
    rules: Vec<Place>,
    /// The last day of each exemption.
    exemptions: Vec<Place>,
}

fn document(text: &str, problems: &mut Problems) -> Option<Draft> {
    if text.len() > LARGEST {
        problems.add(Place::at(1, 1), "the file is larger than 1 MiB");
        return None;
    }
    let documents = node::parse(text, problems)?;
    let root = node::only(&documents, problems)?;
    let digest = Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    policy(root, digest, problems)
}

fn policy(root: Node<'_>, digest: String, problems: &mut Problems) -> Option<Draft> {
    let section = format::section(root, "a policy", format::POLICY, problems)?;
    if let Some(node) = format::VERSION.of(&section, problems) {
        version(node, problems);
    }
    let mode = format::MODE.of(&section, problems);
    let mode = mode.and_then(|node| node.keyword("mode", Mode::WORDS, problems));
    let scope = format::SCOPE.of(&section, problems);
    let scope = scope.and_then(|node| scope_of(node, problems));
    let rules = format::RULES.of(&section, problems);
    let rules = rules
        .map(|node| rules_of(node, problems))
        .unwrap_or_default();
    let exemptions = format::EXEMPTIONS.of(&section, problems);
    let exemptions = exemptions.and_then(|node| node.items("exemptions", problems));
    let exemptions = exemptions
        .into_iter()
        .flatten()
        .filter_map(|node| exemption(node, problems));
    let (exemption_places, exemptions) = exemptions.unzip();
    let (rule_places, rules): (Vec<_>, Vec<Rule>) = rules.into_iter().unzip();
    let within = rules.iter().flat_map(|rule| &rule.vaults.within);
    let vault_subscriptions = within
        .map(|vault_scope| vault_scope.subscription().clone())
        .collect();
    Some(Draft {
        policy: Policy {
            version: format::VERSION_READ,
            digest,
            mode: mode.unwrap_or(Mode::Enforce),
            scope,
            rules,
            exemptions,
            vault_subscriptions,
        },
        rules: rule_places,
        exemptions: exemption_places,
    })
}

fn version(node: Node<'_>, problems: &mut Problems) {
    let known = format::VERSION_READ;
    if node.integer() != Some(i64::from(known)) {
        let message = format!("version is {}, only {known} is known", node.shown());
        problems.at(node, message);
    }
}

fn scope_of(node: Node<'_>, problems: &mut Problems) -> Option<BTreeSet<SubscriptionId>> {
    let section = format::section(node, "`scope`", format::IN_SCOPE, problems)?;
    let list = format::SUBSCRIPTIONS.of(&section, problems)?;
    let items = list.items("subscriptions", problems)?;
    if items.is_empty() {
        problems.hinted(
            list,
            "`subscriptions` is empty".to_owned(),
            format::NO_SCOPE,
        );
        return None;
    }
    let ids = every(items, problems, |node, problems| {
        let text = node.string("a subscription id", problems)?;
        subscription(node, text, problems)
    })?;
    Some(ids.into_iter().collect())
}

fn subscription(node: Node<'_>, text: &str, problems: &mut Problems) -> Option<SubscriptionId> {
    let id: Option<SubscriptionId> = text.parse().ok();
    if id.is_none() {
        let message = format!("`{}` is not a subscription id", text.escape_debug());
        problems.hinted(node, message, "a subscription id is a GUID");
    }
    id
}

fn rules_of(node: Node<'_>, problems: &mut Problems) -> Vec<(Place, Rule)> {
    let Some(items) = node.items("rules", problems) else {
        return Vec::new();
    };
    if items.is_empty() {
        problems.hinted(node, "`rules` is empty".to_owned(), format::NO_RULES);
    }
    let mut rules: Vec<(Place, Rule)> = Vec::new();
    for item in items {
        let Some((place, rule)) = rule::rule(item, problems) else {
            continue;
        };
        if rules.iter().any(|(_, earlier)| earlier.name == rule.name) {
            let message = format!("another rule has the name `{}` already", rule.name);
            problems.add(place, message);
        }
        rules.push((place, rule));
    }
    rules
}

/// An exemption, and where its last day stands.
fn exemption(node: Node<'_>, problems: &mut Problems) -> Option<(Place, Exemption)> {
    let section = format::section(node, "an exemption", format::EXEMPTION, problems)?;
    let clusters = format::EXEMPT.of(&section, problems);
    let clusters = clusters.and_then(|node| glob::clusters(node, problems));
    let owner = format::OWNER.of(&section, problems);
    let owner = owner.and_then(|node| node.text("an owner", problems));
    let reason = format::REASON.of(&section, problems);
    let reason = reason.and_then(|node| node.text("a reason", problems));
    let day = format::UNTIL.of(&section, problems);
    let until = day.and_then(|node| date(node, problems));
    let exemption = Exemption {
        clusters: clusters?,
        owner: owner?,
        reason: reason?,
        until: until?,
    };
    Some((day?.place(), exemption))
}

fn date(node: Node<'_>, problems: &mut Problems) -> Option<Date> {
    let format = format_description!("[year]-[month]-[day]");
    let date = node
        .as_text()
        .and_then(|text| Date::parse(text, format).ok());
    if date.is_none() {
        let message = format!("expected a date, found {}", node.shown());
        let hint = "write a date as 2027-03-31; it is the last day that counts";
        problems.hinted(node, message, hint);
    }
    date
}

#[cfg(test)]
mod tests;
