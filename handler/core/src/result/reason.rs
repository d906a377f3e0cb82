//! The reasons: every code that a result can carry, with its message and what to do.
//!
//! It must not decide which of them applies; a code is a promise to consumers and never changes its meaning.

mod bound;
mod vault;

use std::fmt::Display;

use crate::{
    api_version::ApiVersion,
    id::{ClusterId, ResourceId},
    plan::Writer,
    policy::{Exemption, Rule},
    resource::{AssociatedIdentity, ProvisioningState},
    result::{Code, Reason},
};

pub(crate) use bound::*;
pub use bound::{proof_failed, roles_left_behind};
pub(crate) use vault::*;

fn reason(code: Code, message: impl Into<String>, help: impl Into<String>) -> Reason {
    Reason {
        code: code.word().to_owned(),
        message: message.into(),
        help: help.into(),
    }
}

pub(crate) fn out_of_scope(cluster: &ResourceId) -> Reason {
    reason(
        Code::OutOfScope,
        format!(
            "subscription {} is not in the policy's scope",
            cluster.subscription()
        ),
        "Add the subscription to `scope.subscriptions` in the policy, or stop sending events from it.",
    )
}

pub(crate) fn no_known_api_version(cluster: &ResourceId) -> Reason {
    reason(
        Code::NoKnownApiVersion,
        format!(
            "subscription {} is served no api-version of Microsoft.NetworkCloud/clusters that this version knows",
            cluster.subscription()
        ),
        "Check `az provider show --namespace Microsoft.NetworkCloud`; a newer Vaultbind may know the versions it lists.",
    )
}

/// The cluster is not there.
pub fn not_found(cluster: &ClusterId) -> Reason {
    reason(
        Code::ClusterNotFound,
        format!("{cluster} does not exist"),
        "Nothing to do.",
    )
}

pub(crate) fn principals_missing() -> Reason {
    reason(
        Code::PrincipalNotFound,
        "the directory does not have the service principals of both platform apps",
        "Registering Microsoft.NetworkCloud brings them into the directory within minutes; check `az ad sp show --id 05cf5e27-931d-47ad-826d-cb9028d8bd7a` and `az ad sp show --id 3365d4ea-bb16-4bc9-86dd-f2c8cf6f1f56`.",
    )
}

pub(crate) fn deleting(cluster: &ClusterId) -> Reason {
    reason(
        Code::ClusterDeleting,
        format!("{} is being deleted", cluster.name()),
        "Nothing to do.",
    )
}

pub(crate) fn exempt(exemption: &Exemption) -> Reason {
    reason(
        Code::Exempt,
        format!(
            "exempt until {} ({}): {}",
            exemption.until, exemption.owner, exemption.reason
        ),
        "Remove the exemption from the policy to have the cluster governed again.",
    )
}

pub(crate) fn foreign_archive(provider: &str) -> Reason {
    reason(
        Code::ForeignArchive,
        format!(
            "the cluster delivers its credentials to an archive that is no Azure Key Vault: {provider}"
        ),
        "Leave it so, or clear `secretArchiveSettings` on the cluster to have it bound to a vault.",
    )
}

pub(crate) fn no_rule(cluster: &ClusterId) -> Reason {
    reason(
        Code::NoRule,
        format!("no rule of the policy governs {}", cluster.name()),
        "Give the cluster the tags that a rule asks for, or add a rule for it to the policy.",
    )
}

pub(crate) fn settings_not_served(version: ApiVersion) -> Reason {
    reason(
        Code::SettingsNotServed,
        format!(
            "writer `cluster` needs secretArchiveSettings, which api-version {version} does not have"
        ),
        "Use writer `cluster-manager` or `platform-apps` until the region serves 2025-02-01 or later.",
    )
}

pub(crate) fn writer_has_no_identity(writer: Writer, why: &str, rule: &Rule) -> Reason {
    reason(
        Code::WriterHasNoIdentity,
        format!("writer `{writer}` has no managed identity ({why})"),
        format!(
            "Assign a managed identity to it; where rule `{}` chose it, another writer there will do as well.",
            rule.name
        ),
    )
}

pub(crate) fn identity_ambiguous(identities: &[&AssociatedIdentity], rule: &Rule) -> Reason {
    reason(
        Code::IdentityAmbiguous,
        format!(
            "several user-assigned identities could write: {}",
            names(identities.iter().copied())
        ),
        format!(
            "Name one of them with `identity:` (its name, or its id) in rule `{}`.",
            rule.name
        ),
    )
}

/// The rule names an identity that is not there: no other is given the role in its place.
pub(crate) fn identity_not_named(identities: &[AssociatedIdentity], rule: &Rule) -> Reason {
    reason(
        Code::IdentityNotNamed,
        format!(
            "`identity:` of rule `{}` fits none of the writer's identities: there is {}",
            rule.name,
            names(identities.iter())
        ),
        "Assign the identity that the rule names, or have `identity:` fit one that is there; nobody else is given the role.",
    )
}

fn names<'a>(identities: impl Iterator<Item = &'a AssociatedIdentity>) -> String {
    let name = |identity: &'a AssociatedIdentity| match identity {
        AssociatedIdentity::System => "the system-assigned one",
        AssociatedIdentity::User(id) => id.name(),
    };
    identities.map(name).collect::<Vec<_>>().join(", ")
}

pub(crate) fn identity_not_ready(cluster: &ClusterId) -> Reason {
    reason(
        Code::IdentityNotReady,
        format!(
            "the identity that writes for {} shows no principal yet",
            cluster.name()
        ),
        "Wait for Azure to finish assigning the identity; assign it again if it stays so.",
    )
}

pub(crate) fn cluster_busy(cluster: &ClusterId, state: &ProvisioningState) -> Reason {
    reason(
        Code::ClusterBusy,
        format!(
            "an operation is under way on {} (provisioning state {state})",
            cluster.name()
        ),
        "Wait for the operation to end; if it never does, look at the cluster's activity log.",
    )
}

/// A call to Azure was refused for good, or went on failing until the deadline.
pub fn call_failed(code: &str, message: String, help: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        message,
        help: help.to_owned(),
    }
}

fn list<T: Display>(items: &[T]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
