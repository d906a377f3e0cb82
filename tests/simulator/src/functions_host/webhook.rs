//! The host's own endpoints: the Event Grid webhook and the admin API, on a loopback port.
//! They begin invocations and report how those ended; they keep nothing.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::future::join_all;
use serde_json::Value;

use super::app::{Function, Trigger};
use super::envelope;
use super::invocation::Host;
use super::timer_trigger::{self, Run};

/// The endpoints of a host.
pub(super) fn router(host: Arc<Host>) -> Router {
    Router::new()
        .route("/admin/functions/{name}", post(run_by_hand))
        .route("/admin/host/ping", get(ping))
        .fallback(other)
        .layer(DefaultBodyLimit::max(100 * 1024 * 1024))
        .with_state(host)
}

async fn ping(State(host): State<Arc<Host>>) -> StatusCode {
    if host.accepts() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn run_by_hand(State(host): State<Arc<Host>>, Path(name): Path<String>) -> Response {
    if !host.accepts() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let Some(function) = host.app.function(&name).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !matches!(function.trigger, Trigger::Timer { .. }) {
        return (
            StatusCode::BAD_REQUEST,
            "only timer functions are run by hand here",
        )
            .into_response();
    }
    tokio::spawn(async move { timer_trigger::run(&host, &function, Run::ByHand).await });
    StatusCode::ACCEPTED.into_response()
}

/// The path of the webhook is not case-sensitive, so it is compared here.
async fn other(
    State(host): State<Arc<Host>>,
    method: Method,
    uri: Uri,
    query: Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !uri
        .path()
        .trim_end_matches('/')
        .eq_ignore_ascii_case("/runtime/webhooks/eventgrid")
    {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !host.accepts() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "Function host is not running.",
        )
            .into_response();
    }
    let known = query
        .get("functionName")
        .and_then(|name| host.app.function(name));
    match known {
        Some(function) if matches!(function.trigger, Trigger::EventGrid) => {
            let function = function.clone();
            event_grid(&host, &function, &method, &headers, &body).await
        }
        _ => (StatusCode::NOT_FOUND, "cannot find the function").into_response(),
    }
}

async fn event_grid(
    host: &Arc<Host>,
    function: &Function,
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    if method == Method::OPTIONS {
        let origin = text("webhook-request-origin").to_owned();
        return (StatusCode::OK, [("webhook-allowed-origin", origin)]).into_response();
    }
    let kind = text("aeg-event-type");
    if kind.eq_ignore_ascii_case("SubscriptionValidation") {
        validate(body)
    } else if kind.eq_ignore_ascii_case("Notification") {
        notify(host, function, body).await
    } else if kind.eq_ignore_ascii_case("Unsubscribe") {
        StatusCode::ACCEPTED.into_response()
    } else {
        StatusCode::BAD_REQUEST.into_response()
    }
}

fn validate(body: &[u8]) -> Response {
    let event: Value = serde_json::from_slice(body).unwrap_or_default();
    let event = event.get(0).unwrap_or(&event);
    match event["data"]["validationCode"].as_str() {
        Some(code) => {
            let answer = serde_json::json!({ "validationResponse": code }).to_string();
            (
                [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
                answer,
            )
                .into_response()
        }
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// One invocation for each event, all at once; one failure fails the whole delivery.
async fn notify(host: &Arc<Host>, function: &Function, body: &[u8]) -> Response {
    let events = match serde_json::from_slice(body) {
        Ok(Value::Array(events)) if events.iter().all(Value::is_object) => events,
        Ok(event @ Value::Object(_)) => vec![event],
        _ => {
            return (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the body holds no events",
            )
                .into_response();
        }
    };
    let calls = events.into_iter().map(|event| {
        let (host, function) = (host.clone(), function.clone());
        // On its own task, so that a deliverer that hangs up does not take the call with it.
        tokio::spawn(async move {
            let form = host.tuning().event_form;
            host.invoke(&function, |sys| {
                envelope::event_grid(&function.binding, &event, form, sys)
            })
            .await
        })
    });
    let failure = join_all(calls)
        .await
        .into_iter()
        .find_map(|call| match call {
            Ok(outcome) => outcome.err(),
            Err(broken) => Some(broken.to_string()),
        });
    match failure {
        None => StatusCode::ACCEPTED.into_response(),
        Some(why) => {
            let text = format!(
                "Exception while executing function: Functions.{}: {why}",
                function.name
            );
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}
