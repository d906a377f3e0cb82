//! What cannot be sent or read: a result is put off with its request and told later, a sweep is asked for again, a page ends.
//!
//! It must not lose a word, nor spend the queue's deliveries on it.

use serde_json::Value;
use vaultbind_simulator::{
    ClusterSpec, Estate, SubscriptionSpec,
    faults::{Fault, FaultRule},
    journal::Service,
};

use crate::{
    binding,
    town::{Plan, Town, WEST, write_event},
};

const WRITE: &str = "Microsoft.NetworkCloud/clusters/write";

/// A town whose results queue takes nothing, so many times; its role may be missing, or it may be full.
async fn town(estate: Estate, refusals: usize) -> Town {
    let mut plan = Plan::new(estate);
    plan.config.emit_events = false;
    let town = plan.open().await;
    let refused = Fault::Html { status: 403 };
    let rule = FaultRule::new(Service::ServiceBus, "/results/", refused);
    town.simulator.world.faults.add(rule.times(refusals));
    town
}

/// The one result, which came in the end and at no delivery's cost.
fn told_in_the_end(town: &Town) -> Value {
    let result = town.only_result();
    assert!(town.simulator.world.faults.rules().is_empty());
    let failed = town.host.invocations().into_iter();
    let failed: Vec<_> = failed.filter(|it| it.status != Some(200)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(town.simulator.broker.dead_letters("requests").is_empty());
    result
}

#[tokio::test]
async fn a_binding_that_cannot_be_told_is_told_later_by_events_and_by_sweeps() {
    for by_event in [true, false] {
        let estate = binding::estate_in(SubscriptionSpec::new(WEST));
        let town = town(estate, 6).await;
        if by_event {
            let event = write_event("e-1", &town.cluster_id("c1"), WRITE);
            town.publish(&event).await;
        } else {
            town.host.tick("resync").await.unwrap();
            town.settle().await;
        }
        let result = told_in_the_end(&town);
        assert_eq!(result["data"]["outcome"], "bound");
        assert_eq!(result["data"]["changed"], true, "{result:#}");
        let patches = town.writes().into_iter();
        let patches = patches.filter(|it| it.method == "PATCH").count();
        assert_eq!(patches, 1, "it is not changed again");
    }
}

#[tokio::test]
async fn that_there_is_no_vault_is_told_once_also_where_the_first_word_was_refused() {
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .cluster(ClusterSpec::new("c1").tag("site", "a"));
    let town = town(estate, 1).await;
    let event = write_event("e-1", &town.cluster_id("c1"), WRITE);
    town.publish(&event).await;
    let result = told_in_the_end(&town);
    assert_eq!(result["data"]["outcome"], "unmatched");
}

#[tokio::test]
async fn a_sweep_is_not_lost_where_it_cannot_be_asked_for_for_some_minutes() {
    let town = Plan::new(binding::estate_in(SubscriptionSpec::new(WEST)))
        .open()
        .await;
    let refused = Fault::Html { status: 403 };
    let rule = FaultRule::new(Service::ServiceBus, "/requests/", refused);
    town.simulator.world.faults.add(rule.times(2));
    town.host.tick("resync").await.unwrap();
    town.settle().await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    let ticks = town.host.invocations().into_iter();
    let ticks: Vec<_> = ticks
        .filter(|it| it.function == "resync")
        .map(|it| it.status)
        .collect();
    assert_eq!(ticks, [Some(500), Some(500), Some(200)]);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_no_hot_loop() {
    let town = Plan::new(binding::estate_in(SubscriptionSpec::new(WEST)))
        .open()
        .await;
    let deliveries = town.simulator.broker.set_max_delivery_count("requests", 2);
    deliveries.unwrap();
    let refused = Fault::Html { status: 400 };
    let rule = FaultRule::new(Service::Arm, "/resources", refused);
    town.simulator.world.faults.add(rule.times(usize::MAX));
    town.host.tick("resync").await.unwrap();
    town.settle().await;
    let pages = town.host.invocations().into_iter();
    let pages: Vec<_> = pages.filter(|it| it.function == "reconcile").collect();
    assert_eq!(pages.len(), 2);
    for page in pages {
        let took = page.duration;
        assert!(took >= std::time::Duration::from_secs(3), "{took:?}");
    }
    assert_eq!(town.simulator.broker.dead_letters("requests").len(), 1);
}
