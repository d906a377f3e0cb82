//! The command line: what the binary is asked to do, and its exit code.
//!
//! It must not do the work itself; only here and below is anything printed that is not a log line.

mod apply;
mod capture;
mod explain;
mod live;
mod look;
mod plan;
mod policy;
mod policy_test;
mod print;
mod problems;
mod progress;
mod roles;
mod serve;
mod source;

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
    Explain(explain::ExplainArguments),
    /// Show what would be changed, for everything in scope; changes nothing.
    Plan(plan::PlanArguments),
    /// Write the estate to a file: for `explain`, `plan` and `policy test` without Azure.
    Capture(capture::CaptureArguments),
    /// Print the custom role and the condition that the policy needs, for `az role definition create` or the templates.
    Roles {
        /// How to print.
        #[arg(long, value_enum, default_value_t = RolesOutput::Json)]
        output: RolesOutput,
    },
    /// Carry the plan out now, on the same way as the function.
    Apply(apply::ApplyArguments),
    /// Print the script that completes commands and options in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Run the cases that say what the policy is expected to do, without Azure.
    Test {
        /// Files of cases; `policy.tests.yaml` beside `policy.yaml` where left out.
        files: Vec<PathBuf>,
        /// How to print.
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Print every mistake in a policy file, with its place.
    Check {
        /// The file; the configured one where left out.
        file: Option<PathBuf>,
        /// How to print.
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema,
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
        Command::Policy(PolicyCommand::Test { files, output }) => policy_test::test(files, output),
        Command::Policy(PolicyCommand::Schema) => Ok(policy::schema()),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Capture(arguments) => capture::capture(&arguments),
        Command::Roles { output } => roles::roles(output),
        Command::Apply(arguments) => apply::apply(&arguments),
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
