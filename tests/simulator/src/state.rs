//! What there is in the simulated Azure: subscriptions, resources, principals, role assignments, operations.
//! It speaks no HTTP; the services ask it, and tests and scenarios change it.

pub mod behaviour;
mod change;
pub mod condition;
mod directory;
mod event;
pub mod index;
mod operation;
mod platform_check;
pub mod quota;
mod rights;
mod roles;
mod subscription;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::Config;
use crate::clock::Clock;
use behaviour::Denial;
pub use behaviour::{
    Behaviour, Ending, OperationStyle, PatchMode, RepeatedPut, RolePropagation, Unserved,
};
use directory::Directory;
pub use directory::{PLATFORM_APPS, PrincipalKind, ServicePrincipal};
pub(crate) use event::{Change, Kind};
use index::Index;
pub(crate) use operation::{Operation, Touched, associated_principal, identity_principals};
use quota::Quotas;
pub use rights::Right;
use rights::Rights;
pub use roles::{Assignment, WRITER_ROLE};
pub(crate) use roles::{Request as AssignmentRequest, is_guid, within};
pub use subscription::{CLUSTER_API_VERSIONS, Registration, Subscription};

/// The resource type of clusters, in lower case.
pub const CLUSTERS: &str = "microsoft.networkcloud/clusters";
/// The resource type of cluster managers, in lower case.
pub const CLUSTER_MANAGERS: &str = "microsoft.networkcloud/clustermanagers";
/// The resource type of vaults, in lower case.
pub const VAULTS: &str = "microsoft.keyvault/vaults";

/// All that there is.
#[derive(Debug)]
pub struct Azure {
    /// How the services behave.
    pub behaviour: Behaviour,
    /// What Resource Graph knows, as far as it differs from what there is.
    pub resource_graph: Index,
    /// What is left of what callers may ask for.
    pub quotas: Quotas,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    events: broadcast::Sender<Value>,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    resources: BTreeMap<String, Value>,
    deleted_vaults: BTreeMap<String, Value>,
    pub(crate) directory: Directory,
    assignments: BTreeMap<String, Assignment>,
    operations: BTreeMap<String, Operation>,
    patch_modes: BTreeMap<String, (PatchMode, Ending)>,
    endings: BTreeMap<String, (Ending, usize)>,
    delayed_reads: BTreeMap<String, u32>,
    delayed_changes: BTreeMap<String, (u32, Option<(String, Value)>)>,
    denials: Vec<Denial>,
    rights: Rights,
    count: u64,
}

impl Azure {
    /// An empty tenant.
    pub(crate) fn new(config: Config, clock: Clock, events: broadcast::Sender<Value>) -> Self {
        Self {
            behaviour: Behaviour {
                emit_events: config.emit_events,
                ..Behaviour::default()
            },
            resource_graph: Index::default(),
            quotas: Quotas::default(),
            directory: Directory::default(),
            config,
            clock,
            events,
            subscriptions: BTreeMap::new(),
            resources: BTreeMap::new(),
            deleted_vaults: BTreeMap::new(),
            assignments: BTreeMap::new(),
            operations: BTreeMap::new(),
            patch_modes: BTreeMap::new(),
            endings: BTreeMap::new(),
            delayed_reads: BTreeMap::new(),
            delayed_changes: BTreeMap::new(),
            denials: Vec::new(),
            rights: Rights::default(),
            count: 0,
        }
    }

    /// The tenant's id.
    #[must_use]
    pub fn tenant_id(&self) -> &str {
        &self.config.tenant_id
    }

    /// An id for something that has a name; the same seed and name give the same id.
    #[must_use]
    pub fn make_id(&self, name: &str) -> String {
        let name = format!("{}/{}", self.config.seed, name.to_ascii_lowercase());
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    /// An id for something that has no name.
    pub(crate) fn next_id(&mut self, kind: &str) -> String {
        self.count += 1;
        self.make_id(&format!("{kind}#{}", self.count))
    }

    /// A resource in full, as the newest api-version shows it; ids are case-insensitive.
    #[must_use]
    pub fn resource(&self, id: &str) -> Option<&Value> {
        self.resources.get(&key(id))
    }

    /// All resources of a type, ordered by id.
    pub fn resources_of(&self, resource_type: &str) -> impl Iterator<Item = &Value> {
        self.resources
            .values()
            .filter(move |body| is_type(body, resource_type))
    }

    /// Every resource there is, ordered by id.
    pub(crate) fn all_resources(&self) -> impl Iterator<Item = &Value> {
        self.resources.values()
    }

    pub(crate) fn resource_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.resources.get_mut(&key(id))
    }

