//! Service Bus: sending a message, with an Entra token under a client that knows only shared keys.
//!
//! Nothing of that client may be seen outside this file: its successor replaces it here.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core_legacy::{
    Body, HttpClient, Request as LegacyRequest, Response as LegacyResponse, StatusCode,
    error::{Error as LegacyError, ErrorKind},
    headers::Headers,
};
use azure_messaging_servicebus::service_bus::{
    QueueClient, SendMessageOptions, SettableBrokerProperties,
};
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, HeaderValue},
};
use time::OffsetDateTime;

use crate::{
    cloud::Cloud,
    credential::Tokens,
    error::{Error, Kind},
    http::{Call, Channel, Endpoint, Http},
};

const OPERATION: &str = "send a message to";

/// The client of a Service Bus namespace; a clone shares its connections.
#[derive(Debug, Clone)]
pub struct ServiceBus(Arc<Bearer>);

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The body.
    pub body: String,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The queue drops a message whose id it has seen within its window.
    pub message_id: String,
    /// The session: a queue that has sessions hands out one message of each at a time, and takes none without.
    pub session_id: Option<String>,
    /// The label, called subject elsewhere.
    pub label: Option<String>,
    /// What the message is about, for whoever correlates.
    pub correlation_id: Option<String>,
    /// When the message becomes visible, rounded up to a whole second; at once where absent.
    pub scheduled: Option<OffsetDateTime>,
    /// Custom properties, by which subscriptions can filter.
    pub properties: Vec<(&'static str, String)>,
}

impl ServiceBus {
    /// The namespace at this address.
    pub fn new(http: Http, endpoint: Endpoint, tokens: Tokens, cloud: Cloud) -> Self {
        Self(Arc::new(Bearer(Channel::new(
            http,
            endpoint,
            tokens,
            cloud.service_bus_scope(),
        ))))
    }

    /// Sends a message to a queue or topic.
    ///
    /// # Errors
    /// Where Service Bus does not take it.
    pub async fn send(&self, queue: &str, message: &Message) -> Result<(), Error> {
        let transport: Arc<dyn HttpClient> = self.0.clone();
        // Namespace, policy and key go into an address and a header that `Bearer` replaces.
        let client = QueueClient::new(transport, "namespace", queue, "none", "none")
            .map_err(|error| foreign(error, queue))?;
        let sent = client
            .send_message(&message.body, Some(message.options()))
            .await;
        sent.map_err(|error| foreign(error, queue))
    }
}

impl Message {
    fn options(&self) -> SendMessageOptions {
        let broker_properties = SettableBrokerProperties {
            message_id: Some(self.message_id.clone()),
            session_id: self.session_id.clone(),
            label: self.label.clone(),
            correlation_id: self.correlation_id.clone(),
            scheduled_enqueue_time_utc: self.scheduled.map(whole_second),
            ..SettableBrokerProperties::default()
        };
        let quoted = |value: &str| serde_json::Value::from(value).to_string();
        let custom: HashMap<String, String> = self
            .properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), quoted(value)))
            .collect();
        SendMessageOptions {
            content_type: Some(self.content_type.to_owned()),
            broker_properties: Some(broker_properties),
            custom_properties: Some(custom),
        }
    }
}

/// Scheduled times have whole seconds: rounded down, a message would come too early.
fn whole_second(time: OffsetDateTime) -> OffsetDateTime {
    let utc = time.to_offset(time::UtcOffset::UTC);
    let cut = utc.replace_nanosecond(0).unwrap_or(utc);
    if cut < utc {
        cut + Duration::from_secs(1)
    } else {
        cut
    }
}

/// Our own error comes back out of the client's; anything else is one that the client made up.
fn foreign(error: LegacyError, queue: &str) -> Error {
    error.into_downcast::<Error>().unwrap_or_else(|error| {
        Error::of_kind(Kind::Malformed, OPERATION, queue).with_source(error)
    })
}

/// The transport beneath the client: our connection, our address, an Entra token instead of a shared key.
#[derive(Debug)]
struct Bearer(Channel);

#[async_trait]
impl HttpClient for Bearer {
    async fn execute_request(
        &self,
        request: &LegacyRequest,
    ) -> azure_core_legacy::Result<LegacyResponse> {
        let path = request.url().path().to_owned();
        let queue = path
            .trim_start_matches('/')
            .trim_end_matches("/messages")
            .to_owned();
        let mut call = Call::new(
            OPERATION,
            &queue,
            Method::POST,
            self.0.endpoint().join(&path, &[]),
        );
        for (name, value) in request.headers().iter() {
            // One that is left out would take a message's id or time with it.
            let (name, value) = header(name.as_str(), value.as_str()).map_err(|error| {
                let error = Error::of_kind(Kind::Invalid, OPERATION, &queue).with_source(error);
                LegacyError::new(ErrorKind::Other, error)
            })?;
            if name != AUTHORIZATION && name != CONTENT_LENGTH {
                call.headers.insert(name, value);
            }
        }
        if let Body::Bytes(body) = request.body() {
            call.body = Some(body.clone());
        }
        match self.0.send(&call).await {
            Ok(_) => Ok(LegacyResponse::new(
                StatusCode::Created,
                Headers::new(),
                Box::pin(futures::stream::empty()),
            )),
            Err(error) => Err(LegacyError::new(ErrorKind::Other, explained(error))),
        }
    }
}

/// Service Bus answers 403 for more than one reason.
fn explained(error: Error) -> Error {
    match error.kind() {
        Kind::Denied => error.with_message(
            "the identity lacks the role Azure Service Bus Data Sender, or the queue is full, or the message is too large",
        ),
        _ => error,
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), BoxError> {
    Ok((
        HeaderName::from_bytes(name.as_bytes())?,
        HeaderValue::from_str(&ascii(value))?,
    ))
}

/// Headers are printable ASCII; their values here are JSON, which can escape everything else.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for unit in json.chars() {
        // JSON leaves DEL as it is, a header may not hold it.
        if unit.is_ascii() && !unit.is_ascii_control() {
            text.push(unit);
        } else {
            let mut units = [0; 2];
            for unit in unit.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
