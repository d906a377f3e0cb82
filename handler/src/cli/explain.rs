//! `explain`: each rule and whether it governs, each candidate and what became of it, the decision, the changes.
//!
//! It must not decide anew: it tells what the decision rests on.

use std::{path::PathBuf, process::ExitCode};

use serde_json::{Value, json};
use vaultbind_core::{
    archive::ArchiveStatus,
    decision::Decision,
    policy::{Policy, Rule},
    resource::Cluster,
    result::{Candidate, Outcome},
};

use super::{
    Output,
    observed::Observed,
    plan::show_assumed,
    print::{self, Line},
    serve::runtime,
    source::Source,
};

/// Which cluster to explain and how to print it.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArguments {
    /// The cluster: its resource id, or its name where only one has it
    cluster: String,
    /// An estate that `capture` wrote, in place of Azure
    #[arg(long, value_name = "FILE")]
    estate: Option<PathBuf>,
    /// How to print: for people or for programs
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

pub(super) fn explain(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let source = Source::open(arguments.estate.as_deref())?;
    let observed = runtime()?.block_on(async {
        let id = source.find(&arguments.cluster).await?;
        anyhow::Ok(source.observe(id, None).await)
    })?;
    match arguments.output {
        Output::Table => show(source.policy(), &observed),
        Output::Json => print::json(&as_json(source.policy(), &observed)),
    }
    Ok(if observed.seen.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn seen_cluster(observed: &Observed) -> Option<&Cluster> {
    observed.seen.as_ref().ok()?.cluster()
}

fn candidates(observed: &Observed) -> &[Candidate] {
    observed
        .decision()
        .map_or(&[], |decision| &decision.candidates)
}

/// Each rule with what it is to the cluster.
fn rules<'a>(
    policy: &'a Policy,
    observed: &Observed,
    cluster: &Cluster,
) -> impl Iterator<Item = (&'a Rule, String)> {
    let is_exempt = observed.status() == Outcome::Exempt.word();
    let governing = policy.rule_for(cluster).map(|rule| rule.name.as_str());
    policy.rules.iter().map(move |rule| {
        let word = match rule.clusters.mismatch(&cluster.into(), &cluster.into()) {
            Some(why) => format!("does not match: {why}"),
            None if governing == Some(rule.name.as_str()) && is_exempt => {
                "would govern, were the cluster not exempt".to_owned()
            }
            None if governing == Some(rule.name.as_str()) => {
                "governs: the first that matches".to_owned()
            }
            None => "matches, but an earlier one governs".to_owned(),
        };
        (rule, word)
    })
}

fn show(policy: &Policy, observed: &Observed) {
    print::line(Line::of(print::HEAD, observed.cluster.as_str()));
    if let Some(cluster) = seen_cluster(observed) {
        show_cluster(cluster);
        print::section("rules");
        for (rule, word) in rules(policy, observed, cluster) {
            print::line(format!("  {}: {word}", rule.name));
        }
    }
    let candidates = candidates(observed);
    if !candidates.is_empty() {
        print::section("candidates");
    }
    for candidate in candidates {
        print::line(format!("  {}", candidate.id));
        print::line(format!("    {}", candidate.why));
    }
    print::line("");
    show_decision(observed);
    for warning in observed.warnings() {
        print::line(format!("warning {}: {}", warning.code, warning.message));
        print::line(format!("  {}", warning.help));
    }
    show_assumed(&observed.assumed().into_iter().collect());
}

fn show_cluster(cluster: &Cluster) {
    let tags = cluster.tags.iter();
    let tags: Vec<String> = tags
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let status = cluster.detailed_status.as_deref().unwrap_or("no status");
    let (location, state) = (&cluster.location, &cluster.provisioning_state);
    let tags = if tags.is_empty() {
        "no tags".to_owned()
    } else {
        format!("tags: {}", tags.join(" "))
    };
    print::line(format!("  in {location}, {status}, {state}; {tags}"));
    let archive = ArchiveStatus::of(cluster);
    let settings = archive.vault_uri.filter(|_| cluster.settings.is_some());
    let now = match (settings, archive.key_vault_id) {
        (Some(uri), _) => format!("{uri} by secretArchiveSettings"),
        (None, Some(vault)) if archive.use_key_vault => format!("{vault} by secretArchive"),
        (None, Some(vault)) => format!("none: {vault} is switched off"),
        (None, None) => "none".to_owned(),
    };
    print::line(format!("  its archive now: {now}"));
}

fn show_decision(observed: &Observed) {
    let status = observed.status();
    let head = Line::of(print::outcome(status), status);
    let decision = observed.decision();
    let bound = decision.and_then(|decision| decision.vault.as_ref().zip(decision.writer.as_ref()));
    if let Some(reason) = observed.reason() {
        print::line(head.and(print::PLAIN, format!(": {}", reason.code)));
        print::line(format!("  {}", reason.message));
        print::line(format!("  {}", reason.help));
        if !observed.changes().is_empty() {
            print::section("what is to be changed then");
            observed.change_lines(false).iter().for_each(print::line);
        }
    } else if let Some((vault, grants)) = bound {
        print::line(format!("vault {}", vault.id));
        print::line(format!("writer {}: {}", grants.writer, grants.reason));
        print::line("");
        if status == Decision::TO_CHANGE {
            print::line(head);
            observed.change_lines(false).iter().for_each(print::line);
        } else {
            let right = ": everything is right, nothing would be changed";
            print::line(head.and(print::PLAIN, right));
        }
    }
}

fn as_json(policy: &Policy, observed: &Observed) -> Value {
    let mut value = observed.as_json();
    let cluster = seen_cluster(observed);
    value["cluster"] = cluster.map_or(Value::Null, |cluster| {
        let tags: serde_json::Map<String, Value> = cluster
            .tags
            .iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        json!({
            "location": cluster.location,
            "detailedStatus": cluster.detailed_status,
            "provisioningState": cluster.provisioning_state.to_string(),
            "tags": tags,
            "archive": ArchiveStatus::of(cluster),
        })
    });
    let rules = cluster
        .into_iter()
        .flat_map(|cluster| rules(policy, observed, cluster));
    let rules = rules.map(|(rule, word)| json!({ "name": rule.name, "is": word }));
    value["rules"] = rules.collect();
    value["candidates"] = json!(candidates(observed));
    let writer = observed
        .decision()
        .and_then(|decision| decision.writer.as_ref());
    value["writerReason"] = json!(writer.map(|writer| writer.reason));
    value
}
