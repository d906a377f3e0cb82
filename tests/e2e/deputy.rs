//! The confused deputy: what somebody can achieve who may tag, make vaults, send events or put requests on the queue.
//!
//! What counts is what Azure was asked: nothing is written outside the boundary, and no token leaves for another host.

use serde_json::{Value, json};
use vaultbind_simulator::{
    ClusterSpec, Estate, Simulator, SubscriptionSpec, VaultSpec, World,
    event_grid::Filter,
    faults::{Fault, FaultRule},
    journal::{Entry, Service},
    service_bus::{Broker, message::NewMessage, queue::QueueConfig},
};

use crate::{
    alerts,
    binding::{self, vault},
    town::{EAST, Plan, Town, WEST, write_event},
};

const WRITE: &str = "Microsoft.NetworkCloud/clusters/write";
/// A subscription that the policy's scope does not name.
const ELSEWHERE: &str = "33333333-3333-3333-3333-333333333333";

fn asked(town: &Town) -> Vec<Entry> {
    let mut calls = town.simulator.world.journal.entries();
    calls.retain(|it| matches!(it.service, Service::Arm | Service::Graph));
    calls
}

/// Every write is one of those that bind c1 to kv-a: two roles, one archive, perhaps a registration.
fn assert_only_c1_was_bound(town: &Town) {
    let (cluster, right) = (town.cluster_id("c1"), town.vault_id("kv-a"));
    let mut patches = 0;
    for write in town.writes() {
        let is_role = write.path.starts_with(&right) && write.path.contains("/roleAssignments/");
        let is_patch = write.path == cluster;
        let is_registration = write.path.ends_with("/register") && write.path.contains(WEST);
        assert!(is_role || is_patch || is_registration, "{write:?}");
        if is_patch {
            // Requests that meet are told apart by the entity tag.
            patches += usize::from(write.status < 300);
            let set = &write.body.unwrap()["properties"]["secretArchive"]["keyVaultId"];
            assert_eq!(*set, Value::from(right.as_str()));
        }
    }
    assert_eq!(patches, 1, "{}", town.account());
    let archive = &town.cluster("c1")["properties"]["secretArchive"];
    assert_eq!(archive["keyVaultId"], Value::from(right));
}

#[tokio::test]
async fn a_look_alike_vault_attracts_nothing_and_no_role_on_it_is_looked_at() {
    let lures = [
        vault("kv-lure-1", "a").group("rg-secret"),
        vault("kv-lure-2", "a").group("rg-secrets-2"),
        vault("kv-lure-3", "a").group("rg-edge"),
        vault("kv-lure-4", "A"),
        vault("kv-lure-5", "a")
            .vault_uri("https://kv-a.vault.azure.net/")
            .group("x.rg-secrets"),
    ];
    let mut estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .cluster(ClusterSpec::new("c1").tag("site", "a"));
    for lure in lures {
        estate = estate.vault(lure);
    }
    let estate = estate
        .subscription(SubscriptionSpec::new(EAST))
        .vault(vault("kv-lure-6", "a").group("rg-secrets"));
    let town = Plan::new(estate).open().await;
    town.publish(&write_event("e-1", &town.cluster_id("c1"), WRITE))
        .await;
    assert_eq!(
        town.only_result()["data"]["outcome"],
        "unmatched",
        "{}",
        town.account()
    );
    assert!(town.writes().is_empty(), "{}", town.account());
    let roles: Vec<Entry> = asked(&town)
        .into_iter()
        .filter(|it| it.path.contains("kv-lure") && it.path.contains("roleAssignments"))
        .collect();
    assert!(roles.is_empty(), "{roles:#?}");
}

#[tokio::test]
async fn a_look_alike_beside_the_right_vault_changes_nothing() {
    let estate = binding::estate_in(SubscriptionSpec::new(WEST)).vault(
        VaultSpec::new("kv-a-lure")
            .tag("purpose", "nexus-credentials")
            .tag("site", "a")
            .group("rg-secrets-2"),
    );
    let town = Plan::new(estate).open().await;
    town.publish(&write_event("e-1", &town.cluster_id("c1"), WRITE))
        .await;
    assert_only_c1_was_bound(&town);
}

