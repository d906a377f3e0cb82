//! An inventory as a person writes it, for policy tests and plans without Azure: what is not said is as it usually is.
//!
//! It must not guess at what is spelled wrong: every mistake comes back with its place.

mod cluster;
mod resource;
mod roles;
mod vault;
mod visibility;

use std::{collections::BTreeSet, str::FromStr};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Inventory, offline::registered};
use crate::{
    id::{IdError, ResourceId, Scope, SubscriptionId, VaultId},
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

/// The version of what is read here.
const VERSION: i64 = 1;
/// The keys of a file besides those that furnish an inventory.
const KEYS: &[&str] = &["version", "clusters"];
/// The keys of everything but clusters.
pub(crate) const FURNISHED: &[&str] = &[
    "vaults",
    "managers",
    "platform-apps",
    "subscriptions",
    "addresses",
    "boundaries",
    "names",
    "roles",
];

/// Where things are that a person names without saying where.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The resource group of vaults, as a path.
    pub vaults: String,
    /// The resource group of clusters and their managers, as a path.
    pub clusters: String,
    /// The suffix of vault addresses in this cloud.
    pub vault_suffix: String,
}

impl Defaults {
    /// Vaults lie within the first boundary of the policy, clusters in its scope.
    pub fn of(policy: &Policy, vault_suffix: &str) -> Self {
        let boundary = policy
            .rules
            .iter()
            .flat_map(|rule| &rule.vaults.within)
            .next();
        let of_vaults = boundary.map(|scope| scope.subscription().clone());
        let in_scope = policy.scope.iter().flatten().next().cloned();
        let group = match boundary {
            Some(Scope::ResourceGroup(_, group)) => group.clone(),
            Some(Scope::Vault(vault)) => vault.resource_group().to_owned(),
            Some(Scope::Subscription(_)) | None => "rg-vaults".to_owned(),
        };
        let path = |subscription: Option<SubscriptionId>, group: &str| {
            let subscription = subscription.map(|id| id.path()).unwrap_or_default();
            format!("{subscription}/resourceGroups/{group}")
        };
        Self {
            vaults: path(of_vaults.clone().or(in_scope.clone()), &group),
            clusters: path(in_scope.or(of_vaults), "rg-clusters"),
            vault_suffix: vault_suffix.to_owned(),
        }
    }
}

/// Reads an inventory that a person wrote.
///
/// # Errors
/// Every mistake in the text, ordered by place.
pub(super) fn load(text: &str, defaults: &Defaults) -> Result<Inventory, Vec<Problem>> {
    let mut problems = Problems::default();
    let inventory = file(text, defaults, &mut problems);
    match (inventory, problems.into_sorted()) {
        (Some(inventory), none) if none.is_empty() => Ok(inventory),
        (_, problems) => Err(problems),
    }
}

fn file(text: &str, defaults: &Defaults, problems: &mut Problems) -> Option<Inventory> {
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
    let mut inventory = Inventory::default();
    let furnished = furnish(&mut inventory, &section, defaults, problems);
    let mut ids = BTreeSet::new();
    let mut sound = Vec::new();
    let clusters = list(&section, "clusters", problems, |node, problems| {
        let cluster = cluster(node, &inventory, defaults, problems)?;
        let is_first = once(&mut ids, &cluster.0, node, problems);
        sound.push(cluster);
        is_first.then_some(())
    });
    inventory.clusters.extend(sound);
    let roles = furnish_roles(&mut inventory, &section, defaults, problems);
    furnished.and(clusters).and(roles).map(|()| inventory)
}

/// Enters everything but clusters and roles into an inventory: what a section says beside other keys.
pub(crate) fn furnish(
    inventory: &mut Inventory,
    section: &Section<'_>,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<()> {
    let apps = match given(section, "platform-apps") {
        None => Some(None),
        Some(apps) => apps
            .each("object ids", problems, parsed::<PrincipalId>)
            .map(Some),
    };
    let subscriptions = list(section, "subscriptions", problems, |node, problems| {
        subscription(node, inventory, defaults, problems)
    });
    let managers = list(section, "managers", problems, |node, problems| {
        resource::manager(node, defaults, problems)
    });
    let vaults = vault::vaults(section, inventory, defaults, problems);
    let addresses = list(section, "addresses", problems, visibility::address);
    let boundaries = list(section, "boundaries", problems, visibility::boundary);
    let names = list(section, "names", problems, visibility::name);
    inventory.platform_principals = apps?.or(inventory.platform_principals.take());
    inventory.managers.extend(managers?);
    inventory.vaults_by_host.extend(addresses?);
    inventory.listed.extend(boundaries?);
    inventory.vault_names.extend(names?);
    subscriptions.and(vaults)
}

/// Enters the roles of a section, once everybody is known who may hold one.
pub(crate) fn furnish_roles(
    inventory: &mut Inventory,
    section: &Section<'_>,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<()> {
    let roles = list(section, "roles", problems, |node, problems| {
        roles::roles(node, inventory, defaults, problems)
    });
    for (vault, principal, rows) in roles? {
        let of_vault = inventory.roles.entry(vault).or_default();
        of_vault.insert(principal, rows);
    }
    Some(())
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
pub(crate) fn given<'a>(section: &Section<'a>, key: &str) -> Option<Node<'a>> {
    section.get(key).filter(|node| !node.is_null())
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
        Ok(value) => Some(value),
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
    given(section, key).map_or(Some(usual), |node| node.truth(problems))
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

/// What is said of a subscription enters the inventory at once.
fn subscription(
    node: Node<'_>,
    inventory: &mut Inventory,
    defaults: &Defaults,
    problems: &mut Problems,
) -> Option<()> {
    const KEYS: &[&str] = &[
        "id",
        "tenant",
        "visible",
        "provider",
        "api-versions",
        "deleted-vaults",
    ];
    let section = Section::read(node, "a subscription", KEYS, problems)?;
    let id: SubscriptionId = required(&section, "id", problems)?;
    // One that is said again is said as a whole.
    inventory.tenants.remove(&id);
    inventory.providers.remove(&id);
    inventory.deleted_vaults.remove(&id);
    let is_visible = truth(&section, "visible", true, problems)?;
    inventory.visible.insert(id.clone(), is_visible);
    let state = text(&section, "provider", problems)?;
    let versions = match given(&section, "api-versions") {
        None => registered().cluster_api_versions,
        Some(node) => node.each("api-versions", problems, |node, problems| {
            node.string("an api-version", problems)
                .map(ToOwned::to_owned)
        })?,
    };
    if let Some(node) = given(&section, "deleted-vaults") {
        let deleted = node.each("deleted vaults", problems, |node, problems| {
            resource::reference(node, VaultId::RESOURCE_TYPE, &defaults.vaults, problems)
        })?;
        inventory.deleted_vaults.insert(id.clone(), deleted);
    }
    if let Some(tenant) = text(&section, "tenant", problems)? {
        let tenant = tenant.to_ascii_lowercase();
        inventory.tenants.insert(id.clone(), tenant);
    }
    if let Some(state) = state {
        let provider = Provider {
            state: state.to_owned(),
            cluster_api_versions: versions,
        };
        inventory.providers.insert(id, provider);
    }
    Some(())
}
