//! `roles`: the custom role and the condition that this policy needs, no more.
//!
//! It must not have a text of its own for either: the templates of `infra` are where they stand.

use std::{collections::BTreeSet, process::ExitCode};

use serde_json::{Value, json};
use vaultbind_core::{
    id::SubscriptionId,
    policy::{Policy, WriterChoice},
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
    match output {
        RolesOutput::Json => print::json(&as_json(&policy, &principals)?),
        RolesOutput::Bicep => print::text(&as_bicep(&policy, &principals)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Every subscription that clusters or vaults of this policy lie in.
fn subscriptions(policy: &Policy) -> BTreeSet<&SubscriptionId> {
    let within = policy.rules.iter().flat_map(|rule| &rule.vaults.within);
    policy
        .scope
        .iter()
        .flatten()
        .chain(within.map(|it| it.subscription()))
        .collect()
}

/// Does some rule have credentials written by an identity that is not known beforehand?
fn has_cluster_writers(policy: &Policy) -> bool {
    policy
        .rules
        .iter()
        .any(|rule| rule.writer != WriterChoice::PlatformApps)
}

/// What `az role definition create` takes, and the condition for the right to assign roles.
fn as_json(policy: &Policy, principals: &[String]) -> anyhow::Result<Value> {
    let actions: Value = serde_json::from_str(ACTIONS)?;
    let condition = if has_cluster_writers(policy) || principals.is_empty() {
        CONDITION.to_owned()
    } else {
        CONDITION_KNOWN.replace("{principals}", &format!("{{{}}}", principals.join(", ")))
    };
    let scopes: Vec<String> = subscriptions(policy)
        .into_iter()
        .map(SubscriptionId::path)
        .collect();
    Ok(json!({
        "roleDefinition": {
            "Name": "Vaultbind",
            "Description": "Read Nexus clusters and key vaults, point clusters at vaults, register Microsoft.NetworkCloud.",
            "Actions": actions,
            "NotActions": [],
            "DataActions": [],
            "NotDataActions": [],
            "AssignableScopes": scopes,
        },
        "condition": { "role": "Role Based Access Control Administrator", "version": "2.0", "text": condition },
    }))
}

/// The parameters of `infra/main.bicep` that follow from the policy.
fn as_bicep(policy: &Policy, principals: &[String]) -> String {
    let list = |items: Vec<String>| {
        let lines: Vec<String> = items.iter().map(|it| format!("  '{it}'\n")).collect();
        if lines.is_empty() {
            "[]".to_owned()
        } else {
            format!("[\n{}]", lines.concat())
        }
    };
    let subscriptions = subscriptions(policy)
        .into_iter()
        .map(|it| it.as_str().to_owned())
        .collect();
    format!(
        "param managedSubscriptionIds = {}\nparam platformPrincipalIds = {}\nparam clusterWriters = {}",
        list(subscriptions),
        list(principals.to_vec()),
        has_cluster_writers(policy)
    )
}