    /// The id of the resource of this type and name; the first where there are several.
    fn id_of(&self, resource_type: &str, name: &str) -> Option<String> {
        let named = |body: &&Value| {
            body["name"]
                .as_str()
                .is_some_and(|n| n.eq_ignore_ascii_case(name))
        };
        self.resources_of(resource_type)
            .find(named)
            .and_then(|body| body["id"].as_str())
            .map(str::to_owned)
    }

    /// The id of a cluster, by name.
    #[must_use]
    pub fn cluster_id(&self, name: &str) -> Option<String> {
        self.id_of(CLUSTERS, name)
    }

    /// The id of a vault, by name.
    #[must_use]
    pub fn vault_id(&self, name: &str) -> Option<String> {
        self.id_of(VAULTS, name)
    }

    /// The id of a cluster manager, by name.
    #[must_use]
    pub fn manager_id(&self, name: &str) -> Option<String> {
        self.id_of(CLUSTER_MANAGERS, name)
    }

    /// The vault at this address.
    #[must_use]
    pub fn vault_at(&self, uri: &str) -> Option<&Value> {
        let host = host_of(uri)?;
        self.resources_of(VAULTS).find(|vault| {
            vault["properties"]["vaultUri"]
                .as_str()
                .and_then(host_of)
                .as_ref()
                == Some(&host)
        })
    }

    /// The deleted vaults that can still be recovered, in the form of ARM.
    pub fn deleted_vaults(&self) -> impl Iterator<Item = &Value> {
        self.deleted_vaults.values()
    }

    /// The object ids of the platform's service principals, as far as they exist.
    #[must_use]
    pub fn platform_principals(&self) -> Vec<String> {
        let by_app = |app: &&str| {
            self.directory
                .by_app_id(app)
                .map(|principal| principal.object_id.clone())
        };
        PLATFORM_APPS
            .iter()
            .filter_map(|(app, _)| by_app(app))
            .collect()
    }

    /// Takes a right away from Vaultbind's identity.
    pub fn deny(&mut self, action: &str, scope_prefix: &str) {
        self.denials.push(Denial {
            action: action.to_owned(),
            scope_prefix: scope_prefix.to_owned(),
        });
    }

    /// Gives all rights back.
    pub fn allow_all(&mut self) {
        self.denials.clear();
    }

    pub(crate) fn is_denied(&self, action: &str, scope: &str) -> bool {
        self.denials
            .iter()
            .any(|denial| denial.covers(action, scope))
    }

    /// Lets the next `times` reads of a resource not find it yet.
    pub fn delay_reads(&mut self, id: &str, times: u32) {
        self.delayed_reads.insert(key(id), times);
    }

    /// Whether a read of this resource comes too early; it counts.
    pub(crate) fn reads_too_early(&mut self, id: &str) -> bool {
        match self.delayed_reads.get_mut(&key(id)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Whether a resource group is known: there is or was something in it.
    pub(crate) fn has_group(&self, subscription: &str, group: &str) -> bool {
        let known = self.subscriptions.get(&key(subscription));
        known.is_some_and(|known| known.groups.contains(&key(group)))
    }

    /// Notes that a resource was written to, by its time and, for a cluster, a new etag.
    pub(crate) fn touch(&mut self, id: &str) {
        let etag = self.next_id("etag");
        let now = timestamp(self.clock.now());
        if let Some(body) = self.resource_mut(id) {
            if is_type(body, CLUSTERS) {
                body["etag"] = json!(format!("\"{etag}\""));
            }
            body["systemData"]["lastModifiedAt"] = json!(now);
        }
    }
}

/// The form in which ids are compared.
pub(crate) fn key(id: &str) -> String {
    id.trim_end_matches('/').to_ascii_lowercase()
}

pub(crate) fn is_type(body: &Value, resource_type: &str) -> bool {
    body["type"]
        .as_str()
        .is_some_and(|t| t.eq_ignore_ascii_case(resource_type))
}

pub(crate) fn timestamp(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// The host of an address, in lower case.
pub(crate) fn host_of(uri: &str) -> Option<String> {
    uri.parse::<url::Url>()
        .ok()?
        .host_str()
        .map(str::to_ascii_lowercase)
}

/// A number that a text always gives, for what shall vary from one resource to the next.
pub(crate) fn parity(text: &str) -> bool {
    Sha256::digest(text.as_bytes())
        .first()
        .is_some_and(|byte| byte % 2 == 1)
}
