//! The command line: what the binary is asked to do, and its exit code.
//!
//! It must not do the work itself; only here and below is anything printed that is not a log line.

mod apply;
mod capture;
mod explain;
mod live;
mod observed;
mod plan;
mod policy;
mod policy_test;
mod print;
mod problems;
mod progress_bar;
mod roles;
mod serve;
mod source;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::telemetry::ErrorChain;

const AFTER_HELP: &str = "\
A policy is written with `policy check` and `policy test`, tried with `plan` and `explain`, and carried out by the \
function, or at once by `apply`. Settings are environment variables, those of the function app; VAULTBIND_POLICY names \
the policy file. On your own machine the commands sign in with the Azure CLI or the Azure Developer CLI.

Exit codes: 0 fine, 1 something is wrong, 2 wrong usage, 130 interrupted; `plan --detailed-exitcode` has its own.";

/// Binds Azure Operator Nexus clusters to the Key Vault that a tagging policy says they belong to.
#[derive(Debug, Parser)]
#[command(name = "vaultbind", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the Functions host: what `host.json` starts.
    Serve,
    /// Check and test a policy, without Azure.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Say why a cluster belongs to its vault, or to none.
    ///
    /// Tells of each rule whether it governs the cluster, of each vault what ruled it out or ranked it, and what would
    /// be changed. Changes nothing.
    Explain(explain::ExplainArguments),
    /// Show what would be changed, and change nothing.
    ///
    /// Looks at every cluster in scope, or at those that are asked for, and says of each whether it is right, what would
    /// be changed, or why it is not bound.
    Plan(plan::PlanArguments),
    /// Write the estate to a file, for `explain`, `plan` and `policy test`.
    ///
    /// Reads the clusters in scope and what decisions about them need: ids, tags, the archive, vaults, role assignments.
    /// No secrets, no rack data. Changes nothing.
    Capture(capture::CaptureArguments),
    /// Print the custom role and the condition that the policy needs.
    ///
    /// The role as JSON for `az role definition create --role-definition`; the condition of Role Based Access Control
    /// Administrator for `az role assignment create --condition-version 2.0 --condition`; or both as parameters of the
    /// Bicep templates, whose role serves every policy.
    Roles {
        /// How to print.
        #[arg(long, value_enum, default_value_t = RolesOutput::Json)]
        output: RolesOutput,
    },
    /// Carry the plan out now, on the same way as the function.
    ///
    /// Shows the plan and asks first. Several clusters are changed at a time; one's failure keeps no other from being
    /// bound. Ctrl-C ends it after the steps that are under way, and says of each cluster how far it came.
    Apply(apply::ApplyArguments),
    /// Print the script that completes commands and options in a shell.
    ///
    /// For bash: `source <(vaultbind completions bash)`.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Run the cases that say what the policy is expected to do.
    Test {
        /// Files of cases; `policy.tests.yaml` beside `policy.yaml` where left out.
        files: Vec<PathBuf>,
        /// How to print: for people or for programs.
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Print every mistake in a policy file, with its place.
    Check {
        /// The file; the configured one where left out.
        file: Option<PathBuf>,
        /// How to print: for people or for programs.
        #[arg(long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// How the needed rights are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RolesOutput {
    /// The custom role.
    Json,
    /// The condition under which roles may be assigned.
    Condition,
    /// Parameters of the templates.
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
