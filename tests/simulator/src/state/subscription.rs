//! Subscriptions and the registration of the Nexus resource provider in them.
//! It holds no resources.

use std::collections::BTreeSet;

use super::{Azure, key};

/// The api-versions of clusters that the simulator can serve, in the order of their publication.
pub const CLUSTER_API_VERSIONS: [&str; 13] = [
    "2023-07-01",
    "2023-10-01-preview",
    "2024-06-01-preview",
    "2024-07-01",
    "2024-10-01-preview",
    "2025-02-01",
    "2025-07-01-preview",
    "2025-09-01",
    "2026-01-01-preview",
    "2026-05-01-preview",
    "2026-07-01",
    "2026-08-01-preview",
    "2026-10-01",
];

/// Whether the Nexus resource provider is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Nobody asked for it.
    NotRegistered,
    /// It is under way for so many more looks.
    Registering(u32),
    /// It is.
    Registered,
}

impl Registration {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotRegistered => "NotRegistered",
            Self::Registering(_) => "Registering",
            Self::Registered => "Registered",
        }
    }
}

/// A subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its tenant.
    pub tenant_id: String,
    /// Whether Microsoft.NetworkCloud is registered.
    pub registration: Registration,
    /// The api-versions of clusters that are served, in the order of their publication.
    pub cluster_api_versions: Vec<String>,
    /// Whether the caller sees it: else it is answered for as if it were not there.
    pub is_visible: bool,
    /// The resource groups there are, in lower case.
    pub(crate) groups: BTreeSet<String>,
}

impl Azure {
    /// Adds a subscription, and returns its id: the name itself where that is one, else one made from it.
    pub fn add_subscription(&mut self, name: &str) -> String {
        let given = uuid::Uuid::parse_str(name).is_ok();
        let id = if given {
            name.to_owned()
        } else {
            self.make_id(&format!("subscription/{name}"))
        };
        let subscription = Subscription {
            id: id.clone(),
            name: name.to_owned(),
            tenant_id: self.tenant_id().to_owned(),
            registration: Registration::Registered,
            cluster_api_versions: CLUSTER_API_VERSIONS
                .iter()
                .map(|v| (*v).to_owned())
                .collect(),
            is_visible: true,
            groups: BTreeSet::new(),
        };
        self.subscriptions.insert(key(&id), subscription);
        id
    }

    /// Adds an empty resource group, given as a path, where its subscription is there.
    pub fn add_resource_group(&mut self, path: &str) {
        let mut segments = path.split('/').skip(2);
        let (subscription, group) = (segments.next(), segments.nth(1));
        let (Some(subscription), Some(group)) = (subscription, group) else {
            return;
        };
        if let Some(known) = self.subscriptions.get_mut(&key(subscription)) {
            known.groups.insert(key(group));
        }
    }

    /// Takes an empty resource group away.
    pub fn remove_resource_group(&mut self, subscription: &str, group: &str) {
        if let Some(known) = self.subscription_mut(subscription) {
            known.groups.remove(&key(group));
        }
    }

    /// A subscription, by id or name.
    #[must_use]
    pub fn subscription(&self, id_or_name: &str) -> Option<&Subscription> {
        let named = || {
            self.subscriptions
                .values()
                .find(|s| s.name.eq_ignore_ascii_case(id_or_name))
        };
        self.subscriptions.get(&key(id_or_name)).or_else(named)
    }

    /// The same, to change.
    pub fn subscription_mut(&mut self, id_or_name: &str) -> Option<&mut Subscription> {
        let id = self.subscription(id_or_name)?.id.clone();
        self.subscriptions.get_mut(&key(&id))
    }

    /// Begins a registration, as the POST does.
    pub(crate) fn register(&mut self, subscription: &str) {
        let looks = self.behaviour.registering_for;
        if let Some(known) = self.subscription_mut(subscription)
            && known.registration == Registration::NotRegistered
        {
            known.registration = Registration::Registering(looks);
        }
    }

    /// Counts a look at the registration; the one that ends it creates the platform's service principals.
    pub(crate) fn look_at_registration(&mut self, subscription: &str) {
        let Some(known) = self.subscription_mut(subscription) else {
            return;
        };
        if let Registration::Registering(left) = known.registration {
            known.registration = match left {
                0 => Registration::Registered,
                left => Registration::Registering(left - 1),
            };
            if known.registration == Registration::Registered
                && self.platform_principals().is_empty()
            {
                self.add_platform_apps();
            }
        }
    }
}
