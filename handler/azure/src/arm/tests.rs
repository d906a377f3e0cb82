use axum::{body::Body, http::Response};
use serde_json::{Value, json};
use uuid::Uuid;
use vaultbind_core::{
    id::{ClusterId, SubscriptionId, VaultId},
    inventory::PrincipalId,
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
async fn a_cluster_is_read_at_the_version_that_is_asked_for() {
    let body = json!({ "id": cluster().as_str().to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions"),
        "location": "eastus", "etag": "\"e1\"", "properties": { "provisioningState": "Succeeded", "detailedStatus": "Running" } });
    let stub = stub(200, body).await;
    let read = stub.arm().cluster(&cluster(), "2025-02-01").await.unwrap();
    assert_eq!(
        (
            read.id,
            read.etag.as_deref(),
            read.detailed_status.as_deref()
        ),
        (cluster(), Some("\"e1\""), Some("Running"))
    );
    assert_eq!(stub.only().path, cluster().as_str());
    assert_eq!(stub.only().query, "api-version=2025-02-01");
}

#[tokio::test]
async fn an_answer_about_another_resource_is_malformed() {
    let stub = stub(200, json!({ "id": vault().as_str() })).await;
    assert_eq!(
        stub.arm()
            .cluster(&cluster(), "2025-02-01")
            .await
            .unwrap_err()
            .kind(),
        Kind::Malformed
    );
    let other: VaultId = vault().as_str().replace("kv1", "kv2").parse().unwrap();
    assert_eq!(
        stub.arm().vault(&other).await.unwrap_err().kind(),
        Kind::Malformed
    );
}

#[tokio::test]
async fn an_entity_tag_is_sent_where_there_is_one() {
    let stub = stub(200, json!({})).await;
    let patch = ArchivePatch::Legacy { vault: vault() };
    assert_eq!(
        stub.arm()
            .set_archive(&cluster(), "2025-02-01", Some("\"e1\""), &patch)
            .await
            .unwrap(),
        PatchAnswer::Done
    );
    stub.arm()
        .set_archive(&cluster(), "2024-07-01", None, &patch)
        .await
        .unwrap();
    let seen = stub.seen();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].header("if-match")),
        ("PATCH", "\"e1\"")
    );
    assert_eq!(seen[0].header("content-type"), "application/json");
    assert!(!seen[1].headers.contains_key("if-match"));
}

async fn accepted(headers: &'static [(&'static str, &'static str)]) -> PatchAnswer {
    let stub = Stub::start(move |seen: &Seen| {
        let host = seen.header("host").to_owned();
        let mut response = Response::builder().status(202);
        for (name, value) in headers {
            response = response.header(*name, value.replace("HOST", &host));
        }
        response.body(Body::empty()).unwrap()
    })
    .await;
    stub.arm()
        .set_archive(
            &cluster(),
            "2025-02-01",
            None,
            &ArchivePatch::Legacy { vault: vault() },
        )
        .await
        .unwrap()
}

