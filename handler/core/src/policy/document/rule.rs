//! Rules of a policy file: selectors, the trust boundary, preferences, and how a cluster is bound.
//!
//! It must not accept a rule without `within`: tags alone are no proof.

use crate::{
    id::Scope,
    policy::{
        Preference, Rebind, Requirement, Rule, Selector, TagTest, VaultSelector, WriterChoice,
        pattern::{IdGlob, Pattern, PatternError},
    },
    yaml::{
        node::{Node, Section, every},
        problem::Problems,
    },
};

pub(super) fn rule(node: Node<'_>, problems: &mut Problems) -> Option<Rule> {
    const KEYS: &[&str] = &["name", "clusters", "vaults", "writer", "identity", "rebind"];
    let section = Section::read(node, "a rule", KEYS, problems)?;
    let name = section
        .required("name", "every result names its rule", problems)
        .and_then(|it| name(it, problems));
    let clusters = section
        .get("clusters")
        .map_or(Some(Selector::default()), |it| clusters(it, problems));
    let hint = "say which vaults may serve the clusters, with `within` at least";
    let vaults = section
        .required("vaults", hint, problems)
        .and_then(|it| vaults(it, problems));
    let writer = section
        .get("writer")
        .map_or(Some(WriterChoice::Auto), |it| {
            it.keyword("writer", WriterChoice::WORDS, problems)
        });
    let identity = section.get("identity").map_or(Some(None), |it| {
        it.text("an id or a glob of ids", problems)
            .map(|text| Some(IdGlob::new(&text)))
    });
    let rebind = section.get("rebind").map_or(Some(Rebind::Never), |it| {
        it.keyword("rebind", Rebind::WORDS, problems)
    });
    Some(Rule {
        name: name?,
        clusters: clusters?,
        vaults: vaults?,
        writer: writer?,
        identity: identity?,
        rebind: rebind?,
    })
}

fn name(node: Node<'_>, problems: &mut Problems) -> Option<String> {
    let text = node.text("the name of a rule", problems)?;
    let is_plain = text
        .chars()
        .all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_'));
    if !is_plain {
        let message = format!("`{}` is no name for a rule", text.escape_debug());
        problems.hinted(node, message, "use letters, digits, dashes and underscores");
        return None;
    }
    Some(text)
}

fn clusters(node: Node<'_>, problems: &mut Problems) -> Option<Selector> {
    let section = Section::read(node, "`clusters`", &["tags"], problems)?;
    section.get("tags").map_or(Some(Selector::default()), |it| {
        selector(it, false, problems)
    })
}

fn vaults(node: Node<'_>, problems: &mut Problems) -> Option<VaultSelector> {
    const KEYS: &[&str] = &["within", "tags", "prefer", "require"];
    let section = Section::read(node, "`vaults`", KEYS, problems)?;
    let hint = "it is the trust boundary: without it whoever can tag a vault attracts credentials";
    let scopes = section
        .required("within", hint, problems)
        .and_then(|it| within(it, problems));
    let tags = section
        .get("tags")
        .map_or(Some(Selector::default()), |it| selector(it, true, problems));
    let prefer = section.get("prefer").map_or(Some(Vec::new()), |it| {
        it.each("preferences", problems, |it, problems| {
            it.keyword("preference", Preference::WORDS, problems)
        })
    });
    let require = section.get("require").map_or(Some(Vec::new()), |it| {
        it.each("requirements", problems, |it, problems| {
            it.keyword("requirement", Requirement::WORDS, problems)
        })
    });
    Some(VaultSelector {
        within: scopes?,
        selector: tags?,
        prefer: prefer?,
        require: require?,
    })
}

fn within(node: Node<'_>, problems: &mut Problems) -> Option<Vec<Scope>> {
    let items = node.items("scopes", problems)?;
    if items.is_empty() {
        problems.hinted(
            node,
            "`within` is empty".to_owned(),
            "no vault could ever be chosen",
        );
        return None;
    }
    every(items, problems, |it, problems| {
        let text = it.string("a scope", problems)?;
        let scope = text.parse().ok();
        if scope.is_none() {
            let hint = "a scope is the id of a subscription, a resource group or a vault: /subscriptions/<GUID>/resourceGroups/<name>";
            problems.hinted(it, format!("`{}` is no scope", text.escape_debug()), hint);
        }
        scope
    })
}

fn selector(node: Node<'_>, takes_templates: bool, problems: &mut Problems) -> Option<Selector> {
    let mut tags: Vec<(String, TagTest)> = Vec::new();
    let mut is_sound = true;
    for (key, value) in node.members("tags: a mapping", problems)? {
        let name = key.text("the name of a tag", problems);
        let test = test(value, takes_templates, problems);
        let (Some(name), Some(test)) = (name, test) else {
            is_sound = false;
            continue;
        };
        if tags
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(&name))
        {
            problems.at(
                key,
                format!(
                    "the tag `{}` is there twice: names of tags ignore case",
                    name.escape_debug()
                ),
            );
        }
        tags.push((name, test));
    }
    is_sound.then_some(Selector { tags })
}

fn test(node: Node<'_>, takes_templates: bool, problems: &mut Problems) -> Option<TagTest> {
    if node.is_null() {
        return Some(TagTest::Absent);
    }
    let items = node.one_or_more();
    if items.is_empty() {
        problems.hinted(
            node,
            "the list of values is empty".to_owned(),
            "write null for a tag that must not be there",
        );
        return None;
    }
    let read = |it: Node<'_>, problems: &mut Problems| pattern(it, takes_templates, problems);
    every(items, problems, read).map(TagTest::AnyOf)
}

fn pattern(node: Node<'_>, takes_templates: bool, problems: &mut Problems) -> Option<Pattern> {
    let text = node.string("the value of a tag", problems)?;
    match Pattern::parse(text) {
        Ok(pattern) if pattern.is_template() && !takes_templates => {
            let message = "a template has no meaning in the selector of clusters".to_owned();
            problems.hinted(
                node,
                message,
                "templates compare a vault's tags with the cluster's",
            );
            None
        }
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let hint = match error {
                PatternError::Unclosed { .. } => "write it as ${cluster.tags.<name>}",
                PatternError::UnknownField { .. } => {
                    "there is ${cluster.tags.<name>}, with an optional default as in ${cluster.tags.<name>|none}"
                }
            };
            problems.hinted(node, error.to_string(), hint);
            None
        }
    }
}
