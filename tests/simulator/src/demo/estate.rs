//! What the demo is about: an estate of a telco, what happens in it, and how each cluster has to end.
//! It must show every outcome that there is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use vaultbind_simulator::event_grid::EventGrid;
use vaultbind_simulator::functions_host::FunctionsHost;
use vaultbind_simulator::{
    ClusterSpec, Estate, ManagerSpec, Simulator, SubscriptionSpec, VaultSpec,
};

use super::play::Play;

const WEST: &str = "11111111-1111-1111-1111-111111111111";
const EAST: &str = "22222222-2222-2222-2222-222222222222";
const GROUP: &str = "rg-nexus-secrets";

pub(super) const INTRODUCTION: &str = "
Two subscriptions, a dozen Nexus clusters, a handful of key vaults, and the policy of this repository (policy.yaml):
a cluster delivers its credentials to the vault of its site. Minutes and seconds are simulated time.
";

/// How each cluster has to end.
const EXPECTED: [(&str, &str); 11] = [
    ("berlin-1", "bound"),
    ("berlin-2", "bound"),
    ("rome-1", "bound"),
    ("lisbon-1", "bound"),
    ("madrid-1", "ambiguous"),
    ("oslo-1", "rejected"),
    ("vienna-1", "held"),
    ("lab-1", "exempt"),
    ("paris-1", "orphaned"),
    ("zurich-1", "gone"),
    ("porto-1", "failed"),
];

