//! Receiving over REST: peek-lock, settle, receive-and-delete.
//! It sends nothing; the locks are the broker's.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::super::broker_properties;
use super::super::message::Message;
use super::super::{Broker, BrokerError, LOOK_EVERY};
use super::{Namespace, refused, text};

/// How long a receiver waits that does not say.
const RECEIVE_TIMEOUT: u64 = 60;

pub(super) async fn peek_lock(
    State(namespace): State<Namespace>,
    Path(queue): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = namespace.authorize(&headers) {
        return refusal;
    }
    let broker = &namespace.broker;
    let received = match patiently(broker, timeout(&query), || broker.receive(&queue)).await {
        Ok(Some(received)) => received,
        Ok(None) => return StatusCode::NO_CONTENT.into_response(),
        Err(error) => return refused(error),
    };
    let host = headers.get(header::HOST).map(text).unwrap_or_default();
    let number = received.message.sequence_number;
    let location = format!(
        "http://{host}/{queue}/messages/{number}/{}",
        received.lock_token
    );
    let properties = broker_properties::render(&received);
    let mut response = message_response(StatusCode::CREATED, received.message, &properties);
    set(&mut response, header::LOCATION, &location);
    response
}

pub(super) async fn receive_and_delete(
    State(namespace): State<Namespace>,
    Path(queue): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = namespace.authorize(&headers) {
        return refusal;
    }
    let broker = &namespace.broker;
    let taken = patiently(broker, timeout(&query), || {
        match broker.receive(&queue)? {
            Some(received) => broker.complete(&queue, received.lock_token).map(Some),
            None => Ok(None),
        }
    });
    match taken.await {
        Ok(Some(message)) => {
            let properties = broker_properties::render_unlocked(&message);
            message_response(StatusCode::OK, message, &properties)
        }
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(error),
    }
}

fn timeout(query: &HashMap<String, String>) -> Duration {
    let seconds = query.get("timeout").and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(RECEIVE_TIMEOUT))
}

/// Tries again on every change until there is something or the time is up.
async fn patiently<T>(
    broker: &Broker,
    patience: Duration,
    mut attempt: impl FnMut() -> Result<Option<T>, BrokerError>,
) -> Result<Option<T>, BrokerError> {
    let mut changes = broker.changes();
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        changes.mark_unchanged();
        let found = attempt()?;
        if found.is_some() || tokio::time::Instant::now() >= deadline {
            return Ok(found);
        }
        changes.mark_unchanged();
        let _ = tokio::time::timeout(LOOK_EVERY, changes.changed()).await;
    }
}

fn message_response(status: StatusCode, message: Message, properties: &str) -> Response {
    let mut response = (status, Body::from(message.sent.body)).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    if let Some(kind) = &message.sent.content_type {
        set(&mut response, header::CONTENT_TYPE, kind);
    }
    set(
        &mut response,
        HeaderName::from_static("brokerproperties"),
        properties,
    );
    for (name, value) in &message.sent.custom {
        if let Ok(name) = HeaderName::try_from(name.as_str()) {
            set(&mut response, name, &value.to_string());
        }
    }
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

pub(super) async fn complete(
    state: State<Namespace>,
    path: Path<(String, u64, String)>,
    headers: HeaderMap,
) -> Response {
    settle(&state, &path, &headers, |broker, queue, token| {
        broker.complete(queue, token).map(|_| ())
    })
}

pub(super) async fn abandon(
    state: State<Namespace>,
    path: Path<(String, u64, String)>,
    headers: HeaderMap,
) -> Response {
    settle(&state, &path, &headers, Broker::abandon)
}

pub(super) async fn renew(
    state: State<Namespace>,
    path: Path<(String, u64, String)>,
    headers: HeaderMap,
) -> Response {
    settle(&state, &path, &headers, |broker, queue, token| {
        broker.renew(queue, token).map(|_| ())
    })
}

fn settle(
    namespace: &Namespace,
    path: &(String, u64, String),
    headers: &HeaderMap,
    how: impl FnOnce(&Broker, &str, Uuid) -> Result<(), BrokerError>,
) -> Response {
    if let Err(refusal) = namespace.authorize(headers) {
        return refusal;
    }
    let token = path.2.parse().map_err(|_| BrokerError::LockLost);
    match token.and_then(|token| how(&namespace.broker, &path.0, token)) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => refused(error),
    }
}
