//! The binding in place: which vault the cluster delivers to now, and whether that may be changed.
//!
//! It must not prefer the older property where the newer one is set: only the newer one has effect.

use std::collections::BTreeSet;

use super::{
    Read,
    input::Input,
    stop::{Stop, all, known},
};
use crate::{
    api_version::ApiVersion,
    archive::ArchiveProperty,
    id::{SubscriptionId, VaultId},
    inventory::{Inventory, Sighting},
    policy::{Rebind, Rule, WriterChoice},
    resource::{Cluster, Vault, vault_host},
    result::{Outcome, reason},
};

/// The binding in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CurrentBinding {
    /// The archive is not set, or switched off.
    Unbound,
    /// Bound to a vault that is there.
    Bound(VaultId, ArchiveProperty),
    /// Bound to a vault that is deleted, named as the cluster names it.
    Deleted(String),
    /// Bound to something that cannot be seen.
    NotVisible(String),
}

/// A cluster whose archive is no Azure Key Vault is left as it is.
pub(super) fn not_foreign(input: &Input<'_>) -> Result<(), Stop> {
    let Some(provider) = foreign_archive(input.cluster, input.version) else {
        return Ok(());
    };
    let reason = reason::foreign_archive(&provider);
    Err(Stop::End(Outcome::Held, reason))
}

/// The provider of an archive that is no Azure Key Vault.
fn foreign_archive(cluster: &Cluster, version: ApiVersion) -> Option<String> {
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
pub(super) fn find(input: &Input<'_>) -> Result<CurrentBinding, Stop> {
    if let Some(settings) = &input.cluster.settings {
        // Where the newer property is set and names no vault, the older one beside it has no effect all the same.
        let uri = settings.vault_uri.as_deref();
        return uri.map_or(Ok(CurrentBinding::Unbound), |uri| by_address(input, uri));
    }
    let archive = input.cluster.archive.as_ref();
    match archive.filter(|archive| archive.enabled && !archive.vault.is_empty()) {
        None => Ok(CurrentBinding::Unbound),
        Some(archive) => match vault_named(input.inventory, &archive.vault) {
            None => Ok(CurrentBinding::NotVisible(archive.vault.clone())),
            Some(vault) => by_id(input, vault, ArchiveProperty::SecretArchive),
        },
    }
}

/// The vault of this id; most often it is one that was read already.
fn vault_named(inventory: &Inventory, id: &str) -> Option<VaultId> {
    let known = inventory.vaults.keys().find(|vault| vault.is_spelled(id));
    known.cloned().or_else(|| id.parse().ok())
}

fn by_id(
    input: &Input<'_>,
    vault: VaultId,
    shape: ArchiveProperty,
) -> Result<CurrentBinding, Stop> {
    if !input.may_read(&vault) {
        return Ok(CurrentBinding::NotVisible(vault.to_string()));
    }
    let sighting = known(input.sighting(&vault), || Read::Vault(vault.clone()))?;
    Ok(match sighting {
        Sighting::Found(_) => CurrentBinding::Bound(vault, shape),
        Sighting::NotFound => CurrentBinding::Deleted(vault.to_string()),
        Sighting::Forbidden => CurrentBinding::NotVisible(vault.to_string()),
    })
}

fn by_address(input: &Input<'_>, uri: &str) -> Result<CurrentBinding, Stop> {
    let Some(host) = vault_host(uri) else {
        return Ok(CurrentBinding::NotVisible(uri.to_owned()));
    };
    let seen = known_by_host(input, &host).map(|vault| &vault.id);
    let id = match seen.filter(|id| !is_absent(input, id)) {
        Some(id) => id,
        None => {
            let searched = input.inventory.vaults_by_host.get(&host);
            match known(searched, || Read::VaultByHost(host.clone()))? {
                None => return among_the_deleted(input, uri, &host),
                Some(id) => id,
            }
        }
    };
    match input.sighting(id) {
        // An id that a search promised and a live read does not find proves nothing: a vault may have been moved.
        Some(Sighting::NotFound) => among_the_deleted(input, uri, &host),
        // The address must be the one that a live read shows, not the one that a search promised.
        Some(Sighting::Found(live)) if vault_host(&live.uri).as_ref() != Some(&host) => {
            Ok(CurrentBinding::NotVisible(uri.to_owned()))
        }
        _ => by_id(input, id.clone(), ArchiveProperty::SecretArchiveSettings),
    }
}

fn is_absent(input: &Input<'_>, vault: &VaultId) -> bool {
    matches!(input.sighting(vault), Some(Sighting::NotFound))
}

/// A vault that is known by its address; what was read live comes first.
fn known_by_host<'a>(input: &Input<'a>, host: &str) -> Option<&'a Vault> {
    let mut live = input.inventory.found_vaults();
    live.find(|vault| vault_host(&vault.uri).as_deref() == Some(host))
        .or_else(|| input.listed.iter().find_map(|list| list.with_host(host)))
}

/// Names of vaults are unique in the whole cloud, deleted ones included.
fn among_the_deleted(input: &Input<'_>, uri: &str, host: &str) -> Result<CurrentBinding, Stop> {
    let deleted_of = |subscription: &SubscriptionId| {
        let deleted = input.inventory.deleted_vaults.get(subscription);
        known(deleted, || Read::DeletedVaults(subscription.clone()))
    };
    let deleted = all(readable_subscriptions(input).into_iter().map(deleted_of))?;
    let mut deleted = deleted.into_iter().flatten();
    let deleted = deleted.any(|vault| input.host_of(vault) == host);
    Ok(if deleted {
        CurrentBinding::Deleted(uri.to_owned())
    } else {
        CurrentBinding::NotVisible(uri.to_owned())
    })
}

fn readable_subscriptions<'a>(input: &Input<'a>) -> BTreeSet<&'a SubscriptionId> {
    let of_vaults = input.policy.vault_subscriptions.iter();
    let of_cluster = [input.cluster.id.subscription()];
    of_vaults.chain(of_cluster).collect()
}

/// May the cluster be bound to `vault`, given what it is bound to?
pub(super) fn may_move(current: &CurrentBinding, rule: &Rule, vault: &Vault) -> Result<(), Stop> {
    let legacy = matches!(
        rule.writer,
        WriterChoice::PlatformApps | WriterChoice::ClusterManager
    );
    let held = |reason| Err(Stop::End(Outcome::Held, reason));
    match current {
        CurrentBinding::Unbound => Ok(()),
        CurrentBinding::Deleted(bound) if rule.rebind == Rebind::Never => {
            let reason = reason::orphaned(bound, &vault.id, rule.rebind);
            Err(Stop::End(Outcome::Orphaned, reason))
        }
        CurrentBinding::Deleted(_) => Ok(()),
        CurrentBinding::Bound(bound, _) if *bound == vault.id => Ok(()),
        CurrentBinding::Bound(bound, ArchiveProperty::SecretArchiveSettings) if legacy => held(
            reason::settings_take_precedence(bound, &vault.id, rule.writer),
        ),
        CurrentBinding::Bound(_, _) if rule.rebind == Rebind::Allow => Ok(()),
        CurrentBinding::Bound(bound, _) => {
            held(reason::bound_elsewhere(bound, &vault.id, rule.rebind))
        }
        CurrentBinding::NotVisible(bound) => {
            let choice = format!("the policy would choose {}", vault.id);
            held(reason::bound_vault_not_visible(bound, &choice))
        }
    }
}
