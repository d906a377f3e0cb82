//! What every function shares: the policy, the clients, the clock, the caches.
//!
//! It must not act: whoever holds a context decides what to do with it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::sync::{MutexGuard, Semaphore};
use vaultbind_azure::{
    arm::Arm,
    credential::Tokens,
    graph::Graph,
    http::{Http, Recorder},
    service_bus::ServiceBus,
};
use vaultbind_core::{
    id::SubscriptionId,
    inventory::VaultList,
    policy::Policy,
    resource::{PrincipalId, Provider},
};

use crate::{admission::Admission, config::Config};

/// How many sends may be under way at once, over all invocations of the process.
const CONCURRENT_SENDS: usize = 32;

/// What every function shares; a clone shares the same.
#[derive(Debug, Clone)]
pub struct Context {
    /// The settings.
    pub config: Arc<Config>,
    /// The policy.
    pub policy: Arc<Policy>,
    /// ARM.
    pub arm: Arm,
    /// Microsoft Graph.
    pub graph: Graph,
    /// Service Bus.
    pub service_bus: ServiceBus,
    /// The time.
    pub clock: Clock,
    /// What was read before and may be used again.
    pub caches: Arc<Caches>,
    /// Lets reconciles begin no faster than the platform refills its quotas.
    pub admission: Arc<Admission>,
    /// What one reconcile may take; as long as it takes where none is set.
    pub limit: Option<Duration>,
    /// Bounds the sends that a burst of events causes.
    pub sends: Arc<Semaphore>,
}

impl Context {
    /// Puts the clients together.
    ///
    /// # Errors
    /// Where the HTTP client or the credential cannot be made.
    pub fn new(config: Config, policy: Policy) -> anyhow::Result<Self> {
        let http = Http::new()?;
        let tokens = Tokens::new(&config.credential, &http)?;
        Ok(Self::with_tokens(config, policy, http, tokens))
    }

    /// The same with a client and a source of tokens that exist already.
    pub fn with_tokens(config: Config, policy: Policy, http: Http, tokens: Tokens) -> Self {
        Self {
            arm: Arm::new(
                http.clone(),
                config.arm.clone(),
                tokens.clone(),
                config.cloud,
            ),
            graph: Graph::new(
                http.clone(),
                config.graph.clone(),
                tokens.clone(),
                config.cloud,
            ),
            service_bus: ServiceBus::new(http, config.service_bus.clone(), tokens, config.cloud),
            clock: Clock::system(),
            caches: Arc::new(Caches::default()),
            admission: Arc::default(),
            limit: None,
            sends: Arc::new(Semaphore::new(CONCURRENT_SENDS)),
            config: Arc::new(config),
            policy: Arc::new(policy),
        }
    }

    /// The same, for reconciles that may not take longer.
    pub fn limited_to(&self, limit: Duration) -> Self {
        Self {
            limit: Some(limit),
            ..self.clone()
        }
    }

    /// The same, with the ids of its calls to ARM noted.
    pub fn recorded_by(&self, calls: &Recorder) -> Self {
        Self {
            arm: self.arm.recorded_by(calls),
            ..self.clone()
        }
    }
}

/// The source of time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> OffsetDateTime + Send + Sync>);

