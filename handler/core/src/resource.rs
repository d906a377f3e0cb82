//! The resources of Azure that decisions are about: clusters, vaults, identities, role assignments, the provider.
//!
//! It must not judge: what a resource shows is here, `decision` says what it means.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    api_version::ApiVersion,
    archive::{ArchiveSettings, SecretArchive},
    id::{ClusterId, ClusterManagerId, IdError, UserAssignedIdentityId, VaultId, is_guid},
    tags::Tags,
    text::as_text,
};

/// The role that lets a writer put credentials into a vault: "Operator Nexus Key Vault Writer Service Role (Preview)".
pub const WRITER_ROLE: &str = "44f0a1a8-6fea-4b35-980a-8ff50c487c97";

/// The object id of a service principal in the directory, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrincipalId(String);

impl PrincipalId {
    /// The GUID in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The object id of somebody of whom no object id is said: the same for the same name.
    pub fn made_of(name: &str) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string())
    }
}

impl FromStr for PrincipalId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if is_guid(text) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(IdError::Malformed("an object id is a GUID"))
        }
    }
}

as_text!(PrincipalId, ProvisioningState);

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far the last operation on a cluster has come (`properties.provisioningState`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvisioningState {
    /// The last operation went well.
    Succeeded,
    /// The last operation failed; what it wrote may be visible and yet not in force.
    Failed,
    /// The last operation was given up.
    Canceled,
    /// An operation is under way (`Accepted`, `Validating`, `Updating`).
    Busy(String),
    /// A state that Vaultbind does not know; it does not stop a change and is not success.
    Unknown(String),
}

impl ProvisioningState {
    /// Reads the text of the property; an absent state is unknown.
    pub fn from_text(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "canceled" => Self::Canceled,
            "accepted" | "validating" | "updating" => Self::Busy(text.to_owned()),
            _ => Self::Unknown(text.to_owned()),
        }
    }
}

impl FromStr for ProvisioningState {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::from_text(text))
    }
}

impl fmt::Display for ProvisioningState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
            Self::Busy(text) | Self::Unknown(text) => text,
        })
    }
}

/// The managed identities of a cluster or of a cluster manager.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identities {
    /// The object id of the system-assigned identity.
    pub system: Option<PrincipalId>,
    /// The user-assigned identities; the object id is absent where the platform has not shown it yet.
    pub user: BTreeMap<UserAssignedIdentityId, Option<PrincipalId>>,
}

impl Identities {
    /// Has the resource any identity?
    pub fn is_empty(&self) -> bool {
        self.system.is_none() && self.user.is_empty()
    }
}

/// Which identity of the cluster the settings name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AssociatedIdentity {
    /// The cluster's system-assigned identity.
    System,
    /// One of its user-assigned identities.
    User(UserAssignedIdentityId),
}

/// A Nexus cluster as one GET showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// The resource id.
    pub id: ClusterId,
    /// The Azure region.
    pub location: String,
    /// The tags.
    pub tags: Tags,
    /// The entity tag, where the api-version has them: it serves a PATCH, and is in no file.
    #[serde(skip)]
    pub etag: Option<String>,
    /// When it was last changed, as it says itself: it tells one state from the next, and is in no file.
    #[serde(skip)]
    pub modified_at: Option<String>,
    /// How far the last operation has come.
    pub provisioning_state: ProvisioningState,
    /// `detailedStatus`: `PendingDeployment`, `Running`, `Deleting`, ...
    pub detailed_status: Option<String>,
    /// The cluster's own identities.
    pub identities: Identities,
    /// The cluster manager.
    pub manager: Option<ClusterManagerId>,
    /// The older archive property.
    pub archive: Option<SecretArchive>,
    /// The newer archive property.
    pub settings: Option<ArchiveSettings>,
}

impl Cluster {
    /// Is the cluster on its way out?
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        let status = self.detailed_status.as_deref();
        status.is_some_and(|status| status.eq_ignore_ascii_case("Deleting"))
    }
}

