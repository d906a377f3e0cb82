//! Rules of a policy file: the trust boundary, preferences, and how a cluster is bound.
//!
//! It must not accept a rule without `within`: tags alone are no proof.

use super::{
    format, identity,
    selector::{Of, selector},
    warnings::warn_of_missing_tags,
};
use crate::{
    id::Scope,
    policy::{
        Preference, Rebind, Requirement, Rule, VaultSelector, WriterChoice, selector::Selector,
    },
    yaml::{
        Place,
        node::{Node, every},
        problem::Problems,
    },
};

/// A rule, and where its name stands.
pub(super) fn rule(node: Node<'_>, problems: &mut Problems) -> Option<(Place, Rule)> {
    let section = format::section(node, "a rule", format::RULE, problems)?;
    let named = format::NAME.of(&section, problems);
    let name = named.and_then(|node| name(node, problems));
    let clusters = format::CLUSTERS.of(&section, problems);
    let clusters = clusters.map_or(Some(Selector::default()), |node| {
        clusters_of(node, problems)
    });
    let node = format::VAULTS.of(&section, problems);
    let vaults = node.and_then(|node| vaults_of(node, problems));
    if let (Some(node), Some(clusters)) = (node, &clusters) {
        warn_of_missing_tags(node, clusters, problems);
    }
    let writer = format::WRITER.of(&section, problems);
    let writer = writer.map_or(Some(WriterChoice::Auto), |node| {
        node.keyword("writer", WriterChoice::WORDS, problems)
    });
    let identity = format::IDENTITY.of(&section, problems);
    let identity = identity.and_then(|node| identity::identity(node, problems));
    let rebind = format::REBIND.of(&section, problems);
    let rebind = rebind.map_or(Some(Rebind::Never), |node| {
        node.keyword("rebind", Rebind::WORDS, problems)
    });
    let rule = Rule {
        name: name?,
        clusters: clusters?,
        vaults: vaults?,
        writer: writer?,
        identity,
        rebind: rebind?,
    };
    Some((named?.place(), rule))
}

fn name(node: Node<'_>, problems: &mut Problems) -> Option<String> {
    let text = node.text("the name of a rule", problems)?;
    let is_plain = text
        .chars()
        .all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
    if !is_plain {
        let message = format!("`{}` is no name for a rule", text.escape_debug());
        problems.hinted(node, message, "use letters, digits, dashes and underscores");
        return None;
    }
    Some(text)
}

fn clusters_of(node: Node<'_>, problems: &mut Problems) -> Option<Selector> {
    let section = format::section(node, "`clusters`", format::OF_CLUSTERS, problems)?;
    selector(&section, Of::Clusters, problems)
}

fn vaults_of(node: Node<'_>, problems: &mut Problems) -> Option<VaultSelector> {
    let section = format::section(node, "`vaults`", format::OF_VAULTS, problems)?;
    let within = format::WITHIN.of(&section, problems);
    let within = within.and_then(|node| within_of(node, problems));
    let selector = selector(&section, Of::Vaults, problems);
    let prefer = format::PREFER.of(&section, problems);
    let prefer = prefer.map_or(Some(Vec::new()), |node| {
        words(node, "preference", Preference::WORDS, problems)
    });
    let require = format::REQUIRE.of(&section, problems);
    let require = require.map_or(Some(Vec::new()), |node| {
        words(node, "requirement", Requirement::WORDS, problems)
    });
    Some(VaultSelector {
        within: within?,
        selector: selector?,
        prefer: prefer?,
        require: require?,
    })
}

/// A list of words, each at most once.
fn words<T: Copy + PartialEq>(
    node: Node<'_>,
    what: &str,
    known: &[(&'static str, T)],
    problems: &mut Problems,
) -> Option<Vec<T>> {
    let mut seen = Vec::new();
    node.each(&format!("{what}s"), problems, |node, problems| {
        let word = node.keyword(what, known, problems)?;
        if seen.contains(&word) {
            problems.at(node, format!("this {what} is there already"));
        }
        seen.push(word);
        Some(word)
    })
}

fn within_of(node: Node<'_>, problems: &mut Problems) -> Option<Vec<Scope>> {
    let items = node.items("scopes", problems)?;
    if items.is_empty() {
        problems.hinted(
            node,
            "`within` is empty".to_owned(),
            "no vault could ever be chosen",
        );
        return None;
    }
    every(items, problems, |node, problems| {
        let text = node.string("a scope", problems)?;
        let scope = text.parse().ok();
        if scope.is_none() {
            let hint = if text.contains("${") || text.contains('*') {
                "it is the trust boundary: it takes no template and no glob, so that no tag can move it"
            } else {
                "a scope is the id of a subscription, a resource group or a vault: /subscriptions/<GUID>/resourceGroups/<name>"
            };
            problems.hinted(node, format!("`{}` is no scope", text.escape_debug()), hint);
        }
        scope
    })
}
