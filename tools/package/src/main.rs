//! `cargo package-app`: builds the program and makes the package.
//! It deploys nothing.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, ensure};
use clap::Parser;
use serde_json::Value;
use vaultbind_core::policy::document;
use vaultbind_package::{
    archive, glibc, size,
    stage::{self, Parts},
};

/// Makes the deployment package: a folder and its zip.
#[derive(Debug, Parser)]
#[command(name = "cargo package-app", bin_name = "cargo package-app", version)]
struct Arguments {
    /// The policy to deploy.
    #[arg(long, default_value = "policy.yaml")]
    policy: PathBuf,
    /// The folder to stage in; the zip lies beside it as `vaultbind.zip`.
    #[arg(long, default_value = "target/package")]
    out: PathBuf,
    /// Take this program instead of building one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Take the program whatever glibc it needs: for `func start` on this machine.
    #[arg(long)]
    any_glibc: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    check_policy(&arguments.policy)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("no checkout around this package")?
        .to_owned();
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => build(&root)?,
    };
    if !arguments.any_glibc {
        glibc::check(&program)?;
    }
    size::check(&program)?;
    let parts = Parts {
        root,
        program,
        policy: arguments.policy.clone(),
    };
    stage::stage(&parts, &arguments.out)?;
    let zip = arguments.out.with_file_name("vaultbind.zip");
    archive::pack(&arguments.out, &zip)?;
    tell(&format!(
        "{} and {}",
        arguments.out.display(),
        zip.display()
    ));
    Ok(())
}

/// The target whose glibc is pinned, where cargo-zigbuild can pin it.
const TARGET: &str = "x86_64-unknown-linux-gnu";

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let pinned = format!("{TARGET}.{}", glibc::OFFERED);
    let (command, target) = if can_pin() {
        ("zigbuild", pinned.as_str())
    } else {
        ("build", TARGET)
    };
    let built = Command::new(env!("CARGO"))
        .args([command, "--target", target, "--release", "--locked"])
        .args(["-p", "vaultbind", "--bin", "vaultbind"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(built.status.success(), "the program does not build");
    // The target folder may be anywhere: cargo says where the program is.
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
        .context("cargo built no program")
}

fn can_pin() -> bool {
    let asked = Command::new("cargo-zigbuild")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|it| it.success())
}

/// A policy with mistakes would stop the app at its start: it stops the package instead.
fn check_policy(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the policy {shown}"))?;
    document::load(&text).map(drop).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(|it| format!("{shown}:{it}")).collect();
        anyhow::anyhow!("the policy has mistakes\n{}", problems.join("\n"))
    })
}

#[expect(clippy::print_stdout, reason = "a command line tells its user")]
fn tell(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "a command line tells its user")]
fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
