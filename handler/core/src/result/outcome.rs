//! The outcomes: how a reconcile can end.
//!
//! It must not say why; `reason` does.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a reconcile ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The state was read back and is right.
    Bound,
    /// Audit mode: what would have been done.
    Planned,
    /// No rule governs the cluster, or its rule finds no vault.
    Unmatched,
    /// Two or more vaults rank equal.
    Ambiguous,
    /// The one vault is not fit.
    Rejected,
    /// Bound to another vault and the rule forbids rebinding, or to a foreign archive.
    Held,
    /// An exemption covers the cluster.
    Exempt,
    /// Bound to a vault that is deleted.
    Orphaned,
    /// The cluster does not exist or is being deleted.
    Gone,
    /// Given up: a permanent error, or the deadline passed.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Bound,
        Self::Planned,
        Self::Unmatched,
        Self::Ambiguous,
        Self::Rejected,
        Self::Held,
        Self::Exempt,
        Self::Orphaned,
        Self::Gone,
        Self::Failed,
    ];

    /// The outcome's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bound => "bound",
            Self::Planned => "planned",
            Self::Unmatched => "unmatched",
            Self::Ambiguous => "ambiguous",
            Self::Rejected => "rejected",
            Self::Held => "held",
            Self::Exempt => "exempt",
            Self::Orphaned => "orphaned",
            Self::Gone => "gone",
            Self::Failed => "failed",
        }
    }

    /// Does the outcome tell of something that a person should see, though nothing changed?
    pub fn is_wrong(self) -> bool {
        match self {
            Self::Unmatched
            | Self::Ambiguous
            | Self::Rejected
            | Self::Held
            | Self::Orphaned
            | Self::Failed
            | Self::Planned => true,
            Self::Bound | Self::Exempt | Self::Gone => false,
        }
    }
}

/// How much a result asks of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing.
    Info,
    /// To look, when there is time.
    Warning,
    /// To act: the cluster is not bound, or not as the policy means it.
    Error,
}

impl Severity {
    /// What an outcome asks for, with a warning beside it or without.
    pub fn of(outcome: Outcome, has_warning: bool) -> Self {
        match outcome {
            Outcome::Failed | Outcome::Orphaned | Outcome::Rejected | Outcome::Ambiguous => {
                Self::Error
            }
            Outcome::Held | Outcome::Unmatched => Self::Warning,
            Outcome::Bound | Outcome::Planned | Outcome::Exempt | Outcome::Gone if has_warning => {
                Self::Warning
            }
            Outcome::Bound | Outcome::Planned | Outcome::Exempt | Outcome::Gone => Self::Info,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_asks_as_much_of_a_person_as_its_outcome_and_its_warnings() {
        let word = |outcome, warned| format!("{:?}", Severity::of(outcome, warned));
        let row = |outcome: Outcome| {
            let (bare, warned) = (word(outcome, false), word(outcome, true));
            format!("{outcome}: {bare}, with a warning {warned}")
        };
        let table: Vec<String> = Outcome::ALL.map(row).to_vec();
        expect_test::expect![[r#"
            bound: Info, with a warning Warning
            planned: Info, with a warning Warning
            unmatched: Warning, with a warning Warning
            ambiguous: Error, with a warning Error
            rejected: Error, with a warning Error
            held: Warning, with a warning Warning
            exempt: Info, with a warning Warning
            orphaned: Error, with a warning Error
            gone: Info, with a warning Warning
            failed: Error, with a warning Error"#]]
        .assert_eq(&table.join("\n"));
    }
}
