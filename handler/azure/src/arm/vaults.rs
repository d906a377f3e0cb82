//! Microsoft.KeyVault: vaults and deleted vaults.
//!
//! It must not touch a vault; Vaultbind changes none.

use vaultbind_core::{
    id::{SubscriptionId, VaultId},
    resource::Vault,
};

use super::{Arm, wire, wire::text};
use crate::error::Error;

/// All earlier versions of the control plane retire in February 2027.
const VAULTS: &str = "2026-02-01";

impl Arm {
    /// Reads a vault.
    ///
    /// # Errors
    /// Where the call fails, or the answer is about another resource.
    pub async fn vault(&self, id: &VaultId) -> Result<Vault, Error> {
        const OPERATION: &str = "read the vault";
        let value = self
            .get(OPERATION, id.as_str(), self.url(id.as_str(), VAULTS, &[]))
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
                "list the deleted vaults of",
                &path,
                self.url(&path, VAULTS, &[]),
            )
            .await?;
        let ids = rows
            .iter()
            .filter_map(|row| text(row, "/properties/vaultId")?.parse().ok());
        Ok(ids.collect())
    }
}
