//! The file format of a policy: YAML text in, a policy or every mistake with its place out.
//!
//! It must not know files or Azure, and gives no default but those that the format names.

mod rule;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use time::{Date, macros::format_description};

use super::{Exemption, Mode, Policy, Rule, pattern::IdGlob};
use crate::{
    id::SubscriptionId,
    yaml::{
        Place, Problem,
        node::{self, Node, Section, every},
        problem::Problems,
    },
};

/// The version of the format that is read.
const VERSION: i64 = 1;
/// The largest file that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Reads a policy.
///
/// # Errors
/// Every mistake in the text, ordered by place.
pub fn load(text: &str) -> Result<Policy, Vec<Problem>> {
    let mut problems = Problems::default();
    let policy = document(text, &mut problems);
    match (policy, problems.into_sorted()) {
        (Some(policy), none) if none.is_empty() => Ok(policy),
        (_, problems) => Err(problems),
    }
}

fn document(text: &str, problems: &mut Problems) -> Option<Policy> {
    if text.len() > LARGEST {
        problems.add(Place::at(1, 1), "the file is larger than 1 MiB");
        return None;
    }
    let documents = node::parse(text, problems)?;
    let [root] = documents.as_slice() else {
        let message = if documents.is_empty() {
            "the file is empty"
        } else {
            "the file holds more than one document"
        };
        problems.add(Place::at(1, 1), message);
        return None;
    };
    let digest = Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    policy(Node(root), digest, problems)
}

fn policy(root: Node<'_>, digest: String, problems: &mut Problems) -> Option<Policy> {
    const KEYS: &[&str] = &["version", "mode", "scope", "rules", "exemptions"];
    let section = Section::read(root, "a policy", KEYS, problems)?;
    let version = section
        .required("version", "write `version: 1`", problems)
        .and_then(|it| version(it, problems));
    let mode = section.get("mode").map_or(Some(Mode::Enforce), |it| {
        it.keyword("mode", Mode::WORDS, problems)
    });
    let scope = section
        .get("scope")
        .map_or(Some(None), |it| scope(it, problems).map(Some));
    let hint = "a policy without rules governs no cluster";
    let rules = section
        .required("rules", hint, problems)
        .and_then(|it| rules(it, problems));
    let exemptions = section.get("exemptions").map_or(Some(Vec::new()), |it| {
        it.each("exemptions", problems, exemption)
    });
    Some(Policy {
        version: version?,
        digest,
        mode: mode?,
        scope: scope?,
        rules: rules?,
        exemptions: exemptions?,
    })
}

fn version(node: Node<'_>, problems: &mut Problems) -> Option<u32> {
    if node.integer() == Some(VERSION) {
        return u32::try_from(VERSION).ok();
    }
    problems.at(
        node,
        format!("version is {}, only 1 is known", node.shown()),
    );
    None
}

fn scope(node: Node<'_>, problems: &mut Problems) -> Option<BTreeSet<SubscriptionId>> {
    let section = Section::read(node, "`scope`", &["subscriptions"], problems)?;
    let hint = "leave out `scope` to look at every subscription that can be read";
    let list = section.required("subscriptions", hint, problems)?;
    let items = list.items("subscriptions", problems)?;
    if items.is_empty() {
        problems.hinted(list, "`subscriptions` is empty".to_owned(), hint);
        return None;
    }
    let ids = every(items, problems, |it, problems| {
        let text = it.string("a subscription id", problems)?;
        let id: Option<SubscriptionId> = text.parse().ok();
        if id.is_none() {
            problems.hinted(
                it,
                format!("`{}` is not a subscription id", text.escape_debug()),
                "a subscription id is a GUID",
            );
        }
        id
    })?;
    Some(ids.into_iter().collect())
}

fn rules(node: Node<'_>, problems: &mut Problems) -> Option<Vec<Rule>> {
    let items = node.items("rules", problems)?;
    if items.is_empty() {
        problems.hinted(
            node,
            "`rules` is empty".to_owned(),
            "a policy without rules governs no cluster",
        );
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    every(items, problems, |item, problems| {
        let rule = rule::rule(item, problems)?;
        if names.contains(&rule.name) {
            problems.at(
                item,
                format!("another rule has the name `{}` already", rule.name),
            );
        }
        names.push(rule.name.clone());
        Some(rule)
    })
}

fn exemption(node: Node<'_>, problems: &mut Problems) -> Option<Exemption> {
    const KEYS: &[&str] = &["clusters", "owner", "reason", "until"];
    let section = Section::read(node, "an exemption", KEYS, problems)?;
    let hint = "an exemption says which clusters, whose word it is, why, and until when";
    let clusters = section
        .required("clusters", hint, problems)
        .and_then(|it| globs(it, problems));
    let owner = section
        .required("owner", hint, problems)
        .and_then(|it| it.text("an owner", problems));
    let reason = section
        .required("reason", hint, problems)
        .and_then(|it| it.text("a reason", problems));
    let until = section
        .required("until", hint, problems)
        .and_then(|it| date(it, problems));
    Some(Exemption {
        clusters: clusters?,
        owner: owner?,
        reason: reason?,
        until: until?,
    })
}

fn globs(node: Node<'_>, problems: &mut Problems) -> Option<Vec<IdGlob>> {
    let items = node.items("clusters", problems)?;
    if items.is_empty() {
        problems.at(node, "`clusters` is empty".to_owned());
        return None;
    }
    every(items, problems, |it, problems| {
        Some(IdGlob::new(&it.text("an id or a glob of ids", problems)?))
    })
}

fn date(node: Node<'_>, problems: &mut Problems) -> Option<Date> {
    let text = node.string("a date", problems)?;
    let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok();
    if date.is_none() {
        problems.hinted(
            node,
            format!("`{}` is not a date", text.escape_debug()),
            "write a date as 2027-03-31; it is the last day that counts",
        );
    }
    date
}

#[cfg(test)]
mod tests;
