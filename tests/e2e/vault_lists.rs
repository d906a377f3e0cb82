//! How often Resource Graph is asked for vaults, which its small quota makes dear.

use vaultbind_simulator::{
    SubscriptionSpec,
    faults::{Fault, FaultRule},
    journal::Service,
    state::behaviour::PatchMode,
};

use crate::{
    binding,
    town::{EAST, Plan, Town, WEST, write_event},
};

/// How often Resource Graph was asked for vaults.
fn lists_of_vaults(town: &Town) -> usize {
    let calls = town.simulator.world.journal.entries().into_iter();
    calls
        .filter(|it| it.path.contains("Microsoft.ResourceGraph"))
        .count()
}

#[tokio::test]
async fn the_vaults_of_all_boundaries_are_listed_by_one_query_also_where_it_fails() {
    let east = format!("\"/subscriptions/{EAST}/resourceGroups/rg-secrets\"");
    for refused in [0, 2] {
        let mut plan = Plan::new(binding::estate_in(SubscriptionSpec::new(WEST)));
        plan.config.emit_events = false;
        plan.policy = plan
            .policy
            .replace("within: [", &format!("within: [{east}, "));
        assert!(plan.policy.contains(&east));
        let town = plan.open().await;
        town.simulator.world.azure().behaviour.patch = PatchMode::Immediate;
        let conflict = Fault::Status {
            status: 409,
            code: "Conflict".to_owned(),
            message: "a fault of the test".to_owned(),
            retry_after: None,
        };
        let rule = FaultRule::new(Service::Arm, "ResourceGraph", conflict).times(refused);
        town.simulator.world.faults.add(rule);
        let event = write_event(
            "e-1",
            &town.cluster_id("c1"),
            "Microsoft.NetworkCloud/clusters/write",
        );
        town.publish(&event).await;
        let result = town.only_result();
        assert_eq!(result["data"]["outcome"], "bound");
        assert_eq!(
            result["data"]["attempts"],
            refused + 1,
            "{}",
            town.account()
        );
        assert_eq!(lists_of_vaults(&town), refused + 1, "{}", town.account());
    }
}
