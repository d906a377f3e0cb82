//! The caches: what was read of Azure once and may be used again for a while, by the monotonic clock.
//!
//! They must not read by themselves, nor keep anything without saying how old it is.

mod shared;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use vaultbind_core::{
    id::{Scope, SubscriptionId, VaultId},
    inventory::Listed,
    resource::{PrincipalId, Provider},
};

pub use shared::{Kept, Shared};

/// How long a list of vaults may be old.
pub const VAULTS_LIVE: Duration = Duration::from_secs(30);
/// How long the api-versions that a subscription is served may be old.
const API_VERSIONS_LIVE: Duration = Duration::from_secs(3600);
/// How long the list of the subscriptions that can be seen may be old.
pub const SUBSCRIPTIONS_LIVE: Duration = Duration::from_secs(3600);
/// How long the object ids of the platform apps may be old.
const PRINCIPALS_LIVE: Duration = Duration::from_secs(3600);
/// How long after the first answer a second one, that something is not there, counts.
pub const SECOND_ANSWER: Duration = Duration::from_secs(60);
/// How long it counts that something is not there: after that it begins anew.
const ABSENCE_LIVES: Duration = Duration::from_secs(3600);

/// The vaults of all boundaries' subscriptions by their addresses (host, lower case), as a search has them.
pub type Addresses = Arc<HashMap<String, VaultId>>;

/// The subscriptions that can be seen.
pub type Subscriptions = Arc<BTreeSet<SubscriptionId>>;

/// What was read before and may be used again for a while.
#[derive(Debug, Default)]
pub struct Caches {
    cached: Mutex<Cached>,
    /// The vaults by their addresses.
    pub addresses: Shared<Addresses>,
    /// The subscriptions that can be seen.
    pub subscriptions: Shared<Subscriptions>,
}

#[derive(Debug, Default)]
struct Cached {
    boundaries: BTreeMap<Scope, Arc<Shared<Listed>>>,
    /// Since when a boundary is not there.
    absent: BTreeMap<Scope, Instant>,
    providers: HashMap<SubscriptionId, (Instant, Provider)>,
    tenants: HashMap<SubscriptionId, String>,
    platform_principals: Option<(Instant, Vec<PrincipalId>)>,
}

impl Caches {
    fn with<T>(&self, look: impl FnOnce(&mut Cached) -> T) -> T {
        // No holder of the lock can panic half-way through a change.
        look(&mut self.cached.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The list of a boundary: there are no more of them than the policy has.
    pub fn boundary(&self, scope: &Scope) -> Arc<Shared<Listed>> {
        let shared =
            |cached: &mut Cached| Arc::clone(cached.boundaries.entry(scope.clone()).or_default());
        self.with(shared)
    }

    /// Notes whether a boundary was there, and says since when it is not.
    pub fn absent_since(&self, scope: &Scope, is_absent: bool, now: Instant) -> Option<Instant> {
        self.with(|cached| {
            if !is_absent {
                cached.absent.remove(scope);
                return None;
            }
            let since = cached.absent.entry(scope.clone()).or_insert(now);
            if now.saturating_duration_since(*since) >= ABSENCE_LIVES {
                *since = now;
            }
            Some(*since)
        })
    }

    /// A registration that is complete, with the api-versions served.
    pub fn provider(&self, subscription: &SubscriptionId, now: Instant) -> Option<Provider> {
        let kept = self.with(|cached| cached.providers.get(subscription).cloned());
        kept.filter(|(read, _)| now.saturating_duration_since(*read) < API_VERSIONS_LIVE)
            .map(|(_, provider)| provider)
    }

    /// Keeps a registration, once it is complete.
    pub fn keep_provider(&self, subscription: &SubscriptionId, read: Instant, provider: &Provider) {
        if provider.state.eq_ignore_ascii_case("Registered") {
            self.with(|cached| {
                cached
                    .providers
                    .insert(subscription.clone(), (read, provider.clone()))
            });
        }
    }

    /// The directory of a subscription.
    pub fn tenant(&self, subscription: &SubscriptionId) -> Option<String> {
        self.with(|cached| cached.tenants.get(subscription).cloned())
    }

    /// Keeps the directory of a subscription.
    pub fn keep_tenant(&self, subscription: &SubscriptionId, tenant: &str) {
        self.with(|cached| {
            cached
                .tenants
                .insert(subscription.clone(), tenant.to_owned())
        });
    }

    /// The object ids of the platform apps.
    pub fn platform_principals(&self, now: Instant) -> Option<Vec<PrincipalId>> {
        let kept = self.with(|cached| cached.platform_principals.clone());
        kept.filter(|(read, _)| now.saturating_duration_since(*read) < PRINCIPALS_LIVE)
            .map(|(_, principals)| principals)
    }

    /// Keeps the object ids of the platform apps.
    pub fn keep_platform_principals(&self, read: Instant, principals: &[PrincipalId]) {
        self.with(|cached| cached.platform_principals = Some((read, principals.to_vec())));
    }

    /// Forgets the object ids of the platform apps: an app that was deleted and made anew has another.
    pub fn forget_platform_principals(&self) {
        self.with(|cached| cached.platform_principals = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> SubscriptionId {
        "11111111-1111-1111-1111-111111111111".parse().unwrap()
    }

    fn provider(state: &str) -> Provider {
        Provider {
            state: state.to_owned(),
            cluster_api_versions: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_registration_is_kept_for_an_hour_once_it_is_complete() {
        let (caches, read) = (Caches::default(), Instant::now());
        for state in ["NotRegistered", "Registering", "Unregistering"] {
            caches.keep_provider(&subscription(), read, &provider(state));
            assert_eq!(caches.provider(&subscription(), read), None, "{state}");
        }
        caches.keep_provider(&subscription(), read, &provider("Registered"));
        let kept = |age| caches.provider(&subscription(), read + Duration::from_secs(age));
        assert!(kept(3599).is_some() && kept(3600).is_none());
    }

    #[test]
    fn directories_are_kept_for_the_life_of_the_process() {
        let caches = Caches::default();
        assert!(caches.tenant(&subscription()).is_none());
        caches.keep_tenant(&subscription(), "t");
        assert_eq!(caches.tenant(&subscription()).as_deref(), Some("t"));
    }

    #[tokio::test]
    async fn principals_are_kept_for_an_hour_or_until_the_directory_does_not_know_them() {
        let (caches, read) = (Caches::default(), Instant::now());
        let kept = |age| caches.platform_principals(read + Duration::from_secs(age));
        assert_eq!(kept(0), None);
        caches.keep_platform_principals(read, &[]);
        assert_eq!((kept(3599), kept(3600)), (Some(Vec::new()), None));
        caches.forget_platform_principals();
        assert_eq!(kept(0), None);
    }

    #[tokio::test]
    async fn an_absence_lasts_until_something_is_there_or_an_hour_is_over() {
        let (caches, first) = (Caches::default(), Instant::now());
        let scope = Scope::Subscription(subscription());
        let after = |seconds| first + Duration::from_secs(seconds);
        let since = |is_absent, seconds| caches.absent_since(&scope, is_absent, after(seconds));
        assert_eq!(since(true, 0), Some(first));
        assert_eq!(since(true, 60), Some(first));
        assert_eq!(since(false, 61), None);
        assert_eq!(since(true, 62), Some(after(62)));
        assert_eq!(since(true, 3662), Some(after(3662)));
    }
}
