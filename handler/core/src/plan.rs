//! The plan: the changes that make a decision true, in the order in which they have to happen.
//!
//! It must not leave a choice to whoever carries it out, and never touches tags, identities or a null.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    api_version::ApiVersion,
    id::{ClusterId, SubscriptionId, VaultId},
    resource::{AssociatedIdentity, Cluster, PrincipalId, vault_host},
};

/// The changes that make a decision true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The changes: registration first, then roles, then the archive.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Register Microsoft.NetworkCloud in the cluster's subscription.
    RegisterProvider(SubscriptionId),
    /// Give a writer the role on the vault.
    AssignRole {
        /// The vault.
        vault: VaultId,
        /// The principal that gets the role.
        principal: PrincipalId,
        /// Whose principal it is.
        writer: Writer,
        /// The name of the assignment, the same each time.
        name: Uuid,
    },
    /// Point the cluster at the vault.
    SetArchive {
        /// The cluster.
        cluster: ClusterId,
        /// What it should show.
        archive: Archive,
        /// The state of the cluster that the decision rests on, where the api-version has entity tags.
        etag: Option<String>,
        /// The api-version that the cluster was read with.
        version: ApiVersion,
    },
}

/// Who writes the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Writer {
    /// The two platform service principals.
    PlatformApps,
    /// The cluster manager's managed identity.
    ClusterManager,
    /// The cluster's own identity.
    Cluster,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PlatformApps => "platform-apps",
            Self::ClusterManager => "cluster-manager",
            Self::Cluster => "cluster",
        })
    }
}

/// The property that carries the binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// The vault by its resource id.
    SecretArchive,
    /// The vault by its address, with the identity that writes.
    SecretArchiveSettings,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ChangeKind {
    /// The provider was registered in the cluster's subscription.
    RegisterProvider,
    /// A role was assigned on the vault.
    AssignRole,
    /// The cluster was pointed at the vault.
    SetArchive,
}

/// What a cluster should show of its archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archive {
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

impl Archive {
    /// The property that it is set by.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Legacy { .. } => Shape::SecretArchive,
            Self::Settings { .. } => Shape::SecretArchiveSettings,
        }
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

impl Plan {
    /// Is everything right already?
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Change {
    /// The kind of change, as results name it.
    pub fn kind(&self) -> ChangeKind {
        match self {
            Self::RegisterProvider(_) => ChangeKind::RegisterProvider,
            Self::AssignRole { .. } => ChangeKind::AssignRole,
            Self::SetArchive { .. } => ChangeKind::SetArchive,
        }
    }

    /// What is changed, as results name it.
    pub fn target(&self) -> String {
        match self {
            Self::RegisterProvider(subscription) => {
                format!("{}/providers/Microsoft.NetworkCloud", subscription.path())
            }
            Self::AssignRole { vault, name, .. } => {
                format!("{vault}/providers/Microsoft.Authorization/roleAssignments/{name}")
            }
            Self::SetArchive { cluster, .. } => cluster.to_string(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegisterProvider(subscription) => {
                write!(f, "register Microsoft.NetworkCloud in {subscription}")
            }
            Self::AssignRole {
                vault,
                principal,
                writer,
                ..
            } => {
                write!(
                    f,
                    "give {writer} ({principal}) the writer role on {}",
                    vault.name()
                )
            }
            Self::SetArchive {
                cluster, archive, ..
            } => {
                write!(f, "point {} at {archive}", cluster.name())
            }
        }
    }
}

impl fmt::Display for Archive {
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

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do\n");
        }
        self.changes
            .iter()
            .try_for_each(|change| writeln!(f, "{change}"))
    }
}
