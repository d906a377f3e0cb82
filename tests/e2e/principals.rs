//! The platform's principals when they were deleted and made anew, and the role would go to nobody.
//!
//! It must not say when the ids are looked up, but that they are once nobody has access.

use vaultbind_simulator::{ClusterSpec, Estate, SubscriptionSpec, journal::Entry};

use crate::{
    binding,
    town::{Plan, Town, WEST, write_event},
};

async fn look(town: &Town, event: &str, cluster: &str) {
    let id = town.cluster_id(cluster);
    let write = "Microsoft.NetworkCloud/clusters/write";
    town.publish(&write_event(event, &id, write)).await;
}

#[tokio::test]
async fn ids_are_looked_up_anew_where_those_that_have_the_role_have_no_access() {
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"))
        .vault(binding::vault("kv-b", "b"))
        .cluster(ClusterSpec::new("c1").tag("site", "a"))
        .cluster(ClusterSpec::new("c2").tag("site", "b"));
    let mut plan = Plan::new(estate);
    plan.config.emit_events = false;
    let town = plan.open().await;
    look(&town, "e-1", "c1").await;
    {
        let mut azure = town.simulator.world.azure();
        azure.renew_platform_apps();
        azure.behaviour.look_up_typed_principals = false;
    }
    look(&town, "e-2", "c2").await;
    let results = town.results();
    let last = &results.last().unwrap()["data"];
    assert_eq!(last["outcome"], "bound", "{}", town.account());
    // One for the ids that were kept, one for those that are.
    let writes = town.writes();
    let is_of_c2 = |it: &&Entry| it.method == "PATCH" && it.path.ends_with("/c2");
    assert_eq!(
        writes.iter().filter(is_of_c2).count(),
        2,
        "{}",
        town.account()
    );
}
