//! Reading an estate: a captured one whole, or what a person wrote down of one, the rest being as it usually is.
//!
//! It must not guess at what is spelled wrong: every mistake comes back with its place.

mod cluster;
mod resource;
mod roles;
mod vault;

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Estate, Subscription};
use crate::{
    id::{IdError, ResourceId, Scope, SubscriptionId, VaultId},
    inventory::DeletedVault,
    policy::Policy,
    resource::{PrincipalId, Provider},
    yaml::{
        Problem,
        node::{self, Node, Section, every},
        problem::Problems,
    },
};

pub(crate) use cluster::cluster;
pub(crate) use vault::vault_named;

/// The version of the format that is read and written.
pub(super) const VERSION: i64 = 1;
/// The keys of a file besides those that furnish an estate.
const KEYS: &[&str] = &["version", "captured", "clusters", "unread"];
/// The keys of everything but clusters.
pub(crate) const FURNISHED: &[&str] = &[
    "vaults",
    "managers",
    "platform-apps",
    "subscriptions",
    "addresses",
    "roles",
];

/// Where things are that a person names without saying where.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The resource group of vaults, as a path.
    pub vaults: String,
    /// The resource group of clusters and their managers, as a path.
    pub clusters: String,
    /// The suffix of vault addresses in this cloud.
    pub vault_suffix: String,
}

impl Surroundings {
    /// Vaults lie within the first boundary of the policy, clusters in its scope.
    pub fn of(policy: &Policy, vault_suffix: &str) -> Self {
        let boundary = policy.rules.iter().flat_map(|it| &it.vaults.within).next();
        let of_vaults = boundary.map(|it| it.subscription().clone());
        let in_scope = policy.scope.iter().flatten().next().cloned();
        let group = match boundary {
            Some(Scope::ResourceGroup(_, group)) => group.clone(),
            Some(Scope::Vault(vault)) => vault.resource_group().to_owned(),
            Some(Scope::Subscription(_)) | None => "rg-vaults".to_owned(),
        };
        let path = |it: Option<SubscriptionId>, group: &str| {
            let subscription = it.map(|it| it.path()).unwrap_or_default();
            format!("{subscription}/resourceGroups/{group}")
        };
        Self {
            vaults: path(of_vaults.clone().or(in_scope.clone()), &group),
            clusters: path(in_scope.or(of_vaults), "rg-clusters"),
            vault_suffix: vault_suffix.to_owned(),
        }
    }
}

/// Reads an estate.
///
/// # Errors
/// Every mistake in the text, ordered by place.
pub fn load(text: &str, around: &Surroundings) -> Result<Estate, Vec<Problem>> {
    let mut problems = Problems::default();
    let estate = file(text, around, &mut problems);
    match (estate, problems.into_sorted()) {
        (Some(estate), none) if none.is_empty() => Ok(estate),
        (_, problems) => Err(problems),
    }
}

fn file(text: &str, around: &Surroundings, problems: &mut Problems) -> Option<Estate> {
    let documents = node::parse(text, problems)?;
    let root = node::only(&documents, problems)?;
    let section = Section::read(root, "an estate", &[KEYS, FURNISHED].concat(), problems)?;
    let hint = "it is written by `vaultbind capture`; by hand, begin with `version: 1`";
    let version = section.required("version", hint, problems)?;
    if version.integer() != Some(VERSION) {
        let message = format!("version is {}, only 1 is known", version.shown());
        problems.at(version, message);
        return None;
    }
    let captured = match given(&section, "captured") {
        None => None,
        Some(it) => Some(time(it, problems)?),
    };
    let mut estate = Estate {
        captured,
        ..Estate::default()
    };
    let furnished = furnish(&mut estate, &section, around, problems);
    let mut ids = BTreeSet::new();
    let clusters = list(&section, "clusters", problems, |it, problems| {
        let cluster = cluster(it, &estate, around, problems)?;
        once(&mut ids, &cluster.id, it, problems).then_some(cluster)
    })?;
    furnished?;
    estate.clusters = clusters.into_iter().map(|it| (it.id.clone(), it)).collect();
    let unread = list(&section, "unread", problems, unread)?;
    estate.unread = unread.into_iter().collect();
    Some(estate)
}

/// Enters everything but clusters into an estate: what a section says beside other keys.
pub(crate) fn furnish(
    estate: &mut Estate,
    section: &Section<'_>,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<()> {
    let apps = match given(section, "platform-apps") {
        None => Some(None),
        Some(apps) => apps
            .each("object ids", problems, parsed::<PrincipalId>)
            .map(|apps| Some((!apps.is_empty()).then_some(apps))),
    };
    let subscriptions = list(section, "subscriptions", problems, subscription);
    let managers = list(section, "managers", problems, |it, problems| {
        resource::manager(it, around, problems)
    });
    let mut ids = BTreeSet::new();
    let vaults = list(section, "vaults", problems, |it, problems| {
        let vault = vault::vault(it, around, problems)?;
        once(&mut ids, &vault.0, it, problems).then_some(vault)
    });
    let addresses = list(section, "addresses", problems, address);
    estate.vaults.extend(vaults.iter().flatten().cloned());
    let roles = list(section, "roles", problems, |it, problems| {
        roles::roles(it, estate, around, problems)
    });
    estate.platform_apps = apps?.or(estate.platform_apps.take());
    estate.subscriptions.extend(subscriptions?);
    estate.managers.extend(managers?);
    estate.addresses.extend(addresses?);
    estate.roles.extend(roles?);
    vaults.map(|_| ())
}

