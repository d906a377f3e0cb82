//! Azure Resource Manager: one method a call, by resource provider in the files beside this one.
//!
//! It must not choose an api-version of clusters, nor follow a link to another host.

mod authorization;
mod clusters;
mod operations;
mod providers;
mod resource_graph;
mod vaults;
mod wire;

use reqwest::Method;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;
use vaultbind_core::id::SubscriptionId;

pub use authorization::AssignAnswer;
pub use clusters::PatchAnswer;
pub use operations::{Operation, OperationStatus, OperationUrl};
pub use resource_graph::{ClusterPage, queries};

use crate::{
    arm::wire::text,
    cloud::Cloud,
    credential::Tokens,
    error::Error,
    http::{Call, Channel, Endpoint, Http, Quota, Recorder},
};

/// How many pages of a list are read before something must be wrong.
const MAX_PAGES: usize = 100;

/// The client of Azure Resource Manager; a clone shares its connections.
#[derive(Debug, Clone)]
pub struct Arm(Channel);

/// One page of a list; an answer that lacks its list is none.
#[derive(Deserialize)]
struct Page {
    #[serde(deserialize_with = "listed")]
    value: Vec<Value>,
    #[serde(rename = "nextLink", default)]
    next_link: Option<String>,
}

impl Arm {
    /// The ARM of a cloud at this address.
    pub fn new(http: Http, endpoint: Endpoint, tokens: Tokens, cloud: Cloud) -> Self {
        Self(Channel::new(http, endpoint, tokens, cloud.arm_scope()))
    }

    /// The same, with the ids of its calls noted.
    #[must_use]
    pub fn recorded_by(&self, recorder: &Recorder) -> Self {
        Self(self.0.recorded_by(recorder))
    }

    /// The address of ARM: links to any other host are not followed.
    pub fn endpoint(&self) -> &Endpoint {
        self.0.endpoint()
    }

    /// What is left of a subscription's quota, as the latest answers tell.
    pub fn quota(&self, subscription: &SubscriptionId) -> Quota {
        self.0.quotas().of(subscription)
    }

    fn url(&self, path: &str, api_version: &str, query: &[(&str, &str)]) -> Url {
        let mut all = vec![("api-version", api_version)];
        all.extend_from_slice(query);
        self.endpoint().join(path, &all)
    }

    async fn get(&self, operation: &'static str, resource: &str, url: Url) -> Result<Value, Error> {
        let call = Call::new(operation, resource, Method::GET, url);
        self.0.send(&call).await?.json(&call)
    }

    /// Reads a list to its end.
    async fn list(
        &self,
        operation: &'static str,
        resource: &str,
        first: Url,
    ) -> Result<Vec<Value>, Error> {
        let mut rows = Vec::new();
        let mut url = first;
        for _ in 0..MAX_PAGES {
            let call = Call::new(operation, resource, Method::GET, url);
            let page: Page = self.0.send(&call).await?.json(&call)?;
            rows.extend(page.value);
            match page.next_link.filter(|link| !link.is_empty()) {
                None => return Ok(rows),
                Some(link) => url = self.accept_link(&link, &call)?,
            }
        }
        Err(Error::malformed(
            operation,
            resource,
            "the list does not end",
        ))
    }

    /// The address of the next page, where it is on the configured host.
    fn accept_link(&self, link: &str, call: &Call<'_>) -> Result<Url, Error> {
        let url = Url::parse(link)
            .ok()
            .filter(|url| self.endpoint().is_origin_of(url));
        url.ok_or_else(|| {
            Error::malformed(
                call.operation,
                call.resource,
                "its next page is on another host, which is not followed",
            )
        })
    }
}

/// A list that has to be there; null is an empty one.
fn listed<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A row that cannot be read costs that row, not the page.
fn readable<T>(row: &Value, read: Option<T>) -> Option<T> {
    if read.is_none() {
        let id = crate::error::shortened(text(row, "/id").unwrap_or("none"));
        tracing::warn!(
            id,
            "a list shows a resource whose id cannot be read, it is left out"
        );
    }
    read
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
