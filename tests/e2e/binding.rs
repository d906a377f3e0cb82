//! The main job: an event comes in, and the cluster ends where the how-to's commands would leave it.

use serde_json::{Value, json};
use vaultbind_simulator::{
    ClusterSpec, Estate, SubscriptionSpec, VaultSpec,
    event_grid::Schema,
    faults::{Fault, FaultRule},
    journal::Service,
    state::{PLATFORM_APPS, PrincipalKind, WRITER_ROLE, behaviour::PatchMode},
};

use crate::town::{EAST, Plan, SOON, Town, WEST, write_event};

pub(crate) fn vault(name: &str, site: &str) -> VaultSpec {
    VaultSpec::new(name)
        .tag("purpose", "nexus-credentials")
        .tag("site", site)
}

/// One vault and one cluster of site a, in a subscription that is not registered yet.
pub(crate) fn estate() -> Estate {
    estate_in(SubscriptionSpec::new(WEST).unregistered())
}

/// The same in this subscription.
pub(crate) fn estate_in(west: SubscriptionSpec) -> Estate {
    Estate::new()
        .platform_apps()
        .subscription(west)
        .cluster(
            ClusterSpec::new("c1")
                .tag("site", "a")
                .tag("owner", "ops")
                .detailed_status("PendingDeployment"),
        )
        .vault(vault("kv-a", "a"))
        .subscription(SubscriptionSpec::new(EAST))
}

async fn publish(town: &Town, schema: Schema) {
    town.grid
        .configure("resource-event", |it| it.schema = schema);
    let event = write_event(
        "e-1",
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    );
    town.publish(&event).await;
}

/// What the how-to's three commands leave: the provider registered, both apps in the role, the archive set.
fn assert_as_the_how_to_leaves_it(town: &Town, before: &Value) {
    let azure = town.simulator.world.azure();
    let vault = azure.vault_id("kv-a").unwrap();
    let mut expected = before.clone();
    expected["properties"]["secretArchive"] = json!({ "keyVaultId": vault, "useKeyVault": "True" });
    let after = azure.resource(&azure.cluster_id("c1").unwrap()).unwrap();
    for volatile in ["etag", "systemData"] {
        expected[volatile] = after[volatile].clone();
    }
    assert_eq!(after, &expected, "the archive alone has changed");
    let mut holders: Vec<&str> = azure
        .role_assignments()
        .filter(|it| it.scope.eq_ignore_ascii_case(&vault) && it.role.ends_with(WRITER_ROLE))
        .map(|it| it.principal_id.as_str())
        .collect();
    holders.sort_unstable();
    let mut apps = azure.platform_principals();
    apps.sort_unstable();
    assert_eq!(
        holders, apps,
        "each platform app holds the role on the vault, once"
    );
    assert_eq!(
        azure.role_assignments().count(),
        2,
        "nobody else was given anything"
    );
    let registration = format!("{:?}", azure.subscription(WEST).unwrap().registration);
    assert_eq!(registration, "Registered");
}

#[tokio::test]
async fn an_event_binds_the_cluster_as_the_how_to_would() {
    for schema in [Schema::EventGrid, Schema::CloudEvents] {
        let town = Plan::new(estate()).open().await;
        let before = town.cluster("c1");
        publish(&town, schema).await;
        assert_as_the_how_to_leaves_it(&town, &before);
        let result = town.only_result();
        let data = &result["data"];
        assert_eq!(
            (&data["outcome"], &data["changed"], &data["rule"]),
            (&json!("bound"), &json!(true), &json!("by-site"))
        );
        assert_eq!(data["vault"]["id"], town.vault_id("kv-a"));
        assert_eq!(data["cluster"]["detailedStatus"], "PendingDeployment");
        assert_eq!(
            (&data["severity"], &data["redelivered"]),
            (&json!("info"), &json!(false))
        );
        let tags = &data["cluster"]["tags"];
        assert_eq!(
            tags,
            &json!({ "site": "a" }),
            "no tag that the policy does not name"
        );
        assert_eq!(data["before"]["keyVaultId"], Value::Null);
        assert_eq!(data["after"]["keyVaultId"], town.vault_id("kv-a"));
        let created = data["writers"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["created"] == true && it["kind"] == "platform-apps");
        assert_eq!(created.count(), 2);
        assert_eq!(data["cause"]["id"], "e-1");
        assert_eq!(result["type"], "vaultbind.binding.bound");
        assert!(
            !result.to_string().contains("a person"),
            "claims are personal data"
        );
        assert!(
            !town.host.stdout().join("\n").contains("a person"),
            "claims are personal data"
        );
    }
}

