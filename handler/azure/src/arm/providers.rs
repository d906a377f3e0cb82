//! Subscriptions and the registration of Microsoft.NetworkCloud in them.
//!
//! It must not wait for a registration.

use reqwest::Method;
use serde_json::Value;
use vaultbind_core::{id::SubscriptionId, resource::Provider};

use super::{Arm, wire::text};
use crate::{error::Error, http::Call};

const PROVIDERS: &str = "2021-04-01";
const SUBSCRIPTIONS: &str = "2022-12-01";

fn provider_path(subscription: &SubscriptionId) -> String {
    format!("{}/providers/Microsoft.NetworkCloud", subscription.path())
}

impl Arm {
    /// Reads the provider's registration, and the api-versions that the subscription is served for clusters.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn provider(&self, subscription: &SubscriptionId) -> Result<Provider, Error> {
        let path = provider_path(subscription);
        let value = self
            .get(
                "read the registration of",
                &path,
                self.url(&path, PROVIDERS, &[]),
            )
            .await?;
        let types = value
            .get("resourceTypes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let clusters = types.filter(|resource_type| {
            text(resource_type, "/resourceType")
                .is_some_and(|name| name.eq_ignore_ascii_case("clusters"))
        });
        let versions = clusters
            .filter_map(|resource_type| resource_type.get("apiVersions")?.as_array())
            .flatten();
        Ok(Provider {
            state: text(&value, "/registrationState")
                .unwrap_or_default()
                .to_owned(),
            cluster_api_versions: versions
                .filter_map(Value::as_str)
                .map(ToOwned::to_owned)
                .collect(),
        })
    }

    /// Asks for the provider to be registered; that takes its time.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn register(&self, subscription: &SubscriptionId) -> Result<(), Error> {
        let path = provider_path(subscription);
        let url = self.url(&format!("{path}/register"), PROVIDERS, &[]);
        self.0
            .send(&Call::new("register", &path, Method::POST, url))
            .await
            .map(drop)
    }

    /// Reads the directory of a subscription, in lower case.
    ///
    /// # Errors
    /// Where the call fails, or the answer names none.
    pub async fn tenant(&self, subscription: &SubscriptionId) -> Result<String, Error> {
        const OPERATION: &str = "read the subscription";
        let path = subscription.path();
        let value = self
            .get(OPERATION, &path, self.url(&path, SUBSCRIPTIONS, &[]))
            .await?;
        let tenant = text(&value, "/tenantId").map(str::to_ascii_lowercase);
        tenant.ok_or_else(|| Error::malformed(OPERATION, path, "it names no directory"))
    }
}
