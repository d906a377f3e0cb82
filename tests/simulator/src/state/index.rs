//! What Resource Graph knows, which is what there was a while ago.
//! It answers no query; it says which rows a query is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Azure, CLUSTERS, is_type, key};

/// How Resource Graph differs from what there is.
#[derive(Debug, Default)]
pub struct Index {
    frozen: Option<Vec<Value>>,
    hidden: BTreeSet<String>,
    stale: BTreeMap<String, Value>,
    pub(crate) pages: BTreeMap<String, Page>,
}

/// Where a page ended: the token is good for the same question only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) question: String,
    pub(crate) next: usize,
    /// What the question was answered with: the pages that follow are cut from the same rows.
    pub(crate) rows: Arc<Vec<Value>>,
}

impl Index {
    /// Shows a resource not at all, until it is released.
    pub fn hide(&mut self, id: &str) {
        self.hidden.insert(key(id));
    }

    /// Shows everything as it is from now on.
    pub fn release(&mut self) {
        self.frozen = None;
        self.hidden.clear();
        self.stale.clear();
    }

    /// Makes every skip token invalid.
    pub fn expire_skip_tokens(&mut self) {
        self.pages.clear();
    }
}

impl Azure {
    /// Lets Resource Graph go on showing all resources as they are now.
    pub fn freeze_resource_graph(&mut self) {
        let rows = self.live_rows();
        self.resource_graph.frozen = Some(rows);
    }

    /// Lets Resource Graph go on showing one resource as it is now.
    pub fn lag(&mut self, id: &str) {
        if let Some(row) = self.resource(id).map(|body| self.row(body)) {
            self.resource_graph.stale.insert(key(id), row);
        }
    }

    /// All rows that Resource Graph shows, ordered by id.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let mut rows: BTreeMap<String, Value> = BTreeMap::new();
        let live = match &self.resource_graph.frozen {
            Some(frozen) => frozen.clone(),
            None => self.live_rows(),
        };
        for row in live {
            rows.insert(row_key(&row), row);
        }
        rows.extend(self.resource_graph.stale.clone());
        rows.retain(|id, _| !self.resource_graph.hidden.contains(id));
        rows.into_values().collect()
    }

    fn live_rows(&self) -> Vec<Value> {
        self.all_resources().map(|body| self.row(body)).collect()
    }

    /// A resource as Resource Graph shows it: by the newest version that is no preview, with its own casing.
    fn row(&self, body: &Value) -> Value {
        let id = body["id"]
            .as_str()
            .unwrap_or_default()
            .replace("/resourceGroups/", "/resourcegroups/");
        let mut segments = id.split('/').skip(2);
        let subscription = segments.next().unwrap_or_default().to_owned();
        let group = segments.nth(1).unwrap_or_default().to_ascii_lowercase();
        let mut properties = body["properties"].clone();
        if is_type(body, CLUSTERS) {
            // The newest version there is may be one that is not served everywhere yet.
            let served = self.subscription(&subscription).is_none_or(|s| {
                s.cluster_api_versions
                    .iter()
                    .any(|version| version == "2026-10-01")
            });
            if !served && let Some(settings) = properties["secretArchiveSettings"].as_object_mut() {
                settings.remove("providerConfiguration");
            }
        }
        let tenant = self
            .subscription(&subscription)
            .map(|s| s.tenant_id.clone());
        json!({
            "id": id, "name": body["name"], "type": body["type"].as_str().unwrap_or_default().to_ascii_lowercase(),
            "tenantId": tenant, "kind": "", "location": body["location"], "resourceGroup": group,
            "subscriptionId": subscription, "tags": body["tags"], "identity": body["identity"],
            "extendedLocation": body["extendedLocation"], "properties": properties,
        })
    }
}

fn row_key(row: &Value) -> String {
    key(row["id"].as_str().unwrap_or_default())
}
