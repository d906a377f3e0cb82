//! An inventory in place of Azure that takes changes, each at once.
//!
//! It must not judge a change: whether it may be made, its callers know.

use vaultbind_core::{
    archive::{ArchiveSettings, ArchiveSpec, SecretArchive},
    inventory::Inventory,
    plan::{Change, Plan},
    resource::{Cluster, ProvisioningState, RoleAssignment},
};

/// Makes every change of a plan.
pub(crate) fn carry_out(azure: &mut Inventory, plan: &Plan) {
    for change in &plan.changes {
        match change {
            Change::RegisterProvider(subscription) => {
                let provider = azure.providers.get_mut(subscription).unwrap();
                "Registered".clone_into(&mut provider.state);
                // It brings the platform's apps into the directory.
                let apps = azure.platform_principals.take();
                azure.platform_principals = apps.filter(|principals| !principals.is_empty());
            }
            Change::AssignRole {
                vault, principal, ..
            } => {
                let of_vault = azure.roles.entry(vault.clone()).or_default();
                let rows = of_vault.entry(principal.clone()).or_default();
                rows.push(RoleAssignment::of_writer(vault, principal));
            }
            Change::SetArchive {
                cluster, archive, ..
            } => {
                let cluster = azure.clusters.get_mut(cluster).unwrap();
                patch(cluster.as_mut().unwrap(), archive);
            }
        }
    }
}

/// Makes `cluster` what it is once a PATCH with `archive` has succeeded.
fn patch(cluster: &mut Cluster, archive: &ArchiveSpec) {
    cluster.provisioning_state = ProvisioningState::Succeeded;
    match archive {
        ArchiveSpec::Legacy { vault } => {
            cluster.archive = Some(SecretArchive {
                vault: vault.to_string(),
                enabled: true,
            });
        }
        ArchiveSpec::Settings {
            vault_uri,
            identity,
            ..
        } => {
            cluster.settings = Some(ArchiveSettings {
                vault_uri: Some(vault_uri.clone()),
                identity: Some(identity.clone()),
                provider: None,
            });
        }
    }
}
