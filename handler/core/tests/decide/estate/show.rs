//! What an estate shows to a reader, what a plan makes of it, and its names in place of generated ids.
//!
//! It must not show what Azure hides: an older api-version lacks the newer properties.

use vaultbind_core::{api_version::ApiVersion, decision::Read, inventory::Inventory};

use super::{
    Archive, ArchiveSettings, Change, Cluster, Estate, Plan, PrincipalId, ProvisioningState,
    RoleAssignment, SecretArchive, TENANT, VaultSighting, WRITER_ROLE,
};

impl Estate {
    /// Enters what is read into the inventory.
    pub(crate) fn answer(&self, read: &Read, inventory: &mut Inventory) {
        match read {
            Read::Provider => inventory.provider = Some(self.provider.clone()),
            Read::Tenant => inventory.tenant = Some(TENANT.to_owned()),
            Read::Candidates => self.list(false, inventory),
            Read::CurrentCandidates => self.list(true, inventory),
            Read::Cluster(version) => inventory.cluster = Some(self.cluster_by(*version)),
            Read::Vault(id) => {
                let line = self.vaults.iter().find(|it| it.vault.id == *id);
                let sighting = line.map_or(VaultSighting::Absent, |it| it.sighting.clone());
                inventory.vaults.insert(id.clone(), sighting);
            }
            Read::VaultByHost(host) => {
                let uri = format!("https://{host}/");
                let rows = self.vaults.iter().filter_map(|it| it.row.as_ref());
                let found = rows.map(|row| (&row.uri, &row.id)).find(|it| *it.0 == uri);
                let found = found.map(|it| it.1.clone());
                inventory.vaults_by_host.insert(host.clone(), found);
            }
            Read::DeletedVaults(subscription) => {
                let deleted = self.deleted.iter();
                let deleted = deleted.filter(|it| it.id.subscription() == subscription);
                let deleted = deleted.cloned().collect();
                inventory
                    .deleted_vaults
                    .insert(subscription.clone(), deleted);
            }
            Read::PlatformPrincipals => {
                let apps = || ["app-1", "app-2"].map(|it| self.principal(it)).to_vec();
                inventory.platform_principals = Some(self.apps_exist.then(apps));
            }
            Read::Manager(_, _) => inventory.manager = Some(self.manager.clone()),
            Read::Roles(vault, principal) => {
                let of_both = self
                    .roles
                    .iter()
                    .filter(|it| (&it.0, &it.1) == (vault, principal));
                let rows = of_both.map(|it| it.2.clone()).collect();
                inventory
                    .roles
                    .insert((vault.clone(), principal.clone()), rows);
            }
        }
    }

    fn list(&self, is_current: bool, inventory: &mut Inventory) {
        let lines = self.vaults.iter().filter(|it| is_current || it.is_cached);
        let rows = lines.filter_map(|it| it.row.clone()).collect();
        inventory.candidates = Some(std::sync::Arc::new(rows));
        inventory.candidates_are_current = is_current;
    }

    fn cluster_by(&self, version: ApiVersion) -> Option<Cluster> {
        let mut cluster = self.cluster.clone();
        if !version.has_settings() {
            cluster.settings = None;
            cluster.etag = None;
        }
        if !version.shows_providers()
            && let Some(settings) = &mut cluster.settings
        {
            settings.provider = None;
        }
        self.exists.then_some(cluster)
    }

    /// Makes every change of a plan, as if Azure had taken each of them at once.
    pub(crate) fn carry_out(&mut self, plan: &Plan) {
        for change in &plan.changes {
            match change {
                Change::RegisterProvider(_) => {
                    "Registered".clone_into(&mut self.provider.state);
                    self.apps_exist = true;
                }
                Change::AssignRole {
                    vault,
                    principal,
                    name,
                    ..
                } => {
                    let row = RoleAssignment {
                        id: name.to_string(),
                        role: WRITER_ROLE.to_owned(),
                        principal: principal.to_string(),
                        scope: vault.to_string(),
                        conditional: false,
                        created_on: None,
                    };
                    self.roles.push((vault.clone(), principal.clone(), row));
                }
                Change::SetArchive { archive, .. } => self.set(archive),
            }
        }
    }

    fn set(&mut self, archive: &Archive) {
        self.cluster.provisioning_state = ProvisioningState::Succeeded;
        match archive {
            Archive::Legacy { vault } => {
                self.cluster.archive = Some(SecretArchive {
                    vault: vault.to_string(),
                    enabled: true,
                });
            }
            Archive::Settings {
                vault_uri,
                identity,
                ..
            } => {
                self.cluster.settings = Some(ArchiveSettings {
                    vault_uri: Some(vault_uri.clone()),
                    identity: Some(identity.clone()),
                    provider: None,
                });
            }
        }
    }

    /// The text with names in place of the ids of principals.
    pub(crate) fn named(&self, mut text: String) -> String {
        let names = self.principals.borrow().clone();
        for name in names {
            let id: PrincipalId = self.principal(&name);
            text = text.replace(id.as_str(), &name);
        }
        text
    }
}
