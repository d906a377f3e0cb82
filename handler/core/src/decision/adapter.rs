//! The decision as it was written down before: for those who do not read the record yet.
//!
//! It must not be used by anything new.

use time::Date;

use super::Subject;
pub use super::{Patience, Read};
use crate::{
    id::{ClusterId, VaultId},
    inventory::{Inventory, PrincipalId, Vault},
    plan::{Archive, Plan, Writer},
    policy::Policy,
    result::{Candidate, Outcome, Reason, VaultReference},
};

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

/// Decides, as far as the inventory allows.
pub fn decide(policy: &Policy, question: &Question<'_>, inventory: &Inventory) -> Decision {
    let subject = Subject {
        policy,
        cluster: question.cluster,
        vault_hint: question.vault_hint,
        today: question.today,
        vault_suffix: question.vault_suffix,
    };
    match super::decide(&subject, inventory) {
        Err(reads) => Decision::Look(reads),
        Ok(decision) => decision.into(),
    }
}

impl From<super::Decision> for Decision {
    fn from(it: super::Decision) -> Self {
        let Some(reason) = it.reason else {
            return Self::bind(it);
        };
        if reason.code == "ClusterNotFound" {
            return Self::Absent;
        }
        let refusal = Refusal {
            outcome: it.outcome,
            reason,
            rule: it.rule,
            vault: it.vault.as_ref().map(VaultReference::of),
            candidates: it.candidates,
        };
        match it.wait {
            None => Self::Refuse(Box::new(refusal)),
            Some(patience) => Self::Wait(Box::new(Wait {
                refusal,
                patience,
                plan: it.plan,
            })),
        }
    }
}

impl Decision {
    fn bind(it: super::Decision) -> Self {
        let (Some(rule), Some(vault), Some(grants)) = (it.rule, it.vault, it.writer) else {
            unreachable!("what is bound has a rule, a vault and a writer");
        };
        Self::Bind(Box::new(Binding {
            rule,
            vault,
            writer: grants.writer,
            writer_reason: grants.reason,
            principals: grants.principals,
            archive: grants.archive,
            candidates: it.candidates,
            plan: it.plan,
            youngest_role: grants.youngest_role,
            left_behind: grants.left_behind,
        }))
    }
}
