//! The envelope of a result: CloudEvents 1.0 in structured mode, and its published schema.
//!
//! It must not hold anything of the result itself.

use schemars::JsonSchema;
use serde::Serialize;
use vaultbind_core::result::BindingResult;

/// A result in CloudEvents 1.0 structured mode.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(
    title = "Vaultbind result",
    description = "A message on the results queue: a CloudEvent 1.0 in structured mode."
)]
pub struct ResultEvent {
    /// Always `1.0`.
    pub(super) specversion: String,
    /// The same for a repeated delivery of the same request.
    pub(super) id: String,
    /// The name of the function app.
    pub(super) source: String,
    /// `vaultbind.binding.<outcome>`.
    pub(super) r#type: String,
    /// The resource id of the cluster.
    pub(super) subject: String,
    /// When the reconcile ended, RFC 3339.
    pub(super) time: String,
    /// Always `application/json`.
    pub(super) datacontenttype: String,
    /// The W3C trace of the event that led here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) traceparent: Option<String>,
    /// The result.
    pub(super) data: BindingResult,
}

/// The published JSON Schema of the messages on the results queue, as text.
pub fn schema() -> String {
    let schema = schemars::schema_for!(ResultEvent);
    let mut text = format!("{:#}", schema.to_value());
    text.push('\n');
    text
}
