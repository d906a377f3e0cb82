//! The command line: what the binary is asked to do, and its exit code.
//!
//! It must not do the work itself; only here is anything printed that is not a log line.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use vaultbind_core::policy::{Policy, document};

use crate::{
    config::{self, Config},
    context::Context,
    serve,
    telemetry::{self, ErrorChain},
};

/// Binds Azure Operator Nexus clusters to the right Key Vault.
#[derive(Debug, Parser)]
#[command(name = "vaultbind", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the Functions host: what `host.json` starts.
    Serve,
}

/// Runs the command line and returns the exit code: 0 fine, 1 something is wrong, 2 wrong usage.
pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve => serve(),
    };
    outcome.unwrap_or_else(|error| {
        fatal(&ErrorChain(error.as_ref()).to_string());
        ExitCode::FAILURE
    })
}

/// Prints one line on stderr; the host takes the last ones for the reason of a failed start.
#[expect(
    clippy::print_stderr,
    reason = "the reason of a failed start belongs on stderr"
)]
fn fatal(line: &str) {
    eprintln!("{line}");
}

fn serve() -> anyhow::Result<ExitCode> {
    telemetry::start(&config::log_filter());
    let config = Config::from_env().map_err(|errors| {
        errors.iter().for_each(|error| fatal(&error.to_string()));
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        anyhow::anyhow!(
            "{} of the settings cannot be used, the first: {first}",
            errors.len()
        )
    })?;
    let policy = load_policy(&config.policy)?;
    tracing::info!(
        policy = %config.policy.display(),
        digest = policy.digest,
        rules = policy.rules.len(),
        mode = ?policy.mode,
        "the policy is loaded"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(serve::serve(Context::new(config, policy)?))
}

fn load_policy(path: &Path) -> anyhow::Result<Policy> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the policy {shown}"))?;
    document::load(&text).map_err(|problems| {
        problems
            .iter()
            .for_each(|problem| fatal(&format!("{shown}:{problem}")));
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
