//! Vaults: of a boundary, deleted, and whether a name is free.

use serde_json::json;
use vaultbind_core::id::Scope;

use super::*;

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

#[tokio::test]
async fn the_vaults_of_a_boundary_are_listed_where_it_lies_and_nowhere_else() {
    let rows = json!({ "value": [{ "id": vault().as_str() }, { "id": "nonsense" }] });
    let group = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/{}",
        vault().resource_group()
    );
    for boundary in [&group, &format!("/subscriptions/{SUBSCRIPTION}")] {
        let stub = stub(200, rows.clone()).await;
        let found = stub.arm().vaults_of(&scope(boundary)).await.unwrap();
        assert_eq!(found.len(), 1, "{boundary}");
        let path = format!("{boundary}/providers/Microsoft.KeyVault/vaults");
        assert_eq!(stub.seen()[0].path, path);
    }
    let elsewhere = json!({ "value": [{ "id": vault().as_str().replace("/rg/", "/rg2/") }] });
    let error = stub(200, elsewhere)
        .await
        .arm()
        .vaults_of(&scope(&group))
        .await;
    assert_eq!(error.unwrap_err().kind(), Kind::Malformed);
    let stub = stub(200, json!({ "id": vault().as_str() })).await;
    let found = stub
        .arm()
        .vaults_of(&scope(vault().as_str()))
        .await
        .unwrap();
    assert_eq!(found[0].id, vault());
    assert_eq!(stub.seen()[0].path, vault().as_str());
}

#[tokio::test]
async fn a_list_that_lacks_its_rows_is_a_failed_read() {
    for (body, is_read) in [
        (json!({}), false),
        (json!({ "value": null }), true),
        (json!({ "value": [] }), true),
    ] {
        let stub = stub(200, body.clone()).await;
        let boundary = scope(&format!("/subscriptions/{SUBSCRIPTION}"));
        let found = stub.arm().vaults_of(&boundary).await;
        match found {
            Ok(vaults) => assert!(is_read && vaults.is_empty(), "{body}"),
            Err(error) => assert!(!is_read && error.kind() == Kind::Malformed, "{body}"),
        }
    }
}

#[tokio::test]
async fn a_name_is_free_where_key_vault_says_so_without_a_reason() {
    for (body, is_free) in [
        (json!({ "nameAvailable": true }), true),
        (
            json!({ "nameAvailable": false, "reason": "AlreadyExists", "message": "m" }),
            false,
        ),
        (
            json!({ "nameAvailable": true, "reason": "AccountNameInvalid" }),
            false,
        ),
    ] {
        let stub = stub(200, body.clone()).await;
        let answer = stub.arm().is_vault_name_free(&subscription(), "kv-x").await;
        assert_eq!(answer.unwrap(), is_free, "{body}");
        let asked = &stub.seen()[0];
        assert_eq!(
            asked.json(),
            json!({ "name": "kv-x", "type": "Microsoft.KeyVault/vaults" })
        );
        assert!(
            asked
                .path
                .ends_with("/providers/Microsoft.KeyVault/checkNameAvailability")
        );
    }
    let stub = stub(200, json!({})).await;
    let answer = stub.arm().is_vault_name_free(&subscription(), "kv-x").await;
    assert_eq!(answer.unwrap_err().kind(), Kind::Malformed);
}

#[tokio::test]
async fn a_list_that_is_not_there_is_a_failed_read_and_an_empty_one_has_several_spellings() {
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg");
    for (status, body, is_empty) in [
        (200, json!({}), false),
        (200, json!([]), false),
        (200, json!({ "value": "kv1" }), false),
        (200, json!({ "value": [] }), true),
        (200, json!({ "value": null }), true),
        (200, json!({ "value": {} }), true),
        (200, json!({ "value": [], "nextLink": "" }), true),
        (204, json!(null), true),
    ] {
        let stub = stub(status, body.clone()).await;
        let listed = stub.arm().vaults_of(&scope(&group)).await;
        match listed {
            Ok(vaults) => assert!(is_empty && vaults.is_empty(), "{body}"),
            Err(error) => assert!(
                !is_empty && error.kind() == Kind::Malformed,
                "{body}: {error}"
            ),
        }
    }
}
