use serde_json::{Value, json};

use super::*;

const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";

fn cluster() -> String {
    format!("{SUBSCRIPTION}/resourcegroups/rg/providers/Microsoft.NetworkCloud/clusters/c1")
}

fn vault() -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1")
}

fn event(kind: &str, operation: &str, subject: &str) -> Value {
    json!({
        "id": "e-1", "topic": SUBSCRIPTION, "subject": subject, "eventType": kind,
        "eventTime": "2026-07-19T18:38:04.6117357Z", "dataVersion": "2", "metadataVersion": "1",
        "data": { "operationName": operation, "claims": { "appid": "a-1", "name": "somebody" } },
    })
}

fn written(operation: &str, subject: &str) -> Result<Concern, EventError> {
    read(&event(
        "Microsoft.Resources.ResourceWriteSuccess",
        operation,
        subject,
    ))
    .map(|event| event.concern)
}

fn deleted(operation: &str, subject: &str) -> Result<Concern, EventError> {
    read(&event(
        "Microsoft.Resources.ResourceDeleteSuccess",
        operation,
        subject,
    ))
    .map(|event| event.concern)
}

fn cluster_id() -> ClusterId {
    cluster().parse().unwrap()
}

fn vault_id() -> VaultId {
    vault().parse().unwrap()
}

#[test]
fn a_write_or_delete_of_a_cluster_concerns_the_cluster() {
    let write = written("Microsoft.NetworkCloud/clusters/write", &cluster()).unwrap();
    assert_eq!(write, Concern::Cluster(cluster_id(), Origin::Write));
    let delete = deleted("microsoft.networkcloud/CLUSTERS/delete", &cluster()).unwrap();
    assert_eq!(delete, Concern::Cluster(cluster_id(), Origin::Delete));
}

#[test]
fn a_write_or_delete_of_a_vault_concerns_the_vault() {
    assert_eq!(
        written("Microsoft.KeyVault/vaults/write", &vault()).unwrap(),
        Concern::Vault(vault_id())
    );
    assert_eq!(
        deleted("Microsoft.KeyVault/vaults/delete", &vault()).unwrap(),
        Concern::Vault(vault_id())
    );
}

#[test]
fn a_cloud_event_says_the_same() {
    let event = json!({
        "specversion": "1.0", "id": "ce-1", "source": SUBSCRIPTION, "subject": vault(),
        "type": "Microsoft.Resources.ResourceWriteSuccess", "time": "2026-07-19T19:24:12.763881Z",
        "data": { "operationName": "Microsoft.KeyVault/vaults/write", "claims": {} },
    });
    let event = read(&event).unwrap();
    assert_eq!(event.concern, Concern::Vault(vault_id()));
    assert_eq!(event.cause.id.as_deref(), Some("ce-1"));
    assert_eq!(
        event.cause.time.as_deref(),
        Some("2026-07-19T19:24:12.763881Z")
    );
    assert_eq!(event.actor, None);
}

#[test]
fn tags_may_be_written_under_the_resource_or_under_an_id_of_their_own() {
    for suffix in [
        "",
        "/providers/Microsoft.Resources/tags/default",
        "/PROVIDERS/microsoft.resources/TAGS/default",
    ] {
        for operation in [
            "Microsoft.Resources/tags/write",
            "Microsoft.Resources/tags/delete",
        ] {
            let on_cluster = written(operation, &format!("{}{suffix}", cluster())).unwrap();
            assert_eq!(on_cluster, Concern::Cluster(cluster_id(), Origin::Write));
            let on_vault = deleted(operation, &format!("{}{suffix}", vault())).unwrap();
            assert_eq!(on_vault, Concern::Vault(vault_id()));
        }
    }
    let elsewhere =
        format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/s");
    let group =
        format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Resources/tags/default");
    let named = format!(
        "{SUBSCRIPTION}/resourceGroups/rg/providers/microsoft.insights/rules/Failure Anomalies - x"
    );
    for other in [elsewhere, group, SUBSCRIPTION.to_owned(), named] {
        let read = written("Microsoft.Resources/tags/write", &other);
        assert!(
            matches!(read, Err(EventError::Ignored(_))),
            "{other}: {read:?}"
        );
    }
    for broken in [format!("{}%2e", cluster()), format!("{}/..", vault())] {
        let read = written("Microsoft.Resources/tags/write", &broken);
        assert!(
            matches!(read, Err(EventError::BadId(_))),
            "{broken}: {read:?}"
        );
    }
}

