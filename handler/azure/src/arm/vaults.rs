//! Microsoft.KeyVault: vaults, deleted vaults, and whether a name is free.
//!
//! It must not touch a vault; Vaultbind changes none.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use vaultbind_core::{
    id::{Scope, SubscriptionId, VaultId},
    resource::Vault,
};

use super::{Arm, Service, readable, wire, wire::text};
use crate::{error::Error, http::Call};

impl Arm {
    /// Reads a vault.
    ///
    /// # Errors
    /// Where the call fails, or the answer is about another resource.
    pub async fn vault(&self, id: &VaultId) -> Result<Vault, Error> {
        const OPERATION: &str = "read the vault";
        let value = self
            .get_from(Service::KeyVault, OPERATION, id.as_str())
            .await?;
        let vault = wire::vault(&value).filter(|vault| vault.id == *id);
        vault.ok_or_else(|| {
            Error::malformed(
                OPERATION,
                id.as_str(),
                "it is not the vault that was asked for",
            )
        })
    }

    /// Lists the vaults of a boundary; of one that is a vault, reads it.
    ///
    /// # Errors
    /// Where a call fails.
    pub async fn vaults_of(&self, scope: &Scope) -> Result<Vec<Vault>, Error> {
        const OPERATION: &str = "list the vaults of";
        if let Scope::Vault(vault) = scope {
            return self.vault(vault).await.map(|vault| vec![vault]);
        }
        let path = format!("{scope}/providers/Microsoft.KeyVault/vaults");
        let rows = self
            .list(Service::KeyVault, OPERATION, &path, &path, &[])
            .await?;
        let vaults = rows
            .iter()
            .filter_map(|row| readable(row, wire::vault(row)));
        let vaults: Vec<Vault> = vaults.collect();
        if vaults.iter().all(|vault| scope.contains(&vault.id)) {
            return Ok(vaults);
        }
        let why = "it lists a vault that lies elsewhere";
        Err(Error::malformed(OPERATION, path, why))
    }

    /// Asks whether no vault has this name, nor a deleted one keeps it: names are unique in the cloud.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn is_vault_name_free(
        &self,
        subscription: &SubscriptionId,
        name: &str,
    ) -> Result<bool, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            name_available: bool,
            reason: Option<String>,
        }
        let path = format!(
            "{}/providers/Microsoft.KeyVault/checkNameAvailability",
            subscription.path()
        );
        let resource = format!("{path} of {name}");
        let body = json!({ "name": name, "type": "Microsoft.KeyVault/vaults" });
        let ask = async |version: &'static str| {
            let url = self.url(&path, version, &[]);
            let call = Call::new("ask for the name", &resource, Method::POST, url).json(&body);
            self.channel.send(&call).await?.json::<Answer>(&call)
        };
        let answer = self.served(Service::KeyVault, ask).await?;
        Ok(answer.name_available && answer.reason.is_none())
    }

    /// Lists the vaults of a subscription that are deleted and not yet purged.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn deleted_vaults(
        &self,
        subscription: &SubscriptionId,
    ) -> Result<Vec<VaultId>, Error> {
        let path = format!(
            "{}/providers/Microsoft.KeyVault/deletedVaults",
            subscription.path()
        );
        let rows = self
            .list(
                Service::KeyVault,
                "list the deleted vaults of",
                &path,
                &path,
                &[],
            )
            .await?;
        let ids = rows
            .iter()
            .filter_map(|row| text(row, "/properties/vaultId")?.parse().ok());
        Ok(ids.collect())
    }
}
