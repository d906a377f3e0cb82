//! An inventory as a file: JSON with a version, everything in the order of ids.
//!
//! It must not open files, nor hold what no decision asks for.

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Inventory, written};
use crate::yaml::{Place, Problem, Severity};

pub use written::Defaults;

/// The version of the files that are written; version 1 is what a person writes.
const VERSION: u32 = 2;

#[derive(Deserialize)]
struct Versioned {
    version: u32,
    /// What version 1 says of itself where `capture` wrote it.
    captured: Option<IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<I> {
    version: u32,
    inventory: I,
}

impl Inventory {
    /// The inventory as a file holds it: the same text for the same inventory.
    pub fn to_json(&self) -> String {
        let file = File {
            version: VERSION,
            inventory: self,
        };
        // Writing to memory does not fail, and all keys are text.
        let text = serde_json::to_string_pretty(&file);
        debug_assert!(text.is_ok());
        text.unwrap_or_default() + "\n"
    }
}

/// Reads an inventory: one that was captured, or what a person wrote down of an estate.
///
/// # Errors
/// Every mistake in the text, ordered by place; of a captured one the first.
pub fn load(text: &str, defaults: &Defaults) -> Result<Inventory, Vec<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str::<Versioned>(text) {
        Ok(file) if file.version >= VERSION || file.captured.is_some() => {
            captured(text, file.version)
        }
        // Its mistake is one of JSON, whatever YAML would make of it.
        Err(_) if is_meant_as_captured(text) => captured(text, VERSION),
        _ => written::load(text, defaults),
    }
}

/// Does it look like what `capture` writes, although it cannot be read?
fn is_meant_as_captured(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains("\"inventory\"")
}

fn captured(text: &str, version: u32) -> Result<Inventory, Vec<Problem>> {
    const HINT: &str = "capture it anew with `vaultbind capture`";
    let problem = |line, column, message| {
        vec![Problem {
            place: Place::at(line, column),
            severity: Severity::Error,
            message,
            hint: Some(HINT.to_owned()),
        }]
    };
    if version != VERSION {
        let message = format!("captured as version {version}, only version {VERSION} is read");
        return Err(problem(1, 1, message));
    }
    let file: File<Inventory> = serde_json::from_str(text).map_err(|error| {
        let told = error.to_string();
        // Its place is told as that of other mistakes.
        let what = told.split(" at line ").next().unwrap_or_default();
        let message = format!("no captured estate: {what}");
        problem(error.line().max(1), error.column().max(1), message)
    })?;
    match file.inventory.misplaced() {
        None => Ok(file.inventory),
        Some(id) => Err(problem(1, 1, format!("{id} stands under another id"))),
    }
}

impl Inventory {
    /// A cluster or a vault that is not the one that its key says, or is listed in a boundary that does not hold it.
    fn misplaced(&self) -> Option<String> {
        let clusters = self.clusters.iter();
        let mut clusters = clusters.filter_map(|(id, cluster)| Some((id, &cluster.as_ref()?.id)));
        let cluster = clusters.find(|(key, id)| key != id);
        let vaults = self
            .vaults
            .iter()
            .filter_map(|(id, sighting)| match sighting {
                super::Sighting::Found(vault) => Some((id, &vault.id)),
                super::Sighting::NotFound | super::Sighting::Forbidden => None,
            });
        let mut vaults = vaults.filter(|(key, id)| key != id);
        let mut rows = self
            .listed
            .iter()
            .flat_map(|(of, listed)| listed.vaults.all().iter().map(move |row| (of, &row.id)));
        let row = rows.find(|(of, id)| !of.contains(id));
        let vault = || vaults.next().map(|(_, id)| id.to_string());
        let row = || row.map(|(_, id)| id.to_string());
        cluster
            .map(|(_, id)| id.to_string())
            .or_else(vault)
            .or_else(row)
    }
}
