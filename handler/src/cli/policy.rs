//! `policy check` and `policy schema`: what is wrong in a policy file, what is probably not meant, and the format.
//!
//! It must not ask Azure anything.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use vaultbind_core::policy::document;

use super::{Output, print, problems};
use crate::{clock::Clock, config};

pub(super) fn check(file: Option<PathBuf>, output: Output) -> anyhow::Result<ExitCode> {
    let path = file.unwrap_or_else(config::policy_file);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let found = document::check(&text, Clock::system().now().date());
    match output {
        Output::Table => {
            problems::show(print::line, &path, &text, &found);
            print::line(problems::summary(&path, &found));
        }
        Output::Json => print::json(&problems::as_json(&found)),
    }
    Ok(problems::exit_code(&found))
}

pub(super) fn schema() -> ExitCode {
    print::script(document::schema::text().as_bytes());
    ExitCode::SUCCESS
}
