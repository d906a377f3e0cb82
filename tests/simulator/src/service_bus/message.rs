//! Messages as senders hand them over and as queues keep them.
//! Nothing here knows of queues, locks or HTTP.

use std::time::Duration;

use crate::clock::Ahead;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a sender may say about a message beside its body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BrokerProperties {
    /// The key of duplicate detection; the broker makes one up when it is absent.
    pub message_id: Option<String>,
    /// An id that ties messages together.
    pub correlation_id: Option<String>,
    /// The session, for entities with sessions.
    pub session_id: Option<String>,
    /// The subject, called Label on the wire.
    pub label: Option<String>,
    /// Where to answer.
    pub reply_to: Option<String>,
    /// The session to answer in.
    pub reply_to_session_id: Option<String>,
    /// Where the message is to go.
    pub to: Option<String>,
    /// The partition; part of the key of duplicate detection.
    pub partition_key: Option<String>,
    /// How long the message lives once it is enqueued.
    pub time_to_live: Option<Duration>,
    /// When the message becomes active, in the broker's time.
    pub scheduled_enqueue_time: Option<OffsetDateTime>,
}

/// A message as it is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewMessage {
    /// The raw body.
    pub body: Bytes,
    /// The content type of the body.
    pub content_type: Option<String>,
    /// The broker's properties.
    pub properties: BrokerProperties,
    /// The custom (application) properties.
    pub custom: Map<String, Value>,
}

impl NewMessage {
    /// A JSON message with a `MessageId`.
    #[must_use]
    pub fn json(message_id: &str, body: &Value) -> Self {
        Self {
            body: Bytes::from(body.to_string()),
            content_type: Some("application/json".to_owned()),
            properties: BrokerProperties {
                message_id: Some(message_id.to_owned()),
                ..BrokerProperties::default()
            },
            custom: Map::new(),
        }
    }

    /// The same message in a session.
    #[must_use]
    pub fn in_session(mut self, id: &str) -> Self {
        self.properties.session_id = Some(id.to_owned());
        self
    }

    /// The same message, active only from `at` on.
    #[must_use]
    pub fn scheduled(mut self, at: OffsetDateTime) -> Self {
        self.properties.scheduled_enqueue_time = Some(at);
        self
    }
}

/// A message that a queue holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The queue's own number for it.
    pub sequence_number: u64,
    /// The `MessageId`, the sender's or the broker's.
    pub message_id: String,
    /// What the sender handed over.
    pub sent: NewMessage,
    /// When it was sent.
    pub sent_at: OffsetDateTime,
    /// When it became, or becomes, active.
    pub enqueued_at: OffsetDateTime,
    /// When it expires.
    pub expires_at: OffsetDateTime,
    /// How often it has been handed out.
    pub delivery_count: u32,
    /// How far the clock was ahead of real time when it was sent.
    pub sent_ahead: Ahead,
}

impl Message {
    /// The session that it belongs to, where it belongs to one.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.sent.properties.session_id.as_deref()
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.sent.body).into_owned()
    }

    /// The body as JSON, or null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.sent.body).unwrap_or(Value::Null)
    }
}

/// A session that a receiver has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, which its messages carry.
    pub id: String,
    /// What shows that the receiver has it.
    pub token: Uuid,
}

/// A message handed out under a lock.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The message; its delivery count includes this delivery.
    pub message: Message,
    /// What settles it.
    pub lock_token: Uuid,
    /// When the lock is lost.
    pub locked_until: OffsetDateTime,
}

/// A message in the dead-letter queue.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The message as it was.
    pub message: Message,
    /// Why it is here, in the broker's word.
    pub reason: String,
    /// When it came here.
    pub at: OffsetDateTime,
}

/// What became of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SendOutcome {
    /// It is in the queue, or will be at its time.
    Accepted,
    /// It repeats a `MessageId` within the window; the sender is not told.
    Duplicate,
}

/// One send in a queue's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// The `MessageId`.
    pub message_id: String,
    /// When it was sent.
    pub at: OffsetDateTime,
    /// What became of it.
    pub outcome: SendOutcome,
    /// The message.
    pub message: NewMessage,
}
