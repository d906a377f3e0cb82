//! A backlog against ARM's quotas: it drains at the rate at which they refill, and hardly a call is refused.
//!
//! The handler's own code runs in this process, on a clock that is moved by hand: a binary of its own would live in real
//! time, in which two thousand bindings take a quarter of an hour. What a host does with a process is tested in `e2e`.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it has to be"
)]

use std::{sync::Arc, time::Duration};

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};
use vaultbind::{
    clock::Clock,
    config::Config,
    context::Context,
    functions::{answer::Answer, deliver::deliver},
    request::Request,
};
use vaultbind_azure::{
    credential::{Credential, CredentialKind, Tokens},
    http::Http,
};
use vaultbind_core::policy::document;
use vaultbind_simulator::{
    ClusterSpec, Config as WorldConfig, Estate, Simulator, SubscriptionSpec, VaultSpec, World,
    journal::Service,
    service_bus::{Broker, message::NewMessage, message::Session},
    state::quota::Spending,
    tell,
};

const WEST: &str = "11111111-1111-1111-1111-111111111111";
const POLICY: &str = include_str!("fixtures/by-site.yaml");

/// How many clusters come at once, and how many sites and vaults they share.
const CLUSTERS: usize = 2000;
const SITES: usize = 20;
/// How many handlers there are, and how many places each has for sessions, as `host.json` has it.
const HANDLERS: usize = 2;
const PLACES: usize = 32;
/// How long a call of a function takes, by the clock that is moved by hand, and how long its place is idle after it.
const LOOK: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_millis(500);

/// A world on a clock by hand, and the handlers in it.
struct Stage {
    simulator: Simulator,
    handlers: Vec<Arc<Context>>,
    /// Keeps time from moving by itself while this process waits for an answer.
    _still: std::sync::mpsc::Sender<()>,
}

impl Stage {
    async fn with(clusters: usize) -> Self {
        // Paused time moves by itself where everything waits, unless something blocks.
        let (still, until_dropped) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || until_dropped.recv().err());
        let clock = vaultbind_simulator::clock::Clock::by_hand();
        let world = World::with_clock(WorldConfig::default(), estate(clusters), clock);
        world.azure().behaviour.emit_events = false;
        world.azure().quotas.enforced = true;
        let broker = Broker::new(world.clock.clone());
        let simulator = Simulator::serve(world, broker).await.unwrap();
        let handlers = (0..HANDLERS).map(|_| Arc::new(handler(&simulator)));
        Self {
            handlers: handlers.collect(),
            simulator,
            _still: still,
        }
    }

    /// Puts a request on the queue for each of these clusters.
    fn request(&self, clusters: impl Iterator<Item = usize>) {
        for number in clusters {
            let name = format!("c{number}");
            let id = format!(
                "/subscriptions/{WEST}/resourceGroups/rg-nexus/providers/Microsoft.NetworkCloud/clusters/{name}"
            );
            let first_seen = self.simulator.world.clock.now();
            let first_seen = first_seen.format(&time::format_description::well_known::Rfc3339);
            let body = json!({ "version": 1, "id": name, "kind": "cluster", "clusterId": id, "firstSeen": first_seen.unwrap() });
            let message = NewMessage::json(&name, &body).in_session(&name);
            self.simulator.broker.send("requests", message).unwrap();
        }
    }

    async fn advance(&self, by: Duration) {
        self.simulator.world.clock.advance(by);
        tokio::time::advance(by).await;
    }

    /// Serves the queue until nothing is left in it; comes back with the time that it took.
    async fn drain(&self) -> Duration {
        let (broker, clock) = (&self.simulator.broker, &self.simulator.world.clock);
        let began = clock.now();
        let places = Arc::new(Semaphore::new(HANDLERS * PLACES));
        let mut under_way = JoinSet::new();
        let mut turn = 0;
        loop {
            while places.available_permits() > 0 {
                let Some(session) = broker.accept_session("requests", Duration::ZERO).unwrap()
                else {
                    break;
                };
                let place = Arc::clone(&places).try_acquire_owned().unwrap();
                let context = Arc::clone(&self.handlers[turn % HANDLERS]);
                turn += 1;
                let broker = broker.clone();
                under_way.spawn(async move {
                    serve(&context, &broker, &session).await;
                    drop(place);
                });
            }
            if let Some(ended) = under_way.join_next().await {
                ended.unwrap();
                // So many go on side by side that one ends each part of the time that it takes a place.
                self.advance((LOOK + IDLE) / u32::try_from(HANDLERS * PLACES).unwrap())
                    .await;
            } else if let Some(due) = broker.next_scheduled("requests") {
                self.advance((due - clock.now()).try_into().unwrap_or_default())
                    .await;
            } else if broker.unsettled("requests") == 0 {
                return (clock.now() - began).unsigned_abs();
            }
        }
    }

    /// How many calls of a kind ARM was asked, and how many of all it refused.
    fn calls(&self) -> Calls {
        let mut calls = Calls::default();
        for entry in self.simulator.world.journal.entries() {
            let is_query = entry.path.contains("ResourceGraph");
            match (entry.service, entry.method.as_str()) {
                (Service::Arm, _) if entry.status == 429 => calls.refused += 1,
                (Service::Arm, _) if is_query => calls.queries += 1,
                (Service::Arm, "GET") if entry.path.ends_with("/vaults") => calls.lists += 1,
                (Service::Arm, "GET") => calls.reads += 1,
                (Service::Arm, _) => calls.writes += 1,
                (Service::ServiceBus, _) => calls.sends += 1,
                _ => {}
            }
        }
        calls
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Calls {
    reads: usize,
    writes: usize,
    queries: usize,
    /// Lists of vaults: many bindings share one.
    lists: usize,
    sends: usize,
    refused: usize,
}

/// Hands out the world's tokens; the product finds its own source by the environment of its process.
#[derive(Debug)]
struct Identity(World);

#[async_trait::async_trait]
impl TokenCredential for Identity {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let audience = scopes[0].trim_end_matches("/.default");
        let (token, expires) = self
            .0
            .tokens
            .issue(audience, &WorldConfig::default().client_id);
        Ok(AccessToken::new(token, expires))
    }
}

