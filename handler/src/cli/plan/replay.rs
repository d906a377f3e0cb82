//! Replay: the clusters that the events of a file would have reconciled, and the events that lead to none.
//!
//! It must not let one event keep another from being planned, as the function does not either.

use std::{collections::BTreeSet, path::Path};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::Target;
use crate::{
    cli::source::Source,
    event::{self, Concern, EventError},
    sweep,
    telemetry::ErrorChain,
};

/// What became of the events of a file.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// The clusters to observe, each once.
    pub(super) targets: BTreeSet<Target>,
    /// The events that concern no cluster.
    pub(super) passed_over: Vec<PassedOver>,
}

/// An event that concerns no cluster.
#[derive(Debug)]
pub(in crate::cli) struct PassedOver {
    /// Its place in the file, from 1.
    at: usize,
    id: Option<String>,
    why: String,
    /// Is it broken, rather than of no concern?
    pub(super) is_broken: bool,
}

impl PassedOver {
    pub(super) fn in_words(&self) -> String {
        let id = self.id.as_deref().unwrap_or("without an id");
        format!("event {} ({id}): {}", self.at, self.why)
    }

    pub(super) fn as_json(&self) -> Value {
        json!({ "event": self.at, "id": self.id, "why": self.why, "isBroken": self.is_broken })
    }
}

impl Replay {
    /// Reads a file with an event or an array of them.
    pub(super) async fn of(source: &Source, file: &Path) -> anyhow::Result<Self> {
        let mut replay = Self::default();
        for (at, event) in (1..).zip(&events(file)?) {
            let passed = match event::read(event) {
                Ok(read) => replay.concern_of(source, read.concern).await?,
                Err(error) => {
                    let is_broken = !matches!(error, EventError::Ignored(_));
                    Some((ErrorChain(&error).to_string(), is_broken))
                }
            };
            let id = event.get("id").and_then(Value::as_str);
            replay
                .passed_over
                .extend(passed.map(|(why, is_broken)| PassedOver {
                    at,
                    id: id.map(ToOwned::to_owned),
                    why,
                    is_broken,
                }));
        }
        Ok(replay)
    }

    /// Takes in the clusters that an event concerns; comes back with the reason where there are none.
    async fn concern_of(
        &mut self,
        source: &Source,
        concern: Concern,
    ) -> anyhow::Result<Option<(String, bool)>> {
        match concern {
            Concern::Cluster(cluster, _) => {
                self.targets.insert((cluster, None));
                Ok(None)
            }
            Concern::Vault(vault) | Concern::VaultRole(vault) => {
                let mut clusters = source.clusters().await?;
                clusters.retain(|cluster| sweep::concerns(source.policy(), &vault, cluster));
                let none = clusters.is_empty();
                let concerned = clusters
                    .into_iter()
                    .map(|cluster| (cluster.id, Some(vault.clone())));
                self.targets.extend(concerned);
                Ok(none.then(|| {
                    let why = format!("no cluster in scope could choose {vault} or is bound to it");
                    (why, false)
                }))
            }
        }
    }
}

fn events(file: &Path) -> anyhow::Result<Vec<Value>> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let value = serde_json::from_str(text).with_context(|| format!("{shown} is no JSON"))?;
    Ok(match value {
        Value::Array(events) => events,
        one => vec![one],
    })
}
