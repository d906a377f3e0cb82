//! The corpora: a folder for each target, a file for each seed.
//!
//! It must not change a seed.

use std::{collections::BTreeMap, fs, path::Path};

/// The seeds of a target by the names of their files.
pub(crate) fn of(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |path: &Path| {
        let seed = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // Editors end a file with a line break, which no sender does.
        seed.strip_suffix(b"\n")
            .map_or_else(|| seed.clone(), <[u8]>::to_vec)
    };
    files
        .flatten()
        .map(|it| {
            (
                it.file_name().to_string_lossy().into_owned(),
                read(&it.path()),
            )
        })
        .collect()
}
