mod clusters;
mod resource_graph;
mod vaults;

use serde_json::{Value, json};
use uuid::Uuid;
use vaultbind_core::{
    id::{ClusterId, SubscriptionId, VaultId},
    resource::PrincipalId,
};

use super::*;
use crate::{
    error::Kind,
    test_support::{Seen, Stub, json as answer},
};

const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
const PRINCIPAL: &str = "aaaaaaaa-0000-4000-8000-000000000001";

fn subscription() -> SubscriptionId {
    SUBSCRIPTION.parse().unwrap()
}

fn cluster() -> ClusterId {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c1").parse().unwrap()
}

fn vault() -> VaultId {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1"
    )
    .parse()
    .unwrap()
}

fn principal() -> PrincipalId {
    PRINCIPAL.parse().unwrap()
}

async fn stub(status: u16, body: Value) -> Stub {
    Stub::start(move |_| answer(status, &body)).await
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let stub = Stub::start(|seen: &Seen| {
        let host = seen.header("host");
        let row = |id: &str| json!({ "id": id, "properties": { "roleDefinitionId": "/x/44F0A1A8-6fea", "principalId": PRINCIPAL,
            "scope": "/subscriptions/s", "condition": null, "createdOn": "2026-02-03T04:05:06.1234567Z" } });
        let first = json!({ "value": [row("a")], "nextLink": format!("http://{host}/next?page=2") });
        answer(200, &if seen.path == "/next" { json!({ "value": [row("b")] }) } else { first })
    })
    .await;
    let rows = stub
        .arm()
        .role_assignments(&vault(), &principal())
        .await
        .unwrap();
    assert_eq!(
        rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(
        (
            rows[0].role.as_str(),
            rows[0].conditional,
            rows[0].created_on.is_some()
        ),
        ("44f0a1a8-6fea", false, true)
    );
    let seen = stub.seen();
    let filter = url::form_urlencoded::parse(seen[0].query.as_bytes())
        .find(|(name, _)| name == "$filter")
        .unwrap()
        .1;
    assert_eq!(filter, format!("atScope() and assignedTo('{PRINCIPAL}')"));
    assert!(
        seen[0].query.contains("atScope%28%29%20and%20assignedTo"),
        "{}",
        seen[0].query
    );
    assert_eq!(seen[1].query, "page=2");
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let evil = Stub::start(|_| answer(200, &json!({ "value": [] }))).await;
    let link = evil.endpoint.to_string();
    let stub = stub(200, json!({ "value": [], "nextLink": link })).await;
    let error = stub
        .arm()
        .role_assignments(&vault(), &principal())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Malformed);
    assert!(evil.seen().is_empty(), "a token left for another host");
}

#[tokio::test]
async fn a_list_without_end_is_given_up() {
    let stub = Stub::start(|seen: &Seen| {
        answer(
            200,
            &json!({ "value": [], "nextLink": format!("http://{}/again", seen.header("host")) }),
        )
    })
    .await;
    assert_eq!(
        stub.arm()
            .role_assignments(&vault(), &principal())
            .await
            .unwrap_err()
            .kind(),
        Kind::Malformed
    );
    assert_eq!(stub.seen().len(), MAX_PAGES);
}

/// An assignment that was made and changed at these times.
fn assignment(created: &str, updated: &str) -> Value {
    let at = |second: &str| format!("2026-02-03T04:05:0{second}.1234567Z");
    json!({ "id": "/a", "properties": { "roleDefinitionId": "/x/y", "principalId": PRINCIPAL, "scope": "/s",
        "description": "by me", "createdOn": at(created), "updatedOn": at(updated) } })
}

