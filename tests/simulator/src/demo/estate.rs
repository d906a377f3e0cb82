//! The estate of a telco as it is before anything happens, the policy over it, and how each cluster has to end.
//! It must show every outcome that there is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use vaultbind_simulator::{
    ClusterSpec, Estate, ManagerSpec, Simulator, SubscriptionSpec, VaultSpec,
};

pub(super) const WEST: &str = "11111111-1111-1111-1111-111111111111";
pub(super) const EAST: &str = "22222222-2222-2222-2222-222222222222";
const GROUP: &str = "rg-nexus-secrets";

pub(super) const INTRODUCTION: &str = "
Two subscriptions with Nexus clusters and key vaults, and the policy of this repository (policy.yaml): a cluster
delivers its credentials to the vault of its site. Times are minutes and seconds of simulated time.";

/// How each cluster has to end: every outcome is here.
const EXPECTED: [(&str, &str); 13] = [
    ("berlin-1", "bound"),
    ("berlin-2", "bound"),
    ("berlin-3", "planned"),
    ("rome-1", "bound"),
    ("lisbon-1", "bound"),
    ("milan-1", "unmatched"),
    ("madrid-1", "ambiguous"),
    ("oslo-1", "rejected"),
    ("vienna-1", "held"),
    ("lab-1", "exempt"),
    ("paris-1", "orphaned"),
    ("zurich-1", "gone"),
    ("porto-1", "failed"),
];

/// Writes the policy of the repository, with an exemption for the laboratory, into a folder.
pub(super) fn policy(mode: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let shipped =
        include_str!("../../../../policy.yaml").replace("mode: enforce", &format!("mode: {mode}"));
    let text = format!(
        "{shipped}\nexemptions:\n  - clusters: [\"**/resourceGroups/rg-lab/**\"]\n    owner: team-edge\n    reason: laboratory hardware\n    until: 2999-12-31\n"
    );
    let path = folder.join(format!("demo-policy-{mode}.yaml"));
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The vault of a site.
pub(super) fn vault(site: &str) -> VaultSpec {
    vault_named(&format!("kv-{site}"), site)
}

fn vault_named(name: &str, site: &str) -> VaultSpec {
    VaultSpec::new(name)
        .group(GROUP)
        .location(location(site))
        .tag("purpose", "nexus-credentials")
        .tag("site", site)
        .purge_protection()
}

/// A cluster of the site that its name begins with.
pub(super) fn cluster(name: &str) -> ClusterSpec {
    let site = site(name);
    without_site(name).tag("site", site)
}

fn without_site(name: &str) -> ClusterSpec {
    ClusterSpec::new(name)
        .location(location(site(name)))
        .tag("environment", "prod")
        .detailed_status("PendingDeployment")
}

fn site(cluster: &str) -> &str {
    cluster.split('-').next().unwrap_or(cluster)
}

fn location(site: &str) -> &'static str {
    match site {
        "berlin" | "lab" => "germanynorth",
        "vienna" => "austriaeast",
        "oslo" => "norwayeast",
        "paris" => "francecentral",
        "zurich" => "switzerlandnorth",
        "rome" | "milan" => "italynorth",
        _ => "spaincentral",
    }
}

/// What there is before anything happens.
pub(super) fn estate() -> Estate {
    Estate::new()
        .platform_apps()
        .subscription(SubscriptionSpec::new(WEST))
        .manager(ManagerSpec::new("cm-berlin").system_identity())
        .vault(vault("berlin"))
        .vault(vault("rome"))
        .vault(vault("paris"))
        .vault(vault("porto"))
        .vault(vault("vienna"))
        .vault(vault("zurich"))
        .vault(vault("oslo").rbac(Some(json!(false))))
        .vault(vault_named("kv-madrid-a", "madrid"))
        .vault(vault_named("kv-madrid-b", "madrid"))
        .vault(VaultSpec::new("kv-legacy").group("rg-legacy"))
        .cluster(cluster("paris-1").archive("kv-paris"))
        .grant_platform_apps("kv-paris")
        .cluster(without_site("vienna-1").archive("kv-legacy"))
        .cluster(cluster("zurich-1").archive("kv-zurich"))
        .grant_platform_apps("kv-zurich")
        .subscription(SubscriptionSpec::new(EAST).unregistered())
}

/// What cannot be said of an estate: Vaultbind may not change one of the clusters.
pub(super) fn furnish(simulator: &Simulator) {
    simulator.world.azure().deny(
        "Microsoft.NetworkCloud/clusters/write",
        &cluster_id(WEST, "porto-1"),
    );
}

/// The id of a cluster in the usual resource group.
pub(super) fn cluster_id(subscription: &str, name: &str) -> String {
    format!(
        "/subscriptions/{subscription}/resourceGroups/rg-nexus/providers/Microsoft.NetworkCloud/clusters/{name}"
    )
}

/// The event that Event Grid has of a cluster that was written.
pub(super) fn write_event(event_id: &str, cluster_id: &str) -> Value {
    let subscription = cluster_id.split('/').nth(2).unwrap_or_default();
    json!({
        "id": event_id, "topic": format!("/subscriptions/{subscription}"), "subject": cluster_id,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess", "eventTime": "2026-07-19T18:38:04.6117357Z",
        "data": { "operationName": "Microsoft.NetworkCloud/clusters/write", "status": "Succeeded" },
        "dataVersion": "2", "metadataVersion": "1",
    })
}

/// Every cluster has to end as it was expected to, and no other has a result.
pub(super) fn check(results: &[Value]) -> anyhow::Result<()> {
    for (cluster, expected) in EXPECTED {
        let mut its = results.iter().rev();
        let last = its.find(|it| it["data"]["cluster"]["name"] == cluster);
        let outcome = last.and_then(|it| it["data"]["outcome"].as_str());
        let outcome = outcome.unwrap_or("without a result");
        anyhow::ensure!(
            outcome == expected,
            "{cluster} has ended {outcome}, expected {expected}"
        );
    }
    let is_known = |name: &str| EXPECTED.iter().any(|(cluster, _)| *cluster == name);
    let mut names = results
        .iter()
        .map(|it| it["data"]["cluster"]["name"].as_str().unwrap_or_default());
    match names.find(|name| !is_known(name)) {
        Some(stranger) => {
            anyhow::bail!("there is a result of `{stranger}`, which was not expected")
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_outcome_of_the_schema_is_expected_of_some_cluster() {
        let schema = include_str!("../../../../schemas/result.schema.json");
        let all: BTreeSet<&str> = EXPECTED.iter().map(|(_, outcome)| *outcome).collect();
        assert_eq!(all.len(), 10);
        for outcome in all {
            assert!(schema.contains(&format!("\"{outcome}\"")), "{outcome}");
        }
    }

    #[test]
    fn a_cluster_that_ends_otherwise_is_an_error() {
        let result = |cluster: &str, outcome: &str| json!({ "data": { "cluster": { "name": cluster }, "outcome": outcome } });
        let mut results: Vec<Value> = EXPECTED
            .iter()
            .map(|(it, outcome)| result(it, outcome))
            .collect();
        assert!(check(&results).is_ok());
        results.push(result("berlin-1", "failed"));
        let error = check(&results).unwrap_err().to_string();
        assert_eq!(error, "berlin-1 has ended failed, expected bound");
        results.pop();
        results.push(result("nowhere-1", "bound"));
        assert!(check(&results).is_err());
        assert!(check(&results[1..]).is_err());
    }
}
