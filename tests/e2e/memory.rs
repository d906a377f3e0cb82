//! A sweep over a large estate: page by page, in little memory, each invocation within its time.
//!
//! It must not say how fast it is.

use std::{fs, time::Duration};

use vaultbind_simulator::{ClusterSpec, Estate, SubscriptionSpec, tell};

use crate::{
    binding,
    town::{POLICY, Plan, SOON, Town, WEST},
};

/// How many clusters there are, and how many of them are bound; the others are exempt, which takes no call to ARM.
const CLUSTERS: usize = 20_000;
const BOUND: usize = 200;
/// How many clusters a page of a sweep has.
const PAGE: usize = 100;
/// What the handler may take.
const MEBIBYTES: u64 = 64;

fn plan() -> Plan {
    let mut estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .vault(binding::vault("kv-a", "a"));
    for number in 0..CLUSTERS {
        let kind = if number % (CLUSTERS / BOUND) == 0 {
            "bound"
        } else {
            "lab"
        };
        let cluster = ClusterSpec::new(&format!("{kind}-{number}"));
        // Real clusters are large: racks, serial numbers, and tags of all sorts.
        estate = estate.cluster(cluster.tag("site", "a").tag("notes", &"x".repeat(200)));
    }
    let mut plan = Plan::new(estate);
    plan.policy = format!(
        "{POLICY}exemptions:\n  - clusters: [\"**/clusters/lab-*\"]\n    owner: lab\n    reason: lab hardware\n    until: 9999-12-31\n"
    );
    // What is due is brought by hand: where a host skips time, another process would take the handler's place.
    plan.fast_forward = false;
    // And a place would be idle for most of it, in real time.
    let idle = "AzureFunctionsJobHost__extensions__serviceBus__sessionIdleTimeout";
    plan = plan.set(idle, "00:00:00");
    plan.config.emit_events = false;
    plan
}

/// Waits for what is under way and goes to what is due next, until nothing is left.
async fn drain(town: &Town) {
    let broker = &town.simulator.broker;
    loop {
        let mut settled = broker.unsettled("requests");
        while settled > 0 {
            let before = settled;
            let some_are_served = |it: &vaultbind_simulator::service_bus::Broker| {
                let left = it.unsettled("requests");
                left == 0 || left < before
            };
            broker.wait_until(SOON, some_are_served).await.unwrap();
            settled = broker.unsettled("requests");
        }
        match broker.next_scheduled("requests") {
            Some(due) => broker.jump_to(due),
            None => return,
        }
    }
}

/// The most memory that the handler ever held, in MiB; Linux alone tells.
fn high_water_mark(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_over_twenty_thousand_clusters_takes_little_memory() {
    let town = plan().open().await;
    let pid = town.host.handler_pid().unwrap();
    town.host.tick("resync").await.unwrap();
    drain(&town).await;
    assert_eq!(
        town.host.handler_pid(),
        Some(pid),
        "one process served it all"
    );
    let bound = town.results();
    let bound = bound.iter().filter(|it| it["data"]["outcome"] == "bound");
    assert_eq!(bound.count(), BOUND, "{:?}", town.host.host_log());
    let journal = town.simulator.world.journal.entries();
    let is_page = |body: &serde_json::Value| body["options"]["$top"] == PAGE;
    let pages = journal
        .iter()
        .filter(|it| it.body.as_ref().is_some_and(is_page));
    let pages = pages.count();
    assert_eq!(pages, CLUSTERS / PAGE);
    let looks = town.host.invocations();
    assert!(looks.len() >= CLUSTERS, "{} invocations", looks.len());
    let longest = looks.iter().map(|it| it.duration).max().unwrap();
    assert!(longest < Duration::from_secs(60), "{longest:?}");
    let Some(peak) = high_water_mark(pid) else {
        tell("how much memory the handler takes is read from /proc, which is not here");
        return;
    };
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    tell(&format!(
        "{CLUSTERS} clusters, {pages} pages, {} invocations, the longest {longest:.1?}: {peak} MiB ({build} build)",
        looks.len()
    ));
    assert!(peak < MEBIBYTES, "{peak} MiB");
}
