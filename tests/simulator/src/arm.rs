//! Azure Resource Manager: who calls, what is meant, and the headers that every answer has.
//! What a resource provider makes of a call is in the modules below.

mod call;
mod clusters;
mod operations;
mod page;
mod patch;
mod providers;
mod quota;
mod resource_graph;
mod roles;
mod vaults;
mod versions;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::World;
use crate::error_body::error;
use crate::faults::observed;
use crate::journal::Service;
use crate::state::Azure;
pub(crate) use call::decode;
use call::{Answer, Call, Refused, Reply};

const AUDIENCE: &str = "https://management.azure.com";
/// ARM takes no larger body.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// The endpoint.
pub fn router(world: World) -> Router {
    let routes = Router::new()
        .fallback(answer)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(world.clone());
    observed(routes, Service::Arm, world)
}

async fn answer(
    State(world): State<World>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let caller = match world.tokens.check(&headers, AUDIENCE) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let mut azure = world.azure();
    let correlation_id = azure.next_id("correlation");
    let call = Call::new(&method, &uri, &headers, &body, caller, correlation_id);
    let answer = match quota::spend(&mut azure, &call) {
        Some(refusal) => Ok(refusal),
        None => dispatch(&mut azure, &call),
    };
    render(&mut azure, &call, answer)
}

/// Finds who is to answer: paths are compared without regard to case.
fn dispatch(azure: &mut Azure, call: &Call<'_>) -> Answer {
    let lower: Vec<&str> = call.lower.iter().map(String::as_str).collect();
    versions::served_here(azure, call)?;
    // Role assignments can be asked for at any scope.
    if let Some(at) = lower
        .windows(2)
        .rposition(|pair| pair == ["providers", "microsoft.authorization"])
    {
        return roles::answer(azure, call, at);
    }
    match lower.as_slice() {
        ["providers", "microsoft.resourcegraph", "resources"] => {
            resource_graph::answer(azure, call)
        }
        ["subscriptions"] => providers::subscriptions(azure, call),
        ["subscriptions", _] => providers::subscription(azure, call),
        ["subscriptions", _, "providers", namespace] => providers::provider(azure, call, namespace),
        ["subscriptions", _, "providers", namespace, "register"] => {
            providers::register(azure, call, namespace)
        }
        [
            "subscriptions",
            _,
            "providers",
            "microsoft.networkcloud",
            rest @ ..,
        ] => clusters::in_subscription(azure, call, rest),
        [
            "subscriptions",
            _,
            "providers",
            "microsoft.keyvault",
            rest @ ..,
        ] => vaults::in_subscription(azure, call, rest),
        [
            "subscriptions",
            _,
            "resourcegroups",
            group,
            "providers",
            "microsoft.networkcloud",
            rest @ ..,
        ] => clusters::in_group(azure, call, group, rest),
        [
            "subscriptions",
            _,
            "resourcegroups",
            group,
            "providers",
            "microsoft.keyvault",
            rest @ ..,
        ] => vaults::in_group(azure, call, group, rest),
        _ => Err(Refused::not_found(
            "NotFound",
            "The requested path is not served.",
        )),
    }
}

fn render(azure: &mut Azure, call: &Call<'_>, answer: Answer) -> Response {
    let reply = answer.unwrap_or_else(|refused| {
        let error = error(&refused.code, &refused.message);
        Reply::new(refused.status, json!({ "error": error }))
    });
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let request_id = azure.next_id("request");
    let body = reply.body.map(|body| body.to_string()).unwrap_or_default();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    put(headers, "x-ms-request-id", &request_id);
    put(headers, "x-ms-correlation-request-id", &call.correlation_id);
    put(
        headers,
        "x-ms-routing-request-id",
        &format!("SIM:{request_id}"),
    );
    let behaviour = &azure.behaviour;
    match *call.method {
        Method::GET => put(
            headers,
            "x-ms-ratelimit-remaining-subscription-reads",
            &behaviour.remaining_reads.to_string(),
        ),
        Method::DELETE => put(
            headers,
            "x-ms-ratelimit-remaining-subscription-deletes",
            &behaviour.remaining_writes.to_string(),
        ),
        _ => put(
            headers,
            "x-ms-ratelimit-remaining-subscription-writes",
            &behaviour.remaining_writes.to_string(),
        ),
    }
    if let Some(id) = call
        .headers
        .get("x-ms-client-request-id")
        .filter(|_| call.header("x-ms-return-client-request-id") == Some("true"))
    {
        headers.insert("x-ms-client-request-id", id.clone());
    }
    for (name, value) in &reply.headers {
        put(headers, name, value);
    }
    response
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
