//! What becomes of an event after an attempt to deliver it.
//! It decides and does nothing: time and status come in as arguments.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::subscription::Subscription;

/// An event on its way to one subscription.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) subscription: Subscription,
    pub(super) event: Value,
    pub(super) published_at: OffsetDateTime,
    /// How many attempts there were.
    pub(super) attempts: u32,
    pub(super) due: OffsetDateTime,
}

impl Pending {
    pub(super) fn new(
        subscription: Subscription,
        event: &Value,
        published_at: OffsetDateTime,
        due: OffsetDateTime,
    ) -> Self {
        Self {
            subscription,
            event: event.clone(),
            published_at,
            attempts: 0,
            due,
        }
    }

    fn id(&self) -> String {
        self.event["id"].as_str().unwrap_or_default().to_owned()
    }
}

/// One attempt to deliver one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The subscription's name.
    pub subscription: String,
    /// The event's id.
    pub event_id: String,
    /// Which attempt it was, from 1.
    pub number: u32,
    /// The status of the answer; `None` where there was none in time.
    pub status: Option<u16>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

impl Attempt {
    pub(super) fn of(pending: &Pending, status: Option<u16>, at: OffsetDateTime) -> Self {
        Self {
            subscription: pending.subscription.name.clone(),
            event_id: pending.id(),
            number: pending.attempts,
            status,
            at,
        }
    }
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetteredEvent {
    /// The subscription's name.
    pub subscription: String,
    /// The event.
    pub event: Value,
    /// Why, in Event Grid's word.
    pub reason: String,
    /// How many attempts there were.
    pub attempts: u32,
    /// The status of the last answer.
    pub status: Option<u16>,
}

impl DeadLetteredEvent {
    pub(super) fn of(pending: Pending, reason: &str, status: Option<u16>) -> Self {
        Self {
            subscription: pending.subscription.name,
            event: pending.event,
            reason: reason.to_owned(),
            attempts: pending.attempts,
            status,
        }
    }
}

/// What becomes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered,
    Again(OffsetDateTime),
    DeadLetter(&'static str),
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered => f.write_str("delivered"),
            Self::Again(due) => write!(f, "again at {due}"),
            Self::DeadLetter(reason) => write!(f, "dead letter: {reason}"),
        }
    }
}

/// Decides after an attempt that is counted already.
pub(super) fn judge(pending: &Pending, status: Option<u16>, now: OffsetDateTime) -> Fate {
    match status {
        Some(200..=204) => Fate::Delivered,
        Some(400 | 401 | 403 | 413) => Fate::DeadLetter("UndeliverableDueToClientError"),
        _ => {
            let due = now + delay(pending.attempts);
            if pending.attempts >= pending.subscription.max_attempts {
                Fate::DeadLetter("MaxDeliveryAttemptsExceeded")
            } else if due >= pending.published_at + pending.subscription.time_to_live {
                Fate::DeadLetter("TimeToLiveExceeded")
            } else {
                Fate::Again(due)
            }
        }
    }
}

/// How long after the nth failure the next attempt is.
fn delay(attempts: u32) -> Duration {
    const SECONDS: [u64; 9] = [10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600];
    let nth = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    Duration::from_secs(SECONDS.get(nth).copied().unwrap_or(12 * 3600))
}
