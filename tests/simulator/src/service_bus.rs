//! An in-process Service Bus namespace: its queues, and its REST protocol in [`rest`].
//! It never waits by itself: time comes from the simulator's clock, and whoever waits says for how long.

pub mod broker_properties;
mod error;
pub mod message;
pub mod queue;
pub mod rest;
mod sessions;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use crate::clock::Clock;
pub use error::BrokerError;
use message::{DeadLetter, Message, NewMessage, Received, SendOutcome, Sent};
use queue::{Queue, QueueConfig};
pub use rest::router;

/// A Service Bus namespace; clones share it.
#[derive(Clone, Debug)]
pub struct Broker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    queues: Mutex<BTreeMap<String, Queue>>,
    changes: watch::Sender<u64>,
    send_denied: AtomicBool,
}

impl Broker {
    /// A namespace with the queues `requests` and `results`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self::with_queues(
            clock,
            vec![
                QueueConfig::requests("requests"),
                QueueConfig::results("results"),
            ],
        )
    }

    /// A namespace with these queues.
    #[must_use]
    pub fn with_queues(clock: Clock, queues: Vec<QueueConfig>) -> Self {
        let queues = queues
            .into_iter()
            .map(|c| (c.name.to_ascii_lowercase(), Queue::new(c)))
            .collect();
        let inner = Inner {
            clock,
            queues: Mutex::new(queues),
            changes: watch::Sender::new(0),
            send_denied: AtomicBool::new(false),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The clock that the queues obey.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When there is no such queue, or the message lacks the session that the queue asks for.
    pub fn send(&self, queue: &str, message: NewMessage) -> Result<SendOutcome, BrokerError> {
        self.change(queue, |queue, now| {
            if queue.config.requires_session && message.properties.session_id.is_none() {
                return Err(BrokerError::SessionIdMissing);
            }
            Ok(queue.send(now, message))
        })?
    }

    /// Hands out the oldest active message under a lock of the queue's own duration.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn receive(&self, queue: &str) -> Result<Option<Received>, BrokerError> {
        self.receive_held(queue, Duration::ZERO)
    }

    /// The same for a receiver that renews its lock for as long as `hold`.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn receive_held(
        &self,
        queue: &str,
        hold: Duration,
    ) -> Result<Option<Received>, BrokerError> {
        self.change(queue, |queue, now| {
            if queue.config.requires_session {
                return Err(BrokerError::HasSessions);
            }
            Ok(queue.receive(now, hold))
        })?
    }

    /// Takes a locked message away for good.
    ///
    /// # Errors
    /// When there is no such queue, or the lock is lost.
    pub fn complete(&self, queue: &str, lock_token: Uuid) -> Result<Message, BrokerError> {
        self.change(queue, |queue, _| queue.complete(lock_token))?
            .ok_or(BrokerError::LockLost)
    }

    /// Gives a locked message back: it is handed out again at once, or is a dead letter.
    ///
    /// # Errors
    /// When there is no such queue, or the lock is lost.
    pub fn abandon(&self, queue: &str, lock_token: Uuid) -> Result<(), BrokerError> {
        self.change(queue, |queue, now| queue.abandon(now, lock_token))?
            .ok_or(BrokerError::LockLost)
    }

    /// Prolongs a lock by the queue's lock duration from now, and says until when.
    ///
    /// # Errors
    /// When there is no such queue, or the lock is lost.
    pub fn renew(&self, queue: &str, lock_token: Uuid) -> Result<OffsetDateTime, BrokerError> {
        let renewed = self.change(queue, |queue, now| {
            let until = now + queue.config.lock_duration;
            queue.lock_until(lock_token, until).map(|()| until)
        })?;
        renewed.ok_or(BrokerError::LockLost)
    }

    /// The messages that are ready to be received, oldest first.
    #[must_use]
    pub fn messages(&self, queue: &str) -> Vec<Message> {
        self.look(queue, |queue| queue.active().cloned().collect())
    }

    /// The messages whose time has not come, soonest first.
    #[must_use]
    pub fn scheduled(&self, queue: &str) -> Vec<Message> {
        self.look(queue, |queue| queue.scheduled().cloned().collect())
    }

    /// The messages that are out under a lock.
    #[must_use]
    pub fn locked(&self, queue: &str) -> Vec<Message> {
        self.look(queue, |queue| queue.locked().into_iter().cloned().collect())
    }

    /// The dead-letter queue, oldest first.
    #[must_use]
    pub fn dead_letters(&self, queue: &str) -> Vec<DeadLetter> {
        self.look(queue, |queue| queue.dead_letters().to_vec())
    }

    /// Every send there ever was, accepted or dropped.
    #[must_use]
    pub fn sent(&self, queue: &str) -> Vec<Sent> {
        self.look(queue, |queue| queue.history().to_vec())
    }

    /// How many messages are ready to be received or out under a lock.
    #[must_use]
    pub fn unsettled(&self, queue: &str) -> usize {
        self.look(queue, Queue::unsettled)
    }

    /// When the next scheduled message becomes active.
    #[must_use]
    pub fn next_scheduled(&self, queue: &str) -> Option<OffsetDateTime> {
        self.look(queue, Queue::next_scheduled)
    }

    /// The names of all queues, as they were given.
    #[must_use]
    pub fn queue_names(&self) -> Vec<String> {
        self.lock()
            .values()
            .map(|queue| queue.config.name.clone())
            .collect()
    }

    /// Sets how often a message is handed out before it is a dead letter, as an operator can.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn set_max_delivery_count(&self, queue: &str, count: u32) -> Result<(), BrokerError> {
        self.change(queue, |queue, _| queue.config.max_delivery_count = count)
    }

    /// Forgets the `MessageId`s seen so far, as if the window had passed.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn forget_duplicates(&self, queue: &str) -> Result<(), BrokerError> {
        self.change(queue, |queue, _| queue.forget_duplicates())
    }

    /// Moves the clock to `at` as if it had been waited for.
    /// A sender lives in real time and would by then use another `MessageId` than for what becomes due,
    /// so those ids are forgotten.
    pub fn jump_to(&self, at: OffsetDateTime) {
        self.inner.clock.advance_to(at);
        let now = self.inner.clock.now();
        for queue in self.lock().values_mut() {
            queue.forget_due(now);
            queue.pass_time(now);
        }
        self.inner.changes.send_modify(|n| *n += 1);
    }

    /// Takes the right to send away from everybody, or gives it back.
    pub fn deny_sending(&self, denied: bool) {
        self.inner.send_denied.store(denied, Ordering::SeqCst);
    }

    /// Whether the right to send is taken away.
    #[must_use]
    pub fn sending_is_denied(&self) -> bool {
        self.inner.send_denied.load(Ordering::SeqCst)
    }

    /// A counter of changes to wait on; what time alone does shows only when somebody looks.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Waits until `wanted` holds.
    ///
    /// # Errors
    /// When it does not within `deadline` of real time.
    pub async fn wait_until(
        &self,
        deadline: Duration,
        wanted: impl Fn(&Self) -> bool,
    ) -> anyhow::Result<()> {
        let mut changes = self.changes();
        let wait = async {
            while !wanted(self) {
                // Time alone may bring the change, so a look is due now and then.
                let _ = tokio::time::timeout(LOOK_EVERY, changes.changed()).await;
            }
        };
        tokio::time::timeout(deadline, wait).await.map_err(|_| {
            anyhow::anyhow!("the queues did not come to the wanted state within {deadline:?}")
        })
    }

    fn change<T>(
        &self,
        queue: &str,
        act: impl FnOnce(&mut Queue, OffsetDateTime) -> T,
    ) -> Result<T, BrokerError> {
        let now = self.inner.clock.now();
        let mut queues = self.lock();
        let queue = queues
            .get_mut(&queue.to_ascii_lowercase())
            .ok_or(BrokerError::NoSuchQueue)?;
        let before = queue.version();
        queue.ahead = self.inner.clock.ahead();
        queue.pass_time(now);
        let answer = act(queue, now);
        let changed = queue.version() != before;
        drop(queues);
        if changed {
            self.inner.changes.send_modify(|n| *n += 1);
        }
        Ok(answer)
    }

    /// An unknown queue looks empty.
    fn look<T: Default>(&self, queue: &str, read: impl FnOnce(&Queue) -> T) -> T {
        self.change(queue, |queue, _| read(queue))
            .unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        self.inner
            .queues
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a waiter looks for what time alone has changed.
const LOOK_EVERY: Duration = Duration::from_millis(10);
