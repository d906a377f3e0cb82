//! Identities in a PATCH: those that the cluster gets, and the one that its settings name.
//! Whether the cluster has that one is asked elsewhere.

use serde_json::{Value, json};

use super::{Object, Refused, object, only, wrong};
use crate::state::key;

/// The whole `identity` after the PATCH: its type replaces, a null takes one away, the rest stays.
pub(super) fn merge(value: &Value, cluster: &Value) -> Result<Value, Refused> {
    let asked = object(value, "identity")?;
    only(
        asked,
        &["type", "userAssignedIdentities"],
        "ManagedServiceIdentity",
    )?;
    let kind = asked
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .replace(' ', "");
    let (system, user) = match kind.as_str() {
        "None" => return Ok(Value::Null),
        "SystemAssigned" => (true, false),
        "UserAssigned" => (false, true),
        "SystemAssigned,UserAssigned" => (true, true),
        _ => return Err(wrong("identity.type", "the type is unknown")),
    };
    let mut after = json!({ "type": kind });
    if system {
        after["principalId"] = cluster["identity"]["principalId"].clone();
        after["tenantId"] = cluster["identity"]["tenantId"].clone();
    }
    if user {
        let mut map = cluster["identity"]["userAssignedIdentities"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        for (id, value) in asked
            .get("userAssignedIdentities")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let known = map.keys().find(|known| key(known) == key(id)).cloned();
            match (value.is_null(), known) {
                (true, Some(known)) => drop(map.remove(&known)),
                (false, None) => drop(map.insert(id.clone(), json!({}))),
                _ => {}
            }
        }
        after["userAssignedIdentities"] = Value::Object(map);
    }
    Ok(after)
}

/// How the settings name an identity.
pub(super) fn check_selector(selector: &Object) -> Result<(), Refused> {
    only(
        selector,
        &["identityType", "userAssignedIdentityResourceId"],
        "IdentitySelector",
    )?;
    let resource = selector
        .get("userAssignedIdentityResourceId")
        .filter(|id| !id.is_null());
    match (
        selector.get("identityType").and_then(Value::as_str),
        resource,
    ) {
        (Some("SystemAssignedIdentity"), None) => Ok(()),
        (Some("UserAssignedIdentity"), Some(Value::String(_))) => Ok(()),
        (Some("SystemAssignedIdentity"), Some(_)) => Err(wrong(
            "userAssignedIdentityResourceId",
            "it goes with UserAssignedIdentity only",
        )),
        (Some("UserAssignedIdentity"), _) => {
            Err(wrong("userAssignedIdentityResourceId", "it is required"))
        }
        _ => Err(wrong(
            "associatedIdentity.identityType",
            "the type is unknown",
        )),
    }
}
