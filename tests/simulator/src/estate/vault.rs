//! Vaults to be.
//! It says nothing about who may do what with them.

use serde_json::{Value, json};

use super::{Place, render_tags};
use crate::state::Azure;

/// A vault to be: on RBAC, with soft delete, in `rg-secrets` in `eastus`, unless said otherwise.
#[derive(Clone, Debug)]
pub struct VaultSpec {
    name: String,
    group: String,
    location: String,
    tags: Vec<(String, String)>,
    rbac: Option<Value>,
    purge_protection: bool,
    tenant: Option<String>,
    provisioning_state: String,
    vault_uri: Option<String>,
    network: Option<Value>,
}

impl VaultSpec {
    /// A vault of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            group: "rg-secrets".to_owned(),
            location: "eastus".to_owned(),
            tags: Vec::new(),
            rbac: Some(json!(true)),
            purge_protection: false,
            tenant: None,
            provisioning_state: "Succeeded".to_owned(),
            vault_uri: None,
            network: None,
        }
    }

    /// In this resource group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        group.clone_into(&mut self.group);
        self
    }

    /// In this region.
    #[must_use]
    pub fn location(mut self, location: &str) -> Self {
        location.clone_into(&mut self.location);
        self
    }

    /// With this tag.
    #[must_use]
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.tags.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this in the place of `enableRbacAuthorization`; `None` leaves it out.
    #[must_use]
    pub fn rbac(mut self, value: Option<Value>) -> Self {
        self.rbac = value;
        self
    }

    /// With purge protection.
    #[must_use]
    pub fn purge_protection(mut self) -> Self {
        self.purge_protection = true;
        self
    }

    /// Of another tenant.
    #[must_use]
    pub fn tenant(mut self, tenant_id: &str) -> Self {
        self.tenant = Some(tenant_id.to_owned());
        self
    }

    /// In this provisioning state.
    #[must_use]
    pub fn provisioning_state(mut self, state: &str) -> Self {
        state.clone_into(&mut self.provisioning_state);
        self
    }

    /// With another address than the one that its name gives.
    #[must_use]
    pub fn vault_uri(mut self, uri: &str) -> Self {
        self.vault_uri = Some(uri.to_owned());
        self
    }

    /// Behind a firewall: with these network rules.
    #[must_use]
    pub fn network(mut self, acls: Value) -> Self {
        self.network = Some(acls);
        self
    }

    pub(crate) fn render(&self, azure: &Azure, place: &Place) -> Value {
        let uri = self
            .vault_uri
            .clone()
            .unwrap_or_else(|| format!("https://{}.vault.azure.net/", self.name));
        let tenant = self.tenant.as_deref().unwrap_or_else(|| azure.tenant_id());
        let mut properties = json!({
            "tenantId": tenant, "sku": { "family": "A", "name": "standard" }, "vaultUri": uri, "accessPolicies": [],
            "enableSoftDelete": true, "softDeleteRetentionInDays": 90, "publicNetworkAccess": "Enabled",
            "provisioningState": self.provisioning_state,
        });
        if let Some(rbac) = &self.rbac {
            properties["enableRbacAuthorization"] = rbac.clone();
        }
        if self.purge_protection {
            properties["enablePurgeProtection"] = json!(true);
        }
        if let Some(acls) = &self.network {
            properties["networkAcls"] = acls.clone();
        }
        json!({
            "id": place.resource_id(&self.group, "Microsoft.KeyVault/vaults", &self.name), "name": self.name,
            "type": "Microsoft.KeyVault/vaults", "location": self.location, "tags": render_tags(&self.tags),
            "properties": properties,
        })
    }
}
