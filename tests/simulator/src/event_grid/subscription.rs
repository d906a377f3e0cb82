//! Event subscriptions: where to, in which schema, and which events pass.
//! Nothing here delivers or remembers.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

/// An event subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// Where events are posted.
    pub endpoint: Url,
    /// The schema that they are posted in.
    pub schema: Schema,
    /// Which events pass.
    pub filter: Filter,
    /// How many attempts there are, 1 to 30.
    pub max_attempts: u32,
    /// How long an event is tried.
    pub time_to_live: Duration,
}

impl Subscription {
    /// A subscription with Azure's defaults and the product's filter.
    #[must_use]
    pub fn new(name: &str, endpoint: Url) -> Self {
        Self {
            name: name.to_owned(),
            endpoint,
            schema: Schema::EventGrid,
            filter: Filter::default(),
            max_attempts: 30,
            time_to_live: Duration::from_secs(1440 * 60),
        }
    }
}

/// The form of an event on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schema {
    /// Event Grid's own, in an array of one.
    #[default]
    EventGrid,
    /// CloudEvents 1.0, one object.
    CloudEvents,
}

impl Schema {
    /// The content type and the body of a delivery of one event.
    pub(super) fn render(self, event: &Value) -> (&'static str, String) {
        match self {
            Self::EventGrid => (
                "application/json; charset=utf-8",
                json!([event]).to_string(),
            ),
            Self::CloudEvents => (
                "application/cloudevents+json; charset=utf-8",
                cloud_event(event).to_string(),
            ),
        }
    }
}

/// The event in CloudEvents, where it is not so already.
fn cloud_event(event: &Value) -> Value {
    if event.get("specversion").is_some() {
        return event.clone();
    }
    json!({ "specversion": "1.0", "id": event["id"], "source": event["topic"], "type": event["eventType"],
        "subject": event["subject"], "time": event["eventTime"], "data": event["data"] })
}

/// Which events pass; names are compared without regard to case, an empty list lets all pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// `includedEventTypes`.
    pub event_types: Vec<String>,
    /// The values of the advanced filter on `data.operationName`.
    pub operation_names: Vec<String>,
}

impl Default for Filter {
    fn default() -> Self {
        let types = [
            "Microsoft.Resources.ResourceWriteSuccess",
            "Microsoft.Resources.ResourceDeleteSuccess",
        ];
        let operations = [
            "Microsoft.NetworkCloud/clusters/write",
            "Microsoft.KeyVault/vaults/write",
            "Microsoft.Resources/tags/write",
            "Microsoft.KeyVault/vaults/delete",
            "Microsoft.NetworkCloud/clusters/delete",
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
        ];
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            event_types: owned(&types),
            operation_names: owned(&operations),
        }
    }
}

impl Filter {
    /// Every event passes.
    #[must_use]
    pub fn none() -> Self {
        Self {
            event_types: Vec::new(),
            operation_names: Vec::new(),
        }
    }

    pub(super) fn passes(&self, event: &Value) -> bool {
        let kind = event["eventType"]
            .as_str()
            .or_else(|| event["type"].as_str());
        let operation = event["data"]["operationName"].as_str();
        is_in(&self.event_types, kind) && is_in(&self.operation_names, operation)
    }
}

fn is_in(names: &[String], value: Option<&str>) -> bool {
    names.is_empty()
        || value.is_some_and(|value| names.iter().any(|name| name.eq_ignore_ascii_case(value)))
}
