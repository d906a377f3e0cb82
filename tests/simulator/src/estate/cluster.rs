//! Clusters and cluster managers to be.
//! It fills in what a real cluster shows beside what a test cares for.

use serde_json::{Value, json};

use super::{Identities, Place, render_tags};
use crate::state::Azure;

/// A cluster manager to be, in `rg-nexus` in `eastus`, unless said otherwise.
#[derive(Clone, Debug)]
pub struct ManagerSpec {
    name: String,
    group: String,
    location: String,
    identities: Identities,
}

impl ManagerSpec {
    /// A cluster manager of this name, without an identity.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            group: "rg-nexus".to_owned(),
            location: "eastus".to_owned(),
            identities: Identities::default(),
        }
    }

    /// In this resource group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        group.clone_into(&mut self.group);
        self
    }

    /// With a system-assigned identity.
    #[must_use]
    pub fn system_identity(mut self) -> Self {
        self.identities.system = true;
        self
    }

    /// With a user-assigned identity: its id, or its name in the same resource group.
    #[must_use]
    pub fn identity(mut self, identity: &str) -> Self {
        self.identities.user.push(identity.to_owned());
        self
    }

    pub(crate) fn render(&self, azure: &mut Azure, place: &Place) -> Value {
        let id = place.resource_id(
            &self.group,
            "Microsoft.NetworkCloud/clusterManagers",
            &self.name,
        );
        let identity = self.identities.render(azure, place, &self.group, &id);
        let mut body = json!({
            "id": id, "name": self.name, "type": "Microsoft.NetworkCloud/clusterManagers", "location": self.location,
            "tags": {},
            "properties": {
                "provisioningState": "Succeeded", "detailedStatus": "Available", "fabricControllerId":
                place.resource_id(&self.group, "Microsoft.ManagedNetworkFabric/networkFabricControllers", "nfc"),
            },
        });
        if !identity.is_null() {
            body["identity"] = identity;
        }
        body
    }
}

/// A running cluster to be, in `rg-nexus` in `eastus`, bound to nothing, unless said otherwise.
#[derive(Clone, Debug)]
pub struct ClusterSpec {
    name: String,
    group: String,
    location: String,
    tags: Vec<(String, String)>,
    identities: Identities,
    manager: Option<String>,
    archive: Option<(String, bool)>,
    settings: Option<Value>,
    provisioning_state: String,
    detailed_status: String,
}

impl ClusterSpec {
    /// A cluster of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            group: "rg-nexus".to_owned(),
            location: "eastus".to_owned(),
            tags: Vec::new(),
            identities: Identities::default(),
            manager: None,
            archive: None,
            settings: None,
            provisioning_state: "Succeeded".to_owned(),
            detailed_status: "Running".to_owned(),
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

    /// With a system-assigned identity.
    #[must_use]
    pub fn system_identity(mut self) -> Self {
        self.identities.system = true;
        self
    }

    /// With a user-assigned identity: its id, or its name in the same resource group.
    #[must_use]
    pub fn identity(mut self, identity: &str) -> Self {
        self.identities.user.push(identity.to_owned());
        self
    }

    /// Managed by the cluster manager of this name.
    #[must_use]
    pub fn manager(mut self, manager: &str) -> Self {
        self.manager = Some(manager.to_owned());
        self
    }

    /// Bound in the old shape to this vault (name of one that exists, or id).
    #[must_use]
    pub fn archive(mut self, vault: &str) -> Self {
        self.archive = Some((vault.to_owned(), true));
        self
    }

    /// The same with the archive switched off.
    #[must_use]
    pub fn archive_off(mut self, vault: &str) -> Self {
        self.archive = Some((vault.to_owned(), false));
        self
    }

    /// With this `secretArchiveSettings`.
    #[must_use]
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = Some(settings);
        self
    }

    /// In this provisioning state.
    #[must_use]
    pub fn provisioning_state(mut self, state: &str) -> Self {
        state.clone_into(&mut self.provisioning_state);
        self
    }

    /// In this detailed status.
    #[must_use]
    pub fn detailed_status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.detailed_status);
        self
    }

    pub(crate) fn render(&self, azure: &mut Azure, place: &Place) -> Value {
        let id = place.resource_id(&self.group, "Microsoft.NetworkCloud/clusters", &self.name);
        let identity = self.identities.render(azure, place, &self.group, &id);
        let mut body = json!({
            "id": id, "name": self.name, "type": "Microsoft.NetworkCloud/clusters", "location": self.location,
            "tags": render_tags(&self.tags), "properties": self.properties(azure, place),
            "extendedLocation": custom_location(place, &self.group, "cluster-manager"),
        });
        if !identity.is_null() {
            body["identity"] = identity;
        }
        body
    }

    fn properties(&self, azure: &Azure, place: &Place) -> Value {
        let mut properties = json!({
            "clusterType": "SingleRack", "clusterVersion": "1.0.0", "detailedStatus": self.detailed_status,
            "provisioningState": self.provisioning_state, "clusterConnectionStatus": "Connected",
            "clusterExtendedLocation": custom_location(place, &self.group, &self.name),
            "managedResourceGroupConfiguration": { "name": format!("{}-managed", self.name), "location": self.location },
            "networkFabricId": place.resource_id(&self.group, "Microsoft.ManagedNetworkFabric/networkFabrics", "fabric"),
        });
        if let Some(manager) = &self.manager {
            let by_default = || {
                place.resource_id(
                    &self.group,
                    "Microsoft.NetworkCloud/clusterManagers",
                    manager,
                )
            };
            properties["clusterManagerId"] =
                json!(azure.manager_id(manager).unwrap_or_else(by_default));
        }
        if let Some((vault, on)) = &self.archive {
            let id = azure.vault_id(vault).unwrap_or_else(|| vault.clone());
            properties["secretArchive"] =
                json!({ "keyVaultId": id, "useKeyVault": if *on { "True" } else { "False" } });
        }
        if let Some(settings) = &self.settings {
            properties["secretArchiveSettings"] = settings.clone();
        }
        properties
    }
}

fn custom_location(place: &Place, group: &str, name: &str) -> Value {
    json!({ "type": "CustomLocation", "name": place.resource_id(group, "Microsoft.ExtendedLocation/customLocations", name) })
}
