//! What a parameter file evaluates to: the resources that would be deployed, and the outputs.
//!
//! It must not judge them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{SNAPSHOTS, read};

/// What one parameter file evaluates to.
pub(crate) struct Snapshot {
    pub name: &'static str,
    pub resources: Vec<Value>,
    pub outputs: Value,
}

impl Snapshot {
    pub(crate) fn all() -> Vec<Self> {
        SNAPSHOTS.into_iter().map(Self::read).collect()
    }

    pub(crate) fn read(name: &'static str) -> Self {
        let text = read(format!("infra/parameters/{name}.snapshot.json"));
        let mut value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["diagnostics"], json!([]), "{name}");
        let Value::Array(resources) = value["predictedResources"].take() else {
            panic!("{name} has no resources");
        };
        Self {
            name,
            resources,
            outputs: value["outputs"].take(),
        }
    }

    pub(crate) fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.resources
            .iter()
            .filter(|it| it["type"] == kind)
            .collect()
    }

    pub(crate) fn only(&self, kind: &str) -> &Value {
        let found = self.of_type(kind);
        assert_eq!(found.len(), 1, "{kind} in {}", self.name);
        found[0]
    }

    pub(crate) fn named(&self, kind: &str, end: &str) -> &Value {
        let found = self.of_type(kind);
        let ends = |it: &&&Value| it["name"].as_str().unwrap().ends_with(end);
        found.iter().find(ends).unwrap_or_else(|| {
            panic!("{} has no {kind} {end}", self.name);
        })
    }

    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        let settings = &self.only("Microsoft.Web/sites/config")["properties"];
        serde_json::from_value(settings.clone()).unwrap()
    }

    pub(crate) fn is_private(&self) -> bool {
        self.name == "private-network"
    }
}
