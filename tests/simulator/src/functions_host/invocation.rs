//! One call of a function: wait for the handler, send the envelope, judge the answer.
//! It settles no message and answers no delivery; that is the triggers' part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::answer::{Answer, judge};
use super::app::{App, Function};
use super::envelope::{EventForm, Sys, inject};
use super::exchange::exchange;
use super::process::{Handler, Phase, Target};
use super::record::{Invocation, Record};
use crate::World;
use crate::journal::Service;
use crate::service_bus::Broker;

/// How long the host leaves a function that is out of time before it kills the handler.
const GRACE: Duration = Duration::from_secs(2);
/// How many times the initialization timeout a call waits for the handler.
const READY_PATIENCE: u32 = 4;

/// A running host, shared by its triggers.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) app: App,
    pub(super) world: World,
    pub(super) broker: Broker,
    pub(super) record: Arc<Record>,
    /// False once it has been told to stop: nothing new is begun.
    pub(super) accepts: watch::Sender<bool>,
    /// True once it was killed: it settles nothing and gives nothing up.
    dead: AtomicBool,
    pub(super) tuning: Mutex<Tuning>,
    pub(super) timers: Mutex<BTreeMap<String, OffsetDateTime>>,
    /// What retries of timers wait for.
    pub(super) awaited: Mutex<BTreeSet<OffsetDateTime>>,
    handler: Mutex<Arc<Handler>>,
    guids: AtomicU64,
    identity: String,
}

/// What tests may turn while the host runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Tuning {
    pub(super) event_form: EventForm,
    pub(super) injected: Map<String, Value>,
}

impl Host {
    pub(super) fn new(
        app: App,
        world: World,
        broker: Broker,
        record: Arc<Record>,
        handler: Handler,
    ) -> Self {
        let identity = format!("{}/{}", app.root.display(), world.clock.now());
        Self {
            app,
            world,
            broker,
            record,
            accepts: watch::Sender::new(true),
            dead: AtomicBool::new(false),
            tuning: Mutex::default(),
            timers: Mutex::default(),
            awaited: Mutex::default(),
            handler: Mutex::new(Arc::new(handler)),
            guids: AtomicU64::new(0),
            identity,
        }
    }

    pub(super) fn handler(&self) -> Arc<Handler> {
        lock(&self.handler).clone()
    }

    /// Puts another handler in place and returns the one before.
    pub(super) fn exchange_handler(&self, handler: Handler) -> Arc<Handler> {
        std::mem::replace(&mut *lock(&self.handler), Arc::new(handler))
    }

    pub(super) fn tuning(&self) -> Tuning {
        lock(&self.tuning).clone()
    }

    /// Whether triggers may begin something.
    pub(super) fn accepts(&self) -> bool {
        *self.accepts.borrow() && self.record.is_running()
    }

    pub(super) fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Calls a function with the envelope that `make` builds.
    ///
    /// # Errors
    /// With the host's words where the invocation failed.
    pub(super) async fn invoke(
        &self,
        function: &Function,
        make: impl FnOnce(&Sys) -> Value + Send,
    ) -> Result<(), String> {
        let id = self.guid();
        let _in_flight = self.record.begin(&id, &function.name);
        let started_at = self.world.clock.now();
        let clock = Instant::now();
        let sys = Sys {
            function: function.name.clone(),
            now: started_at,
            guid: self.guid(),
        };
        let mut envelope = make(&sys);
        inject(&mut envelope, &self.tuning().injected);
        let (status, outcome) = match self.ready().await {
            Ok(target) => self.call(target, function, &id, &envelope).await,
            Err(why) => (None, Err(why)),
        };
        let error = outcome.as_ref().err().cloned();
        let path = format!("/{}", function.name);
        self.world.journal.record(
            Service::Host,
            "POST",
            &path,
            "",
            status.unwrap_or(0),
            None,
            error.as_deref().unwrap_or_default(),
        );
        let duration = clock.elapsed();
        self.record.ended(Invocation {
            id,
            function: function.name.clone(),
            started_at,
            duration,
            status,
            error,
        });
        outcome
    }