fn handler(simulator: &Simulator) -> Context {
    let mut variables: std::collections::BTreeMap<String, String> =
        simulator.handler_environment().into_iter().collect();
    variables.insert("FUNCTIONS_CUSTOMHANDLER_PORT".to_owned(), "0".to_owned());
    let config = Config::from_variables(&variables).unwrap();
    let kind = CredentialKind::ManagedIdentity { client_id: None };
    let identity: Credential = Arc::new(Identity(simulator.world.clone()));
    let tokens = Tokens::made_by(&kind, move || Ok(Arc::clone(&identity))).unwrap();
    let policy = document::load(POLICY).unwrap();
    let mut context = Context::with_tokens(config, policy, Http::new().unwrap(), tokens);
    let clock = simulator.world.clock.clone();
    context.clock = Clock::showing(move || clock.now());
    context
}

/// What `reconcile` does with a session's message, and the host with its answer.
async fn serve(context: &Context, broker: &Broker, session: &Session) {
    let received = broker.receive_from("requests", session).unwrap();
    let received = received.unwrap();
    let text = String::from_utf8(received.message.sent.body.to_vec()).unwrap();
    let request = Request::from_json(&text).unwrap();
    let answer = deliver(context, request).await;
    if let Answer::Done(_) = answer {
        broker.complete("requests", received.lock_token).unwrap();
    } else {
        broker.abandon("requests", received.lock_token).unwrap();
    }
    broker.close_session("requests", session).unwrap();
}

fn estate(clusters: usize) -> Estate {
    let mut estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST));
    for site in 0..SITES {
        let vault = VaultSpec::new(&format!("kv-{site}"))
            .tag("purpose", "nexus-credentials")
            .tag("site", &format!("s{site}"));
        estate = estate.vault(vault);
    }
    for number in 0..clusters {
        let site = format!("s{}", number % SITES);
        estate = estate.cluster(ClusterSpec::new(&format!("c{number}")).tag("site", &site));
    }
    estate
}

/// What a binding takes where its vault and its roles are known already.
async fn one_binding() -> Calls {
    let stage = Stage::with(SITES + 1).await;
    stage.request(0..1);
    stage.drain().await;
    let before = stage.calls();
    stage.request(SITES..=SITES);
    stage.drain().await;
    let after = stage.calls();
    Calls {
        reads: after.reads - before.reads,
        writes: after.writes - before.writes,
        ..Calls::default()
    }
}

/// The least time in which so many calls can be made, by what their bucket holds and how fast it fills.
fn least(calls: usize, bucket: Spending) -> f64 {
    (calls as f64 - bucket.size()).max(0.0) / bucket.refill()
}

#[tokio::test(start_paused = true)]
async fn a_backlog_drains_at_the_rate_of_arms_quotas() {
    let one = one_binding().await;
    let stage = Stage::with(CLUSTERS).await;
    stage.request(0..CLUSTERS);
    let took = stage.drain().await.as_secs_f64();
    let calls = stage.calls();
    let reads = least(CLUSTERS * one.reads, Spending::Reads);
    let writes = least(CLUSTERS * one.writes, Spending::Writes);
    let least = reads.max(writes);
    let all = calls.reads + calls.writes + calls.queries + calls.lists + calls.refused;
    tell(&format!(
        "{CLUSTERS} bindings of {} reads and {} writes: {took:.0} s, the least is {least:.0} s; \
         {all} calls, {} refused; {} lists of vaults; {} queries; {} messages sent",
        one.reads, one.writes, calls.refused, calls.lists, calls.queries, calls.sends
    ));
    let azure = stage.simulator.world.azure();
    let bound = azure.resources_of("Microsoft.NetworkCloud/clusters");
    let bound = bound.filter(|it| it["properties"]["secretArchive"]["useKeyVault"] == "True");
    assert_eq!(bound.count(), CLUSTERS);
    drop(azure);
    assert_eq!(stage.simulator.broker.sent("results").len(), CLUSTERS);
    // Each handler lists the one boundary anew after half a minute; for the first two seconds clocks may differ.
    let most = HANDLERS * ((took / 30.0).ceil() as usize + PLACES);
    assert!(calls.lists <= most, "{} lists of vaults", calls.lists);
    assert!(took <= least * 1.1, "{took} s, and {least} s would do");
    assert!(
        calls.refused * 100 < all,
        "{} of {all} calls were refused",
        calls.refused
    );
}
