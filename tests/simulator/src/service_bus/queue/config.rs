//! What an operator sets when a queue is created.
//! These are plain values; the queue obeys them.

use std::time::Duration;

/// What an operator sets when a queue is created.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// The queue's name; Service Bus ignores its case.
    pub name: String,
    /// For how long a `MessageId` is remembered, from the moment it was sent.
    pub duplicate_window: Duration,
    /// How often a message is handed out before it is a dead letter.
    pub max_delivery_count: u32,
    /// Whether every message belongs to a session, and a session to one receiver at a time.
    pub requires_session: bool,
    /// How long a lock lasts unless it is renewed.
    pub lock_duration: Duration,
    /// How long a message lives that does not say so itself.
    pub default_time_to_live: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl QueueConfig {
    /// A queue with Azure's defaults but for duplicate detection, which is on.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            duplicate_window: MINUTE * 10,
            max_delivery_count: 10,
            requires_session: false,
            lock_duration: MINUTE,
            default_time_to_live: DAY * 14,
        }
    }

    /// The queue of requests as the product's infrastructure creates it.
    #[must_use]
    pub fn requests(name: &str) -> Self {
        Self {
            max_delivery_count: 100,
            requires_session: true,
            ..Self::new(name)
        }
    }

    /// The queue of results as the product's infrastructure creates it.
    #[must_use]
    pub fn results(name: &str) -> Self {
        Self {
            duplicate_window: DAY,
            ..Self::new(name)
        }
    }
}
