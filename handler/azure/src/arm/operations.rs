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
    error::{Error, ErrorDetail},
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
    /// It goes on.
    Running,
    /// The answer says nothing that is known.
    Unread,
    /// It is over; how it ended only the resource shows.
    Over,
    /// It is done.
    Succeeded,
    /// It failed.
    Failed(ErrorDetail),
    /// It was given up.
    Canceled,
}

/// The words for an operation that goes on, in lower case (the async-operations page of ARM, and what providers use).
const RUNNING: [&str; 12] = [
    "accepted",
    "creating",
    "inprogress",
    "notstarted",
    "pending",
    "provisioning",
    "queued",
    "running",
    "started",
    "updating",
    "validating",
    "waiting",
];

impl OperationStatus {
    /// Reads the answer of an `Azure-AsyncOperation`, which names a status, or of a `Location`, which does not: that one
    /// goes on as long as it answers 202, and then shows the resource, or nothing.
    pub(super) fn read(http_status: u16, value: Option<&Value>) -> Self {
        let Some(value) = value else {
            return match http_status {
                202 => Self::Running,
                204 => Self::Over,
                _ => Self::Unread,
            };
        };
        let word = text(value, "/status").map(str::to_ascii_lowercase);
        match word.as_deref() {
            Some("succeeded") => Self::Succeeded,
            Some("failed") => Self::Failed(ErrorDetail::of(&value["error"])),
            Some("canceled" | "cancelled") => Self::Canceled,
            Some(word) if RUNNING.contains(&word) => Self::Running,
            Some(_) => Self::Unread,
            None if http_status == 202 => Self::Running,
            None if value["id"].is_string() && value["properties"].is_object() => Self::Over,
            None => Self::Unread,
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
        let answer = self.channel.send(&call).await?;
        let value: Option<Value> = match answer.is_empty() {
            true => None,
            false => answer.json(&call).ok(),
        };
        Ok(Operation {
            status: OperationStatus::read(answer.status, value.as_ref()),
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
    fn an_operation_is_read_by_its_word_or_by_what_a_location_answers() {
        let said = ErrorDetail {
            codes: vec!["KeyVaultAccessDenied".to_owned()],
            message: Some("no access".to_owned()),
        };
        let failed = json!({ "code": "KeyVaultAccessDenied", "message": "no\naccess" });
        let failed = json!({ "status": "Failed", "error": failed });
        let resource = json!({ "id": "/clusters/c1", "properties": {} });
        for (status, body, expected) in [
            (
                200,
                json!({ "status": "Succeeded" }),
                OperationStatus::Succeeded,
            ),
            (
                200,
                json!({ "status": "SUCCEEDED" }),
                OperationStatus::Succeeded,
            ),
            (
                202,
                json!({ "status": "Succeeded" }),
                OperationStatus::Succeeded,
            ),
            (
                200,
                json!({ "status": "Canceled" }),
                OperationStatus::Canceled,
            ),
            (
                200,
                json!({ "status": "Accepted" }),
                OperationStatus::Running,
            ),
            (
                200,
                json!({ "status": "InProgress" }),
                OperationStatus::Running,
            ),
            (
                200,
                json!({ "status": "Completed" }),
                OperationStatus::Unread,
            ),
            (200, json!({}), OperationStatus::Unread),
            (202, json!({}), OperationStatus::Running),
            (202, resource.clone(), OperationStatus::Running),
            (200, resource, OperationStatus::Over),
            (200, failed, OperationStatus::Failed(said)),
        ] {
            let read = OperationStatus::read(status, Some(&body));
            assert_eq!(read, expected, "{status} {body}");
        }
        let empty = |status| OperationStatus::read(status, None);
        assert_eq!(empty(202), OperationStatus::Running);
        assert_eq!(empty(204), OperationStatus::Over);
        assert_eq!(empty(200), OperationStatus::Unread);
    }
}
