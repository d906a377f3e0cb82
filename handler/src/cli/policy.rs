//! `policy check`: every mistake in a policy file, and what is no mistake but probably not meant.
//!
//! It must not ask Azure anything.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use vaultbind_core::policy::{Policy, document};

use super::{Output, print, problems};
use crate::{config, context::Clock};

pub(super) fn check(file: Option<PathBuf>, output: Output) -> anyhow::Result<ExitCode> {
    let path = file.unwrap_or_else(config::policy_file);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let (errors, warnings) = match document::load(&text) {
        Ok(policy) => (Vec::new(), warnings(&policy)),
        Err(problems) => (problems, Vec::new()),
    };
    match output {
        Output::Table => {
            problems::show(&path, &text, &errors);
            let shown = path.display();
            for warning in &warnings {
                print::line(format!("warning: {shown}: {warning}"));
            }
            print::line(problems::summary(&path, &errors));
        }
        Output::Json => {
            let mut json = problems::as_json(&errors);
            json["warnings"] = warnings.into();
            print::json(&json);
        }
    }
    Ok(if errors.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What loads and is probably not meant.
fn warnings(policy: &Policy) -> Vec<String> {
    let today = Clock::system().now().date();
    let expired = policy
        .exemptions
        .iter()
        .filter(|it| it.until < today)
        .map(|it| {
            format!(
                "the exemption of {} ({}) has expired on {} and counts no more",
                it.owner, it.reason, it.until
            )
        });
    let all = policy
        .rules
        .iter()
        .position(|rule| rule.clusters.tags.is_empty());
    let shadowed = all.into_iter().flat_map(|place| {
        let first = &policy.rules[place].name;
        policy.rules[place + 1..].iter().map(move |rule| {
            format!(
                "rule `{}` never governs a cluster: rule `{first}` before it governs them all",
                rule.name
            )
        })
    });
    expired.chain(shadowed).collect()
}