/// A key vault, as a GET or as Resource Graph showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vault {
    /// The resource id.
    pub id: VaultId,
    /// The Azure region.
    pub location: String,
    /// The tags.
    pub tags: Tags,
    /// The directory of the vault, in lower case.
    pub tenant: String,
    /// `vaultUri` as it stands there.
    pub uri: String,
    /// Is the permission model Azure RBAC? Null or absent means access policies.
    pub rbac: bool,
    /// Is purge protection on?
    pub purge_protection: bool,
    /// `Succeeded` or `RegisteringDns`.
    pub provisioning_state: String,
    /// When it was last changed, as it says itself: it tells one state from the next, and is in no file.
    #[serde(skip)]
    pub modified_at: Option<String>,
}

/// The host of a vault's address in lower case: https, no port, nothing behind the host but a slash.
pub fn vault_host(uri: &str) -> Option<String> {
    let uri = uri.to_ascii_lowercase();
    let rest = uri.strip_prefix("https://")?;
    let host = rest.strip_suffix('/').unwrap_or(rest);
    // The port of https is no other address.
    let host = host.strip_suffix(":443").unwrap_or(host);
    let sound = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    sound.then(|| host.to_owned())
}

/// One row of role assignments that reaches a vault: made on it or inherited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleAssignment {
    /// The resource id of the assignment.
    pub id: String,
    /// The last segment of the role definition's id, in lower case.
    pub role: String,
    /// The principal that holds the role (a group where the row is held through one).
    pub principal: String,
    /// The scope as the row spells it.
    pub scope: String,
    /// Has the row a condition? Then it may not apply.
    pub conditional: bool,
    /// When the row was made.
    #[serde(with = "time::serde::rfc3339::option")]
    pub created_on: Option<OffsetDateTime>,
    /// The description that it was made with, where it was not changed since: it tells who made it, and is in no file.
    #[serde(skip)]
    pub description: Option<String>,
}

impl RoleAssignment {
    /// The vault and the name of an assignment that was made on a vault, by its id.
    pub fn on_vault(id: &str) -> Option<(VaultId, Uuid)> {
        const TYPE: &str = "/providers/microsoft.authorization/roleassignments/";
        let at = id.to_ascii_lowercase().rfind(TYPE)?;
        let (vault, name) = (id.get(..at)?, id.get(at + TYPE.len()..)?);
        let name = Uuid::try_parse(name).ok().filter(|_| is_guid(name))?;
        Some((vault.parse().ok()?, name))
    }

    /// The one that lets a writer put credentials into a vault.
    pub fn of_writer(vault: &VaultId, principal: &PrincipalId) -> Self {
        Self {
            id: format!("{vault}/providers/Microsoft.Authorization/roleAssignments/{principal}"),
            role: WRITER_ROLE.to_owned(),
            principal: principal.to_string(),
            scope: vault.to_string(),
            conditional: false,
            created_on: None,
            description: None,
        }
    }
}

/// The registration of Microsoft.NetworkCloud in a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// `Registered`, `Registering`, `NotRegistered`, ...
    pub state: String,
    /// The api-versions that the subscription is served for clusters.
    pub cluster_api_versions: Vec<String>,
}

impl Provider {
    /// Is there something to do about the registration? While it is under way there is not.
    pub fn needs_registration(&self) -> bool {
        !(self.state.eq_ignore_ascii_case("Registered")
            || self.state.eq_ignore_ascii_case("Registering"))
    }

    /// Forgets a version that the cluster's region turned out not to serve; false where no other is left that shows the
    /// same properties: what cannot be seen must not be taken for absent.
    pub fn forget(&mut self, version: ApiVersion) -> bool {
        self.cluster_api_versions
            .retain(|served| !served.eq_ignore_ascii_case(version.as_str()));
        ApiVersion::newest(&self.cluster_api_versions)
            .is_some_and(|next| next.has_settings() == version.has_settings())
    }
}
