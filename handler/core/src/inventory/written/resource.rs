//! What clusters, vaults and managers have in common: ids, tags, identities, each in a short form and a long one.
//!
//! It must not know what they are part of.

use std::str::FromStr;

use super::{Defaults, given, parsed};
use crate::{
    id::{ClusterManagerId, IdError, Scope, UserAssignedIdentityId},
    resource::{Identities, PrincipalId},
    tags::Tags,
    yaml::{
        node::{Node, Section},
        problem::Problems,
    },
};

/// Where resources are that are not said to be elsewhere.
pub(super) const LOCATION: &str = "eastus";
/// The id that a resource has: given whole, or made of its name and where it is.
pub(super) fn id_of<T: FromStr<Err = IdError>>(
    section: &Section<'_>,
    resource_type: &str,
    group: &str,
    usual_name: Option<&str>,
    problems: &mut Problems,
) -> Option<T> {
    if let Some(node) = given(section, "id") {
        return parsed(node, problems);
    }
    let group = match given(section, "in") {
        None => group.to_owned(),
        Some(node) => match parsed(node, problems)? {
            Scope::ResourceGroup(subscription, group) => {
                format!("{}/resourceGroups/{group}", subscription.path())
            }
            Scope::Subscription(_) | Scope::Vault(_) => {
                let hint = "write /subscriptions/<id>/resourceGroups/<name>";
                problems.hinted(node, "`in` is a resource group".to_owned(), hint);
                return None;
            }
        },
    };
    let (name, node) = match (given(section, "name"), usual_name) {
        (None, Some(usual)) => (usual, section.node()),
        (Some(node), _) => (node.string("a name", problems)?, node),
        (None, None) => {
            let node = section.required("name", "give its `name`, or its whole `id`", problems)?;
            (node.string("a name", problems)?, node)
        }
    };
    join(&group, resource_type, name, node, problems)
}

fn join<T: FromStr<Err = IdError>>(
    group: &str,
    resource_type: &str,
    name: &str,
    node: Node<'_>,
    problems: &mut Problems,
) -> Option<T> {
    match format!("{group}/providers/{resource_type}/{name}").parse() {
        Ok(id) => Some(id),
        Err(error) => {
            problems.at(node, format!("`{}`: {error}", name.escape_debug()));
            None
        }
    }
}

pub(super) fn tags(section: &Section<'_>, problems: &mut Problems) -> Option<Tags> {
    let Some(node) = given(section, "tags") else {
        return Some(Tags::default());
    };
    let mut pairs = Vec::new();
    for (name, value) in node.members("tags: a mapping", problems)? {
        let name = name.string("the name of a tag", problems);
        let value = value.string("the value of a tag", problems);
        pairs.push((name?, value?));
    }
    Some(pairs.into_iter().collect())
}

/// A resource by its id, or by its name where it usually is.
pub(super) fn reference<T: FromStr<Err = IdError>>(
    node: Node<'_>,
    resource_type: &str,
    group: &str,
    problems: &mut Problems,
) -> Option<T> {
    let name = node.string("a name or an id", problems)?;
    if name.starts_with('/') {
        return parsed(node, problems);
    }
    join(group, resource_type, name, node, problems)
}

/// A list of names, or a mapping that gives the object ids too.
pub(super) fn identities(
    node: Node<'_>,
    owner: &str,
    group: &str,
    problems: &mut Problems,
) -> Option<Identities> {
    let kind = UserAssignedIdentityId::RESOURCE_TYPE;
    let mut identities = Identities::default();
    if node.is_list() {
        for item in node.items("identities", problems)? {
            if item.as_text() == Some("system") {
                identities.system = Some(PrincipalId::made_of(owner));
            } else {
                let id: UserAssignedIdentityId = reference(item, kind, group, problems)?;
                let principal = PrincipalId::made_of(id.key());
                identities.user.insert(id, Some(principal));
            }
        }
        return Some(identities);
    }
    let section = Section::read(node, "`identities`", &["system", "user"], problems)?;
    if let Some(node) = given(&section, "system") {
        identities.system = Some(parsed(node, problems)?);
    }
    if let Some(node) = given(&section, "user") {
        for (id, principal) in node.members("`user`: a mapping", problems)? {
            let id = reference(id, kind, group, problems)?;
            let principal: Option<PrincipalId> = if principal.is_null() {
                None
            } else {
                Some(parsed(principal, problems)?)
            };
            identities.user.insert(id, principal);
        }
    }
    Some(identities)
}

/// Reads a cluster manager; one whose identities are null does not exist.
pub(super) fn manager(
    node: Node<'_>,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<(ClusterManagerId, Option<Identities>)> {
    const KEYS: &[&str] = &["id", "name", "in", "identities"];
    let section = Section::read(node, "a manager", KEYS, problems)?;
    let group = &defaults.clusters;
    let kind = ClusterManagerId::RESOURCE_TYPE;
    let id: ClusterManagerId = id_of(&section, kind, group, None, problems)?;
    let identities = match section.get("identities") {
        None => Some(Identities::default()),
        Some(node) if node.is_null() => None,
        Some(node) => Some(identities(node, id.as_str(), group, problems)?),
    };
    Some((id, identities))
}
