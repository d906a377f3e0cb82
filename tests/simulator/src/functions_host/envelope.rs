//! The body of an invocation, `Data` and `Metadata`, for each trigger.
//! It sends nothing and decides nothing; the rules for values are in [`super::conversion`].

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::conversion::{
    date_time, date_time_offset, drop_triggers, inlined_date, json_text, promote, put, string,
    value,
};
use crate::service_bus::message::Received;

/// How the Event Grid extension hands an event over; other versions of it did it otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventForm {
    /// As an inline object.
    #[default]
    Object,
    /// As a JSON string that holds the object.
    Text,
    /// As a JSON string that holds a JSON string literal that holds the object.
    DoublyEncoded,
}

/// What every invocation has in `Metadata.sys`.
#[derive(Clone, Debug)]
pub(super) struct Sys {
    pub(super) function: String,
    pub(super) now: OffsetDateTime,
    pub(super) guid: String,
}

impl Sys {
    fn json(&self) -> Value {
        json!({ "MethodName": self.function, "UtcNow": inlined_date(self.now, "Z"), "RandGuid": self.guid })
    }
}

/// When a timer ran and will run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimerStatus {
    /// The previous run; `None` on the first run ever.
    pub(super) last: Option<OffsetDateTime>,
    pub(super) next: OffsetDateTime,
}

/// One event.
pub(super) fn event_grid(binding: &str, event: &Value, form: EventForm, sys: &Sys) -> Value {
    let data = match form {
        EventForm::Object => event.clone(),
        EventForm::Text => json_text(event),
        EventForm::DoublyEncoded => string(&event.to_string()),
    };
    let mut metadata = Map::new();
    if let Some(payload) = event.get("data") {
        metadata.insert("data".to_owned(), value(payload));
    }
    metadata.insert("sys".to_owned(), sys.json());
    envelope(binding, &data, &metadata)
}

/// One message of a queue in the namespace `namespace`.
pub(super) fn service_bus(binding: &str, received: &Received, namespace: &str, sys: &Sys) -> Value {
    let text = received.message.text();
    let mut metadata = message_metadata(received, namespace);
    metadata.insert("sys".to_owned(), sys.json());
    promote(&text, &mut metadata);
    drop_triggers(&mut metadata);
    envelope(binding, &string(&text), &metadata)
}

fn message_metadata(received: &Received, namespace: &str) -> Map<String, Value> {
    let message = &received.message;
    let sent = &message.sent.properties;
    let custom = Value::Object(message.sent.custom.clone());
    let mut metadata = Map::new();
    for noise in [
        "MessageReceiver",
        "MessageSession",
        "MessageActions",
        "SessionActions",
        "ReceiveActions",
    ] {
        metadata.insert(noise.to_owned(), json!({}));
    }
    let client = json!({ "FullyQualifiedNamespace": namespace, "IsClosed": false, "TransportType": 0,
        "Identifier": format!("{namespace}-1f0c") });
    let always = [
        ("Client", client),
        ("DeliveryCount", json_text(&json!(message.delivery_count))),
        ("LockToken", string(&received.lock_token.to_string())),
        ("ExpiresAtUtc", date_time(message.expires_at)),
        ("ExpiresAt", date_time_offset(message.expires_at)),
        ("EnqueuedTimeUtc", date_time(message.enqueued_at)),
        ("EnqueuedTime", date_time_offset(message.enqueued_at)),
        ("MessageId", string(&message.message_id)),
        ("SequenceNumber", json_text(&json!(message.sequence_number))),
        ("ApplicationProperties", custom.clone()),
        ("UserProperties", custom),
    ];
    let where_set = [
        ("ContentType", &message.sent.content_type),
        ("Subject", &sent.label),
        ("Label", &sent.label),
        ("CorrelationId", &sent.correlation_id),
        ("ReplyTo", &sent.reply_to),
        ("To", &sent.to),
        ("SessionId", &sent.session_id),
        ("ReplyToSessionId", &sent.reply_to_session_id),
        ("PartitionKey", &sent.partition_key),
    ];
    metadata.extend(always.map(|(name, value)| (name.to_owned(), value)));
    for (name, text) in where_set {
        if let Some(text) = text {
            metadata.insert(name.to_owned(), string(text));
        }
    }
    metadata
}

/// One run of a timer; `status` is `None` where the timer is not monitored.
pub(super) fn timer(
    binding: &str,
    status: Option<&TimerStatus>,
    past_due: bool,
    by_hand: bool,
    sys: &Sys,
) -> Value {
    let status = status.map(|status| {
        let last = status.last.map_or_else(
            || "0001-01-01T00:00:00+00:00".to_owned(),
            |last| inlined_date(last, "+00:00"),
        );
        let next = inlined_date(status.next, "+00:00");
        json!({ "Last": last, "Next": next, "LastUpdated": last })
    });
    let data = json!({ "Schedule": { "AdjustForDST": true }, "ScheduleStatus": status, "IsPastDue": past_due });
    let mut metadata = Map::from_iter([("sys".to_owned(), sys.json())]);
    if by_hand {
        metadata.insert(binding.to_owned(), string(""));
    }
    envelope(binding, &data, &metadata)
}

/// Lays what a hostile or careless platform might add over the `Metadata` of an envelope.
pub(super) fn inject(envelope: &mut Value, extra: &Map<String, Value>) {
    if let Some(metadata) = envelope.get_mut("Metadata").and_then(Value::as_object_mut) {
        for (name, value) in extra {
            put(metadata, name, value.clone());
        }
    }
}

fn envelope(binding: &str, data: &Value, metadata: &Map<String, Value>) -> Value {
    json!({ "Data": { binding: data }, "Metadata": metadata })
}

#[cfg(test)]
mod tests;
