//! What comes of our own writes when Event Grid brings them back: what they cost, and that nothing is told of them.

use serde_json::Value;
use vaultbind_simulator::{
    SubscriptionSpec, journal::Service, service_bus::message::SendOutcome,
    state::behaviour::PatchMode,
};

use crate::{
    binding,
    town::{Plan, Town, WEST, write_event},
};

const WRITE: &str = "Microsoft.NetworkCloud/clusters/write";

/// A binding whose change takes a few looks to be done, from its event to the end of all that follows.
async fn bound(emit_events: bool) -> Town {
    let mut plan = Plan::new(binding::estate_in(SubscriptionSpec::new(WEST)));
    // Long enough for events that come together, too short for both events of the change.
    plan = plan.set("VAULTBIND_COALESCE_SECONDS", "5");
    plan.config.emit_events = emit_events;
    let town = plan.open().await;
    town.simulator.world.azure().behaviour.patch = PatchMode::Polls(8);
    town.publish(&write_event("e-1", &town.cluster_id("c1"), WRITE))
        .await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    town
}

/// The event of a write by ourselves.
fn our_write(id: &str, subject: &str, operation: &str) -> Value {
    let mut event = write_event(id, subject, operation);
    let client = vaultbind_simulator::Config::default().client_id;
    event["data"]["claims"]["appid"] = Value::from(client);
    event
}

/// How many requests there were for our own writes.
fn requests_of_our_own(town: &Town) -> usize {
    let sent = town.simulator.broker.sent("requests").into_iter();
    let taken = sent.filter(|it| it.outcome == SendOutcome::Accepted);
    let bodies = taken.map(|it| serde_json::from_slice::<Value>(&it.message.body).unwrap());
    bodies.filter(|it| it["origin"] == "own").count()
}

/// How many looks ended with these words.
fn looks_that_say(town: &Town, words: &str) -> usize {
    let logs = town.host.logs().into_iter();
    let looks = logs.filter(|it| it.function == "reconcile");
    looks.filter(|it| it.text.contains(words)).count()
}

/// The calls to ARM that read what only a whole look reads: the vault, and who holds the role on it.
fn whole_reads(town: &Town) -> usize {
    let vault = town.vault_id("kv-a");
    let calls = town.simulator.world.journal.entries().into_iter();
    calls
        .filter(|it| it.service == Service::Arm && it.method == "GET")
        .filter(|it| it.path.starts_with(&vault))
        .count()
}

#[tokio::test]
async fn our_own_writes_settle_in_one_whole_look_that_changes_and_tells_nothing() {
    let without = whole_reads(&bound(false).await);
    let town = bound(true).await;
    assert_eq!(requests_of_our_own(&town), 2, "accepted, and done");
    let left = looks_that_say(&town, "is left to the request that changes it");
    let no_ops = looks_that_say(&town, "(nothing changed)");
    assert_eq!((left, no_ops), (1, 1), "{}", town.account());
    // The vault, and the role assignments of two apps.
    assert_eq!(whole_reads(&town), without + 3, "{}", town.account());
    let patches = town.writes().into_iter().filter(|it| it.method == "PATCH");
    assert_eq!(patches.count(), 1, "{}", town.account());
}

#[tokio::test]
async fn events_of_our_own_writes_that_come_together_are_one_look() {
    let town = bound(false).await;
    // They may lie on either side of a stretch's end, but no two such pairs do.
    let mut requests = Vec::new();
    for pair in 0..2 {
        let (before, no_ops) = (
            requests_of_our_own(&town),
            looks_that_say(&town, "(nothing changed)"),
        );
        for one in 0..2 {
            let event = our_write(&format!("own-{pair}-{one}"), &town.cluster_id("c1"), WRITE);
            town.grid.publish(&event);
        }
        town.settle().await;
        let made = requests_of_our_own(&town) - before;
        let looked = looks_that_say(&town, "(nothing changed)") - no_ops;
        assert_eq!(looked, made, "{}", town.account());
        requests.push(made);
    }
    assert!(requests.contains(&1), "{requests:?}");
    assert_eq!(town.results().len(), 1, "{}", town.account());
}

#[tokio::test]
async fn a_role_that_we_assign_asks_for_no_look_when_it_comes_back() {
    const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";
    let town = Plan::new(binding::estate()).open().await;
    let vault = town.vault_id("kv-a");
    let role = format!("{vault}/providers/Microsoft.Authorization/roleAssignments/{WEST}");
    town.publish(&our_write("e-1", &role, ASSIGN)).await;
    assert!(town.simulator.broker.sent("requests").is_empty());
    town.publish(&write_event("e-2", &role, ASSIGN)).await;
    assert!(!town.simulator.broker.sent("requests").is_empty());
}