#[tokio::test]
async fn a_result_carries_what_consumers_filter_by() {
    let town = Plan::new(estate()).open().await;
    publish(&town, Schema::EventGrid).await;
    let sent = &town.simulator.broker.sent("results")[0];
    let properties = &sent.message.properties;
    let body: Value = serde_json::from_slice(&sent.message.body).unwrap();
    assert_eq!(
        properties.label.as_deref(),
        Some("bound"),
        "{}",
        town.account()
    );
    assert_eq!(properties.message_id.as_deref(), body["id"].as_str());
    assert_eq!(properties.label.as_deref(), Some("bound"));
    assert_eq!(properties.correlation_id.as_deref(), Some("e-1"));
    assert_eq!(
        sent.message.content_type.as_deref(),
        Some("application/cloudevents+json")
    );
    assert_eq!(sent.message.custom["outcome"], "bound");
    assert_eq!(
        sent.message.custom["clusterid"],
        town.cluster_id("c1").to_lowercase()
    );
}

#[tokio::test]
async fn the_trace_of_the_event_goes_along_to_its_result() {
    let mut plan = Plan::new(estate());
    plan.config.emit_events = false;
    let town = plan.open().await;
    publish(&town, Schema::EventGrid).await;
    let calls = town.host.invocations();
    let event = calls.iter().find(|it| it.function == "resource-event");
    let trace = event.unwrap().id.replace('-', "");
    let is_of_event = |it: &Value| {
        it["traceparent"]
            .as_str()
            .and_then(|it| it.split('-').nth(1))
            == Some(&trace)
    };
    let requests = town.simulator.broker.sent("requests").into_iter();
    let requests: Vec<Value> = requests
        .map(|it| serde_json::from_slice(&it.message.body).unwrap())
        .collect();
    assert!(requests.len() > 1, "there is a look at the operation too");
    assert!(requests.iter().all(is_of_event), "{requests:#?}");
    assert!(is_of_event(&town.only_result()));
    let lines = town.host.stdout().into_iter();
    let lines: Vec<Value> = lines
        .filter_map(|it| serde_json::from_str(&it).ok())
        .collect();
    let of_event = lines.iter().filter(|it| is_of_event(&it["span"]));
    let of_result = lines.iter().filter(|it| is_of_event(it));
    assert!(of_event.count() > 0 && of_result.count() > 0);
}

#[tokio::test]
async fn what_was_written_is_not_bound_until_it_is_read_back() {
    let town = Plan::new(estate()).open().await;
    // Every reading of the operation fails for a while: the value is visible, and that is not success.
    let busy = Fault::Status {
        status: 503,
        code: "ServerBusy".to_owned(),
        message: "busy".to_owned(),
        retry_after: None,
    };
    town.simulator
        .world
        .faults
        .add(FaultRule::new(Service::Arm, "operationStatuses", busy).times(3));
    publish(&town, Schema::EventGrid).await;
    let result = town.only_result();
    assert_eq!(result["data"]["outcome"], "bound", "{}", town.account());
    assert!(
        result["data"]["attempts"].as_u64().unwrap() > 3,
        "{result:#}"
    );
    assert_eq!(
        town.cluster("c1")["properties"]["provisioningState"],
        "Succeeded"
    );
    let taken = town
        .writes()
        .into_iter()
        .filter(|it| it.method == "PATCH" && it.status == 202);
    assert_eq!(taken.count(), 1);
}

