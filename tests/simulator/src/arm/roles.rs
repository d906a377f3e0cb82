//! Microsoft.Authorization: role assignments at any scope, and the definition of the writer's role.
//! Whether an assignment is acceptable is decided by the state.

mod filter;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Refused, Reply};
use crate::state::{
    Assignment, AssignmentRequest, Azure, VAULTS, WRITER_ROLE, is_guid, is_type, parity, timestamp,
};
use filter::Filter;

const API_VERSIONS: [&str; 4] = [
    "2018-01-01-preview",
    "2020-04-01-preview",
    "2020-10-01-preview",
    "2022-04-01",
];

/// `at` is where `providers/Microsoft.Authorization` begins; what comes before is the scope.
pub(super) fn answer(azure: &mut Azure, call: &Call<'_>, at: usize) -> Answer {
    call.api_version("Microsoft.Authorization/roleAssignments", &API_VERSIONS)?;
    let scope = call.segments.get(..at).unwrap_or_default().join("/");
    let scope = format!("/{scope}");
    check_scope(azure, call, &scope)?;
    let rest: Vec<&str> = call.lower.iter().skip(at + 2).map(String::as_str).collect();
    match (call.method, rest.as_slice()) {
        (&Method::GET, ["roleassignments"]) => list(azure, call, &scope),
        (&Method::GET, ["roleassignments", _]) => get(azure, call, &scope),
        (&Method::PUT, ["roleassignments", name]) => put(azure, call, &scope, name),
        (&Method::GET, ["roledefinitions", role]) => definition(azure, call, &scope, role),
        (_, ["roleassignments" | "roledefinitions", ..]) => Err(Refused::method_not_allowed()),
        _ => Err(Refused::not_found(
            "InvalidResourceType",
            "The resource type could not be found in the namespace 'Microsoft.Authorization'.",
        )),
    }
}

/// The scope must exist as far as it can be known: its subscription, its resource group, a vault.
fn check_scope(azure: &Azure, call: &Call<'_>, scope: &str) -> Result<(), Refused> {
    let segments: Vec<&str> = call.lower.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [
            "subscriptions",
            subscription,
            "resourcegroups",
            group,
            rest @ ..,
        ] => {
            call.known_subscription(azure)?;
            if !azure.has_group(subscription, group) {
                let message = format!("Resource group '{group}' could not be found.");
                return Err(Refused::not_found("ResourceGroupNotFound", &message));
            }
            let on_vault = matches!(
                rest,
                [
                    "providers",
                    "microsoft.keyvault",
                    "vaults",
                    _,
                    "providers",
                    ..
                ]
            );
            if on_vault
                && !azure
                    .resource(scope)
                    .is_some_and(|body| is_type(body, VAULTS))
            {
                let message = format!("The Resource '{scope}' was not found.");
                return Err(Refused::not_found("ResourceNotFound", &message));
            }
            Ok(())
        }
        ["subscriptions", ..] => call.known_subscription(azure),
        _ => Ok(()),
    }
}

fn list(azure: &Azure, call: &Call<'_>, scope: &str) -> Answer {
    call.authorize(azure, "Microsoft.Authorization/roleAssignments/read", scope)?;
    let filter = Filter::parse(call.query("$filter"))?;
    let rows = azure
        .role_assignments()
        .filter(|row| filter.passes(azure, scope, row));
    // A row that the caller may not read is left out without a word.
    let rows = rows
        .filter(|row| !azure.is_denied("Microsoft.Authorization/roleAssignments/read", &row.scope));
    let rows = rows.map(|row| render(azure, row)).collect();
    call.page(azure, rows)
}

fn get(azure: &Azure, call: &Call<'_>, scope: &str) -> Answer {
    call.authorize(azure, "Microsoft.Authorization/roleAssignments/read", scope)?;
    let row = azure
        .assignment(&call.path)
        .map(|row| Reply::ok(render(azure, row)));
    row.ok_or_else(|| {
        Refused::not_found(
            "RoleAssignmentNotFound",
            "The role assignment is not found.",
        )
    })
}

