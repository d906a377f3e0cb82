//! An inventory in place of Azure: it answers reads by what it holds.
//!
//! It must not answer silently what it does not know: what is taken for granted is noted as such.

use std::collections::BTreeMap;

use super::{Inventory, Listed, NameState, Sighting};
use crate::{
    api_version::{self, ApiVersion},
    decision::Read,
    id::{Scope, VaultId},
    resource::{Cluster, PrincipalId, Provider, Vault},
};

/// The directory of subscriptions of which nothing is said.
pub(super) const TENANT: &str = "00000000-0000-4000-8000-00000000feed";

/// The registration that a subscription has where nothing else is said.
pub(super) fn registered() -> Provider {
    let versions = api_version::KNOWN.iter().map(ToString::to_string);
    Provider {
        state: "Registered".to_owned(),
        cluster_api_versions: versions.collect(),
    }
}

/// The platform apps of a directory of which nothing is said.
pub(super) fn platform_apps() -> Vec<PrincipalId> {
    ["app 1", "app 2"].map(PrincipalId::made_of).to_vec()
}

/// Enters what is known by a key, or what is taken for it; says whether it was known.
fn enter<K: Ord + Clone, V: Clone>(
    known: &BTreeMap<K, V>,
    key: &K,
    to: &mut BTreeMap<K, V>,
    unknown: impl FnOnce() -> V,
) -> bool {
    let value = known.get(key).cloned();
    let is_known = value.is_some();
    to.insert(key.clone(), value.unwrap_or_else(unknown));
    is_known
}

impl Inventory {
    /// Did a person write it down? Then what is not in it does not exist; else nobody read it.
    pub fn is_whole(&self) -> bool {
        self.captured.is_none()
    }

    /// What a read brings.
    pub fn fact(&self, read: &Read) -> Self {
        let mut fact = Self::default();
        let to = &mut fact;
        let is_known = match read {
            Read::LeftBehind(read) => return self.fact(read),
            Read::Provider(of) => enter(&self.providers, of, &mut to.providers, registered),
            Read::Tenant(of) => enter(&self.tenants, of, &mut to.tenants, || TENANT.to_owned()),
            Read::Visible(of) => enter(&self.visible, of, &mut to.visible, || true),
            Read::Vaults(of) | Read::CurrentVaults(of) => self.list(of, to),
            Read::Cluster(id, version) => {
                let known = self.clusters.get(id);
                let shown = known
                    .cloned()
                    .flatten()
                    .map(|cluster| as_shown(cluster, *version));
                to.clusters.insert(id.clone(), shown);
                known.is_some()
            }
            Read::Vault(id) => self.sighting(id, to),
            Read::VaultByHost(host) => self.address(host, to),
            Read::DeletedVaults(of) => {
                enter(&self.deleted_vaults, of, &mut to.deleted_vaults, Vec::new)
            }
            Read::VaultName(_, name) => self.name(name, to),
            Read::AnyVault => {
                let found = self.any_vault.clone().flatten();
                let found = found.or_else(|| self.rows().next().map(|row| row.id.clone()));
                to.any_vault = Some(found);
                true
            }
            Read::PlatformPrincipals => {
                let known = self.platform_principals.clone();
                let is_known = known.is_some();
                to.platform_principals = known.or_else(|| Some(platform_apps()));
                is_known
            }
            Read::Manager(id, _) => enter(&self.managers, id, &mut to.managers, || None),
            Read::Roles(vault, principal) => {
                let none = BTreeMap::new();
                let known = self.roles.get(vault).unwrap_or(&none);
                let to = to.roles.entry(vault.clone()).or_default();
                enter(known, principal, to, Vec::new)
            }
        };
        if !is_known && !self.is_whole() {
            fact.assumed.push(read.clone());
        }
        fact
    }

    /// A boundary that was listed, or a part of one.
    fn list(&self, scope: &Scope, to: &mut Self) -> bool {
        let larger = || {
            let holds = |(of, _): &(&Scope, &Listed)| of.covers(scope);
            // The narrowest of those that hold it.
            let (_, listed) = self.listed.iter().rev().find(holds)?;
            Some(listed.part(scope))
        };
        let known = self.listed.get(scope).cloned().or_else(larger);
        let is_known = known.is_some();
        let listed = known.unwrap_or_else(|| Listed::current([]));
        to.listed.insert(scope.clone(), listed);
        is_known
    }

    /// Where nothing is said of a name, it is that of a vault that is known, deleted ones included, or free.
    fn name(&self, name: &str, to: &mut Self) -> bool {
        let asked = self.vault_names.get(name).copied();
        let found = self.found_vaults().map(|vault| &vault.id);
        let rows = self.rows().map(|row| &row.id);
        let mut ids = found
            .chain(rows)
            .chain(self.deleted_vaults.values().flatten());
        let state = if ids.any(|id| id.name().eq_ignore_ascii_case(name)) {
            NameState::Taken
        } else if self.is_whole() {
            NameState::Free
        } else {
            NameState::Forbidden
        };
        to.vault_names
            .insert(name.to_owned(), asked.unwrap_or(state));
        asked.is_some() || state == NameState::Taken
    }

    fn rows(&self) -> impl Iterator<Item = &Vault> {
        self.listed
            .values()
            .flat_map(|listed| listed.vaults.all().iter())
    }

    /// A vault that was listed and not read is taken for what its row shows; one that is not known may not be read.
    fn sighting(&self, id: &VaultId, to: &mut Self) -> bool {
        let row = || self.row(id).cloned().map(Sighting::Found);
        let known = self.vaults.get(id).cloned().or_else(row);
        let is_known = known.is_some();
        let unknown = if self.is_whole() {
            Sighting::NotFound
        } else {
            Sighting::Forbidden
        };
        to.vaults.insert(id.clone(), known.unwrap_or(unknown));
        is_known
    }

    /// The vault as it was read, else as it is listed.
    pub(super) fn shown(&self, id: &VaultId) -> Option<&Vault> {
        match self.vaults.get(id) {
            Some(Sighting::Found(vault)) => Some(vault),
            _ => self.row(id),
        }
    }

    fn row(&self, id: &VaultId) -> Option<&Vault> {
        // A boundary is listed more exactly than the subscription around it.
        let mut lists = self.listed.values().rev();
        lists.find_map(|listed| listed.vaults.get(id))
    }

    fn address(&self, host: &str, to: &mut Self) -> bool {
        let asked = self.vaults_by_host.get(host).cloned();
        let row = || {
            self.listed
                .values()
                .find_map(|listed| listed.vaults.with_host(host))
        };
        let found = asked
            .clone()
            .unwrap_or_else(|| row().map(|vault| vault.id.clone()));
        let is_known = asked.is_some() || found.is_some();
        to.vaults_by_host.insert(host.to_owned(), found);
        is_known
    }
}

/// The cluster as an api-version shows it: an older one lacks the newer properties.
fn as_shown(mut cluster: Cluster, version: ApiVersion) -> Cluster {
    if !version.has_settings() {
        cluster.settings = None;
        cluster.etag = None;
    }
    if !version.shows_providers()
        && let Some(settings) = &mut cluster.settings
    {
        settings.provider = None;
    }
    cluster
}
