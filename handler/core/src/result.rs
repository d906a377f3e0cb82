//! The result: what one reconcile decided and did, as consumers of the results queue read it.
//!
//! It must not carry claims, tokens, whole ARM bodies or secrets. The types are published in `schemas/result.schema.json`.

mod code;
mod outcome;
pub mod reason;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    archive::{ArchiveProperty, ArchiveStatus},
    plan::{Change, ChangeKind, Writer},
    resource::Vault,
};

use code::AnyCode;
pub use code::{Code, page};
pub use outcome::{Outcome, Severity};

/// Why it ended so, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// A stable code for programs.
    #[schemars(with = "AnyCode")]
    pub code: String,
    /// What is the case, for a person.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Reason {
    /// Is it the reason of this code?
    pub fn is(&self, code: Code) -> bool {
        self.code == code.word()
    }
}

/// What happened to one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeStatus {
    /// Audit mode: it would have been made.
    Planned,
    /// It was made.
    Done,
    /// Azure took it on and is working at it.
    Accepted,
    /// It was sent and its answer was lost, or Azure took it and failed, and its value is there: it may have been made or not.
    Unknown,
    /// It was there already when it was to be made.
    Present,
    /// It was refused or failed.
    Failed,
}

/// One change, as the result lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRecord {
    /// What was to be changed.
    pub kind: ChangeKind,
    /// The resource that was to be changed.
    pub target: String,
    /// What became of it.
    pub status: ChangeStatus,
    /// At which of the request's attempts, counted as in `attempts`.
    #[serde(default)]
    pub attempt: u32,
}

impl ChangeRecord {
    /// Is it known to have been made?
    pub fn is_made(&self) -> bool {
        matches!(self.status, ChangeStatus::Done | ChangeStatus::Accepted)
    }

    /// The record of a change with what became of it at this attempt.
    pub fn of(change: &Change, status: ChangeStatus, attempt: u32) -> Self {
        Self {
            kind: change.kind(),
            target: change.target(),
            status,
            attempt,
        }
    }
}

/// A vault that was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// The vault's resource id.
    pub id: String,
    /// What ruled it out, or where it ranks.
    pub why: String,
}

/// A vault as results name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VaultReference {
    /// The resource id.
    pub id: String,
    /// The address.
    pub uri: String,
}

impl VaultReference {
    /// Names a vault.
    pub fn of(vault: &Vault) -> Self {
        Self {
            id: vault.id.to_string(),
            uri: vault.uri.clone(),
        }
    }
}

/// The vault that a cluster has, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CurrentVault {
    /// The resource id, null where only the address is known.
    pub id: Option<String>,
    /// The address, null where only what the cluster shows is known, and that is none.
    pub uri: Option<String>,
}

impl CurrentVault {
    /// Names a vault that was read.
    pub fn of(vault: &Vault) -> Self {
        Self {
            id: Some(vault.id.to_string()),
            uri: Some(vault.uri.clone()),
        }
    }
}

/// A cluster as results name it; what was not read is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterReference {
    /// The resource id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The Azure region.
    pub location: Option<String>,
    /// `PendingDeployment`, `Running`, ...: a binding is most useful before the cluster is deployed.
    pub detailed_status: Option<String>,
    /// Those of its tags that the policy's rules go by.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// One writer and the role that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterRecord {
    /// Who writes.
    pub kind: Writer,
    /// The object id of the principal.
    pub principal_id: String,
    /// The role assignment that lets it write, null where there is none yet.
    pub role_assignment_id: Option<String>,
    /// Did this request make the assignment?
    pub created: bool,
}

/// The policy that was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReference {
    /// SHA-256 of the policy file.
    pub digest: String,
    /// The version of its format.
    pub version: u32,
}

/// What made Vaultbind look at the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// An event, the timer's sweep, or a person.
    pub kind: CauseKind,
    /// The id of the event or of the sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The operation that the event tells of.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The resource that the event is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it happened, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// The kind of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CauseKind {
    /// An event from Event Grid.
    Event,
    /// The timer's sweep over everything.
    Resync,
    /// A person.
    Manual,
}

/// The data of a result message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BindingResult {
    /// How it ended.
    pub outcome: Outcome,
    /// Did this request change anything in Azure?
    pub changed: bool,
    /// Does a person have to act?
    pub severity: Severity,
    /// May more have been changed than `changed` tells? A delivery of the request crashed, an answer was lost, or a change
    /// that failed left its value.
    pub redelivered: bool,
    /// The policy's mode: `enforce` or `audit`.
    pub mode: ModeName,
    /// The cluster.
    pub cluster: ClusterReference,
    /// The vault that the policy wants, null where there is not exactly one.
    pub vault: Option<VaultReference>,
    /// The vault that the cluster has, null where it has none.
    pub current: Option<CurrentVault>,
    /// The rule that governs the cluster.
    pub rule: Option<String>,
    /// The property that carries the binding.
    pub shape: Option<ArchiveProperty>,
    /// Who writes the credentials, one entry for each principal.
    pub writers: Vec<WriterRecord>,
    /// Why these writers.
    pub writer_reason: Option<String>,
    /// What this request changed, or would have.
    pub changes: Vec<ChangeRecord>,
    /// Role assignments on the vault that the cluster was moved away from, or that were given on one that it never came to:
    /// nobody removes them but a person.
    pub left_behind: Vec<String>,
    /// The archive when the cluster was first read for this request.
    pub before: Option<ArchiveStatus>,
    /// The archive when the cluster was last read.
    pub after: Option<ArchiveStatus>,
    /// Why it ended so; null for a binding that is right.
    pub reason: Option<Reason>,
    /// What else a person should know; the codes are those of reasons.
    pub warnings: Vec<Reason>,
    /// The vaults that were considered.
    pub candidates: Vec<Candidate>,
    /// Is a list cut, for a message has its bounds?
    #[serde(default)]
    pub truncated: bool,
    /// The policy that was followed.
    pub policy: PolicyReference,
    /// What made Vaultbind look.
    pub cause: Cause,
    /// How many times this request has been looked at, this one included.
    pub attempts: u32,
    /// When this reconcile began, RFC 3339.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The ids that Azure gave to the calls of this reconcile, the latest ones.
    pub request_ids: Vec<String>,
    /// When the cluster, the vault that it has and the one that the policy wants were last changed, empty where that was
    /// not read. It tells one occurrence of a problem from the next, and is in no message.
    #[serde(skip)]
    pub modified: Vec<String>,
}

/// The mode of a policy, as results name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModeName {
    /// Decisions are carried out.
    Enforce,
    /// Decisions are reported only.
    Audit,
}
