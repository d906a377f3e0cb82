//! The binding in place: which vault the cluster delivers to now, and whether that may be changed.
//!
//! It must not prefer the older property where the newer one is set: only the newer one has effect.

use super::{Case, Read};
use crate::{
    api_version::ApiVersion,
    id::{SubscriptionId, VaultId},
    inventory::{Cluster, Inventory, Vault, VaultSighting, vault_host},
    plan::Shape,
    policy::{Rebind, Rule, WriterChoice},
    result::{Reason, reason},
};

/// The binding in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Current {
    /// The archive is not set, or switched off.
    Unbound,
    /// Bound to a vault that is there.
    Bound(VaultId, Shape),
    /// Bound to a vault that is deleted, named as the cluster names it.
    Deleted(String),
    /// Bound to something that cannot be seen.
    NotVisible(String),
}

/// The provider of an archive that is no Azure Key Vault.
pub(crate) fn foreign_archive(cluster: &Cluster, version: ApiVersion) -> Option<String> {
    let settings = cluster.settings.as_ref()?;
    match &settings.provider {
        Some(provider) => Some(provider.clone()),
        None if settings.vault_uri.is_none() && !version.shows_providers() => {
            Some("one that this api-version does not show".to_owned())
        }
        None => None,
    }
}

/// Finds the binding in place, or says what to read for it.
pub(crate) fn find(case: &Case<'_>) -> Result<Current, Vec<Read>> {
    if let Some(settings) = &case.cluster.settings {
        // Where the newer property is set and names no vault, the older one beside it has no effect all the same.
        let uri = settings.vault_uri.as_deref();
        return uri.map_or(Ok(Current::Unbound), |uri| by_address(case, uri));
    }
    let archive = case.cluster.archive.as_ref();
    match archive.filter(|archive| archive.enabled && !archive.vault.is_empty()) {
        None => Ok(Current::Unbound),
        Some(archive) => match vault_named(case.inventory, &archive.vault) {
            None => Ok(Current::NotVisible(archive.vault.clone())),
            Some(vault) => by_id(case, vault, Shape::SecretArchive),
        },
    }
}

/// The vault of this id; most often it is one that was read already.
fn vault_named(inventory: &Inventory, id: &str) -> Option<VaultId> {
    let known = inventory.vaults.keys().find(|it| it.is_spelled(id));
    known.cloned().or_else(|| id.parse().ok())
}

fn by_id(case: &Case<'_>, vault: VaultId, shape: Shape) -> Result<Current, Vec<Read>> {
    if !case.may_read(&vault) {
        return Ok(Current::NotVisible(vault.to_string()));
    }
    match case.sighting(&vault) {
        None => Err(vec![Read::Vault(vault)]),
        Some(VaultSighting::Live(_)) => Ok(Current::Bound(vault, shape)),
        Some(VaultSighting::Absent) => Ok(Current::Deleted(vault.to_string())),
        Some(VaultSighting::Denied) => Ok(Current::NotVisible(vault.to_string())),
    }
}

fn by_address(case: &Case<'_>, uri: &str) -> Result<Current, Vec<Read>> {
    let Some(host) = vault_host(uri) else {
        return Ok(Current::NotVisible(uri.to_owned()));
    };
    let known = known_by_host(case.inventory, &host).map(|vault| &vault.id);
    let id = match known.filter(|id| !is_absent(case, id)) {
        Some(id) => id,
        None => match case.inventory.vaults_by_host.get(&host) {
            None => return Err(vec![Read::VaultByHost(host)]),
            Some(None) => return among_the_deleted(case, uri, &host),
            Some(Some(id)) => id,
        },
    };
    match case.sighting(id) {
        // An id that a search promised and a live read does not find proves nothing: a vault may have been moved.
        Some(VaultSighting::Absent) => among_the_deleted(case, uri, &host),
        // The address must be the one that a live read shows, not the one that a search promised.
        Some(VaultSighting::Live(live)) if vault_host(&live.uri).as_ref() != Some(&host) => {
            Ok(Current::NotVisible(uri.to_owned()))
        }
        _ => by_id(case, id.clone(), Shape::SecretArchiveSettings),
    }
}

fn is_absent(case: &Case<'_>, vault: &VaultId) -> bool {
    matches!(case.sighting(vault), Some(VaultSighting::Absent))
}

/// A vault that is known by its address; what was read live comes first.
fn known_by_host<'a>(inventory: &'a Inventory, host: &str) -> Option<&'a Vault> {
    let live: Vec<&Vault> = inventory
        .vaults
        .values()
        .filter_map(|sighting| match sighting {
            VaultSighting::Live(vault) => Some(vault),
            VaultSighting::Absent | VaultSighting::Denied => None,
        })
        .collect();
    let listed = inventory.candidates.as_ref()?;
    live.into_iter()
        .find(|vault| vault_host(&vault.uri).as_deref() == Some(host))
        .or_else(|| listed.with_host(host))
}

/// Names of vaults are unique in the whole cloud, deleted ones included.
fn among_the_deleted(case: &Case<'_>, uri: &str, host: &str) -> Result<Current, Vec<Read>> {
    let subscriptions = readable_subscriptions(case);
    let unread: Vec<Read> = subscriptions
        .iter()
        .filter(|it| !case.inventory.deleted_vaults.contains_key(it))
        .map(|it| Read::DeletedVaults(it.clone()))
        .collect();
    if !unread.is_empty() {
        return Err(unread);
    }
    let address = |name: &str| {
        format!(
            "{}.{}",
            name.to_ascii_lowercase(),
            case.question.vault_suffix
        )
    };
    let deleted = subscriptions
        .iter()
        .filter_map(|it| case.inventory.deleted_vaults.get(it))
        .flatten()
        .any(|vault| address(vault.id.name()) == host);
    Ok(if deleted {
        Current::Deleted(uri.to_owned())
    } else {
        Current::NotVisible(uri.to_owned())
    })
}

fn readable_subscriptions(case: &Case<'_>) -> Vec<SubscriptionId> {
    let within = case
        .policy
        .rules
        .iter()
        .flat_map(|rule| &rule.vaults.within);
    let mut subscriptions: Vec<SubscriptionId> =
        within.map(|it| it.subscription().clone()).collect();
    subscriptions.push(case.cluster.id.subscription().clone());
    subscriptions.sort();
    subscriptions.dedup();
    subscriptions
}

/// Why the cluster may not be bound to `vault`, given what it is bound to.
pub(crate) fn obstacle(current: &Current, rule: &Rule, vault: &Vault) -> Option<Reason> {
    let legacy = matches!(
        rule.writer,
        WriterChoice::PlatformApps | WriterChoice::ClusterManager
    );
    match current {
        Current::Unbound | Current::Deleted(_) => None,
        Current::Bound(bound, _) if *bound == vault.id => None,
        Current::Bound(bound, Shape::SecretArchiveSettings) if legacy => Some(
            reason::settings_take_precedence(bound, &vault.id, rule.writer),
        ),
        Current::Bound(_, _) if rule.rebind == Rebind::Allow => None,
        Current::Bound(bound, _) => Some(reason::bound_elsewhere(bound, &vault.id, rule.rebind)),
        Current::NotVisible(bound) => Some(reason::bound_vault_not_visible(bound, &vault.id)),
    }
}
