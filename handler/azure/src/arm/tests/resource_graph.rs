//! Searches in Resource Graph.

use serde_json::{Value, json};
use uuid::Uuid;
use vaultbind_core::id::SubscriptionId;

use super::*;

#[tokio::test]
async fn resource_graph_is_asked_page_by_page() {
    let stub = Stub::start(|seen: &Seen| {
        let is_truncated = |next: &Value| if next.is_null() { "false" } else { "true" };
        let id = |name: &str| cluster().as_str().replace("c1", name);
        let token = seen.json().pointer("/options/$skipToken").cloned();
        let (name, next) = if token == Some(json!("t1")) { ("c2", Value::Null) } else { ("c1", json!("t1")) };
        answer(200, &json!({ "resultTruncated": is_truncated(&next), "count": 2, "$skipToken": next, "data": [{ "id": id(name), "properties": {} }, { "id": "nonsense" }] }))
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
async fn vaults_are_found_in_all_of_many_subscriptions_and_in_none_of_none() {
    let row = json!({ "id": vault().as_str(), "tags": { "site": "a" } });
    let stub = stub(200, json!({ "data": [row, { "id": cluster().as_str() }] })).await;
    let many: Vec<SubscriptionId> = (0..301)
        .map(|number| Uuid::from_u128(number).to_string().parse().unwrap())
        .collect();
    let found = stub.arm().vaults_in(&many).await.unwrap();
    assert_eq!(found.len(), 2, "one for each query");
    assert!(found.iter().all(|resource| resource.id == vault()));
    let asked = |seen: &Seen| seen.json()["subscriptions"].as_array().unwrap().len();
    assert_eq!(stub.seen().iter().map(asked).collect::<Vec<_>>(), [300, 1]);
    // No list at all would mean every subscription that can be read.
    assert!(stub.arm().vaults_in(&[]).await.unwrap().is_empty());
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_a_failed_read() {
    let row = json!({ "id": vault().as_str() });
    for body in [
        json!({}),
        json!({ "data": [row], "resultTruncated": "true" }),
        json!({ "data": [row], "resultTruncated": true, "$skipToken": "" }),
        json!({ "data": [row], "count": 2 }),
        json!({ "data": [row], "count": 1, "totalRecords": 2 }),
        json!({ "data": { "rows": [row] } }),
        json!({ "data": "kv1" }),
    ] {
        let stub = stub(200, body.clone()).await;
        let error = stub.arm().vaults_in(&[subscription()]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Malformed, "{body}");
    }
    for body in [
        json!({ "data": null }),
        json!({ "data": {} }),
        json!({ "data": "" }),
        json!({ "data": [], "totalRecords": 0 }),
        json!({ "data": [], "count": 0, "resultTruncated": "false" }),
    ] {
        let stub = stub(200, body).await;
        assert_eq!(stub.arm().vaults_in(&[subscription()]).await.unwrap(), []);
    }
}
