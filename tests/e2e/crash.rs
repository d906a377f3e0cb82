//! Crashes: the handler is killed at any point of a binding, and redelivery brings it to the same end.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::Semaphore;
use vaultbind_simulator::{
    ClusterSpec, Estate, ManagerSpec, SubscriptionSpec,
    faults::{Fault, FaultRule},
    journal::Service,
    state::WRITER_ROLE,
    tell,
};

use crate::{
    binding,
    town::{POLICY, Plan, SOON, Town, WEST, root, write_event},
};

/// How many towns there are at a time: most of them wait for a handler that starts.
const TOWNS: usize = 16;
const SERVICES: [Service; 4] = [
    Service::Identity,
    Service::Arm,
    Service::Graph,
    Service::ServiceBus,
];
/// Fewer crashes than this, and the matrix has lost some: SECURITY.md states it.
const CRASHES: usize = 250;

/// Who writes, which decides what a binding consists of.
#[derive(Debug, Clone, Copy)]
enum Writer {
    PlatformApps,
    ClusterManager,
    Cluster,
}

impl Writer {
    const ALL: [Self; 3] = [Self::PlatformApps, Self::ClusterManager, Self::Cluster];

    fn word(self) -> &'static str {
        match self {
            Self::PlatformApps => "platform-apps",
            Self::ClusterManager => "cluster-manager",
            Self::Cluster => "cluster",
        }
    }

    async fn town(self) -> Town {
        let writer = format!("writer: {}", self.word());
        let policy = POLICY.replace("writer: platform-apps", &writer);
        let plan = Plan::new(self.estate());
        Plan { policy, ..plan }.open().await
    }

    fn estate(self) -> Estate {
        let cluster = ClusterSpec::new("c1").tag("site", "a").manager("cm-1");
        let (cluster, manager) = match self {
            Self::PlatformApps => return binding::estate(),
            Self::ClusterManager => (cluster, ManagerSpec::new("cm-1").system_identity()),
            Self::Cluster => (cluster.system_identity(), ManagerSpec::new("cm-1")),
        };
        Estate::new()
            .platform_apps()
            .subscription(SubscriptionSpec::new(WEST).unregistered())
            .manager(manager)
            .vault(binding::vault("kv-a", "a"))
            .cluster(cluster)
    }

    /// Who has to hold the role in the end, and nobody else.
    fn principals(self, town: &Town) -> Vec<String> {
        let azure = town.simulator.world.azure();
        let mut principals = match self {
            Self::PlatformApps => azure.platform_principals(),
            Self::ClusterManager => azure.principals_of("cm-1"),
            Self::Cluster => azure.principals_of("c1"),
        };
        principals.sort();
        principals
    }

    fn is_bound(self, town: &Town) -> bool {
        let cluster = town.cluster("c1");
        let properties = &cluster["properties"];
        let settings = &properties["secretArchiveSettings"];
        let archive = &properties["secretArchive"];
        let points = match self {
            Self::Cluster => {
                settings["vaultUri"] == "https://kv-a.vault.azure.net/"
                    && settings["associatedIdentity"]["identityType"] == "SystemAssignedIdentity"
            }
            Self::PlatformApps | Self::ClusterManager => {
                archive["keyVaultId"] == town.vault_id("kv-a") && archive["useKeyVault"] == "True"
            }
        };
        points && properties["provisioningState"] == "Succeeded"
    }

    /// The one state that every way must lead to.
    fn assert_bound(self, town: &Town, how: &str) {
        assert!(self.is_bound(town), "{how}\n{}", town.account());
        let azure = town.simulator.world.azure();
        let mut holders: Vec<String> = azure
            .role_assignments()
            .filter(|it| it.role.ends_with(WRITER_ROLE))
            .map(|it| it.principal_id.clone())
            .collect();
        drop(azure);
        holders.sort();
        let needed = self.principals(town);
        assert_eq!(holders, needed, "{how}: one assignment for each principal");
        let results = town.results();
        let is_bound = |it: &serde_json::Value| it["data"]["outcome"] == "bound";
        assert!(
            !results.is_empty() && results.iter().all(is_bound),
            "{how}: {results:#?}\n{}",
            town.account()
        );
        assert!(
            town.simulator.broker.dead_letters("requests").is_empty(),
            "{how}"
        );
    }
}

