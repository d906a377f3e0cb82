//! `cargo demo`: the whole product on this machine, against a local Azure.
//! It shows and checks; what happens is the product's and the simulator's doing.

mod demo;

use std::process::ExitCode;

use clap::Parser;

/// Shows Vaultbind at work: a local Azure with a small estate, the real binary, and every outcome there is
#[derive(Debug, Parser)]
#[command(name = "cargo demo", bin_name = "cargo demo", version)]
struct Arguments {
    /// Leave everything running afterwards, and print how to send an event and where to read results.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match demo::run(arguments.keep).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            demo::complain(&error);
            ExitCode::FAILURE
        }
    }
}
