//! Subscriptions and the registration of resource providers.
//! Only Microsoft.NetworkCloud can be unregistered here.

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call, Refused, Reply};
use crate::state::{Azure, CLUSTER_API_VERSIONS, Subscription};

const API_VERSIONS: [&str; 10] = [
    "2019-10-01",
    "2019-11-01",
    "2020-01-01",
    "2020-06-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-09-01",
    "2022-12-01",
    "2024-07-01",
];

pub(super) fn subscription(azure: &Azure, call: &Call<'_>) -> Answer {
    call.expect_method(&Method::GET)?;
    call.api_version("subscriptions", &API_VERSIONS)?;
    call.known_subscription(azure)?;
    call.authorize(azure, "Microsoft.Resources/subscriptions/read", &call.path)?;
    let known = azure.subscription(call.subscription());
    Ok(Reply::ok(known.map(shown).unwrap_or_default()))
}

/// Every subscription that the caller sees, one page after the other.
pub(super) fn subscriptions(azure: &Azure, call: &Call<'_>) -> Answer {
    call.expect_method(&Method::GET)?;
    call.api_version("subscriptions", &API_VERSIONS)?;
    let seen = azure.subscriptions.values().filter(|it| it.is_visible);
    call.page(azure, seen.map(shown).collect())
}

fn shown(subscription: &Subscription) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id), "subscriptionId": subscription.id,
        "displayName": subscription.name, "tenantId": subscription.tenant_id, "state": "Enabled",
        "authorizationSource": "RoleBased", "subscriptionPolicies": { "spendingLimit": "Off" },
    })
}

pub(super) fn provider(azure: &mut Azure, call: &Call<'_>, namespace: &str) -> Answer {
    call.expect_method(&Method::GET)?;
    check(azure, call, namespace)?;
    call.authorize(
        azure,
        "Microsoft.Resources/subscriptions/providers/read",
        &call.path,
    )?;
    azure.look_at_registration(call.subscription());
    Ok(Reply::ok(body(azure, call)))
}

pub(super) fn register(azure: &mut Azure, call: &Call<'_>, namespace: &str) -> Answer {
    call.expect_method(&Method::POST)?;
    check(azure, call, namespace)?;
    let scope = format!("/subscriptions/{}", call.subscription());
    call.authorize(azure, "Microsoft.NetworkCloud/register/action", &scope)?;
    azure.register(call.subscription());
    Ok(Reply::ok(body(azure, call)))
}

fn check(azure: &Azure, call: &Call<'_>, namespace: &str) -> Result<(), Refused> {
    call.api_version("providers", &API_VERSIONS)?;
    call.known_subscription(azure)?;
    if namespace == "microsoft.networkcloud" {
        return Ok(());
    }
    let message = format!("The resource namespace '{namespace}' is invalid.");
    Err(Refused::not_found("InvalidResourceNamespace", &message))
}

fn body(azure: &Azure, call: &Call<'_>) -> Value {
    let known = azure.subscription(call.subscription());
    let served = known
        .map(|s| s.cluster_api_versions.clone())
        .unwrap_or_default();
    // Newest first, as ARM lists them.
    let served: Vec<&String> = served.iter().rev().collect();
    let resource_type = |name: &str, versions: &Value| json!({ "resourceType": name, "locations": ["East US", "South Central US"], "apiVersions": versions, "capabilities": "SupportsTags, SupportsLocation" });
    let everything: Vec<&&str> = CLUSTER_API_VERSIONS.iter().rev().collect();
    json!({
        "id": format!("/subscriptions/{}/providers/Microsoft.NetworkCloud", call.subscription()),
        "namespace": "Microsoft.NetworkCloud", "registrationPolicy": "RegistrationRequired",
        "registrationState": known.map(|s| s.registration.name()),
        "resourceTypes": [
            resource_type("operations", &json!(everything)),
            resource_type("clusters", &json!(served)),
            resource_type("clusterManagers", &json!(served)),
            resource_type("locations/operationStatuses", &json!(served)),
        ],
    })
}
