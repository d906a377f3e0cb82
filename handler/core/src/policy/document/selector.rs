//! Selectors of a policy file: tests on tags and on attributes, their patterns and templates.
//!
//! It must not take a test for one that it does not look like: what cannot be read is a mistake.

use super::{format, subscription};
use crate::{
    policy::{
        attributes::Attribute,
        pattern::{CLUSTER, CLUSTER_TAGS, Mistake, NOT_IN_TAG_NAMES, Pattern, is_tag_name},
        selector::{Selector, Test},
    },
    yaml::{
        Severity,
        node::{Node, Section, every},
        problem::{Problems, nearest},
    },
};

/// Whom a selector is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Clusters,
    /// Only here templates mean something: they compare a vault with the cluster.
    Vaults,
}

/// What a test is about.
#[derive(Debug, Clone, Copy)]
struct Asked {
    of: Of,
    /// The attribute; none for a tag.
    attribute: Option<Attribute>,
}

pub(super) fn selector(section: &Section<'_>, of: Of, problems: &mut Problems) -> Option<Selector> {
    let tags = match format::TAGS.of(section, problems) {
        Some(node) => tags(node, of, problems),
        None => Some(Vec::new()),
    };
    let mut attributes = Some(Vec::new());
    for (key, attribute) in format::ATTRIBUTES {
        let Some(node) = key.of(section, problems) else {
            continue;
        };
        let asked = Asked {
            of,
            attribute: Some(*attribute),
        };
        let test = test(node, asked, problems);
        attributes = attributes.zip(test).map(|(mut all, test)| {
            all.push((*attribute, test));
            all
        });
    }
    Some(Selector {
        attributes: attributes?,
        tags: tags?,
    })
}

fn tags(node: Node<'_>, of: Of, problems: &mut Problems) -> Option<Vec<(String, Test)>> {
    let mut tags: Vec<(String, Test)> = Vec::new();
    let mut is_sound = true;
    for (key, value) in node.members("a mapping of tags", problems)? {
        let asked = Asked {
            of,
            attribute: None,
        };
        let name = tag_name(key, problems);
        let test = test(value, asked, problems);
        let (Some(name), Some(test)) = (name, test) else {
            is_sound = false;
            continue;
        };
        if tags
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(&name))
        {
            let shown = name.escape_debug();
            let message = format!("the tag `{shown}` is there twice: names of tags ignore case");
            problems.at(key, message);
        }
        tags.push((name, test));
    }
    is_sound.then_some(tags)
}

fn tag_name(node: Node<'_>, problems: &mut Problems) -> Option<String> {
    let name = node.text("the name of a tag", problems)?;
    if !is_tag_name(&name) {
        let mistake = Mistake::TagName(name);
        problems.hinted(node, mistake.to_string(), hint(&mistake));
        return None;
    }
    Some(name)
}

fn test(node: Node<'_>, asked: Asked, problems: &mut Problems) -> Option<Test> {
    if node.is_null() {
        return match asked.attribute {
            None => Some(Test::Absent),
            Some(attribute) => {
                let message = format!("`{attribute}` is never absent");
                problems.hinted(node, message, "leave it out to take any");
                None
            }
        };
    }
    if !node.is_mapping() {
        return patterns(node, asked, problems).map(Test::AnyOf);
    }
    let negation = format::section(node, "a test", format::NEGATION, problems)?;
    let value = format::NOT.of(&negation, problems)?;
    if value.is_null() {
        let message = "`not` has no value".to_owned();
        problems.hinted(value, message, "write \"*\" for a tag that must be there");
        return None;
    }
    patterns(value, asked, problems).map(Test::none_of)
}

fn patterns(node: Node<'_>, asked: Asked, problems: &mut Problems) -> Option<Vec<Pattern>> {
    let items = node.one_or_more();
    if items.is_empty() {
        let hint = match asked.attribute {
            None => "write null for a tag that must not be there",
            Some(_) => "leave it out to take any",
        };
        problems.hinted(node, "the list of values is empty".to_owned(), hint);
        return None;
    }
    every(items, problems, |node, problems| {
        pattern(node, asked, problems)
    })
}

fn pattern(node: Node<'_>, asked: Asked, problems: &mut Problems) -> Option<Pattern> {
    let text = match asked.attribute {
        None => node.string("the value of a tag", problems)?.to_owned(),
        Some(attribute) => node.text(&format!("a value for `{attribute}`"), problems)?,
    };
    let pattern = match Pattern::parse(&text) {
        Ok(pattern) => pattern,
        Err(error) => {
            let place = problems.part(node, &text, error.at);
            let hint = Some(hint(&error.mistake));
            problems.push(Severity::Error, place, error.mistake.to_string(), hint);
            return None;
        }
    };
    if pattern.is_template() && asked.of == Of::Clusters {
        let message = "a template has no meaning in the selector of clusters".to_owned();
        problems.hinted(node, message, "templates compare a vault with the cluster");
        return None;
    }
    if asked.attribute == Some(Attribute::Subscription) && !pattern.is_template() {
        subscription(node, &text, problems)?;
    }
    Some(match asked.attribute {
        Some(_) => pattern.over_attribute(),
        None => pattern,
    })
}

/// What was probably meant.
fn hint(mistake: &Mistake) -> String {
    match mistake {
        Mistake::Unclosed | Mistake::Lookalike(_) => {
            format!("a template is written as ${{{CLUSTER_TAGS}<name>}}")
        }
        Mistake::UnknownField(field) => unknown_field(field),
        Mistake::TagName(_) => {
            format!("Azure allows none of {NOT_IN_TAG_NAMES} in it, and no blank at its ends")
        }
        Mistake::Default => {
            format!("write it as in ${{{CLUSTER_TAGS}site|none}}; templates do not nest")
        }
    }
}

fn unknown_field(field: &str) -> String {
    let attributes = || Attribute::WORDS.iter().map(|(word, _)| *word);
    let name = field.trim().rsplit('.').next().unwrap_or_default();
    if let Some(meant) = nearest(name, attributes()) {
        return format!("did you mean `${{{CLUSTER}{meant}}}`?");
    }
    let tag = if is_tag_name(name) { name } else { "<name>" };
    let others: Vec<String> = attributes()
        .map(|word| format!("{CLUSTER}{word}"))
        .collect();
    let others = others.join(", ");
    format!("a tag is taken by `${{{CLUSTER_TAGS}{tag}}}`; there are {others} too")
}
