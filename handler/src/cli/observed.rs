//! What was observed of a cluster, in words: what `plan`, `apply` and `explain` tell of it.
//!
//! It must not decide anything, and says the same whether it was seen in Azure or in an estate.

use serde_json::{Value, json};
use vaultbind_core::{
    decision::Decision,
    id::ClusterId,
    observation::Observation,
    plan::{Change, ChangeKind},
    result::{Outcome, Reason},
};

/// The status of what could not be observed.
pub(super) const FAILED: &str = "failed";

/// What was observed of one cluster, or why it could not be.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) cluster: ClusterId,
    pub(super) seen: Result<Observation, Reason>,
}

impl Observed {
    pub(super) fn decision(&self) -> Option<&Decision> {
        self.seen
            .as_ref()
            .ok()
            .map(|observation| &observation.decision)
    }

    /// How it stands with the cluster, in a word.
    pub(super) fn status(&self) -> &'static str {
        self.decision().map_or(FAILED, Decision::status)
    }

    /// What would be changed, at once or once what is under way has ended.
    pub(super) fn changes(&self) -> &[Change] {
        self.decision()
            .map_or(&[], |decision| &decision.plan.changes)
    }

    /// Does it wait for what is under way?
    pub(super) fn waits(&self) -> bool {
        self.decision()
            .is_some_and(|decision| decision.wait.is_some())
    }

    /// Why nothing is or can be done.
    pub(super) fn reason(&self) -> Option<&Reason> {
        match &self.seen {
            Err(reason) => Some(reason),
            Ok(seen) => seen.decision.reason.as_ref(),
        }
    }

    /// What else a person should know.
    pub(super) fn warnings(&self) -> &[Reason] {
        self.decision().map_or(&[], |decision| &decision.warnings)
    }

    /// What was taken not to be there, in words.
    pub(super) fn assumed(&self) -> Vec<String> {
        let assumed = self
            .seen
            .iter()
            .flat_map(|observation| &observation.inventory.assumed);
        assumed.map(ToString::to_string).collect()
    }

    /// The lines below the cluster's own: each change, with the calls that make it where they are asked for.
    pub(super) fn change_lines(&self, with_calls: bool) -> Vec<String> {
        let lines = self.changes().iter().flat_map(|change| {
            let call = with_calls.then(|| format!("    {}", call(change)));
            [format!("  {change}")].into_iter().chain(call)
        });
        lines.collect()
    }

    /// For programs: what is to be changed is `planned` as in results.
    pub(super) fn as_json(&self) -> Value {
        let change = |change: &Change| json!({ "kind": change.kind(), "target": change.target(), "call": call(change), "text": change.to_string() });
        let decision = self.decision();
        let outcome = match self.status() {
            Decision::TO_CHANGE => Outcome::Planned.word(),
            other => other,
        };
        let vault = decision.and_then(|decision| decision.vault.as_ref());
        let writer = decision.and_then(|decision| decision.writer.as_ref());
        json!({
            "clusterId": self.cluster.as_str(),
            "outcome": outcome,
            "rule": decision.and_then(|decision| decision.rule.as_ref()),
            "vaultId": vault.map(|vault| vault.id.as_str()),
            "current": decision.and_then(|decision| decision.current.as_ref()),
            "writer": writer.map(|writer| writer.writer),
            "changes": self.changes().iter().map(change).collect::<Vec<_>>(),
            "reason": self.reason(),
            "warnings": self.warnings(),
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
