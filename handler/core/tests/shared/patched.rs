//! A cluster after a change of its archive, as Azure shows it then.
//!
//! It must not judge the change: whether it may be made, its callers know.

use vaultbind_core::{
    archive::ArchiveSpec,
    archive::{ArchiveSettings, SecretArchive},
    resource::{Cluster, ProvisioningState},
};

/// Makes `cluster` what it is once a PATCH with `archive` has succeeded.
pub(crate) fn patch(cluster: &mut Cluster, archive: &ArchiveSpec) {
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
