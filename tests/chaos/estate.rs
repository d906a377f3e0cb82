//! The random land of a seed: a policy, clusters, vaults, who may write, what the subscription serves.
//!
//! It must not judge: what belongs where is `oracle`'s affair.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vaultbind_simulator::{
    ClusterSpec, Estate, ManagerSpec, SubscriptionSpec, VaultSpec, event_grid::Chance,
};

use crate::town::{EAST, Plan, Town, WEST};

pub(crate) const SITES: [&str; 3] = ["a", "b", "c"];
/// Each tier has a rule of its own, with its own word on rebinding.
pub(crate) const TIERS: [(&str, &str); 3] = [
    ("gold", "never"),
    ("silver", "when-orphaned"),
    ("bronze", "allow"),
];

/// Each tier's rule trusts a resource group of its own.
pub(crate) fn group_of(tier: &str) -> String {
    format!("rg-{tier}")
}
const MANAGER: &str = "cm-1";

/// Who writes, as the policy has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    Auto,
    PlatformApps,
    ClusterManager,
    Cluster,
}

impl Writer {
    fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::PlatformApps => "platform-apps",
            Self::ClusterManager => "cluster-manager",
            Self::Cluster => "cluster",
        }
    }
}

/// A cluster that came to be.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub spec: ClusterSpec,
    /// Has it a cluster manager?
    pub is_managed: bool,
    /// Did it show settings from the beginning? Then they count, whatever the policy's writer.
    has_settings: bool,
}

/// What a seed makes of the world.
#[derive(Debug)]
pub(crate) struct Land {
    pub writer: Writer,
    /// Does the manager have an identity of its own?
    pub manager_has_identity: bool,
    /// Does the subscription serve `secretArchiveSettings`?
    pub serves_settings: bool,
    registered: bool,
    clusters: BTreeMap<String, Made>,
    vaults: Vec<VaultSpec>,
    /// Who could ever be meant to write for a cluster.
    writers: BTreeSet<String>,
    count: usize,
}

