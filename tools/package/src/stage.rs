//! The folder of the package, staged from the checkout.
//!
//! It must not guess what belongs in it: `host.json` names the program, and a folder with a `function.json` is a
//! function.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

/// What a package is made from.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The root of the checkout, where `host.json` is.
    pub root: PathBuf,
    /// The program.
    pub program: PathBuf,
    /// The policy.
    pub policy: PathBuf,
}

/// Where the program lies in the package; `host.json` names it so.
pub const PROGRAM: &str = "bin/vaultbind";

/// Stages the package in `folder`, which is emptied first.
///
/// # Errors
/// Where a part is missing or cannot be copied, or there is no function.
pub fn stage(parts: &Parts, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        ensure!(
            folder.join("host.json").is_file(),
            "{} exists and is no package: it is left alone",
            folder.display()
        );
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    copy(&parts.root.join("host.json"), &folder.join("host.json"))?;
    copy(&parts.policy, &folder.join("policy.yaml"))?;
    let functions = functions(&parts.root)?;
    ensure!(!functions.is_empty(), "no function folder beside host.json");
    for function in functions {
        let file = Path::new(&function).join("function.json");
        copy(&parts.root.join(&file), &folder.join(&file))?;
    }
    let program = folder.join(PROGRAM);
    copy(&parts.program, &program)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .context("cannot make the program executable")
}

/// The folders beside `host.json` that hold a function: the host looks nowhere else.
fn functions(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).with_context(|| format!("cannot read {}", root.display()))? {
        let entry = entry?;
        if entry.path().join("function.json").is_file() {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
    }
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
