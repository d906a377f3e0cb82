//! Small builders of clusters and vaults for the unit tests of this package.
//!
//! It must not be reachable outside tests.

use crate::{
    id::{ClusterId, VaultId},
    resource::{Cluster, Identities, ProvisioningState, Vault},
};

pub(crate) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

/// A policy of one rule: the vault of the cluster's site.
pub(crate) const BY_SITE: &str = "version: 1
rules:
  - name: by-site
    clusters: { tags: { site: '*' } }
    vaults:
      within: [/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-secrets]
      tags: { site: '${cluster.tags.site}' }
";

pub(crate) fn cluster_id(name: &str) -> ClusterId {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sites/providers/Microsoft.NetworkCloud/clusters/{name}"
    )
    .parse()
    .unwrap()
}

pub(crate) fn vault_id(name: &str) -> VaultId {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-secrets/providers/Microsoft.KeyVault/vaults/{name}"
    )
    .parse()
    .unwrap()
}

pub(crate) fn cluster(name: &str, tags: &[(&str, &str)]) -> Cluster {
    Cluster {
        id: cluster_id(name),
        location: "eastus".to_owned(),
        tags: tags.iter().copied().collect(),
        etag: None,
        modified_at: None,
        provisioning_state: ProvisioningState::Succeeded,
        detailed_status: Some("PendingDeployment".to_owned()),
        identities: Identities::default(),
        manager: None,
        archive: None,
        settings: None,
    }
}

pub(crate) fn vault(name: &str, tags: &[(&str, &str)]) -> Vault {
    Vault {
        modified_at: None,
        id: vault_id(name),
        location: "eastus".to_owned(),
        tags: tags.iter().copied().collect(),
        tenant: TENANT.to_owned(),
        uri: format!("https://{name}.vault.azure.net/"),
        rbac: true,
        purge_protection: true,
        provisioning_state: "Succeeded".to_owned(),
    }
}
