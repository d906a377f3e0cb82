//! The binding in place: which vault the cluster delivers to now.
//!
//! It must not prefer the older property where the newer one names a vault, nor take one answer for a deletion.

use super::{
    Read,
    input::Input,
    proof::{among_the_deleted, is_name_free},
    stop::{Stop, both, known},
};
use crate::{
    api_version::ApiVersion,
    archive::ArchiveProperty,
    id::{SubscriptionId, VaultId},
    inventory::{Inventory, Sighting},
    policy::Rule,
    resource::{Cluster, Vault, vault_host},
    result::{CurrentVault, Outcome, reason},
};

/// The binding in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CurrentBinding {
    /// The archive is not set, or switched off.
    Unbound,
    /// Bound to a vault that is there.
    Bound {
        /// The vault, under the id that it has now.
        id: VaultId,
        /// The property that names it.
        shape: ArchiveProperty,
        /// The id under which the cluster knows it, where it was moved to another group.
        moved_from: Option<VaultId>,
    },
    /// Bound to a vault that is deleted, of which there is proof.
    Deleted(Named),
    /// Bound to something that cannot be seen.
    NotVisible(Named),
}

/// A vault as a cluster names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The id or the address, as the cluster shows it.
    pub(super) told: String,
    /// The ids that it has or had, as far as they are known: the last one first.
    pub(super) ids: Vec<VaultId>,
    /// The host of its address, where that is known.
    pub(super) host: Option<String>,
    /// May it be seen, or its deletion be proven, a little later?
    pub(super) may_pass: bool,
}

impl Named {
    /// Something that will not be seen, however often it is asked for.
    fn unseen(told: &str) -> Self {
        Self {
            told: told.to_owned(),
            ids: Vec::new(),
            host: None,
            may_pass: false,
        }
    }

    /// The name of the vault, in lower case.
    pub(super) fn name(&self) -> Option<&str> {
        self.host.as_deref()?.split('.').next()
    }

    fn told(&self) -> CurrentVault {
        let uri = self.host.as_ref().map(|host| format!("https://{host}/"));
        CurrentVault {
            id: self.ids.first().map(ToString::to_string),
            uri,
        }
    }
}

impl CurrentBinding {
    /// The vault, where it is known that it is there.
    pub(super) fn vault<'a>(&self, input: &Input<'a>) -> Option<&'a Vault> {
        match self {
            Self::Bound { id, .. } => input.found(id),
            Self::Unbound | Self::Deleted(_) | Self::NotVisible(_) => None,
        }
    }

    /// Is it bound to this vault?
    pub(super) fn is_to(&self, vault: &Vault) -> bool {
        matches!(self, Self::Bound { id, .. } if *id == vault.id)
    }

    /// Does the cluster know its vault by another id than it has now?
    pub(super) fn was_moved(&self) -> bool {
        matches!(self, Self::Bound { moved_from, .. } if moved_from.is_some())
    }

    /// Is it the vault that the cluster had, under an id that it has no more?
    pub(super) fn is_gone(&self, id: &VaultId) -> bool {
        match self {
            Self::Deleted(named) => named.ids.contains(id),
            Self::Bound { moved_from, .. } => moved_from.as_ref() == Some(id),
            Self::Unbound | Self::NotVisible(_) => false,
        }
    }

    /// The vault that the cluster has, as results name it.
    pub(super) fn told(&self, input: &Input<'_>) -> Option<CurrentVault> {
        match self {
            Self::Unbound => None,
            Self::Bound { .. } => self.vault(input).map(CurrentVault::of),
            Self::Deleted(named) | Self::NotVisible(named) => Some(named.told()),
        }
    }
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
pub(super) fn find(input: &Input<'_>, rule: &Rule) -> Result<CurrentBinding, Stop> {
    let settings = input.cluster.settings.as_ref();
    if let Some(uri) = settings.and_then(|settings| settings.vault_uri.as_deref()) {
        return by_address(input, rule, uri);
    }
    let archive = input.cluster.archive.as_ref();
    match archive.filter(|archive| archive.enabled && !archive.vault.is_empty()) {
        None => Ok(CurrentBinding::Unbound),
        Some(archive) => match vault_named(input.inventory, &archive.vault) {
            None => Ok(CurrentBinding::NotVisible(Named::unseen(&archive.vault))),
            Some(vault) => by_id(input, rule, vault),
        },
    }
}

/// The vault of this id; most often it is one that was read already.
fn vault_named(inventory: &Inventory, id: &str) -> Option<VaultId> {
    let known = inventory.vaults.keys().find(|vault| vault.is_spelled(id));
    known.cloned().or_else(|| id.parse().ok())
}

