//! Changes of resources that somebody other than Vaultbind makes: tests, scenarios, people.
//! They take effect at once and raise the events that they would raise in Azure.

use serde_json::{Value, json};

use super::{Azure, Kind, VAULTS, is_type, key, timestamp};
use crate::estate::{ClusterSpec, ManagerSpec, Place, VaultSpec};

impl Azure {
    /// Creates or replaces a cluster in this subscription (id or name), and returns its id.
    pub fn put_cluster(&mut self, subscription: &str, spec: &ClusterSpec) -> String {
        let place = self.place(subscription);
        let body = spec.render(self, &place);
        self.put(body)
    }

    /// Creates or replaces a cluster manager in this subscription, and returns its id.
    pub fn put_manager(&mut self, subscription: &str, spec: &ManagerSpec) -> String {
        let place = self.place(subscription);
        let body = spec.render(self, &place);
        self.put(body)
    }

    /// Creates or replaces a vault in this subscription, and returns its id.
    pub fn put_vault(&mut self, subscription: &str, spec: &VaultSpec) -> String {
        let place = self.place(subscription);
        let body = spec.render(self, &place);
        let id = self.put(body);
        self.deleted_vaults.remove(&key(&id));
        id
    }

    /// A subscription that is unknown so far comes to be.
    fn place(&mut self, subscription: &str) -> Place {
        let known = self.subscription(subscription).map(|s| s.id.clone());
        Place {
            subscription: known.unwrap_or_else(|| self.add_subscription(subscription)),
        }
    }

    /// Creates or replaces a resource by its full body, and returns its id.
    pub fn put(&mut self, mut body: Value) -> String {
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        let resource_type = body["type"].as_str().unwrap_or_default().to_owned();
        let mut segments = id.split('/').skip(2);
        let (subscription, group) = (
            segments.next().unwrap_or_default(),
            segments.nth(1).unwrap_or_default(),
        );
        if let Some(known) = self.subscriptions.get_mut(&key(subscription)) {
            known.groups.insert(key(group));
        }
        let now = timestamp(self.clock.now());
        body["systemData"] =
            json!({ "createdAt": now, "lastModifiedAt": now, "lastModifiedByType": "User" });
        let replaced = self.resources.insert(key(&id), body).is_some();
        self.touch(&id);
        let kind = if replaced { Kind::Update } else { Kind::Create };
        self.raise_foreign(&id, &format!("{resource_type}/write"), kind);
        id
    }

    /// Deletes a resource for good, a vault with purging; nothing where there is none.
    pub fn delete(&mut self, id: &str) {
        self.operations
            .retain(|_, operation| key(&operation.cluster_id) != key(id));
        if let Some(body) = self.resources.remove(&key(id)) {
            let resource_type = body["type"].as_str().unwrap_or_default().to_owned();
            let id = body["id"].as_str().unwrap_or_default().to_owned();
            self.assignments
                .retain(|_, assignment| !super::within(&assignment.scope, &id));
            self.raise_foreign(&id, &format!("{resource_type}/delete"), Kind::Delete);
        }
    }

    /// Deletes a vault so that it can still be recovered; nothing where there is none.
    pub fn soft_delete_vault(&mut self, id: &str) {
        let Some(vault) = self
            .resource(id)
            .filter(|body| is_type(body, VAULTS))
            .cloned()
        else {
            return;
        };
        let (name, location) = (
            vault["name"].as_str().unwrap_or_default(),
            vault["location"].as_str().unwrap_or_default(),
        );
        let vault_id = vault["id"].as_str().unwrap_or_default();
        let subscription = vault_id.split('/').nth(2).unwrap_or_default();
        let now = self.clock.now();
        let deleted = json!({
            "id": format!("/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}"),
            "name": name, "type": "Microsoft.KeyVault/deletedVaults",
            "properties": {
                "vaultId": vault_id, "location": location, "tags": vault["tags"], "deletionDate": timestamp(now),
                "scheduledPurgeDate": timestamp(now + time::Duration::days(90)),
                "purgeProtectionEnabled": vault["properties"]["enablePurgeProtection"],
            },
        });
        self.deleted_vaults.insert(key(id), deleted);
        self.delete(id);
    }