/// The policy of the repository with an exemption for the laboratory.
pub(super) fn policy(mode: &str) -> anyhow::Result<PathBuf> {
    let shipped =
        include_str!("../../../../policy.yaml").replace("mode: enforce", &format!("mode: {mode}"));
    let text = format!(
        "{shipped}\nexemptions:\n  - clusters: [\"**/resourceGroups/rg-lab/**\"]\n    owner: team-edge\n    reason: laboratory hardware\n    until: 2999-12-31\n"
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("no workspace")?
        .join("target");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(format!("demo-policy-{mode}.yaml"));
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn vault(site: &str) -> VaultSpec {
    let name = format!("kv-{site}");
    VaultSpec::new(&name)
        .group(GROUP)
        .tag("purpose", "nexus-credentials")
        .tag("site", site)
        .purge_protection()
}

fn cluster(name: &str) -> ClusterSpec {
    let site = name.split('-').next().unwrap_or_default();
    ClusterSpec::new(name)
        .tag("environment", "prod")
        .tag("site", site)
        .detailed_status("PendingDeployment")
}

/// What there is before anything happens.
pub(super) fn estate() -> Estate {
    Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .manager(ManagerSpec::new("cm-west").system_identity())
        .vault(vault("berlin"))
        .vault(vault("rome"))
        .vault(vault("paris"))
        .vault(vault("porto"))
        .vault(vault("oslo").rbac(Some(json!(false))))
        .vault(
            VaultSpec::new("kv-madrid-1")
                .group(GROUP)
                .tag("purpose", "nexus-credentials")
                .tag("site", "madrid")
                .purge_protection(),
        )
        .vault(
            VaultSpec::new("kv-madrid-2")
                .group(GROUP)
                .tag("purpose", "nexus-credentials")
                .tag("site", "madrid")
                .purge_protection(),
        )
        .vault(vault("vienna"))
        .vault(VaultSpec::new("kv-legacy").group("rg-legacy"))
        .cluster(cluster("paris-1").archive("kv-paris"))
        .grant_platform_apps("kv-paris")
        .cluster(cluster("vienna-1").archive("kv-legacy"))
        .subscription(SubscriptionSpec::new(EAST))
}

/// What cannot be said of an estate: Vaultbind may not change one of the clusters.
pub(super) fn furnish(simulator: &Simulator) {
    let mut azure = simulator.world.azure();
    azure.deny(
        "Microsoft.NetworkCloud/clusters/write",
        &cluster_id(WEST, "rg-nexus", "porto-1"),
    );
}

fn cluster_id(subscription: &str, group: &str, name: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.NetworkCloud/clusters/{name}"
    )
}

/// The clusters that come, one after the other: what is said, where, and which.
fn arrivals() -> [(&'static str, &'static str, ClusterSpec); 10] {
    let own = "id-nexus-berlin";
    [
        (
            "berlin-1 is created; it has an identity of its own",
            WEST,
            cluster("berlin-1").identity(own),
        ),
        (
            "berlin-2 is created; its cluster manager has an identity",
            WEST,
            cluster("berlin-2").manager("cm-west"),
        ),
        (
            "rome-1 is created in the other subscription; nobody has an identity",
            EAST,
            cluster("rome-1"),
        ),
        (
            "lisbon-1 is created; its vault is not there yet",
            WEST,
            cluster("lisbon-1"),
        ),
        (
            "madrid-1 is created; two vaults are for its site",
            WEST,
            cluster("madrid-1"),
        ),
        (
            "oslo-1 is created; its vault is on access policies",
            WEST,
            cluster("oslo-1"),
        ),
        (
            "porto-1 is created; Vaultbind lacks a right on it",
            WEST,
            cluster("porto-1"),
        ),
        (
            "lab-1 is created; the policy exempts the laboratory",
            WEST,
            cluster("lab-1").group("rg-lab"),
        ),
        (
            "zurich-1 is created, and is being deleted already",
            EAST,
            cluster("zurich-1").detailed_status("Deleting"),
        ),
        (
            "vienna-1 is tagged; it is bound to another vault",
            WEST,
            cluster("vienna-1").archive("kv-legacy"),
        ),
    ]
}

/// What happens, step by step.
pub(super) async fn acts(
    play: &mut Play,
    host: &FunctionsHost,
    grid: &EventGrid,
) -> anyhow::Result<()> {
    for (what, subscription, spec) in arrivals() {
        play.announce(what);
        play.world.azure().put_cluster(subscription, &spec);
        play.tell(host).await?;
    }
    play.announce("kv-lisbon is created: the clusters that could choose it are looked at");
    play.world.azure().put_vault(WEST, &vault("lisbon"));
    play.tell(host).await?;

    play.announce("kv-paris is deleted: the clusters bound to it are looked at");
    let paris = play
        .world
        .azure()
        .vault_id("kv-paris")
        .context("there is no kv-paris")?;
    play.world.azure().soft_delete_vault(&paris);
    play.tell(host).await?;

    play.announce("Event Grid delivers an event of berlin-1 three times more");
    let event = write_event(&cluster_id(WEST, "rg-nexus", "berlin-1"));
    (0..3).for_each(|_| grid.publish(&event));
    play.tell(host).await?;

    play.announce("somebody takes a role away on kv-rome: drift, which is healed");
    take_a_role(play, "kv-rome")?;
    play.tell(host).await?;

    play.announce(
        "the timer asks for a look at everything; what is wrong is told of again once a day",
    );
    host.tick("resync").await?;
    play.tell(host).await
}

fn take_a_role(play: &Play, vault: &str) -> anyhow::Result<()> {
    let mut azure = play.world.azure();
    let id = azure
        .vault_id(vault)
        .with_context(|| format!("there is no {vault}"))?;
    let held = azure
        .role_assignments()
        .find(|it| it.scope.eq_ignore_ascii_case(&id));
    let role = held
        .map(|it| it.id.clone())
        .with_context(|| format!("nobody holds the role on {vault}"))?;
    azure.remove_assignment(&role);
    Ok(())
}

/// The same in audit mode, for one more cluster.
pub(super) async fn audit_act(play: &mut Play, host: &FunctionsHost) -> anyhow::Result<()> {
    play.announce("the policy is set to `mode: audit`, and berlin-3 is created");
    play.world
        .azure()
        .put_cluster(WEST, &cluster("berlin-3").identity("id-nexus-berlin"));
    play.tell(host).await
}

/// Every cluster has to end as it was expected to.
pub(super) fn check(results: &[Value], keep: bool) -> anyhow::Result<()> {
    let audit = (!keep).then_some(("berlin-3", "planned"));
    for (cluster, expected) in EXPECTED.into_iter().chain(audit) {
        let last = results
            .iter()
            .rev()
            .find(|it| it["data"]["cluster"]["name"] == cluster);
        let outcome = last
            .and_then(|it| it["data"]["outcome"].as_str())
            .unwrap_or("nothing");
        anyhow::ensure!(
            outcome == expected,
            "{cluster} has ended {outcome}, expected {expected}"
        );
    }
    Ok(())
}

/// An event that a reader can send by hand: its cluster lost its archive in the meantime.
pub(super) fn event_to_send(simulator: &Simulator) -> Value {
    let mut azure = simulator.world.azure();
    let id = azure.cluster_id("rome-1").unwrap_or_default();
    let emit = std::mem::replace(&mut azure.behaviour.emit_events, false);
    azure.set_property(&id, "secretArchive", Value::Null);
    azure.behaviour.emit_events = emit;
    json!([write_event(&id)])
}

fn write_event(subject: &str) -> Value {
    let subscription = subject.split('/').nth(2).unwrap_or_default();
    json!({
        "id": "my-event-1", "topic": format!("/subscriptions/{subscription}"), "subject": subject,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess", "eventTime": "2026-07-19T18:38:04.6117357Z",
        "data": { "operationName": "Microsoft.NetworkCloud/clusters/write", "status": "Succeeded" },
        "dataVersion": "2", "metadataVersion": "1",
    })
}