#[tokio::test]
async fn an_accepted_patch_says_where_to_look_and_when() {
    const PATH: &str = "http://HOST/subscriptions/11111111-1111-1111-1111-111111111111/providers/Microsoft.NetworkCloud/locations/eastus/operationStatuses/op";
    let PatchAnswer::Accepted {
        operation: Some(_),
        retry_after,
    } = accepted(&[
        ("azure-asyncoperation", PATH),
        ("location", "http://elsewhere"),
        ("retry-after", "5"),
    ])
    .await
    else {
        panic!("no operation");
    };
    assert_eq!(retry_after, Some(std::time::Duration::from_secs(5)));
    assert!(matches!(
        accepted(&[("location", PATH)]).await,
        PatchAnswer::Accepted {
            operation: Some(_),
            ..
        }
    ));
    for foreign in [
        &[("azure-asyncoperation", "https://evil.example/op")] as &'static [_],
        &[],
    ] {
        assert!(matches!(
            accepted(foreign).await,
            PatchAnswer::Accepted {
                operation: None,
                ..
            }
        ));
    }
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
        rows.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(),
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

#[tokio::test]
async fn a_role_is_assigned_to_a_service_principal_by_its_object_id() {
    let name = Uuid::from_u128(7);
    let body = json!({ "id": "/a", "properties": { "roleDefinitionId": "/x/y", "principalId": PRINCIPAL, "scope": "/s" } });
    let stub = stub(201, body).await;
    stub.arm()
        .assign_role(&vault(), &name, &principal())
        .await
        .unwrap();
    let seen = stub.only();
    assert_eq!(seen.method, "PUT");
    assert_eq!(
        seen.path,
        format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{name}",
            vault()
        )
    );
    let expected = json!({
        "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/44f0a1a8-6fea-4b35-980a-8ff50c487c97"),
        "principalId": PRINCIPAL, "principalType": "ServicePrincipal", "description": "Vaultbind",
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
async fn resource_graph_is_asked_page_by_page() {
    let stub = Stub::start(|seen: &Seen| {
        let id = |name: &str| cluster().as_str().replace("c1", name);
        let token = seen.json().pointer("/options/$skipToken").cloned();
        let (name, next) = if token == Some(json!("t1")) { ("c2", Value::Null) } else { ("c1", json!("t1")) };
        answer(200, &json!({ "resultTruncated": "true", "$skipToken": next, "data": [{ "id": id(name), "properties": {} }, { "id": "nonsense" }] }))
    })
    .await;
    let first = stub
        .arm()
        .clusters_page(Some(&[subscription()]), 100, None)
        .await
        .unwrap();
    assert_eq!(
        (first.clusters.len(), first.skip_token.as_deref()),
        (1, Some("t1"))
    );
    let second = stub
        .arm()
        .clusters_page(None, 100, Some("t1"))
        .await
        .unwrap();
    assert_eq!(
        (second.clusters[0].id.name(), second.skip_token),
        ("c2", None)
    );
    let seen = stub.seen();
    assert_eq!(seen[0].json()["subscriptions"], json!([SUBSCRIPTION]));
    assert_eq!(seen[0].json()["options"]["$top"], 100);
    assert!(seen[1].json().get("subscriptions").is_none());
}

#[tokio::test]
async fn a_vault_is_found_by_its_whole_address() {
    let row = json!({ "id": vault().as_str(), "vaultUri": "https://KV1.vault.azure.net/" });
    let stub = stub(200, json!({ "data": [row] })).await;
    let arm = stub.arm();
    assert_eq!(
        arm.vault_by_host(None, "kv1.vault.azure.net")
            .await
            .unwrap(),
        Some(vault())
    );
    assert_eq!(
        arm.vault_by_host(None, "kv1.vault.evil.example")
            .await
            .unwrap(),
        None
    );
    assert_eq!(stub.seen().len(), 2);
    assert_eq!(
        arm.vault_by_host(None, "kv' or true.vault.azure.net")
            .await
            .unwrap(),
        None
    );
    assert_eq!(stub.seen().len(), 2, "what is no name is not searched for");
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
async fn a_manager_shows_its_identities() {
    let id = cluster()
        .as_str()
        .replace("clusters/c1", "clusterManagers/m1");
    let stub = stub(200, json!({ "identity": { "principalId": PRINCIPAL } })).await;
    let identities = stub
        .arm()
        .manager_identities(&id.parse().unwrap(), "2024-07-01")
        .await
        .unwrap();
    assert_eq!(identities.system, Some(principal()));
    assert_eq!(
        (stub.only().path, stub.only().query),
        (id, "api-version=2024-07-01".to_owned())
    );
}

#[tokio::test]
async fn deleted_vaults_are_known_by_the_ids_they_had() {
    let rows = json!([{ "properties": { "vaultId": vault().as_str() } }, { "properties": {} }]);
    let stub = stub(200, json!({ "value": rows })).await;
    let deleted = stub.arm().deleted_vaults(&subscription()).await.unwrap();
    assert_eq!(
        deleted.into_iter().map(|it| it.id).collect::<Vec<_>>(),
        [vault()]
    );
    assert_eq!(
        stub.only().path,
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults")
    );
}

#[tokio::test]
async fn vaults_are_found_in_all_of_many_subscriptions_and_in_none_of_none() {
    let row = json!({ "id": vault().as_str(), "tags": { "site": "a" } });
    let stub = stub(200, json!({ "data": [row, { "id": cluster().as_str() }] })).await;
    let many: Vec<SubscriptionId> = (0..301)
        .map(|it| Uuid::from_u128(it).to_string().parse().unwrap())
        .collect();
    let found = stub.arm().vaults_in(&many).await.unwrap();
    assert_eq!(found.len(), 2, "one for each query");
    assert!(found.iter().all(|it| it.id == vault()));
    let asked = |seen: &Seen| seen.json()["subscriptions"].as_array().unwrap().len();
    assert_eq!(stub.seen().iter().map(asked).collect::<Vec<_>>(), [300, 1]);
    // No list at all would mean every subscription that can be read.
    assert!(stub.arm().vaults_in(&[]).await.unwrap().is_empty());
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn an_operation_is_looked_at_where_its_address_says() {
    let stub = Stub::start(|_| {
        let mut response = answer(
            200,
            &json!({ "status": "Failed", "error": { "code": "KeyVaultAccessDenied", "message": "no\naccess" } }),
        );
        response
            .headers_mut()
            .insert("retry-after", "9".parse().unwrap());
        response
    })
    .await;
    let path = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.NetworkCloud/locations/eastus/operationStatuses/op"
    );
    let text = format!("{}{}?api-version=v&t=1&s=a%2Fb", stub.endpoint, &path[1..]);
    let url = OperationUrl::accept(&text, &stub.endpoint, &cluster()).unwrap();
    let operation = stub.arm().operation(&url).await.unwrap();
    assert_eq!(
        operation,
        Operation {
            status: OperationStatus::Failed {
                code: "KeyVaultAccessDenied".to_owned(),
                message: "no access".to_owned()
            },
            retry_after: Some(std::time::Duration::from_secs(9)),
        }
    );
    let seen = stub.only();
    assert_eq!(
        (seen.path, seen.query.as_str()),
        (path, "api-version=v&t=1&s=a%2Fb")
    );
}