    /// Moves a vault to another resource group of its subscription: it has another id, and the roles on it are gone. What is
    /// told of a move is an action on the groups, which nobody here subscribes to.
    pub fn move_vault(&mut self, id: &str, group: &str) {
        let vault = self.resource(id).filter(|body| is_type(body, VAULTS));
        let Some(mut vault) = vault.cloned() else {
            return;
        };
        let mut segments: Vec<&str> = id.split('/').collect();
        segments[4] = group;
        vault["id"] = json!(segments.join("/"));
        let emits = std::mem::replace(&mut self.behaviour.emit_events, false);
        self.delete(id);
        self.put(vault);
        self.behaviour.emit_events = emits;
    }

    /// Sets or removes one tag, as the tags API does.
    pub fn set_tag(&mut self, id: &str, name: &str, value: Option<&str>) {
        let Some(body) = self.resource_mut(id) else {
            return;
        };
        if !body["tags"].is_object() {
            body["tags"] = json!({});
        }
        if let Some(tags) = body["tags"].as_object_mut() {
            tags.retain(|known, _| !known.eq_ignore_ascii_case(name));
            if let Some(value) = value {
                tags.insert(name.to_owned(), json!(value));
            }
        }
        self.changed(id, "Microsoft.Resources/tags/write");
    }

    /// Sets a member of a resource's `properties`, such as `provisioningState`; null removes it.
    pub fn set_property(&mut self, id: &str, name: &str, value: Value) {
        let Some(body) = self.resource_mut(id) else {
            return;
        };
        let resource_type = body["type"].as_str().unwrap_or_default().to_owned();
        if let Some(properties) = body["properties"].as_object_mut() {
            if value.is_null() {
                properties.remove(name);
            } else {
                properties.insert(name.to_owned(), value);
            }
        }
        self.changed(id, &format!("{resource_type}/write"));
    }

    /// Sets what a cluster says about the state of its last change.
    pub fn set_provisioning_state(&mut self, id: &str, state: &str) {
        self.set_property(id, "provisioningState", json!(state));
    }

    /// Lets a member of a resource's `properties` change once it was read so many times; no event tells of it.
    pub fn set_property_after_reads(&mut self, id: &str, name: &str, value: Value, reads: u32) {
        self.delayed_changes
            .insert(key(id), (reads, Some((name.to_owned(), value))));
    }

    /// Lets a deleted resource be shown so many times more; no event tells of it.
    pub fn delete_after_reads(&mut self, id: &str, reads: u32) {
        self.delayed_changes.insert(key(id), (reads, None));
    }

    /// A resource was read, which brings it nearer to the change that it awaits.
    pub(crate) fn was_read(&mut self, id: &str) {
        let Some((left, change)) = self.delayed_changes.get_mut(&key(id)) else {
            return;
        };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return;
        }
        let change = change.take();
        self.delayed_changes.remove(&key(id));
        let Some((name, value)) = change else {
            self.resources.remove(&key(id));
            return;
        };
        if let Some(body) = self.resource_mut(id) {
            body["properties"][name] = value;
        }
        self.touch(id);
    }

    /// Sets what a cluster says it is doing.
    pub fn set_detailed_status(&mut self, id: &str, status: &str) {
        self.set_property(id, "detailedStatus", json!(status));
    }

    fn changed(&mut self, id: &str, operation: &str) {
        self.touch(id);
        let subject = self
            .resource(id)
            .and_then(|body| body["id"].as_str())
            .unwrap_or(id)
            .to_owned();
        self.raise_foreign(&subject, operation, Kind::Update);
    }
}
