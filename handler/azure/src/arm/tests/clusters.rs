//! Clusters, their managers, and the changes that they take.

use axum::{body::Body, http::Response};
use serde_json::json;
use vaultbind_core::{archive::ArchiveSpec, id::VaultId};

use super::*;
use crate::ErrorDetail;

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
    let patch = ArchiveSpec::Legacy { vault: vault() };
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
            &ArchiveSpec::Legacy { vault: vault() },
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
            status: OperationStatus::Failed(ErrorDetail {
                codes: vec!["KeyVaultAccessDenied".to_owned()],
                message: Some("no access".to_owned()),
            }),
            retry_after: Some(std::time::Duration::from_secs(9)),
        }
    );
    let seen = stub.only();
    assert_eq!(
        (seen.path, seen.query.as_str()),
        (path, "api-version=v&t=1&s=a%2Fb")
    );
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
