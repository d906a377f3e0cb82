//! A cluster after a change of its archive, as Azure shows it then.
//!
//! It must not judge the change: whether it may be made, its callers know.

use vaultbind_core::{
    plan::Archive,
    resource::{ArchiveSettings, Cluster, ProvisioningState, SecretArchive},
};

/// Makes `cluster` what it is once a PATCH with `archive` has succeeded.
pub(crate) fn patch(cluster: &mut Cluster, archive: &Archive) {
    cluster.provisioning_state = ProvisioningState::Succeeded;
    match archive {
        Archive::Legacy { vault } => {
            cluster.archive = Some(SecretArchive {
                vault: vault.to_string(),
                enabled: true,
            });
        }
        Archive::Settings {
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
