//! The archive of a cluster: where its credentials go, as it is wanted (`ArchiveSpec`), as the cluster shows it, and as
//! results tell of it (`ArchiveStatus`).
//!
//! It must not choose: which vault and whose identity is decided elsewhere.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    id::VaultId,
    resource::{AssociatedIdentity, Cluster, ProvisioningState, vault_host},
};

/// The property that carries the binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Shape")]
pub enum ArchiveProperty {
    /// The vault by its resource id.
    SecretArchive,
    /// The vault by its address, with the identity that writes.
    SecretArchiveSettings,
}

/// What a cluster should show of its archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveSpec {
    /// `secretArchive`: the vault by its id.
    Legacy {
        /// The vault.
        vault: VaultId,
    },
    /// `secretArchiveSettings`: the vault by its address, and who writes.
    Settings {
        /// The vault.
        vault: VaultId,
        /// Its address.
        vault_uri: String,
        /// The cluster's identity that writes.
        identity: AssociatedIdentity,
    },
}

impl ArchiveSpec {
    /// The property that it is set by.
    pub fn property(&self) -> ArchiveProperty {
        match self {
            Self::Legacy { .. } => ArchiveProperty::SecretArchive,
            Self::Settings { .. } => ArchiveProperty::SecretArchiveSettings,
        }
    }

    /// Does the cluster show this archive, by an operation that succeeded? What a failed one left behind has no effect.
    pub fn is_in_force(&self, cluster: &Cluster) -> bool {
        let undone = matches!(
            cluster.provisioning_state,
            ProvisioningState::Failed | ProvisioningState::Canceled
        );
        !undone && self.is_shown_by(cluster)
    }

    /// Does the cluster show this archive, whatever the state of its last operation?
    pub fn is_shown_by(&self, cluster: &Cluster) -> bool {
        match self {
            Self::Legacy { vault } => cluster
                .archive
                .as_ref()
                .is_some_and(|archive| archive.enabled && vault.is_spelled(&archive.vault)),
            Self::Settings {
                vault_uri,
                identity,
                ..
            } => cluster.settings.as_ref().is_some_and(|settings| {
                let shown = settings.vault_uri.as_deref().and_then(vault_host);
                shown.is_some()
                    && shown == vault_host(vault_uri)
                    && settings.identity.as_ref() == Some(identity)
            }),
        }
    }
}

impl fmt::Display for ArchiveSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Legacy { vault } => write!(f, "{} by secretArchive", vault.name()),
            Self::Settings {
                vault,
                identity: AssociatedIdentity::System,
                ..
            } => {
                write!(
                    f,
                    "{} by secretArchiveSettings with the system-assigned identity",
                    vault.name()
                )
            }
            Self::Settings {
                vault,
                identity: AssociatedIdentity::User(id),
                ..
            } => {
                write!(
                    f,
                    "{} by secretArchiveSettings with {}",
                    vault.name(),
                    id.name()
                )
            }
        }
    }
}

/// The older archive property: the vault by its resource id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretArchive {
    /// `keyVaultId` as it stands there.
    pub vault: String,
    /// Is `useKeyVault` "True"? Anything else leaves the archive switched off.
    pub enabled: bool,
}

/// The newer archive property: the vault by its address, and the identity that writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArchiveSettings {
    /// `vaultUri` as it stands there.
    pub vault_uri: Option<String>,
    /// `associatedIdentity`, absent where it is missing or names nothing usable.
    pub identity: Option<AssociatedIdentity>,
    /// `providerConfiguration.provider` (`CyberArk`, ...): the archive is no Azure Key Vault.
    pub provider: Option<String>,
}

/// The archive properties of a cluster at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ArchiveState")]
pub struct ArchiveStatus {
    /// `secretArchive.keyVaultId`.
    pub key_vault_id: Option<String>,
    /// Is `secretArchive.useKeyVault` "True"?
    pub use_key_vault: bool,
    /// `secretArchiveSettings.vaultUri`.
    pub vault_uri: Option<String>,
    /// `secretArchiveSettings.associatedIdentity`: an id, or `SystemAssignedIdentity`.
    pub identity: Option<String>,
}

impl ArchiveStatus {
    /// What the cluster shows.
    pub fn of(cluster: &Cluster) -> Self {
        let archive = cluster.archive.as_ref();
        let settings = cluster.settings.as_ref();
        Self {
            key_vault_id: archive.map(|archive| archive.vault.clone()),
            use_key_vault: archive.is_some_and(|archive| archive.enabled),
            vault_uri: settings.and_then(|settings| settings.vault_uri.clone()),
            identity: settings
                .and_then(|settings| settings.identity.as_ref())
                .map(|identity| match identity {
                    AssociatedIdentity::System => "SystemAssignedIdentity".to_owned(),
                    AssociatedIdentity::User(id) => id.to_string(),
                }),
        }
    }
}
