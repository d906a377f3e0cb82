//! The sessions of a queue: one receiver at a time has one, and with it the messages in it, in their order.
//! Time comes in as an argument; a session whose lock has ended is free, and whoever had it is not told.

use time::OffsetDateTime;
use uuid::Uuid;

use super::super::BrokerError;
use super::super::message::{Received, Session};
use super::{Locked, Queue};

/// Who has a session, and until when.
#[derive(Debug)]
pub(super) struct Held {
    token: Uuid,
    until: OffsetDateTime,
}

impl Queue {
    /// Gives out the session of the oldest message that nobody has, until then.
    pub(in super::super) fn accept_session(&mut self, until: OffsetDateTime) -> Option<Session> {
        let mut waiting = self.active.values().filter_map(|it| it.session());
        let id = waiting.find(|id| !self.sessions.contains_key(*id))?;
        let id = id.to_owned();
        self.version += 1;
        self.locks_given += 1;
        let token = self.uuid("session", self.locks_given);
        self.sessions.insert(id.clone(), Held { token, until });
        Some(Session { id, token })
    }

    /// Hands out the oldest message of a session, for as long as the session is held.
    ///
    /// # Errors
    /// When the session is lost.
    pub(in super::super) fn receive_from(
        &mut self,
        session: &Session,
    ) -> Result<Option<Received>, BrokerError> {
        let until = self.held(session).ok_or(BrokerError::LockLost)?.until;
        let mut waiting = self.active.iter();
        let oldest = waiting.find(|(_, it)| it.session() == Some(&session.id));
        let number = oldest.map(|(number, _)| *number);
        let message = number.and_then(|number| self.active.remove(&number));
        Ok(message.map(|message| self.hand_out(message, until, Some(session.id.clone()))))
    }

    /// Moves the end of a session's lock; `None` where the session is lost.
    pub(in super::super) fn hold_session(
        &mut self,
        session: &Session,
        until: OffsetDateTime,
    ) -> Option<()> {
        self.held(session)?.until = until;
        Some(())
    }

    /// Gives a session up in good order: what was handed out in it comes back as if it had not been.
    pub(in super::super) fn close_session(&mut self, session: &Session) -> Option<()> {
        self.held(session)?;
        self.sessions.remove(&session.id);
        self.version += 1;
        for token in self.tokens_in(&session.id) {
            if let Some(mut locked) = self.locked.remove(&token) {
                locked.message.delivery_count -= 1;
                self.activate(locked.message);
            }
        }
        Some(())
    }

    /// Frees the sessions whose lock has ended: what was handed out in them counts as delivered.
    pub(super) fn lose_sessions(&mut self, now: OffsetDateTime) {
        let lost = self.sessions.extract_if(.., |_, held| held.until <= now);
        for (id, _) in lost.collect::<Vec<_>>() {
            self.version += 1;
            for token in self.tokens_in(&id) {
                self.abandon(now, token);
            }
        }
    }

    /// Frees every session as if its lock had ended, though whoever has it goes on.
    pub(in super::super) fn lose_all_sessions(&mut self, now: OffsetDateTime) {
        self.sessions.values_mut().for_each(|held| held.until = now);
        self.lose_sessions(now);
    }

    /// When the next lock ends of a session in which something waits.
    pub(in super::super) fn next_free_session(&self) -> Option<OffsetDateTime> {
        let waiting = self.active.values().filter_map(|it| it.session());
        waiting
            .filter_map(|id| self.sessions.get(id))
            .map(|it| it.until)
            .min()
    }

    fn held(&mut self, session: &Session) -> Option<&mut Held> {
        let held = self.sessions.get_mut(&session.id);
        held.filter(|held| held.token == session.token)
    }

    fn tokens_in(&self, session: &str) -> Vec<Uuid> {
        let is_in = |locked: &Locked| locked.session.as_deref() == Some(session);
        let locked = self.locked.iter().filter(|(_, it)| is_in(it));
        locked.map(|(token, _)| *token).collect()
    }
}

#[cfg(test)]
mod tests;
