//! How large the program may be: it is read from the network at each cold start.
//!
//! It must not judge what the size comes from.

use std::path::Path;

use anyhow::{Context as _, ensure};

/// The largest program that is packed, in bytes.
pub const LARGEST: u64 = 10 * 1024 * 1024;

/// Checks a program.
///
/// # Errors
/// Where it is larger than `LARGEST`, or cannot be read.
pub fn check(program: &Path) -> anyhow::Result<()> {
    let shown = program.display();
    let file = std::fs::metadata(program).with_context(|| format!("cannot read {shown}"))?;
    ensure!(
        file.len() <= LARGEST,
        "{shown} has {} bytes, more than the {LARGEST} that a cold start can bear: build it with --release, and look for \
         what a new dependency brings along (`cargo tree --locked -e features`)",
        file.len()
    );
    Ok(())
}
