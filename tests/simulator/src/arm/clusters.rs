//! Microsoft.NetworkCloud: clusters, their managers and the operations on them.
//! What a PATCH may say is judged next door.

use axum::http::Method;
use serde_json::Value;

use super::call::{Answer, Call, Refused, Reply};
use super::operations::{accepted, operation};
use super::patch::Patch;
use super::versions::Version;
use crate::state::{Azure, CLUSTER_MANAGERS, CLUSTERS, Registration, within};

pub(super) const NAMESPACE: &str = "Microsoft.NetworkCloud";

pub(super) fn version(azure: &Azure, call: &Call<'_>, kind: &str) -> Result<Version, Refused> {
    let served = azure
        .subscription(call.subscription())
        .map(|s| s.cluster_api_versions.clone())
        .unwrap_or_default();
    call.api_version(&format!("{NAMESPACE}/{kind}"), &served)
        .map(Version::named)
}

pub(super) fn in_subscription(azure: &mut Azure, call: &Call<'_>, rest: &[&str]) -> Answer {
    call.known_subscription(azure)?;
    match rest {
        ["clusters"] => list(
            azure,
            call,
            &format!("/subscriptions/{}", call.subscription()),
        ),
        ["locations", _, "operationstatuses", id] => operation(azure, call, id),
        _ => Err(Refused::not_found(
            "InvalidResourceType",
            "The resource type could not be found in the namespace 'Microsoft.NetworkCloud'.",
        )),
    }
}

pub(super) fn in_group(azure: &mut Azure, call: &Call<'_>, group: &str, rest: &[&str]) -> Answer {
    call.known_subscription(azure)?;
    if !azure.has_group(call.subscription(), group) {
        let message = format!("Resource group '{group}' could not be found.");
        return Err(Refused::not_found("ResourceGroupNotFound", &message));
    }
    match (call.method, rest) {
        (&Method::GET, ["clusters"]) => list(
            azure,
            call,
            &format!(
                "/subscriptions/{}/resourceGroups/{group}",
                call.subscription()
            ),
        ),
        (&Method::GET, ["clusters", _]) => get(azure, call, "clusters", CLUSTERS),
        (&Method::GET, ["clustermanagers", _]) => {
            get(azure, call, "clusterManagers", CLUSTER_MANAGERS)
        }
        (&Method::PATCH, ["clusters", _]) => patch(azure, call),
        (_, ["clusters" | "clustermanagers", ..]) => Err(Refused::method_not_allowed()),
        _ => Err(Refused::not_found(
            "InvalidResourceType",
            "The resource type could not be found in the namespace 'Microsoft.NetworkCloud'.",
        )),
    }
}

fn list(azure: &Azure, call: &Call<'_>, scope: &str) -> Answer {
    call.expect_method(&Method::GET)?;
    let version = version(azure, call, "clusters")?;
    call.authorize(azure, "Microsoft.NetworkCloud/clusters/read", scope)?;
    let rows = azure
        .resources_of(CLUSTERS)
        .filter(|body| within(body["id"].as_str().unwrap_or_default(), scope));
    let rows = rows.map(|body| version.view(body)).collect();
    call.page(azure, rows)
}

fn get(azure: &mut Azure, call: &Call<'_>, kind: &str, resource_type: &str) -> Answer {
    let version = version(azure, call, kind)?;
    call.authorize(azure, &format!("{NAMESPACE}/{kind}/read"), &call.path)?;
    found(azure, call, resource_type)?;
    let body = azure.resource(&call.path).map(|body| version.view(body));
    azure.look_at_cluster(&call.path);
    azure.was_read(&call.path);
    body.map(Reply::ok).ok_or_else(|| missing(call))
}

/// The resource must exist, and reads must not lag behind.
fn found(azure: &mut Azure, call: &Call<'_>, resource_type: &str) -> Result<(), Refused> {
    let is_there = azure
        .resource(&call.path)
        .is_some_and(|body| crate::state::is_type(body, resource_type));
    if is_there && !azure.reads_too_early(&call.path) {
        Ok(())
    } else {
        Err(missing(call))
    }
}

fn missing(call: &Call<'_>) -> Refused {
    let kind = call
        .segments
        .iter()
        .skip(5)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("/");
    let group = call.segments.get(3).map_or("", String::as_str);
    let message = format!("The Resource '{kind}' under resource group '{group}' was not found.");
    Refused::not_found("ResourceNotFound", &message)
}

fn patch(azure: &mut Azure, call: &Call<'_>) -> Answer {
    let version = version(azure, call, "clusters")?;
    call.authorize(azure, "Microsoft.NetworkCloud/clusters/write", &call.path)?;
    let registered = azure
        .subscription(call.subscription())
        .map(|s| s.registration)
        == Some(Registration::Registered);
    if !registered {
        let message = format!("The subscription is not registered to use namespace '{NAMESPACE}'.");
        return Err(Refused::new(
            409,
            "MissingSubscriptionRegistration",
            &message,
        ));
    }
    found(azure, call, CLUSTERS)?;
    let cluster = azure.resource(&call.path).cloned().unwrap_or_default();
    let mut patch = Patch::parse(call, version, &cluster)?;
    if azure.behaviour.settings_merge {
        patch.merge_settings(&cluster);
    }
    check_etag(call, version, &cluster)?;
    check_idle(&cluster)?;
    let id = cluster["id"].as_str().unwrap_or_default().to_owned();
    let touched = patch.touched();
    if let Some(cluster) = azure.resource_mut(&id) {
        patch.apply(cluster);
    }
    azure.touch(&id);
    let change = call.change(&id, "Microsoft.NetworkCloud/clusters/write");
    let operation = azure.begin(change, touched);
    let cluster = azure
        .resource(&id)
        .map(|body| version.view(body))
        .unwrap_or_default();
    Ok(match operation {
        None => Reply::ok(cluster),
        Some(operation) => accepted(azure, call, version, &operation, cluster),
    })
}

fn check_etag(call: &Call<'_>, version: Version, cluster: &Value) -> Result<(), Refused> {
    let wanted = call
        .header("if-match")
        .filter(|wanted| version.has_etag() && *wanted != "*");
    match wanted {
        Some(wanted) if cluster["etag"] != wanted => Err(Refused::new(
            412,
            "PreconditionFailed",
            "The condition '[If-Match]' evaluated to false.",
        )),
        _ => Ok(()),
    }
}

fn check_idle(cluster: &Value) -> Result<(), Refused> {
    let properties = &cluster["properties"];
    let state = properties["provisioningState"].as_str().unwrap_or_default();
    if ["Accepted", "Validating", "Updating"].contains(&state) {
        let message = format!("The resource is busy: its provisioning state is '{state}'.");
        return Err(Refused::new(409, "Conflict", &message));
    }
    if properties["detailedStatus"] == "Deleting" {
        return Err(Refused::new(
            409,
            "Conflict",
            "The resource is being deleted.",
        ));
    }
    Ok(())
}
