//! Event Grid: subscriptions to the world's events, delivered over HTTP with filter, retry and dead letters.
//! It raises no event of its own, and knows of an endpoint only that it answers.

mod chance;
mod delivery;
mod subscription;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::broadcast::{self, error::TryRecvError};
use tokio::sync::watch;

use crate::World;
use crate::journal::Service;
pub use chance::{Chance, Mischief};
pub use delivery::{Attempt, DeadLetteredEvent};
use delivery::{Fate, Pending, judge};
pub use subscription::{Filter, Schema, Subscription};

/// An Event Grid; clones share it. It ends with the last of them.
#[derive(Clone, Debug)]
pub struct EventGrid {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    world: World,
    client: reqwest::Client,
    events: Mutex<broadcast::Receiver<Value>>,
    state: Mutex<State>,
    in_flight: AtomicUsize,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    subscriptions: Vec<Subscription>,
    waiting: Vec<Pending>,
    attempts: Vec<Attempt>,
    dead_letters: Vec<DeadLetteredEvent>,
    mischief: Mischief,
    chance: Chance,
}

/// How long an endpoint has for its answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How often a look is taken at what time alone makes due.
const LOOK_EVERY: Duration = Duration::from_millis(5);

impl EventGrid {
    /// Starts to take the world's events.
    ///
    /// # Errors
    /// When no HTTP client can be had.
    pub fn start(world: World) -> anyhow::Result<Self> {
        let events = world.events.subscribe();
        let client = crate::loopback::client()?;
        let inner = Arc::new(Inner {
            world,
            client,
            events: Mutex::new(events),
            state: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            changes: watch::Sender::new(0),
        });
        let wake_up = inner.world.events.subscribe();
        tokio::spawn(run(Arc::downgrade(&inner), wake_up));
        Ok(Self { inner })
    }

    /// Adds a subscription, in the place of one of the same name.
    pub fn subscribe(&self, subscription: Subscription) {
        self.inner.change(|state| {
            state
                .subscriptions
                .retain(|known| known.name != subscription.name);
            state.subscriptions.push(subscription);
        });
    }

    /// Changes a subscription in place; nothing where there is none of this name.
    pub fn configure(&self, name: &str, change: impl FnOnce(&mut Subscription)) {
        self.inner.change(|state| {
            if let Some(known) = state
                .subscriptions
                .iter_mut()
                .find(|known| known.name == name)
            {
                change(known);
            }
        });
    }

    /// Sets what is done to the events from now on.
    pub fn set_mischief(&self, mischief: Mischief) {
        self.inner.change(|state| {
            state.mischief = mischief;
            state.chance = Chance::new(mischief.seed);
        });
    }

    /// Takes an event, in either schema, for every subscription whose filter lets it pass.
    pub fn publish(&self, event: &Value) {
        Inner::publish(&self.inner, event);
    }

    /// How many events are being delivered; whatever the world has raised by now is among them.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        Inner::take_up(&self.inner);
        self.inner.in_flight.load(Ordering::SeqCst)
    }

    /// When the next event is due that was delivered in vain before, or is held back.
    #[must_use]
    pub fn next_retry(&self) -> Option<OffsetDateTime> {
        self.inner
            .lock()
            .waiting
            .iter()
            .map(|pending| pending.due)
            .min()
    }

    /// Every attempt so far.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        self.inner.lock().attempts.clone()
    }

    /// The events that were given up.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetteredEvent> {
        self.inner.lock().dead_letters.clone()
    }

    /// A counter of changes to wait on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }
}

/// Takes events up and delivers again what is due, until the Event Grid is dropped.
async fn run(inner: Weak<Inner>, mut wake_up: broadcast::Receiver<Value>) {
    loop {
        let _ = tokio::time::timeout(LOOK_EVERY, wake_up.recv()).await;
        let Some(inner) = inner.upgrade() else {
            return;
        };
        Inner::take_up(&inner);
        Inner::deliver_due(&inner);
    }
}

impl Inner {
    /// Takes up everything that the world has raised.
    fn take_up(this: &Arc<Self>) {
        let mut events = this.events.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match events.try_recv() {
                Ok(event) => Self::publish(this, &event),
                Err(TryRecvError::Lagged(lost)) => {
                    this.note(
                        "",
                        0,
                        &format!("{lost} events were lost: they came too fast"),
                    );
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn publish(this: &Arc<Self>, event: &Value) {
        let now = this.world.clock.now();
        this.change(|state| {
            let subscriptions: Vec<Subscription> = state
                .subscriptions
                .iter()
                .filter(|s| s.filter.passes(event))
                .cloned()
                .collect();
            for subscription in subscriptions {
                let Mischief {
                    duplicate,
                    drop,
                    reorder,
                    ..
                } = state.mischief;
                if state.chance.happens(drop) {
                    continue;
                }
                let copies = if state.chance.happens(duplicate) {
                    2
                } else {
                    1
                };
                for _ in 0..copies {
                    let late = if state.chance.happens(reorder) {
                        state.chance.draw() % 30_000
                    } else {
                        0
                    };
                    let due = now + Duration::from_millis(late);
                    state
                        .waiting
                        .push(Pending::new(subscription.clone(), event, now, due));
                }
            }
        });
        Self::deliver_due(this);
    }

    fn deliver_due(this: &Arc<Self>) {
        let now = this.world.clock.now();
        let mut state = this.lock();
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(|p| p.due <= now);
        state.waiting = later;
        this.in_flight.fetch_add(due.len(), Ordering::SeqCst);
        drop(state);
        for pending in due {
            let this = this.clone();
            tokio::spawn(async move {
                let status = this.attempt(&pending).await;
                this.after(pending, status);
                this.in_flight.fetch_sub(1, Ordering::SeqCst);
                this.changes.send_modify(|n| *n += 1);
            });
        }
    }

    /// The status of the answer; `None` where there was none in time.
    async fn attempt(&self, pending: &Pending) -> Option<u16> {
        let subscription = &pending.subscription;
        let (content_type, body) = subscription.schema.render(&pending.event);
        let request = self
            .client
            .post(subscription.endpoint.clone())
            .timeout(ANSWER_TIME)
            .header("content-type", content_type)
            .header("aeg-event-type", "Notification")
            .header("aeg-subscription-name", subscription.name.to_uppercase())
            .header("aeg-delivery-count", pending.attempts.to_string())
            .body(body);
        let answer = request.send().await;
        answer.ok().map(|response| response.status().as_u16())
    }

    fn after(&self, mut pending: Pending, status: Option<u16>) {
        let now = self.world.clock.now();
        pending.attempts += 1;
        let fate = judge(&pending, status, now);
        self.note(
            pending.subscription.endpoint.path(),
            status.unwrap_or(0),
            &fate.to_string(),
        );
        self.change(|state| {
            state.attempts.push(Attempt::of(&pending, status, now));
            match fate {
                Fate::Delivered => {}
                Fate::Again(due) => state.waiting.push(Pending { due, ..pending }),
                Fate::DeadLetter(reason) => state
                    .dead_letters
                    .push(DeadLetteredEvent::of(pending, reason, status)),
            }
        });
    }

    fn note(&self, path: &str, status: u16, note: &str) {
        self.world
            .journal
            .record(Service::EventGrid, "POST", path, "", status, None, note);
    }

    fn change(&self, act: impl FnOnce(&mut State)) {
        act(&mut self.lock());
        self.changes.send_modify(|n| *n += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
