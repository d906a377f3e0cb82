//! What every function shares: the policy, the clients, the clock, the caches.
//!
//! It must not act: whoever holds a context decides what to do with it.

use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use tokio::sync::Semaphore;
use vaultbind_azure::{
    arm::Arm,
    credential::Tokens,
    graph::Graph,
    http::{Http, Recorder},
    service_bus::ServiceBus,
};
use vaultbind_core::policy::Policy;

use crate::{admission::Admission, caches::Caches, clock::Clock, config::Config};

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
    /// Since when lists are current, where it is not each request that says so: what a command shows was asked once.
    pub asked: Option<OffsetDateTime>,
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
            asked: None,
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
