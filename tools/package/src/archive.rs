//! The zip of the package, with its permissions; the same files give the same bytes.
//!
//! It must not choose what goes in: it takes the folder as it is.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use zip::{DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Writes the files of `folder` to `archive`.
///
/// # Errors
/// Where a file cannot be read or the archive cannot be written.
pub fn pack(folder: &Path, archive: &Path) -> anyhow::Result<()> {
    let file =
        File::create(archive).with_context(|| format!("cannot create {}", archive.display()))?;
    let mut zip = ZipWriter::new(file);
    for path in files(folder)? {
        let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
        let mode = fs::metadata(&path)?.permissions().mode() & 0o111;
        // Owner's and group's habits stay out, and so does the time: a checksum then tells of the content alone.
        let options = SimpleFileOptions::default()
            .unix_permissions(if mode == 0 { 0o644 } else { 0o755 })
            .last_modified_time(DateTime::default());
        zip.start_file(name, options)?;
        let mut content =
            File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        io::copy(&mut content, &mut zip)?;
    }
    zip.finish()
        .map(drop)
        .with_context(|| format!("cannot finish {}", archive.display()))
}

/// Unpacks `archive` into `folder`, as the platform does.
///
/// # Errors
/// Where the archive cannot be read, or would write outside the folder.
pub fn unpack(archive: &Path, folder: &Path) -> anyhow::Result<()> {
    let file = File::open(archive).with_context(|| format!("cannot open {}", archive.display()))?;
    let mut zip = ZipArchive::new(file)?;
    ensure!(!zip.is_empty(), "{} is empty", archive.display());
    zip.extract(folder)
        .with_context(|| format!("cannot unpack {}", archive.display()))
}

/// Every file under `folder`, in order.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