impl Clock {
    /// The clock of the machine.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one reader of the machine's clock"
    )]
    pub fn system() -> Self {
        Self(Arc::new(OffsetDateTime::now_utc))
    }

    /// A clock that shows what this says: for those who skip time.
    pub fn showing(now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// How long a list of vaults may be old.
const VAULTS_LIVE: Duration = Duration::from_secs(30);

/// How long the api-versions that a subscription is served may be old.
const API_VERSIONS_LIVE: Duration = Duration::from_secs(3600);

/// The vaults of every subscription in which a boundary lies.
pub type VaultLists = BTreeMap<SubscriptionId, Arc<VaultList>>;

/// What was read before and may be used again for a while.
#[derive(Debug, Default)]
pub struct Caches {
    cached: Mutex<Cached>,
    lists_vaults: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Cached {
    vaults: Option<(OffsetDateTime, Arc<VaultLists>)>,
    providers: HashMap<SubscriptionId, (OffsetDateTime, Provider)>,
    tenants: HashMap<SubscriptionId, String>,
    platform_principals: Option<Vec<PrincipalId>>,
}

impl Caches {
    fn with<T>(&self, look: impl FnOnce(&mut Cached) -> T) -> T {
        // No holder of the lock can panic half-way through a change.
        look(&mut self.cached.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until nobody else lists vaults: of many that lack them one asks, and the others find them here.
    pub async fn listing_vaults(&self) -> MutexGuard<'_, ()> {
        self.lists_vaults.lock().await
    }

    /// The lists of vaults and when they were read, where that is young enough.
    pub fn vaults(&self, now: OffsetDateTime) -> Option<(OffsetDateTime, Arc<VaultLists>)> {
        self.with(|cached| cached.vaults.clone())
            .filter(|(read, _)| now - *read < VAULTS_LIVE)
    }

    /// Keeps the lists of vaults; `read` is the time before the listing began.
    pub fn keep_vaults(&self, read: OffsetDateTime, lists: Arc<VaultLists>) {
        self.with(|cached| cached.vaults = Some((read, lists)));
    }

    /// A registration that is complete, with the api-versions served.
    pub fn provider(&self, subscription: &SubscriptionId, now: OffsetDateTime) -> Option<Provider> {
        let kept = self.with(|cached| cached.providers.get(subscription).cloned());
        kept.filter(|(read, _)| now - *read < API_VERSIONS_LIVE)
            .map(|(_, provider)| provider)
    }

    /// Keeps a registration, once it is complete.
    pub fn keep_provider(
        &self,
        subscription: &SubscriptionId,
        read: OffsetDateTime,
        provider: &Provider,
    ) {
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
    pub fn platform_principals(&self) -> Option<Vec<PrincipalId>> {
        self.with(|cached| cached.platform_principals.clone())
    }

    /// Keeps the object ids of the platform apps.
    pub fn keep_platform_principals(&self, principals: &[PrincipalId]) {
        self.with(|cached| cached.platform_principals = Some(principals.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const READ: OffsetDateTime = datetime!(2026-02-03 04:05:06 UTC);

    fn subscription() -> SubscriptionId {
        "11111111-1111-1111-1111-111111111111".parse().unwrap()
    }

    fn provider(state: &str) -> Provider {
        Provider {
            state: state.to_owned(),
            cluster_api_versions: Vec::new(),
        }
    }

    #[test]
    fn lists_of_vaults_are_kept_for_half_a_minute() {
        let caches = Caches::default();
        caches.keep_vaults(READ, Arc::default());
        let kept = |age| caches.vaults(READ + Duration::from_secs(age));
        assert!(kept(29).is_some() && kept(30).is_none());
    }

    #[test]
    fn a_registration_is_kept_for_an_hour_once_it_is_complete() {
        let caches = Caches::default();
        for state in ["NotRegistered", "Registering", "Unregistering"] {
            caches.keep_provider(&subscription(), READ, &provider(state));
            assert_eq!(caches.provider(&subscription(), READ), None, "{state}");
        }
        caches.keep_provider(&subscription(), READ, &provider("Registered"));
        assert!(
            caches
                .provider(&subscription(), READ + Duration::from_secs(3599))
                .is_some()
        );
        assert!(
            caches
                .provider(&subscription(), READ + Duration::from_secs(3600))
                .is_none()
        );
    }

    #[test]
    fn directories_and_principals_are_kept_for_the_life_of_the_process() {
        let caches = Caches::default();
        assert!(caches.tenant(&subscription()).is_none() && caches.platform_principals().is_none());
        caches.keep_tenant(&subscription(), "t");
        caches.keep_platform_principals(&[]);
        assert_eq!(caches.tenant(&subscription()).as_deref(), Some("t"));
        assert_eq!(caches.platform_principals(), Some(Vec::new()));
    }
}
