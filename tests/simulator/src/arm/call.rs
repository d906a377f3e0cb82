//! A call of ARM and what it can be answered with, without HTTP's types.
//! It looks nothing up.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, Uri, header};
use serde_json::Value;

use crate::state::{Azure, Change, Kind};
use crate::tokens::Caller;

/// What a caller gets: an answer or a refusal.
pub(super) type Answer = Result<Reply, Refused>;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
}

impl Reply {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Some(body),
        }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refused {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    pub(super) fn bad_content(message: &str) -> Self {
        Self::new(400, "InvalidRequestContent", message)
    }

    pub(super) fn not_found(code: &str, message: &str) -> Self {
        Self::new(404, code, message)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "The method is not supported here.")
    }
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    /// The path as it was sent, decoded.
    pub(super) path: String,
    /// Its segments, and the same in lower case.
    pub(super) segments: Vec<String>,
    pub(super) lower: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) caller: Caller,
    pub(super) correlation_id: String,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        method: &'a Method,
        uri: &Uri,
        headers: &'a HeaderMap,
        body: &'a [u8],
        caller: Caller,
        correlation_id: String,
    ) -> Self {
        let path = decode(uri.path());
        let segments: Vec<String> = path
            .trim_matches('/')
            .split('/')
            .map(str::to_owned)
            .collect();
        let lower = segments
            .iter()
            .map(|segment| segment.to_ascii_lowercase())
            .collect();
        let query =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned();
        let query = query
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        Self {
            method,
            path,
            segments,
            lower,
            query,
            headers,
            body,
            caller,
            correlation_id,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// Where the caller reached ARM: over TLS, unless it did on loopback.
    pub(super) fn base(&self) -> String {
        let host = self.header("host").unwrap_or("127.0.0.1");
        let scheme = if host.starts_with("127.0.0.1") {
            "http"
        } else {
            "https"
        };
        format!("{scheme}://{host}")
    }

    /// The segment after `subscriptions`.
    pub(super) fn subscription(&self) -> &str {
        self.segments.get(1).map_or("", String::as_str)
    }

    /// The api-version, which must be among these.
    pub(super) fn api_version<S: AsRef<str>>(
        &self,
        kind: &str,
        known: &[S],
    ) -> Result<&str, Refused> {
        let Some(asked) = self.query("api-version").filter(|asked| !asked.is_empty()) else {
            let message =
                "The api-version query parameter (?api-version=) is required for all requests.";
            return Err(Refused::new(400, "MissingApiVersionParameter", message));
        };
        if known
            .iter()
            .any(|version| version.as_ref().eq_ignore_ascii_case(asked))
        {
            return Ok(asked);
        }
        let list = known
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<_>>()
            .join(", ");
        let (code, message) = match kind.split_once('/') {
            None => (
                "InvalidApiVersionParameter",
                format!(
                    "The api-version '{asked}' is invalid. The supported versions are '{list}'."
                ),
            ),
            Some((namespace, kind)) => (
                "NoRegisteredProviderFound",
                format!(
                    "No registered resource provider found for API version '{asked}' for type '{kind}' of '{namespace}'. The supported api-versions are '{list}'."
                ),
            ),
        };
        Err(Refused::new(400, code, &message))
    }

    /// Whether the caller may do this here.
    pub(super) fn authorize(
        &self,
        azure: &Azure,
        action: &str,
        scope: &str,
    ) -> Result<(), Refused> {
        if azure.holds_right(action, scope) && !azure.is_denied(action, scope) {
            return Ok(());
        }
        Err(self.refused(action, scope))
    }

    /// The refusal of an action.
    pub(super) fn refused(&self, action: &str, scope: &str) -> Refused {
        let Caller {
            client_id,
            principal_id,
        } = &self.caller;
        let condition = if action.ends_with("roleAssignments/write") {
            " or an ABAC condition not fulfilled"
        } else {
            ""
        };
        let message = format!(
            "The client '{client_id}' with object id '{principal_id}' does not have authorization{condition} to perform action '{action}' over scope '{scope}' or the scope is invalid."
        );
        Refused::new(403, "AuthorizationFailed", &message)
    }

    /// The subscription must exist.
    pub(super) fn known_subscription(&self, azure: &Azure) -> Result<(), Refused> {
        let known = azure
            .subscriptions
            .get(&self.subscription().to_ascii_lowercase());
        if known.is_some_and(|known| known.is_visible) {
            return Ok(());
        }
        let message = format!(
            "The subscription '{}' could not be found.",
            self.subscription()
        );
        Err(Refused::not_found("SubscriptionNotFound", &message))
    }

    pub(super) fn expect_method(&self, method: &Method) -> Result<(), Refused> {
        if self.method == method {
            Ok(())
        } else {
            Err(Refused::method_not_allowed())
        }
    }

    /// The body, which must be a JSON object and be called one.
    pub(super) fn json_body(&self) -> Result<serde_json::Map<String, Value>, Refused> {
        let kind = self
            .header(header::CONTENT_TYPE.as_str())
            .unwrap_or_default();
        if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
            return Err(Refused::new(
                415,
                "UnsupportedMediaType",
                "The content media type is not supported. Only 'application/json' is.",
            ));
        }
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(body)) => Ok(body),
            _ => Err(Refused::bad_content(
                "The request content was invalid and could not be deserialized.",
            )),
        }
    }

    /// What a write of this caller raises an event with.
    pub(super) fn change(&self, subject: &str, operation: &str) -> Change {
        Change {
            subject: subject.to_owned(),
            operation: operation.to_owned(),
            kind: Kind::Update,
            client_id: self.caller.client_id.clone(),
            correlation_id: self.correlation_id.clone(),
        }
    }
}

/// Undoes percent-encoding.
pub(crate) fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'%').then(|| tail.get(..2)).flatten();
        let code = code
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
