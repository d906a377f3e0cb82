//! Microsoft.NetworkCloud: clusters and their managers.
//!
//! It must not send anything in a PATCH but the archive object: tags and identity would be replaced, a null resets.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vaultbind_core::{
    archive::ArchiveSpec,
    id::{ClusterId, ClusterManagerId},
    resource::{AssociatedIdentity, Cluster, Identities},
};

use super::{Arm, OperationUrl, wire};
use crate::{
    error::Error,
    http::{Answer, Call},
};

/// What a PATCH carries: the archive object and nothing else.
fn patch(archive: &ArchiveSpec) -> Value {
    let properties = match archive {
        // A string, and always there: its default is "False".
        ArchiveSpec::Legacy { vault } => {
            json!({ "secretArchive": { "keyVaultId": vault.as_str(), "useKeyVault": "True" } })
        }
        ArchiveSpec::Settings {
            vault_uri,
            identity,
            ..
        } => {
            let identity = match identity {
                AssociatedIdentity::System => {
                    json!({ "identityType": "SystemAssignedIdentity" })
                }
                AssociatedIdentity::User(id) => json!({
                    "identityType": "UserAssignedIdentity",
                    "userAssignedIdentityResourceId": id.as_str(),
                }),
            };
            json!({ "secretArchiveSettings": { "vaultUri": vault_uri, "associatedIdentity": identity } })
        }
    };
    json!({ "properties": properties })
}

/// What ARM says to a PATCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchAnswer {
    /// It is done.
    Done,
    /// It is under way.
    Accepted {
        /// Where to poll it; none where the answer names no place that may be followed.
        operation: Option<OperationUrl>,
        /// When to poll.
        retry_after: Option<Duration>,
    },
}

impl Arm {
    /// Reads a cluster.
    ///
    /// # Errors
    /// Where the call fails, or the answer is about another resource.
    pub async fn cluster(&self, id: &ClusterId, api_version: &str) -> Result<Cluster, Error> {
        const OPERATION: &str = "read the cluster";
        let value = self
            .get(
                OPERATION,
                id.as_str(),
                self.url(id.as_str(), api_version, &[]),
            )
            .await?;
        let cluster = wire::cluster(&value).filter(|cluster| cluster.id == *id);
        cluster.ok_or_else(|| {
            Error::malformed(
                OPERATION,
                id.as_str(),
                "it is not the cluster that was asked for",
            )
        })
    }

    /// Reads the identities of a cluster manager.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn manager_identities(
        &self,
        id: &ClusterManagerId,
        api_version: &str,
    ) -> Result<Identities, Error> {
        let url = self.url(id.as_str(), api_version, &[]);
        let value = self
            .get("read the cluster manager", id.as_str(), url)
            .await?;
        Ok(wire::identities(&value))
    }

    /// Points a cluster at a vault; `etag` is the state of the cluster that the caller has seen.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn set_archive(
        &self,
        id: &ClusterId,
        api_version: &str,
        etag: Option<&str>,
        archive: &ArchiveSpec,
    ) -> Result<PatchAnswer, Error> {
        let url = self.url(id.as_str(), api_version, &[]);
        let call = Call::new(
            "set the archive of the cluster",
            id.as_str(),
            Method::PATCH,
            url,
        );
        let call = call.json(&patch(archive)).if_match(etag);
        let answer = self.channel.send(&call).await?;
        Ok(match answer.status {
            200 => PatchAnswer::Done,
            _ => PatchAnswer::Accepted {
                operation: self.operation_of(&answer, id),
                retry_after: answer.retry_after(),
            },
        })
    }

    fn operation_of(&self, answer: &Answer, cluster: &ClusterId) -> Option<OperationUrl> {
        let text = answer
            .header("azure-asyncoperation")
            .or_else(|| answer.header("location"))?;
        let url = OperationUrl::accept(text, self.endpoint(), cluster);
        if url.is_none() {
            tracing::warn!(
                cluster_id = cluster.as_str(),
                "the operation's address is not one to follow, the cluster's state is followed instead"
            );
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use vaultbind_core::id::VaultId;

    use super::*;

    #[test]
    fn a_patch_carries_the_archive_alone() {
        let vault = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1";
        let id: VaultId = vault.parse().unwrap();
        let legacy = ArchiveSpec::Legacy { vault: id.clone() };
        assert_eq!(
            patch(&legacy),
            json!({ "properties": { "secretArchive": { "keyVaultId": vault, "useKeyVault": "True" } } })
        );
        let user = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
        let uri = "https://kv1.vault.azure.net/".to_owned();
        for (identity, expected) in [
            (
                AssociatedIdentity::System,
                json!({ "identityType": "SystemAssignedIdentity" }),
            ),
            (
                AssociatedIdentity::User(user.parse().unwrap()),
                json!({ "identityType": "UserAssignedIdentity", "userAssignedIdentityResourceId": user }),
            ),
        ] {
            let archive = ArchiveSpec::Settings {
                vault: id.clone(),
                vault_uri: uri.clone(),
                identity,
            };
            let settings = json!({ "vaultUri": uri, "associatedIdentity": expected });
            assert_eq!(
                patch(&archive),
                json!({ "properties": { "secretArchiveSettings": settings } })
            );
        }
    }
}
