//! Expectations: what the author of a policy expects of it, case by case, and what the policy makes of each.
//!
//! It must not judge an estate's state, only where a cluster belongs: a binding that is yet to be made is `bound` too.

mod given;
mod read;

use time::Date;

use crate::{
    decision::{Decision, Read},
    id::VaultId,
    plan::Writer,
    policy::Policy,
    result::Reason,
    yaml::Place,
};

pub use given::Given;
pub use read::{Files, load};

/// A cluster of an estate, and what is expected of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Where it stands in its file.
    pub place: Place,
    given: Given,
    expectation: Expectation,
}

/// What is expected; what is not said may be anything.
#[derive(Debug, Clone, Default)]
struct Expectation {
    outcome: Expected<&'static str>,
    vault: Expected<VaultId>,
    rule: Expected<String>,
    writer: Expected<Writer>,
    reason: Expected<String>,
}

/// Something that is expected, not expected to be, or not spoken of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Expected<T> {
    #[default]
    Anything,
    Nothing,
    Just(T),
}

/// What the policy makes of a case where it is not what was expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseResult {
    /// What differs; nothing where the case passes.
    pub differences: Vec<Difference>,
    /// Why it came so: for whoever reads a difference.
    pub why: Option<Reason>,
    /// What a captured estate did not know and was taken not to be there.
    pub assumed: Vec<Read>,
}

/// One thing that is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// What: `outcome`, `vault`, `rule`, `writer` or `reason`.
    pub what: &'static str,
    /// What was expected.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// The word that cases expect: whether a change is still to be made is not their affair.
fn word(decision: &Decision) -> &'static str {
    match decision.wait {
        Some(_) => Decision::WAITING,
        None => decision.outcome.word(),
    }
}

impl Case {
    /// Decides about the case's cluster and compares.
    pub fn run(&self, policy: &Policy, today: Date, vault_suffix: &str) -> CaseResult {
        let observed = self.given.observe(policy, today, vault_suffix);
        let (found, expected) = (observed.decision, &self.expectation);
        let vault = found.vault.as_ref().map(|vault| &vault.id);
        let writer = found.writer.as_ref().map(|grants| &grants.writer);
        let code = found.reason.as_ref().map(|reason| &reason.code);
        let differences = [
            difference("outcome", &expected.outcome, Some(&word(&found))),
            vault_difference(&expected.vault, vault),
            difference("rule", &expected.rule, found.rule.as_ref()),
            difference("writer", &expected.writer, writer),
            difference("reason", &expected.reason, code),
        ];
        CaseResult {
            differences: differences.into_iter().flatten().collect(),
            why: found.reason,
            assumed: observed.inventory.assumed,
        }
    }
}

fn difference<T: PartialEq + ToString>(
    what: &'static str,
    expected: &Expected<T>,
    found: Option<&T>,
) -> Option<Difference> {
    let is_met = match expected {
        Expected::Anything => true,
        Expected::Nothing => found.is_none(),
        Expected::Just(value) => Some(value) == found,
    };
    let none = || "none".to_owned();
    (!is_met).then(|| Difference {
        what,
        expected: match expected {
            Expected::Just(value) => value.to_string(),
            Expected::Anything | Expected::Nothing => none(),
        },
        found: found.map_or_else(none, ToString::to_string),
    })
}

/// Vaults differ by their names, else by their ids.
fn vault_difference(expected: &Expected<VaultId>, found: Option<&VaultId>) -> Option<Difference> {
    let mut difference = difference("vault", expected, found)?;
    let name = |vault: &VaultId| vault.name().to_owned();
    match (expected, found) {
        (Expected::Just(vault), Some(found)) if name(vault) == name(found) => {
            return Some(difference);
        }
        (Expected::Just(vault), _) => difference.expected = name(vault),
        (Expected::Anything | Expected::Nothing, _) => {}
    }
    if let Some(found) = found {
        difference.found = name(found);
    }
    Some(difference)
}

#[cfg(test)]
mod tests;