async fn bind(town: &Town) {
    town.publish(&write_event(
        "e-1",
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    ))
    .await;
}

fn calls_to(town: &Town, service: Service) -> usize {
    let journal = town.simulator.world.journal.entries();
    journal.iter().filter(|it| it.service == service).count()
}

/// How many calls of a fresh binding go to each service.
async fn calls(writer: Writer) -> Vec<(Service, usize)> {
    let town = writer.town().await;
    bind(&town).await;
    writer.assert_bound(&town, "without a crash");
    let count = |service| (service, calls_to(&town, service));
    SERVICES.into_iter().map(count).collect()
}

/// Kills the handler at one call; returns how often it was killed, which is once or, where the call never came, not.
async fn killed_at(writer: Writer, service: Service, call: usize, before: bool) -> usize {
    let town = writer.town().await;
    let kill = FaultRule::new(service, "", Fault::KillHandler { before });
    town.simulator.world.faults.add(kill.skip(call));
    bind(&town).await;
    let when = if before { "before" } else { "after" };
    let how = format!("{writer:?}: killed {when} call {call} to {service}");
    let calls = calls_to(&town, service);
    // How many there are varies a little: calls side by side may ask for one token or for two.
    let was_struck = call == 0 || calls > call;
    assert_eq!(
        (town.simulator.world.faults.rules().is_empty(), kills(&town)),
        (was_struck, usize::from(was_struck)),
        "{how}: of {calls} calls\n{}",
        town.account()
    );
    writer.assert_bound(&town, &how);
    kills(&town)
}

