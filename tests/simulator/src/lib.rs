//! A local Azure for Vaultbind: the wire protocols of what it talks to, on loopback, with faults on demand.
//! It shares no code with the product, for then both could be wrong together.

pub mod account;
pub mod arm;
pub mod clock;
pub mod control;
mod error_body;
mod estate;
pub mod event_grid;
pub mod faults;
pub mod functions_host;
pub mod graph;
pub mod identity;
pub mod journal;
mod loopback;
pub mod service_bus;
pub mod state;
pub mod tls;
pub mod tokens;

use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::broadcast;
use url::Url;

use clock::Clock;
pub use estate::{ClusterSpec, Estate, ManagerSpec, SubscriptionSpec, VaultSpec};
use faults::Faults;
use journal::Journal;
use loopback::Server;
use service_bus::Broker;
use state::Azure;
use tokens::Tokens;

/// Who Vaultbind is in this world, and what the world is made from.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every made-up id is derived from.
    pub seed: u64,
    /// The tenant.
    pub tenant_id: String,
    /// The client id of Vaultbind's identity.
    pub client_id: String,
    /// The object id of its service principal.
    pub principal_id: String,
    /// Whether the handler's environment names the platform's service principals.
    pub announce_platform_principals: bool,
    /// Whether changes raise Event Grid events.
    pub emit_events: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            tenant_id: "7e4a1000-0000-4000-8000-000000000001".to_owned(),
            client_id: "7e4a1000-0000-4000-8000-000000000002".to_owned(),
            principal_id: "7e4a1000-0000-4000-8000-000000000003".to_owned(),
            announce_platform_principals: false,
            emit_events: true,
        }
    }
}

/// One certificate that has signed none, for a handler that wants to know at least one.
const ROOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/roots");

/// How many events wait for a slow subscriber before the oldest are lost to it.
const EVENTS_KEPT: usize = 16 * 1024;

/// Everything that the services share; clones share it too.
#[derive(Clone, Debug)]
pub struct World {
    /// Simulated time.
    pub clock: Clock,
    /// Every request so far.
    pub journal: Journal,
    /// The faults still to come.
    pub faults: Faults,
    /// The tokens in circulation.
    pub tokens: Tokens,
    /// What there is in Azure.
    pub azure: Arc<Mutex<Azure>>,
    /// The Event Grid events that changes raise, in the Event Grid schema.
    pub events: broadcast::Sender<Value>,
}

impl World {
    /// A world in which the estate exists.
    #[must_use]
    pub fn new(config: Config, estate: Estate) -> Self {
        Self::with_clock(config, estate, Clock::new())
    }

    /// The same with a clock that somebody else may hold.
    #[must_use]
    pub fn with_clock(config: Config, estate: Estate, clock: Clock) -> Self {
        let tokens = Tokens::new(clock.clone());
        tokens.know(&config.client_id, &config.principal_id);
        let events = broadcast::Sender::new(EVENTS_KEPT);
        let mut azure = Azure::new(config, clock.clone(), events.clone());
        estate.build(&mut azure);
        Self {
            journal: Journal::new(clock.clone()),
            faults: Faults::new(),
            tokens,
            azure: Arc::new(Mutex::new(azure)),
            events,
            clock,
        }
    }

    /// What there is in Azure, to look at or to change; never to be held across an await.
    pub fn azure(&self) -> MutexGuard<'_, Azure> {
        self.azure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an Event Grid event to whoever listens.
    pub fn on_event(&self, event: Value) {
        // Nobody may be listening, which is fine.
        let _ = self.events.send(event);
    }
}

/// A running simulator; dropping it closes its ports.
#[derive(Debug)]
pub struct Simulator {
    /// What the services share.
    pub world: World,
    /// The Service Bus namespace.
    pub broker: Broker,
    /// Where ARM listens.
    pub arm_endpoint: Url,
    /// Where Graph listens; without `/v1.0`.
    pub graph_endpoint: Url,
    /// Where tokens are to be had.
    pub identity_endpoint: String,
    /// The secret that the token endpoint asks for.
    pub identity_header: String,
    /// Where Service Bus listens.
    pub service_bus_endpoint: Url,
    _servers: [Server; 4],
}

impl Simulator {
    /// Starts all services, each on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(config: Config, estate: Estate) -> anyhow::Result<Self> {
        let world = World::new(config, estate);
        let broker = Broker::new(world.clock.clone());
        Self::serve(world, broker).await
    }

    /// Starts all services for a world and a namespace that exist already.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn serve(world: World, broker: Broker) -> anyhow::Result<Self> {
        let identity_header = world.azure().make_id("identity-header");
        let sessions = broker.clone();
        world.faults.on_lost_lock(Arc::new(move || {
            // A namespace without that queue has no session to lose.
            let _ = sessions.lose_sessions("requests");
        }));
        let arm = Server::start(arm::router(world.clone()), 0).await?;
        let graph = Server::start(graph::router(world.clone()), 0).await?;
        let identity =
            Server::start(identity::router(world.clone(), identity_header.clone()), 0).await?;
        let service_bus =
            Server::start(service_bus::router(world.clone(), broker.clone()), 0).await?;
        Ok(Self {
            arm_endpoint: base_url(&arm)?,
            graph_endpoint: base_url(&graph)?,
            identity_endpoint: format!("{}msi/token", base_url(&identity)?),
            identity_header,
            service_bus_endpoint: base_url(&service_bus)?,
            world,
            broker,
            _servers: [arm, graph, identity, service_bus],
        })
    }

    /// The environment that points the real binary at this simulator.
    #[must_use]
    pub fn handler_environment(&self) -> Vec<(String, String)> {
        let azure = self.world.azure();
        let mut environment = vec![
            ("VAULTBIND_ARM_ENDPOINT", self.arm_endpoint.to_string()),
            ("VAULTBIND_GRAPH_ENDPOINT", self.graph_endpoint.to_string()),
            (
                "VAULTBIND_SERVICEBUS_ENDPOINT",
                self.service_bus_endpoint.to_string(),
            ),
            (
                "ServiceBus__fullyQualifiedNamespace",
                "sim.servicebus.windows.net".to_owned(),
            ),
            ("IDENTITY_ENDPOINT", self.identity_endpoint.clone()),
            ("IDENTITY_HEADER", self.identity_header.clone()),
            ("AZURE_CLIENT_ID", azure.config.client_id.clone()),
            ("VAULTBIND_REQUESTS_QUEUE", "requests".to_owned()),
            ("VAULTBIND_RESULTS_QUEUE", "results".to_owned()),
            // To read the roots of a whole system takes most of a start, and nobody here speaks TLS.
            ("SSL_CERT_FILE", format!("{ROOTS}/root.pem")),
            ("SSL_CERT_DIR", ROOTS.to_owned()),
        ];
        if azure.config.announce_platform_principals {
            environment.push((
                "VAULTBIND_PLATFORM_PRINCIPAL_IDS",
                azure.platform_principals().join(","),
            ));
        }
        environment
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// Prints a line past the capture of the test harness: every run tells what it tried. Where nobody reads it, nothing is
/// lost.
pub fn tell(line: &str) {
    let _ = std::io::stdout().write_all(format!("{line}\n").as_bytes());
}

fn base_url(server: &Server) -> anyhow::Result<Url> {
    format!("http://{}/", server.address())
        .parse()
        .context("a server without an address")
}

#[cfg(test)]
mod test_support;
