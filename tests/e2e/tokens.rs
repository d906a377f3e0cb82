//! Tokens as Azure's are: of the shape of a JWT, good for a day, and at an end in the middle of a look.
//!
//! It must not look into a token.

use std::{sync::Arc, time::Duration};

use vaultbind_simulator::{
    ClusterSpec, Estate, SubscriptionSpec,
    faults::{Fault, FaultRule},
    journal::{Entry, Service},
};

use crate::{
    binding,
    town::{Plan, WEST, write_event},
};

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_look_is_renewed_once_and_costs_nothing() {
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"))
        .cluster(ClusterSpec::new("c1").tag("site", "a"));
    let mut plan = Plan::new(estate);
    plan.config.emit_events = false;
    let town = plan.open().await;
    let world = &town.simulator.world;
    world.tokens.like_azures();
    // The handler's own clock does not see the day that passes before the change.
    let clock = world.clock.clone();
    let a_day_passes = move || clock.advance(Duration::from_secs(25 * 3600));
    let rule = FaultRule::new(Service::Arm, "/clusters/c1", Fault::Hang).method("PATCH");
    world.faults.interfere(rule, Arc::new(a_day_passes));
    let write = "Microsoft.NetworkCloud/clusters/write";
    town.publish(&write_event("e-1", &town.cluster_id("c1"), write))
        .await;
    assert_eq!(
        town.only_result()["data"]["outcome"],
        "bound",
        "{}",
        town.account()
    );
    let calls = world.journal.entries();
    let count = |is: &dyn Fn(&Entry) -> bool| calls.iter().filter(|it| is(it)).count();
    let is_patch = |it: &Entry| it.method == "PATCH" && it.status == 202;
    assert_eq!(count(&is_patch), 1, "{}", town.account());
    let is_refused = |it: &Entry| it.status == 401 && it.service == Service::Arm;
    assert_eq!(count(&is_refused), 1, "{}", town.account());
}