    /// Waits for the handler; where it does not come in time the host gives up altogether.
    async fn ready(&self) -> Result<Target, String> {
        let patience = self.app.initialization_timeout * READY_PATIENCE;
        let deadline = Instant::now() + patience;
        loop {
            let handler = self.handler();
            let mut phase = handler.phase();
            let settled = tokio::time::timeout_at(
                deadline,
                phase.wait_for(|phase| !matches!(phase, Phase::Starting)),
            );
            let phase = match settled.await {
                // A handler that was attached has nobody who changes its phase.
                Ok(Err(_)) => handler.phase().borrow().clone(),
                Ok(Ok(phase)) => phase.clone(),
                Err(_) => Phase::Starting,
            };
            match phase {
                Phase::Initialized(target) => return Ok(target),
                Phase::Gone if !Arc::ptr_eq(&handler, &self.handler()) => {}
                Phase::Gone => {
                    return Err("The handler is gone: the host is shutting down".to_owned());
                }
                Phase::Starting => {
                    let why =
                        "Final functionDispatcher state: Initializing. The host is shutting down";
                    self.record.stop(why);
                    return Err(why.to_owned());
                }
            }
        }
    }

    async fn call(
        &self,
        target: Target,
        function: &Function,
        id: &str,
        envelope: &Value,
    ) -> (Option<u16>, Result<(), String>) {
        let deadline = self
            .app
            .function_timeout
            .map(|limit| Instant::now() + limit);
        let generation = target.generation;
        // The host never aborts a call: out of time it leaves it alone until the process dies.
        let mut exchange = tokio::spawn(exchange(
            target,
            function.name.clone(),
            id.to_owned(),
            envelope.to_string(),
        ));
        let response = match by(deadline, &mut exchange).await {
            None => return (None, Err(self.out_of_time(function, id, generation))),
            Some(Err(e)) => return (None, Err(format!("the call broke off: {e}"))),
            Some(Ok(Err(why))) => return (None, Err(why)),
            Some(Ok(Ok(response))) => response,
        };
        let status = Some(response.status);
        match judge(
            response.status,
            response.content_type.as_deref(),
            &response.body,
        ) {
            Answer::Success { logs, mangled } => {
                self.record.answer_logs(id, &function.name, logs);
                for value in mangled {
                    self.record.log(format!(
                        "{}: {value} would be mangled on its way to a binding",
                        function.name
                    ));
                }
                (status, Ok(()))
            }
            Answer::Failure(why) => (status, Err(why)),
            Answer::Hang(why) => {
                self.record.log(format!(
                    "{}: HANGS, because {why}: answer with application/json and at least {{}}",
                    function.name
                ));
                by(deadline, std::future::pending::<()>()).await;
                (status, Err(self.out_of_time(function, id, generation)))
            }
        }
    }

    /// Every other call that is under way dies with the process.
    fn out_of_time(&self, function: &Function, id: &str, generation: u64) -> String {
        let handler = self.handler();
        tokio::spawn(async move {
            by(Some(Instant::now() + GRACE), std::future::pending::<()>()).await;
            handler.replace(generation);
        });
        let limit = self.app.function_timeout.unwrap_or_default();
        let why = format!(
            "Timeout value of {limit:?} was exceeded by function: '{}' (Id: '{id}')",
            function.name
        );
        self.record.log(why.clone());
        why
    }

    fn guid(&self) -> String {
        let number = self.guids.fetch_add(1, Ordering::Relaxed);
        Uuid::new_v5(
            &Uuid::NAMESPACE_URL,
            format!("{}/{number}", self.identity).as_bytes(),
        )
        .to_string()
    }
}

/// The outcome, or `None` where the deadline comes first; without a deadline it never does.
async fn by<T>(deadline: Option<Instant>, outcome: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, outcome).await.ok(),
        None => Some(outcome.await),
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
