//! What the broker refuses, in Service Bus's own words.
//! It says nothing of how HTTP puts it.

/// What the broker refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerError {
    /// No queue has this name.
    NoSuchQueue,
    /// The lock was settled before, or it is lost.
    LockLost,
    /// The queue has sessions, and the message names none.
    SessionIdMissing,
    /// The queue has sessions: whoever receives has to have one.
    HasSessions,
    /// The queue has no sessions.
    HasNoSessions,
}

impl std::fmt::Display for BrokerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoSuchQueue => "no queue has this name",
            Self::LockLost => "the lock is lost or the message was settled before",
            Self::SessionIdMissing => {
                "The SessionId was not set on a message, and it cannot be sent to the entity."
            }
            Self::HasSessions => {
                "It is not possible for an entity that requires sessions to create a non-sessionful message receiver."
            }
            Self::HasNoSessions => {
                "A sessionful message receiver cannot be created on an entity that does not require sessions."
            }
        })
    }
}

impl std::error::Error for BrokerError {}
