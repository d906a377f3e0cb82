//! What exists when a world begins, written down in few words.
//! It makes no change later on; that is the state's own affair.

mod cluster;
mod vault;

use serde_json::{Map, Value, json};

pub use cluster::{ClusterSpec, ManagerSpec};
pub use vault::VaultSpec;

use crate::state::{Azure, Registration, WRITER_ROLE, identity_principals};

/// Where a resource is put.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) subscription: String,
}

impl Place {
    fn resource_id(&self, group: &str, provider_type: &str, name: &str) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{group}/providers/{provider_type}/{name}",
            self.subscription
        )
    }

    /// A user-assigned identity is given by its id, or by its name in the resource group.
    fn identity_id(&self, group: &str, identity: &str) -> String {
        if identity.starts_with('/') {
            return identity.to_owned();
        }
        self.resource_id(
            group,
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            identity,
        )
    }
}

/// A subscription to be.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionSpec {
    name: String,
    unregistered: bool,
    api_versions: Option<Vec<String>>,
    tenant: Option<String>,
}

impl SubscriptionSpec {
    /// A subscription of this name, or with this id.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Microsoft.NetworkCloud is not registered in it.
    #[must_use]
    pub fn unregistered(mut self) -> Self {
        self.unregistered = true;
        self
    }

    /// It serves only these api-versions of clusters.
    #[must_use]
    pub fn api_versions(mut self, versions: &[&str]) -> Self {
        self.api_versions = Some(
            versions
                .iter()
                .map(|version| (*version).to_owned())
                .collect(),
        );
        self
    }

    /// It belongs to another tenant.
    #[must_use]
    pub fn tenant(mut self, tenant_id: &str) -> Self {
        self.tenant = Some(tenant_id.to_owned());
        self
    }
}

impl From<&str> for SubscriptionSpec {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

#[derive(Clone, Debug)]
enum Item {
    Subscription(SubscriptionSpec),
    Cluster(Box<ClusterSpec>),
    Manager(ManagerSpec),
    Vault(Box<VaultSpec>),
    PlatformApps,
    GrantPlatformApps(String),
    Grant(String, String),
}

/// Everything that exists when a world begins; resources go into the subscription named last.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    items: Vec<Item>,
}

impl Estate {
    /// Nothing exists.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    /// Adds a subscription; what follows goes into it.
    #[must_use]
    pub fn subscription(self, spec: impl Into<SubscriptionSpec>) -> Self {
        self.with(Item::Subscription(spec.into()))
    }

    /// Adds a cluster.
    #[must_use]
    pub fn cluster(self, spec: ClusterSpec) -> Self {
        self.with(Item::Cluster(Box::new(spec)))
    }

    /// Adds a cluster manager.
    #[must_use]
    pub fn manager(self, spec: ManagerSpec) -> Self {
        self.with(Item::Manager(spec))
    }

    /// Adds a vault.
    #[must_use]
    pub fn vault(self, spec: VaultSpec) -> Self {
        self.with(Item::Vault(Box::new(spec)))
    }

    /// Adds the platform's two service principals.
    #[must_use]
    pub fn platform_apps(self) -> Self {
        self.with(Item::PlatformApps)
    }

    /// Gives the platform's service principals the writer's role on a vault (name or id) or another scope (id).
    #[must_use]
    pub fn grant_platform_apps(self, scope: &str) -> Self {
        self.with(Item::GrantPlatformApps(scope.to_owned()))
    }

    /// Gives a principal (object id, or the name of the cluster or manager whose identities are meant) the writer's role.
    #[must_use]
    pub fn grant(self, principal: &str, scope: &str) -> Self {
        self.with(Item::Grant(principal.to_owned(), scope.to_owned()))
    }

    /// Brings all of it about, without events: it has always been so.
    pub(crate) fn build(self, azure: &mut Azure) {
        let emit = std::mem::replace(&mut azure.behaviour.emit_events, false);
        let mut subscription = "sim".to_owned();
        for item in self.items {
            build(item, azure, &mut subscription);
        }
        azure.behaviour.emit_events = emit;
    }
}

fn build(item: Item, azure: &mut Azure, subscription: &mut String) {
    match item {
        Item::Subscription(spec) => {
            *subscription = azure.add_subscription(&spec.name);
            if let Some(added) = azure.subscription_mut(subscription) {
                if spec.unregistered {
                    added.registration = Registration::NotRegistered;
                }
                added.cluster_api_versions = spec
                    .api_versions
                    .unwrap_or_else(|| added.cluster_api_versions.clone());
                added.tenant_id = spec.tenant.unwrap_or_else(|| added.tenant_id.clone());
            }
        }
        Item::Cluster(spec) => drop(azure.put_cluster(subscription, &spec)),
        Item::Manager(spec) => drop(azure.put_manager(subscription, &spec)),
        Item::Vault(spec) => drop(azure.put_vault(subscription, &spec)),
        Item::PlatformApps => azure.add_platform_apps(),
        Item::GrantPlatformApps(scope) => {
            for principal in azure.platform_principals() {
                grant(azure, &principal, &scope);
            }
        }
        Item::Grant(principal, scope) => {
            for principal in azure.principals_of(&principal) {
                grant(azure, &principal, &scope);
            }
        }
    }
}

fn grant(azure: &mut Azure, principal: &str, scope: &str) {
    let scope = azure.vault_id(scope).unwrap_or_else(|| scope.to_owned());
    azure.grant(principal, WRITER_ROLE, &scope);
}

impl Azure {
    /// The object ids of the identities of a cluster or manager of this name; anything else is an object id itself.
    #[must_use]
    pub fn principals_of(&self, name: &str) -> Vec<String> {
        match self.cluster_id(name).or_else(|| self.manager_id(name)) {
            Some(id) => self
                .resource(&id)
                .map(identity_principals)
                .unwrap_or_default(),
            None => vec![name.to_owned()],
        }
    }
}

/// The identities of a resource to be.
#[derive(Clone, Debug, Default)]
struct Identities {
    system: bool,
    user: Vec<String>,
}

impl Identities {
    /// The `identity` of the resource; each one is a service principal of the directory.
    fn render(&self, azure: &mut Azure, place: &Place, group: &str, resource_id: &str) -> Value {
        let mut user = Map::new();
        for identity in &self.user {
            let id = place.identity_id(group, identity);
            let client_id = azure.make_id(&format!("client/{id}"));
            let name = id.rsplit('/').next().unwrap_or_default().to_owned();
            let principal_id = azure.add_service_principal(&name, &client_id);
            user.insert(
                id,
                json!({ "clientId": client_id, "principalId": principal_id }),
            );
        }
        let kind = match (self.system, user.is_empty()) {
            (false, true) => return Value::Null,
            (true, true) => "SystemAssigned",
            (false, false) => "UserAssigned",
            (true, false) => "SystemAssigned,UserAssigned",
        };
        let mut identity = json!({ "type": kind });
        if self.system {
            let client_id = azure.make_id(&format!("client/{resource_id}"));
            let name = resource_id
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            identity["principalId"] = json!(azure.add_service_principal(&name, &client_id));
            identity["tenantId"] = json!(azure.tenant_id());
        }
        if !user.is_empty() {
            identity["userAssignedIdentities"] = Value::Object(user);
        }
        identity
    }
}

fn render_tags(tags: &[(String, String)]) -> Value {
    tags.iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect::<Map<_, _>>()
        .into()
}
