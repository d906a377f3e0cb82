//! Who may do what: no secret anywhere, nothing open that was asked to be closed, no role without its reason.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vaultbind_core::resource::WRITER_ROLE as WRITER;

use crate::{HOME, Snapshot, files};

const ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

#[test]
fn nothing_can_be_used_with_a_key() {
    for snapshot in Snapshot::all() {
        let properties = |kind: &str| &snapshot.only(kind)["properties"];
        assert_eq!(
            properties("Microsoft.ServiceBus/namespaces")["disableLocalAuth"],
            true
        );
        assert_eq!(
            properties("Microsoft.Storage/storageAccounts")["allowSharedKeyAccess"],
            false
        );
        assert_eq!(
            properties("Microsoft.Insights/components")["DisableLocalAuth"],
            true
        );
        let workspace = properties("Microsoft.OperationalInsights/workspaces");
        assert_eq!(workspace["features"]["disableLocalAuth"], true);
        for door in snapshot.of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies") {
            assert_eq!(door["properties"]["allow"], false);
        }
        assert_eq!(
            properties("Microsoft.Web/sites")["siteConfig"]["ftpsState"],
            "Disabled"
        );
    }
}

#[test]
fn nothing_that_looks_like_a_secret_is_put_out_or_set() {
    let suspicious = [
        "accountkey",
        "connectionstring",
        "listkeys",
        "password",
        "sharedaccess",
        "secret",
        "sas",
    ];
    for snapshot in Snapshot::all() {
        for (name, value) in snapshot.outputs.as_object().unwrap() {
            let text = format!("{name} {value}").to_lowercase();
            for word in suspicious {
                assert!(!text.contains(word), "output {name}: {word}");
            }
        }
        for (name, value) in snapshot.settings() {
            // With local authentication off this one is an address, which nobody can send to without the identity.
            if name == "APPLICATIONINSIGHTS_CONNECTION_STRING" {
                continue;
            }
            let value = value.to_lowercase();
            for word in [
                "accountkey",
                "listkeys",
                "sharedaccess",
                "password",
                "sig=",
                "connectionstring",
            ] {
                assert!(!value.contains(word), "setting {name}: {word}");
            }
        }
    }
    for path in files("infra/app", "bicep") {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        assert!(!text.contains("listkeys"), "{}", path.display());
        assert!(!text.contains("authorizationrules"), "{}", path.display());
    }
}

#[test]
fn transport_is_tls_1_2_at_least() {
    for snapshot in Snapshot::all() {
        let storage = &snapshot.only("Microsoft.Storage/storageAccounts")["properties"];
        assert_eq!(storage["minimumTlsVersion"], "TLS1_2");
        assert_eq!(storage["supportsHttpsTrafficOnly"], true);
        let namespace = &snapshot.only("Microsoft.ServiceBus/namespaces")["properties"];
        assert_eq!(namespace["minimumTlsVersion"], "1.2");
        let app = &snapshot.only("Microsoft.Web/sites")["properties"];
        assert_eq!(app["siteConfig"]["minTlsVersion"], "1.2");
        assert_eq!(app["httpsOnly"], true);
    }
}

#[test]
fn a_private_network_closes_what_can_be_closed() {
    for snapshot in Snapshot::all() {
        let access = if snapshot.is_private() {
            "Disabled"
        } else {
            "Enabled"
        };
        for kind in [
            "Microsoft.Storage/storageAccounts",
            "Microsoft.ServiceBus/namespaces",
        ] {
            assert_eq!(
                snapshot.only(kind)["properties"]["publicNetworkAccess"],
                access,
                "{kind}"
            );
        }
        let storage = &snapshot.only("Microsoft.Storage/storageAccounts")["properties"];
        assert_eq!(
            storage["allowBlobPublicAccess"], false,
            "never, whatever the network"
        );
        let tier = if snapshot.is_private() {
            "Premium"
        } else {
            "Standard"
        };
        assert_eq!(
            snapshot.only("Microsoft.ServiceBus/namespaces")["sku"]["name"],
            tier
        );
        let endpoints = snapshot.of_type("Microsoft.Network/privateEndpoints");
        assert_eq!(endpoints.len(), if snapshot.is_private() { 2 } else { 0 });
    }
}

#[test]
fn event_grid_alone_gets_in_where_the_network_is_private() {
    let snapshot = Snapshot::read("private-network");
    let app = &snapshot.only("Microsoft.Web/sites")["properties"];
    assert!(app["virtualNetworkSubnetId"].is_string());
    let config = &app["siteConfig"];
    assert_eq!(config["ipSecurityRestrictionsDefaultAction"], "Deny");
    let rules = config["ipSecurityRestrictions"].as_array().unwrap();
    let allowed: Vec<&Value> = rules.iter().map(|it| &it["ipAddress"]).collect();
    assert_eq!(allowed, [&json!("AzureEventGrid")]);
    assert_eq!(rules[0]["tag"], "ServiceTag");
}

