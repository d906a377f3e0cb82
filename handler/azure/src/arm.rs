//! Azure Resource Manager: one method a call, by resource provider in the files beside this one.
//!
//! It must not choose an api-version of clusters, nor follow a link to another host.

mod authorization;
mod clusters;
mod operations;
mod providers;
mod resource_graph;
mod vaults;
mod versions;
mod wire;

use std::future::Future;

use reqwest::Method;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;
use vaultbind_core::id::SubscriptionId;

pub use authorization::AssignAnswer;
pub use clusters::PatchAnswer;
pub use operations::{Operation, OperationStatus, OperationUrl};
pub use resource_graph::{ClusterPage, queries};
use versions::{Service, Versions};

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
pub struct Arm {
    channel: Channel,
    versions: Versions,
}

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
        Self {
            channel: Channel::new(http, endpoint, tokens, cloud.arm_scope()),
            versions: Versions::default(),
        }
    }

    /// The same, with the ids of its calls noted.
    #[must_use]
    pub fn recorded_by(&self, recorder: &Recorder) -> Self {
        Self {
            channel: self.channel.recorded_by(recorder),
            versions: self.versions.clone(),
        }
    }

    /// The address of ARM: links to any other host are not followed.
    pub fn endpoint(&self) -> &Endpoint {
        self.channel.endpoint()
    }

    /// What is left of a subscription's quota, as the latest answers tell.
    pub fn quota(&self, subscription: &SubscriptionId) -> Quota {
        self.channel.quotas().of(subscription)
    }

    fn url(&self, path: &str, api_version: &str, query: &[(&str, &str)]) -> Url {
        let mut all = vec![("api-version", api_version)];
        all.extend_from_slice(query);
        self.endpoint().join(path, &all)
    }

    async fn get(&self, operation: &'static str, resource: &str, url: Url) -> Result<Value, Error> {
        let call = Call::new(operation, resource, Method::GET, url);
        self.channel.send(&call).await?.json(&call)
    }

    /// Makes a call at the newest api-version of a service that the cloud serves.
    async fn served<T, F: Future<Output = Result<T, Error>>>(
        &self,
        service: Service,
        call: impl Fn(&'static str) -> F,
    ) -> Result<T, Error> {
        loop {
            let version = self.versions.of(service, Instant::now());
            match call(version).await {
                Err(error)
                    if error.is_about_version()
                        && self.versions.refused(service, version, Instant::now()) =>
                {
                    tracing::info!(version, %error, "this api-version is not served, an older one is used");
                }
                answer => return answer,
            }
        }
    }

    /// Reads a resource of a service.
    async fn get_from(
        &self,
        service: Service,
        operation: &'static str,
        path: &str,
    ) -> Result<Value, Error> {
        let get = |version| self.get(operation, path, self.url(path, version, &[]));
        self.served(service, get).await
    }

    /// Reads a list of a service to its end.
    async fn list(
        &self,
        service: Service,
        operation: &'static str,
        resource: &str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<Value>, Error> {
        let list = |version| self.pages(operation, resource, self.url(path, version, query));
        self.served(service, list).await
    }

    async fn pages(
        &self,
        operation: &'static str,
        resource: &str,
        first: Url,
    ) -> Result<Vec<Value>, Error> {
        let mut rows = Vec::new();
        let mut url = first;
        for _ in 0..MAX_PAGES {
            let call = Call::new(operation, resource, Method::GET, url);
            let answer = self.channel.send(&call).await?;
            if answer.status == 204 {
                return Ok(rows);
            }
            let page: Page = answer.json(&call)?;
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

/// A list that has to be there. An empty one has several spellings: null, no text, an object without members.
fn listed<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match Value::deserialize(from)? {
        Value::Array(rows) => Ok(rows),
        other if is_empty(&other) => Ok(Vec::new()),
        _ => Err(D::Error::custom("a list was expected")),
    }
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
