//! The real binary: built here, so that the demo always shows the present code.
//! It builds nothing else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

/// The root of the workspace, which is that of the app.
pub(super) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

/// Builds `vaultbind` and returns where it is.
pub(super) fn binary() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(cargo());
    own_variables().for_each(|name| {
        cargo.env_remove(name);
    });
    let output = cargo
        .args([
            "build",
            "--locked",
            "--package",
            "vaultbind",
            "--bin",
            "vaultbind",
        ])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    anyhow::ensure!(output.status.success(), "the binary cannot be built");
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut executables = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executables.next_back().context("cargo names no executable")
}

/// The cargo that started this program, or else the one in the path.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says by this variable alone which one it is"
)]
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// What cargo tells this program about itself: handed on, it would have build scripts run again.
fn own_variables() -> impl Iterator<Item = OsString> {
    const OF_A_PACKAGE: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];
    #[expect(
        clippy::disallowed_methods,
        reason = "what the shell has, a build may not inherit"
    )]
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| {
        name.to_str()
            .is_some_and(|name| OF_A_PACKAGE.iter().any(|it| name.starts_with(it)))
    })
}