/// Is it the first of its id? Two of one list are a mistake.
fn once(
    ids: &mut BTreeSet<ResourceId>,
    id: &ResourceId,
    node: Node<'_>,
    problems: &mut Problems,
) -> bool {
    let is_first = ids.insert(id.clone());
    if !is_first {
        problems.at(node, format!("another one is {id} already"));
    }
    is_first
}

/// The value of a key, where there is one that is not null.
fn given<'a>(section: &Section<'a>, key: &str) -> Option<Node<'a>> {
    section.get(key).filter(|it| !it.is_null())
}

/// The items of a list, none where the key is not there.
fn list<'a, T>(
    section: &Section<'a>,
    key: &str,
    problems: &mut Problems,
    read: impl FnMut(Node<'a>, &mut Problems) -> Option<T>,
) -> Option<Vec<T>> {
    match given(section, key) {
        None => Some(Vec::new()),
        Some(node) => every(node.items(key, problems)?, problems, read),
    }
}

/// An id, a GUID or whatever else has a strict parser.
fn parsed<T: FromStr<Err = IdError>>(node: Node<'_>, problems: &mut Problems) -> Option<T> {
    let text = node.string("an id", problems)?;
    match text.parse() {
        Ok(it) => Some(it),
        Err(error) => {
            problems.at(node, error.to_string());
            None
        }
    }
}

fn required<T: FromStr<Err = IdError>>(
    section: &Section<'_>,
    key: &str,
    problems: &mut Problems,
) -> Option<T> {
    let node = section.required(key, "it has no usual value", problems)?;
    parsed(node, problems)
}

/// Text, where the key is there; nothing at all where it is a mistake.
#[expect(
    clippy::option_option,
    reason = "a key that is not there is no mistake"
)]
fn text<'a>(section: &Section<'a>, key: &str, problems: &mut Problems) -> Option<Option<&'a str>> {
    match given(section, key) {
        None => Some(None),
        Some(node) => node.string("text", problems).map(Some),
    }
}

fn truth(section: &Section<'_>, key: &str, usual: bool, problems: &mut Problems) -> Option<bool> {
    given(section, key).map_or(Some(usual), |it| it.truth(problems))
}

fn time(node: Node<'_>, problems: &mut Problems) -> Option<OffsetDateTime> {
    let text = node.string("a time", problems)?;
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    if time.is_none() {
        let message = format!("`{}` is not a time", text.escape_debug());
        problems.hinted(node, message, "write it as 2027-03-31T12:00:00Z");
    }
    time
}

fn subscription(node: Node<'_>, problems: &mut Problems) -> Option<(SubscriptionId, Subscription)> {
    const KEYS: &[&str] = &[
        "id",
        "tenant",
        "provider",
        "api-versions",
        "listed",
        "deleted-vaults",
    ];
    let section = Section::read(node, "a subscription", KEYS, problems)?;
    let id = required(&section, "id", problems)?;
    let state = text(&section, "provider", problems)?;
    let versions = match given(&section, "api-versions") {
        None => super::registered().cluster_api_versions,
        Some(node) => node.each("api-versions", problems, |it, problems| {
            it.string("an api-version", problems).map(ToOwned::to_owned)
        })?,
    };
    let deleted_vaults = match given(&section, "deleted-vaults") {
        None => None,
        Some(node) => Some(node.each("deleted vaults", problems, |it, problems| {
            parsed(it, problems).map(|id| DeletedVault { id })
        })?),
    };
    let tenant = text(&section, "tenant", problems)?;
    let subscription = Subscription {
        tenant: tenant.map(str::to_ascii_lowercase),
        provider: state.map(|state| Provider {
            state: state.to_owned(),
            cluster_api_versions: versions,
        }),
        deleted_vaults,
        is_listed: truth(&section, "listed", true, problems)?,
    };
    Some((id, subscription))
}

fn address(node: Node<'_>, problems: &mut Problems) -> Option<(String, Option<VaultId>)> {
    let section = Section::read(node, "an address", &["host", "vault"], problems)?;
    let host = section.required(
        "host",
        "it is the vault's address without `https://`",
        problems,
    )?;
    let host = host.text("a host name", problems)?;
    let vault = match given(&section, "vault") {
        None => None,
        Some(node) => Some(parsed(node, problems)?),
    };
    Some((host, vault))
}

fn unread(node: Node<'_>, problems: &mut Problems) -> Option<(crate::id::ClusterId, String)> {
    let section = Section::read(node, "an unread cluster", &["cluster", "why"], problems)?;
    let cluster = required(&section, "cluster", problems)?;
    let why = section.required("why", "say why it could not be read", problems)?;
    Some((cluster, why.text("a reason", problems)?))
}

/// What a person's vaults are found by.
pub(crate) type Vaults = BTreeMap<VaultId, super::VaultSeen>;