#[tokio::test]
async fn forged_events_have_a_cluster_looked_at_and_hide_no_true_event() {
    let estate = binding::estate_in(SubscriptionSpec::new(WEST));
    let town = Plan::new(estate).open().await;
    town.grid
        .configure("resource-event", |it| it.filter = Filter::none());
    let cluster = town.cluster_id("c1");
    for (subject, operation) in [
        (cluster.replace(WEST, ELSEWHERE), WRITE),
        (
            town.vault_id("kv-a").replace(WEST, ELSEWHERE),
            "Microsoft.KeyVault/vaults/write",
        ),
        (
            cluster.replace("/subscriptions/", "/chinacloud/subscriptions/"),
            WRITE,
        ),
        (format!("https://management.azure.com{cluster}"), WRITE),
        (town.vault_id("kv-a"), WRITE),
    ] {
        town.publish(&write_event("e-0", &subject, operation)).await;
    }
    assert!(asked(&town).is_empty(), "{}", town.account());
    // Whoever says that it was Vaultbind's own write has the cluster looked at, and left.
    let mut forged = write_event("e-1", &cluster, WRITE);
    forged["data"]["claims"]["appid"] =
        Value::from(vaultbind_simulator::Config::default().client_id);
    town.publish(&forged).await;
    assert!(
        town.writes().is_empty() && town.results().is_empty(),
        "{}",
        town.account()
    );
    // Even at the same moment it does not take the place of the true one.
    town.grid.publish(&forged);
    town.publish(&write_event("e-2", &cluster, WRITE)).await;
    assert_only_c1_was_bound(&town);
    assert_eq!(town.only_result()["data"]["cause"]["id"], "e-2");
}

/// What somebody may claim in a request, beside the cluster that it is about.
fn claims(town: &Town, listener: &str) -> Vec<Value> {
    let operations = |subscription: &str| {
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.NetworkCloud/locations/eastus/operationStatuses/x"
        )
    };
    let arm = town.simulator.arm_endpoint.as_str().trim_end_matches('/');
    let never = "9999-12-31T23:59:59Z";
    vec![
        json!({ "operation": format!("{listener}{}", operations(WEST)) }),
        json!({ "operation": format!("https://management.azure.com@{}", listener.trim_start_matches("http://")) }),
        json!({ "operation": "file:///etc/passwd" }),
        json!({ "operation": format!("{arm}{}", operations(EAST)) }),
        json!({ "operation": format!("{arm}{}", operations(ELSEWHERE)) }),
        json!({ "vaultHint": town.vault_id("kv-lure") }),
        json!({ "vaultHint": town.vault_id("kv-a").replace(WEST, ELSEWHERE) }),
        json!({ "attempt": u32::MAX, "firstSeen": never, "progress": { "tries": u32::MAX, "patches": 0, "class": "transient", "since": never } }),
        json!({ "firstSeen": "0001-01-01T00:00:00Z", "progress": { "class": "not-visible", "since": "0001-01-01T00:00:00Z" } }),
        json!({ "progress": { "changes": [], "leftBehind": [town.vault_id("kv-lure")], "redelivered": true } }),
        json!({ "origin": "own" }),
        json!({ "cause": { "kind": "event", "id": "x", "subject": "\u{1b}[2J", "operation": "\n{}" } }),
    ]
}

fn send(town: &Town, id: &str, cluster: &str, claim: &Value) {
    let mut request = json!({ "version": 1, "id": id, "kind": "cluster", "clusterId": cluster });
    for (name, value) in claim.as_object().unwrap() {
        request[name] = value.clone();
    }
    let message = NewMessage::json(id, &request).in_session(id);
    town.simulator.broker.send("requests", message).unwrap();
}

#[tokio::test]
async fn forged_requests_bind_no_other_way_and_lead_no_token_astray() {
    let lure = vault("kv-lure", "a").group("rg-attacker");
    let estate = binding::estate_in(SubscriptionSpec::new(WEST)).vault(lure);
    let town = Plan::new(estate).open().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    for (number, claim) in claims(&town, &address).iter().enumerate() {
        send(
            &town,
            &format!("forged-{number}"),
            &town.cluster_id("c1"),
            claim,
        );
        // Of a cluster that the policy does not cover nothing is read at all, whatever is claimed of it.
        let elsewhere = town.cluster_id("c1").replace(WEST, ELSEWHERE);
        send(&town, &format!("elsewhere-{number}"), &elsewhere, claim);
    }
    town.settle().await;
    assert_only_c1_was_bound(&town);
    assert!(
        town.simulator.broker.dead_letters("requests").is_empty(),
        "{}",
        town.account()
    );
    for call in asked(&town) {
        assert!(!call.path.contains(ELSEWHERE), "{call:?}");
        assert!(!call.path.contains("operationStatuses/x"), "{call:?}");
        assert!(!call.path.contains("kv-lure"), "{call:?}");
    }
    let visit = tokio::time::timeout(std::time::Duration::ZERO, listener.accept()).await;
    assert!(visit.is_err(), "somebody called where the request said");
}

