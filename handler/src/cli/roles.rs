//! `roles`: the custom role and the condition that this policy needs, no more.
//!
//! It must not have a text of its own for either: the templates of `infra` are where they stand.

use std::{collections::BTreeSet, process::ExitCode};

use serde_json::{Value, json};
use vaultbind_core::{
    id::SubscriptionId,
    policy::{Mode, Policy, Rebind, WriterChoice},
};

use super::{RolesOutput, print, serve::load_policy, serve::unusable};
use crate::config::Config;

const ACTIONS: &str = include_str!("../../../infra/app/role-actions.json");
const CONDITION: &str = include_str!("../../../infra/app/condition.txt");
const CONDITION_KNOWN: &str = include_str!("../../../infra/app/condition-known-principals.txt");

pub(super) fn roles(output: RolesOutput) -> anyhow::Result<ExitCode> {
    let config = Config::for_commands().map_err(|errors| unusable(&errors))?;
    let policy = load_policy(&config.policy)?;
    let principals: Vec<String> = config
        .platform_principals
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if policy.scope.is_none() && output != RolesOutput::Condition {
        print::error(
            "the policy has no `scope`: add the subscriptions that clusters lie in, for it names those of vaults alone",
        );
    }
    match output {
        RolesOutput::Json => print::json(&definition(&policy)?),
        RolesOutput::Condition if policy.mode == Mode::Audit => {
            print::error("the policy is in audit mode: no right to assign roles is needed");
        }
        RolesOutput::Condition => print::text(&condition(&policy, &principals)),
        RolesOutput::Bicep => print::text(&as_bicep(&policy, &principals)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Every subscription that clusters or vaults of this policy lie in.
fn subscriptions(policy: &Policy) -> BTreeSet<&SubscriptionId> {
    let of_clusters = policy.scope.iter().flatten();
    of_clusters.chain(&policy.vault_subscriptions).collect()
}

/// Does some rule have credentials written by an identity that is not known beforehand?
fn has_cluster_writers(policy: &Policy) -> bool {
    policy
        .rules
        .iter()
        .any(|rule| rule.writer != WriterChoice::PlatformApps)
}

/// Is an action of the templates' role of no use under this policy?
fn is_idle(action: &str, policy: &Policy) -> bool {
    let is_verb = |verb: &str| action.rsplit('/').next() == Some(verb);
    if policy.mode == Mode::Audit
        && (is_verb("write") || is_verb("action") || action.contains("/operationStatuses/"))
    {
        return true;
    }
    let asks_manager = policy.rules.iter().any(|rule| {
        // What a cluster leaves behind on another vault may be its manager's.
        matches!(
            rule.writer,
            WriterChoice::Auto | WriterChoice::ClusterManager
        ) || rule.rebind == Rebind::Allow
    });
    action.contains("/clusterManagers/") && !asks_manager
}

/// What `az role definition create` takes.
fn definition(policy: &Policy) -> anyhow::Result<Value> {
    let mut actions: Vec<String> = serde_json::from_str(ACTIONS)?;
    actions.retain(|action| !is_idle(action, policy));
    let scopes: Vec<String> = subscriptions(policy)
        .into_iter()
        .map(SubscriptionId::path)
        .collect();
    Ok(json!({
        "Name": "Vaultbind",
        "Description": "What Vaultbind needs under its policy.",
        "Actions": actions,
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": scopes,
    }))
}

/// The condition under which Role Based Access Control Administrator is given.
fn condition(policy: &Policy, principals: &[String]) -> String {
    if has_cluster_writers(policy) || principals.is_empty() {
        CONDITION.to_owned()
    } else {
        CONDITION_KNOWN.replace("{principals}", &format!("{{{}}}", principals.join(", ")))
    }
}

/// The parameters of `infra/main.bicep` that follow from the policy.
fn as_bicep(policy: &Policy, principals: &[String]) -> String {
    let list = |items: Vec<String>| {
        let lines: Vec<String> = items.iter().map(|id| format!("  '{id}'\n")).collect();
        if lines.is_empty() {
            "[]".to_owned()
        } else {
            format!("[\n{}]", lines.concat())
        }
    };
    let subscriptions = subscriptions(policy)
        .into_iter()
        .map(|subscription| subscription.as_str().to_owned())
        .collect();
    format!(
        "param managedSubscriptionIds = {}\nparam platformPrincipalIds = {}\nparam clusterWriters = {}",
        list(subscriptions),
        list(principals.to_vec()),
        has_cluster_writers(policy)
    )
}
