//! A small HTTP surface on loopback to look into a running simulator and to put faults into it.
//! It decides nothing: it shows what others keep, and hands over what it is sent.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::World;
use crate::event_grid::EventGrid;
use crate::faults::FaultRule;
use crate::functions_host::FunctionsHost;
use crate::loopback::Server;
use crate::service_bus::Broker;
use crate::service_bus::message::{DeadLetter, Message};
use crate::state::CLUSTERS;

/// What there is to look into.
#[derive(Clone, Debug)]
pub struct Surface {
    /// The world.
    pub world: World,
    /// The queues.
    pub broker: Broker,
    /// The Event Grid, if there is one.
    pub event_grid: Option<EventGrid>,
    /// The host, if there is one.
    pub host: Option<Arc<FunctionsHost>>,
}

/// The control surface; dropping it closes its port.
#[derive(Debug)]
pub struct Control {
    server: Server,
}

impl Control {
    /// Serves on `port` of 127.0.0.1, or on a free one where it is 0.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(surface: Surface, port: u16) -> anyhow::Result<Self> {
        Ok(Self {
            server: Server::start(router(surface), port).await?,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

fn router(surface: Surface) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/journal", get(journal))
        .route("/results", get(results))
        .route("/requests", get(requests))
        .route("/dead-letters", get(dead_letters))
        .route("/clusters", get(clusters))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/events", post(publish))
        .route("/invocations", get(invocations))
        .route("/logs", get(logs))
        .route("/tick/{function}", post(tick))
        .with_state(surface)
}

const PAGE: &str = "\
A local Azure for Vaultbind

GET    /journal?since=N   every request that a simulated service was sent, after entry N
GET    /results           the messages on the results queue
GET    /requests          the messages on the requests queue: active, locked, scheduled
GET    /dead-letters      the messages and the events that were given up
GET    /clusters          the clusters as they are now
GET    /invocations       the invocations that have ended
GET    /logs              the log lines that came with the answers
GET    /faults            the faults that are still to come
POST   /faults            add one: {\"service\":\"arm\",\"method\":\"PATCH\",\"pathContains\":\"/clusters/\",\"fault\":{\"html\":{\"status\":502}}}
DELETE /faults            take them all away
POST   /events            publish an event, or an array of them, in either schema
POST   /tick/resync       let the timer function run
";

async fn page(State(surface): State<Surface>) -> Response {
    let webhook = surface
        .host
        .as_ref()
        .and_then(|host| host.event_grid_endpoint("resource-event").ok());
    let webhook = webhook.map(|url| {
        format!(
            "\nThe host takes events, with the header aeg-event-type: Notification, at\n{url}\n"
        )
    });
    let text = format!("{PAGE}{}", webhook.unwrap_or_default());
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

#[derive(Debug, Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn journal(State(surface): State<Surface>, Query(Since { since }): Query<Since>) -> Response {
    Json(surface.world.journal.since(since)).into_response()
}

async fn results(State(surface): State<Surface>) -> Json<Value> {
    Json(messages(&surface.broker.messages("results")))
}

async fn requests(State(surface): State<Surface>) -> Json<Value> {
    let broker = &surface.broker;
    Json(json!({
        "active": messages(&broker.messages("requests")),
        "locked": messages(&broker.locked("requests")),
        "scheduled": messages(&broker.scheduled("requests")),
    }))
}

async fn dead_letters(State(surface): State<Surface>) -> Json<Value> {
    let broker = &surface.broker;
    let queue = |name: &String| {
        let letters: Vec<Value> = broker.dead_letters(name).iter().map(dead_letter).collect();
        (name.clone(), Value::from(letters))
    };
    let queues: serde_json::Map<String, Value> = broker.queue_names().iter().map(queue).collect();
    let events = surface
        .event_grid
        .as_ref()
        .map(EventGrid::dead_letters)
        .unwrap_or_default();
    Json(json!({ "queues": queues, "events": events }))
}

async fn clusters(State(surface): State<Surface>) -> Json<Value> {
    Json(Value::from(
        surface
            .world
            .azure()
            .resources_of(CLUSTERS)
            .cloned()
            .collect::<Vec<_>>(),
    ))
}

async fn faults(State(surface): State<Surface>) -> Response {
    Json(surface.world.faults.rules()).into_response()
}

async fn add_fault(State(surface): State<Surface>, Json(rule): Json<FaultRule>) -> StatusCode {
    surface.world.faults.add(rule);
    StatusCode::CREATED
}

async fn clear_faults(State(surface): State<Surface>) -> StatusCode {
    surface.world.faults.clear();
    StatusCode::NO_CONTENT
}

async fn publish(State(surface): State<Surface>, Json(body): Json<Value>) -> Response {
    let Some(grid) = &surface.event_grid else {
        return (StatusCode::NOT_FOUND, "there is no Event Grid").into_response();
    };
    match body {
        Value::Array(events) => events.iter().for_each(|event| grid.publish(event)),
        event => grid.publish(&event),
    }
    StatusCode::ACCEPTED.into_response()
}

async fn invocations(State(surface): State<Surface>) -> Response {
    Json(
        surface
            .host
            .map(|host| host.invocations())
            .unwrap_or_default(),
    )
    .into_response()
}

async fn logs(State(surface): State<Surface>) -> Response {
    Json(surface.host.map(|host| host.logs()).unwrap_or_default()).into_response()
}

async fn tick(State(surface): State<Surface>, Path(function): Path<String>) -> Response {
    let Some(host) = &surface.host else {
        return (StatusCode::NOT_FOUND, "there is no host").into_response();
    };
    match host.tick(&function).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => (StatusCode::BAD_GATEWAY, format!("{why:#}")).into_response(),
    }
}

fn messages(messages: &[Message]) -> Value {
    messages.iter().map(message).collect()
}

fn message(message: &Message) -> Value {
    let body = match message.json() {
        Value::Null => Value::String(message.text()),
        body => body,
    };
    let sent = &message.sent.properties;
    json!({
        "messageId": message.message_id,
        "label": sent.label,
        "correlationId": sent.correlation_id,
        "properties": message.sent.custom,
        "enqueuedAt": message.enqueued_at.format(&Rfc3339).ok(),
        "deliveryCount": message.delivery_count,
        "body": body,
    })
}

fn dead_letter(letter: &DeadLetter) -> Value {
    json!({ "reason": letter.reason, "at": letter.at.format(&Rfc3339).ok(), "message": message(&letter.message) })
}

#[cfg(test)]
mod tests;
