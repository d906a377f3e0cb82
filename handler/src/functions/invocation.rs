//! The envelope in which the host delivers: a trigger's payload under `Data`, and `Metadata` beside it.
//!
//! It must not trust Metadata: whoever writes a message's body can overwrite almost all of it.
//! Source of the encoding: the Functions host, `GetHttpScriptInvocationContextValue`.

mod events;

use std::borrow::Cow;

use axum::{extract::Request, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::Function;
use events::Events;

/// The largest request that is read. An event of 1 MiB, the largest that Event Grid takes, arrives as 2 MiB.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// One call of the host.
#[derive(Debug)]
pub struct Invocation {
    /// The W3C trace of the call, where it has a sound one.
    pub traceparent: Option<String>,
    /// Is this not the first delivery of the message?
    pub is_redelivery: bool,
    payload: Result<Box<RawValue>, EnvelopeError>,
}

/// Why a call is not one of the host's.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The body did not arrive whole, or is too large.
    #[error("the call's body cannot be read, or is larger than 16 MiB")]
    Body(#[source] axum::Error),
    /// The body is not the host's envelope.
    #[error("the call's body is not the host's envelope")]
    Malformed(#[source] serde_json::Error),
    /// The trigger's binding has another name.
    #[error("the call carries no `{0}`")]
    NoPayload(&'static str),
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Data")]
    data: Data,
    #[serde(rename = "Metadata", default)]
    metadata: Option<Box<RawValue>>,
}

/// The payload under the name of its binding; others are none of ours, however many there are.
#[derive(Deserialize)]
struct Data {
    event: Option<Box<RawValue>>,
    request: Option<Box<RawValue>>,
    timer: Option<Box<RawValue>>,
}

impl Invocation {
    /// Reads a call; what is wrong with its payload is told when the payload is asked for.
    pub async fn read(function: Function, http: Request) -> Self {
        let traceparent = header(http.headers(), "traceparent")
            .filter(|value| is_traceparent(value))
            .map(ToOwned::to_owned);
        let body = axum::body::to_bytes(http.into_body(), MAX_BODY)
            .await
            .map_err(EnvelopeError::Body);
        let envelope = body.and_then(|body| {
            serde_json::from_slice::<Envelope>(&body).map_err(EnvelopeError::Malformed)
        });
        let (payload, is_redelivery) = match envelope {
            Ok(mut envelope) => (
                envelope.payload(function.binding),
                envelope.delivery_count().is_some_and(|count| count > 1),
            ),
            Err(error) => (Err(error), false),
        };
        Self {
            traceparent,
            is_redelivery,
            payload,
        }
    }

    /// The events of an Event Grid trigger, of each what is read of events.
    ///
    /// # Errors
    /// Where the call is not one of the host's.
    pub fn events(self) -> Result<Vec<Value>, EnvelopeError> {
        // The extension decides how often the value is wrapped in a string: unwrap until it is none.
        let payload = self.payload?;
        let mut text = Cow::from(payload.get());
        for _ in 0..2 {
            let Ok(inner) = serde_json::from_str::<String>(&text) else {
                break;
            };
            text = Cow::from(inner);
        }
        let events: Events = serde_json::from_str(&text).map_err(EnvelopeError::Malformed)?;
        Ok(events.0)
    }

    /// The text of a Service Bus message: the host writes it as a JSON string within a JSON string.
    ///
    /// # Errors
    /// Where the call is not one of the host's.
    pub fn text(self) -> Result<String, EnvelopeError> {
        let payload = self.payload?;
        let Ok(text) = serde_json::from_str::<String>(payload.get()) else {
            return Ok(payload.get().to_owned());
        };
        Ok(serde_json::from_str(&text).unwrap_or(text))
    }
}

impl Envelope {
    fn payload(&mut self, binding: &'static str) -> Result<Box<RawValue>, EnvelopeError> {
        let data = &mut self.data;
        let payload = match binding {
            "event" => data.event.take(),
            "request" => data.request.take(),
            "timer" => data.timer.take(),
            _ => None,
        };
        payload.ok_or(EnvelopeError::NoPayload(binding))
    }

    /// The count as the broker gave it: text of a number. One that came out of the body is text of a string.
    fn delivery_count(&self) -> Option<u32> {
        #[derive(Deserialize)]
        struct Metadata {
            #[serde(rename = "DeliveryCount")]
            delivery_count: Option<String>,
        }
        let metadata: Metadata = serde_json::from_str(self.metadata.as_ref()?.get()).ok()?;
        metadata.delivery_count?.parse().ok()
    }
}

/// A header of a call, where it is short text.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)?
        .to_str()
        .ok()
        .filter(|value| value.len() <= 128)
}

/// Has the text the form of a W3C `traceparent`, version 00?
pub fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([2, 32, 16, 2])
        && parts
            .iter()
            .all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
