//! What time alone does to a queue: the scheduled become active, locks are lost, the old expire.
//! It hands nothing out.

use time::OffsetDateTime;
use uuid::Uuid;

use super::super::message::{DeadLetter, Message};
use super::{NEVER, Queue, TTL_EXPIRED};

impl Queue {
    /// Lets time do its work: the scheduled become active, locks are lost, the old expire.
    pub(in super::super) fn pass_time(&mut self, now: OffsetDateTime) {
        while let Some(entry) = self.scheduled.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let mut message = entry.remove();
            self.version += 1;
            // Service Bus numbers a scheduled message anew when it becomes active.
            message.sequence_number = self.next_sequence_number;
            self.next_sequence_number += 1;
            self.activate(message);
        }
        let lost: Vec<Uuid> = self
            .locked
            .iter()
            .filter(|(_, l)| l.session.is_none() && l.until <= now)
            .map(|(t, _)| *t)
            .collect();
        for token in lost {
            self.abandon(now, token);
        }
        self.lose_sessions(now);
        if self.nothing_expires_before <= now {
            self.bury_expired(now);
        }
    }

    fn bury_expired(&mut self, now: OffsetDateTime) {
        let is_expired = |message: &Message| message.expires_at <= now;
        let expired = self.active.extract_if(.., |_, it| is_expired(it));
        for (_, message) in expired.collect::<Vec<_>>() {
            self.bury(now, message, TTL_EXPIRED);
        }
        let soonest = self.active.values().map(|it| it.expires_at).min();
        self.nothing_expires_before = soonest.unwrap_or(NEVER);
    }

    pub(super) fn bury(&mut self, now: OffsetDateTime, message: Message, reason: &str) {
        self.version += 1;
        self.dead.push(DeadLetter {
            message,
            reason: reason.to_owned(),
            at: now,
        });
    }
}
