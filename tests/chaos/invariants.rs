//! What has to hold after a storm, and held all along.
//!
//! It must not look for a reason: where something does not hold, it tells the seed and everything that happened.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use vaultbind_simulator::{
    functions_host::{HostState, Invocation},
    state::WRITER_ROLE,
};

use crate::{
    estate::Land,
    oracle::{self, End},
    town::Town,
};

/// The most calls that a virtual minute may see: more would be a hot loop.
const CALLS_A_MINUTE: usize = 800;
/// The most changes that a cluster may see: those that fail are tried ever more seldom, by each request for itself.
const CHANGES: usize = 80;

/// Ends the run where something does not hold.
pub(crate) fn check(seed: u64, town: &Town, land: &Land) {
    let broken: Vec<String> = [
        every_cluster_is_where_the_policy_says(town, land),
        no_write_goes_beyond_the_boundary(town),
        the_role_is_with_who_needs_it_alone(town, land),
        no_request_is_lost(town),
        bound_says_what_was_read_back(town),
        nothing_is_slow_or_loops(town),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(
        broken.is_empty(),
        "seed {seed}:\n{}\n{}",
        broken.join("\n"),
        town.account()
    );
}

/// Every cluster is where the policy says, or its last result says why not.
fn every_cluster_is_where_the_policy_says(town: &Town, land: &Land) -> Vec<String> {
    let all: Vec<Value> = {
        let azure = town.simulator.world.azure();
        let clusters = azure.resources_of("Microsoft.NetworkCloud/clusters");
        clusters.cloned().collect()
    };
    let told = last_outcomes(town);
    let judge = |cluster: &Value| {
        let name = cluster["name"].as_str().unwrap();
        let told = told.get(name).map(String::as_str);
        match oracle::end(town, land, name, cluster) {
            End::LeftAlone => None,
            End::Told(outcome) if told == Some(outcome) => None,
            End::Told(outcome) => {
                Some(format!("{name} should be {outcome}, but was told {told:?}"))
            }
            End::Bound(vault, writers) => unbound(town, name, cluster, &vault, &writers),
        }
    };
    all.iter().filter_map(judge).collect()
}

fn unbound(
    town: &Town,
    name: &str,
    cluster: &Value,
    vault: &str,
    writers: &[String],
) -> Option<String> {
    let holders = oracle::holders(town, vault);
    let lacking = writers.iter().find(|it| !holders.contains(it));
    if !oracle::is_at(cluster, vault) {
        return Some(format!("{name} should be bound to {vault}: {cluster:#}"));
    }
    lacking.map(|it| format!("{name}: its writer {it} has no role on {vault}"))
}

/// What the last result said of each cluster; one that the queue dropped as a repeat was said before.
fn last_outcomes(town: &Town) -> BTreeMap<String, String> {
    let sent = town.simulator.broker.sent("results").into_iter();
    sent.map(|it| {
        let event: Value = serde_json::from_slice(&it.message.body).unwrap();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let data = &event["data"];
        (text(&data["cluster"]["name"]), text(&data["outcome"]))
    })
    .collect()
}

/// At no time was a cluster pointed at a vault outside the boundary, or a role given there. Names say where a vault is.
fn no_write_goes_beyond_the_boundary(town: &Town) -> Vec<String> {
    let mut broken = Vec::new();
    for write in town.writes() {
        let body = write.body.unwrap_or_default().to_string();
        let target = format!("{} {body}", write.path);
        if target.contains("out-") || target.contains("clusters/exempt-") {
            broken.push(format!("a write beyond the boundary: {target}"));
        }
    }
    broken
}

/// The role is with whom a cluster may need it, once each, and on vaults alone.
fn the_role_is_with_who_needs_it_alone(town: &Town, land: &Land) -> Vec<String> {
    let azure = town.simulator.world.azure();
    let mut broken = Vec::new();
    let mut seen = BTreeMap::<(String, String), usize>::new();
    for it in azure.role_assignments() {
        let held = format!("{} on {}", it.principal_id, it.scope);
        if !it.role.ends_with(WRITER_ROLE) || !it.scope.contains("/vaults/kv-") {
            broken.push(format!("another role, or elsewhere: {} {held}", it.role));
        }
        if !land.may_write(&it.principal_id) {
            broken.push(format!("a role that nobody needs: {held}"));
        }
        *seen
            .entry((it.principal_id.clone(), it.scope.to_ascii_lowercase()))
            .or_default() += 1;
    }
    let twice = seen.iter().filter(|(_, count)| **count > 1);
    broken.extend(twice.map(|(held, _)| format!("a role twice: {held:?}")));
    broken
}

/// The vault that a cluster shows, by its name.
fn shown(archive: &Value) -> Option<String> {
    let name = match (archive["vaultUri"].as_str(), archive["keyVaultId"].as_str()) {
        (Some(uri), _) => uri.trim_start_matches("https://").split('.').next(),
        (None, Some(id)) if archive["useKeyVault"] == true => id.rsplit('/').next(),
        _ => None,
    };
    name.map(str::to_ascii_lowercase)
}

/// A result says `bound` of a cluster that shows the vault; where the rule forbids it, none was moved.
fn bound_says_what_was_read_back(town: &Town) -> Vec<String> {
    let results = town.results().into_iter().map(|it| it["data"].clone());
    let is_wrong = |it: &Value| {
        let vault = it["vault"]["id"].as_str().unwrap_or_default();
        let vault = vault.rsplit('/').next().map(str::to_ascii_lowercase);
        let before = shown(&it["before"]);
        let was_moved = it["rule"] == "gold" && before.is_some() && before != vault;
        shown(&it["after"]) != vault || was_moved
    };
    let bound = results.filter(|it| it["outcome"] == "bound");
    bound
        .filter(is_wrong)
        .map(|it| format!("a result that cannot be: {it:#}"))
        .collect()
}

/// No request is lost or left over.
fn no_request_is_lost(town: &Town) -> Vec<String> {
    let broker = &town.simulator.broker;
    let left = [
        ("waiting", broker.messages("requests").len()),
        ("scheduled", broker.scheduled("requests").len()),
        ("locked", broker.locked("requests").len()),
        ("dead", broker.dead_letters("requests").len()),
        ("undelivered", town.grid.dead_letters().len()),
    ];
    let some = left.into_iter().filter(|(_, count)| *count > 0);
    some.map(|(what, count)| format!("{count} messages are {what}"))
        .collect()
}

/// No invocation outlives its deadline, and nothing loops.
fn nothing_is_slow_or_loops(town: &Town) -> Vec<String> {
    let mut broken = Vec::new();
    if town.host.state() != HostState::Running {
        broken.push(format!("the host is down: {:?}", town.host.host_log()));
    }
    let limit = |it: &Invocation| match it.function.as_str() {
        "reconcile" => Duration::from_secs(60),
        _ => Duration::from_secs(20),
    };
    let calls = town.host.invocations();
    let slow = calls.iter().filter(|it| it.duration > limit(it));
    broken.extend(slow.map(|it| format!("too slow: {it:?}")));
    let mut minutes = BTreeMap::<i64, usize>::new();
    for entry in town.simulator.world.journal.entries() {
        *minutes.entry(entry.at.unix_timestamp() / 60).or_default() += 1;
    }
    let busiest = minutes.into_values().max().unwrap_or_default();
    if busiest > CALLS_A_MINUTE {
        broken.push(format!("{busiest} calls in a minute"));
    }
    let mut changes = BTreeMap::<String, usize>::new();
    for write in town.writes().into_iter().filter(|it| it.method == "PATCH") {
        *changes.entry(write.path).or_default() += 1;
    }
    let restless = changes.into_iter().find(|(_, count)| *count > CHANGES);
    broken.extend(restless.map(|(path, count)| format!("{count} changes of {path}")));
    broken
}