#[tokio::test]
async fn the_object_ids_may_come_from_the_setting_instead_of_graph() {
    let mut plan = Plan::new(estate());
    plan.config.announce_platform_principals = true;
    let town = plan.open().await;
    let before = town.cluster("c1");
    publish(&town, Schema::EventGrid).await;
    assert_as_the_how_to_leaves_it(&town, &before);
    let graph = town
        .simulator
        .world
        .journal
        .entries()
        .into_iter()
        .filter(|it| it.service == Service::Graph);
    assert_eq!(graph.count(), 0);
}

#[tokio::test]
async fn a_patch_carries_the_archive_and_the_state_it_rests_on() {
    let town = Plan::new(estate()).open().await;
    publish(&town, Schema::EventGrid).await;
    let patch = town
        .writes()
        .into_iter()
        .find(|it| it.method == "PATCH")
        .unwrap();
    let archive = json!({ "keyVaultId": town.vault_id("kv-a"), "useKeyVault": "True" });
    assert_eq!(
        patch.body.unwrap(),
        json!({ "properties": { "secretArchive": archive } })
    );
    assert!(
        patch.query.contains("api-version=2026-10-01"),
        "{}",
        patch.query
    );
}

#[tokio::test]
async fn registration_comes_first_then_the_roles_then_the_archive() {
    let town = Plan::new(estate()).open().await;
    publish(&town, Schema::EventGrid).await;
    let writes = town.writes();
    let mut methods: Vec<&str> = writes.iter().map(|it| it.method.as_str()).collect();
    // The registration takes its time: until it is complete the change is refused.
    methods.dedup();
    assert_eq!(methods, ["POST", "PUT", "PATCH"], "{}", town.account());
}

#[tokio::test]
async fn a_result_says_who_writes_and_why_by_which_policy_and_by_which_calls() {
    let town = Plan::new(estate()).open().await;
    publish(&town, Schema::EventGrid).await;
    let result = town.only_result();
    let data = &result["data"];
    assert_eq!(data["writerReason"], "the rule says so", "{result:#}");
    assert_eq!(data["shape"], "secretArchive");
    assert_eq!(data["mode"], "enforce");
    let digest = data["policy"]["digest"].as_str().unwrap();
    assert_eq!(digest.len(), 64, "{digest}");
    assert!(!data["requestIds"].as_array().unwrap().is_empty());
    let changes: Vec<&str> = data["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["done"; 4], "{result:#}");
    assert_eq!(result["source"], "vaultbind");
}

#[tokio::test]
async fn a_platform_app_that_was_made_anew_is_looked_up_again() {
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(vault("kv-a", "a"))
        .vault(vault("kv-b", "b"))
        .cluster(ClusterSpec::new("c1").tag("site", "a"))
        .cluster(ClusterSpec::new("c2").tag("site", "b"));
    let mut plan = Plan::new(estate).set("VAULTBIND_COALESCE_SECONDS", "0");
    // A handler that lives as long as its caches: no time is skipped that would have another begun.
    plan.fast_forward = false;
    plan.config.emit_events = false;
    let town = plan.open().await;
    town.simulator.world.azure().behaviour.patch = PatchMode::Immediate;
    let bind = async |id: &str, cluster: &str| {
        let operation = "Microsoft.NetworkCloud/clusters/write";
        let event = write_event(id, &town.cluster_id(cluster), operation);
        town.grid.publish(&event);
        let is_told = |_: &_| {
            let results = town.results();
            results.iter().any(|it| it["data"]["cause"]["id"] == id)
        };
        town.host.wait_until(SOON, is_told).await.unwrap();
        let results = town.results();
        let told = results.iter().find(|it| it["data"]["cause"]["id"] == id);
        assert_eq!(
            told.unwrap()["data"]["outcome"],
            "bound",
            "{}",
            town.account()
        );
    };
    bind("e-1", "c1").await;
    {
        let mut azure = town.simulator.world.azure();
        let old = azure.platform_principals();
        for (number, (app, name)) in PLATFORM_APPS.iter().enumerate() {
            azure.remove_principal(&old[number]);
            let anew = azure.make_id(&format!("anew/{app}"));
            azure.add_principal(&anew, app, name, PrincipalKind::ServicePrincipal);
        }
    }
    bind("e-2", "c2").await;
}
