//! Mistakes in a file, and what is probably not meant: for people, with what is wrong underlined, and for programs.
//!
//! It must not know what kind of file it is.

use std::{path::Path, process::ExitCode};

use serde_json::{Value, json};
use vaultbind_core::yaml::{Place, Problem, Severity};

use super::print::{self, Line};

/// Prints each mistake and each warning with its line.
pub(super) fn show(print: impl Fn(Line), path: &Path, text: &str, problems: &[Problem]) {
    for problem in problems {
        let Place { line, column, .. } = problem.place;
        let (severity, message) = (problem.severity, &problem.message);
        let style = match severity {
            Severity::Error => print::BAD,
            Severity::Warning => print::NOTE,
        };
        let place = format!(": {}:{line}:{column}: {message}", path.display());
        print(Line::of(style, severity.to_string()).and(print::PLAIN, place));
        for line in problem.excerpt(text).iter().flatten() {
            print(format!("  | {line}").into());
        }
        if let Some(hint) = &problem.hint {
            print(format!("  = {hint}").into());
        }
    }
}

/// The last line: whether the file can be used.
pub(super) fn summary(path: &Path, problems: &[Problem]) -> String {
    let path = path.display();
    let errors = counted(problems, Severity::Error, "mistake");
    let warnings = counted(problems, Severity::Warning, "warning");
    match (errors, warnings) {
        (None, None) => format!("{path} is sound"),
        (None, Some(warnings)) => format!("{path} is sound, with {warnings}"),
        (Some(errors), None) => format!("{path} has {errors}"),
        (Some(errors), Some(warnings)) => format!("{path} has {errors} and {warnings}"),
    }
}

fn counted(problems: &[Problem], severity: Severity, one: &str) -> Option<String> {
    match problems
        .iter()
        .filter(|problem| problem.severity == severity)
        .count()
    {
        0 => None,
        1 => Some(format!("1 {one}")),
        several => Some(format!("{several} {one}s")),
    }
}

/// Each mistake and each warning as an object.
pub(super) fn as_json(problems: &[Problem]) -> Value {
    let (errors, warnings): (Vec<&Problem>, Vec<&Problem>) = problems
        .iter()
        .partition(|problem| problem.severity == Severity::Error);
    json!({ "errors": errors, "warnings": warnings })
}

/// A file with a mistake cannot be used; one with warnings can.
pub(super) fn exit_code(problems: &[Problem]) -> ExitCode {
    if problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
    {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
