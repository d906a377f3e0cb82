//! Over TLS, at Azure's own names: the way that a deployed handler goes, with no address overridden.
//!
//! It must not say what a binding is; that is the other tests' affair.

use std::path::Path;

use vaultbind_simulator::{
    ClusterSpec, Estate, Simulator, SubscriptionSpec,
    journal::{Entry, Service},
    tls::Tls,
};

use crate::{
    binding,
    town::{Plan, Town, WEST, write_event},
};

/// A town behind TLS, whose handler trusts the certificate or not.
async fn town(trusts: bool) -> (Town, Tls) {
    // Two vaults on pages of one: the next page is followed by the link that ARM gives.
    let estate = Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST).unregistered())
        .cluster(ClusterSpec::new("c1").tag("site", "a"))
        .vault(binding::vault("kv-a", "a"))
        .vault(binding::vault("kv-b", "b"));
    let mut plan = Plan::new(estate);
    let simulator = Simulator::start(plan.config.clone(), plan.estate.clone());
    let simulator = simulator.await.unwrap();
    simulator.world.azure().behaviour.page_size = 1;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let tls = Tls::before(&simulator, folder).await.unwrap();
    let environment = tls.environment().into_iter();
    let environment = environment.filter(|(name, _)| trusts || name != "SSL_CERT_FILE");
    plan.environment.extend(environment);
    (Town::around(simulator, plan).await, tls)
}

async fn publish(town: &Town) {
    let write = "Microsoft.NetworkCloud/clusters/write";
    town.publish(&write_event("e-1", &town.cluster_id("c1"), write))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_bound_over_tls_at_azures_own_names() {
    let (town, _tls) = town(true).await;
    publish(&town).await;
    assert_eq!(town.only_result()["data"]["outcome"], "bound");
    let calls = town.simulator.world.journal.entries();
    let has = |is: &dyn Fn(&Entry) -> bool| calls.iter().any(is);
    assert!(has(&|it| it.service == Service::Graph));
    // Both links were followed: that of the next page, and that of the operation.
    assert!(
        has(&|it| it.query.contains("skiptoken")),
        "{}",
        town.account()
    );
    assert!(has(&|it| it.path.contains("/operationStatuses/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_vouched_for_gets_no_token() {
    let (town, _tls) = town(false).await;
    town.grid
        .configure("resource-event", |it| it.max_attempts = 1);
    publish(&town).await;
    let calls = town.simulator.world.journal.entries();
    let log = town.host.stdout().join("\n");
    assert!(log.contains("certificate"), "{log}");
    let mut services = calls.iter().map(|it| it.service);
    assert!(
        !services.any(|it| it == Service::ServiceBus),
        "{}",
        town.account()
    );
}
