//! Events: which ones come, where they go, and what becomes of those that cannot be delivered.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vaultbind::event::{self, EventError};

use crate::{HOME, Snapshot, folders, read};

fn event_subscriptions(snapshot: &Snapshot) -> Vec<&Value> {
    snapshot.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")
}

#[test]
fn events_go_to_the_function_and_are_kept_where_they_cannot() {
    assert!(
        event_subscriptions(&Snapshot::read("smallest")).is_empty(),
        "they come after the code"
    );
    for (name, count) in [("private-network", 1), ("three-subscriptions", 6)] {
        let snapshot = Snapshot::read(name);
        let found = event_subscriptions(&snapshot);
        assert_eq!(found.len(), count, "{name}");
        for it in found {
            let properties = &it["properties"];
            let function = properties["destination"]["properties"]["resourceId"]
                .as_str()
                .unwrap();
            let (app, function) = function.rsplit_once("/functions/").unwrap();
            assert_eq!(app, snapshot.only("Microsoft.Web/sites")["id"]);
            assert!(folders().contains(function));
            assert!(read(format!("{function}/function.json")).contains("eventGridTrigger"));
            assert_eq!(
                properties["retryPolicy"],
                json!({ "maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440 })
            );
            let dead = &properties["deadLetterWithResourceIdentity"];
            assert_eq!(dead["identity"]["type"], "UserAssigned");
            let container = &dead["deadLetterDestination"]["properties"]["blobContainerName"];
            snapshot.named(
                "Microsoft.Storage/storageAccounts/blobServices/containers",
                container.as_str().unwrap(),
            );
        }
    }
}

#[test]
fn each_topic_is_in_the_subscription_that_it_tells_of() {
    let snapshot = Snapshot::read("three-subscriptions");
    let mut sources = BTreeSet::new();
    for topic in snapshot.of_type("Microsoft.EventGrid/systemTopics") {
        let source = topic["properties"]["source"].as_str().unwrap();
        assert!(
            topic["id"]
                .as_str()
                .unwrap()
                .starts_with(&format!("{source}/"))
        );
        assert_eq!(topic["identity"]["type"], "UserAssigned");
        assert!(
            sources.insert((source, topic["properties"]["topicType"].as_str())),
            "one topic a source"
        );
    }
    let changes = sources
        .iter()
        .filter(|it| it.1 == Some("Microsoft.Resources.Subscriptions"));
    assert_eq!(changes.count(), 2, "the third subscription has a topic");
}

/// The operations that a filter of the subscription topics lets through.
fn filtered_operations(snapshot: &Snapshot) -> BTreeSet<String> {
    let found = event_subscriptions(snapshot);
    let filter = &found[0]["properties"]["filter"];
    assert_eq!(
        filter["includedEventTypes"],
        json!([
            "Microsoft.Resources.ResourceWriteSuccess",
            "Microsoft.Resources.ResourceDeleteSuccess"
        ])
    );
    let advanced = &filter["advancedFilters"][0];
    assert_eq!(
        (&advanced["operatorType"], &advanced["key"]),
        (&json!("StringIn"), &json!("data.operationName"))
    );
    serde_json::from_value(advanced["values"].clone()).unwrap()
}

/// Does the code act on this operation, given a subject that suits it?
fn is_read(operation: &str) -> bool {
    let vault =
        format!("/subscriptions/{HOME}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1");
    let (kind, verb) = operation.rsplit_once('/').unwrap();
    let subject = match kind {
        "Microsoft.Authorization/roleAssignments" => format!("{vault}/providers/{kind}/{HOME}"),
        "Microsoft.Resources/tags" => format!("{vault}/providers/{kind}/default"),
        _ => format!("/subscriptions/{HOME}/resourceGroups/rg/providers/{kind}/thing1"),
    };
    let kind = if verb == "delete" { "Delete" } else { "Write" };
    let event = json!({
        "id": "e-1", "subject": subject, "eventType": format!("Microsoft.Resources.Resource{kind}Success"),
        "eventTime": "2026-07-19T18:38:04Z", "data": { "operationName": operation },
    });
    match event::read(&event) {
        Ok(_) => true,
        Err(EventError::Ignored(_)) => false,
        Err(error) => panic!("{operation}: {error}"),
    }
}

#[test]
fn the_filter_lets_through_what_the_code_reads_and_nothing_else() {
    let filtered = filtered_operations(&Snapshot::read("private-network"));
    for operation in &filtered {
        assert!(is_read(operation), "{operation} is delivered in vain");
    }
    let types = [
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.Authorization/roleDefinitions",
        "Microsoft.KeyVault/vaults",
        "Microsoft.KeyVault/managedHSMs",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.NetworkCloud/clusterManagers",
        "Microsoft.NetworkCloud/clusters",
        "Microsoft.NetworkCloud/racks",
        "Microsoft.Resources/deployments",
        "Microsoft.Resources/tags",
    ];
    for kind in types {
        for verb in ["write", "delete", "action"] {
            let operation = format!("{kind}/{verb}");
            assert_eq!(
                is_read(&operation),
                filtered.contains(&operation),
                "{operation}"
            );
        }
    }
}