#[test]
fn a_role_assignment_concerns_the_vault_that_it_is_on() {
    let name =
        "providers/Microsoft.Authorization/roleAssignments/7b8c2a4e-0000-4000-8000-000000000001";
    let operation = "Microsoft.Authorization/roleAssignments/write";
    assert_eq!(
        written(operation, &format!("{}/{name}", vault())).unwrap(),
        Concern::VaultRole(vault_id())
    );
    let gone = deleted(
        "Microsoft.Authorization/roleAssignments/delete",
        &format!("{}/{name}", vault()),
    )
    .unwrap();
    assert_eq!(gone, Concern::VaultRole(vault_id()));
    assert!(matches!(
        written(operation, &format!("{SUBSCRIPTION}/{name}")),
        Err(EventError::Ignored(_))
    ));
    assert!(matches!(
        written(operation, &format!("{}/{name}", cluster())),
        Err(EventError::Ignored(_))
    ));
}

#[test]
fn a_notification_is_read_whatever_its_tags_and_booleans_look_like() {
    for tags in [json!({ "site": "a" }), json!("site=a"), Value::Null] {
        for rbac in [json!(1), json!(0), json!(true)] {
            let event = json!({
                "id": "n-1", "topic": SUBSCRIPTION, "subject": vault(), "dataVersion": "1", "metadataVersion": "1",
                "eventType": "Microsoft.ResourceNotifications.Resources.CreatedOrUpdated",
                "eventTime": "2026-07-28T20:13:10.8418063Z",
                "data": { "resourceInfo": { "id": vault(), "tags": tags, "properties": { "enableRbacAuthorization": rbac } } },
            });
            assert_eq!(read(&event).unwrap().concern, Concern::Vault(vault_id()));
        }
    }
    let gone = event(
        "Microsoft.ResourceNotifications.Resources.Deleted",
        "",
        &cluster(),
    );
    assert_eq!(
        read(&gone).unwrap().concern,
        Concern::Cluster(cluster_id(), Origin::Gone)
    );
    let other = event(
        "Microsoft.ResourceNotifications.HealthResources.Changed",
        "",
        &cluster(),
    );
    assert!(matches!(read(&other), Err(EventError::Ignored(_))));
}

#[test]
fn failures_actions_and_other_types_are_ignored() {
    for (kind, operation) in [
        (
            "Microsoft.Resources.ResourceWriteFailure",
            "Microsoft.NetworkCloud/clusters/write",
        ),
        (
            "Microsoft.Resources.ResourceActionSuccess",
            "Microsoft.NetworkCloud/clusters/deploy/action",
        ),
        (
            "Microsoft.Resources.ResourceWriteSuccess",
            "Microsoft.NetworkCloud/clusterManagers/write",
        ),
        (
            "Microsoft.Resources.ResourceWriteSuccess",
            "Microsoft.Resources/deployments/write",
        ),
        ("Microsoft.Resources.ResourceWriteSuccess", ""),
        ("Microsoft.EventGrid.SubscriptionValidationEvent", ""),
    ] {
        let read = read(&event(kind, operation, &cluster()));
        assert!(
            matches!(read, Err(EventError::Ignored(_))),
            "{kind} {operation}: {read:?}"
        );
    }
}

#[test]
fn what_is_no_event_is_told_apart_from_a_bad_id() {
    for broken in [
        json!(1),
        json!([]),
        json!({}),
        json!({ "eventType": "x" }),
        json!({ "eventType": "x", "id": "1" }),
    ] {
        assert!(
            matches!(read(&broken), Err(EventError::Malformed(_))),
            "{broken}"
        );
    }
    for id in ["", "a\nb", &"x".repeat(129)] {
        let mut event = event(
            "Microsoft.Resources.ResourceWriteSuccess",
            "Microsoft.NetworkCloud/clusters/write",
            &cluster(),
        );
        event["id"] = json!(id);
        assert!(
            matches!(read(&event), Err(EventError::Malformed(_))),
            "{id:?}"
        );
    }
    for subject in [
        "",
        "/",
        "/subscriptions/x",
        &format!("{}/..", cluster()),
        &format!("{}?x=1", cluster()),
        &vault(),
    ] {
        let read = written("Microsoft.NetworkCloud/clusters/write", subject);
        assert!(
            matches!(read, Err(EventError::BadId(_))),
            "{subject}: {read:?}"
        );
    }
}

#[test]
fn a_time_that_is_none_is_left_out() {
    let mut event = event(
        "Microsoft.Resources.ResourceWriteSuccess",
        "Microsoft.KeyVault/vaults/write",
        &vault(),
    );
    event["eventTime"] = json!("yesterday");
    assert_eq!(read(&event).unwrap().cause.time, None);
}