/// How often the host saw the handler die of SIGKILL.
fn kills(town: &Town) -> usize {
    let log = town.host.host_log();
    log.iter().filter(|line| line.contains("signal: 9")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_any_call_ends_in_the_same_state() {
    let towns = Arc::new(Semaphore::new(TOWNS));
    let mut runs = Vec::new();
    for writer in Writer::ALL {
        for (service, count) in calls(writer).await {
            // Only the platform apps are looked up in the directory.
            let is_asked = count > 0 || service == Service::Graph;
            assert!(is_asked, "{writer:?}: {service} is never called");
            for (call, before) in (0..count).flat_map(|it| [(it, true), (it, false)]) {
                let towns = Arc::clone(&towns);
                runs.push(tokio::spawn(async move {
                    let _one = towns.acquire().await.unwrap();
                    killed_at(writer, service, call, before).await
                }));
            }
        }
    }
    let mut crashes = 0;
    for run in runs {
        crashes += run.await.unwrap();
    }
    tell(&format!("{crashes} crashes survived"));
    for page in ["README.md", "SECURITY.md"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let claim = format!("more than {CRASHES} times");
        assert!(text.contains(&claim), "{page} does not say: {claim}");
    }
    assert!(crashes >= CRASHES, "only {crashes} crashes");
}

#[tokio::test]
async fn after_a_crash_the_result_says_that_more_may_have_been_changed() {
    for writer in Writer::ALL {
        for before in [true, false] {
            let town = writer.town().await;
            let kill = FaultRule::new(Service::Arm, "clusters/c1", Fault::KillHandler { before });
            town.simulator.world.faults.add(kill.method("PATCH"));
            bind(&town).await;
            writer.assert_bound(&town, "killed at the PATCH");
            assert_eq!(kills(&town), 1);
            let results = town.results();
            let redelivered = results.iter().map(|it| &it["data"]["redelivered"]);
            let owns_up: Vec<bool> = redelivered.map(|it| *it == true).collect();
            assert_eq!(owns_up, [true], "{writer:?}: {results:#?}");
        }
    }
}

#[tokio::test]
async fn a_repair_after_a_crash_is_no_repeat_of_the_word_before_it() {
    // Each event is a request of its own: time is skipped here that no request's id knows of.
    let mut plan = Plan::new(binding::estate()).set("VAULTBIND_COALESCE_SECONDS", "0");
    // The event of the role would have it repaired by another request.
    plan.config.emit_events = false;
    let town = plan.open().await;
    bind(&town).await;
    // It tells once more that all is right and dies; a role is gone when the delivery comes again.
    let kill = FaultRule::new(
        Service::ServiceBus,
        "/results/",
        Fault::KillHandler { before: false },
    );
    town.simulator.world.faults.add(kill);
    town.grid.publish(&write_event(
        "e-2",
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    ));
    let told = |_: &_| town.results().len() == 2;
    town.host.wait_until(SOON, told).await.unwrap();
    let role = {
        let azure = town.simulator.world.azure();
        azure.role_assignments().next().unwrap().id.clone()
    };
    town.simulator.world.azure().remove_assignment(&role);
    town.settle().await;
    Writer::PlatformApps.assert_bound(&town, "killed after its word");
    let results = town.results();
    let of_second = results
        .iter()
        .filter(|it| it["data"]["cause"]["id"] == "e-2");
    let changed: Vec<bool> = of_second.map(|it| it["data"]["changed"] == true).collect();
    assert_eq!(changed, [false, true], "{results:#?}");
}

#[tokio::test]
async fn a_handler_that_is_killed_while_idle_is_started_again() {
    let town = Writer::PlatformApps.town().await;
    let pid = town.host.handler_pid();
    town.host.kill_handler().unwrap();
    town.host
        .wait_until(SOON, |host| {
            host.handler_pid().is_some_and(|now| Some(now) != pid)
        })
        .await
        .unwrap();
    bind(&town).await;
    Writer::PlatformApps.assert_bound(&town, "killed while idle");
}

#[tokio::test]
async fn two_instances_that_take_from_one_queue_bind_each_cluster_once() {
    const CLUSTERS: usize = 12;
    let cluster = |number| ClusterSpec::new(&format!("c{number}")).tag("site", "a");
    let empty = Estate::new()
        .platform_apps()
        .subscription(WEST)
        .vault(binding::vault("kv-a", "a"));
    let estate = (1..=CLUSTERS).fold(empty, |estate, number| estate.cluster(cluster(number)));
    // As few places as leave something for the other one.
    let places = "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentSessions";
    let town = Plan::new(estate).set(places, "2").open().await;
    let other = town.another_host().await;
    town.host.tick("resync").await.unwrap();
    town.settle().await;
    for host in [&town.host, &other] {
        let calls = host.invocations().into_iter();
        let looks = calls.filter(|it| it.function == "reconcile").count();
        assert!(looks > 1, "one of them does nothing: {}", town.account());
    }
    let results = town.results();
    let bound: BTreeSet<&str> = results
        .iter()
        .filter(|it| it["data"]["outcome"] == "bound")
        .filter_map(|it| it["subject"].as_str())
        .collect();
    assert_eq!(
        (bound.len(), results.len()),
        (CLUSTERS, CLUSTERS),
        "{results:#?}"
    );
    let azure = town.simulator.world.azure();
    assert_eq!(
        azure.role_assignments().count(),
        2,
        "once for each principal"
    );
}

#[tokio::test]
async fn two_handlers_that_overlap_do_not_get_in_each_others_way() {
    let town = Writer::PlatformApps.town().await;
    let pid = town.host.handler_pid();
    // The first handler stays in the middle: its write is never answered.
    let stuck = FaultRule::new(Service::Arm, "roleAssignments", Fault::Hang).method("PUT");
    town.simulator.world.faults.add(stuck);
    town.grid.publish(&write_event(
        "e-1",
        &town.cluster_id("c1"),
        "Microsoft.NetworkCloud/clusters/write",
    ));
    let is_stuck = |_: &_| town.simulator.world.faults.rules().is_empty();
    town.host.wait_until(SOON, is_stuck).await.unwrap();
    assert!(town.host.in_flight().contains(&"reconcile".to_owned()));
    town.host.restart(SOON).await.unwrap();
    assert_ne!(town.host.handler_pid(), pid);
    town.settle().await;
    Writer::PlatformApps.assert_bound(&town, "restarted in the middle");
}