/// Casing and the place of the role differ from row to row, as they do in Azure.
fn render(azure: &Azure, row: &Assignment) -> Value {
    let odd = parity(&row.id);
    let (id, scope) = if odd {
        (
            row.id.replace("/resourceGroups/", "/resourcegroups/"),
            row.scope.replace("/resourceGroups/", "/resourcegroups/"),
        )
    } else {
        (row.id.clone(), row.scope.clone())
    };
    let place = match row.scope.split('/').nth(2).filter(|_| !odd) {
        Some(subscription) => format!("/subscriptions/{subscription}"),
        None => String::new(),
    };
    // The reader compares it with its own clock, which does not run ahead with the simulated one.
    let [created, updated] =
        [row.created_on, row.updated_on].map(|at| timestamp(at - azure.clock.offset()));
    json!({
        "id": id, "name": row.name, "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": format!("{place}/providers/Microsoft.Authorization/roleDefinitions/{}", row.role),
            "principalId": row.principal_id, "principalType": row.principal_type, "scope": scope,
            "description": row.description, "condition": row.condition,
            "conditionVersion": row.condition.as_ref().map(|_| "2.0"), "delegatedManagedIdentityResourceId": null,
            "createdOn": created, "updatedOn": updated,
            "createdBy": azure.make_id(&row.created_by), "updatedBy": azure.make_id(&row.created_by),
        },
    })
}

fn put(azure: &mut Azure, call: &Call<'_>, scope: &str, name: &str) -> Answer {
    call.authorize(
        azure,
        "Microsoft.Authorization/roleAssignments/write",
        scope,
    )?;
    if !is_guid(name) {
        let message = format!(
            "The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
        );
        return Err(Refused::new(400, "InvalidRoleAssignmentId", &message));
    }
    let body = call.json_body()?;
    let request = parse(&body, scope, name)?;
    if !azure.may_assign(&request) {
        return Err(call.refused("Microsoft.Authorization/roleAssignments/write", scope));
    }
    let caller = call.caller.client_id.clone();
    match azure.assign(request, &caller, &call.correlation_id) {
        Ok((status, row)) => Ok(Reply::new(status, render(azure, &row))),
        Err(refusal) => Err(Refused::new(refusal.0, refusal.1, &refusal.2)),
    }
}

fn parse(body: &Map<String, Value>, scope: &str, name: &str) -> Result<AssignmentRequest, Refused> {
    let properties = body.get("properties").unwrap_or(&Value::Null);
    let text = |member: &str| properties[member].as_str().map(str::to_owned);
    let definition = text("roleDefinitionId").unwrap_or_default();
    let role = definition.rsplit('/').next().unwrap_or_default().to_owned();
    let path = definition.to_ascii_lowercase();
    if !path.contains("/providers/microsoft.authorization/roledefinitions/") || !is_guid(&role) {
        let message = format!("The role definition ID '{definition}' is not valid.");
        return Err(Refused::new(400, "InvalidRoleDefinitionId", &message));
    }
    let principal_id = text("principalId").unwrap_or_default();
    if !is_guid(&principal_id) {
        let message =
            format!("The principal ID '{principal_id}' is not valid. Principal ID must be a GUID.");
        return Err(Refused::new(400, "InvalidPrincipalId", &message));
    }
    let principal_type = text("principalType");
    let kinds = [
        "User",
        "Group",
        "ServicePrincipal",
        "ForeignGroup",
        "Device",
    ];
    if principal_type
        .as_deref()
        .is_some_and(|kind| !kinds.contains(&kind))
    {
        return Err(Refused::bad_content(
            "The value of 'principalType' is invalid.",
        ));
    }
    let condition = text("condition");
    if condition.is_some() && text("conditionVersion").as_deref() != Some("2.0") {
        return Err(Refused::new(
            400,
            "InvalidConditionVersion",
            "The condition version must be '2.0'.",
        ));
    }
    let (scope, name) = (scope.to_owned(), name.to_owned());
    Ok(AssignmentRequest {
        name,
        scope,
        role,
        principal_id,
        principal_type,
        condition,
        description: text("description"),
    })
}

fn definition(azure: &Azure, call: &Call<'_>, scope: &str, role: &str) -> Answer {
    call.authorize(azure, "Microsoft.Authorization/roleDefinitions/read", scope)?;
    if role != WRITER_ROLE {
        let message = format!(
            "The specified role definition with ID '{}' does not exist.",
            role.replace('-', "")
        );
        return Err(Refused::not_found("RoleDefinitionDoesNotExist", &message));
    }
    Ok(Reply::ok(json!({
        "id": format!("/providers/Microsoft.Authorization/roleDefinitions/{WRITER_ROLE}"), "name": WRITER_ROLE,
        "type": "Microsoft.Authorization/roleDefinitions",
        "properties": {
            "roleName": "Operator Nexus Key Vault Writer Service Role (Preview)", "type": "BuiltInRole",
            "description": "(Preview) Provides Azure Operator Nexus services the ability to write to a Key Vault.",
            "assignableScopes": ["/"],
            "permissions": [{
                "actions": ["Microsoft.KeyVault/vaults/read"], "notActions": [],
                "dataActions": ["Microsoft.KeyVault/vaults/secrets/setSecret/action"], "notDataActions": [],
            }],
        },
    })))
}
