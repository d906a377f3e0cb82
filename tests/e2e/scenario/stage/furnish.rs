//! Commands that put resources there, change them, take them away.
//!
//! It must not judge: what follows from a change is the town's affair.

use serde_json::{Value, json};
use vaultbind_simulator::{ClusterSpec, ManagerSpec, VaultSpec};

use super::Stage;
use crate::{
    scenario::script::Command,
    town::{EAST, WEST},
};

const KNOWN: [&str; 12] = [
    "in", "location", "rbac", "state", "status", "tenant", "uri", "purge", "identity", "manager",
    "archive", "settings",
];

/// Subscription and resource group of `in=west/rg-x`.
fn place<'a>(command: &'a Command, group: &'a str) -> (&'static str, &'a str) {
    let text = command.option("in").unwrap_or("west");
    let (subscription, group) = text.split_once('/').unwrap_or((text, group));
    match subscription {
        "west" => (WEST, group),
        "east" => (EAST, group),
        other => panic!("there is no subscription `{other}`"),
    }
}

fn vault(command: &Command) -> VaultSpec {
    let (_, group) = place(command, "rg-secrets");
    let mut spec = VaultSpec::new(command.word(1)).group(group);
    if command.option("purpose").is_none() {
        spec = spec.tag("purpose", "nexus-credentials");
    }
    for (name, value) in command.others(&KNOWN) {
        spec = spec.tag(name, value);
    }
    if let Some(location) = command.option("location") {
        spec = spec.location(location);
    }
    if let Some(rbac) = command.option("rbac") {
        spec = spec.rbac(match rbac {
            "absent" => None,
            "null" => Some(Value::Null),
            other => Some(json!(other == "true")),
        });
    }
    if let Some(state) = command.option("state") {
        spec = spec.provisioning_state(state);
    }
    if let Some(tenant) = command.option("tenant") {
        spec = spec.tenant(tenant);
    }
    if let Some(uri) = command.option("uri") {
        spec = spec.vault_uri(uri);
    }
    if command.has("purge-protection") {
        spec.purge_protection()
    } else {
        spec
    }
}

fn cluster(stage: &Stage, command: &Command) -> ClusterSpec {
    let (_, group) = place(command, "rg-nexus");
    let mut spec = ClusterSpec::new(command.word(1)).group(group);
    for (name, value) in command.others(&KNOWN) {
        spec = spec.tag(name, value);
    }
    if let Some(location) = command.option("location") {
        spec = spec.location(location);
    }
    for identity in command
        .option("identity")
        .into_iter()
        .flat_map(|it| it.split(','))
    {
        spec = if identity == "system" {
            spec.system_identity()
        } else {
            spec.identity(identity)
        };
    }
    if let Some(manager) = command.option("manager") {
        spec = spec.manager(manager);
    }
    match command
        .option("archive")
        .map(|it| it.split_once(':').unwrap_or(("on", it)))
    {
        Some(("off", vault)) => spec = spec.archive_off(&stage.id(vault)),
        Some((_, vault)) => spec = spec.archive(&stage.id(vault)),
        None => {}
    }
    if let Some(settings) = command.option("settings") {
        spec = spec.settings(self::settings(stage, command.word(1), settings));
    }
    if let Some(state) = command.option("state") {
        spec = spec.provisioning_state(state);
    }
    if let Some(status) = command.option("status") {
        spec = spec.detailed_status(status);
    }
    spec
}

/// `settings=kv-a:system`, `settings=kv-a:id-nexus`, `settings=none`, `settings=CyberArk`.
fn settings(stage: &Stage, _cluster: &str, text: &str) -> Value {
    let Some((vault, identity)) = text.split_once(':') else {
        return if text == "none" {
            json!({})
        } else {
            json!({ "providerConfiguration": { "provider": text } })
        };
    };
    let identity = if identity == "system" {
        json!({ "identityType": "SystemAssignedIdentity" })
    } else {
        let group = stage
            .id("any")
            .rsplit_once("/providers/")
            .map(|it| it.0.to_owned())
            .unwrap_or_default();
        let id = format!(
            "{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}"
        );
        json!({ "identityType": "UserAssignedIdentity", "userAssignedIdentityResourceId": id })
    };
    json!({ "vaultUri": format!("https://{vault}.vault.azure.net/"), "associatedIdentity": identity })
}

