//! The plan: the changes that make a decision true, in the order in which they have to happen.
//!
//! It must not leave a choice to whoever carries it out, and never touches tags, identities or a null.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    api_version::ApiVersion,
    archive::ArchiveSpec,
    id::{ClusterId, SubscriptionId, VaultId},
    resource::{PrincipalId, WRITER_ROLE},
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
        archive: ArchiveSpec,
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

impl Plan {
    /// Is everything right already?
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Is the cluster pointed at a vault?
    pub fn sets_archive(&self) -> bool {
        let sets = |change: &Change| matches!(change, Change::SetArchive { .. });
        self.changes.iter().any(sets)
    }
}

/// The names that the assignment of the role to a principal on a vault may have, in the order in which they are tried.
pub fn assignment_names(vault: &VaultId, principal: &PrincipalId) -> [Uuid; 3] {
    let grants = format!("{}|{WRITER_ROLE}|{principal}", vault.key());
    [grants.clone(), format!("{grants}|1"), format!("{grants}|2")]
        .map(|text| Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()))
}

impl Change {
    /// Give a writer the role on a vault. The name of the assignment is derived from what it grants, so that a second
    /// attempt meets the first.
    pub fn assign_role(vault: &VaultId, principal: &PrincipalId, writer: Writer) -> Self {
        let [name, ..] = assignment_names(vault, principal);
        Self::AssignRole {
            vault: vault.clone(),
            principal: principal.clone(),
            writer,
            name,
        }
    }

    /// The same assignment under the next of its names, where one of them is taken by another for good.
    pub fn renamed(&self) -> Option<Self> {
        let Self::AssignRole {
            vault,
            principal,
            writer,
            name,
        } = self
        else {
            return None;
        };
        let mut names = assignment_names(vault, principal).into_iter();
        names.find(|tried| tried == name)?;
        let name = names.next()?;
        Some(Self::AssignRole {
            vault: vault.clone(),
            principal: principal.clone(),
            writer: *writer,
            name,
        })
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_has_three_names_each_derived_from_what_it_grants() {
        let vault = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-a";
        let [vault, shouted] =
            [vault, &vault.replace("/rg/", "/RG/")].map(|id| id.parse().unwrap());
        let principal = "0f0f0f0f-0000-0000-0000-000000000001".parse().unwrap();
        let mut change = Change::assign_role(&vault, &principal, Writer::Cluster);
        let mut targets = vec![change.target()];
        while let Some(next) = change.renamed() {
            targets.push(next.target());
            change = next;
        }
        let names = assignment_names(&vault, &principal);
        let of_name =
            |name| format!("{vault}/providers/Microsoft.Authorization/roleAssignments/{name}");
        assert_eq!(targets, names.map(of_name));
        assert_eq!(names, assignment_names(&shouted, &principal));
        targets.dedup();
        assert_eq!(targets.len(), 3);
    }
}
