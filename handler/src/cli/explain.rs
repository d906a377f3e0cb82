//! `explain`: each rule and whether it governs, each candidate and what became of it, the decision, the changes.
//!
//! It must not decide anew: it tells what the decision rests on.

use std::process::ExitCode;

use vaultbind_core::{
    decision::{Binding, Decision, Refusal},
    inventory::Cluster,
    policy::Policy,
    result::{Candidate, Outcome},
};

use super::{
    live::{self, Look},
    print::{self, Line},
    serve::runtime,
};
use crate::telemetry::ErrorChain;

pub(super) fn explain(cluster: &str) -> anyhow::Result<ExitCode> {
    let context = live::context()?;
    let look = runtime()?.block_on(async {
        let id = live::find(&context, cluster).await?;
        anyhow::Ok(live::look(&context, id).await)
    })?;
    print::line(look.cluster.as_str());
    let sight = match &look.sight {
        Ok(sight) => sight,
        Err(setback) => anyhow::bail!("it cannot be looked at: {}", ErrorChain(setback)),
    };
    if let Some(cluster) = sight.cluster() {
        show_cluster(cluster);
        show_rules(&context.policy, cluster);
    }
    match &sight.decision {
        Decision::Bind(binding) => show_binding(binding, &look),
        Decision::Refuse(refusal) => show_refusal(refusal.outcome.word(), refusal),
        Decision::Wait(wait) => show_refusal("waiting", &wait.refusal),
        Decision::Look(_) | Decision::Absent => {
            print::line("");
            print::line("gone: it does not exist");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_cluster(cluster: &Cluster) {
    let tags: Vec<String> = cluster
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let status = cluster.detailed_status.as_deref().unwrap_or("no status");
    print::line(format!(
        "  in {}, {status}, {}; tags: {}",
        cluster.location,
        cluster.provisioning_state,
        tags.join(" ")
    ));
}

fn show_rules(policy: &Policy, cluster: &Cluster) {
    print::section("rules");
    let governing = policy.rule_for(cluster).map(|rule| rule.name.as_str());
    for rule in &policy.rules {
        let word = if !rule.matches(cluster) {
            "does not match"
        } else if governing == Some(rule.name.as_str()) {
            "governs: the first that matches"
        } else {
            "matches, but an earlier one governs"
        };
        print::line(format!("  {}: {word}", rule.name));
    }
}

fn show_candidates(candidates: &[Candidate]) {
    if !candidates.is_empty() {
        print::section("candidates");
    }
    for candidate in candidates {
        print::line(format!("  {}", candidate.id));
        print::line(format!("    {}", candidate.why));
    }
}

fn show_binding(binding: &Binding, look: &Look) {
    show_candidates(&binding.candidates);
    print::line("");
    print::line(format!("vault {}", binding.vault.id));
    print::line(format!(
        "writer {}: {}",
        binding.writer, binding.writer_reason
    ));
    let changes = look.changes();
    if changes.is_empty() {
        print::line("");
        let right = Line::of(print::GOOD, Outcome::Bound.word());
        print::line(right.and(
            print::PLAIN,
            ": everything is right, nothing would be changed",
        ));
    } else {
        print::line("");
        print::line(Line::of(print::NOTE, "to change"));
        changes
            .iter()
            .for_each(|change| print::line(format!("  {change}")));
    }
}

fn show_refusal(outcome: &str, refusal: &Refusal) {
    show_candidates(&refusal.candidates);
    let reason = &refusal.reason;
    print::line("");
    let head = Line::of(print::outcome(outcome), outcome);
    print::line(head.and(print::PLAIN, format!(": {}", reason.code)));
    print::line(format!("  {}", reason.message));
    print::line(format!("  {}", reason.help));
}
