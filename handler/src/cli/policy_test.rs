//! `policy test`: the cases of a policy's author, each with what came instead where it does not hold.
//!
//! It must not ask Azure anything.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::{Value, json};
use time::Date;
use vaultbind_core::{
    expectation::{self, Case, CaseResult},
    inventory::{
        Inventory,
        file::{self, Defaults},
    },
    policy::Policy,
};

use super::{
    Output,
    print::{self, Line},
    problems,
    source::settings,
};
use crate::clock::Clock;

/// A file with its cases and what came of each.
struct Played {
    file: PathBuf,
    cases: Vec<(Case, CaseResult)>,
}

pub(super) fn test(files: Vec<PathBuf>, output: Output) -> anyhow::Result<ExitCode> {
    let (config, policy) = settings()?;
    let files = match files.is_empty() {
        true => vec![config.policy.with_extension("tests.yaml")],
        false => files,
    };
    let vault_suffix = config.cloud.vault_suffix();
    let today = Clock::system().now().date();
    let mut unusable = None;
    let mut played = Vec::new();
    for file in files {
        match play(&policy, vault_suffix, today, file) {
            Ok(run) => played.push(run),
            Err(error) => unusable = Some(error),
        }
    }
    if let Some(error) = unusable {
        return Err(error);
    }
    match output {
        Output::Table => show(&played),
        Output::Json => print::json(&as_json(&played)),
    }
    Ok(match failed(&played) {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn play(policy: &Policy, vault_suffix: &str, today: Date, file: PathBuf) -> anyhow::Result<Played> {
    let shown = file.display();
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {shown}"))?;
    let defaults = Defaults::of(policy, vault_suffix);
    let estates = |name: &str| read_estate(&file, name, &defaults);
    let cases = expectation::load(&text, &defaults, &estates).map_err(|errors| {
        problems::show(print::error, &file, &text, &errors);
        anyhow::anyhow!("{}", problems::summary(&file, &errors))
    })?;
    let run = |case: Case| {
        let result = case.run(policy, today, vault_suffix);
        (case, result)
    };
    let cases = cases.into_iter().map(run).collect();
    Ok(Played { file, cases })
}

/// Reads an estate that lies beside the file of cases; its first mistake is the case's.
fn read_estate(file: &Path, name: &str, defaults: &Defaults) -> Result<Inventory, String> {
    let text = std::fs::read_to_string(file.with_file_name(name))
        .map_err(|error| format!("cannot read `{name}` beside this file: {error}"))?;
    file::load(&text, defaults).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        format!(
            "`{name}` has {}, the first at {first}",
            print::count(errors.len(), "mistake")
        )
    })
}

fn failed(played: &[Played]) -> usize {
    let cases = played.iter().flat_map(|run| &run.cases);
    cases
        .filter(|(_, result)| !result.differences.is_empty())
        .count()
}

fn show(played: &[Played]) {
    for Played { file, cases } in played {
        for (case, result) in cases {
            if result.differences.is_empty() {
                print::line(
                    Line::of(print::GOOD, "pass").and(print::PLAIN, format!("  {}", case.name)),
                );
            } else {
                show_failure(file, case, result);
            }
        }
    }
    let all: usize = played.iter().map(|run| run.cases.len()).sum();
    let failed = failed(played);
    print::line("");
    let cases = print::count(all, "case");
    print::line(format!("{cases}: {} passed, {failed} failed", all - failed));
}

fn show_failure(file: &Path, case: &Case, result: &CaseResult) {
    let place = format!("  {} ({}:{})", case.name, file.display(), case.place.line);
    print::line(Line::of(print::BAD, "FAIL").and(print::PLAIN, place));
    let width = result
        .differences
        .iter()
        .map(|difference| difference.what.len() + 1)
        .max();
    let width = width.unwrap_or_default();
    for difference in &result.differences {
        let what = format!("{}:", difference.what);
        print::line(format!(
            "      {what:width$} expected {}, found {}",
            difference.expected, difference.found
        ));
    }
    if let Some(why) = &result.why {
        print::line(format!("      {}: {}", why.code, why.message));
    }
    for read in &result.assumed {
        print::line(format!(
            "      not in the estate, and taken not to be there: {read}"
        ));
    }
}

fn as_json(played: &[Played]) -> Value {
    let case = |file: &Path, case: &Case, result: &CaseResult| {
        json!({
            "file": file.display().to_string(),
            "line": case.place.line,
            "name": case.name,
            "passed": result.differences.is_empty(),
            "differences": result.differences,
            "reason": result.why,
            "assumed": result.assumed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let cases: Vec<Value> = played
        .iter()
        .flat_map(|run| {
            run.cases
                .iter()
                .map(|(of, result)| case(&run.file, of, result))
        })
        .collect();
    let failed = failed(played);
    json!({ "summary": { "cases": cases.len(), "passed": cases.len() - failed, "failed": failed }, "cases": cases })
}
