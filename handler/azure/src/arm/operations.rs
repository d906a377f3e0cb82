//! Long-running operations of Microsoft.NetworkCloud: which addresses are followed, and what they answer.
//!
//! An address comes from outside, by an answer or by a message: it must not lead anywhere but to its cluster's operations.

use std::{fmt, time::Duration};

use reqwest::Method;
use serde_json::Value;
use url::Url;
use vaultbind_core::id::ClusterId;

use super::{Arm, wire::text};
use crate::{
    error::{Error, shortened},
    http::{Call, Endpoint},
};

/// The address of an operation that may be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationUrl(Url);

/// The longest address that is taken.
const LONGEST: usize = 8192;

impl OperationUrl {
    /// Takes an address on the ARM host, under the cluster's own subscription and the provider's operation paths.
    pub fn accept(text: &str, endpoint: &Endpoint, cluster: &ClusterId) -> Option<Self> {
        // What the URL parser would tidy away or escape, and what hides behind an escape, is refused as it stands.
        let path = text.split('?').next().unwrap_or_default();
        let is_plain = text.len() <= LONGEST
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'#')
            && path
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b":/-._~*()!,;=".contains(&byte))
            && !path.contains("/.");
        let url = Url::parse(text)
            .ok()
            .filter(|url| is_plain && endpoint.is_origin_of(url))?;
        let below = endpoint
            .join("", &[])
            .path()
            .trim_end_matches('/')
            .to_owned();
        let path = url.path().strip_prefix(below.as_str())?.strip_prefix('/')?;
        let segments: Vec<String> = path.split('/').map(str::to_ascii_lowercase).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let is_followed = match segments.as_slice() {
            [
                "subscriptions",
                subscription,
                "providers",
                "microsoft.networkcloud",
                "locations",
                location,
                kind,
                operation,
            ] => {
                *subscription == cluster.subscription().as_str().to_ascii_lowercase()
                    && matches!(*kind, "operationstatuses" | "operationresults")
                    && !location.is_empty()
                    && !operation.is_empty()
            }
            _ => false,
        };
        is_followed.then_some(Self(url))
    }
}

impl fmt::Display for OperationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an operation answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// How far it has come.
    pub status: OperationStatus,
    /// When to poll again.
    pub retry_after: Option<Duration>,
}

/// How far an operation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationStatus {
    /// It goes on; any word that is no end counts as this.
    Running,
    /// It is done.
    Succeeded,
    /// It failed.
    Failed {
        /// Azure's code.
        code: String,
        /// Azure's message.
        message: String,
    },
    /// It was given up.
    Canceled,
}

impl OperationStatus {
    pub(super) fn read(value: &Value) -> Self {
        let word = text(value, "/status")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let error = |name: &str, default: &str| {
            shortened(text(value, &format!("/error/{name}")).unwrap_or(default))
        };
        match word.as_str() {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed {
                code: error("code", "OperationFailed"),
                message: error("message", "no reason given"),
            },
            "canceled" | "cancelled" => Self::Canceled,
            _ => Self::Running,
        }
    }
}

impl Arm {
    /// Polls an operation once.
    ///
    /// # Errors
    /// Where the call fails; an operation that failed is no error.
    pub async fn operation(&self, url: &OperationUrl) -> Result<Operation, Error> {
        let call = Call::new(
            "look at the operation",
            url.0.path(),
            Method::GET,
            url.0.clone(),
        );
        let answer = self.0.send(&call).await?;
        let value: Value = answer.json(&call)?;
        Ok(Operation {
            status: OperationStatus::read(&value),
            retry_after: answer.retry_after(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";

    fn accepts(text: &str) -> bool {
        let endpoint = Endpoint::parse("https://arm.example/base").unwrap();
        let id = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.NetworkCloud/clusters/c1"
        );
        OperationUrl::accept(text, &endpoint, &id.parse().unwrap()).is_some()
    }

    #[test]
    fn an_operation_is_followed_only_under_its_own_subscription_and_provider() {
        let path = format!(
            "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.NetworkCloud/locations/eastus/operationStatuses/op-1"
        );
        assert!(accepts(&format!(
            "https://arm.example/base{path}?api-version=2025-02-01&t={}",
            "x".repeat(4096)
        )));
        assert!(accepts(&format!(
            "https://arm.example/base{}",
            path.replace("op-1", "c0000000-0000-4000-8000-000000000001*9F86D081")
        )));
        assert!(accepts(&format!(
            "https://ARM.example:443/base{}",
            path.to_lowercase()
        )));
        for bad in [
            format!("https://evil.example/base{path}"),
            format!("https://arm.example.evil/base{path}"),
            format!("https://user@arm.example/base{path}"),
            format!("http://arm.example/base{path}"),
            format!("https://arm.example:444/base{path}"),
            format!("https://arm.example{path}"),
            format!("https://arm.example/base{path}/more"),
            format!("https://arm.example/base2{path}"),
            format!("https://arm.example/base{path}#x"),
            format!("https://arm.example/base{path}\n"),
            format!("https://arm.example/base{path}?x=\u{1b}[2J"),
            format!("https://arm.example/base{}", path.replace("op-1", "'op 1'")),
            format!("https://arm.example/base/x/\t..{path}"),
            format!("https://arm.example/base/x/..{path}"),
            format!("https://arm.example/base/%2e%2e/base{path}"),
            format!("https://arm.example/base{}", path.replace("op-1", "op%2f1")),
            format!(
                "https://arm.example/base{}",
                path.replace("NetworkCloud", "KeyVault")
            ),
            format!(
                "https://arm.example/base{}",
                path.replace("1111-1111", "2222-2222")
            ),
            format!(
                "https://arm.example/base{}",
                path.replace("operationStatuses", "clusters")
            ),
            path,
            String::new(),
        ] {
            assert!(!accepts(&bad), "{bad}");
        }
    }

    #[test]
    fn any_word_that_is_no_end_means_that_it_runs() {
        for (body, expected) in [
            (json!({ "status": "Succeeded" }), OperationStatus::Succeeded),
            (json!({ "status": "SUCCEEDED" }), OperationStatus::Succeeded),
            (json!({ "status": "Canceled" }), OperationStatus::Canceled),
            (json!({ "status": "Accepted" }), OperationStatus::Running),
            (
                json!({ "status": "Reticulating" }),
                OperationStatus::Running,
            ),
            (json!({}), OperationStatus::Running),
            (
                json!({ "status": "Failed", "error": { "code": "KeyVaultAccessDenied", "message": "no\naccess" } }),
                OperationStatus::Failed {
                    code: "KeyVaultAccessDenied".to_owned(),
                    message: "no access".to_owned(),
                },
            ),
        ] {
            assert_eq!(OperationStatus::read(&body), expected, "{body}");
        }
    }
}
