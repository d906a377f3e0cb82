//! The command line: what the binary is asked to do, and its exit code.
//!
//! It must not do the work itself; only here and below is anything printed that is not a log line.

mod apply;
mod explain;
mod live;
mod plan;
mod policy;
mod print;
mod problems;
mod roles;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::telemetry::ErrorChain;

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
    /// Check the policy.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say why a cluster belongs to its vault, or to none.
    Explain {
        /// The cluster: its resource id, or its name where only one has it.
        cluster: String,
    },
    /// Show what would be changed, for everything in scope; changes nothing.
    Plan(PlanArguments),
    /// Print the custom role and the condition that the policy needs, for `az role definition create` or the templates.
    Roles {
        /// How to print.
        #[arg(long, value_enum, default_value_t = RolesOutput::Json)]
        output: RolesOutput,
    },
    /// Carry the plan out now, on the same way as the function.
    Apply {
        /// Only this cluster: its resource id, or its name where only one has it.
        #[arg(long)]
        cluster: Option<String>,
        /// Do not ask first.
        #[arg(long)]
        yes: bool,
    },
    /// Print the script that completes commands and options in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Print every mistake in a policy file, with its place.
    Check {
        /// The file; the configured one where left out.
        file: Option<PathBuf>,
        /// How to print.
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Print the JSON Schema of policy files, for editors.
    Schema,
}

/// What to plan and how to print it.
#[derive(Debug, clap::Args)]
struct PlanArguments {
    /// Only this cluster: its resource id, or its name where only one has it.
    #[arg(long, conflicts_with = "event")]
    cluster: Option<String>,
    /// Only what this event is about: a file with an Event Grid event or `CloudEvent`, or an array of them.
    #[arg(long)]
    event: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Exit with 2 where something would be changed.
    #[arg(long)]
    detailed_exitcode: bool,
}

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// How the needed rights are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RolesOutput {
    /// A role definition, and a condition.
    Json,
    /// Parameters of `infra/main.bicep`.
    Bicep,
}

/// Runs the command line and returns the exit code: 0 fine, 1 something is wrong, 2 wrong usage.
pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve => serve::serve(),
        Command::Policy(PolicyCommand::Check { file, output }) => policy::check(file, output),
        Command::Policy(PolicyCommand::Schema) => Ok(policy::schema()),
        Command::Explain { cluster } => explain::explain(&cluster),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Roles { output } => roles::roles(output),
        Command::Apply { cluster, yes } => apply::apply(cluster.as_deref(), yes),
        Command::Completions { shell } => completions(shell),
    };
    let code = outcome.unwrap_or_else(|error| {
        print::error(ErrorChain(error.as_ref()).to_string());
        ExitCode::FAILURE
    });
    match print::failure() {
        None => code,
        Some(error) => {
            print::error(format!("the output could not be written: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "vaultbind", &mut script);
    print::script(&script);
    Ok(ExitCode::SUCCESS)
}
