//! What an estate shows to a reader, what a plan makes of it, and its names in place of generated ids.
//!
//! It must not answer by itself what an inventory can.

use std::sync::Arc;

use vaultbind_core::{decision::Read, inventory::Inventory};

use crate::patched::patch;

use super::{
    Change, Estate, Plan, PrincipalId, RoleAssignment, Sighting, TENANT, Vault, VaultLine,
    WRITER_ROLE,
};

impl Estate {
    /// What a read brings; only a new look at Resource Graph shows what is not cached.
    pub(crate) fn fact(&self, read: &Read) -> Inventory {
        let is_kept = matches!(read, Read::Vaults(_));
        let shown = self.vaults.iter().filter(|it| it.is_cached || !is_kept);
        let mut fact = self.azure(shown).fact(read);
        for listed in fact.listed.values_mut() {
            listed.is_current = !is_kept;
        }
        fact
    }

    /// Puts what Azure lists into another order.
    pub(crate) fn arrange(&mut self, keys: &[u8]) {
        let mut vaults = keys.iter().cycle();
        self.vaults.sort_by_cached_key(|_| vaults.next());
        let mut deleted = keys.iter().cycle();
        self.deleted.sort_by_cached_key(|_| deleted.next());
        let mut roles = keys.iter().cycle();
        self.roles.sort_by_cached_key(|_| roles.next());
    }

    /// Adds a vault that is listed and can be read.
    pub(crate) fn add(&mut self, vault: Vault) {
        self.vaults.push(VaultLine {
            sighting: Sighting::Found(vault.clone()),
            row: Some(vault.clone()),
            vault,
            is_cached: true,
        });
    }

    /// The same as Azure would show it.
    fn azure<'a>(&self, vaults: impl Iterator<Item = &'a VaultLine>) -> Inventory {
        let mut azure = Inventory::default();
        let own = self.cluster.id.subscription();
        azure.tenants.insert(own.clone(), TENANT.to_owned());
        azure.providers.insert(own.clone(), self.provider.clone());
        for deleted in &self.deleted {
            let of = azure.deleted_vaults.entry(deleted.subscription().clone());
            of.or_default().push(deleted.clone());
        }
        let cluster = self.exists.then(|| self.cluster.clone());
        azure.clusters.insert(self.cluster.id.clone(), cluster);
        if let Some(manager) = &self.cluster.manager {
            azure.managers.insert(manager.clone(), self.manager.clone());
        }
        for line in vaults {
            let id = line.vault.id.clone();
            if let Some(row) = &line.row {
                let of = azure.listed.entry(id.subscription().clone()).or_default();
                let others = of.vaults.all().iter().cloned();
                let rows = [row.clone()].into_iter().chain(others).collect();
                of.vaults = Arc::new(rows);
            }
            azure.vaults.insert(id, line.sighting.clone());
        }
        let apps = || ["app-1", "app-2"].map(|it| self.principal(it)).to_vec();
        azure.platform_principals = Some(if self.apps_exist { apps() } else { Vec::new() });
        for (vault, principal, row) in &self.roles {
            let of = azure.roles.entry(vault.clone()).or_default();
            of.entry(principal.clone()).or_default().push(row.clone());
        }
        azure
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
                Change::SetArchive { archive, .. } => patch(&mut self.cluster, archive),
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
