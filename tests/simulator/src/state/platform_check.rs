//! What the platform finds of an archive that it is to use: the vault, the identity, the writer's access.
//! It changes nothing.

use serde_json::Value;

use super::Azure;
use super::operation::{Touched, associated_principal, identity_principals};

impl Azure {
    /// What the platform finds wrong with the archive that it is to use: code and message.
    pub(super) fn failure(
        &mut self,
        cluster_id: &str,
        touched: Touched,
    ) -> Option<(String, String)> {
        if !self.behaviour.check_access {
            return None;
        }
        let cluster = self.resource(cluster_id)?.clone();
        let settings = &cluster["properties"]["secretArchiveSettings"];
        let archive = &cluster["properties"]["secretArchive"];
        if settings.is_object() {
            // With settings in place the platform does not look at the old archive at all.
            return if touched.settings {
                self.settings_failure(&cluster, settings)
            } else {
                None
            };
        }
        if self.behaviour.check_archive && touched.archive && archive["useKeyVault"] == "True" {
            return self.archive_failure(&cluster, archive);
        }
        None
    }

    fn settings_failure(&mut self, cluster: &Value, settings: &Value) -> Option<(String, String)> {
        if settings["providerConfiguration"].is_object() {
            return None;
        }
        let Some(uri) = settings["vaultUri"].as_str() else {
            return failure("KeyVaultUriMissing", "The key vault URI is missing.");
        };
        let Some(principal) = associated_principal(cluster, &settings["associatedIdentity"]) else {
            return failure(
                "KeyVaultIdentityMissing",
                "The associated identity is missing.",
            );
        };
        let Some(vault) = self
            .vault_at(uri)
            .and_then(|vault| vault["id"].as_str())
            .map(str::to_owned)
        else {
            return failure("KeyVaultNotFound", "The key vault was not found.");
        };
        self.access_failure(&[principal], &vault)
    }

    fn archive_failure(&mut self, cluster: &Value, archive: &Value) -> Option<(String, String)> {
        let id = archive["keyVaultId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if self.resource(&id).is_none() {
            return failure("KeyVaultNotFound", "The key vault was not found.");
        }
        let manager = cluster["properties"]["clusterManagerId"]
            .as_str()
            .and_then(|id| self.resource(id))
            .cloned();
        let identities = manager
            .map(|manager| identity_principals(&manager))
            .unwrap_or_default();
        if identities
            .iter()
            .any(|principal| self.may_write(principal, &id))
        {
            return None;
        }
        let apps = self.platform_principals();
        if apps.is_empty() {
            return failure("KeyVaultAccessDenied", "Nobody may write to the key vault.");
        }
        self.access_failure(&apps, &id)
    }

    /// All of them must be able to write.
    fn access_failure(
        &mut self,
        principals: &[String],
        vault_id: &str,
    ) -> Option<(String, String)> {
        let denied: Vec<&String> = principals
            .iter()
            .filter(|p| !self.may_write(p, vault_id))
            .collect();
        if denied.is_empty() {
            return None;
        }
        failure(
            "KeyVaultAccessDenied",
            "The identity is not authorized to write secrets to the key vault.",
        )
    }
}

fn failure(code: &str, message: &str) -> Option<(String, String)> {
    Some((code.to_owned(), message.to_owned()))
}
