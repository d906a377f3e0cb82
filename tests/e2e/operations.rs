//! Operations are followed at their own pace: what is found out late is a part of what it took.
//!
//! It must not go by how fast the machine is: what counts is when a look was due.

use std::time::Duration;

use vaultbind_simulator::{
    journal::Entry,
    state::{OperationStyle, behaviour::PatchMode},
    tell,
};

use crate::{
    binding,
    town::{Plan, Town, WEST, write_event},
};

/// Binds a cluster by a change that takes so long, and tells when the look was due that found it done, after its beginning.
async fn found_out(takes: Duration, style: OperationStyle) -> time::Duration {
    let west = vaultbind_simulator::SubscriptionSpec::new(WEST);
    let mut plan = Plan::new(binding::estate_in(west));
    plan.config.emit_events = false;
    let town = plan.open().await;
    {
        let mut azure = town.simulator.world.azure();
        azure.behaviour.patch = PatchMode::Takes(takes);
        azure.behaviour.operation_style = style;
    }
    let cluster = town.cluster_id("c1");
    let write = "Microsoft.NetworkCloud/clusters/write";
    town.publish(&write_event("e-1", &cluster, write)).await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    let calls = town.simulator.world.journal.entries();
    let is_patch = |call: &&Entry| call.method == "PATCH";
    let patches: Vec<&Entry> = calls.iter().filter(is_patch).collect();
    assert_eq!(patches.len(), 1, "{}", town.account());
    last_due(&town) - patches[0].at
}

/// When the last request was due that was sent for later.
fn last_due(town: &Town) -> time::OffsetDateTime {
    let sent = town.simulator.broker.sent("requests");
    let last = sent.last().unwrap();
    let due = last.message.properties.scheduled_enqueue_time;
    due.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_known_to_be_over_after_a_third_of_its_length_and_two_seconds() {
    let mut table = Vec::new();
    for takes in [2, 10, 60, 600] {
        for style in [
            OperationStyle::Words,
            OperationStyle::LocationOfCluster,
            OperationStyle::LocationOfNothing,
        ] {
            let found = found_out(Duration::from_secs(takes), style.clone()).await;
            let late = found - time::Duration::seconds(takes.cast_signed());
            let most = time::Duration::seconds(takes.cast_signed()) / 3;
            assert!(
                late <= most + time::Duration::seconds(2),
                "{takes} s, {style:?}: known {late} after its end"
            );
            table.push(format!(
                "{takes} s: known {:.1} s late",
                late.as_seconds_f64()
            ));
        }
    }
    tell(&table.join("; "));
}
