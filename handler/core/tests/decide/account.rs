//! Accounts of decisions, as case files hold them.
//!
//! It must not leave out what a consumer of results can see, nor show a generated id where the estate has a name.

use std::fmt::Write as _;

use vaultbind_core::{
    decision::adapter::{Binding, Decision, Patience, Read, Refusal},
    result::Candidate,
};

use super::estate::Estate;

/// What was read in each round, and what was decided in the end.
pub(crate) fn of(estate: &Estate, rounds: &[Vec<Read>], decision: &Decision) -> String {
    let mut text = String::new();
    for reads in rounds {
        let reads: Vec<String> = reads.iter().map(ToString::to_string).collect();
        writeln!(text, "reads {}", reads.join(", ")).unwrap();
    }
    match decision {
        Decision::Look(_) => unreachable!("an observer answers every look"),
        Decision::Absent => text.push_str("the cluster does not exist\n"),
        Decision::Refuse(it) => refusal(&mut text, it),
        Decision::Wait(it) => {
            let patience = match it.patience {
                Patience::Deadline => "until the deadline",
                Patience::Hour => "for an hour",
            };
            writeln!(text, "waits {patience}, else").unwrap();
            refusal(&mut text, &it.refusal);
        }
        Decision::Bind(it) => binding(&mut text, it),
    }
    estate.named(text)
}

fn refusal(text: &mut String, refusal: &Refusal) {
    let rule = refusal.rule.as_deref().unwrap_or("none");
    let vault = refusal.vault.as_ref().map_or("none", |it| &it.id);
    writeln!(text, "{}, rule {rule}, vault {vault}", refusal.outcome).unwrap();
    let reason = &refusal.reason;
    writeln!(text, "{}: {}", reason.code, reason.message).unwrap();
    writeln!(text, "help: {}", reason.help).unwrap();
    candidates(text, &refusal.candidates);
}

fn binding(text: &mut String, binding: &Binding) {
    let Binding {
        rule,
        writer,
        vault,
        ..
    } = binding;
    writeln!(text, "binds to {}, rule {rule}", vault.id).unwrap();
    writeln!(text, "writer {writer}: {}", binding.writer_reason).unwrap();
    for (principal, assignment) in &binding.principals {
        let has = if assignment.is_some() { "has" } else { "lacks" };
        writeln!(text, "{principal} {has} the role").unwrap();
    }
    if let Some(seconds) = binding.youngest_role {
        writeln!(text, "the youngest role was given at {seconds}").unwrap();
    }
    for line in binding.plan.to_string().lines() {
        writeln!(text, "plan: {line}").unwrap();
    }
    for row in &binding.left_behind {
        writeln!(text, "left behind: {row}").unwrap();
    }
    candidates(text, &binding.candidates);
}

fn candidates(text: &mut String, candidates: &[Candidate]) {
    for candidate in candidates {
        let name = candidate.id.rsplit('/').next().unwrap();
        writeln!(text, "candidate {name}: {}", candidate.why).unwrap();
    }
}
