//! Microsoft Graph: the object ids of the two platform apps.
//!
//! It must not look up anything else.

use reqwest::Method;
use serde_json::Value;
use vaultbind_core::inventory::PrincipalId;

use crate::{
    cloud::Cloud,
    credential::Tokens,
    error::Error,
    http::{Call, Channel, Endpoint, Http},
};

/// The two apps of the platform that write credentials, by name and app id (the how-to for Key Vault in Operator Nexus).
pub const PLATFORM_APPS: [(&str, &str); 2] = [
    (
        "AFOI-NC-RP-PME-PROD",
        "05cf5e27-931d-47ad-826d-cb9028d8bd7a",
    ),
    (
        "AFOI-NC-MGMT-PME-PROD",
        "3365d4ea-bb16-4bc9-86dd-f2c8cf6f1f56",
    ),
];

/// The client of Microsoft Graph; a clone shares its connections.
#[derive(Debug, Clone)]
pub struct Graph(Channel);

impl Graph {
    /// The Graph of a cloud at this address.
    pub fn new(http: Http, endpoint: Endpoint, tokens: Tokens, cloud: Cloud) -> Self {
        Self(Channel::new(http, endpoint, tokens, cloud.graph_scope()))
    }

    /// Reads the object id of an app's service principal in this directory.
    ///
    /// # Errors
    /// Where the call fails; the app may not be in the directory yet.
    pub async fn service_principal(&self, app_id: &str) -> Result<PrincipalId, Error> {
        const OPERATION: &str = "look up the service principal of app";
        let path = format!("/v1.0/servicePrincipals(appId='{app_id}')");
        let url = self.0.endpoint().join(&path, &[("$select", "id")]);
        let call = Call::new(OPERATION, app_id, Method::GET, url);
        let value: Value = self.0.send(&call).await?.json(&call)?;
        let id = value
            .get("id")
            .and_then(Value::as_str)
            .and_then(|it| it.parse().ok());
        id.ok_or_else(|| Error::malformed(OPERATION, app_id, "it has no object id"))
    }
}
