//! Subscriptions and the registration of Microsoft.NetworkCloud in them.
//!
//! It must not wait for a registration.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use vaultbind_core::{id::SubscriptionId, resource::Provider};

use super::{Arm, Service, wire::text};
use crate::{error::Error, http::Call};

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
            .get_from(Service::Providers, "read the registration of", &path)
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
        let register = async |version: &'static str| {
            let url = self.url(&format!("{path}/register"), version, &[]);
            let call = Call::new("register", &path, Method::POST, url);
            self.channel.send(&call).await.map(drop)
        };
        self.served(Service::Providers, register).await
    }

    /// Reads the directory of a subscription, in lower case.
    ///
    /// # Errors
    /// Where the call fails, or the answer names none.
    pub async fn tenant(&self, subscription: &SubscriptionId) -> Result<String, Error> {
        const OPERATION: &str = "read the subscription";
        let path = subscription.path();
        let value = self
            .get_from(Service::Subscriptions, OPERATION, &path)
            .await?;
        let tenant = text(&value, "/tenantId").map(str::to_ascii_lowercase);
        tenant.ok_or_else(|| Error::malformed(OPERATION, path, "it names no directory"))
    }

    /// Lists the subscriptions that can be seen.
    ///
    /// # Errors
    /// Where a call fails.
    pub async fn subscriptions(&self) -> Result<BTreeSet<SubscriptionId>, Error> {
        const PATH: &str = "/subscriptions";
        let rows = self
            .list(
                Service::Subscriptions,
                "list",
                "the subscriptions that can be seen",
                PATH,
                &[],
            )
            .await?;
        let ids = rows.iter();
        let ids = ids.filter_map(|row| text(row, "/subscriptionId")?.parse().ok());
        Ok(ids.collect())
    }
}