#[tokio::test]
async fn a_request_from_the_future_ends_by_its_deadline() {
    let town = Plan::new(binding::estate())
        .set("VAULTBIND_DEADLINE_HOURS", "1")
        .open()
        .await;
    let sorry = Fault::Html { status: 502 };
    let rule = FaultRule::new(Service::Arm, "", sorry).times(usize::MAX);
    town.simulator.world.faults.add(rule);
    let claim = json!({ "firstSeen": "9999-12-31T23:59:59Z" });
    send(&town, "future", &town.cluster_id("c1"), &claim);
    send(&town, "undated", &town.cluster_id("c1"), &json!({}));
    town.settle().await;
    let outcomes: Vec<Value> = town
        .results()
        .iter()
        .map(|it| it["data"]["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["failed", "failed"], "{}", town.account());
    let alerts = alerts::raised_by(&town.host.stdout(), "alert-failed.kql");
    assert_eq!(
        alerts.len(),
        2,
        "each raises the alert on clusters that were given up: {alerts:#?}"
    );
}

/// A town whose queue gives up after two deliveries, and which raises no event of its own.
async fn impatient_town(estate: Estate) -> Town {
    let mut plan = Plan::new(estate);
    plan.config.emit_events = false;
    let world = World::new(plan.config.clone(), plan.estate.clone());
    let requests = QueueConfig {
        max_delivery_count: 2,
        ..QueueConfig::requests("requests")
    };
    let queues = vec![requests, QueueConfig::results("results")];
    let broker = Broker::with_queues(world.clock.clone(), queues);
    let simulator = Simulator::serve(world, broker).await.unwrap();
    Town::around(simulator, plan).await
}

#[tokio::test]
async fn a_dead_letter_raises_the_alert_and_needs_no_replay_for_a_sweep_does_its_work() {
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .cluster(ClusterSpec::new("c1").tag("site", "a"))
        .vault(vault("kv-a", "elsewhere"))
        .subscription(SubscriptionSpec::new(EAST));
    let town = impatient_town(estate).await;
    let refused = Fault::Html { status: 403 };
    let refused = FaultRule::new(Service::ServiceBus, "/results/", refused).times(usize::MAX);
    town.simulator.world.faults.add(refused);
    let cluster = town.cluster_id("c1");
    send(&town, "unreported", &cluster, &json!({}));
    send(&town, "from-tomorrow", &cluster, &json!({ "version": 2 }));
    town.settle().await;
    assert!(town.results().is_empty());
    let dead = town.simulator.broker.dead_letters("requests").into_iter();
    // The one that could not be told of was put off until its deadline: an id has the number of the retry.
    let root = |id: String| id.split(':').next().unwrap_or_default().to_owned();
    let mut dead: Vec<String> = dead.map(|it| root(it.message.message_id)).collect();
    dead.sort();
    assert_eq!(dead, ["from-tomorrow", "unreported"], "{}", town.account());
    let errors = || alerts::raised_by(&town.host.stdout(), "alert-errors.kql");
    let alerts = errors();
    let tell = |text: &str| alerts.iter().filter(|it| it.contains(text)).count();
    let unreadable = tell("the message is no request of ours");
    assert_eq!(unreadable, 1, "its first delivery tells: {alerts:#?}");
    let unsent = tell("cannot send to the queue `results`");
    assert!(unsent >= 2, "each look tells: {alerts:#?}");
    // The causes are mended, nobody touches the dead letters.
    town.simulator.world.faults.clear();
    let kv = town.vault_id("kv-a");
    town.simulator.world.azure().set_tag(&kv, "site", Some("a"));
    town.host.tick("resync").await.unwrap();
    town.settle().await;
    assert_only_c1_was_bound(&town);
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    assert_eq!(town.simulator.broker.dead_letters("requests").len(), 2);
    assert_eq!(errors(), alerts, "what goes well raises no alert");
}