impl Land {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let all = [
            Writer::Auto,
            Writer::Auto,
            Writer::PlatformApps,
            Writer::ClusterManager,
            Writer::Cluster,
        ];
        let writer = chance.pick(&all);
        let mut land = Self {
            writer,
            manager_has_identity: chance.happens(70),
            serves_settings: writer == Writer::Cluster || chance.happens(70),
            registered: chance.happens(70),
            clusters: BTreeMap::new(),
            vaults: Vec::new(),
            writers: BTreeSet::new(),
            count: 0,
        };
        for _ in 0..6 + chance.below(6) {
            let vault = land.draw_vault(chance);
            land.vaults.push(vault);
        }
        for _ in 0..2 + chance.below(4) {
            let (name, cluster) = land.draw_cluster(chance);
            land.clusters.insert(name, cluster);
        }
        land
    }

    fn number(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    /// A vault: mostly a fit one in the resource group of a tier. Its name says where it is.
    pub(crate) fn draw_vault(&mut self, chance: &mut Chance) -> VaultSpec {
        let number = self.number();
        let spec = if chance.happens(80) {
            let tier = tier_of(number);
            VaultSpec::new(&format!("kv-{number}")).group(&group_of(tier))
        } else {
            VaultSpec::new(&format!("out-{number}")).group("rg-elsewhere")
        };
        let spec = spec
            .tag("purpose", "nexus-credentials")
            .tag("site", chance.pick(&SITES));
        if chance.happens(12) {
            spec.rbac(Some(Value::from(false)))
        } else {
            spec
        }
    }

    /// A cluster of any kind, by its name.
    pub(crate) fn draw_cluster(&mut self, chance: &mut Chance) -> (String, Made) {
        let number = self.number();
        let kind = if chance.happens(12) { "exempt" } else { "c" };
        let name = format!("{kind}-{number}");
        let mut spec = ClusterSpec::new(&name);
        if chance.happens(90) {
            spec = spec.tag("site", chance.pick(&SITES));
        }
        if chance.happens(90) {
            spec = spec.tag("tier", chance.pick(&TIERS).0);
        }
        let is_managed = chance.happens(85);
        if is_managed {
            spec = spec.manager(MANAGER);
        }
        let identity = chance.pick(&["none", "system", "user"]);
        spec = match identity {
            "system" => spec.system_identity(),
            "user" => spec.identity("id-nexus"),
            _ => spec,
        };
        let status = chance.pick(&["PendingDeployment", "Running"]);
        spec = spec.detailed_status(status);
        if chance.happens(8) {
            spec = spec.provisioning_state("Failed");
        }
        let vault = format!("kv-{}", 1 + chance.below(9));
        let shown = chance.below(5);
        let has_settings = shown == 1 && self.serves_settings && identity != "none";
        spec = match shown {
            0 => spec.archive(&vault_id(&vault)),
            1 if has_settings => spec.settings(settings(&vault, identity)),
            2 => spec.archive_off(&vault_id(&vault)),
            _ => spec,
        };
        let made = Made {
            spec,
            is_managed,
            has_settings,
        };
        (name, made)
    }

    pub(crate) fn plan(&self) -> Plan {
        let manager = ManagerSpec::new(MANAGER);
        let manager = if self.manager_has_identity {
            manager.system_identity()
        } else {
            manager
        };
        let west = SubscriptionSpec::new(WEST);
        let west = if self.registered {
            west
        } else {
            west.unregistered()
        };
        let west = if self.serves_settings {
            west
        } else {
            west.api_versions(&["2023-10-01-preview", "2024-07-01"])
        };
        let mut estate = Estate::new()
            .platform_apps()
            .subscription(west)
            .manager(manager);
        for vault in &self.vaults {
            estate = estate.vault(vault.clone());
        }
        for cluster in self.clusters.values() {
            estate = estate.cluster(cluster.spec.clone());
        }
        let plan = Plan::new(estate.subscription(SubscriptionSpec::new(EAST)));
        Plan {
            policy: self.policy(),
            ..plan
        }
    }

    fn policy(&self) -> String {
        let writer = self.writer.word();
        let rules: String = TIERS
            .iter()
            .map(|(tier, rebind)| {
                format!(
                    "  - name: {tier}\n    clusters:\n      tags: {{ site: \"*\", tier: {tier} }}\n    vaults:\n      \
                     within: [\"/subscriptions/{WEST}/resourceGroups/{}\"]\n      \
                     tags: {{ purpose: nexus-credentials, site: \"${{cluster.tags.site}}\" }}\n    \
                     writer: {writer}\n    rebind: {rebind}\n",
                    group_of(tier)
                )
            })
            .collect();
        format!(
            "version: 1\nscope:\n  subscriptions: [\"{WEST}\"]\nrules:\n{rules}exemptions:\n  \
             - clusters: [\"**/clusters/exempt-*\"]\n    owner: chaos\n    reason: to be left alone\n    until: 9999-12-31\n"
        )
    }

    /// The names of all clusters that ever were.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.clusters.keys().map(String::as_str)
    }

    /// Notes a cluster that came to be.
    pub(crate) fn add(&mut self, town: &Town, name: String, made: Made) {
        self.clusters.insert(name, made);
        self.look_at(town);
    }

    /// Has the cluster's manager an identity that could write?
    pub(crate) fn manager_can_write(&self, cluster: &str) -> bool {
        self.manager_has_identity && self.clusters[cluster].is_managed
    }

    /// Notes who could be meant to write for the clusters that there are.
    pub(crate) fn look_at(&mut self, town: &Town) {
        let azure = town.simulator.world.azure();
        for (name, made) in &self.clusters {
            let falls_back = self.writer == Writer::Auto && !self.manager_can_write(name);
            if self.writer == Writer::PlatformApps || falls_back {
                self.writers.extend(azure.platform_principals());
            }
            if matches!(self.writer, Writer::ClusterManager | Writer::Auto) {
                self.writers.extend(azure.principals_of(MANAGER));
            }
            if made.has_settings || matches!(self.writer, Writer::Cluster | Writer::Auto) {
                self.writers.extend(azure.principals_of(name));
            }
        }
    }

    /// Could anybody be meant by this principal?
    pub(crate) fn may_write(&self, principal: &str) -> bool {
        self.writers.contains(principal)
    }

    /// The principals of the manager.
    pub(crate) fn manager_principals(town: &Town) -> Vec<String> {
        town.simulator.world.azure().principals_of(MANAGER)
    }
}

/// The tier in whose group the vault of this number lies, where it lies in one.
fn tier_of(number: usize) -> &'static str {
    TIERS[number % TIERS.len()].0
}

pub(crate) fn vault_id(name: &str) -> String {
    let number = name.trim_start_matches("kv-").parse().unwrap();
    let group = group_of(tier_of(number));
    format!(
        "/subscriptions/{WEST}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
    )
}

fn settings(vault: &str, identity: &str) -> Value {
    let associated = if identity == "system" {
        json!({ "identityType": "SystemAssignedIdentity" })
    } else {
        let group = format!("/subscriptions/{WEST}/resourceGroups/rg-nexus");
        let id =
            format!("{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-nexus");
        json!({ "identityType": "UserAssignedIdentity", "userAssignedIdentityResourceId": id })
    };
    json!({ "vaultUri": format!("https://{vault}.vault.azure.net/"), "associatedIdentity": associated })
}
