//! The binary: reads the command line and ends the process with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    vaultbind::cli::run()
}
