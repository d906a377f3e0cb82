//! Looks at one cluster take turns, in one handler and in two; looks at others go on meanwhile.
//!
//! It must not say how fast it is.

use time::OffsetDateTime;
use vaultbind_simulator::{
    ClusterSpec, Estate, SubscriptionSpec, functions_host::Invocation,
    service_bus::queue::QueueConfig, state::behaviour::RepeatedPut, tell,
};

use crate::{
    binding,
    town::{Plan, Town, WEST, write_event},
};

const WRITE: &str = "Microsoft.NetworkCloud/clusters/write";
/// As many events as a busy hour has in a minute.
const EVENTS: usize = 200;

/// A vault and so many clusters that belong to it.
fn estate(clusters: usize) -> Estate {
    let empty = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"));
    let cluster = |number| ClusterSpec::new(&format!("c{number}")).tag("site", "a");
    (0..clusters).fold(empty, |estate, number| estate.cluster(cluster(number)))
}

/// When each look began and ended, in all these lists.
fn looks(invocations: Vec<Invocation>) -> Vec<(OffsetDateTime, OffsetDateTime)> {
    let looks = invocations.into_iter();
    let looks = looks.filter(|it| it.function == "reconcile");
    let mut looks: Vec<_> = looks
        .map(|it| (it.started_at, it.started_at + it.duration))
        .collect();
    looks.sort_unstable();
    looks
}

/// Each event is a request of its own, with entity tags or without.
async fn looked_at_by_two(etags: bool) {
    let mut plan = Plan::new(estate(1)).set("VAULTBIND_COALESCE_SECONDS", "0");
    plan.config.emit_events = false;
    let town = plan.open().await;
    if !etags {
        let mut azure = town.simulator.world.azure();
        azure.subscription_mut(WEST).unwrap().cluster_api_versions = vec!["2024-07-01".to_owned()];
    }
    let other = town.another_host().await;
    let cluster = town.cluster_id("c0");
    for number in 0..40 {
        town.grid
            .publish(&write_event(&format!("e-{number}"), &cluster, WRITE));
    }
    town.settle().await;
    let mut all = town.host.invocations();
    all.extend(other.invocations());
    let looks = looks(all);
    assert!(looks.len() >= 40, "{} looks", looks.len());
    for pair in looks.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{pair:?} overlap");
    }
    let changed = town.results();
    let changed = changed.iter().filter(|it| it["data"]["changed"] == true);
    assert_eq!(changed.count(), 1, "one of them changed it");
    assert_eq!(town.writes().len(), 3, "two roles and a PATCH");
}

#[tokio::test]
async fn two_handlers_never_look_at_one_cluster_at_a_time() {
    looked_at_by_two(true).await;
    looked_at_by_two(false).await;
}

#[tokio::test]
async fn of_looks_that_race_for_one_vault_each_role_is_claimed_by_one() {
    const CLUSTERS: usize = 16;
    for repeated in [RepeatedPut::Ok, RepeatedPut::Created, RepeatedPut::Conflict] {
        let mut plan = Plan::new(estate(CLUSTERS));
        plan.config.emit_events = false;
        let town = plan.open().await;
        town.simulator.world.azure().behaviour.repeated_put = repeated;
        for number in 0..CLUSTERS {
            let cluster = town.cluster_id(&format!("c{number}"));
            town.grid
                .publish(&write_event(&format!("e-{number}"), &cluster, WRITE));
        }
        town.settle().await;
        let results = town.results();
        assert_eq!(results.len(), CLUSTERS);
        let writers = results
            .iter()
            .flat_map(|it| it["data"]["writers"].as_array().unwrap());
        let created = writers.filter(|it| it["created"] == true);
        assert_eq!(created.count(), 2, "{repeated:?}: {}", town.account());
        let claims = results
            .iter()
            .flat_map(|it| it["data"]["changes"].as_array().unwrap())
            .filter(|it| it["kind"] == "AssignRole" && it["status"] == "done");
        assert_eq!(claims.count(), 2, "{repeated:?}: {}", town.account());
    }
}

/// Publishes all events at once; returns how many looks that took, and how many seconds by the world's clock.
async fn burst(clusters: usize) -> (usize, f64) {
    let mut plan = Plan::new(estate(clusters));
    plan.config.emit_events = false;
    let town: Town = plan.open().await;
    let began = town.simulator.world.clock.now();
    for number in 0..EVENTS {
        let cluster = town.cluster_id(&format!("c{}", number % clusters));
        town.grid
            .publish(&write_event(&format!("e-{number}"), &cluster, WRITE));
    }
    town.settle().await;
    let bound = town.results();
    let bound = bound.iter().filter(|it| it["data"]["outcome"] == "bound");
    assert!(bound.count() >= clusters, "{}", town.account());
    let looks = looks(town.host.invocations());
    let last = looks.iter().map(|it| it.1).max().unwrap();
    (looks.len(), (last - began).as_seconds_f64())
}

#[tokio::test]
async fn a_burst_of_events_is_served_cluster_by_cluster() {
    let sessions = QueueConfig::requests("requests").requires_session;
    for clusters in [EVENTS, 1] {
        let (looks, seconds) = burst(clusters).await;
        assert!(looks >= clusters);
        tell(&format!(
            "{EVENTS} events for {clusters} clusters (sessions: {sessions}): {looks} looks in {seconds:.1} s by the world's clock"
        ));
    }
}
