//! Microsoft Graph: the object ids of the two platform apps.
//!
//! It must not look up anything else.

use reqwest::Method;
use serde_json::Value;
use vaultbind_core::resource::PrincipalId;

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
            .and_then(|id| id.parse().ok());
        id.ok_or_else(|| Error::malformed(OPERATION, app_id, "it has no object id"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        error::Kind,
        test_support::{Stub, TOKEN, json as answer, tokens},
    };

    fn graph(stub: &Stub) -> Graph {
        let http = Http::new().unwrap();
        Graph::new(http, stub.endpoint.clone(), tokens(), Cloud::Public)
    }

    #[tokio::test]
    async fn a_platform_app_is_looked_up_by_its_app_id() {
        const OID: &str = "AAAAAAAA-0000-4000-8000-000000000001";
        let stub = Stub::start(|_| answer(200, &json!({ "id": OID }))).await;
        let (_, app_id) = PLATFORM_APPS[0];
        let found = graph(&stub).service_principal(app_id).await.unwrap();
        assert_eq!(found.as_str(), OID.to_ascii_lowercase());
        let seen = stub.only();
        assert_eq!(
            (seen.method.as_str(), seen.path.clone()),
            ("GET", format!("/v1.0/servicePrincipals(appId='{app_id}')"))
        );
        assert_eq!(seen.query, "%24select=id");
        assert_eq!(
            seen.header("authorization"),
            format!("Bearer {TOKEN}-0-for-httpsgraph.microsoft.com.default")
        );
    }

    #[tokio::test]
    async fn an_app_that_cannot_be_looked_up_says_why() {
        for (status, body, kind) in [
            (200, json!({ "id": "no guid" }), Kind::Malformed),
            (200, json!({}), Kind::Malformed),
            (403, json!({}), Kind::Denied),
            (404, json!({}), Kind::NotFound),
        ] {
            let stub = Stub::start(move |_| answer(status, &body)).await;
            let error = graph(&stub).service_principal("app").await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}
