//! Accounts of decisions, as case files hold them.
//!
//! It must not leave out what a consumer of results can see, nor show a generated id where the estate has a name.

use std::fmt::Write as _;

use vaultbind_core::{
    decision::{Decision, Patience, Read},
    expectation::Given,
    resource::{Identities, PrincipalId},
    result::{Candidate, Reason},
};

/// What was read in each round, and what was decided in the end.
pub(crate) fn of(given: &Given, rounds: &[Vec<Read>], decision: &Decision) -> String {
    let mut text = String::new();
    for reads in rounds {
        let reads: Vec<String> = reads.iter().map(ToString::to_string).collect();
        writeln!(text, "reads {}", reads.join(", ")).unwrap();
    }
    match &decision.reason {
        Some(reason) if reason.code == "ClusterNotFound" => {
            text.push_str("the cluster does not exist\n")
        }
        Some(reason) => refusal(&mut text, decision, reason),
        None => binding(&mut text, decision),
    }
    for warning in &decision.warnings {
        writeln!(text, "warning {}: {}", warning.code, warning.message).unwrap();
    }
    named(given, text)
}

fn refusal(text: &mut String, decision: &Decision, reason: &Reason) {
    if let Some(patience) = decision.wait {
        let patience = match patience {
            Patience::Deadline => "until the deadline",
            Patience::Hour => "for an hour",
            Patience::TwoMinutes => "for two minutes",
            Patience::SecondAnswer => "for a second answer",
        };
        writeln!(text, "waits {patience}, else").unwrap();
    }
    let rule = decision.rule.as_deref().unwrap_or("none");
    let vault = decision
        .vault
        .as_ref()
        .map_or("none", |vault| vault.id.as_str());
    writeln!(text, "{}, rule {rule}, vault {vault}", decision.outcome).unwrap();
    writeln!(text, "{}: {}", reason.code, reason.message).unwrap();
    writeln!(text, "help: {}", reason.help).unwrap();
    candidates(text, &decision.candidates);
}

fn binding(text: &mut String, decision: &Decision) {
    let (vault, rule) = (decision.vault.as_ref(), decision.rule.as_ref());
    let (vault, rule) = (vault.unwrap(), rule.unwrap());
    let grants = decision.writer.as_ref().unwrap();
    writeln!(text, "binds to {}, rule {rule}", vault.id).unwrap();
    writeln!(text, "writer {}: {}", grants.writer, grants.reason).unwrap();
    for (principal, assignment) in &grants.principals {
        let has = if assignment.is_some() { "has" } else { "lacks" };
        writeln!(text, "{principal} {has} the role").unwrap();
    }
    if let Some(seconds) = grants.youngest_role {
        writeln!(text, "the youngest role was given at {seconds}").unwrap();
    }
    for line in decision.plan.to_string().lines() {
        writeln!(text, "plan: {line}").unwrap();
    }
    for row in &grants.left_behind.roles {
        writeln!(text, "left behind: {row}").unwrap();
    }
    candidates(text, &decision.candidates);
}

fn candidates(text: &mut String, candidates: &[Candidate]) {
    for candidate in candidates {
        let name = candidate.id.rsplit('/').next().unwrap();
        writeln!(text, "candidate {name}: {}", candidate.why).unwrap();
    }
}

/// The text with names in place of the ids of principals, as the estate is written.
fn named(given: &Given, mut text: String) -> String {
    let inventory = &given.inventory;
    let clusters = inventory.clusters.values().flatten();
    let clusters = clusters.map(|cluster| (cluster.id.name(), &cluster.identities));
    let managers = inventory.managers.iter();
    let managers = managers.filter_map(|(id, identities)| Some((id.name(), identities.as_ref()?)));
    for (owner, identities) in clusters.chain(managers) {
        for (identity, principal) in principals(identities) {
            text = text.replace(principal.as_str(), &format!("{owner}.{identity}"));
        }
    }
    for number in 1..=2 {
        let app = PrincipalId::made_of(&format!("app {number}"));
        text = text.replace(app.as_str(), &format!("app-{number}"));
    }
    text
}

fn principals(identities: &Identities) -> impl Iterator<Item = (&str, &PrincipalId)> {
    let system = identities
        .system
        .iter()
        .map(|principal| ("system", principal));
    let user = identities.user.iter();
    system.chain(user.filter_map(|(id, principal)| Some((id.name(), principal.as_ref()?))))
}
