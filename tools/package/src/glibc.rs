//! Which glibc a program needs: the platform's images lag behind a developer's machine.
//!
//! It must not run the program; it reads the version needs of its dynamic symbols.

use std::{fmt, path::Path, str::FromStr};

use anyhow::{Context as _, ensure};
use object::{
    FileKind,
    elf::FileHeader64,
    endian::Endianness,
    read::elf::{FileHeader as _, SectionHeader as _},
};

/// The newest glibc that the oldest image in use offers (Debian 11).
pub const OFFERED: Version = Version(2, 31);

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Version {
    type Err = anyhow::Error;

    /// Reads `GLIBC_2.31` or `GLIBC_2.2.5`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let number = text.strip_prefix("GLIBC_").context("not glibc's")?;
        let mut parts = number.split('.').map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self(major, minor)),
            _ => anyhow::bail!("not a version: {text}"),
        }
    }
}

/// The newest glibc that the program asks for; none where it is linked statically.
///
/// # Errors
/// Where the file is no 64-bit ELF program.
pub fn needed_by(program: &Path) -> anyhow::Result<Option<Version>> {
    let bytes =
        std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let kind = FileKind::parse(&*bytes).ok();
    ensure!(
        kind == Some(FileKind::Elf64),
        "{} is no 64-bit Linux program",
        program.display()
    );
    newest(&bytes).with_context(|| format!("cannot read the symbols of {}", program.display()))
}

fn newest(bytes: &[u8]) -> anyhow::Result<Option<Version>> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, bytes)?;
    let Some((mut needs, link)) = sections.gnu_verneed(endian, bytes)? else {
        return Ok(None);
    };
    let strings = sections
        .section(link)?
        .strings(endian, bytes)?
        .unwrap_or_default();
    let mut newest = None;
    while let Some((_, mut versions)) = needs.next()? {
        while let Some(version) = versions.next()? {
            let name = String::from_utf8_lossy(version.name(endian, strings)?).into_owned();
            // Names such as GLIBC_ABI_DT_RELR carry no version.
            newest = newest.max(name.parse::<Version>().ok());
        }
    }
    Ok(newest)
}

/// Refuses a program that needs a newer glibc than the platform offers.
///
/// # Errors
/// Where it does, with what to do.
pub fn check(program: &Path) -> anyhow::Result<()> {
    let Some(needed) = needed_by(program)? else {
        return Ok(());
    };
    ensure!(
        needed <= OFFERED,
        "{} needs glibc {needed}, the platform may offer {OFFERED} alone: install cargo-zigbuild (with zig), which is \
         then used to build for it, or pass --any-glibc for a package that stays on this machine",
        program.display()
    );
    Ok(())
}
