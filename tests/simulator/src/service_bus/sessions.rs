//! Receiving from a queue whose messages belong to sessions: accept one, receive from it, close it.
//! Whoever keeps a session for long says so when it accepts it, as a client that renews its lock does.

use std::time::Duration;

use super::message::{Received, Session};
use super::queue::Queue;
use super::{Broker, BrokerError};

impl Broker {
    /// Gives out the session of the oldest message that nobody has, to a receiver that renews its lock for as long as `hold`:
    /// that counts from here, however many messages follow.
    ///
    /// # Errors
    /// When there is no such queue, or it has no sessions.
    pub fn accept_session(
        &self,
        queue: &str,
        hold: Duration,
    ) -> Result<Option<Session>, BrokerError> {
        self.change(queue, |queue, now| {
            if !queue.config.requires_session {
                return Err(BrokerError::HasNoSessions);
            }
            let held = hold.max(queue.config.lock_duration);
            Ok(queue.accept_session(now + held))
        })?
    }

    /// Hands out the oldest message of a session.
    ///
    /// # Errors
    /// When there is no such queue, or the session is lost.
    pub fn receive_from(
        &self,
        queue: &str,
        session: &Session,
    ) -> Result<Option<Received>, BrokerError> {
        self.change(queue, |queue, _| queue.receive_from(session))?
    }

    /// Gives a session up in good order: it is free at once, and what was handed out in it is not counted.
    ///
    /// # Errors
    /// When there is no such queue, or the session is lost.
    pub fn close_session(&self, queue: &str, session: &Session) -> Result<(), BrokerError> {
        let closed = self.change(queue, |queue, _| queue.close_session(session))?;
        closed.ok_or(BrokerError::LockLost)
    }

    /// Leaves a session without a word, as a receiver does that dies: its lock, just renewed, runs out.
    ///
    /// # Errors
    /// When there is no such queue, or the session is lost.
    pub fn leave_session(&self, queue: &str, session: &Session) -> Result<(), BrokerError> {
        let left = self.change(queue, |queue, now| {
            queue.hold_session(session, now + queue.config.lock_duration)
        })?;
        left.ok_or(BrokerError::LockLost)
    }

    /// Takes every session from whoever has it, as if their locks had ended.
    ///
    /// # Errors
    /// When there is no such queue.
    pub fn lose_sessions(&self, queue: &str) -> Result<(), BrokerError> {
        self.change(queue, Queue::lose_all_sessions)
    }

    /// When the next lock ends of a session in which something waits.
    #[must_use]
    pub fn next_free_session(&self, queue: &str) -> Option<time::OffsetDateTime> {
        self.look(queue, Queue::next_free_session)
    }
}
