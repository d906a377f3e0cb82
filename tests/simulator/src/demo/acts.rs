//! What happens in the demo, step by step.
//! It must not judge what comes of a step.

use anyhow::Context as _;
use vaultbind_simulator::ClusterSpec;
use vaultbind_simulator::functions_host::FunctionsHost;

use super::estate::{EAST, WEST, cluster, cluster_id, vault, write_event};
use super::play::Play;

/// The clusters that can be bound, and the ways in which they get an identity.
pub(super) async fn binding(play: &mut Play, host: &FunctionsHost) -> anyhow::Result<()> {
    let own = cluster("berlin-1").identity("id-nexus-berlin-1");
    arrival(
        play,
        host,
        "berlin-1 is created; it has an identity of its own",
        WEST,
        &own,
    )
    .await?;
    let managed = cluster("berlin-2").manager("cm-berlin");
    arrival(
        play,
        host,
        "berlin-2 is created; its cluster manager has an identity",
        WEST,
        &managed,
    )
    .await?;
    let text = "rome-1 is created, the first in its subscription; neither it nor its manager has an identity";
    arrival(play, host, text, EAST, &cluster("rome-1")).await?;

    let text = "lisbon-1 is created; its vault is not there yet, and is looked for four times";
    arrival(play, host, text, WEST, &cluster("lisbon-1")).await?;
    play.announce("kv-lisbon is created: the clusters that could choose it are looked at");
    play.world.azure().put_vault(WEST, &vault("lisbon"));
    play.tell(host).await?;

    play.announce("Event Grid repeats itself: an event of berlin-1 comes three times more");
    let event = write_event("a-repeat", &cluster_id(WEST, "berlin-1"));
    (0..3).for_each(|_| play.world.on_event(event.clone()));
    play.tell(host).await?;

    play.announce("somebody takes a role away on kv-rome: drift, which is healed");
    take_a_role(play, "kv-rome")?;
    play.tell(host).await
}

/// The clusters that are left alone, each for a reason of its own.
pub(super) async fn refusing(play: &mut Play, host: &FunctionsHost) -> anyhow::Result<()> {
    play.announce("kv-paris is deleted: the clusters bound to it are looked at");
    let paris = play.world.azure().vault_id("kv-paris");
    let paris = paris.context("there is no kv-paris")?;
    play.world.azure().soft_delete_vault(&paris);
    play.tell(host).await?;

    let steps = [
        (
            "milan-1 is created for tests; no rule is for its environment",
            cluster("milan-1").tag("environment", "test"),
        ),
        (
            "madrid-1 is created; two vaults are for its site",
            cluster("madrid-1"),
        ),
        (
            "oslo-1 is created; its vault is on access policies",
            cluster("oslo-1"),
        ),
        (
            "lab-1 is created; the policy exempts the laboratory",
            cluster("lab-1").group("rg-lab"),
        ),
        (
            "porto-1 is created; Vaultbind lacks a right on it",
            cluster("porto-1"),
        ),
    ];
    for (what, spec) in steps {
        arrival(play, host, what, WEST, &spec).await?;
    }

    play.announce("vienna-1 is tagged with its site; it is bound to another vault already");
    let vienna = cluster_id(WEST, "vienna-1");
    play.world.azure().set_tag(&vienna, "site", Some("vienna"));
    play.tell(host).await?;

    play.announce("zurich-1 is deleted");
    play.world.azure().delete(&cluster_id(WEST, "zurich-1"));
    play.tell(host).await
}

/// The timer's look at everything.
pub(super) async fn resync(play: &mut Play, host: &FunctionsHost) -> anyhow::Result<()> {
    play.announce(
        "the timer has every cluster looked at; what is wrong is told of again, at most once a day",
    );
    play.comes_in("timer", "resync");
    host.tick("resync").await?;
    play.tell(host).await
}

/// The same in audit mode, for one more cluster.
pub(super) async fn audit(play: &mut Play, host: &FunctionsHost) -> anyhow::Result<()> {
    let own = cluster("berlin-3").identity("id-nexus-berlin-3");
    let text = "the policy is set to `mode: audit`, and berlin-3 is created: nothing is changed";
    arrival(play, host, text, WEST, &own).await
}

async fn arrival(
    play: &mut Play,
    host: &FunctionsHost,
    what: &str,
    subscription: &str,
    spec: &ClusterSpec,
) -> anyhow::Result<()> {
    play.announce(what);
    play.world.azure().put_cluster(subscription, spec);
    play.tell(host).await
}

fn take_a_role(play: &Play, vault: &str) -> anyhow::Result<()> {
    let mut azure = play.world.azure();
    let id = azure
        .vault_id(vault)
        .with_context(|| format!("there is no {vault}"))?;
    let mut roles = azure.role_assignments();
    let held = roles.find(|it| it.scope.eq_ignore_ascii_case(&id));
    let role = held
        .map(|it| it.id.clone())
        .with_context(|| format!("nobody holds the role on {vault}"))?;
    drop(roles);
    azure.remove_assignment(&role);
    Ok(())
}
