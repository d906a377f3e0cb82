//! Long-running operations as ARM shows them: where they are followed, and what their addresses answer.
//! How they go on and end is decided by the state.

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call, Refused, Reply};
use super::clusters::{NAMESPACE, version};
use super::versions::Version;
use crate::state::{Azure, Operation, OperationStyle};

pub(super) fn accepted(
    azure: &Azure,
    call: &Call<'_>,
    version: Version,
    operation: &Operation,
    cluster: Value,
) -> Reply {
    let by_default = || {
        let location = cluster["location"].as_str().unwrap_or_default();
        let asked = call.query("api-version").unwrap_or_default();
        format!(
            "{}{}?api-version={asked}",
            call.base(),
            operation_path(call.subscription(), location, &operation.id)
        )
    };
    let url = azure
        .behaviour
        .operation_url
        .clone()
        .unwrap_or_else(by_default);
    let is_by_location = tells_by_location(azure);
    let mut headers = Vec::new();
    if !is_by_location {
        headers.push(("azure-asyncoperation", url.clone()));
    }
    if is_by_location || version.has_location_header() {
        headers.push(("location", url));
    }
    if let Some(seconds) = azure.behaviour.operation_retry_after {
        headers.push(("retry-after", seconds.to_string()));
    }
    let body = (!version.accepts_without_body()).then_some(cluster);
    Reply {
        status: 202,
        headers,
        body,
    }
}

fn tells_by_location(azure: &Azure) -> bool {
    matches!(
        azure.behaviour.operation_style,
        OperationStyle::LocationOfCluster | OperationStyle::LocationOfNothing
    )
}

fn operation_path(subscription: &str, location: &str, id: &str) -> String {
    format!(
        "/subscriptions/{subscription}/providers/{NAMESPACE}/locations/{location}/operationStatuses/{id}"
    )
}

/// What the operation's address shows.
fn operation_answer(azure: &Azure, call: &Call<'_>, operation: &Operation) -> Reply {
    let mut body = operation.body(&call.path);
    let without_body = |status| Reply {
        status,
        headers: Vec::new(),
        body: None,
    };
    let has_ended = operation.ended.is_some();
    match &azure.behaviour.operation_style {
        OperationStyle::OtherWord(word) if has_ended => body["status"] = json!(word),
        OperationStyle::Words | OperationStyle::OtherWord(_) => {}
        _ if !has_ended => return without_body(202),
        OperationStyle::LocationOfCluster => {
            body = azure
                .resource(&operation.cluster_id)
                .cloned()
                .unwrap_or_default();
        }
        OperationStyle::LocationOfNothing => return without_body(204),
    }
    Reply::ok(body)
}

pub(super) fn operation(azure: &mut Azure, call: &Call<'_>, id: &str) -> Answer {
    call.expect_method(&Method::GET)?;
    version(azure, call, "locations/operationStatuses")?;
    call.authorize(
        azure,
        "Microsoft.NetworkCloud/locations/operationStatuses/read",
        &call.path,
    )?;
    let Some(operation) = azure.look_at_operation(call.subscription(), id) else {
        return Err(Refused::not_found(
            "OperationNotFound",
            "The operation was not found.",
        ));
    };
    let mut reply = operation_answer(azure, call, &operation);
    if operation.ended.is_none()
        && let Some(seconds) = azure.behaviour.operation_retry_after
    {
        reply.headers.push(("retry-after", seconds.to_string()));
    }
    if operation.status == "Succeeded"
        && !tells_by_location(azure)
        && let Some(body) = &mut reply.body
    {
        body["properties"] = json!({ "resourceId": operation.cluster_id });
    }
    Ok(reply)
}
