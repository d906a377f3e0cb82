//! Microsoft.KeyVault: vaults, deleted vaults and names, by the control plane alone.
//! No secret is ever here.

use axum::http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call, Refused, Reply};
use crate::state::{Azure, VAULTS, is_type, within};

const API_VERSIONS: [&str; 7] = [
    "2022-07-01",
    "2023-02-01",
    "2023-07-01",
    "2024-11-01",
    "2025-05-01",
    "2026-02-01",
    "2026-05-15",
];

pub(super) fn in_subscription(azure: &mut Azure, call: &Call<'_>, rest: &[&str]) -> Answer {
    call.known_subscription(azure)?;
    if let ["checknameavailability"] = rest {
        return check_name(azure, call);
    }
    call.expect_method(&Method::GET)?;
    match rest {
        ["vaults"] => list(
            azure,
            call,
            &format!("/subscriptions/{}", call.subscription()),
        ),
        ["deletedvaults"] => list_deleted(azure, call),
        ["locations", location, "deletedvaults", name] => get_deleted(azure, call, location, name),
        _ => Err(unknown_type()),
    }
}

pub(super) fn in_group(azure: &mut Azure, call: &Call<'_>, group: &str, rest: &[&str]) -> Answer {
    call.known_subscription(azure)?;
    if !azure.has_group(call.subscription(), group) {
        let message = format!("Resource group '{group}' could not be found.");
        return Err(Refused::not_found("ResourceGroupNotFound", &message));
    }
    call.expect_method(&Method::GET)?;
    match rest {
        ["vaults"] => list(
            azure,
            call,
            &format!(
                "/subscriptions/{}/resourceGroups/{group}",
                call.subscription()
            ),
        ),
        ["vaults", _] => get(azure, call),
        _ => Err(unknown_type()),
    }
}

fn unknown_type() -> Refused {
    Refused::not_found(
        "InvalidResourceType",
        "The resource type could not be found in the namespace 'Microsoft.KeyVault'.",
    )
}

/// What comes too early for a read comes too early for a list.
fn list(azure: &mut Azure, call: &Call<'_>, scope: &str) -> Answer {
    call.api_version("Microsoft.KeyVault/vaults", &API_VERSIONS)?;
    call.authorize(azure, "Microsoft.KeyVault/vaults/read", scope)?;
    let rows = azure.resources_of(VAULTS);
    let mut rows: Vec<Value> = rows
        .filter(|body| within(id(body), scope))
        .cloned()
        .collect();
    rows.retain(|body| !azure.reads_too_early(id(body)));
    call.page(azure, rows)
}

fn get(azure: &mut Azure, call: &Call<'_>) -> Answer {
    call.api_version("Microsoft.KeyVault/vaults", &API_VERSIONS)?;
    call.authorize(azure, "Microsoft.KeyVault/vaults/read", &call.path)?;
    let vault = azure
        .resource(&call.path)
        .filter(|body| is_type(body, VAULTS))
        .cloned();
    match vault {
        Some(vault) if !azure.reads_too_early(&call.path) => {
            azure.was_read(&call.path);
            Ok(Reply::ok(vault))
        }
        _ => {
            let name = call.segments.last().map_or("", String::as_str);
            let group = call.segments.get(3).map_or("", String::as_str);
            let message = format!(
                "The Resource 'Microsoft.KeyVault/vaults/{name}' under resource group '{group}' was not found."
            );
            Err(Refused::not_found("ResourceNotFound", &message))
        }
    }
}

fn list_deleted(azure: &Azure, call: &Call<'_>) -> Answer {
    call.api_version("Microsoft.KeyVault/deletedVaults", &API_VERSIONS)?;
    let scope = format!("/subscriptions/{}", call.subscription());
    call.authorize(azure, "Microsoft.KeyVault/deletedVaults/read", &scope)?;
    let rows = azure
        .deleted_vaults()
        .filter(|body| within(id(body), &scope))
        .cloned()
        .collect();
    call.page(azure, rows)
}

/// Whether a name is free in the whole cloud.
fn check_name(azure: &Azure, call: &Call<'_>) -> Answer {
    call.expect_method(&Method::POST)?;
    call.api_version("Microsoft.KeyVault/checkNameAvailability", &API_VERSIONS)?;
    let scope = format!("/subscriptions/{}", call.subscription());
    let action = "Microsoft.KeyVault/checkNameAvailability/read";
    call.authorize(azure, action, &scope)?;
    let body = call.json_body()?;
    let asked = body.get("name").and_then(Value::as_str);
    let name = asked.ok_or_else(|| Refused::bad_content("The name is missing."))?;
    if body.get("type").and_then(Value::as_str) != Some("Microsoft.KeyVault/vaults") {
        return Err(Refused::bad_content("The type is not one of Key Vault's."));
    }
    let is_valid = (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if !is_valid {
        let message = format!("The vault name '{name}' is invalid.");
        return Ok(Reply::ok(
            json!({ "nameAvailable": false, "reason": "AccountNameInvalid", "message": message }),
        ));
    }
    let has_name = |body: &&Value| {
        let theirs = body["name"].as_str();
        theirs.is_some_and(|theirs| theirs.eq_ignore_ascii_case(name))
    };
    let is_kept =
        azure.behaviour.deleted_names_are_taken && azure.deleted_vaults().any(|it| has_name(&it));
    let is_taken = azure.resources_of(VAULTS).any(|it| has_name(&it)) || is_kept;
    Ok(Reply::ok(
        if is_taken && !azure.behaviour.every_name_is_free {
            let message = format!("The vault name '{name}' is already in use.");
            json!({ "nameAvailable": false, "reason": "AlreadyExists", "message": message })
        } else {
            json!({ "nameAvailable": true })
        },
    ))
}

fn get_deleted(azure: &Azure, call: &Call<'_>, location: &str, name: &str) -> Answer {
    call.api_version("Microsoft.KeyVault/locations/deletedVaults", &API_VERSIONS)?;
    call.authorize(
        azure,
        "Microsoft.KeyVault/locations/deletedVaults/read",
        &call.path,
    )?;
    let wanted = |body: &&Value| within(id(body), &call.path);
    azure
        .deleted_vaults()
        .find(wanted)
        .cloned()
        .map(Reply::ok)
        .ok_or_else(|| {
            let message = format!(
                "The specified deleted vault '{name}' in location '{location}' does not exist."
            );
            Refused::not_found("DeletedVaultNotFound", &message)
        })
}

fn id(body: &Value) -> &str {
    body["id"].as_str().unwrap_or_default()
}