fn by_id(input: &Input<'_>, rule: &Rule, id: VaultId) -> Result<CurrentBinding, Stop> {
    let may_be_read = input.may_read(&id);
    let named = Named {
        told: id.to_string(),
        host: Some(input.host_of(&id)),
        may_pass: may_be_read,
        ids: vec![id.clone()],
    };
    if !may_be_read {
        return Ok(CurrentBinding::NotVisible(named));
    }
    match known(input.sighting(&id), || Read::Vault(id.clone()))? {
        Sighting::Found(_) => Ok(CurrentBinding::Bound {
            id,
            shape: ArchiveProperty::SecretArchive,
            moved_from: None,
        }),
        Sighting::NotFound | Sighting::Forbidden => {
            let of = [id.subscription()];
            searched(input, rule, named, ArchiveProperty::SecretArchive, &of)
        }
    }
}

fn by_address(input: &Input<'_>, rule: &Rule, uri: &str) -> Result<CurrentBinding, Stop> {
    let Some(host) = vault_host(uri) else {
        return Ok(CurrentBinding::NotVisible(Named::unseen(uri)));
    };
    let is_there = |vault: &&Vault| vault_host(&vault.uri).as_ref() == Some(&host);
    let seen = input.inventory.found_vaults().find(is_there);
    let id = match seen {
        Some(vault) => Some(vault.id.clone()),
        None => at_host(input, &host)?.cloned(),
    };
    let named = Named {
        told: uri.to_owned(),
        ids: Vec::new(),
        host: Some(host.clone()),
        may_pass: true,
    };
    let shape = ArchiveProperty::SecretArchiveSettings;
    if let Some(id) = id.filter(|id| input.may_read(id)) {
        match known(input.sighting(&id), || Read::Vault(id.clone()))? {
            Sighting::Found(vault) if is_there(&vault) => {
                return Ok(CurrentBinding::Bound {
                    id,
                    shape,
                    moved_from: None,
                });
            }
            Sighting::Found(_) | Sighting::NotFound | Sighting::Forbidden => {}
        }
    }
    let mut of: Vec<&SubscriptionId> = rule.vaults.subscriptions().collect();
    of.push(input.cluster.id.subscription());
    of.sort_unstable();
    of.dedup();
    searched(input, rule, named, shape, &of)
}

/// The vault at an address, as a search has it: a live read has to bear it out.
fn at_host<'a>(input: &Input<'a>, host: &str) -> Result<Option<&'a VaultId>, Stop> {
    let searched = input.inventory.vaults_by_host.get(host);
    let searched = known(searched, || Read::VaultByHost(host.to_owned()))?;
    Ok(searched.as_ref())
}

/// A vault that is not where it is said to be: deleted, moved, or not visible.
fn searched(
    input: &Input<'_>,
    rule: &Rule,
    mut named: Named,
    shape: ArchiveProperty,
    subscriptions: &[&SubscriptionId],
) -> Result<CurrentBinding, Stop> {
    if let Some(id) = among_the_deleted(input, &named, subscriptions)? {
        // It may have been moved before it was deleted, or have been recovered since that was listed.
        if !named.ids.contains(id) {
            if is_there(input, id, named.host.as_ref())? {
                return Ok(bound(id, shape, named));
            }
            named.ids.insert(0, id.clone());
        }
        return Ok(CurrentBinding::Deleted(named));
    }
    if let Some(id) = elsewhere(input, rule, &named)? {
        return Ok(bound(id, shape, named));
    }
    let asked = match named.ids.first() {
        Some(id) => id.subscription(),
        None => input.cluster.id.subscription(),
    };
    Ok(if is_name_free(input, rule, &named, asked)? {
        CurrentBinding::Deleted(named)
    } else {
        CurrentBinding::NotVisible(named)
    })
}

fn bound(id: &VaultId, shape: ArchiveProperty, named: Named) -> CurrentBinding {
    CurrentBinding::Bound {
        id: id.clone(),
        shape,
        moved_from: named.ids.into_iter().next(),
    }
}

/// Is the vault of this address there, by a live read? What may not be read is not.
fn is_there(input: &Input<'_>, id: &VaultId, host: Option<&String>) -> Result<bool, Stop> {
    if !input.may_read(id) {
        return Ok(false);
    }
    let sighting = known(input.sighting(id), || Read::Vault(id.clone()))?;
    Ok(matches!(sighting, Sighting::Found(vault) if vault_host(&vault.uri).as_ref() == host))
}

/// The id under which a vault of this name is there: names are unique in the cloud, and it may have been moved.
fn elsewhere<'a>(
    input: &Input<'a>,
    rule: &Rule,
    named: &Named,
) -> Result<Option<&'a VaultId>, Stop> {
    let (Some(name), Some(host)) = (named.name(), named.host.as_ref()) else {
        return Ok(None);
    };
    let (lists, searched) = both(input.lists(rule), at_host(input, host))?;
    let rows = lists.iter().flat_map(|list| list.vaults.all());
    let listed = rows.map(|row| &row.id);
    let listed = listed.filter(|id| id.name().eq_ignore_ascii_case(name));
    let others = listed.chain(searched);
    for id in others.filter(|id| !named.ids.contains(id)) {
        if is_there(input, id, Some(host))? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}