#[tokio::test]
async fn an_assignment_was_made_by_the_call_only_where_it_is_new_and_was_not_changed() {
    for (status, created, updated, expected) in [
        (201, "1", "1", AssignAnswer::Created),
        (201, "1", "2", AssignAnswer::Present),
        (200, "1", "1", AssignAnswer::Present),
        (200, "1", "2", AssignAnswer::Present),
    ] {
        let stub = stub(status, assignment(created, updated)).await;
        let arm = stub.arm();
        let (vault, name, principal) = (vault(), Uuid::nil(), principal());
        let assigned = arm.assign_role(&vault, &name, &principal, "by me");
        assert_eq!(assigned.await.unwrap(), expected, "{status} {updated}");
    }
}

#[tokio::test]
async fn a_description_tells_who_made_an_assignment_as_long_as_it_was_not_changed() {
    for (updated, expected) in [("1", Some("by me")), ("2", None)] {
        let stub = stub(200, json!({ "value": [assignment("1", updated)] })).await;
        let rows = stub.arm().role_assignments(&vault(), &principal()).await;
        let rows = rows.unwrap();
        assert_eq!(rows[0].description.as_deref(), expected);
    }
}

#[tokio::test]
async fn a_role_is_assigned_to_a_service_principal_by_its_object_id() {
    let name = Uuid::from_u128(7);
    let stub = stub(201, assignment("1", "1")).await;
    let arm = stub.arm();
    let (vault, principal) = (vault(), principal());
    let assigned = arm.assign_role(&vault, &name, &principal, "by me");
    assert_eq!(assigned.await.unwrap(), AssignAnswer::Created);
    let seen = stub.only();
    assert_eq!(seen.method, "PUT");
    assert_eq!(
        seen.path,
        format!("{vault}/providers/Microsoft.Authorization/roleAssignments/{name}")
    );
    let expected = json!({
        "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/44f0a1a8-6fea-4b35-980a-8ff50c487c97"),
        "principalId": PRINCIPAL, "principalType": "ServicePrincipal", "description": "by me",
    });
    assert_eq!(seen.json(), json!({ "properties": expected }));
}

#[tokio::test]
async fn a_registration_shows_the_versions_of_clusters_alone() {
    let stub = stub(200, json!({ "registrationState": "Registered", "resourceTypes": [
        { "resourceType": "racks", "apiVersions": ["2030-01-01"] }, { "resourceType": "Clusters", "apiVersions": ["2025-02-01", "2024-07-01"] } ] })).await;
    let provider = stub.arm().provider(&subscription()).await.unwrap();
    assert_eq!(
        (
            provider.state.as_str(),
            provider.cluster_api_versions.as_slice()
        ),
        (
            "Registered",
            ["2025-02-01".to_owned(), "2024-07-01".to_owned()].as_slice()
        )
    );
    stub.arm().register(&subscription()).await.unwrap();
    let seen = stub.seen();
    assert_eq!(
        (seen[1].method.as_str(), seen[1].header("content-length")),
        ("POST", "0")
    );
    assert!(
        seen[1]
            .path
            .ends_with("/providers/Microsoft.NetworkCloud/register")
    );
}

#[tokio::test]
async fn a_subscription_names_its_directory() {
    let directory = "BBBBBBBB-0000-4000-8000-000000000001";
    let named = stub(200, json!({ "tenantId": directory })).await;
    let tenant = named.arm().tenant(&subscription()).await.unwrap();
    assert_eq!(tenant, directory.to_ascii_lowercase());
    let seen = named.only();
    assert_eq!(
        (seen.path.as_str(), seen.query.as_str()),
        (
            format!("/subscriptions/{SUBSCRIPTION}").as_str(),
            "api-version=2022-12-01"
        )
    );
    let nameless = stub(200, json!({})).await;
    let error = nameless.arm().tenant(&subscription()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Malformed);
}

#[tokio::test]
async fn deleted_vaults_are_known_by_the_ids_they_had() {
    let rows = json!([{ "properties": { "vaultId": vault().as_str() } }, { "properties": {} }]);
    let stub = stub(200, json!({ "value": rows })).await;
    let deleted = stub.arm().deleted_vaults(&subscription()).await.unwrap();
    assert_eq!(deleted, [vault()]);
    assert_eq!(
        stub.only().path,
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults")
    );
}
