//! The decision: policy and inventory in, either what to read next or what becomes of the cluster out.
//!
//! It must not change or read anything: it is a pure function, and asking again with more known is how one reads.

mod case;
mod choice;
mod current;
mod planning;
mod read;
mod writer;

use time::Date;

use crate::{
    api_version::ApiVersion,
    id::{ClusterId, ClusterManagerId, SubscriptionId, VaultId},
    inventory::{Inventory, PrincipalId, Vault},
    plan::{Archive, Plan, Writer},
    policy::Policy,
    result::{Candidate, Outcome, Reason, VaultReference, reason},
};
pub(crate) use case::{Case, refusal_under};

/// What is asked: about which cluster, and what holds for the whole process.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The cluster.
    pub cluster: &'a ClusterId,
    /// A vault that Resource Graph may not show yet.
    pub vault_hint: Option<&'a VaultId>,
    /// Today in UTC, for exemptions.
    pub today: Date,
    /// The suffix of vault addresses in this cloud, such as `vault.azure.net`.
    pub vault_suffix: &'a str,
}

/// Something to read before the decision can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The provider's registration and the api-versions it serves.
    Provider,
    /// The directory of the cluster's subscription.
    Tenant,
    /// The vaults in the policy's trust boundaries; a cached answer will do.
    Candidates,
    /// The same, read after the request was first sent.
    CurrentCandidates,
    /// The cluster.
    Cluster(ApiVersion),
    /// One vault.
    Vault(VaultId),
    /// The vault that has this address.
    VaultByHost(String),
    /// The deleted vaults of a subscription.
    DeletedVaults(SubscriptionId),
    /// The object ids of the two platform apps.
    PlatformPrincipals,
    /// The identities of the cluster manager.
    Manager(ClusterManagerId, ApiVersion),
    /// The role assignments of a principal that reach a vault.
    Roles(VaultId, PrincipalId),
}

/// What becomes of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// More has to be read first.
    Look(Vec<Read>),
    /// A live read did not find the cluster.
    Absent,
    /// It ends without a change.
    Refuse(Box<Refusal>),
    /// It cannot be decided or done now.
    Wait(Box<Wait>),
    /// The cluster belongs to a vault; an empty plan says that everything is right already.
    Bind(Box<Binding>),
}

/// Why nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// How the reconcile ends.
    pub outcome: Outcome,
    /// Why, and what to do.
    pub reason: Reason,
    /// The rule that governs the cluster.
    pub rule: Option<String>,
    /// The vault that the policy would choose, where there is exactly one.
    pub vault: Option<VaultReference>,
    /// What was considered.
    pub candidates: Vec<Candidate>,
}

/// Something that will pass by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What it becomes when it does not pass.
    pub refusal: Refusal,
    /// How long it may take.
    pub patience: Patience,
    /// What it then leads to, as far as that is known by now.
    pub plan: Plan,
}

/// How long something may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// As long as the request lives.
    Deadline,
    /// One hour.
    Hour,
}

/// A cluster and the vault that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The rule that governs the cluster.
    pub rule: String,
    /// The vault, read live.
    pub vault: Vault,
    /// Who writes the credentials.
    pub writer: Writer,
    /// Why that writer.
    pub writer_reason: &'static str,
    /// The principals that need the role, and the assignment that gives it where there is one.
    pub principals: Vec<(PrincipalId, Option<String>)>,
    /// What the cluster should show.
    pub archive: Archive,
    /// What was considered.
    pub candidates: Vec<Candidate>,
    /// What has to be changed.
    pub plan: Plan,
    /// When the youngest role assignment that is needed was made, in Unix seconds: access may lag behind it.
    pub youngest_role: Option<i64>,
    /// Role assignments on the vault that the cluster is moved away from: they are left for a person to remove.
    pub left_behind: Vec<String>,
}

/// Decides, as far as the inventory allows.
pub fn decide(policy: &Policy, question: &Question<'_>, inventory: &Inventory) -> Decision {
    if !policy.covers(question.cluster.subscription()) {
        return refuse(Outcome::Unmatched, reason::out_of_scope(question.cluster));
    }
    let first = first_reads(policy, question, inventory);
    if !first.is_empty() {
        return Decision::Look(first);
    }
    let Some(version) = served_version(inventory) else {
        return refuse(
            Outcome::Failed,
            reason::no_known_api_version(question.cluster),
        );
    };
    match &inventory.cluster {
        None => Decision::Look(vec![Read::Cluster(version)]),
        Some(None) => Decision::Absent,
        Some(Some(cluster)) => Case {
            policy,
            question,
            inventory,
            version,
            cluster,
        }
        .decide(),
    }
}

/// What can be read before anything is known of the cluster.
fn first_reads(policy: &Policy, question: &Question<'_>, inventory: &Inventory) -> Vec<Read> {
    let mut reads = Vec::new();
    if inventory.provider.is_none() {
        reads.push(Read::Provider);
    }
    if inventory.tenant.is_none() {
        reads.push(Read::Tenant);
    }
    if inventory.candidates.is_none() {
        reads.push(Read::Candidates);
    }
    if let Some(hint) = question.vault_hint
        && policy.rules.iter().any(|rule| rule.vaults.is_within(hint))
        && !inventory.vaults.contains_key(hint)
    {
        reads.push(Read::Vault(hint.clone()));
    }
    reads
}

fn served_version(inventory: &Inventory) -> Option<ApiVersion> {
    ApiVersion::newest(&inventory.provider.as_ref()?.cluster_api_versions)
}

fn refuse(outcome: Outcome, reason: Reason) -> Decision {
    Decision::Refuse(Box::new(Refusal {
        outcome,
        reason,
        rule: None,
        vault: None,
        candidates: Vec::new(),
    }))
}