fn manager(command: &Command) -> ManagerSpec {
    let (_, group) = place(command, "rg-nexus");
    let mut spec = ManagerSpec::new(command.word(1)).group(group);
    for identity in command
        .option("identity")
        .into_iter()
        .flat_map(|it| it.split(','))
    {
        spec = if identity == "system" {
            spec.system_identity()
        } else {
            spec.identity(identity)
        };
    }
    spec
}

impl Stage {
    /// Is it a command that furnishes? Then it is carried out.
    pub(super) fn furnish(&self, command: &Command) -> bool {
        match command.word(0) {
            "vault" => drop(self.azure(|it| it.put_vault(place(command, "").0, &vault(command)))),
            "cluster" => {
                let spec = cluster(self, command);
                drop(self.azure(|it| it.put_cluster(place(command, "").0, &spec)));
            }
            "manager" => {
                drop(self.azure(|it| it.put_manager(place(command, "").0, &manager(command))))
            }
            "tag" => {
                let id = self.id(command.word(1));
                for (name, value) in command.others(&[]) {
                    self.azure(|it| it.set_tag(&id, name, Some(value).filter(|it| !it.is_empty())));
                }
            }
            "set" if command.option("after").is_some() => self.set_after_reads(command),
            "set" => {
                let id = self.id(command.word(1));
                for (name, value) in command.others(&[]) {
                    self.azure(|it| it.set_property(&id, name, json!(value)));
                }
            }
            "grant" => self.grant(command.word(1), command.option("on").unwrap()),
            "revoke" => self.revoke(command.word(1), command.option("on").unwrap()),
            "condition" => self.condition(command.word(1), command.option("on").unwrap()),
            "delete" if command.option("after").is_some() => {
                let reads = command.option("after").unwrap().parse().unwrap();
                let id = self.id(command.word(1));
                self.azure(|it| it.delete_after_reads(&id, reads));
            }
            "delete" => {
                let id = self.id(command.word(1));
                let is_vault = id.contains("/vaults/");
                self.azure(|it| {
                    if is_vault {
                        it.soft_delete_vault(&id)
                    } else {
                        it.delete(&id)
                    }
                });
            }
            "move" => {
                let (id, group) = (self.id(command.word(1)), command.word(2));
                self.azure(|it| it.move_vault(&id, group));
            }
            "remove-group" => {
                let group = command.word(1);
                self.azure(|it| it.remove_resource_group(WEST, group));
            }
            "purge" => {
                let id = self.id(command.word(1));
                self.azure(|it| it.delete(&id));
            }
            _ => return false,
        }
        true
    }

    /// `set c1 provisioningState=Succeeded after=3`, `set c1 archive=kv-b after=1`: once it was read so many times,
    /// without an event.
    fn set_after_reads(&self, command: &Command) {
        let id = self.id(command.word(1));
        let reads = command.option("after").unwrap().parse().unwrap();
        let (name, value) = match command.option("archive") {
            Some(vault) => (
                "secretArchive",
                json!({ "keyVaultId": self.id(vault), "useKeyVault": "True" }),
            ),
            None => (
                "provisioningState",
                json!(command.option("provisioningState").unwrap()),
            ),
        };
        self.azure(|it| it.set_property_after_reads(&id, name, value, reads));
    }

    fn principals(&self, name: &str) -> Vec<String> {
        self.azure(|it| {
            if name == "platform" {
                it.platform_principals()
            } else {
                it.principals_of(name)
            }
        })
    }

    fn grant(&self, who: &str, vault: &str) {
        let id = self.id(vault);
        for principal in self.principals(who) {
            self.azure(|it| it.grant(&principal, vaultbind_simulator::state::WRITER_ROLE, &id));
        }
    }

    fn condition(&self, who: &str, vault: &str) {
        for assignment in self.held(who, vault) {
            self.azure(|it| it.set_condition(&assignment, "@Resource[x] StringEquals 'y'"));
        }
    }

    fn revoke(&self, who: &str, vault: &str) {
        for assignment in self.held(who, vault) {
            self.azure(|it| it.remove_assignment(&assignment));
        }
    }

    /// The assignments of the role on a vault that these principals hold.
    fn held(&self, who: &str, vault: &str) -> Vec<String> {
        let (id, principals) = (self.id(vault), self.principals(who));
        self.azure(|it| {
            let on = it
                .role_assignments()
                .filter(|it| it.scope.eq_ignore_ascii_case(&id));
            on.filter(|it| principals.contains(&it.principal_id))
                .map(|it| it.id.clone())
                .collect()
        })
    }
}
