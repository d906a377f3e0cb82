//! The plan: the changes that make a decision true, in the order in which they have to happen.
//!
//! It must not leave a choice to whoever carries it out, and never touches tags, identities or a null.

use std::fmt;

use uuid::Uuid;

use crate::{
    api_version::ApiVersion,
    decision::{Case, writer::Assignment},
    id::{ClusterId, SubscriptionId, VaultId},
    inventory::{
        AssociatedIdentity, Cluster, PrincipalId, ProvisioningState, Vault, WRITER_ROLE, vault_host,
    },
    result::{ChangeKind, Shape, Writer},
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
            Self::Legacy { vault } => cluster.archive.as_ref().is_some_and(|archive| {
                archive.enabled && archive.vault.parse::<VaultId>().as_ref() == Ok(vault)
            }),
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

    /// The registration of the provider alone, where it is needed.
    pub(crate) fn registration(case: &Case<'_>) -> Option<Self> {
        let provider = case.inventory.provider.as_ref()?;
        let subscription = case.cluster.id.subscription().clone();
        let changes = vec![Change::RegisterProvider(subscription)];
        provider.needs_registration().then_some(Self { changes })
    }

    pub(crate) fn of(case: &Case<'_>, assignment: &Assignment, vault: &Vault) -> Self {
        let cluster = case.cluster;
        let mut changes = Self::registration(case).unwrap_or_default().changes;
        let lacking = assignment
            .principals
            .iter()
            .filter(|(_, row)| row.is_none());
        changes.extend(lacking.map(|(principal, _)| Change::AssignRole {
            vault: vault.id.clone(),
            principal: principal.clone(),
            writer: assignment.writer,
            name: role_assignment_name(&vault.id, principal),
        }));
        let undone = matches!(
            cluster.provisioning_state,
            ProvisioningState::Failed | ProvisioningState::Canceled
        );
        // A right value that a failed operation left behind is not in force: it is set again.
        if undone || !assignment.archive.is_shown_by(cluster) {
            changes.push(Change::SetArchive {
                cluster: cluster.id.clone(),
                archive: assignment.archive.clone(),
                etag: cluster.etag.clone(),
                version: case.version,
            });
        }
        Self { changes }
    }

    /// Must the cluster's present operation end before anything can be done or said?
    pub(crate) fn awaits_cluster(&self, cluster: &Cluster) -> bool {
        let sets = self
            .changes
            .iter()
            .any(|it| matches!(it, Change::SetArchive { .. }));
        match cluster.provisioning_state {
            ProvisioningState::Busy(_) => true,
            ProvisioningState::Unknown(_) => !sets,
            ProvisioningState::Succeeded
            | ProvisioningState::Failed
            | ProvisioningState::Canceled => false,
        }
    }
}

/// The name of the role assignment: derived from what it grants, so that a second attempt meets the first.
fn role_assignment_name(vault: &VaultId, principal: &PrincipalId) -> Uuid {
    let grants = format!("{}|{WRITER_ROLE}|{principal}", vault.key());
    Uuid::new_v5(&Uuid::NAMESPACE_URL, grants.as_bytes())
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
