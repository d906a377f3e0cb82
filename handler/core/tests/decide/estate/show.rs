//! What an estate shows to a reader, what a plan makes of it, and its names in place of generated ids.
//!
//! It must not answer by itself what `vaultbind_core::estate` can.

use vaultbind_core::{
    decision::Read,
    estate::{Estate as Azure, VaultSeen},
    inventory::Inventory,
    policy::Policy,
};

use crate::patched::patch;

use super::{
    Change, Estate, Plan, PrincipalId, RoleAssignment, TENANT, Vault, VaultLine, VaultSighting,
    WRITER_ROLE,
};

impl Estate {
    /// Enters what is read into the inventory; only a new look at Resource Graph shows what is not cached.
    pub(crate) fn answer(&self, policy: &Policy, read: &Read, inventory: &mut Inventory) {
        let is_cached = |it: &&VaultLine| it.is_cached || *read != Read::Candidates;
        let azure = self.azure(self.vaults.iter().filter(is_cached));
        let is_known = azure.answer(&azure.listing(policy), &self.cluster.id, read, inventory);
        assert!(is_known, "{read} is not known");
        inventory.candidates_are_current &= *read != Read::Candidates;
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
            sighting: VaultSighting::Live(vault.clone()),
            row: Some(vault.clone()),
            vault,
            is_cached: true,
        });
    }

    /// The same as Azure would show it.
    fn azure<'a>(&self, vaults: impl Iterator<Item = &'a VaultLine>) -> Azure {
        let mut azure = Azure::default();
        let own = azure.subscription(self.cluster.id.subscription());
        own.tenant = Some(TENANT.to_owned());
        own.provider = Some(self.provider.clone());
        for deleted in &self.deleted {
            let of = azure.subscription(deleted.id.subscription());
            of.deleted_vaults
                .get_or_insert_default()
                .push(deleted.clone());
        }
        if self.exists {
            let id = self.cluster.id.clone();
            azure.clusters.insert(id, self.cluster.clone());
        }
        if let Some(manager) = &self.cluster.manager {
            azure.managers.insert(manager.clone(), self.manager.clone());
        }
        azure.vaults.extend(vaults.map(|it| {
            let seen = VaultSeen {
                row: it.row.clone(),
                live: Some(it.sighting.clone()),
            };
            (it.vault.id.clone(), seen)
        }));
        let apps = || ["app-1", "app-2"].map(|it| self.principal(it)).to_vec();
        azure.platform_apps = Some(self.apps_exist.then(apps));
        for (vault, principal, row) in &self.roles {
            let key = (vault.clone(), principal.clone());
            azure.roles.entry(key).or_default().push(row.clone());
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
