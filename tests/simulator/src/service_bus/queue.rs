//! One queue: duplicate detection, schedule, locks, delivery counts and dead letters.
//! Time comes in as an argument; nothing here reads a clock or waits.

mod config;
mod duplicates;
mod passage;
mod sessions;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::clock::Ahead;
use time::OffsetDateTime;
use uuid::Uuid;

pub use config::QueueConfig;
use duplicates::Duplicates;
use sessions::Held;

use super::message::{DeadLetter, Message, NewMessage, Received, SendOutcome, Sent};

/// The reason of a message that was handed out too often.
pub const MAX_DELIVERY_COUNT_EXCEEDED: &str = "MaxDeliveryCountExceeded";
/// The reason of a message that outlived its time to live.
pub const TTL_EXPIRED: &str = "TTLExpiredException";

const NEVER: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59 UTC);

#[derive(Debug)]
struct Locked {
    message: Message,
    until: OffsetDateTime,
    /// The session that it was handed out in: then the session's lock counts.
    session: Option<String>,
}

/// The state of one queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) config: QueueConfig,
    /// How far the clock is ahead of real time.
    pub(super) ahead: Ahead,
    next_sequence_number: u64,
    locks_given: u64,
    active: BTreeMap<u64, Message>,
    scheduled: BTreeMap<(OffsetDateTime, u64), Message>,
    locked: HashMap<Uuid, Locked>,
    sessions: BTreeMap<String, Held>,
    dead: Vec<DeadLetter>,
    history: Vec<Sent>,
    seen: Duplicates,
    /// No active message expires sooner.
    nothing_expires_before: OffsetDateTime,
    version: u64,
}

impl Queue {
    pub(super) fn new(config: QueueConfig) -> Self {
        Self {
            config,
            ahead: Ahead::default(),
            next_sequence_number: 1,
            locks_given: 0,
            active: BTreeMap::new(),
            scheduled: BTreeMap::new(),
            locked: HashMap::new(),
            sessions: BTreeMap::new(),
            dead: Vec::new(),
            history: Vec::new(),
            seen: Duplicates::default(),
            nothing_expires_before: NEVER,
            version: 0,
        }
    }

    /// A number that grows with every change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn send(&mut self, now: OffsetDateTime, new: NewMessage) -> SendOutcome {
        let sequence_number = self.next_sequence_number;
        let message_id = new.properties.message_id.clone();
        let message_id = message_id.unwrap_or_else(|| self.guid("message", sequence_number));
        let key = (new.properties.partition_key.clone(), message_id.clone());
        let window = self.config.duplicate_window;
        let outcome = if self.seen.is_new(now, window, key) {
            SendOutcome::Accepted
        } else {
            SendOutcome::Duplicate
        };
        self.version += 1;
        self.history.push(Sent {
            message_id: message_id.clone(),
            at: now,
            outcome,
            message: new.clone(),
        });
        if outcome == SendOutcome::Accepted {
            self.next_sequence_number += 1;
            self.enqueue(now, sequence_number, message_id, new);
        }
        outcome
    }

    fn activate(&mut self, message: Message) {
        self.nothing_expires_before = self.nothing_expires_before.min(message.expires_at);
        self.active.insert(message.sequence_number, message);
    }

    fn enqueue(
        &mut self,
        now: OffsetDateTime,
        sequence_number: u64,
        message_id: String,
        new: NewMessage,
    ) {
        let at = new
            .properties
            .scheduled_enqueue_time
            .map_or(now, whole_seconds);
        let lives = new
            .properties
            .time_to_live
            .unwrap_or(self.config.default_time_to_live);
        let enqueued_at = at.max(now);
        let message = Message {
            sequence_number,
            message_id,
            sent: new,
            sent_at: now,
            enqueued_at,
            expires_at: enqueued_at.saturating_add(lives.try_into().unwrap_or(time::Duration::MAX)),
            delivery_count: 0,
            sent_ahead: self.ahead,
        };
        if at > now {
            self.scheduled.insert((at, sequence_number), message);
        } else {
            self.activate(message);
        }
    }

    pub(super) fn receive(&mut self, now: OffsetDateTime, hold: Duration) -> Option<Received> {
        let (_, message) = self.active.pop_first()?;
        let until = now + hold.max(self.config.lock_duration);
        Some(self.hand_out(message, until, None))
    }

    fn hand_out(
        &mut self,
        mut message: Message,
        until: OffsetDateTime,
        session: Option<String>,
    ) -> Received {
        message.delivery_count += 1;
        self.version += 1;
        self.locks_given += 1;
        let lock_token = self.uuid("lock", self.locks_given);
        let locked = Locked {
            message: message.clone(),
            until,
            session,
        };
        self.locked.insert(lock_token, locked);
        Received {
            message,
            lock_token,
            locked_until: until,
        }
    }

    /// Takes the message away for good; `None` where the lock is lost.
    pub(super) fn complete(&mut self, token: Uuid) -> Option<Message> {
        let message = self.locked.remove(&token)?.message;
        self.version += 1;
        Some(message)
    }

    /// Gives the message back at once, or buries it; `None` where the lock is lost.
    pub(super) fn abandon(&mut self, now: OffsetDateTime, token: Uuid) -> Option<()> {
        let message = self.locked.remove(&token)?.message;
        self.version += 1;
        if message.delivery_count >= self.config.max_delivery_count {
            self.bury(now, message, MAX_DELIVERY_COUNT_EXCEEDED);
        } else {
            self.activate(message);
        }
        Some(())
    }

    /// Moves the end of a lock; `None` where the lock is lost.
    pub(super) fn lock_until(&mut self, token: Uuid, until: OffsetDateTime) -> Option<()> {
        self.locked.get_mut(&token)?.until = until;
        Some(())
    }

    pub(super) fn forget_duplicates(&mut self) {
        self.seen.clear();
    }

    /// Forgets the ids of the scheduled messages whose time has come.
    pub(super) fn forget_due(&mut self, now: OffsetDateTime) {
        for ((at, _), message) in &self.scheduled {
            if *at <= now {
                let partition = message.sent.properties.partition_key.clone();
                self.seen.forget(&(partition, message.message_id.clone()));
            }
        }
    }

    pub(super) fn active(&self) -> impl Iterator<Item = &Message> {
        self.active.values()
    }

    pub(super) fn scheduled(&self) -> impl Iterator<Item = &Message> {
        self.scheduled.values()
    }

    pub(super) fn locked(&self) -> Vec<&Message> {
        let mut messages: Vec<&Message> = self.locked.values().map(|l| &l.message).collect();
        messages.sort_by_key(|m| m.sequence_number);
        messages
    }

    pub(super) fn dead_letters(&self) -> &[DeadLetter] {
        &self.dead
    }

    pub(super) fn history(&self) -> &[Sent] {
        &self.history
    }

    /// When the next scheduled message becomes active.
    pub(super) fn next_scheduled(&self) -> Option<OffsetDateTime> {
        self.scheduled.keys().next().map(|(at, _)| *at)
    }

    /// How many are active or out under a lock.
    pub(super) fn unsettled(&self) -> usize {
        self.active.len() + self.locked.len()
    }

    fn uuid(&self, kind: &str, number: u64) -> Uuid {
        let name = format!("{}/{kind}/{number}", self.config.name);
        Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
    }

    fn guid(&self, kind: &str, number: u64) -> String {
        self.uuid(kind, number).simple().to_string()
    }
}

/// Scheduled times have whole seconds; a fraction is cut off.
fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

#[cfg(test)]
mod tests;