#[test]
fn the_app_and_its_topics_have_the_one_identity() {
    for snapshot in Snapshot::all() {
        let identity = snapshot.only("Microsoft.ManagedIdentity/userAssignedIdentities")["id"]
            .as_str()
            .unwrap();
        let mut holders = snapshot.of_type("Microsoft.EventGrid/systemTopics");
        holders.push(snapshot.only("Microsoft.Web/sites"));
        assert!(holders.len() > 1);
        for holder in holders {
            assert_eq!(holder["identity"]["type"], "UserAssigned");
            let identities = holder["identity"]["userAssignedIdentities"]
                .as_object()
                .unwrap();
            assert_eq!(
                identities.keys().map(String::as_str).collect::<Vec<_>>(),
                [identity]
            );
        }
    }
}

#[test]
fn every_role_goes_to_the_identity_and_is_one_of_those_that_it_needs() {
    // Role, and what the scope has to contain.
    let known = [
        ("b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "storageAccounts"),
        ("4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0", "requests"),
        ("69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", "requests"),
        ("69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", "results"),
        ("3913510d-42f4-4e42-8a64-420c390055eb", "components"),
    ];
    for snapshot in Snapshot::all() {
        let role_definition = snapshot.only("Microsoft.Authorization/roleDefinitions");
        let custom = role_definition["name"].as_str().unwrap();
        let subscriptions = role_definition["properties"]["assignableScopes"]
            .as_array()
            .unwrap()
            .len();
        let mut counts = (0, 0, 0);
        for assignment in snapshot.of_type("Microsoft.Authorization/roleAssignments") {
            let properties = &assignment["properties"];
            assert_eq!(properties["principalType"], "ServicePrincipal");
            assert!(
                properties["principalId"]
                    .as_str()
                    .unwrap()
                    .contains("userAssignedIdentities")
            );
            let role = properties["roleDefinitionId"].as_str().unwrap();
            let id = assignment["id"].as_str().unwrap();
            if role.contains(custom) {
                counts.0 += 1;
            } else if role.contains(ADMINISTRATOR) {
                counts.1 += 1;
                assert!(
                    properties["condition"].is_string(),
                    "without a condition it could give away any role"
                );
                assert_eq!(properties["conditionVersion"], "2.0");
            } else {
                counts.2 += 1;
                assert!(
                    known
                        .iter()
                        .any(|it| role.contains(it.0) && id.contains(it.1)),
                    "{role} on {id}"
                );
            }
        }
        assert_eq!(
            counts,
            (subscriptions, subscriptions, 5),
            "{}",
            snapshot.name
        );
    }
}

#[test]
fn the_custom_role_covers_the_managed_subscriptions_under_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for snapshot in Snapshot::all() {
        let role = &snapshot.only("Microsoft.Authorization/roleDefinitions")["properties"];
        // A role's display name is unique in the whole tenant.
        assert!(names.insert(role["roleName"].as_str().unwrap().to_owned()));
        let permissions = &role["permissions"][0];
        for none in ["notActions", "dataActions", "notDataActions"] {
            assert_eq!(permissions[none], json!([]));
        }
        let actions: Vec<String> = serde_json::from_value(permissions["actions"].clone()).unwrap();
        assert!(
            actions.iter().all(|it| !it.contains('*')),
            "no wildcard: {actions:?}"
        );
        let writing: Vec<&String> = actions.iter().filter(|it| !it.ends_with("/read")).collect();
        assert_eq!(
            writing,
            [
                "Microsoft.NetworkCloud/clusters/write",
                "Microsoft.NetworkCloud/register/action"
            ]
        );
    }
    let three = Snapshot::read("three-subscriptions");
    let scopes =
        &three.only("Microsoft.Authorization/roleDefinitions")["properties"]["assignableScopes"];
    assert_eq!(scopes.as_array().unwrap().len(), 3);
    assert_eq!(scopes[0], format!("/subscriptions/{HOME}"));
}

/// The condition without the layout.
fn condition(snapshot: &Snapshot) -> String {
    let assignments = snapshot.of_type("Microsoft.Authorization/roleAssignments");
    let found = assignments
        .iter()
        .find_map(|it| it["properties"]["condition"].as_str())
        .unwrap();
    found.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_condition_lets_one_role_be_given_and_none_be_taken() {
    let attribute = "Microsoft.Authorization/roleAssignments";
    let given = |principals: &str| {
        format!(
            "( ( !(ActionMatches{{'{attribute}/write'}}) ) OR \
             ( @Request[{attribute}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{WRITER}}} {principals}\
             AND @Request[{attribute}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}} ) ) \
             AND ( !(ActionMatches{{'{attribute}/delete'}}) )"
        )
    };
    let known = "AND @Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals \
                 {aaaaaaaa-0000-4000-8000-000000000001, aaaaaaaa-0000-4000-8000-000000000002} ";
    assert_eq!(condition(&Snapshot::read("smallest")), given(""));
    assert_eq!(condition(&Snapshot::read("three-subscriptions")), given(""));
    assert_eq!(condition(&Snapshot::read("private-network")), given(known));
}
