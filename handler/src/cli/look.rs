//! One look at a cluster, in words: what `plan`, `apply` and `explain` tell of it.
//!
//! It must not decide anything, and says the same whether Azure was looked at or an estate.

use serde_json::{Value, json};
use vaultbind_core::{
    decision::adapter::{Binding, Decision, Read, Refusal},
    id::ClusterId,
    inventory::Cluster,
    plan::{Change, ChangeKind},
    result::{Candidate, Outcome, Reason},
};

/// What is under way and will be decided later.
pub(super) const WAITING: &str = "waiting";
/// A binding that is not right yet.
pub(super) const TO_CHANGE: &str = "to change";
/// What could not be looked at.
pub(super) const FAILED: &str = "failed";

/// What a look at one cluster showed, or why there is none.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) cluster: ClusterId,
    pub(super) seen: Result<Seen, Reason>,
}

/// What was seen of a cluster and what follows.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) cluster: Option<Cluster>,
    pub(super) decision: Decision,
    /// What an estate did not know and was taken not to be there.
    pub(super) assumed: Vec<Read>,
}

impl Look {
    fn decision(&self) -> Option<&Decision> {
        self.seen.as_ref().ok().map(|it| &it.decision)
    }

    /// How the cluster would end, in a word.
    pub(super) fn outcome(&self) -> &'static str {
        match self.decision() {
            None => FAILED,
            Some(Decision::Look(_) | Decision::Absent) => Outcome::Gone.word(),
            Some(Decision::Wait(_)) => WAITING,
            Some(Decision::Refuse(refusal)) => refusal.outcome.word(),
            Some(Decision::Bind(binding)) if binding.plan.is_empty() => Outcome::Bound.word(),
            Some(Decision::Bind(_)) => TO_CHANGE,
        }
    }

    pub(super) fn binding(&self) -> Option<&Binding> {
        match self.decision()? {
            Decision::Bind(binding) => Some(binding),
            Decision::Look(_) | Decision::Absent | Decision::Refuse(_) | Decision::Wait(_) => None,
        }
    }

    /// What would be changed, at once or once what is under way has ended.
    pub(super) fn changes(&self) -> &[Change] {
        match self.decision() {
            Some(Decision::Bind(binding)) => &binding.plan.changes,
            Some(Decision::Wait(wait)) => &wait.plan.changes,
            Some(Decision::Look(_) | Decision::Absent | Decision::Refuse(_)) | None => &[],
        }
    }

    /// Does it wait for what is under way?
    pub(super) fn waits(&self) -> bool {
        matches!(self.decision(), Some(Decision::Wait(_)))
    }

    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match self.decision()? {
            Decision::Refuse(refusal) => Some(refusal),
            Decision::Wait(wait) => Some(&wait.refusal),
            Decision::Look(_) | Decision::Absent | Decision::Bind(_) => None,
        }
    }

    /// Why nothing is or can be done.
    pub(super) fn reason(&self) -> Option<&Reason> {
        match &self.seen {
            Err(reason) => Some(reason),
            Ok(_) => self.refusal().map(|it| &it.reason),
        }
    }

    /// The id of the vault that the policy chooses.
    pub(super) fn vault(&self) -> Option<&str> {
        match self.binding() {
            Some(binding) => Some(binding.vault.id.as_str()),
            None => Some(&self.refusal()?.vault.as_ref()?.id),
        }
    }

    pub(super) fn rule(&self) -> Option<&str> {
        match self.binding() {
            Some(binding) => Some(&binding.rule),
            None => self.refusal()?.rule.as_deref(),
        }
    }

    pub(super) fn candidates(&self) -> &[Candidate] {
        match self.binding() {
            Some(binding) => &binding.candidates,
            None => self.refusal().map_or(&[], |it| &it.candidates),
        }
    }

    /// What was taken not to be there, in words.
    pub(super) fn assumed(&self) -> Vec<String> {
        let seen = self.seen.as_ref();
        seen.map_or_else(
            |_| Vec::new(),
            |it| it.assumed.iter().map(ToString::to_string).collect(),
        )
    }

    /// The lines below the cluster's own: each change, with the calls that make it where they are asked for.
    pub(super) fn change_lines(&self, with_calls: bool) -> Vec<String> {
        let lines = self.changes().iter().flat_map(|it| {
            let call = with_calls.then(|| format!("    {}", call(it)));
            [format!("  {it}")].into_iter().chain(call)
        });
        lines.collect()
    }

    /// For programs: what is to be changed is `planned` as in results.
    pub(super) fn as_json(&self) -> Value {
        let change = |it: &Change| json!({ "kind": it.kind(), "target": it.target(), "call": call(it), "text": it.to_string() });
        let binding = self.binding();
        let outcome = match self.outcome() {
            TO_CHANGE => Outcome::Planned.word(),
            other => other,
        };
        json!({
            "clusterId": self.cluster.as_str(),
            "outcome": outcome,
            "rule": self.rule(),
            "vaultId": self.vault(),
            "writer": binding.map(|it| it.writer),
            "changes": self.changes().iter().map(change).collect::<Vec<_>>(),
            "reason": self.reason(),
            "assumed": self.assumed(),
        })
    }
}

/// The call to ARM that makes a change.
fn call(change: &Change) -> String {
    let target = change.target();
    match change.kind() {
        ChangeKind::RegisterProvider => format!("POST {target}/register"),
        ChangeKind::AssignRole => format!("PUT {target}"),
        ChangeKind::SetArchive => format!("PATCH {target}"),
    }
}
