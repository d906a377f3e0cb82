//! The REST protocol of the namespace: send, peek-lock, settle, receive-and-delete.
//! It keeps no state: the queues are the broker's, the tokens the world's.

mod receive;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use serde_json::{Map, Value};

use super::broker_properties;
use super::message::{BrokerProperties, NewMessage};
use super::{Broker, BrokerError};
use crate::World;
use crate::faults::observed;
use crate::journal::Service;
use receive::{abandon, complete, peek_lock, receive_and_delete, renew};

/// The audience of a Service Bus token.
const AUDIENCE: &str = "https://servicebus.azure.net";
/// The largest message of the Standard tier, headers included.
const LARGEST_MESSAGE: usize = 256 * 1024;
const BATCH: &str = "application/vnd.microsoft.servicebus.json";

#[derive(Clone, Debug)]
struct Namespace {
    world: World,
    broker: Broker,
}

/// The namespace's endpoint.
pub fn router(world: World, broker: Broker) -> Router {
    let namespace = Namespace {
        world: world.clone(),
        broker,
    };
    let routes = Router::new()
        .route("/{queue}/messages", post(send))
        .route(
            "/{queue}/messages/head",
            post(peek_lock).delete(receive_and_delete),
        )
        .route(
            "/{queue}/messages/{sequence_number}/{lock_token}",
            delete(complete).put(abandon).post(renew),
        )
        .fallback(async || refuse(StatusCode::NOT_FOUND, "no such address"))
        .layer(DefaultBodyLimit::disable())
        .with_state(namespace);
    observed(routes, Service::ServiceBus, world)
}

/// What Service Bus puts into the body of a refusal.
fn refuse(status: StatusCode, detail: &str) -> Response {
    let detail = detail.replace('&', "&amp;").replace('<', "&lt;");
    let code = status.as_u16();
    let xml = format!("<Error><Code>{code}</Code><Detail>{detail}</Detail></Error>");
    (
        status,
        [(header::CONTENT_TYPE, "application/xml; charset=utf-8")],
        xml,
    )
        .into_response()
}

fn refused(error: BrokerError) -> Response {
    let status = match error {
        BrokerError::NoSuchQueue => StatusCode::NOT_FOUND,
        BrokerError::LockLost => StatusCode::GONE,
        // Seen by senders over REST: a message without its session is answered 405.
        BrokerError::SessionIdMissing => StatusCode::METHOD_NOT_ALLOWED,
        BrokerError::HasSessions | BrokerError::HasNoSessions => StatusCode::BAD_REQUEST,
    };
    refuse(status, &error.to_string())
}

impl Namespace {
    /// Local authentication is off, so a shared access signature is refused like any other stranger.
    #[expect(clippy::result_large_err, reason = "the refusal is the answer itself")]
    fn authorize(&self, headers: &HeaderMap) -> Result<(), Response> {
        let caller = self.world.tokens.check(headers, AUDIENCE);
        caller.map(|_| ()).map_err(|_| {
            refuse(
                StatusCode::UNAUTHORIZED,
                "InvalidToken: the token is missing, expired or meant for another audience",
            )
        })
    }

    #[expect(clippy::result_large_err, reason = "the refusal is the answer itself")]
    fn authorize_sending(&self, headers: &HeaderMap) -> Result<(), Response> {
        self.authorize(headers)?;
        if self.broker.sending_is_denied() {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "Unauthorized access. 'Send' claim(s) are required to perform this operation.",
            ));
        }
        Ok(())
    }
}

async fn send(
    State(namespace): State<Namespace>,
    Path(queue): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    accept(&namespace, &queue, &headers, body).unwrap_or_else(|refusal| refusal)
}

#[expect(clippy::result_large_err, reason = "the refusal is the answer itself")]
fn accept(
    namespace: &Namespace,
    queue: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    namespace.authorize_sending(headers)?;
    let broker = &namespace.broker;
    if !broker
        .queue_names()
        .iter()
        .any(|name| name.eq_ignore_ascii_case(queue))
    {
        return Err(refused(BrokerError::NoSuchQueue));
    }
    if body.len() + header_size(headers) > LARGEST_MESSAGE {
        return Err(refuse(
            StatusCode::FORBIDDEN,
            "the message is larger than the queue allows, or its quota is exceeded",
        ));
    }
    // Senders live in real time; the simulator's clock may be ahead of it.
    let offset = namespace.world.clock.offset();
    let content_type = headers.get(header::CONTENT_TYPE).map(text);
    let messages = match content_type {
        Some(kind) if kind.starts_with(BATCH) => batch(&body, offset),
        content_type => single(headers, content_type, body, offset).map(|message| vec![message]),
    };
    for message in messages.map_err(|why| refuse(StatusCode::BAD_REQUEST, &why))? {
        broker.send(queue, message).map_err(refused)?;
    }
    Ok((StatusCode::CREATED, Body::empty()).into_response())
}

fn single(
    headers: &HeaderMap,
    content_type: Option<String>,
    body: Bytes,
    offset: time::Duration,
) -> Result<NewMessage, String> {
    let properties = match headers.get("brokerproperties") {
        None => BrokerProperties::default(),
        Some(value) => {
            let value = std::str::from_utf8(value.as_bytes());
            broker_properties::parse(
                value.map_err(|_| "the BrokerProperties header is not ASCII")?,
                offset,
            )?
        }
    };
    let custom = headers.iter().filter(|(name, _)| is_custom(name));
    let custom = custom
        .map(|(name, value)| (name.as_str().to_owned(), property(&text(value))))
        .collect();
    Ok(NewMessage {
        body,
        content_type,
        properties,
        custom,
    })
}

/// The batch form: an array of bodies with their properties.
fn batch(body: &[u8], offset: time::Duration) -> Result<Vec<NewMessage>, String> {
    let entries: Vec<Map<String, Value>> = serde_json::from_slice(body)
        .map_err(|e| format!("the batch is not an array of objects: {e}"))?;
    let message = |entry: &Map<String, Value>| {
        let body = entry
            .get("Body")
            .and_then(Value::as_str)
            .ok_or("an entry has no Body")?;
        let properties = match entry.get("BrokerProperties") {
            None => BrokerProperties::default(),
            Some(properties) => broker_properties::parse(&properties.to_string(), offset)?,
        };
        let custom = entry
            .get("UserProperties")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        Ok(NewMessage {
            body: Bytes::from(body.to_owned()),
            content_type: None,
            properties,
            custom,
        })
    };
    entries.iter().map(message).collect()
}

fn header_size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// Every header that HTTP and the protocol do not claim is a custom property.
fn is_custom(name: &HeaderName) -> bool {
    const CLAIMED: [&str; 16] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",
        "brokerproperties",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "expect",
        "host",
        "traceparent",
        "tracestate",
        "transfer-encoding",
        "user-agent",
    ];
    !CLAIMED.contains(&name.as_str()) && !name.as_str().starts_with("x-ms-")
}

/// Quotes make a string; a bare number or boolean is one; other bare text stays text.
fn property(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
