//! `policy check`: every mistake in a policy file, and what is no mistake but probably not meant.
//!
//! It must not ask Azure anything.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::json;
use vaultbind_core::policy::{
    Policy,
    document::{self, Problem},
};

use super::{Output, print};
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
        Output::Table => show(&path, &text, &errors, &warnings),
        Output::Json => print::line(&format!("{:#}", as_json(&errors, &warnings))),
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

fn show(path: &Path, text: &str, errors: &[Problem], warnings: &[String]) {
    let shown = path.display();
    for problem in errors {
        print::line(&format!(
            "error: {shown}:{}:{}: {}",
            problem.line, problem.column, problem.message
        ));
        if let Some(line) = text.lines().nth(problem.line - 1) {
            let blank: String = line
                .chars()
                .take(problem.column - 1)
                .map(|it| if it == '\t' { '\t' } else { ' ' })
                .collect();
            print::line(&format!("  | {line}\n  | {blank}^"));
        }
        if let Some(hint) = &problem.hint {
            print::line(&format!("  = {hint}"));
        }
    }
    warnings
        .iter()
        .for_each(|warning| print::line(&format!("warning: {shown}: {warning}")));
    if errors.is_empty() {
        print::line(&format!("{shown} is sound"));
    } else {
        print::line(&format!("{shown} has {} mistakes", errors.len()));
    }
}

fn as_json(errors: &[Problem], warnings: &[String]) -> serde_json::Value {
    let error = |it: &Problem| json!({ "line": it.line, "column": it.column, "message": it.message, "hint": it.hint });
    json!({ "errors": errors.iter().map(error).collect::<Vec<_>>(), "warnings": warnings })
}
