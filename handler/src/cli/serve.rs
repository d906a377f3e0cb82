//! `serve`: settings, policy, runtime, and then the server.
//!
//! It must not begin to serve with half of them.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use vaultbind_core::policy::{Policy, document};

use super::print;
use crate::{
    config::{self, Config, ConfigError},
    context::Context,
    serve, telemetry,
};

pub(super) fn serve() -> anyhow::Result<ExitCode> {
    telemetry::start(&config::log_filter());
    let config = Config::from_env().map_err(|errors| unusable(&errors))?;
    let policy = load_policy(&config.policy)?;
    tracing::info!(
        policy = %config.policy.display(),
        digest = policy.digest,
        rules = policy.rules.len(),
        mode = ?policy.mode,
        "the policy is loaded"
    );
    runtime()?.block_on(serve::serve(Context::new(config, policy)?))
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Prints every setting that cannot be used; the error names the first.
pub(super) fn unusable(errors: &[ConfigError]) -> anyhow::Error {
    errors
        .iter()
        .for_each(|error| print::error(error.to_string()));
    let first = errors.first().map(ToString::to_string).unwrap_or_default();
    anyhow::anyhow!(
        "{} of the settings cannot be used, the first: {first}",
        errors.len()
    )
}

/// Loads a policy, or prints every mistake; the error names the first.
pub(super) fn load_policy(path: &Path) -> anyhow::Result<Policy> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the policy {shown}"))?;
    document::load(&text).map_err(|problems| {
        problems
            .iter()
            .for_each(|problem| print::error(format!("{shown}:{problem}")));
        let first = problems
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        anyhow::anyhow!(
            "the policy {shown} has {} mistakes, the first at {first}",
            problems.len()
        )
    })
}
